//! Adam against the papers' algorithms.

use kernels::{Adam, Isa, adam};
use proptest::prelude::*;

use crate::compare::*;
use crate::sample::*;

/// Roundings of a step, besides those of the corrections: three for each mean, which a step inherits from the last, and
/// for the weight's change a root, a sum, a product, a quotient and a difference.
const ROUNDINGS_OF_A_STEP: usize = 16;

/// No decay.
const PLAIN: Adam =
    Adam { learning_rate: 0.01, beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, weight_decay: 0.0 };

/// Kingma and Ba 2015, algorithm 1, with both means corrected and epsilon as it is: what the kernel's two factors have
/// to come to.
struct Exact {
    constants: Adam,
    weights: Vec<f64>,
    mean: Vec<f64>,
    mean_square: Vec<f64>,
    /// How far each weight has moved, all steps' magnitudes added.
    way: Vec<f64>,
}

impl Exact {
    fn new(constants: Adam, weights: &[f32]) -> Self {
        let zeros = vec![0.0; weights.len()];
        let [mean, mean_square, way] = [zeros.clone(), zeros.clone(), zeros];
        Self { constants, weights: wide(weights), mean, mean_square, way }
    }

    fn step(&mut self, time: i32, gradients: &[f32]) {
        let Adam { learning_rate, beta_1, beta_2, epsilon, weight_decay } = self.constants;
        let [rate, beta_1, beta_2, epsilon, decay] =
            [learning_rate, beta_1, beta_2, epsilon, weight_decay].map(f64::from);
        for (at, gradient) in gradients.iter().copied().map(f64::from).enumerate() {
            let (m, v) = (&mut self.mean[at], &mut self.mean_square[at]);
            *m = beta_1 * *m + (1.0 - beta_1) * gradient;
            *v = beta_2 * *v + (1.0 - beta_2) * gradient * gradient;
            let m_hat = *m / (1.0 - beta_1.powi(time));
            let v_hat = *v / (1.0 - beta_2.powi(time));
            let change = rate * m_hat / (v_hat.sqrt() + epsilon);
            let decay = rate * decay * self.weights[at];
            self.weights[at] -= change + decay;
            self.way[at] += change.abs() + decay.abs();
        }
    }
}

/// Roundings in `1 - beta^time`: those of the power, as much larger in the difference as that is smaller than 1.
fn of_correction(beta: f32, time: i32) -> usize {
    let time = time.max(1);
    (f64::from(time) / (1.0 - f64::from(beta).powi(time))).ceil() as usize
}

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn a_few_steps_are_those_of_the_paper(
        n in 0usize..300,
        seed in any::<u64>(),
        steps in 1i32..12,
        beta_1 in prop_oneof![Just(0.9f32), 0.0f32..0.95],
        beta_2 in prop_oneof![Just(0.999f32), 0.5f32..0.999],
        epsilon in prop_oneof![Just(1e-7f32), 1e-8f32..1e-2],
        weight_decay in prop_oneof![Just(0.0f32), Just(0.01f32), 0.0f32..10.0],
    ) {
        let constants =
            Adam { learning_rate: 0.01, beta_1, beta_2, epsilon, weight_decay };
        for isa in Isa::available() {
            let mut random = Random(seed);
            let mut weights = random.reals(n);
            let [mut mean, mut mean_square] = [vec![0.0; n], vec![0.0; n]];
            let mut exact = Exact::new(constants, &weights);
            let mut largest = vec![0.0_f64; n];
            for time in 1..=steps {
                // One in three is 0: a weight without a gradient moves on by its mean, or not at all.
                let gradients = random.reals(n);
                adam(isa, constants, time, &gradients, &mut weights, &mut mean, &mut mean_square);
                exact.step(time, &gradients);
                for (largest, gradient) in largest.iter_mut().zip(&gradients) {
                    *largest = largest.max(f64::from(gradient.abs()));
                }
            }
            let what = format!("{isa}, {n} numbers, {steps} steps");
            let own = ROUNDINGS_OF_A_STEP * steps as usize;
            assert_near(&mean, &exact.mean, &largest, own, format_args!("mean, {what}"));
            let squares: Vec<f64> = largest.iter().map(|gradient| gradient * gradient).collect();
            assert_near(&mean_square, &exact.mean_square, &squares, own, &what);
            // The first step's corrections lose most, the last one's power has most roundings.
            let corrections = [1, steps].map(|t| of_correction(beta_1, t) + of_correction(beta_2, t));
            let roundings = own + corrections[0].max(corrections[1]);
            // At least a step's: a mean of gradients of both signs is off by roundings of the largest, not of its own.
            let size = |(weight, way): (&f64, &f64)| (weight.abs() + way).max(0.01);
            let sizes: Vec<f64> = exact.weights.iter().zip(&exact.way).map(size).collect();
            assert_near(&weights, &exact.weights, &sizes, roundings, &what);
        }
    }
}

