//! One step of Adam in one pass over memory.

use pulp::{Simd, WithSimd};
use rayon::prelude::*;

use crate::isa::Isa;

/// Numbers of a task: the four arrays of one fill half of a second-level cache.
const CHUNK: usize = 1 << 15;

/// Adam's constants (Kingma and Ba 2015, algorithm 1), with decay of the weights apart from the gradients (Loshchilov
/// and Hutter 2019, "Decoupled Weight Decay Regularization", algorithm 2).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Learning rate, above 0.
    pub learning_rate: f32,
    /// Decay of the mean of gradients, in [0, 1).
    pub beta_1: f32,
    /// Decay of the mean of squared gradients, in [0, 1).
    pub beta_2: f32,
    /// Added to the root of the mean square, above 0.
    pub epsilon: f32,
    /// Each step subtracts `learning_rate * weight_decay` times the weight from it, apart from the gradient's change;
    /// at least 0, and 0 means no decay.
    pub weight_decay: f32,
}

/// Step number `time`, counted from 1, on rayon's threads: updates the means of gradients and of their squares, and the
/// weights by them. Before the first step both means are 0.
///
/// The bias corrections of both means are one factor of the step and one of epsilon, as in Burn and Keras.
///
/// # Panics
/// If the lengths differ.
pub fn adam(
    isa: Isa,
    adam: Adam,
    time: i32,
    gradients: &[f32],
    weights: &mut [f32],
    mean: &mut [f32],
    mean_square: &mut [f32],
) {
    assert_eq!([gradients.len(); 3], [weights.len(), mean.len(), mean_square.len()]);
    // In f64: in f32 the difference of 1 and a power of almost 1 would lose most of its digits.
    let power = |beta: f32| 1.0 - f64::from(beta).powi(time);
    let correction = power(adam.beta_2).sqrt();
    let factor = (f64::from(adam.learning_rate) * correction / power(adam.beta_1)) as f32;
    let epsilon = (f64::from(adam.epsilon) * correction) as f32;
    let shrink = (f64::from(adam.learning_rate) * f64::from(adam.weight_decay)) as f32;
    let state = weights.par_chunks_mut(CHUNK).zip(mean.par_chunks_mut(CHUNK));
    gradients.par_chunks(CHUNK).zip(state.zip(mean_square.par_chunks_mut(CHUNK))).for_each(
        |(gradients, ((weights, mean), mean_square))| {
            isa.run(Step { adam, factor, epsilon, shrink, gradients, weights, mean, mean_square });
        },
    );
}

struct Step<'a> {
    adam: Adam,
    factor: f32,
    epsilon: f32,
    shrink: f32,
    gradients: &'a [f32],
    weights: &'a mut [f32],
    mean: &'a mut [f32],
    mean_square: &'a mut [f32],
}

impl WithSimd for Step<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { adam, factor, epsilon, shrink, .. } = self;
        let Adam { beta_1, beta_2, .. } = adam;
        let state = self.weights.iter_mut().zip(self.mean).zip(self.mean_square);
        for (((weight, mean), mean_square), &gradient) in state.zip(self.gradients) {
            *mean = beta_1 * *mean + (1.0 - beta_1) * gradient;
            *mean_square = beta_2 * *mean_square + (1.0 - beta_2) * (gradient * gradient);
            let change = factor * *mean / (mean_square.sqrt() + epsilon);
            // Not a product with 1 - shrink, which would keep only a digit or two of a shrink of 1e-7. Without decay an
            // infinite weight has to stay infinite, and 0 times it is NaN.
            let decayed = if shrink == 0.0 { *weight } else { *weight - shrink * *weight };
            *weight = decayed - change;
        }
    }
}
