//! Moving averages.

use kernels::{Isa, average};
use proptest::prelude::*;

use crate::compare::*;
use crate::sample::*;

/// Two products, their sum, and the rest of 1 that the decay leaves.
const ROUNDINGS: usize = 4;

proptest! {
    #![proptest_config(config(128))]

    #[test]
    fn an_average_lies_where_the_decay_says(
        n in prop_oneof![0usize..100, 0usize..80_000],
        decay in prop_oneof![Just(0.0f32), Just(1.0f32), Just(0.999f32), 0.0f32..1.0],
        seed in any::<u64>(),
    ) {
        let mut random = Random(seed);
        let (values, start) = (random.reals(n), random.reals(n));
        let formula = |of: fn(&[f32]) -> Vec<f64>| -> Vec<f64> {
            let decay = f64::from(decay);
            let pairs = of(&start).into_iter().zip(of(&values));
            pairs.map(|(average, value)| decay * average + (1.0 - decay) * value).collect()
        };
        for isa in Isa::available() {
            let mut averages = start.clone();
            average(isa, decay, &values, &mut averages);
            let what = format_args!("{isa}, {n} numbers, {decay}").to_string();
            assert_near(&averages, &formula(wide), &formula(sizes), ROUNDINGS, what);
        }
    }
}

#[test]
fn numbers_that_are_not_finite_affect_no_others() {
    for isa in Isa::available() {
        for special in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            let mut values = vec![1.0; 41];
            values[17] = special;
            let mut averages = vec![3.0; 41];
            averages[20] = special;
            average(isa, 0.5, &values, &mut averages);
            for (at, average) in averages.into_iter().enumerate() {
                let expected = if at == 17 || at == 20 { special } else { 2.0 };
                assert_same(&[average], &[f64::from(expected)], format_args!("{at}, {isa}"));
            }
        }
    }
}
