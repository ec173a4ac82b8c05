//! NaN and infinity give what the formula gives, in spite of shortcuts.
//!
//! All other numbers are whole, so that results are exact and no tolerance is needed.

use kernels::{
    ConvBackward, Dense, DenseBackward, Filters, Isa, NO_WINNER, Order, Shape, all_finite,
    conv_relu, conv_relu_backward, conv_relu_pool, conv_relu_pool_backward, dense, dense_backward,
    reference,
};
use proptest::prelude::*;

use crate::compare::*;
use crate::pooling::unpooled;
use crate::sample::*;

/// Puts numbers that are not finite into one of the arrays, or two.
fn spoil<const N: usize>(random: &mut Random, arrays: [&mut Vec<f32>; N]) {
    for _ in 0..random.below(2) + 1 {
        let array = random.below(N);
        random.spoil(arrays[array]);
    }
}

fn add(sum: &mut [f64], each: &[f64]) {
    sum.iter_mut().zip(each).for_each(|(sum, each)| *sum += each);
}

fn check_convolution(case: Case) {
    let Case { shape, n, seed } = case;
    let mut random = Random(seed);
    let Convolution { mut weights, mut bias, mut x } =
        Convolution::new(case, Numbers::Whole, &mut random);
    spoil(&mut random, [&mut weights, &mut bias, &mut x]);
    let mut y = Vec::new();
    for x in x.chunks_exact(shape.input()) {
        y.extend(reference::conv_relu(shape, &wide(&weights), &wide(&bias), &wide(x)));
    }
    let narrow: Vec<f32> = y.iter().map(|y| *y as f32).collect();
    let mut dy = random.wholes(n * shape.output());
    if random.below(2) == 0 {
        random.spoil(&mut dy);
    }
    let (mut dx, mut dw, mut db) =
        (vec![], vec![0.0; weights.len()], vec![0.0; shape.channels_out]);
    for (image, x) in x.chunks_exact(shape.input()).enumerate() {
        let range = image * shape.output()..(image + 1) * shape.output();
        let (y, dy) = (&y[range.clone()], wide(&dy[range]));
        let each = reference::conv_relu_backward(shape, &wide(&weights), &wide(x), y, &dy);
        dx.extend(each.dx);
        add(&mut dw, &each.dw);
        add(&mut db, &each.db);
    }
    for isa in Isa::available() {
        let mut got = vec![0.0; y.len()];
        conv_relu(isa, shape, &weights, &bias, &x, &mut got);
        assert_same(&got, &y, format_args!("y, {isa}, {case:?}"));
        let mut got = vec![0.0; x.len()];
        let conv = ConvBackward { shape, weights: &weights, x: &x };
        let got_sums = conv_relu_backward(isa, conv, &narrow, &dy, Some(&mut got));
        assert_same(&got, &dx, format_args!("dx, {isa}, {case:?}"));
        assert_same(&got_sums.0, &dw, format_args!("dw, {isa}, {case:?}"));
        assert_same(&got_sums.1, &db, format_args!("db, {isa}, {case:?}"));
    }
}

fn check_pooling(case: Case) {
    let Case { shape, n, seed } = case;
    let mut random = Random(seed);
    let Convolution { mut weights, mut bias, mut x } =
        Convolution::new(case, Numbers::Whole, &mut random);
    spoil(&mut random, [&mut weights, &mut bias, &mut x]);
    let mut dy = random.wholes(n * shape.pooled());
    if random.below(2) == 0 {
        random.spoil(&mut dy);
    }
    let (co, [_, width]) = (shape.channels_out, shape.output_sides());
    let cells = shape.pooled() / co;
    let mut y = vec![0.0; n * shape.pooled()];
    let mut winners = vec![NO_WINNER; n * shape.pooled()];
    let (mut dx, mut dw, mut db) = (vec![], vec![0.0; weights.len()], vec![0.0; co]);
    for (image, x) in x.chunks_exact(shape.input()).enumerate() {
        let first = image * shape.pooled();
        let before = reference::conv_relu(shape, &wide(&weights), &wide(&bias), &wide(x));
        for (at, place) in reference::max_pool(shape, &before).into_iter().enumerate() {
            y[first + at % co * cells + at / co] = before[place];
            if before[place] != 0.0 {
                let pixel = place / co;
                winners[first + at] = (pixel / width % 2 * 2 + pixel % width % 2) as u8;
            }
        }
        let range = first..first + shape.pooled();
        let dy = unpooled(shape, &winners[range.clone()], &wide(&dy[range]));
        let live = vec![1.0; shape.output()];
        let each = reference::conv_relu_backward(shape, &wide(&weights), &wide(x), &live, &dy);
        dx.extend(each.dx);
        add(&mut dw, &each.dw);
        add(&mut db, &each.db);
    }
    for isa in Isa::available() {
        let filters = Filters::new(isa, shape, &weights, &bias);
        let mut got = vec![0.0; y.len()];
        let mut got_winners = vec![u8::MAX; y.len()];
        conv_relu_pool(&filters, &x, Order::First, &mut got, Some(&mut got_winners));
        assert_same(&got, &y, format_args!("y, {isa}, {case:?}"));
        assert_eq!(got_winners, winners, "{isa}, {case:?}");
        got.fill(0.0);
        conv_relu_pool(&filters, &x, Order::First, &mut got, None);
        assert_same(&got, &y, format_args!("y without winners, {isa}, {case:?}"));
        let mut got = vec![0.0; x.len()];
        let conv = ConvBackward { shape, weights: &weights, x: &x };
        let got_sums =
            conv_relu_pool_backward(isa, conv, &winners, Order::First, &dy, Some(&mut got));
        assert_same(&got, &dx, format_args!("dx, {isa}, {case:?}"));
        assert_same(&got_sums.0, &dw, format_args!("dw, {isa}, {case:?}"));
        assert_same(&got_sums.1, &db, format_args!("db, {isa}, {case:?}"));
    }
}

