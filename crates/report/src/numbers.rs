//! Numbers as text, the same on pages and in plots.

/// A count with a comma between thousands.
pub(crate) fn count(n: usize) -> String {
    let digits = n.to_string();
    let groups = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy);
    groups.collect::<Vec<_>>().join(",")
}

/// A count with its noun.
pub(crate) fn plural(n: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { many })
}

/// A fraction in percent.
pub(crate) fn percent(fraction: f64, decimals: usize) -> String {
    match fraction.is_finite() {
        true => format!("{:.decimals$} %", 100.0 * fraction),
        false => "not a number".to_owned(),
    }
}

/// An accuracy as tables write it: percent with two decimals.
pub(crate) fn accuracy(fraction: f64) -> String {
    percent(fraction, 2)
}

/// A difference of accuracies in percentage points, which is no fraction of anything.
pub(crate) fn points(difference: f64) -> String {
    match difference.is_finite() {
        true => format!("{:.2} points", 100.0 * difference),
        false => "not a number".to_owned(),
    }
}

/// A loss in nats with four decimals, or in powers of ten where it is too large or too small for that.
pub(crate) fn loss(nats: f64) -> String {
    match nats.abs() {
        _ if !nats.is_finite() => "not finite".to_owned(),
        size if size >= 1e6 || (size > 0.0 && size < 1e-4) => format!("{nats:.2e}"),
        _ => format!("{nats:.4}"),
    }
}

/// A difference with its sign.
pub(crate) fn signed(difference: f64, write: impl Fn(f64) -> String) -> String {
    if !difference.is_finite() {
        return write(difference);
    }
    let sign = if difference < 0.0 { "−" } else { "+" };
    format!("{sign}{}", write(difference.abs()))
}

/// Seconds in the two largest units that they fill.
pub(crate) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "not measured".to_owned();
    }
    let whole = seconds.round() as u64;
    match whole {
        _ if seconds < 9.95 => format!("{seconds:.1} s"),
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_and_grouped() {
        assert_eq!(count(10_000), "10,000");
        assert_eq!(count(999), "999");
        assert_eq!(plural(1, "error", "errors"), "1 error");
        assert_eq!(percent(0.99134, 2), "99.13 %");
        assert_eq!(signed(-0.0076, points), "−0.76 points");
        assert_eq!(loss(0.02668), "0.0267");
        assert_eq!(loss(1.5e-7), "1.50e-7");
        assert_eq!(loss(f64::NAN), "not finite");
        assert_eq!(signed(-0.02, loss), "−0.0200");
        assert_eq!(signed(0.02, loss), "+0.0200");
    }
}
