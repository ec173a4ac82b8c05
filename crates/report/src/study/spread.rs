//! Mean and standard deviation over the seeds.

/// Mean of the values; not a number where there are none.
pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// Standard deviation of a sample (ddof 1); 0 for one value.
pub(super) fn deviation(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    let middle = mean(values);
    let squares: f64 = values.iter().map(|value| (value - middle).powi(2)).sum();
    (squares / (values.len() - 1) as f64).sqrt()
}

/// Mean and standard deviation; of one value the value.
pub(super) fn spread(values: &[f64]) -> String {
    match values {
        [one] => format!("{one:.0}"),
        _ => format!("{:.1} ± {:.1}", mean(values), deviation(values)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_spread_is_that_of_a_sample() {
        assert_eq!(spread(&[2.0, 4.0, 6.0]), "4.0 ± 2.0");
        assert_eq!(spread(&[7.0]), "7");
    }
}
