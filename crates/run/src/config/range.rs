//! Ranges of numbers, as parsers of a setting's value.

use std::fmt::Debug;
use std::ops::{RangeBounds, RangeInclusive};

use clap::builder::RangedU64ValueParser;

/// A whole number within `range`.
pub(super) fn count(range: RangeInclusive<u64>) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(range)
}

/// A finite number within `range`.
pub(super) fn number<R>(range: R) -> impl Fn(&str) -> Result<f64, String> + Clone
where
    R: RangeBounds<f64> + Debug + Clone + Send + Sync + 'static,
{
    move |text| match text.parse() {
        Ok(value) if range.contains(&value) => Ok(value),
        Ok(_) => Err(format!("it is not in {range:?}")),
        Err(_) => Err("it is not a number".to_owned()),
    }
}

/// A fraction: 0 or more, less than 1.
pub(super) fn fraction(text: &str) -> Result<f64, String> {
    number(0.0..1.0)(text)
}
