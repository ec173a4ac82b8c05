//! The results: every measured value beside what is required of it.

use run::markdown_table;
use serve_client::ServerProcess;

use crate::console;
use crate::tally::Tally;

/// One measured value.
struct Row {
    requirement: u8,
    check: &'static str,
    name: String,
    required: String,
    measured: String,
    /// Whether the value is as required; `None` if nothing is required of it.
    holds: Option<bool>,
}

/// All values, in the order in which they were measured.
pub(crate) struct Results {
    rows: Vec<Row>,
    requirement: u8,
    check: &'static str,
    quick: bool,
}

impl Results {
    pub(crate) fn new(quick: bool) -> Self {
        Self { rows: Vec::new(), requirement: 0, check: "", quick }
    }

    /// Names the check that measures the values that follow.
    pub(crate) fn begin(&mut self, requirement: u8, check: &'static str) {
        (self.requirement, self.check) = (requirement, check);
    }

    /// Adds a value, what is required of it, and whether it is so.
    pub(crate) fn require(
        &mut self,
        name: &str,
        required: &str,
        measured: impl Into<String>,
        holds: bool,
    ) {
        self.add(name, required, measured.into(), Some(holds));
    }

    /// Adds a number that may be at most `limit`.
    pub(crate) fn at_most(&mut self, name: &str, limit: f64, unit: &str, measured: f64) {
        let limit = if unit == "s" { self.time_limit(limit) } else { limit };
        self.compare(name, ("<=", limit), unit, measured, measured <= limit);
    }

    /// Adds a number that must be at least `limit`.
    pub(crate) fn at_least(&mut self, name: &str, limit: f64, unit: &str, measured: f64) {
        self.compare(name, (">=", limit), unit, measured, measured >= limit);
    }

    /// A limit in seconds on something that must end. Quick runs allow five times as much: they judge whether it ends,
    /// also on a machine that does other things too, and not how soon.
    pub(crate) fn time_limit(&self, seconds: f64) -> f64 {
        if self.quick { 5.0 * seconds } else { seconds }
    }

    fn compare(&mut self, name: &str, limit: (&str, f64), unit: &str, measured: f64, holds: bool) {
        let measured = format!("{} {unit}", short(measured));
        // A few seconds of load on a machine that does other things too do not tell how fast a server is.
        if self.quick && ["ms", "/s", "times", "%"].contains(&unit) {
            return self.note(name, measured);
        }
        let required = format!("{} {} {unit}", limit.0, short(limit.1));
        self.require(name, &required, measured, holds);
    }

    /// Adds two counts that must be equal.
    pub(crate) fn equal(&mut self, name: &str, required: f64, measured: f64) {
        let holds = required == measured;
        self.require(name, &format!("{required:.0}"), format!("{measured:.0}"), holds);
    }

    /// Adds a count that must be 0; `details` explain another.
    pub(crate) fn zero(&mut self, name: &str, count: u64, details: &str) {
        let measured = if count == 0 { "0".to_owned() } else { format!("{count}: {details}") };
        self.require(name, "0", measured, count == 0);
    }

    /// Adds the number of a load's requests that did not end with 200 and the correct answer, which must be 0.
    pub(crate) fn no_errors(&mut self, name: &str, tally: &Tally) {
        self.zero(name, tally.n_errors(), &tally.errors());
    }

    /// Adds a count that must be all of `total`.
    pub(crate) fn all_of(&mut self, name: &str, total: u64, count: u64) {
        let of = |count| format!("{count} of {total}");
        self.require(name, &of(total), of(count), count == total);
    }

    /// Adds whether the server process that was started still runs.
    pub(crate) fn still_running(&mut self, name: &str, server: &mut ServerProcess) {
        let ended = server.exit_status();
        let same = "the same process";
        let measured =
            ended.map_or(same.into(), |status| format!("{status}: {}", server.log_tail()));
        self.require(name, same, measured, ended.is_none());
    }

    /// Adds a value of which nothing is required.
    pub(crate) fn note(&mut self, name: &str, measured: impl Into<String>) {
        self.add(name, "-", measured.into(), None);
    }

