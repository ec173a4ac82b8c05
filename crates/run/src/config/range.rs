//! Ranges of numbers, as parsers of a setting's value. What they expect is said in words.

use std::fmt::Display;
use std::ops::{Bound, RangeBounds, RangeInclusive};
use std::str::FromStr;

/// A whole number within `range`.
pub fn count<T>(
    range: RangeInclusive<T>,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static
where
    T: FromStr + PartialOrd + Display + Clone + Send + Sync + 'static,
{
    move |text| {
        let value = text.parse().ok().filter(|value| range.contains(value));
        value.ok_or_else(|| format!("it must be a whole number {}", words(&range)))
    }
}

/// A finite number within `range`.
pub fn number<R>(range: R) -> impl Fn(&str) -> Result<f64, String> + Clone + Send + Sync + 'static
where
    R: RangeBounds<f64> + Clone + Send + Sync + 'static,
{
    move |text| {
        let value = text.parse().ok().filter(|value| range.contains(value));
        value.ok_or_else(|| format!("it must be a number {}", words(&range)))
    }
}

/// A fraction: 0 or more, less than 1.
pub(super) fn fraction(text: &str) -> Result<f64, String> {
    number(0.0..1.0)(text)
}

fn words<T: Display>(range: &impl RangeBounds<T>) -> String {
    match (range.start_bound(), range.end_bound()) {
        (Bound::Included(low), Bound::Included(high)) => format!("from {low} to {high}"),
        (Bound::Included(low), Bound::Excluded(high)) => format!("from {low} to below {high}"),
        _ => "in range".to_owned(),
    }
}
