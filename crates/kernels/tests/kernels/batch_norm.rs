//! Batch normalisation, forward and backward.

use kernels::{
    BatchNorm, BatchNormBackward, Isa, Moments, batch_norm, batch_norm_backward,
    bordered_batch_norm, bordered_batch_norm_backward, bordered_moments, moments, reference,
};
use proptest::prelude::*;

use crate::compare::*;
use crate::sample::*;

/// Numbers of one test case: more would take the reference too long.
const NUMBERS: usize = 100_000;
/// The result, and in float64 the sums of it: of up to 100,000 terms, an error of a thousandth of a rounding.
const ROUNDINGS_OF_A_SUM: usize = 2;
/// A difference, the factor, a product and a sum; one for products of errors.
const ROUNDINGS_OF_AN_OUTPUT: usize = 5;
/// In each term a difference, and the result; one for products of errors.
const ROUNDINGS_OF_GAMMA: usize = 3;
/// The mean of `dy`; a difference, the slope, what its sum inherits, and their product; two differences; the factor and
/// the product by it; two for products of errors.
const ROUNDINGS_OF_AN_INPUT: usize = 10;

#[derive(Clone, Copy, Debug)]
struct Layer {
    channels: usize,
    rows: usize,
    epsilon: f32,
    seed: u64,
}

/// Channels on both sides of several blocks and those of real layers, rows of up to several tasks.
fn layer() -> impl Strategy<Value = Layer> {
    let channels =
        prop_oneof![1usize..=9, 1usize..=70, Just(16), Just(32), Just(64), Just(128), Just(600)];
    let rows = prop_oneof![Just(1usize), 2usize..=20, 2usize..=1100];
    let epsilon = prop_oneof![Just(1e-5f32), Just(1e-3f32), 1e-6f32..1.0];
    (channels, rows, epsilon, any::<u64>()).prop_map(|(channels, rows, epsilon, seed)| Layer {
        channels,
        rows: rows.min(NUMBERS / channels).max(1),
        epsilon,
        seed,
    })
}

/// Numbers whose mean lies up to some deviations off 0.
fn numbers(random: &mut Random, Layer { channels, rows, .. }: Layer) -> Vec<f32> {
    let means = random.reals(channels);
    let numbers = random.reals(rows * channels);
    numbers.iter().enumerate().map(|(at, x)| x + 4.0 * means[at % channels]).collect()
}

fn means(channels: usize, values: &[f64]) -> Vec<f64> {
    reference::moments(channels, values)[0].clone()
}

fn check_moments(layer: Layer) {
    let channels = layer.channels;
    let x = numbers(&mut Random(layer.seed), layer);
    let [mean, variance] = reference::moments(channels, &wide(&x));
    let squares: Vec<f64> = x.iter().map(|x| f64::from(*x).powi(2)).collect();
    // The variance is a difference: what float64 loses goes by the squares.
    let lost = means(channels, &squares).into_iter().zip(&variance);
    let size: Vec<f64> = lost.map(|(square, variance)| variance + square * 1e-3).collect();
    for isa in Isa::available() {
        let got = moments(isa, channels, &x);
        let what = format!("{isa}, {layer:?}");
        assert_near(&got.mean, &mean, &means(channels, &sizes(&x)), ROUNDINGS_OF_A_SUM, &what);
        assert_near(&got.variance, &variance, &size, ROUNDINGS_OF_A_SUM, &what);
        assert!(got.variance.iter().all(|variance| *variance >= 0.0), "{what}");
    }
}

