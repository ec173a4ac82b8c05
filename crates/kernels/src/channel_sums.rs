//! Sums over rows, channel by channel, in float64.
//!
//! In float64 a product of two float32 is exact, and the difference of a mean of squares and a squared mean, which in
//! float32 could be rounding error only, has more correct digits than the input. It takes less time than reading the
//! input from memory.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::isa::Isa;

/// Rows of a task, and of a partial sum. Partial sums are added in their order, so that sums depend on this number and
/// not on how many threads there are. At 256, the two arrays of 128 channels fill half of a second-level cache.
pub(crate) const ROWS: usize = 256;
/// Channels whose sums are in registers at once: those of a cache line.
const CHANNELS: usize = 16;

/// For each channel, the sums over all rows of `a`, and of `a * (b - shift)` where the difference is one of float32.
///
/// # Shapes
/// - `a`, `b`: `[rows, channels]`, `shift`: `[channels]`, outputs: `[channels]`
pub(crate) fn channel_sums(isa: Isa, a: &[f32], b: &[f32], shift: &[f32]) -> [Vec<f64>; 2] {
    let channels = shift.len();
    let chunks = a.par_chunks(ROWS * channels).zip(b.par_chunks(ROWS * channels));
    let partial: Vec<[Vec<f64>; 2]> = chunks.map(|(a, b)| isa.run(Sums { a, b, shift })).collect();
    in_order(channels, partial)
}

/// The sum of partial sums, in their order.
pub(crate) fn in_order(channels: usize, partial: Vec<[Vec<f64>; 2]>) -> [Vec<f64>; 2] {
    let mut total = [vec![0.0; channels], vec![0.0; channels]];
    for partial in partial {
        for (total, sums) in total.iter_mut().zip(partial) {
            total.iter_mut().zip(sums).for_each(|(total, sum)| *total += sum);
        }
    }
    total
}

pub(crate) struct Sums<'a> {
    pub(crate) a: &'a [f32],
    pub(crate) b: &'a [f32],
    pub(crate) shift: &'a [f32],
}

impl WithSimd for Sums<'_> {
    type Output = [Vec<f64>; 2];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> [Vec<f64>; 2] {
        let channels = self.shift.len();
        let mut sums = [vec![0.0; channels], vec![0.0; channels]];
        add(&self, &mut sums);
        sums
    }
}

/// Adds the sums of all channels.
#[inline(always)]
pub(crate) fn add(op: &Sums, sums: &mut [Vec<f64>; 2]) {
    let channels = op.shift.len();
    let whole = channels - channels % CHANNELS;
    for first in (0..whole).step_by(CHANNELS) {
        add_rows::<CHANNELS>(op, first, sums);
    }
    for first in whole..channels {
        add_rows::<1>(op, first, sums);
    }
}

/// Adds the sums of `N` channels from `first` on, each over the rows in their order.
#[inline(always)]
fn add_rows<const N: usize>(op: &Sums, first: usize, [of_a, of_products]: &mut [Vec<f64>; 2]) {
    let channels = op.shift.len();
    let shift = block::<N>(&op.shift[first..]);
    let mut sums = [[0.0_f64; N]; 2];
    for (a, b) in op.a.chunks_exact(channels).zip(op.b.chunks_exact(channels)) {
        let (a, b) = (block::<N>(&a[first..]), block::<N>(&b[first..]));
        for i in 0..N {
            sums[0][i] += f64::from(a[i]);
            sums[1][i] += f64::from(a[i]) * f64::from(b[i] - shift[i]);
        }
    }
    for (total, sum) in of_a[first..][..N].iter_mut().zip(sums[0]) {
        *total += sum;
    }
    for (total, sum) in of_products[first..][..N].iter_mut().zip(sums[1]) {
        *total += sum;
    }
}

/// The first `N` numbers.
#[inline(always)]
fn block<const N: usize>(values: &[f32]) -> &[f32; N] {
    &values.as_chunks::<N>().0[0]
}
