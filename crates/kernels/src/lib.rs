//! Kernels.
mod adam;
mod buffer;
mod conv_relu;
mod conv_relu_backward;
mod conv_relu_pool;
mod conv_relu_pool_backward;
mod dense;
mod dense_backward;
mod dropout;
mod entries;
mod gradients;
mod group;
mod isa;
pub mod reference;
mod shape;
mod transpose;
mod winograd;

pub use conv_relu::conv_relu;
pub use conv_relu_backward::{ConvBackward, conv_relu_backward};
pub use conv_relu_pool::{Filters, NO_WINNER, conv_relu_pool};
pub use conv_relu_pool_backward::conv_relu_pool_backward;
pub use adam::{Adam, adam};
pub use dense::{Dense, all_finite, dense};
pub use dense_backward::{DenseBackward, dense_backward, relu_backward};
pub use dropout::dropout;
pub use isa::Isa;
pub use shape::Shape;
