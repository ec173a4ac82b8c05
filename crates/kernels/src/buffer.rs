//! Aligned buffers, and slices as vectors.

use aligned_vec::{AVec, ConstAlign};
use pulp::Simd;
use rayon::prelude::*;

/// Bytes of a cache line, and of the widest vector: aligned to it, no vector straddles two lines.
const LINE: usize = 64;

/// Numbers that start on a cache line.
pub(crate) type Buffer = AVec<f32, ConstAlign<LINE>>;

/// A vector of `len` zeros, written on rayon's threads: for an output of some megabytes one thread would take a
/// millisecond while the others wait.
#[must_use]
pub fn parallel_zeros(len: usize) -> Vec<f32> {
    /// Numbers of a task: half of a second-level cache.
    const CHUNK: usize = 1 << 17;
    let mut zeros = Vec::with_capacity(len);
    let spare = &mut zeros.spare_capacity_mut()[..len];
    spare.par_chunks_mut(CHUNK).for_each(|chunk| {
        for number in chunk {
            number.write(0.0);
        }
    });
    // SAFETY: the capacity is at least `len`, and each of the first `len` numbers was written above.
    unsafe { zeros.set_len(len) };
    zeros
}

/// A buffer of `len` zeros.
pub(crate) fn zeros(len: usize) -> Buffer {
    let mut buffer = AVec::new(LINE);
    buffer.resize(len, 0.0);
    buffer
}

/// `slice` as vectors; its length must be a multiple of theirs.
#[inline(always)]
pub(crate) fn vectors<S: Simd>(_: S, slice: &[f32]) -> &[S::f32s] {
    bytemuck::cast_slice(slice)
}

/// `slice` as vectors; its length must be a multiple of theirs.
#[inline(always)]
pub(crate) fn vectors_mut<S: Simd>(_: S, slice: &mut [f32]) -> &mut [S::f32s] {
    bytemuck::cast_slice_mut(slice)
}

/// The vector that starts at `index`.
#[inline(always)]
pub(crate) fn load<S: Simd>(simd: S, slice: &[f32], index: usize) -> S::f32s {
    vectors(simd, &slice[index..][..S::F32_LANES])[0]
}

/// Writes the vector that starts at `index`.
#[inline(always)]
pub(crate) fn store<S: Simd>(simd: S, slice: &mut [f32], index: usize, value: S::f32s) {
    vectors_mut(simd, &mut slice[index..][..S::F32_LANES])[0] = value;
}

/// Whether no number of `values` is infinite or NaN.
#[inline(always)]
pub(crate) fn all_finite<S: Simd>(simd: S, values: &[f32]) -> bool {
    let (whole, rest) = S::as_simd_f32s(values);
    let zero = simd.splat_f32s(0.0);
    // 0 times an infinity or NaN is NaN, and NaN stays in a sum. Four sums, as an addition takes four cycles.
    let mut sums = [zero; 4];
    let (fours, singles) = whole.as_chunks::<4>();
    for four in fours {
        for (sum, &x) in sums.iter_mut().zip(four) {
            *sum = simd.mul_add_f32s(x, zero, *sum);
        }
    }
    for &x in singles {
        sums[0] = simd.mul_add_f32s(x, zero, sums[0]);
    }
    let rest: f32 = rest.iter().map(|x| x * 0.0).sum();
    sums.into_iter().map(|sum| simd.reduce_sum_f32s(sum)).sum::<f32>() + rest == 0.0
}
