//! Dense layers, forward and backward, and ReLU's gradient.

use kernels::{
    Dense, DenseBackward, Isa, all_finite, dense, dense_backward, reference, relu_backward,
};
use proptest::prelude::*;

use crate::compare::*;
use crate::sample::*;

/// Products of one test case: more would take the reference too long.
const PRODUCTS: usize = 1_000_000;
/// Roundings besides those of the sum itself: the bias, the product before its addition where the two are not one.
const MORE_ROUNDINGS: usize = 2;

#[derive(Clone, Copy, Debug)]
struct Layer {
    n: usize,
    n_in: usize,
    n_out: usize,
    seed: u64,
}

/// Sides on both sides of several vectors and blocks, rows of up to three tasks.
fn layer() -> impl Strategy<Value = Layer> {
    let side = || prop_oneof![1usize..=20, 1usize..=300];
    let n = prop_oneof![Just(0usize), Just(1), 2usize..=9, 2usize..=70];
    (n, side(), side(), any::<u64>()).prop_map(|(n, n_in, n_out, seed)| Layer {
        n: n.min(PRODUCTS / (n_in * n_out)),
        n_in,
        n_out,
        seed,
    })
}

fn check_forward(layer: Layer, relu: bool, numbers: Numbers) {
    let Layer { n, n_in, n_out, seed } = layer;
    let mut random = Random(seed);
    let [weights, bias, x] = [n_in * n_out, n_out, n * n_in].map(|n| random.numbers(numbers, n));
    let formula = |of: fn(&[f32]) -> Vec<f64>| -> Vec<f64> {
        let (weights, bias) = (of(&weights), of(&bias));
        x.chunks_exact(n_in).flat_map(|x| reference::dense(&weights, &bias, &of(x))).collect()
    };
    let (mut exact, sizes) = (formula(wide), formula(sizes));
    if relu {
        exact.iter_mut().for_each(|y| *y = y.max(0.0));
    }
    let roundings = if numbers == Numbers::Whole { 0 } else { n_in + MORE_ROUNDINGS };
    for isa in Isa::available() {
        for finite in [false, true] {
            let mut y = vec![f32::NAN; n * n_out];
            dense(isa, Dense { weights: &weights, bias: &bias, finite }, relu, &x, &mut y);
            assert_near(&y, &exact, &sizes, roundings, format_args!("{isa}, {layer:?}"));
        }
    }
}

fn check_backward(layer: Layer, numbers: Numbers) {
    let Layer { n, n_in, n_out, seed } = layer;
    let mut random = Random(seed);
    let [weights, x, dy] = [n_in * n_out, n * n_in, n * n_out].map(|n| random.numbers(numbers, n));
    let formula = |of: fn(&[f32]) -> Vec<f64>| {
        let mut sum =
            reference::Gradients { dx: vec![], dw: vec![0.0; n_in * n_out], db: vec![0.0; n_out] };
        for (x, dy) in x.chunks_exact(n_in).zip(dy.chunks_exact(n_out)) {
            let each = reference::dense_backward(&of(&weights), &of(x), &of(dy));
            sum.dx.extend(each.dx);
            sum.dw.iter_mut().zip(each.dw).for_each(|(sum, dw)| *sum += dw);
            sum.db.iter_mut().zip(each.db).for_each(|(sum, db)| *sum += db);
        }
        sum
    };
    let (exact, sizes) = (formula(wide), formula(sizes));
    let [over_outputs, over_rows] = match numbers {
        Numbers::Whole => [0, 0],
        Numbers::Real => [n_out, n].map(|terms| terms + MORE_ROUNDINGS),
    };
    let backward = DenseBackward { weights: &weights, x: &x, dy: &dy, n_out };
    for isa in Isa::available() {
        let (mut dx, mut dw) = (vec![f32::NAN; x.len()], vec![f32::NAN; weights.len()]);
        let db = dense_backward(isa, backward, &mut dx, &mut dw);
        assert_near(&dx, &exact.dx, &sizes.dx, over_outputs, format_args!("dx, {isa}, {layer:?}"));
        assert_near(&dw, &exact.dw, &sizes.dw, over_rows, format_args!("dw, {isa}, {layer:?}"));
        assert_near(&db, &exact.db, &sizes.db, over_rows, format_args!("db, {isa}, {layer:?}"));
    }
}

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn forward_of_whole_numbers_is_exact(layer in layer(), relu in any::<bool>()) {
        check_forward(layer, relu, Numbers::Whole);
    }

    #[test]
    fn forward_rounds_no_more_than_its_sums_must(layer in layer(), relu in any::<bool>()) {
        check_forward(layer, relu, Numbers::Real);
    }

    #[test]
    fn backward_of_whole_numbers_is_exact(layer in layer()) {
        check_backward(layer, Numbers::Whole);
    }

    #[test]
    fn backward_rounds_no_more_than_its_sums_must(layer in layer()) {
        check_backward(layer, Numbers::Real);
    }

    #[test]
    fn one_number_that_is_not_finite_is_found_wherever_it_is(
        n in 1usize..300,
        at in any::<prop::sample::Index>(),
    ) {
        let mut values = Random(n as u64).reals(n);
        values[n / 2] = f32::MAX;
        for isa in Isa::available() {
            prop_assert!(all_finite(isa, &values));
            for special in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let mut values = values.clone();
                values[at.index(n)] = special;
                prop_assert!(!all_finite(isa, &values), "{special} of {n}, {isa}");
            }
        }
    }
}

#[test]
fn all_of_many_numbers_are_checked() {
    for isa in Isa::available() {
        assert!(all_finite(isa, &[]));
        let mut values = vec![-1.0; 200_001];
        assert!(all_finite(isa, &values));
        for at in [0, 65_535, 65_536, 131_072, 200_000] {
            values[at] = f32::NEG_INFINITY;
            assert!(!all_finite(isa, &values), "{at}, {isa}");
            values[at] = 1.0;
        }
    }
}

/// An infinite weight that is skipped does not turn the sum into NaN, which shows that it is skipped.
#[test]
fn zeros_are_skipped_where_the_caller_declares_all_weights_finite() {
    let (n_in, n_out) = (50, 150);
    let mut weights = vec![1.0; n_in * n_out];
    weights[7 * n_out..8 * n_out].fill(f32::NAN);
    let bias = vec![0.0; n_out];
    for n in [1, 3] {
        for zero in [0.0, -0.0] {
            let mut x = vec![1.0; n * n_in];
            x.chunks_exact_mut(n_in).for_each(|x| x[7] = zero);
            for isa in Isa::available() {
                let y = |finite| {
                    let mut y = vec![f32::NAN; n * n_out];
                    let layer = Dense { weights: &weights, bias: &bias, finite };
                    dense(isa, layer, false, &x, &mut y);
                    y
                };
                assert_eq!(y(true), vec![49.0; n * n_out], "{isa}");
                assert!(y(false).iter().all(|y| y.is_nan()), "{isa}");
            }
        }
    }
}

#[test]
fn relu_passes_a_gradient_where_its_output_is_not_zero() {
    let y = [0.0, -0.0, 1.0, f32::MIN_POSITIVE, f32::INFINITY, f32::NAN];
    assert_eq!(relu_backward(&y, &[5.0; 6]), [0.0, 0.0, 5.0, 5.0, 5.0, 5.0]);
    let dy = [f32::NAN, f32::INFINITY, -0.5, 0.0, f32::NEG_INFINITY, 2.0];
    assert_eq!(relu_backward(&y, &dy), [0.0, 0.0, -0.5, 0.0, f32::NEG_INFINITY, 2.0]);
}
