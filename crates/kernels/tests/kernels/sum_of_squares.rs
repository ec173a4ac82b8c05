//! The sum of squares.

use kernels::{Isa, sum_of_squares};
use proptest::prelude::*;

use crate::sample::*;

proptest! {
    #![proptest_config(config(128))]

    /// All squares and sums of small whole numbers are exact.
    #[test]
    fn every_number_is_squared_and_added_once(
        n in prop_oneof![0usize..100, 0usize..200_000],
        seed in any::<u64>(),
    ) {
        let mut random = Random(seed);
        let values: Vec<f32> = (0..n).map(|_| random.below(2001) as f32 - 1000.0).collect();
        let exact: i64 = values.iter().map(|&value| (value as i64).pow(2)).sum();
        for isa in Isa::available() {
            prop_assert_eq!(sum_of_squares(isa, &values), exact as f64, "{}", isa);
        }
    }
}

#[test]
fn squares_outside_the_range_of_float32_are_summed() {
    for isa in Isa::available() {
        for value in [f32::MAX, f32::MIN_POSITIVE, -1.0 / 3.0] {
            let square = f64::from(value).powi(2);
            // A power of two of them, alone and by 32 at once: exact again.
            assert_eq!(sum_of_squares(isa, &[value; 4]), 4.0 * square, "{value}, {isa}");
            assert_eq!(sum_of_squares(isa, &[value; 64]), 64.0 * square, "{value}, {isa}");
        }
        // What float32 would lose next to its large neighbour.
        assert_eq!(sum_of_squares(isa, &[4096.0, 1.0, 1.0]), 16_777_218.0, "{isa}");
    }
}

#[test]
fn a_number_that_is_not_finite_shows_wherever_it_is() {
    for isa in Isa::available() {
        for n in [1, 31, 32, 33, 70_000] {
            for at in [0, n / 2, n - 1] {
                for special in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    let mut values = vec![1.0; n];
                    values[at] = special;
                    let sum = sum_of_squares(isa, &values);
                    let same = sum == f64::from(special.abs()) || sum.is_nan() && special.is_nan();
                    assert!(same, "{sum} for {special} at {at} of {n}, {isa}");
                }
            }
        }
    }
}
