//! Time to 99 % accuracy.

use run::EpochMetrics;

/// The accuracy that a first network for MNIST should reach, in [0, 1].
pub const GOAL: f64 = 0.99;

/// The first epoch whose validation accuracy reaches [`GOAL`], counted from 1, and the seconds from the start of the
/// process to the end of that epoch. None where no epoch does.
///
/// `process_seconds` is the wall time of the whole process, so that start-up and loading count.
#[must_use]
pub fn seconds_to_goal(rows: &[EpochMetrics], process_seconds: f64) -> Option<(usize, f64)> {
    let first = rows.iter().position(|row| row.val_accuracy >= Some(GOAL))?;
    let later: f64 = rows[first + 1..].iter().map(|row| row.seconds).sum();
    Some((first + 1, process_seconds - later))
}