fn check_forward(layer: Layer) {
    let Layer { channels, epsilon, seed, .. } = layer;
    let mut random = Random(seed);
    let x = numbers(&mut random, layer);
    let [gamma, beta] = [(); 2].map(|()| random.reals(channels));
    let Moments { mean, variance } = moments(Isa::best(), channels, &x);
    let [wide_mean, wide_variance] = [wide(&mean), wide(&variance)];
    let exact = reference::batch_norm(
        [&wide(&gamma), &wide(&beta), &wide_mean, &wide_variance],
        f64::from(epsilon),
        &wide(&x),
    );
    // Of magnitudes: the distances from the mean, whose own mean is 0 here.
    let distance = |(at, x): (usize, &f32)| (f64::from(*x) - wide_mean[at % channels]).abs();
    let distances: Vec<f64> = x.iter().enumerate().map(distance).collect();
    let size = reference::batch_norm(
        [&sizes(&gamma), &sizes(&beta), &vec![0.0; channels], &wide_variance],
        f64::from(epsilon),
        &distances,
    );
    for isa in Isa::available() {
        let layer_of =
            BatchNorm { gamma: &gamma, beta: &beta, mean: &mean, variance: &variance, epsilon };
        let mut y = vec![f32::NAN; x.len()];
        batch_norm(isa, layer_of, &x, &mut y);
        let what = format!("{isa}, {layer:?}");
        assert_near(&y, &exact, &size, ROUNDINGS_OF_AN_OUTPUT, &what);
        for (x, y) in x.chunks_exact(channels).zip(y.chunks_exact(channels)) {
            let mut alone = vec![f32::NAN; channels];
            batch_norm(isa, layer_of, x, &mut alone);
            assert_eq!(bits(&alone), bits(y), "{what}");
        }
    }
}

