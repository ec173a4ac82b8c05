//! Convolutions 3x3 with what follows them.

use kernels::{Filters, Isa, Shape, goes_by_tiles};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::cnn::{Conv, KernelFormat, MaxPool, PoolSpec};
use tract_onnx::tract_core::ops::nn::DataFormat;

use super::graph::{bias, constant, numbers, per_picture, relu_after, sole_consumer};
use super::layer::Layer;
use super::operation::Operation;

/// Beyond as many input channels, and below those from which on it goes by tiles, a convolution that
/// is not pooled is tract's: the kernel sums each output directly, 9 products for each input channel,
/// where few of them leave nothing to gain by unrolling them for a matrix product.
const MAX_DIRECT_CHANNELS: usize = 4;
/// The most channels in or out: eight times what kiln's own network has. Winograd's form of filters
/// is at least four times as large as they are, and a damaged file could ask for more than the
/// machine has.
const MAX_CHANNELS: usize = 512;

/// A convolution with ReLU becomes one operation, and takes a pooling along if one follows.
pub(super) fn rule(
    _: &(),
    model: &TypedModel,
    node: &TypedNode,
    name: &str,
    conv: &Conv,
) -> TractResult<Option<TypedModelPatch>> {
    rule_if_some!(shape = shape(model, node, conv)?);
    rule_if_let!(&[x, weights, biases] = &node.inputs[..]);
    rule_if_some!(weights = constant(model, weights)?);
    let Shape { channels_in, channels_out, .. } = shape;
    rule_if!(*weights.shape() == [channels_out, channels_in, 3, 3]);
    rule_if_some!(biases = constant(model, biases)?);
    rule_if_some!(bias = bias(&biases, channels_out)?);
    rule_if_some!(relu = relu_after(model, node)?);

    let (isa, channels_last) = (Isa::best(), AxisOp::Move(1, 3));
    let mut patch = TypedModelPatch::default();
    let mut wire = patch.tap_model(model, x)?;
    // With one channel both layouts are the same numbers in the same order.
    if channels_in > 1 {
        wire = patch.wire_node(format!("{name}.in"), channels_last.clone(), &[wire])?[0];
    }
    if let Some(pool) = pool_after(model, relu, shape)? {
        let weights = numbers(&weights)?;
        let layer = Layer::ConvReluPool(Filters::new(isa, shape, weights, &bias));
        wire = patch.wire_node(name, Operation::new(layer), &[wire])?[0];
        patch.shunt_outside(model, pool.id.into(), wire)?;
    } else {
        let layer = if goes_by_tiles(shape) {
            Layer::ConvReluTiled(Filters::new(isa, shape, numbers(&weights)?, &bias))
        } else {
            rule_if!(channels_in <= MAX_DIRECT_CHANNELS);
            Layer::ConvRelu { isa, shape, weights, bias }
        };
        wire = patch.wire_node(name, Operation::new(layer), &[wire])?[0];
        wire = patch.wire_node(format!("{name}.out"), channels_last.recip(), &[wire])?[0];
        patch.shunt_outside(model, relu.id.into(), wire)?;
    }
    Ok(Some(patch))
}

/// The shape of a convolution of the kind that the kernels are for.
fn shape(model: &TypedModel, node: &TypedNode, conv: &Conv) -> TractResult<Option<Shape>> {
    let fact = model.outlet_fact(node.inputs[0])?;
    rule_if!(fact.datum_type == f32::datum_type());
    rule_if!(conv.q_params.is_none() && conv.group == 1 && conv.kernel_fmt == KernelFormat::OIHW);
    rule_if_some!(dims = per_picture(fact));
    rule_if_let!([channels_in, height, width] = dims[..]);
    rule_if!(is_plain(&conv.pool_spec, 3, 1, [height, width]));
    let channels_out = conv.output_channels();
    rule_if!([channels_in, channels_out].iter().all(|n| (1..=MAX_CHANNELS).contains(n)));
    rule_if!(height >= 3 && width >= 3);
    Ok(Some(Shape { channels_in, channels_out, height, width }))
}

/// The max-pooling 2x2 that follows `relu` and nothing else does.
fn pool_after<'a>(
    model: &'a TypedModel,
    relu: &TypedNode,
    shape: Shape,
) -> TractResult<Option<&'a TypedNode>> {
    rule_if_some!(node = sole_consumer(model, relu));
    rule_if_some!(pool = node.op_as::<MaxPool>());
    rule_if!(pool.with_index_outputs.is_none());
    rule_if!(is_plain(&pool.pool_spec, 2, 2, shape.output_sides()));
    // An odd last row or column is left out by the kernel; a file can ask for it to be kept.
    let [rows, columns] = shape.pooled_sides();
    let sides = per_picture(&node.outputs[0].fact);
    rule_if!(rows > 0 && columns > 0);
    rule_if!(sides.is_some_and(|sides| sides[..] == [shape.channels_out, rows, columns]));
    Ok(Some(node))
}

/// Whether windows of `side` by `side` step by `stride`, without gaps in them and without padding.
fn is_plain(spec: &PoolSpec, side: usize, stride: usize, input: [usize; 2]) -> bool {
    spec.data_format == DataFormat::NCHW
        && spec.kernel_shape[..] == [side; 2]
        && spec.strides()[..] == [stride; 2]
        && spec.dilations()[..] == [1; 2]
        && spec.computed_padding(&input).iter().all(|dim| dim.pad_before == 0 && dim.pad_after == 0)
}