    fn add(&mut self, name: &str, required: &str, measured: String, holds: Option<bool>) {
        let (verdict, suffix) = match holds {
            Some(true) => ("ok  ", format!(" (required: {required})")),
            Some(false) => ("FAIL", format!(" (required: {required})")),
            None => ("    ", String::new()),
        };
        let (requirement, check) = (self.requirement, self.check);
        console::line(&format!("  {verdict} {requirement:>2} {name}: {measured}{suffix}"));
        let (name, required) = (name.to_owned(), required.to_owned());
        self.rows.push(Row { requirement, check, name, required, measured, holds });
    }

    /// Prints how many values are as required, after those that are not: whether all are.
    pub(crate) fn conclude(&self) -> bool {
        let (n_held, missed) = self.verdicts();
        for Row { check, name, required, measured, .. } in &missed {
            console::line(&format!("  FAIL {check}: {name}: {measured} (required: {required})"));
        }
        let n = n_held + missed.len();
        console::heading(&format!("{n_held} of {n} requirements hold"));
        missed.is_empty()
    }

    /// How many values are as required, and those that are not.
    fn verdicts(&self) -> (usize, Vec<&Row>) {
        let judged = self.rows.iter().filter(|row| row.holds.is_some());
        let (held, missed): (Vec<_>, Vec<_>) = judged.partition(|row| row.holds == Some(true));
        (held.len(), missed)
    }

    /// The results as a Markdown page, after some facts on the measurement.
    pub(crate) fn markdown(&self, facts: &[(&'static str, String)]) -> String {
        let facts: Vec<_> =
            facts.iter().map(|(name, value)| vec![(*name).to_owned(), value.clone()]).collect();
        let row = |row: &Row| {
            let holds = row.holds.map_or("-", |holds| if holds { "yes" } else { "**no**" });
            let number = row.requirement.to_string();
            let command = format!("`cargo xtask soak --only {}`", row.check);
            [&number, &row.name, &row.required, &row.measured, holds, &command]
                .map(str::to_owned)
                .to_vec()
        };
        let rows: Vec<_> = self.rows.iter().map(row).collect();
        let quick =
            if self.quick { "Quick runs: they show that it works, not how fast.\n\n" } else { "" };
        let header = ["#", "requirement", "required", "measured", "holds", "command"];
        format!(
            "# serve-lite: requirements and measurements\n\n{quick}{}\n{}",
            markdown_table(&["what", "value"], &facts),
            markdown_table(&header, &rows)
        )
    }
}

/// A number with about three significant digits.
fn short(number: f64) -> String {
    match number.abs() {
        1000.0.. => format!("{number:.0}"),
        10.0.. => format!("{number:.1}"),
        _ if number == number.trunc() => format!("{number:.0}"),
        _ => format!("{number:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_which_requirements_hold() {
        let mut results = Results::new(false);
        results.begin(8, "overload");
        results.at_least("throughput", 900.0, "/s", 950.4);
        results.at_most("p99", 10.0, "ms", f64::INFINITY);
        results.zero("resets", 2, "a|b");
        results.all_of("exit 0", 3, 3);
        results.equal("counted", 4.0, 5.0);
        results.note("speed", "1");
        let page = results.markdown(&[("server", "a\nb".to_owned())]);
        let command = "`cargo xtask soak --only overload`";
        for line in [
            "| server | a b |".to_owned(),
            format!("| 8 | throughput | >= 900.0 /s | 950.4 /s | yes | {command} |"),
            format!("| 8 | p99 | <= 10.0 ms | inf ms | **no** | {command} |"),
            format!("| 8 | resets | 0 | 2: a\\|b | **no** | {command} |"),
            format!("| 8 | exit 0 | 3 of 3 | 3 of 3 | yes | {command} |"),
            format!("| 8 | counted | 4 | 5 | **no** | {command} |"),
            format!("| 8 | speed | - | 1 | - | {command} |"),
        ] {
            assert!(page.lines().any(|found| found == line), "{line}\nis not in\n{page}");
        }
        let missed = |results: &Results| {
            let (n_held, missed) = results.verdicts();
            (n_held, missed.iter().map(|row| row.name.clone()).collect::<Vec<_>>())
        };
        assert_eq!(missed(&results), (2, ["p99", "resets", "counted"].map(str::to_owned).into()));
        assert!(!results.conclude());
        let mut quick = Results::new(true);
        quick.at_most("p99", 10.0, "ms", 11.0);
        quick.at_most("memory", 10.0, "MiB", 11.0);
        quick.at_most("end", 1.0, "s", 4.0);
        assert_eq!(missed(&quick), (1, vec!["memory".to_owned()]));
    }
}