fn check_backward(layer: Layer) {
    let Layer { channels, rows, epsilon, seed } = layer;
    let mut random = Random(seed);
    let x = numbers(&mut random, layer);
    let (gamma, dy) = (random.reals(channels), random.reals(x.len()));
    let Moments { mean, variance } = moments(Isa::best(), channels, &x);
    let [wide_mean, wide_variance] = [wide(&mean), wide(&variance)];
    let exact = reference::batch_norm_backward(
        [&wide(&gamma), &wide_mean, &wide_variance],
        f64::from(epsilon),
        &wide(&x),
        &wide(&dy),
    );
    // Of magnitudes, with sums where the formula has differences.
    let rows = rows as f64;
    let deviation = |c: usize| (wide_variance[c] + f64::from(epsilon)).sqrt();
    let normal =
        |at: usize| (f64::from(x[at]) - wide_mean[at % channels]).abs() / deviation(at % channels);
    let (mut of_gamma, mut of_beta) = (vec![0.0; channels], vec![0.0; channels]);
    for (at, dy) in sizes(&dy).into_iter().enumerate() {
        of_gamma[at % channels] += dy * normal(at);
        of_beta[at % channels] += dy;
    }
    let of_input = sizes(&dy).into_iter().enumerate().map(|(at, dy)| {
        let c = at % channels;
        let sum = dy + of_beta[c] / rows + normal(at) * of_gamma[c] / rows;
        f64::from(gamma[c].abs()) / deviation(c) * sum
    });
    let of_input: Vec<f64> = of_input.collect();
    let (gamma, mean, variance) = (&gamma[..], &mean[..], &variance[..]);
    let backward = BatchNormBackward { gamma, mean, variance, epsilon, x: &x, dy: &dy };
    for isa in Isa::available() {
        let mut dx = vec![f32::NAN; x.len()];
        let (dgamma, dbeta) = batch_norm_backward(isa, backward, &mut dx);
        let what = format!("{isa}, {layer:?}");
        assert_near(&dbeta, &exact.db, &of_beta, ROUNDINGS_OF_A_SUM, format_args!("dbeta, {what}"));
        let roundings = ROUNDINGS_OF_GAMMA;
        assert_near(&dgamma, &exact.dw, &of_gamma, roundings, format_args!("dgamma, {what}"));
        let roundings = ROUNDINGS_OF_AN_INPUT;
        assert_near(&dx, &exact.dx, &of_input, roundings, format_args!("dx, {what}"));
    }
}

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn moments_lose_nothing_to_float32(layer in layer()) {
        check_moments(layer);
    }

    #[test]
    fn forward_rounds_no_more_than_it_must(layer in layer()) {
        check_forward(layer);
    }

    #[test]
    fn backward_rounds_no_more_than_it_must(layer in layer()) {
        check_backward(layer);
    }

    /// What is not finite spoils its channel as the formula has it, and no other. Gradients are compared where they are
    /// not finite, as elsewhere they are rounded.
    #[test]
    fn numbers_that_are_not_finite_come_through(
        channels in 1usize..40,
        rows in 1usize..600,
        seed in any::<u64>(),
    ) {
        let mut random = Random(seed);
        let [mut x, mut dy] = [(); 2].map(|()| random.wholes(rows * channels));
        let [mut gamma, mut beta, mut mean] = [(); 3].map(|()| random.wholes(channels));
        // The root of both together is 1.
        let (mut variance, epsilon) = (vec![0.75; channels], 0.25);
        let arrays = [&mut x, &mut dy, &mut gamma, &mut beta, &mut mean, &mut variance];
        for _ in 0..random.below(2) + 1 {
            let array = random.below(arrays.len());
            random.spoil(&mut *arrays[array]);
        }
        // There is no negative one.
        variance.iter_mut().for_each(|variance| *variance = variance.abs());
        let [wide_gamma, wide_beta, wide_mean, wide_variance] =
            [&gamma, &beta, &mean, &variance].map(|values| wide(values));
        let constants = [&wide_gamma[..], &wide_beta, &wide_mean, &wide_variance];
        let y = reference::batch_norm(constants, f64::from(epsilon), &wide(&x));
        let constants = [&wide_gamma[..], &wide_mean, &wide_variance];
        let back =
            reference::batch_norm_backward(constants, f64::from(epsilon), &wide(&x), &wide(&dy));
        let (gamma, mean, variance) = (&gamma[..], &mean[..], &variance[..]);
        for isa in Isa::available() {
            let what = format!("{isa}, {rows} rows, {channels} channels");
            let mut got = vec![0.0; x.len()];
            batch_norm(isa, BatchNorm { gamma, beta: &beta, mean, variance, epsilon }, &x, &mut got);
            assert_same(&got, &y, format_args!("y, {what}"));
            let layer = BatchNormBackward { gamma, mean, variance, epsilon, x: &x, dy: &dy };
            let (dgamma, dbeta) = batch_norm_backward(isa, layer, &mut got);
            assert_same(&dgamma, &back.dw, format_args!("dgamma, {what}"));
            assert_same(&dbeta, &back.db, format_args!("dbeta, {what}"));
            for (at, (got, exact)) in got.iter().zip(&back.dx).enumerate() {
                // An infinite factor of a difference that is 0, or all but 0 where it is rounded otherwise.
                let alike = got.is_finite() || !gamma[at % channels].is_finite();
                let same = alike && got.is_finite() == exact.is_finite()
                    || got.is_nan() && exact.is_nan()
                    || f64::from(*got) == *exact;
                prop_assert!(same, "dx, {}: {} for {} at {}", what, got, exact, at);
            }
            let [mean, variance] = reference::moments(channels, &wide(&x));
            let got = moments(isa, channels, &x);
            let finite = |values: &[f64]| values.iter().map(|x| x.is_finite()).collect::<Vec<_>>();
            prop_assert_eq!(finite(&wide(&got.mean)), finite(&mean), "{}", what);
            prop_assert_eq!(finite(&wide(&got.variance)), finite(&variance), "{}", what);
            let nan = variance.iter().filter(|variance| !variance.is_finite());
            prop_assert!(nan.clone().all(|variance| variance.is_nan()), "{}", what);
        }
    }
}

/// Sums in float32 would have no digit of this variance right.
#[test]
fn a_mean_far_from_zero_leaves_the_variance_exact() {
    for isa in Isa::available() {
        for channels in [1, 16, 19] {
            let row = |row: usize| vec![4096.0 + (row % 2) as f32; channels];
            let x: Vec<f32> = (0..10_000).flat_map(row).collect();
            let Moments { mean, variance } = moments(isa, channels, &x);
            assert_eq!(mean, vec![4096.5; channels], "{isa}");
            assert_eq!(variance, vec![0.25; channels], "{isa}");
        }
    }
}

