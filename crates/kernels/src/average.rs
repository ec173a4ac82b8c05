//! Moving averages.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::isa::Isa;

/// Numbers of a task: the two arrays of one fill half of a second-level cache.
const CHUNK: usize = 1 << 15;

/// `averages = decay * averages + (1 - decay) * values` on rayon's threads, with `decay` in [0, 1]: the exponential
/// moving average, of weights over steps or of a batch's moments over batches.
///
/// # Panics
/// If the lengths differ.
pub fn average(isa: Isa, decay: f32, values: &[f32], averages: &mut [f32]) {
    assert_eq!(values.len(), averages.len());
    values
        .par_chunks(CHUNK)
        .zip(averages.par_chunks_mut(CHUNK))
        .for_each(|(values, averages)| isa.run(Average { decay, values, averages }));
}

struct Average<'a> {
    decay: f32,
    values: &'a [f32],
    averages: &'a mut [f32],
}

impl WithSimd for Average<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { decay, values, averages } = self;
        let rest = 1.0 - decay;
        for (average, &value) in averages.iter_mut().zip(values) {
            *average = decay * *average + rest * value;
        }
    }
}
