//! Bytes as tensors.

use burn::tensor::{Device, Int, Tensor, TensorData};
use images::ImageShape;

/// Images of `shape`, one after the other, as grey levels `[batch, channels, height, width]`.
pub(crate) fn pixel_tensor(pixels: &[u8], shape: ImageShape, device: &Device) -> Tensor<4> {
    let [channels, height, width] = shape.dimensions();
    let batch = pixels.len() / shape.size();
    let levels: Vec<f32> = pixels.iter().copied().map(f32::from).collect();
    Tensor::from_data(TensorData::new(levels, [batch, channels, height, width]), device)
}

/// Class indices as targets `[batch]`.
pub(crate) fn target_tensor(labels: &[u16], device: &Device) -> Tensor<1, Int> {
    let targets: Vec<i64> = labels.iter().copied().map(i64::from).collect();
    Tensor::from_data(TensorData::new(targets, [labels.len()]), device)
}

/// The numbers of a tensor, row by row.
pub(crate) fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_into_vec().expect("the network computes in f32")
}
