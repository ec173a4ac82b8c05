//! The network's layers on the CPU: plain functions over slices, for training and for serving.
//!
//! | layer | forward | backward |
//! |---|---|---|
//! | convolution, ReLU | [`conv_relu`], [`conv_relu_tiled`] | [`conv_relu_backward`] |
//! | convolution, ReLU, max-pooling | [`conv_relu_pool`] | [`conv_relu_pool_backward`] |
//! | dense, with or without ReLU | [`dense()`] | [`relu_backward`], [`dense_backward`] |
//! | batch normalisation | [`moments`], [`batch_norm()`] | [`batch_norm_backward()`] |
//! | the same after a border | [`bordered_moments`], [`bordered_batch_norm`] | [`bordered_batch_norm_backward`] |
//! | dropout | [`dropout()`] | [`dropout()`] with the same key |
//!
//! and for the optimiser [`adam()`], one step; [`sum_of_squares()`], for the norm of a gradient; and [`average()`], for
//! a moving average. The kernels are fast because they leave work out. Winograd's transforms take four times fewer
//! multiplications than a convolution's formula, forward and backward. After ReLU, pooling and dropout few outputs have a
//! gradient, and half of a dense layer's inputs are zero: where there are few channels both are listed, and the rest is
//! skipped.
//!
//! - [`mod@reference`] has every formula in float64; the tests compare all kernels with it.
//! - An [`Isa`] names the vector instructions: AVX-512, AVX2 with FMA, or none. All code but one transposition is safe.
//! - Sums are computed in a fixed order. Results depend on the `Isa`, not on the number of threads, and an image's not
//!   on the rest of its batch.
//! - A number that is not finite gives what the formula gives.
//! - Lengths that do not match are a bug of the caller: a kernel panics.

mod adam;
mod average;
mod batch_norm;
mod batch_norm_backward;
mod bordered_norm;
mod buffer;
mod channel_sums;
mod conv_relu;
mod conv_relu_backward;
mod conv_relu_pool;
mod conv_relu_pool_backward;
mod conv_tiled;
mod dense;
mod dense_backward;
mod dropout;
mod entries;
mod filter_gradients;
mod filter_rows;
mod filters;
mod gradients;
mod group;
mod isa;
pub mod reference;
mod shape;
mod sum_of_squares;
mod tile_gradients;
mod tile_transforms;
mod tiled_backward;
mod tiles;
mod transpose;
mod winograd;

pub use adam::{Adam, adam};
pub use average::average;
pub use batch_norm::{BatchNorm, Moments, batch_norm, moments};
pub use batch_norm_backward::{BatchNormBackward, batch_norm_backward};
pub use bordered_norm::{bordered_batch_norm, bordered_batch_norm_backward, bordered_moments};
pub use buffer::parallel_zeros;
pub use conv_relu::{conv_relu, conv_relu_tiled};
pub use conv_relu_backward::{ConvBackward, conv_relu_backward};
pub use conv_relu_pool::{NO_WINNER, Order, conv_relu_pool};
pub use conv_relu_pool_backward::conv_relu_pool_backward;
pub use conv_tiled::goes_by_tiles;
pub use dense::{Dense, all_finite, dense};
pub use dense_backward::{DenseBackward, dense_backward, relu_backward};
pub use dropout::dropout;
pub use filters::Filters;
pub use isa::Isa;
pub use shape::Shape;
pub use sum_of_squares::sum_of_squares;
pub use tiled_backward::{gradients_go_by_tiles, pooled_gradients_go_by_tiles};
