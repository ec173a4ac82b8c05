//! When a run is right in 99 of 100 cases.

use run::EpochMetrics;

/// The accuracy that everybody's first network should reach, in [0, 1].
pub(crate) const GOAL: f64 = 0.99;

/// The first epoch that validates [`GOAL`], counted from 1, and the seconds from the start of the process to its end;
/// `whole` are those of the process, so that loading counts. None where no epoch does.
pub(crate) fn reached(rows: &[EpochMetrics], whole: f64) -> Option<(usize, f64)> {
    let first = rows.iter().position(|row| row.val_accuracy >= Some(GOAL))?;
    let seconds = |rows: &[EpochMetrics]| rows.iter().map(|row| row.seconds).sum::<f64>();
    Some((first + 1, whole - seconds(&rows[first + 1..])))
}
