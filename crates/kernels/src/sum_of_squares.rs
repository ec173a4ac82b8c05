//! The sum of squares, for the norm of gradients.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::isa::Isa;

/// Numbers of a task: a quarter of a second-level cache. The chunks' sums are added in their order, so that a sum
/// depends on this number and not on how many threads there are.
const CHUNK: usize = 1 << 15;
/// Independent partial sums: an addition takes four cycles and two vectors of four can start in each.
const SUMS: usize = 32;

/// The sum of the squares of `values`, in float64 throughout: the square of a float32 neither overflows nor is rounded
/// there. An infinity gives infinity, a NaN gives NaN.
#[must_use]
pub fn sum_of_squares(isa: Isa, values: &[f32]) -> f64 {
    let sums: Vec<f64> = values.par_chunks(CHUNK).map(|values| isa.run(Sum { values })).collect();
    sums.into_iter().sum()
}

struct Sum<'a> {
    values: &'a [f32],
}

impl WithSimd for Sum<'_> {
    type Output = f64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) -> f64 {
        let (blocks, rest) = self.values.as_chunks::<SUMS>();
        let mut sums = [0.0_f64; SUMS];
        for block in blocks {
            for (sum, &value) in sums.iter_mut().zip(block) {
                *sum += f64::from(value) * f64::from(value);
            }
        }
        let rest = rest.iter().map(|&value| f64::from(value) * f64::from(value));
        sums.into_iter().sum::<f64>() + rest.sum::<f64>()
    }
}
