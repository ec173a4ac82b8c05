//! Replaces 3x3 convolutions, with the ReLU and the pooling after them.

use kernels::{Filters, Isa, Shape, goes_by_tiles};
use tract_onnx::tract_core::internal::*;
use tract_onnx::tract_core::ops::cnn::{Conv, KernelFormat, MaxPool, PoolSpec};
use tract_onnx::tract_core::ops::nn::DataFormat;

use super::graph::{bias, constant, dims_per_image, relu_after, sole_consumer, values};
use super::layer::Layer;
use super::operation::Operation;

/// An unpooled convolution of more input channels than this, and of too few for the tiled kernel, is left to tract. The
/// direct kernel sums 9 products for each input channel of an output, which is faster than a matrix product only for
/// few channels.
const MAX_DIRECT_CHANNELS: usize = 4;
/// The most input or output channels: eight times those of kiln's own network. Filters transformed for Winograd's
/// algorithm are at least four times as large, and a damaged file could ask for more memory than the machine has.
const MAX_CHANNELS: usize = 512;

/// A convolution and its ReLU become one operation, together with a max-pooling directly after them.
pub(super) fn rule(
    _: &(),
    model: &TypedModel,
    node: &TypedNode,
    name: &str,
    conv: &Conv,
) -> TractResult<Option<TypedModelPatch>> {
    rule_if_some!((shape, padding) = shape(model, node, conv)?);
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
    // With one channel both layouts hold the same values in the same order.
    if channels_in > 1 {
        wire = patch.wire_node(format!("{name}.in"), channels_last.clone(), &[wire])?[0];
    }
    // The kernels have no padding: they take a copy that has it.
    let padded = |wire: OutletId, patch: &mut TypedModelPatch| -> TractResult<OutletId> {
        if padding == 0 {
            return Ok(wire);
        }
        let [height, width] = [shape.height, shape.width].map(|side| side - 2 * padding);
        let pad = Layer::Pad { height, width, channels: channels_in, padding };
        Ok(patch.wire_node(format!("{name}.pad"), Operation::new(pad), &[wire])?[0])
    };
    if let Some(pool) = pool_after(model, relu, shape)? {
        wire = padded(wire, &mut patch)?;
        let weights = values(&weights)?;
        let layer = Layer::ConvReluPool(Filters::new(isa, shape, weights, &bias));
        wire = patch.wire_node(name, Operation::new(layer), &[wire])?[0];
        patch.shunt_outside(model, pool.id.into(), wire)?;
    } else {
        let layer = if goes_by_tiles(shape) {
            Layer::ConvReluTiled(Filters::new(isa, shape, values(&weights)?, &bias))
        } else {
            rule_if!(channels_in <= MAX_DIRECT_CHANNELS);
            Layer::ConvRelu { isa, shape, weights, bias }
        };
        wire = padded(wire, &mut patch)?;
        wire = patch.wire_node(name, Operation::new(layer), &[wire])?[0];
        wire = patch.wire_node(format!("{name}.out"), channels_last.recip(), &[wire])?[0];
        patch.shunt_outside(model, relu.id.into(), wire)?;
    }
    Ok(Some(patch))
}

/// The shape of a convolution that the kernels implement, its input padded, and the width of that padding: 0, or 1 on all
/// sides.
fn shape(model: &TypedModel, node: &TypedNode, conv: &Conv) -> TractResult<Option<(Shape, usize)>> {
    let fact = model.outlet_fact(node.inputs[0])?;
    rule_if!(fact.datum_type == f32::datum_type());
    rule_if!(conv.q_params.is_none() && conv.group == 1 && conv.kernel_fmt == KernelFormat::OIHW);
    rule_if_some!(dims = dims_per_image(fact));
    rule_if_let!([channels_in, height, width] = dims[..]);
    rule_if_some!(padding = padding(&conv.pool_spec, 3, 1, [height, width]));
    rule_if!(padding <= 1);
    let [height, width] = [height, width].map(|side| side + 2 * padding);
    let channels_out = conv.output_channels();
    rule_if!([channels_in, channels_out].iter().all(|n| (1..=MAX_CHANNELS).contains(n)));
    rule_if!(height >= 3 && width >= 3);
    Ok(Some((Shape { channels_in, channels_out, height, width }, padding)))
}

/// The 2x2 max-pooling that is the only consumer of `relu`.
fn pool_after<'a>(
    model: &'a TypedModel,
    relu: &TypedNode,
    shape: Shape,
) -> TractResult<Option<&'a TypedNode>> {
    rule_if_some!(node = sole_consumer(model, relu));
    rule_if_some!(pool = node.op_as::<MaxPool>());
    rule_if!(pool.with_index_outputs.is_none());
    rule_if!(padding(&pool.pool_spec, 2, 2, shape.output_sides()) == Some(0));
    // The kernel drops an odd last row or column; a file can ask for it to be kept.
    let [rows, columns] = shape.pooled_sides();
    let sides = dims_per_image(&node.outputs[0].fact);
    rule_if!(rows > 0 && columns > 0);
    rule_if!(sides.is_some_and(|sides| sides[..] == [shape.channels_out, rows, columns]));
    Ok(Some(node))
}

/// The padding, equal on all sides, of windows of `side` by `side` that move by `stride`, without dilation; `None` for
/// other windows.
fn padding(spec: &PoolSpec, side: usize, stride: usize, input: [usize; 2]) -> Option<usize> {
    let is_plain = spec.data_format == DataFormat::NCHW
        && spec.kernel_shape[..] == [side; 2]
        && spec.strides()[..] == [stride; 2]
        && spec.dilations()[..] == [1; 2];
    let padding = spec.computed_padding(&input);
    let first = padding.first()?.pad_before;
    let is_even = padding.iter().all(|dim| dim.pad_before == first && dim.pad_after == first);
    (is_plain && is_even).then_some(first)
}
