//! How close a kernel has to be to its formula.

use std::fmt::Display;

/// The largest relative error of one rounding to float32.
pub(crate) const ROUNDING: f64 = 1.0 / (1 << 24) as f64;

/// `values` in float64.
pub(crate) fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().copied().map(f64::from).collect()
}

/// Magnitudes in float64. The formula of these gives the sums of absolute products, by which errors are measured.
pub(crate) fn sizes(values: &[f32]) -> Vec<f64> {
    values.iter().map(|value| f64::from(value.abs())).collect()
}

/// Bits, which tell -0 from 0 and are equal for equal NaN.
pub(crate) fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// Asserts that no number is further from the exact one than so many roundings of a number of the given size.
///
/// A sum of n products in which each addition rounds is off by at most n roundings of the sum of absolute products
/// (Higham 2002, "Accuracy and Stability of Numerical Algorithms", section 3.1): a true bound, which no order breaks.
#[track_caller]
pub(crate) fn assert_near(
    got: &[f32],
    exact: &[f64],
    sizes: &[f64],
    roundings: usize,
    what: impl Display,
) {
    assert_eq!([got.len(), sizes.len()], [exact.len(); 2], "{what}");
    for (at, ((&got, exact), size)) in got.iter().zip(exact).zip(sizes).enumerate() {
        let error = (f64::from(got) - exact).abs();
        let most = roundings as f64 * ROUNDING * size;
        assert!(error <= most, "{what}: {got} for {exact} at {at}, {error:e} off, not {most:e}");
    }
}

/// Asserts that every number is the exact one: infinities too, and NaN where that is NaN.
#[track_caller]
pub(crate) fn assert_same(got: &[f32], exact: &[f64], what: impl Display) {
    assert_eq!(got.len(), exact.len(), "{what}");
    for (at, (&got, &exact)) in got.iter().zip(exact).enumerate() {
        let same = f64::from(got) == exact || got.is_nan() && exact.is_nan();
        assert!(same, "{what}: {got} for {exact} at {at}");
    }
}
