//! A network's layers as ONNX operators, for the crate that writes the file.

/// A layer in inference, as an operator of the ONNX specification.
#[derive(Clone, Debug, PartialEq)]
pub struct Operator {
    /// Name of the operator.
    pub op_type: &'static str,
    /// Its attributes, by name.
    pub attributes: Vec<(&'static str, Attribute)>,
    /// Its constant inputs, in the operator's order, after the layer's input.
    pub weights: Vec<Weights>,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A number.
    Float(f32),
    /// A whole number.
    Int(i64),
    /// Several whole numbers.
    Ints(Vec<i64>),
}

/// A constant input.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    /// Its name within the layer, such as `bias`.
    pub name: &'static str,
    /// Its shape.
    pub dimensions: Vec<usize>,
    /// Its values, the last dimension fastest.
    pub values: Vec<f32>,
}

impl Operator {
    /// An operator without attributes and weights.
    pub(crate) fn new(op_type: &'static str) -> Self {
        Self { op_type, attributes: Vec::new(), weights: Vec::new() }
    }
}

impl Weights {
    pub(crate) fn new<const D: usize>(name: &'static str, tensor: burn::tensor::Tensor<D>) -> Self {
        let dimensions = tensor.dims().to_vec();
        let values = tensor.into_data().try_into_vec().expect("the network computes in f32");
        Self { name, dimensions, values }
    }
}
