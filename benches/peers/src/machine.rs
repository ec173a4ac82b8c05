//! Where a sitting took place: the day, the machine, the versions.

use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

const SECONDS_A_DAY: u64 = 86_400;
/// What stands in the table where the machine does not say.
const UNKNOWN: &str = "unknown";

/// Today's date in UTC, as YYYY-MM-DD.
pub(super) fn today() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (year, month, day) = date(since.as_secs() / SECONDS_A_DAY);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The machine and what compiled kiln, as names and values.
pub(super) fn facts(root: &Path) -> Vec<(&'static str, String)> {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let cpuinfo = read("/proc/cpuinfo");
    let flags = field(&cpuinfo, "flags").unwrap_or("");
    let has = |flag| flags.split(' ').any(|word| word == flag);
    let vectors = match (has("avx512f"), has("avx2")) {
        (true, _) => "AVX-512",
        (false, true) => "AVX2",
        (false, false) => std::env::consts::ARCH,
    };
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    let model = field(&cpuinfo, "model name").unwrap_or(UNKNOWN);
    let memory = field(&read("/proc/meminfo"), "MemTotal")
        .and_then(|kib| kib.strip_suffix(" kB")?.parse::<f64>().ok())
        .map_or(UNKNOWN.to_owned(), |kib| format!("{:.1} GiB", kib / f64::from(1 << 20)));
    let kernel = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    vec![
        ("processor", format!("{model}, {cpus} CPUs, {vectors}")),
        ("memory", memory),
        ("system", format!("{} {}", std::env::consts::OS, kernel.trim())),
        ("load average before", load.split(' ').next().unwrap_or(UNKNOWN).to_owned()),
        ("Rust", said("rustc", &["--version"], root)),
        ("kiln", format!("{}, {}", env!("CARGO_PKG_VERSION"), commit(root))),
    ]
}

/// The version that `Cargo.lock` pins a package to.
pub(super) fn locked_version(root: &Path, package: &str) -> String {
    let lock = std::fs::read_to_string(root.join("Cargo.lock")).unwrap_or_default();
    locked(&lock, package).unwrap_or(UNKNOWN).to_owned()
}

/// The commit that is checked out, and whether files differ from it.
fn commit(root: &Path) -> String {
    let hash = said("git", &["rev-parse", "--short", "HEAD"], root);
    let changes = said("git", &["status", "--porcelain", "--untracked-files=no"], root);
    let changes = if [UNKNOWN, ""].contains(&changes.as_str()) { "" } else { " with changes" };
    format!("commit {hash}{changes}")
}

/// What a program prints, in the repository.
fn said(program: &str, args: &[&str], root: &Path) -> String {
    match Command::new(program).args(args).current_dir(root).output() {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => UNKNOWN.to_owned(),
    }
}

/// The value of the first line `name : value` of a file below `/proc`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.map(|(key, value)| (key.trim(), value.trim())).find(|(key, _)| *key == name).map(|p| p.1)
}

fn locked<'a>(lock: &'a str, package: &str) -> Option<&'a str> {
    let name = format!("name = \"{package}\"");
    let mut lines = lock.lines().skip_while(|line| *line != name);
    lines.nth(1)?.strip_prefix("version = \"")?.strip_suffix('"')
}

/// Year, month and day of a number of days since 1 January 1970, in the Gregorian calendar.
///
/// Howard Hinnant's `civil_from_days`: years begin in March, so that the leap day is their last,
/// and 400 of them, an era, always have 146,097 days.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468; // since 1 March of the year 0
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153; // 0 is March; months of 31, 30, 31, 30, 31 days repeat
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn days_become_dates() {
        assert_eq!(date(0), (1970, 1, 1));
        assert_eq!(date(59), (1970, 3, 1));
        assert_eq!(date(11_016), (2000, 2, 29));
        assert_eq!(date(11_017), (2000, 3, 1));
        assert_eq!(date(20_453), (2025, 12, 31));
        assert_eq!(date(20_454), (2026, 1, 1));
        assert_eq!(date(47_541), (2100, 3, 1));
    }

    #[test]
    fn fields_are_found_by_their_whole_name() {
        let text = "model\t\t: 17\nmodel name\t: EPYC: 9\nmodel name\t: other\n";
        assert_eq!(field(text, "model name"), Some("EPYC: 9"));
        assert_eq!(field(text, "name"), None);
    }

    #[test]
    fn a_locked_version_is_that_of_the_package_alone() {
        let lock = "[[package]]\nname = \"burn-core\"\nversion = \"1.0.0\"\n\n[[package]]\n\
                    name = \"burn\"\nversion = \"0.22.1\"\nsource = \"registry\"\n";
        assert_eq!(locked(lock, "burn"), Some("0.22.1"));
        assert_eq!(locked(lock, "urn"), None);
    }
}
