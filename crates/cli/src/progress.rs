//! Progress: one line at the bottom of a terminal that says how far a stage is and how long the rest will take. Elsewhere
//! nothing is drawn.

mod downloads;
mod training;

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::console::shortened;

pub(crate) use downloads::Downloads;
pub(crate) use training::Training;

/// Characters of the bar. With them the line is shorter than 60 columns.
const CELLS: usize = 16;
/// Time between two drawings: short enough to look smooth, long enough to cost nothing.
const INTERVAL: Duration = Duration::from_millis(100);
/// Time after which the rest can be estimated.
const WARM_UP: Duration = Duration::from_secs(1);

/// The line.
pub(crate) struct Bar {
    is_live: bool,
    /// When it was shown first, and the fraction that was done then.
    first: Option<(Instant, f64)>,
    /// When it was drawn last.
    drawn: Option<Instant>,
    /// Characters on the screen.
    length: usize,
}

impl Bar {
    pub(crate) fn new() -> Self {
        let is_live = std::io::stderr().is_terminal();
        Self { is_live, first: None, drawn: None, length: 0 }
    }

    /// Shows that the `fraction` in [0, 1] of the work is done, with a few words before and after the bar.
    pub(crate) fn show(&mut self, before: &str, fraction: f64, after: &str) {
        if !self.is_live {
            return;
        }
        let (started, first) = *self.first.get_or_insert((Instant::now(), fraction));
        if self.drawn.is_some_and(|drawn| drawn.elapsed() < INTERVAL) {
            return;
        }
        self.drawn = Some(Instant::now());
        let left = remaining(started.elapsed(), fraction - first, 1.0 - fraction);
        let left = left.map_or(String::new(), |left| format!("  {}", time_left(left)));
        let after = if after.is_empty() { String::new() } else { format!("  {after}") };
        let columns = columns();
        let text = format!("  {before} [{}]{after}{left}", cells(fraction));
        let text = shortened(&text, columns.saturating_sub(1));
        self.draw(&text, columns);
    }

    /// Does with `stage` what reports done and total as it goes, and shows it.
    pub(crate) fn during<T>(
        name: &str,
        stage: impl FnOnce(&mut dyn FnMut(usize, usize)) -> T,
    ) -> T {
        let mut bar = Self::new();
        stage(&mut |done, total| bar.show(name, done as f64 / total.max(1) as f64, ""))
    }

    /// Removes the line, so that something else can be printed.
    pub(crate) fn clear(&mut self) {
        if self.length > 0 {
            self.draw("", columns());
        }
        self.drawn = None;
    }

    fn draw(&mut self, text: &str, columns: usize) {
        let mut terminal = anstream::stderr();
        // Nothing is lost where a terminal cannot be written to.
        let _ = write!(terminal, "{}{text}", erasing(self.length, columns));
        let _ = terminal.flush();
        self.length = text.chars().count();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Removes whatever is on the current line of a terminal.
pub(crate) fn erase() {
    if std::io::stderr().is_terminal() {
        let _ = write!(anstream::stderr(), "{}", erasing(0, 1));
    }
}

/// Columns of the terminal that standard error is.
fn columns() -> usize {
    let size = terminal_size::terminal_size_of(std::io::stderr());
    size.map_or(80, |(width, _)| usize::from(width.0).max(1))
}

/// What removes a line of `length` characters. A terminal that has become narrower shows it on several rows.
fn erasing(length: usize, columns: usize) -> String {
    match length.div_ceil(columns.max(1)).saturating_sub(1) {
        0 => "\r\x1b[J".to_owned(),
        rows => format!("\x1b[{rows}A\r\x1b[J"),
    }
}

fn cells(fraction: f64) -> String {
    let full = ((fraction.clamp(0.0, 1.0) * CELLS as f64) as usize).min(CELLS);
    let head = if full < CELLS { ">" } else { "" };
    format!("{:<CELLS$}", "=".repeat(full) + head)
}

/// Time for `rest` of the work where `done` of it took `elapsed`; none before that can be told.
fn remaining(elapsed: Duration, done: f64, rest: f64) -> Option<Duration> {
    let known = elapsed >= WARM_UP && done > 0.0;
    known.then(|| elapsed.mul_f64((rest / done).clamp(0.0, 1e6)))
}

fn time_left(left: Duration) -> String {
    let seconds = left.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s left"),
        (0, minutes, seconds) if minutes < 10 => format!("{minutes} min {seconds} s left"),
        (0, minutes, _) => format!("{minutes} min left"),
        (hours, minutes, _) => format!("{hours} h {minutes} min left"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_a_narrower_terminal_wrapped_is_removed_whole() {
        assert_eq!(erasing(0, 80), "\r\x1b[J");
        assert_eq!(erasing(58, 80), "\r\x1b[J");
        assert_eq!(erasing(58, 58), "\r\x1b[J");
        assert_eq!(erasing(58, 40), "\x1b[1A\r\x1b[J");
        assert_eq!(erasing(58, 20), "\x1b[2A\r\x1b[J");
    }

    #[test]
    fn the_time_left_is_that_of_the_whole_at_the_pace_so_far() {
        let after = |seconds, done, rest| remaining(Duration::from_secs(seconds), done, rest);
        assert_eq!(after(30, 0.25, 0.75), Some(Duration::from_secs(90)));
        assert_eq!(after(0, 0.25, 0.75), None);
        assert_eq!(after(30, 0.0, 1.0), None);
        let text = |seconds| time_left(Duration::from_secs(seconds));
        assert_eq!((text(9), text(61)), ("9 s left".into(), "1 min 1 s left".into()));
        assert_eq!((text(660), text(3700)), ("11 min left".into(), "1 h 1 min left".into()));
    }

    #[test]
    fn the_bar_has_the_same_width_always() {
        for fraction in [-1.0, 0.0, 0.03, 0.5, 0.99, 1.0, 2.0, f64::NAN] {
            assert_eq!(cells(fraction).chars().count(), CELLS, "{fraction}");
        }
    }
}
