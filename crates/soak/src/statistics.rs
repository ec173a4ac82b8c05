//! Medians, percentiles and a trend.

use statrs::statistics::{Data, OrderStatistics, Statistics};

/// The median; NaN of no values.
pub(crate) fn median(values: &[f64]) -> f64 {
    Data::new(values.to_vec()).median()
}

/// The value below which the fraction `quantile` of the values lies, interpolated between neighbours; the largest for 1,
/// NaN of no values.
pub(crate) fn quantile(values: &[f64], quantile: f64) -> f64 {
    Data::new(values.to_vec()).quantile(quantile)
}

/// Measures two sides in turn, so that whatever slows the machine down slows down both: the medians of what is measured.
pub(crate) fn in_turn<const N: usize>(
    rounds: usize,
    mut measure: impl FnMut(usize) -> anyhow::Result<[f64; N]>,
) -> anyhow::Result<[[f64; N]; 2]> {
    let mut values = [const { [const { Vec::new() }; N] }; 2];
    for round in 0..rounds {
        for side in [round % 2, 1 - round % 2] {
            for (values, value) in values[side].iter_mut().zip(measure(side)?) {
                values.push(value);
            }
        }
    }
    Ok(values.map(|side| side.map(|values| median(&values))))
}

/// The slope of the least-squares line through `y` over `x`.
pub(crate) fn slope(x: &[f64], y: &[f64]) -> f64 {
    x.covariance(y) / x.variance()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_neighbours_and_the_last_is_the_largest() {
        let values: Vec<_> = (1..=1000).rev().map(f64::from).collect();
        for (fraction, least, most) in
            [(0.5, 500.0, 501.0), (0.99, 990.0, 991.0), (0.999, 999.0, 1000.0)]
        {
            assert!((least..=most).contains(&quantile(&values, fraction)), "{fraction}");
        }
        assert_eq!((quantile(&values, 1.0), median(&[3.0, 1.0, 2.0])), (1000.0, 2.0));
        assert!(quantile(&[], 0.5).is_nan() && median(&[]).is_nan());
    }

    #[test]
    fn a_line_has_its_slope() {
        let x: Vec<_> = (0..9).map(f64::from).collect();
        let y: Vec<_> = x.iter().map(|x| 3.0 - 2.0 * x).collect();
        assert!((slope(&x, &y) + 2.0).abs() < 1e-12);
    }
}
