//! The reference's gradients against differences of its outputs: what the kernels are compared with has to be correct.

use kernels::{Shape, reference};

use crate::compare::wide;
use crate::sample::Random;

/// Half of a difference's step. As a function of one number every layer is piecewise linear with few kinks. At this
/// step hardly any seed has a kink between the two points, and none of those below has one.
const STEP: f64 = 1e-6;
/// What float64's rounding (1e-16 of sums up to 100) leaves of a slope after division by the step.
const TOLERANCE: f64 = 1e-8;

const SHAPES: [Shape; 4] = [
    Shape { channels_in: 1, channels_out: 1, height: 4, width: 8 },
    Shape { channels_in: 2, channels_out: 3, height: 5, width: 6 },
    Shape { channels_in: 3, channels_out: 2, height: 7, width: 4 },
    Shape { channels_in: 1, channels_out: 4, height: 6, width: 9 },
];

/// Asserts that `gradient` is the slope of `loss` in each number of `at`, and that it is not all zeros.
#[track_caller]
fn assert_slopes(gradient: &[f64], at: &[f64], loss: impl Fn(&[f64]) -> f64) {
    assert_eq!(gradient.len(), at.len());
    assert!(gradient.iter().any(|gradient| *gradient != 0.0));
    for (index, gradient) in gradient.iter().enumerate() {
        let moved = |step| {
            let mut moved = at.to_vec();
            moved[index] += step;
            loss(&moved)
        };
        let slope = (moved(STEP) - moved(-STEP)) / (2.0 * STEP);
        assert!((gradient - slope).abs() < TOLERANCE, "{gradient} is no {slope} at {index}");
    }
}

fn numbers(random: &mut Random, n: usize) -> Vec<f64> {
    wide(&random.reals(n))
}

fn inner(a: &[f64], b: impl IntoIterator<Item = f64>) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn gradients_of_a_convolution_are_its_slopes() {
    for (seed, shape) in SHAPES.into_iter().enumerate() {
        let random = &mut Random(seed as u64);
        let [weights, x, dy] =
            [shape.weights(), shape.input(), shape.output()].map(|n| numbers(random, n));
        // Above 0, so that about as many outputs live as not.
        let bias = vec![0.3; shape.channels_out];
        let loss = |weights: &[f64], bias: &[f64], x: &[f64]| {
            inner(&dy, reference::conv_relu(shape, weights, bias, x))
        };
        let y = reference::conv_relu(shape, &weights, &bias, &x);
        let gradients = reference::conv_relu_backward(shape, &weights, &x, &y, &dy);
        assert_slopes(&gradients.dx, &x, |x| loss(&weights, &bias, x));
        assert_slopes(&gradients.dw, &weights, |weights| loss(weights, &bias, &x));
        assert_slopes(&gradients.db, &bias, |bias| loss(&weights, bias, &x));
    }
}

#[test]
fn gradients_through_max_pooling_are_its_slopes() {
    for (seed, shape) in SHAPES.into_iter().enumerate() {
        let random = &mut Random(20 + seed as u64);
        let [weights, x, dy] =
            [shape.weights(), shape.input(), shape.pooled()].map(|n| numbers(random, n));
        let bias = vec![0.3; shape.channels_out];
        // The highest of each cell, without the reference's places.
        let pooled = |y: &[f64]| -> Vec<f64> {
            let ([rows, columns], [_, width]) = (shape.pooled_sides(), shape.output_sides());
            let co = shape.channels_out;
            let cells =
                (0..rows * columns * co).map(|at| (at / co / columns, at / co % columns, at % co));
            cells
                .map(|(row, column, o)| {
                    let y = |i, j| y[((row * 2 + i) * width + column * 2 + j) * co + o];
                    y(0, 0).max(y(0, 1)).max(y(1, 0)).max(y(1, 1))
                })
                .collect()
        };
        let loss = |weights: &[f64], bias: &[f64], x: &[f64]| {
            inner(&dy, pooled(&reference::conv_relu(shape, weights, bias, x)))
        };
        let y = reference::conv_relu(shape, &weights, &bias, &x);
        let places = reference::max_pool(shape, &y);
        assert_eq!(places.iter().map(|&place| y[place]).collect::<Vec<_>>(), pooled(&y));
        let mut unpooled = vec![0.0; shape.output()];
        places.iter().zip(&dy).for_each(|(&place, dy)| unpooled[place] = *dy);
        let gradients = reference::conv_relu_backward(shape, &weights, &x, &y, &unpooled);
        assert_slopes(&gradients.dx, &x, |x| loss(&weights, &bias, x));
        assert_slopes(&gradients.dw, &weights, |weights| loss(weights, &bias, &x));
        assert_slopes(&gradients.db, &bias, |bias| loss(&weights, bias, &x));
    }
}