#[test]
fn a_constant_has_no_variance_below_zero() {
    for isa in Isa::available() {
        for value in [0.1, 1e-3, 77.7] {
            let variance = moments(isa, 3, &vec![value; 3 * 1001]).variance;
            let most = f64::from(value).powi(2) * 1e-12;
            let good = |v: &f32| *v >= 0.0 && f64::from(*v) < most;
            assert!(variance.iter().all(good), "{variance:?} of {value}, {isa}");
        }
    }
}

/// What padding and then [`batch_norm`] give, forward and backward.
fn check_bordered([n, height, width, channels]: [usize; 4], seed: u64) {
    let random = &mut Random(seed);
    let x = random.reals(n * height * width * channels);
    let row = (width + 2) * channels;
    let padded = |x: &[f32]| {
        let mut padded = vec![0.0; n * (height + 2) * row];
        let lines = x.chunks_exact(width * channels).enumerate();
        for (at, line) in lines {
            let at = (at / height * (height + 2) + at % height + 1) * row + channels;
            padded[at..][..line.len()].copy_from_slice(line);
        }
        padded
    };
    let (padded_x, epsilon) = (padded(&x), 1e-3);
    let [gamma, beta] = [(); 2].map(|()| random.reals(channels));
    let dy = random.reals(padded_x.len());
    for isa in Isa::available() {
        let what = format!("{isa}, {n} of {height}x{width}, {channels} channels, seed {seed}");
        let sides = [height, width];
        let Moments { mean, variance } = bordered_moments(isa, channels, sides, &x);
        let whole = moments(isa, channels, &padded_x);
        assert_near(&mean, &wide(&whole.mean), &vec![1.0; channels], 1, &what);
        assert_near(&variance, &wide(&whole.variance), &vec![1.0; channels], 1, &what);

        let layer =
            BatchNorm { gamma: &gamma, beta: &beta, mean: &mean, variance: &variance, epsilon };
        let (mut y, mut expected) = (vec![f32::NAN; dy.len()], vec![f32::NAN; dy.len()]);
        bordered_batch_norm(isa, layer, sides, &x, &mut y);
        batch_norm(isa, layer, &padded_x, &mut expected);
        assert_eq!(bits(&y), bits(&expected), "{what}");

        let layer = |x, dy| BatchNormBackward {
            gamma: &gamma,
            mean: &mean,
            variance: &variance,
            epsilon,
            x,
            dy,
        };
        let (mut dx, mut of_padded) = (vec![f32::NAN; x.len()], vec![f32::NAN; dy.len()]);
        let got = bordered_batch_norm_backward(isa, layer(&x, &dy), sides, &mut dx);
        let expected = batch_norm_backward(isa, layer(&padded_x, &dy), &mut of_padded);
        // The order of the sums in float64 differs, and what it rounds to float32 may by one rounding.
        let most = vec![(n * (height + 2) * (width + 2)) as f64; channels];
        let deviations = variance.iter().map(|v| (f64::from(*v) + 1e-3).sqrt());
        let size: Vec<f64> = most.iter().zip(deviations).map(|(n, d)| n / d).collect();
        assert_near(&got.0, &wide(&expected.0), &size, 1, &what);
        assert_near(&got.1, &wide(&expected.1), &most, 1, &what);
        let inside = of_padded.chunks_exact(row).enumerate();
        let inside = inside.filter(|(at, _)| (1..=height).contains(&(at % (height + 2))));
        let inside: Vec<f32> =
            inside.flat_map(|(_, row)| row[channels..][..width * channels].to_vec()).collect();
        // At most 1 / sqrt(epsilon), 32, times some numbers of at most 1.
        let size = vec![128.0; dx.len()];
        assert_near(&dx, &wide(&inside), &size, 1, &what);
    }
}

proptest! {
    #![proptest_config(config(48))]

    #[test]
    fn a_border_of_zeros_gives_what_padding_gives(
        n in 1usize..=6,
        height in 1usize..=9,
        width in 1usize..=9,
        channels in prop_oneof![1usize..=9, 1usize..=40, Just(600)],
        seed in any::<u64>(),
    ) {
        check_bordered([n, height, width, channels], seed);
    }
}
