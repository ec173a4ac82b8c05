//! No bit depends on the number of threads or on the other images of a batch.

use kernels::{
    Adam, BatchNorm, BatchNormBackward, ConvBackward, Dense, DenseBackward, Filters, Isa, Moments,
    Order, Shape, adam, all_finite, average, batch_norm, batch_norm_backward, conv_relu,
    conv_relu_backward, conv_relu_pool, conv_relu_pool_backward, dense, dense_backward, dropout,
    moments, sum_of_squares,
};

use crate::compare::bits;
use crate::sample::*;

/// Five groups of images, the last one smaller than the others.
const IMAGES: usize = 37;
/// Few input channels and many, which are computed differently.
const SHAPES: [Shape; 3] = [
    Shape { channels_in: 5, channels_out: 19, height: 12, width: 9 },
    Shape { channels_in: 18, channels_out: 9, height: 8, width: 9 },
    Shape { channels_in: 18, channels_out: 21, height: 8, width: 9 },
];
/// Three tasks of rows, the last one smaller than the others.
const ROWS: usize = 70;
const N_IN: usize = 150;
const N_OUT: usize = 141;
/// Several tasks of numbers, the last one smaller than the others.
const NUMBERS: usize = 100_003;

/// Channels of a batch normalisation: two blocks and some more.
const CHANNELS: usize = 35;
/// Its rows: several tasks of them, the last one smaller than the others.
const PIXELS: usize = 1500;

/// The output of a kernel, with its name.
type Outputs = Vec<(&'static str, Vec<f32>)>;

fn convolutions(isa: Isa, shape: Shape) -> Outputs {
    let random = &mut Random(1);
    let case = Case { shape, n: IMAGES, seed: 0 };
    let Convolution { weights, bias, x } = Convolution::new(case, Numbers::Real, random);
    let conv = ConvBackward { shape, weights: &weights, x: &x };
    let (mut y, mut dx) = (vec![0.0; IMAGES * shape.output()], vec![0.0; x.len()]);
    conv_relu(isa, shape, &weights, &bias, &x, &mut y);
    let dy = random.reals(y.len());
    let (dw, db) = conv_relu_backward(isa, conv, &y, &dy, Some(&mut dx));
    let mut outputs = vec![("y", y), ("dx", dx.clone()), ("dw", dw), ("db", db)];

    let mut y = vec![0.0; IMAGES * shape.pooled()];
    let mut winners = vec![0; y.len()];
    conv_relu_pool(
        &Filters::new(isa, shape, &weights, &bias),
        &x,
        Order::First,
        &mut y,
        Some(&mut winners),
    );
    let dy = random.reals(y.len());
    let (dw, db) = conv_relu_pool_backward(isa, conv, &winners, Order::First, &dy, Some(&mut dx));
    outputs.extend([("pooled y", y), ("dx", dx), ("dw", dw), ("db", db)]);
    outputs.push(("winners", winners.into_iter().map(f32::from).collect()));
    outputs
}

fn others(isa: Isa) -> Outputs {
    let random = &mut Random(2);
    let [weights, bias, x, dy] =
        [N_IN * N_OUT, N_OUT, ROWS * N_IN, ROWS * N_OUT].map(|n| random.reals(n));
    let (mut y, mut dx, mut dw) = (dy.clone(), x.clone(), weights.clone());
    let layer = Dense { weights: &weights, bias: &bias, finite: true };
    dense(isa, layer, true, &x, &mut y);
    let layer = DenseBackward { weights: &weights, x: &x, dy: &dy, n_out: N_OUT };
    let db = dense_backward(isa, layer, &mut dx, &mut dw);
    let mut outputs = vec![("dense y", y), ("dense dx", dx), ("dense dw", dw), ("dense db", db)];

    let gradients = random.reals(NUMBERS);
    let mut dropped = gradients.clone();
    dropout(isa, 3, 0.4, &mut dropped);
    let [mut weights, mut mean, mut mean_square] = [(); 3].map(|()| random.reals(NUMBERS));
    mean_square.iter_mut().for_each(|square| *square = square.abs());
    let constants =
        Adam { learning_rate: 0.1, beta_1: 0.9, beta_2: 0.99, epsilon: 1e-7, weight_decay: 0.1 };
    adam(isa, constants, 2, &gradients, &mut weights, &mut mean, &mut mean_square);
    let finite = f32::from(all_finite(isa, &gradients));
    let mut averages = random.reals(NUMBERS);
    average(isa, 0.9, &gradients, &mut averages);
    // Both halves of a float64.
    let squares = sum_of_squares(isa, &gradients).to_bits();
    let squares = vec![f32::from_bits(squares as u32), f32::from_bits((squares >> 32) as u32)];
    outputs.extend([("average", averages), ("sum of squares", squares)]);
    outputs.extend([("dropout", dropped), ("adam", weights), ("adam's mean", mean)]);
    outputs.extend([("adam's mean square", mean_square), ("all_finite", vec![finite])]);
    outputs
}

fn batch_norms(isa: Isa) -> Outputs {
    let random = &mut Random(6);
    let n = CHANNELS * PIXELS;
    let [gamma, beta] = [(); 2].map(|()| random.reals(CHANNELS));
    let [mut x, dy] = [(); 2].map(|()| random.reals(n));
    // So far from 0 that a variance shows the last bit of its sums, which are of float64.
    x.iter_mut().for_each(|x| *x += 30_000.0);
    let Moments { mean, variance } = moments(isa, CHANNELS, &x);
    let (mut y, mut dx) = (vec![0.0; n], vec![0.0; n]);
    let [gamma, mean, variance] = [&gamma, &mean, &variance].map(|values| &values[..]);
    let epsilon = 1e-5;
    batch_norm(isa, BatchNorm { gamma, beta: &beta, mean, variance, epsilon }, &x, &mut y);
    let layer = BatchNormBackward { gamma, mean, variance, epsilon, x: &x, dy: &dy };
    let (dgamma, dbeta) = batch_norm_backward(isa, layer, &mut dx);
    let moments = [("mean", mean.to_vec()), ("variance", variance.to_vec())];
    let gradients = [("normalised dx", dx), ("dgamma", dgamma), ("dbeta", dbeta)];
    moments.into_iter().chain([("normalised y", y)]).chain(gradients).collect()
}

#[test]
fn any_number_of_threads_gives_the_same_bits() {
    for isa in Isa::available() {
        let mut first: Option<Outputs> = None;
        for threads in [1, 2, 3, 5] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let outputs = pool.install(|| {
                [
                    SHAPES.map(|shape| convolutions(isa, shape)).concat(),
                    others(isa),
                    batch_norms(isa),
                ]
                .concat()
            });
            let first = first.get_or_insert_with(|| outputs.clone());
            for ((name, first), (_, output)) in first.iter().zip(&outputs) {
                assert!(bits(first) == bits(output), "{name}, {threads} threads, {isa}");
            }
        }
    }
}