#[test]
fn the_first_step_is_the_learning_rate_in_the_gradients_direction() {
    let constants = Adam { learning_rate: 0.125, ..PLAIN };
    for isa in Isa::available() {
        let gradients = [3.0, -3.0, 1e-3, -40.0, 0.0, 1.0, -1.0, 2.0, -2.0];
        let mut weights = [1.0; 9];
        let [mut mean, mut mean_square] = [[0.0; 9]; 2];
        adam(isa, constants, 1, &gradients, &mut weights, &mut mean, &mut mean_square);
        for (gradient, weight) in gradients.into_iter().zip(weights) {
            let expected = 1.0 - 0.125 * if gradient == 0.0 { 0.0 } else { gradient.signum() };
            assert!((weight - expected).abs() < 1e-4, "{weight} {expected}, {isa}");
        }
    }
}

#[test]
fn a_gradient_that_is_not_finite_affects_only_its_weight() {
    let constants = Adam { learning_rate: 0.1, ..PLAIN };
    for isa in Isa::available() {
        for special in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut gradients = vec![1.0; 41];
            gradients[17] = special;
            let mut weights = vec![1.0; 41];
            let [mut mean, mut mean_square] = [vec![0.0; 41], vec![0.0; 41]];
            adam(isa, constants, 1, &gradients, &mut weights, &mut mean, &mut mean_square);
            let spoilt = weights.iter().enumerate().filter(|(_, weight)| weight.is_nan());
            assert_eq!(spoilt.map(|(at, _)| at).collect::<Vec<_>>(), [17], "{special}, {isa}");
        }
    }
}

#[test]
fn a_weight_without_gradients_decays_by_learning_rate_times_decay() {
    let constants = Adam { learning_rate: 0.5, weight_decay: 0.25, ..PLAIN };
    for isa in Isa::available() {
        let mut weights = [8.0, -8.0, 1.0, 0.0, 64.0, -0.5, 2.0, 4.0, 16.0];
        let expected = weights.map(|weight| weight * 0.875);
        let [mut mean, mut mean_square] = [[0.0; 9]; 2];
        adam(isa, constants, 1, &[0.0; 9], &mut weights, &mut mean, &mut mean_square);
        assert_eq!(weights, expected, "{isa}");
        assert_eq!([mean, mean_square], [[0.0; 9]; 2], "{isa}");
    }
}

/// To the last bit, and whatever the weight: 0 times an infinity would be NaN.
#[test]
fn without_decay_a_step_is_that_of_plain_adam() {
    let mut random = Random(9);
    let n = 1000;
    let gradients = random.reals(n);
    let [weights, mean, mut mean_square] = [(); 3].map(|()| random.reals(n));
    let weights: Vec<f32> =
        [f32::INFINITY, f32::NEG_INFINITY, -0.0].into_iter().chain(weights).take(n).collect();
    mean_square.iter_mut().for_each(|square| *square = square.abs());
    let Adam { learning_rate, beta_1, beta_2, epsilon, .. } = PLAIN;
    let power = |beta: f32| 1.0 - f64::from(beta).powi(3);
    let correction = power(beta_2).sqrt();
    let factor = (f64::from(learning_rate) * correction / power(beta_1)) as f32;
    let epsilon = (f64::from(epsilon) * correction) as f32;
    let mut expected = weights.clone();
    for (at, weight) in expected.iter_mut().enumerate() {
        let m = beta_1 * mean[at] + (1.0 - beta_1) * gradients[at];
        let v = beta_2 * mean_square[at] + (1.0 - beta_2) * (gradients[at] * gradients[at]);
        *weight -= factor * m / (v.sqrt() + epsilon);
    }
    for isa in Isa::available() {
        let [mut weights, mut mean, mut mean_square] =
            [weights.clone(), mean.clone(), mean_square.clone()];
        adam(isa, PLAIN, 3, &gradients, &mut weights, &mut mean, &mut mean_square);
        assert_eq!(bits(&weights), bits(&expected), "{isa}");
    }
}
