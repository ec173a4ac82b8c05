//! The layers' formulas: scalar, in float64, one image at a time.
//!
//! The tests compare every kernel with these, and the kernels fall back on them where a number is not finite: there
//! their shortcuts (transformed filters, skipped zeros) would not give what the formula gives.

use crate::shape::Shape;

/// The gradients of a layer, each in the layout of what it is the gradient of.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradients {
    /// Of the input.
    pub dx: Vec<f64>,
    /// Of the weights.
    pub dw: Vec<f64>,
    /// Of the biases.
    pub db: Vec<f64>,
}

/// Numbers in float64.
pub(crate) fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

/// `x` where it is above zero or NaN, else 0, as in Burn and PyTorch.
#[must_use]
pub fn relu(x: f64) -> f64 {
    if x.is_nan() || x > 0.0 { x } else { 0.0 }
}

/// Convolution, bias and ReLU.
///
/// # Shapes
/// - `x`: `[height, width, channels_in]`
/// - `weights`: `[channels_out, channels_in, 3, 3]`, `bias`: `[channels_out]`
/// - output: `[height - 2, width - 2, channels_out]`
#[must_use]
pub fn conv_relu(shape: Shape, weights: &[f64], bias: &[f64], x: &[f64]) -> Vec<f64> {
    let mut y = Vec::with_capacity(shape.output());
    for_each_output(shape, |at, o| {
        let mut sum = bias[o];
        for_each_tap(shape, at, o, |x_at, w_at| sum += x[x_at] * weights[w_at]);
        y.push(relu(sum));
    });
    y
}

/// Gradients of [`conv_relu`], from its output `y` and the gradient `dy` of that.
#[must_use]
pub fn conv_relu_backward(
    shape: Shape,
    weights: &[f64],
    x: &[f64],
    y: &[f64],
    dy: &[f64],
) -> Gradients {
    let mut dx = vec![0.0; shape.input()];
    let mut dw = vec![0.0; shape.weights()];
    let mut db = vec![0.0; shape.channels_out];
    let mut outputs = y.iter().zip(dy).map(|(y, dy)| if *y == 0.0 { 0.0 } else { *dy });
    for_each_output(shape, |at, o| {
        let dy = outputs.next().unwrap_or_default();
        db[o] += dy;
        for_each_tap(shape, at, o, |x_at, w_at| {
            dx[x_at] += dy * weights[w_at];
            dw[w_at] += dy * x[x_at];
        });
    });
    Gradients { dx, dw, db }
}

/// The place of each cell's maximum among its four, row by row: the first of equals, and the last NaN, as in Burn.
///
/// # Shapes
/// - `y`: `[height - 2, width - 2, channels_out]`, what [`conv_relu`] gives
/// - output: `[pooled rows, pooled columns, channels_out]`, each an index into `y`
#[must_use]
pub fn max_pool(shape: Shape, y: &[f64]) -> Vec<usize> {
    let [rows, columns] = shape.pooled_sides();
    let [_, width] = shape.output_sides();
    let mut places = Vec::with_capacity(shape.pooled());
    for row in 0..rows {
        for column in 0..columns {
            for o in 0..shape.channels_out {
                let place = |k: usize| {
                    ((row * 2 + k / 2) * width + column * 2 + k % 2) * shape.channels_out + o
                };
                let wins = |new: usize, old: usize| y[new].is_nan() || y[new] > y[old];
                places.push(
                    (1..4).map(place).fold(
                        place(0),
                        |old, new| {
                            if wins(new, old) { new } else { old }
                        },
                    ),
                );
            }
        }
    }
    places
}

/// A dense layer: `x * weights + bias`.
///
/// # Shapes
/// - `x`: `[n_in]`, `weights`: `[n_in, n_out]`, `bias` and output: `[n_out]`
#[must_use]
pub fn dense(weights: &[f64], bias: &[f64], x: &[f64]) -> Vec<f64> {
    let mut y = bias.to_vec();
    for (x, weights) in x.iter().zip(weights.chunks_exact(bias.len())) {
        y.iter_mut().zip(weights).for_each(|(y, w)| *y += x * w);
    }
    y
}

