//! What was found: every figure beside what it must be.

use std::fmt::Write;

use super::server::Server;
use crate::console;

/// One figure.
struct Row {
    number: u8,
    check: &'static str,
    requirement: String,
    mark: String,
    figure: String,
    /// Whether the figure is as it must be; none where nothing is asked of it.
    holds: Option<bool>,
}

/// All figures, in the order in which they were found.
pub(super) struct Findings {
    rows: Vec<Row>,
    number: u8,
    check: &'static str,
    quick: bool,
}

impl Findings {
    pub(super) fn new(quick: bool) -> Self {
        Self { rows: Vec::new(), number: 0, check: "", quick }
    }

    /// What follows is found by a check.
    pub(super) fn begin(&mut self, number: u8, check: &'static str) {
        (self.number, self.check) = (number, check);
    }

    /// A figure, what it must be, and whether it is.
    pub(super) fn hold(
        &mut self,
        requirement: &str,
        mark: &str,
        figure: impl Into<String>,
        holds: bool,
    ) {
        self.add(requirement, mark, figure.into(), Some(holds));
    }

    /// A figure that must be at most so much.
    pub(super) fn at_most(&mut self, requirement: &str, most: f64, unit: &str, figure: f64) {
        if self.is_too_short(unit) {
            return self.note(requirement, format!("{} {unit}", short(figure)));
        }
        let (mark, said) =
            (format!("<= {} {unit}", short(most)), format!("{} {unit}", short(figure)));
        self.hold(requirement, &mark, said, figure <= most);
    }

    /// A figure that must be at least so much.
    pub(super) fn at_least(&mut self, requirement: &str, least: f64, unit: &str, figure: f64) {
        if self.is_too_short(unit) {
            return self.note(requirement, format!("{} {unit}", short(figure)));
        }
        let (mark, said) =
            (format!(">= {} {unit}", short(least)), format!("{} {unit}", short(figure)));
        self.hold(requirement, &mark, said, figure >= least);
    }

    /// Whether a short form says too little of a unit to judge it: seconds of load on a machine that
    /// does other things too do not tell how fast a server is.
    fn is_too_short(&self, unit: &str) -> bool {
        self.quick && ["ms", "/s", "times", "%"].contains(&unit)
    }

    /// A count that must be 0.
    pub(super) fn none(&mut self, requirement: &str, count: u64, details: &str) {
        let figure = if count == 0 { "0".to_owned() } else { format!("{count}: {details}") };
        self.hold(requirement, "0", figure, count == 0);
    }

    /// A server that must still run, as the process that was started.
    pub(super) fn alive(&mut self, requirement: &str, server: &mut Server) {
        let alive = server.is_alive();
        let gone = || format!("gone: {}", server.last_words());
        let figure = if alive { "the same process".to_owned() } else { gone() };
        self.hold(requirement, "the same process", figure, alive);
    }

    /// A figure of which nothing is asked.
    pub(super) fn note(&mut self, requirement: &str, figure: impl Into<String>) {
        self.add(requirement, "-", figure.into(), None);
    }

    fn add(&mut self, requirement: &str, mark: &str, figure: String, holds: Option<bool>) {
        let verdict = match holds {
            Some(true) => "ok  ",
            Some(false) => "FAIL",
            None => "    ",
        };
        let asked = if holds.is_some() { format!(" (must be: {mark})") } else { String::new() };
        console::line(&format!("{verdict} {:>2} {requirement}: {figure}{asked}", self.number));
        self.rows.push(Row {
            number: self.number,
            check: self.check,
            requirement: requirement.to_owned(),
            mark: mark.to_owned(),
            figure,
            holds,
        });
    }

    /// How many figures are not as they must be, and of how many something is asked.
    pub(super) fn failed(&self) -> (usize, usize) {
        let asked = self.rows.iter().filter_map(|row| row.holds);
        (asked.clone().filter(|holds| !holds).count(), asked.count())
    }

    /// The whole page.
    pub(super) fn markdown(&self, facts: &[(&'static str, String)]) -> String {
        let mut text = String::from("# What the server promises, measured\n\n");
        if self.quick {
            text.push_str("Short forms: they show that it works, not how fast.\n\n");
        }
        text.push_str("| what | value |\n|---|---|\n");
        for (name, value) in facts {
            let _ = writeln!(text, "| {name} | {} |", cell(value));
        }
        text.push_str("\n| # | requirement | must be | figure | holds | command |\n");
        text.push_str("|---|---|---|---|---|---|\n");
        for row in &self.rows {
            let holds = match row.holds {
                Some(true) => "yes",
                Some(false) => "**no**",
                None => "-",
            };
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {holds} | `cargo xtask soak --only {}` |",
                row.number,
                cell(&row.requirement),
                cell(&row.mark),
                cell(&row.figure),
                row.check
            );
        }
        text
    }
}

/// A number with as many digits as tell something.
fn short(number: f64) -> String {
    match number.abs() {
        1000.0.. => format!("{number:.0}"),
        10.0.. => format!("{number:.1}"),
        _ if number == number.trunc() => format!("{number:.0}"),
        _ => format!("{number:.2}"),
    }
}

/// Text that stays in its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_what_holds_and_what_does_not() {
        let mut findings = Findings::new(false);
        findings.begin(8, "overload");
        findings.at_least("goodput", 900.0, "/s", 950.4);
        findings.at_most("p99", 10.0, "ms", f64::INFINITY);
        findings.none("resets", 2, "a|b");
        findings.note("speed", "1");
        let text = findings.markdown(&[("server", "a\nb".to_owned())]);
        let command = "`cargo xtask soak --only overload`";
        for line in [
            "| server | a b |".to_owned(),
            format!("| 8 | goodput | >= 900.0 /s | 950.4 /s | yes | {command} |"),
            format!("| 8 | p99 | <= 10.0 ms | inf ms | **no** | {command} |"),
            format!("| 8 | resets | 0 | 2: a\\|b | **no** | {command} |"),
            format!("| 8 | speed | - | 1 | - | {command} |"),
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\nis not in\n{text}");
        }
        assert_eq!(findings.failed(), (2, 3));
        let mut quick = Findings::new(true);
        quick.at_most("p99", 10.0, "ms", 11.0);
        quick.at_most("memory", 10.0, "MiB", 11.0);
        assert_eq!(quick.failed(), (1, 1));
    }
}
