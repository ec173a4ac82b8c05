//! Dropout: a mask that follows from key and place alone.

use kernels::{Isa, dropout};
use proptest::prelude::*;

use crate::compare::bits;
use crate::sample::*;

/// Standard deviations from its mean that a number of drops may lie: good generators go further once in 10^9 times.
const DEVIATIONS: f64 = 6.0;

fn dropped(isa: Isa, key: u64, rate: f64, x: &[f32]) -> Vec<f32> {
    let mut y = x.to_vec();
    dropout(isa, key, rate, &mut y);
    y
}

/// Which numbers stay.
fn mask(isa: Isa, key: u64, rate: f64, n: usize) -> Vec<bool> {
    dropped(isa, key, rate, &vec![1.0; n]).into_iter().map(|y| y != 0.0).collect()
}

/// How many are `true`, in standard deviations of as many throws with that probability.
fn deviations(values: impl ExactSizeIterator<Item = bool>, probability: f64) -> f64 {
    let n = values.len() as f64;
    let count = values.filter(|value| *value).count() as f64;
    (count - n * probability) / (n * probability * (1.0 - probability)).sqrt()
}

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn each_number_is_dropped_or_scaled_and_a_gradient_with_it(
        n in 0usize..2000,
        key in any::<u64>(),
        rate in prop_oneof![Just(0.0), Just(0.25), Just(0.5), 0.0..0.95],
    ) {
        let mut random = Random(key);
        let (x, dy) = (random.reals(n), random.reals(n));
        let kept = mask(Isa::best(), key, rate, n);
        for isa in Isa::available() {
            for values in [&x, &dy] {
                let expected: Vec<f32> = values
                    .iter()
                    .zip(&kept)
                    .map(|(x, kept)| if *kept { x * (1.0 / (1.0 - rate)) as f32 } else { 0.0 })
                    .collect();
                prop_assert_eq!(dropped(isa, key, rate, values), expected, "{}", isa);
            }
        }
    }

    #[test]
    fn a_place_is_dropped_whatever_the_length(key in any::<u64>(), n in 0usize..40_000) {
        let whole = mask(Isa::best(), key, 0.3, 40_000);
        for isa in Isa::available() {
            prop_assert_eq!(&mask(isa, key, 0.3, n)[..], &whole[..n]);
        }
    }
}

#[test]
fn the_rate_holds_in_every_section() {
    let n = 100_003;
    for isa in Isa::available() {
        for rate in [0.01, 0.25, 0.5, 0.9] {
            let kept = mask(isa, 7, rate, n);
            // Of all, of one index in 64 (the drawing's period), of a stretch.
            let of_all = deviations(kept.iter().copied(), 1.0 - rate);
            assert!(of_all.abs() < DEVIATIONS, "{of_all} at {rate}, {isa}");
            for lane in 0..64 {
                let lane: Vec<bool> = kept.iter().copied().skip(lane).step_by(64).collect();
                assert!(deviations(lane.into_iter(), 1.0 - rate).abs() < DEVIATIONS, "{isa}");
            }
            for stretch in kept.chunks(10_000) {
                assert!(deviations(stretch.iter().copied(), 1.0 - rate).abs() < DEVIATIONS);
            }
        }
    }
}

/// Keys that differ in one bit, and stretches of one mask, agree as often as chance has it.
#[test]
fn masks_of_different_keys_and_places_are_independent() {
    let n = 1 << 14;
    for isa in Isa::available() {
        let mask = |key| mask(isa, key, 0.5, 4 * n);
        let assert_independent = |a: &[bool], b: &[bool]| {
            let agreement = deviations(a.iter().zip(b).map(|(a, b)| a == b), 0.5);
            assert!(agreement.abs() < DEVIATIONS, "{agreement}, {isa}");
        };
        let whole = mask(42);
        assert_eq!(whole, mask(42));
        for bit in [0, 1, 31, 32, 63] {
            assert_independent(&whole, &mask(42 ^ (1 << bit)));
        }
        for apart in [1, 4, 16, 64, 256, n] {
            assert_independent(&whole[apart..], &whole[..4 * n - apart]);
        }
    }
}

#[test]
fn a_rate_of_zero_changes_nothing() {
    let x = Random(3).reals(70_001);
    for isa in Isa::available() {
        assert_eq!(bits(&dropped(isa, 11, 0.0, &x)), bits(&x), "{isa}");
    }
}

#[test]
fn dropping_a_number_that_is_not_finite_gives_nan() {
    for isa in Isa::available() {
        let kept = mask(isa, 5, 0.5, 101);
        for special in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let y = dropped(isa, 5, 0.5, &[special; 101]);
            for (y, kept) in y.into_iter().zip(&kept) {
                assert!(y.is_nan() || *kept && y == special, "{y} of {special}, {isa}");
            }
        }
    }
}