/// Gradients of [`dense`] for one input, from the gradient `dy` of its output.
#[must_use]
pub fn dense_backward(weights: &[f64], x: &[f64], dy: &[f64]) -> Gradients {
    let rows = weights.chunks_exact(dy.len());
    let dx = rows.map(|row| row.iter().zip(dy).map(|(w, dy)| w * dy).sum()).collect();
    let dw = x.iter().flat_map(|x| dy.iter().map(move |dy| x * dy)).collect();
    Gradients { dx, dw, db: dy.to_vec() }
}

/// Mean and biased variance of each channel, over all rows.
///
/// # Shapes
/// - `x`: `[rows, channels]`, at least one row; outputs: `[channels]`
#[must_use]
pub fn moments(channels: usize, x: &[f64]) -> [Vec<f64>; 2] {
    let rows = (x.len() / channels) as f64;
    let of_channel = |c: usize| x.iter().skip(c).step_by(channels);
    let mean: Vec<f64> = (0..channels).map(|c| of_channel(c).sum::<f64>() / rows).collect();
    let square = |c: usize| of_channel(c).map(|x| (x - mean[c]).powi(2)).sum::<f64>();
    let variance = (0..channels).map(|c| square(c) / rows).collect();
    [mean, variance]
}

/// Batch normalisation (Ioffe and Szegedy 2015, algorithm 1): `gamma * (x - mean) / sqrt(variance + epsilon) + beta`.
///
/// # Shapes
/// - `gamma`, `beta`, `mean`, `variance`: `[channels]`
/// - `x` and output: `[rows, channels]`
#[must_use]
pub fn batch_norm([gamma, beta, mean, variance]: [&[f64]; 4], epsilon: f64, x: &[f64]) -> Vec<f64> {
    let channels = gamma.len();
    let y = x.iter().enumerate().map(|(at, x)| {
        let c = at % channels;
        gamma[c] * (x - mean[c]) / (variance[c] + epsilon).sqrt() + beta[c]
    });
    y.collect()
}

/// Gradients of [`batch_norm`], from the gradient `dy` of its output, where `mean` and `variance` are the [`moments`]
/// of `x`: `dw` is that of `gamma` and `db` that of `beta`. The formulas are those of the paper's section 3,
/// substituted into each other.
///
/// # Shapes
/// - `gamma`, `mean`, `variance`: `[channels]`
/// - `x`, `dy`: `[rows, channels]`
#[must_use]
pub fn batch_norm_backward(
    [gamma, mean, variance]: [&[f64]; 3],
    epsilon: f64,
    x: &[f64],
    dy: &[f64],
) -> Gradients {
    let channels = gamma.len();
    let rows = (x.len() / channels) as f64;
    let deviation = |c: usize| (variance[c] + epsilon).sqrt();
    let normal = |at: usize| (x[at] - mean[at % channels]) / deviation(at % channels);
    let (mut dw, mut db) = (vec![0.0; channels], vec![0.0; channels]);
    for (at, dy) in dy.iter().enumerate() {
        dw[at % channels] += dy * normal(at);
        db[at % channels] += dy;
    }
    let dx = dy.iter().enumerate().map(|(at, dy)| {
        let c = at % channels;
        gamma[c] / deviation(c) * (dy - db[c] / rows - normal(at) * dw[c] / rows)
    });
    Gradients { dx: dx.collect(), dw, db }
}

/// Every output of the convolution in the order of its layout: the index of its window's first row and column, as
/// `[row, column]`, and its channel.
fn for_each_output(shape: Shape, mut f: impl FnMut([usize; 2], usize)) {
    let [rows, columns] = shape.output_sides();
    for row in 0..rows {
        for column in 0..columns {
            for o in 0..shape.channels_out {
                f([row, column], o);
            }
        }
    }
}

/// Every product of the window at `at`: the index of its input, and of the weight for output channel `o`.
fn for_each_tap(shape: Shape, at: [usize; 2], o: usize, mut f: impl FnMut(usize, usize)) {
    let Shape { channels_in, width, .. } = shape;
    for i in 0..channels_in {
        for ky in 0..3 {
            for kx in 0..3 {
                let x_at = ((at[0] + ky) * width + at[1] + kx) * channels_in + i;
                f(x_at, ((o * channels_in + i) * 3 + ky) * 3 + kx);
            }
        }
    }
}
