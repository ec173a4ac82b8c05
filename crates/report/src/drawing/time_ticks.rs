//! Ticks of a logarithmic axis of times, from a hundredth of a second to years.

/// Seconds at which a time axis may have a tick.
const TIMES: [(f64, &str); 19] = [
    (0.01, "0.01 s"),
    (0.1, "0.1 s"),
    (1.0, "1 s"),
    (3.0, "3 s"),
    (10.0, "10 s"),
    (30.0, "30 s"),
    (60.0, "1 min"),
    (180.0, "3 min"),
    (600.0, "10 min"),
    (1800.0, "30 min"),
    (3600.0, "1 h"),
    (3.0 * 3600.0, "3 h"),
    (10.0 * 3600.0, "10 h"),
    (24.0 * 3600.0, "1 day"),
    (3.0 * 86_400.0, "3 days"),
    (10.0 * 86_400.0, "10 days"),
    (30.0 * 86_400.0, "30 days"),
    (100.0 * 86_400.0, "100 days"),
    (1000.0 * 86_400.0, "1000 days"),
];

/// Whether a time was measured.
pub(crate) fn measured(seconds: &f64) -> bool {
    *seconds > 0.0 && seconds.is_finite()
}

/// The ticks around all times, at least two.
pub(crate) fn times_around(times: impl Iterator<Item = f64>) -> &'static [(f64, &'static str)] {
    let (low, high) = times.fold((f64::MAX, 0.0f64), |(low, high), t| (low.min(t), high.max(t)));
    let from = TIMES.iter().rposition(|(time, _)| *time <= low.min(high)).unwrap_or(0);
    let from = from.min(TIMES.len() - 2);
    let to = TIMES.iter().position(|(time, _)| *time >= high).unwrap_or(TIMES.len() - 1);
    &TIMES[from..=to.max(from + 1)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_axis_holds_every_time() {
        let labels = |times: &[f64]| {
            let marks = times_around(times.iter().copied());
            (marks[0].1, marks[marks.len() - 1].1)
        };
        assert_eq!(labels(&[45.0, 700.0]), ("30 s", "30 min"));
        assert_eq!(labels(&[60.0]), ("1 min", "3 min"));
        assert_eq!(labels(&[1e-9, 1e12]), ("0.01 s", "1000 days"));
        assert_eq!(labels(&[]), ("0.01 s", "0.1 s"));
        assert_eq!(labels(&[1e12]), ("100 days", "1000 days"));
    }
}