#[test]
fn an_image_gives_the_same_bits_alone_and_in_a_batch() {
    SHAPES.into_iter().for_each(check_images);
}

fn check_images(shape: Shape) {
    let random = &mut Random(4);
    let case = Case { shape, n: IMAGES, seed: 0 };
    let Convolution { weights, bias, x } = Convolution::new(case, Numbers::Real, random);
    let dy = random.reals(IMAGES * shape.output());
    for isa in Isa::available() {
        let filters = Filters::new(isa, shape, &weights, &bias);
        let forward = |x: &[f32]| {
            let n = x.len() / shape.input();
            let (mut y, mut pooled) =
                (vec![0.0; n * shape.output()], vec![0.0; n * shape.pooled()]);
            conv_relu(isa, shape, &weights, &bias, x, &mut y);
            let mut winners = vec![0; pooled.len()];
            conv_relu_pool(&filters, x, Order::First, &mut pooled, Some(&mut winners));
            (y, pooled, winners)
        };
        // The gradients of the input, of both convolutions; the pooled one's from as many numbers of the same.
        let backward = |x: &[f32], y: &[f32], dy: [&[f32]; 2], winners: &[u8]| {
            let conv = ConvBackward { shape, weights: &weights, x };
            let mut dx = [vec![0.0; x.len()], vec![0.0; x.len()]];
            let _ = conv_relu_backward(isa, conv, y, dy[0], Some(&mut dx[0]));
            let _ =
                conv_relu_pool_backward(isa, conv, winners, Order::First, dy[1], Some(&mut dx[1]));
            dx.map(|dx| bits(&dx))
        };
        let (y, pooled, winners) = forward(&x);
        let dx = backward(&x, &y, [&dy, &dy[..pooled.len()]], &winners);
        for image in 0..IMAGES {
            let of = |n: usize| image * n..(image + 1) * n;
            let (input, output) = (of(shape.input()), of(shape.output()));
            let x = &x[input.clone()];
            let alone = forward(x);
            assert_eq!(bits(&alone.0), bits(&y[output.clone()]), "{image}, {isa}");
            assert_eq!(bits(&alone.1), bits(&pooled[of(shape.pooled())]), "{image}, {isa}");
            assert_eq!(alone.2, winners[of(shape.pooled())], "{image}, {isa}");
            let gradients = [&dy[output], &dy[of(shape.pooled())]];
            let alone = backward(x, &alone.0, gradients, &alone.2);
            assert_eq!(alone[0], dx[0][input.clone()], "{image}, {isa}");
            assert_eq!(alone[1], dx[1][input], "{image}, {isa}");
        }
    }
}

#[test]
fn a_row_gives_the_same_bits_alone_and_in_a_batch() {
    let random = &mut Random(5);
    let [weights, bias, x, dy] =
        [N_IN * N_OUT, N_OUT, ROWS * N_IN, ROWS * N_OUT].map(|n| random.reals(n));
    for isa in Isa::available() {
        let layer = Dense { weights: &weights, bias: &bias, finite: true };
        let outputs = |x: &[f32], dy: &[f32]| {
            let (mut y, mut dx, mut dw) =
                (vec![0.0; dy.len()], vec![0.0; x.len()], vec![0.0; weights.len()]);
            dense(isa, layer, false, x, &mut y);
            let layer = DenseBackward { weights: &weights, x, dy, n_out: N_OUT };
            let _ = dense_backward(isa, layer, &mut dx, &mut dw);
            (bits(&y), bits(&dx))
        };
        let (y, dx) = outputs(&x, &dy);
        for (row, (x, dy)) in x.chunks_exact(N_IN).zip(dy.chunks_exact(N_OUT)).enumerate() {
            let alone = outputs(x, dy);
            assert_eq!(alone.0, y[row * N_OUT..][..N_OUT], "{row}, {isa}");
            assert_eq!(alone.1, dx[row * N_IN..][..N_IN], "{row}, {isa}");
        }
    }
}