fn check_dense([n, n_in, n_out]: [usize; 3], relu: bool, seed: u64) {
    let mut random = Random(seed);
    let [mut weights, mut bias, mut x, mut dy] =
        [n_in * n_out, n_out, n * n_in, n * n_out].map(|n| random.wholes(n));
    spoil(&mut random, [&mut weights, &mut bias, &mut x, &mut dy]);
    let (mut y, mut dx, mut dw, mut db) =
        (vec![], vec![], vec![0.0; n_in * n_out], vec![0.0; n_out]);
    for (x, dy) in x.chunks_exact(n_in).zip(dy.chunks_exact(n_out)) {
        let row = reference::dense(&wide(&weights), &wide(&bias), &wide(x));
        y.extend(row.into_iter().map(|y| if relu { reference::relu(y) } else { y }));
        let each = reference::dense_backward(&wide(&weights), &wide(x), &wide(dy));
        dx.extend(each.dx);
        add(&mut dw, &each.dw);
        add(&mut db, &each.db);
    }
    for isa in Isa::available() {
        let finite = all_finite(isa, &weights);
        let mut got = vec![0.0; y.len()];
        dense(isa, Dense { weights: &weights, bias: &bias, finite }, relu, &x, &mut got);
        let what = format!("{isa}, {n} rows, {n_in} to {n_out}");
        assert_same(&got, &y, format_args!("y, {what}"));
        let (mut got_dx, mut got_dw) = (vec![0.0; x.len()], vec![0.0; weights.len()]);
        let layer = DenseBackward { weights: &weights, x: &x, dy: &dy, n_out };
        let got_db = dense_backward(isa, layer, &mut got_dx, &mut got_dw);
        assert_same(&got_dx, &dx, format_args!("dx, {what}"));
        assert_same(&got_dw, &dw, format_args!("dw, {what}"));
        assert_same(&got_db, &db, format_args!("db, {what}"));
    }
}

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn a_convolution_gives_what_the_formula_gives(case in direct()) {
        check_convolution(case);
    }

    #[test]
    fn pooling_gives_what_the_formula_gives(case in direct()) {
        // Where pooling leaves nothing, nothing has a gradient, not even one of 0.
        prop_assume!(case.shape.pooled() > 0);
        check_pooling(case);
    }

    #[test]
    fn a_dense_layer_gives_what_the_formula_gives(
        n in 0usize..12,
        n_in in 1usize..150,
        n_out in 1usize..150,
        relu in any::<bool>(),
        seed in any::<u64>(),
    ) {
        check_dense([n, n_in, n_out], relu, seed);
    }
}

/// Winograd's transforms of these overflow, and their sums would be NaN.
#[test]
fn numbers_that_only_a_shortcut_makes_infinite_stay_finite() {
    let shape = Shape { channels_in: 2, channels_out: 3, height: 9, width: 7 };
    let weights = vec![0.5; shape.weights()];
    let x = vec![f32::MAX / 16.0; shape.input()];
    for isa in Isa::available() {
        let filters = Filters::new(isa, shape, &weights, &[0.0; 3]);
        let mut y = vec![f32::NAN; shape.pooled()];
        conv_relu_pool(&filters, &x, Order::First, &mut y, None);
        let expected = (9.0 * f64::from(f32::MAX / 16.0)) as f32;
        assert_eq!(y, vec![expected; shape.pooled()], "{isa}");
    }
    let shape = Shape { channels_in: 16, ..shape };
    let weights = vec![1.0 / 16.0; shape.weights()];
    // 2^124: its sums are exact.
    let large = f32::from_bits((127 + 124) << 23);
    let x = vec![large; shape.input()];
    for isa in Isa::available() {
        let mut y = vec![f32::NAN; shape.output()];
        conv_relu(isa, shape, &weights, &[0.0; 3], &x, &mut y);
        assert_eq!(y, vec![9.0 * large; shape.output()], "{isa}");
    }
}
