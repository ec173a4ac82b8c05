//! The ticks of axes: round numbers with the decimals they need, and times.

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

/// Round numbers, a multiple of 1, 2 or 5 times a power of ten apart, of which the first is at or
/// below `low` and the last at or above `high`; about `most` of them. `low < high`, both finite.
pub(crate) fn ticks(low: f64, high: f64, most: usize) -> Vec<f64> {
    let step = step(low, high, most);
    let (first, last) = ((low / step).floor() as i64, (high / step).ceil() as i64);
    // Division by a whole number where the step is a fraction: 3 / 10 prints as 0.3, 3 * 0.1 does not.
    (first..=last)
        .map(|i| if step < 1.0 { i as f64 / (1.0 / step).round() } else { i as f64 * step })
        .collect()
}

/// Whole numbers within `[low, high]`, both of which are whole; `low` is among them unless another
/// would touch it.
pub(crate) fn whole_ticks(low: f64, high: f64, most: usize) -> Vec<f64> {
    if low >= high {
        return vec![low];
    }
    let step = step(low, high, most).max(1.0);
    let first = (low / step).ceil() as i64;
    let last = (high / step).floor() as i64;
    let mut ticks: Vec<f64> = (first..=last).map(|i| i as f64 * step).collect();
    if ticks.first().is_none_or(|&tick| tick - low > step / 2.0) {
        ticks.insert(0, low);
    }
    ticks
}

/// Round numbers for a logarithmic axis, of which the first is at or below `low` and the last at or
/// above `high`: 1, 2 and 5 times the powers of ten, or the powers alone where these are at least
/// three. `0 < low <= high`, both finite.
pub(crate) fn log_ticks(low: f64, high: f64) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    let factors: &[u32] = if last - first > 3 { &[1] } else { &[1, 2, 5] };
    // Parsed from text, so that 2e-2 is exactly the number that prints as 0.02.
    let all: Vec<f64> = (first..=last)
        .flat_map(|power| factors.iter().map(move |factor| format!("{factor}e{power}")))
        .filter_map(|number| number.parse().ok())
        .collect();
    let from = all.iter().rposition(|&tick| tick <= low).unwrap_or(0);
    let to = all.iter().position(|&tick| tick >= high).unwrap_or(all.len() - 1);
    // An axis needs two ticks: the one above a single one is included.
    all[from..=to.max(from + 1).min(all.len() - 1)].to_vec()
}

/// Whether a time was measured.
pub(crate) fn measured(seconds: &f64) -> bool {
    *seconds > 0.0 && seconds.is_finite()
}

/// The ticks around all times, at least two.
pub(crate) fn times_around(times: impl Iterator<Item = f64>) -> &'static [(f64, &'static str)] {
    let (low, high) = range(times).unwrap_or((0.0, 0.0));
    let from = TIMES.iter().rposition(|(time, _)| *time <= low).unwrap_or(0);
    let from = from.min(TIMES.len() - 2);
    let to = TIMES.iter().position(|(time, _)| *time >= high).unwrap_or(TIMES.len() - 1);
    &TIMES[from..=to.max(from + 1)]
}

/// The lowest and the highest value; `None` where there is none.
pub(crate) fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.map(|v| (v, v)).reduce(|(low, high), (value, _)| (low.min(value), high.max(value)))
}

/// Decimals that numbers `step` apart need.
pub(crate) fn decimals(step: f64) -> usize {
    // The small term keeps 0.1, whose logarithm is just above -1, at one decimal.
    (-(step.log10() + 1e-9).floor()).clamp(0.0, 12.0) as usize
}

fn step(low: f64, high: f64, most: usize) -> f64 {
    let rough = (high - low) / most as f64;
    let power = 10f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|&step| step >= rough)
        .unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_cover_the_range() {
        assert_eq!(ticks(0.0, 0.25, 5), [0.0, 0.05, 0.1, 0.15, 0.2, 0.25]);
        assert_eq!(ticks(0.923, 0.998, 5), [0.92, 0.94, 0.96, 0.98, 1.0]);
        assert_eq!(ticks(-3.0, 12.0, 4), [-5.0, 0.0, 5.0, 10.0, 15.0]);
    }

    #[test]
    fn whole_ticks_never_leave_the_epochs() {
        assert_eq!(whole_ticks(1.0, 20.0, 6), [1.0, 5.0, 10.0, 15.0, 20.0]);
        assert_eq!(whole_ticks(1.0, 3.0, 8), [1.0, 2.0, 3.0]);
        assert_eq!(whole_ticks(7.0, 7.0, 8), [7.0]);
        assert_eq!(whole_ticks(1.0, 1000.0, 6), [1.0, 200.0, 400.0, 600.0, 800.0, 1000.0]);
    }

    #[test]
    fn logarithmic_ticks_cover_the_range() {
        assert_eq!(log_ticks(0.013, 0.3), [0.01, 0.02, 0.05, 0.1, 0.2, 0.5]);
        assert_eq!(log_ticks(3e-5, 2.0), [1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1.0, 10.0]);
        assert_eq!(log_ticks(1.0, 1.0), [1.0, 2.0]);
        assert_eq!(log_ticks(7.0, 7.0), [5.0, 10.0]);
    }

    #[test]
    fn decimals_tell_neighbours_apart() {
        assert_eq!([0.05, 0.1, 1.0, 20.0].map(decimals), [2, 1, 0, 0]);
    }

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