#[test]
fn gradients_of_a_dense_layer_are_its_slopes() {
    for (n_in, n_out) in [(1, 1), (7, 3), (4, 11)] {
        let random = &mut Random(n_in as u64);
        let [weights, bias, x, dy] = [n_in * n_out, n_out, n_in, n_out].map(|n| numbers(random, n));
        let loss = |weights: &[f64], bias: &[f64], x: &[f64]| {
            inner(&dy, reference::dense(weights, bias, x))
        };
        let gradients = reference::dense_backward(&weights, &x, &dy);
        assert_slopes(&gradients.dx, &x, |x| loss(&weights, &bias, x));
        assert_slopes(&gradients.dw, &weights, |weights| loss(weights, &bias, &x));
        assert_slopes(&gradients.db, &bias, |bias| loss(&weights, bias, &x));
    }
}

#[test]
fn gradients_of_a_batch_normalisation_are_its_slopes() {
    for (seed, (channels, rows)) in [(1, 3), (2, 5), (4, 9)].into_iter().enumerate() {
        let random = &mut Random(40 + seed as u64);
        let [gamma, beta] = [(); 2].map(|()| numbers(random, channels));
        let [x, dy] = [(); 2].map(|()| numbers(random, channels * rows));
        let epsilon = 0.125;
        // Mean and variance move with the input.
        let loss = |gamma: &[f64], beta: &[f64], x: &[f64]| {
            let [mean, variance] = reference::moments(channels, x);
            inner(&dy, reference::batch_norm([gamma, beta, &mean, &variance], epsilon, x))
        };
        let [mean, variance] = reference::moments(channels, &x);
        let gradients =
            reference::batch_norm_backward([&gamma, &mean, &variance], epsilon, &x, &dy);
        assert_slopes(&gradients.dx, &x, |x| loss(&gamma, &beta, x));
        assert_slopes(&gradients.dw, &gamma, |gamma| loss(gamma, &beta, &x));
        assert_slopes(&gradients.db, &beta, |beta| loss(&gamma, beta, &x));
    }
}

#[test]
fn moments_are_the_mean_and_the_mean_squared_deviation() {
    let x = [1.0, 10.0, 3.0, 10.0, 5.0, 40.0, 7.0, 20.0];
    assert_eq!(reference::moments(2, &x), [[4.0, 20.0], [5.0, 150.0]]);
}

#[test]
fn the_first_of_equals_wins_and_the_last_nan_above_all() {
    let shape = Shape { channels_in: 1, channels_out: 1, height: 4, width: 4 };
    let nan = f64::NAN;
    for (y, place) in [
        ([1.0, 1.0, 1.0, 1.0], 0),
        ([0.0, 1.0, 1.0, 0.0], 1),
        ([0.0, 1.0, 2.0, 3.0], 3),
        ([nan, 1.0, nan, 3.0], 2),
        ([nan, 1.0, f64::INFINITY, 3.0], 0),
    ] {
        assert_eq!(reference::max_pool(shape, &y), [place], "{y:?}");
    }
    assert_eq!(
        [reference::relu(-1.0), reference::relu(0.0), reference::relu(2.0)],
        [0.0, 0.0, 2.0]
    );
    assert!(reference::relu(nan).is_nan());
}
