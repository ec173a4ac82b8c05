//! Every kernel, in every set of vector instructions that this CPU has, against its formula in float64.

#![allow(missing_docs, clippy::unwrap_used)]

mod adam;
mod average;
mod batch_norm;
mod compare;
mod convolution;
mod dense;
mod dropout;
mod lengths;
mod not_finite;
mod pooling;
mod reference;
mod sample;
mod sum_of_squares;
mod threads;
mod tiled_backward;
