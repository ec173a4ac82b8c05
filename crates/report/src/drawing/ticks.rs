//! The ticks of axes: round numbers with the decimals they need, and times.

use super::axes::Tick;
use crate::numbers::plural;

/// Seconds at which a time axis may have a tick, from a hundredth of a second to years.
const TIMES: [f64; 19] = [
    0.01,
    0.1,
    1.0,
    3.0,
    10.0,
    30.0,
    60.0,
    180.0,
    600.0,
    1800.0,
    3600.0,
    10_800.0,
    36_000.0,
    86_400.0,
    259_200.0,
    864_000.0,
    2_592_000.0,
    8_640_000.0,
    86_400_000.0,
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

/// The ticks of a logarithmic axis around all times, at least two; their values are natural logarithms.
pub(crate) fn time_ticks(times: impl Iterator<Item = f64>) -> Vec<Tick> {
    let (low, high) = range(times).unwrap_or((0.0, 0.0));
    let from = TIMES.iter().rposition(|&time| time <= low).unwrap_or(0).min(TIMES.len() - 2);
    let to = TIMES.iter().position(|&time| time >= high).unwrap_or(TIMES.len() - 1);
    let tick = |&time: &f64| match time {
        86_400.0.. => (time.ln(), plural((time / 86_400.0) as usize, "day", "days")),
        3600.0.. => (time.ln(), format!("{} h", time / 3600.0)),
        60.0.. => (time.ln(), format!("{} min", time / 60.0)),
        _ => (time.ln(), format!("{time} s")),
    };
    TIMES[from..=to.max(from + 1)].iter().map(tick).collect()
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
        for (times, first, last) in [
            (&[45.0, 700.0][..], "30 s", "30 min"),
            (&[60.0], "1 min", "3 min"),
            (&[1e-9, 1e12], "0.01 s", "1,000 days"),
            (&[], "0.01 s", "0.1 s"),
            (&[86_400.0, 1e5], "1 day", "3 days"),
            (&[1e12], "100 days", "1,000 days"),
        ] {
            let ticks = time_ticks(times.iter().copied());
            assert_eq!((&*ticks[0].1, &*ticks[ticks.len() - 1].1), (first, last));
        }
    }
}
