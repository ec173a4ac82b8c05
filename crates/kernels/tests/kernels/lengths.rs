//! Arrays whose lengths do not match cause a panic, not wrong numbers.

use std::panic::{AssertUnwindSafe, catch_unwind};

use kernels::{
    Adam, BatchNorm, BatchNormBackward, ConvBackward, Dense, DenseBackward, Filters, Isa, Order,
    Shape, adam, average, batch_norm, batch_norm_backward, conv_relu, conv_relu_backward,
    conv_relu_pool, conv_relu_pool_backward, dense, dense_backward, moments,
};

const N: usize = 4;
const SHAPE: Shape = Shape { channels_in: 2, channels_out: 3, height: 7, width: 6 };
/// Pooling leaves nothing of this shape.
const FLAT: Shape = Shape { height: 3, ..SHAPE };

/// Asserts that `call` panics if one of the lengths is wrong.
#[track_caller]
fn assert_each_length_matters<const N: usize>(right: [usize; N], call: impl Fn([usize; N])) {
    call(right);
    for at in 0..N {
        for wrong in [0, right[at].saturating_sub(1), right[at] + 1, 2 * right[at]] {
            let mut lengths = right;
            lengths[at] = wrong;
            let panics = catch_unwind(AssertUnwindSafe(|| call(lengths))).is_err();
            assert_eq!(panics, wrong != right[at], "{wrong} for {} as number {at}", right[at]);
        }
    }
}

fn zeros(n: usize) -> Vec<f32> {
    vec![0.0; n]
}

#[test]
fn forward_convolutions_panic_if_lengths_do_not_match() {
    for isa in Isa::available() {
        for shape in [SHAPE, FLAT] {
            let [weights, bias, x] = [shape.weights(), shape.channels_out, N * shape.input()];
            let right = [weights, bias, x, N * shape.output()];
            assert_each_length_matters(right, |[weights, bias, x, y]| {
                let [weights, bias, x, mut y] = [weights, bias, x, y].map(zeros);
                conv_relu(isa, shape, &weights, &bias, &x, &mut y);
            });
            let right = [weights, bias, x, N * shape.pooled()];
            let pooled = |[weights, bias, x, y]: [usize; 4], winners: Option<usize>| {
                let [weights, bias, x, mut y] = [weights, bias, x, y].map(zeros);
                let filters = Filters::new(isa, shape, &weights, &bias);
                let mut winners = winners.map(|n| vec![0; n]);
                conv_relu_pool(&filters, &x, Order::First, &mut y, winners.as_deref_mut());
            };
            let winners = N * shape.pooled();
            assert_each_length_matters([winners], |[winners]| pooled(right, Some(winners)));
            // An output of nothing fits any number of images.
            if shape != FLAT {
                assert_each_length_matters(right, |right| pooled(right, None));
            }
        }
    }
}

#[test]
fn backward_convolutions_panic_if_lengths_do_not_match() {
    for isa in Isa::available() {
        for shape in [SHAPE, FLAT] {
            let [weights, x] = [shape.weights(), N * shape.input()];
            let right = [weights, x, N * shape.output(), N * shape.output(), x];
            assert_each_length_matters(right, |lengths| {
                let [weights, x, y, dy, mut dx] = lengths.map(zeros);
                let conv = ConvBackward { shape, weights: &weights, x: &x };
                let _ = conv_relu_backward(isa, conv, &y, &dy, Some(&mut dx));
            });
            let right = [weights, x, N * shape.pooled(), N * shape.pooled(), x];
            assert_each_length_matters(right, |lengths| {
                let [weights, x, winners, dy, mut dx] = lengths.map(zeros);
                let winners = vec![0; winners.len()];
                let conv = ConvBackward { shape, weights: &weights, x: &x };
                let _ =
                    conv_relu_pool_backward(isa, conv, &winners, Order::First, &dy, Some(&mut dx));
            });
        }
    }
}

#[test]
fn dense_layers_panic_if_lengths_do_not_match() {
    let (n_in, n_out) = (9, 5);
    for isa in Isa::available() {
        let right = [n_in * n_out, n_out, N * n_in, N * n_out];
        assert_each_length_matters(right, |lengths| {
            let [weights, bias, x, mut y] = lengths.map(zeros);
            let layer = Dense { weights: &weights, bias: &bias, finite: true };
            dense(isa, layer, false, &x, &mut y);
        });
        let right = [n_in * n_out, N * n_in, N * n_out, N * n_in, n_in * n_out];
        assert_each_length_matters(right, |lengths| {
            let [weights, x, dy, mut dx, mut dw] = lengths.map(zeros);
            let layer = DenseBackward { weights: &weights, x: &x, dy: &dy, n_out };
            let _ = dense_backward(isa, layer, &mut dx, &mut dw);
        });
    }
}

#[test]
fn adam_panics_if_lengths_do_not_match() {
    let constants =
        Adam { learning_rate: 0.1, beta_1: 0.9, beta_2: 0.99, epsilon: 1e-7, weight_decay: 0.1 };
    for isa in Isa::available() {
        assert_each_length_matters([100; 4], |lengths| {
            let [gradients, mut weights, mut mean, mut mean_square] = lengths.map(zeros);
            adam(isa, constants, 1, &gradients, &mut weights, &mut mean, &mut mean_square);
        });
    }
}

#[test]
fn averages_panic_if_lengths_do_not_match() {
    for isa in Isa::available() {
        assert_each_length_matters([100; 2], |lengths| {
            let [values, mut averages] = lengths.map(zeros);
            average(isa, 0.5, &values, &mut averages);
        });
    }
}

#[test]
fn batch_normalisation_panics_if_lengths_do_not_match() {
    let (channels, numbers, epsilon) = (5, 35, 1e-5);
    for isa in Isa::available() {
        assert_each_length_matters(
            [channels, channels, channels, channels, numbers, numbers],
            |lengths| {
                let [gamma, beta, mean, variance, x, mut y] = lengths.map(zeros);
                let layer = BatchNorm {
                    gamma: &gamma,
                    beta: &beta,
                    mean: &mean,
                    variance: &variance,
                    epsilon,
                };
                batch_norm(isa, layer, &x, &mut y);
            },
        );
        assert_each_length_matters(
            [channels, channels, channels, numbers, numbers, numbers],
            |lengths| {
                let [gamma, mean, variance, x, dy, mut dx] = lengths.map(zeros);
                let (gamma, mean, variance) = (&gamma[..], &mean[..], &variance[..]);
                let layer = BatchNormBackward { gamma, mean, variance, epsilon, x: &x, dy: &dy };
                let _ = batch_norm_backward(isa, layer, &mut dx);
            },
        );
        for (channels, numbers) in [(0, 0), (0, 4), (3, 0), (3, 4), (4, 3)] {
            let moments = || moments(isa, channels, &zeros(numbers));
            assert!(catch_unwind(AssertUnwindSafe(moments)).is_err(), "{channels}, {numbers}");
        }
    }
}
