//! The conditions of the measurement: the command, the day, the machine, the versions.

use std::process::Command;

use run::{DatasetFacts, RunDirectory};

use crate::arguments::Args;
use crate::python::{Python, TENSORFLOW};
use crate::results::Measured;
use crate::{process, root};

/// The value of a condition that cannot be determined.
const UNKNOWN: &str = "unknown";

/// Today's date in UTC, as YYYY-MM-DD.
pub(crate) fn today() -> String {
    time::OffsetDateTime::now_utc().date().to_string()
}

/// Names and values of all conditions.
pub(crate) fn conditions(
    args: &Args,
    run: &RunDirectory,
    facts: &DatasetFacts,
    python: &Measured<Python>,
) -> Vec<(&'static str, String)> {
    let DatasetFacts { name, n_train, n_val, n_test, .. } = facts;
    let cpuinfo = read("/proc/cpuinfo");
    let memory = field(&read("/proc/meminfo"), "MemTotal")
        .and_then(|kib| kib.strip_suffix(" kB")?.parse::<f64>().ok())
        .map_or(UNKNOWN.to_owned(), |kib| format!("{:.1} GiB", kib / f64::from(1 << 20)));
    let kernel = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap_or_default();
    let locked = |package| locked_version(&lock, package).unwrap_or(UNKNOWN.to_owned());
    let package = |name: &str| {
        let version = python.as_ref().ok().and_then(|python| python.version(name));
        version.unwrap_or("missing").to_owned()
    };
    vec![
        ("command", format!("`{}`", args.command())),
        ("run", run.name()),
        ("images", format!("{name}: {n_train} training, {n_val} validation, {n_test} test")),
        ("processor", processor(&cpuinfo)),
        ("memory", memory),
        ("system", format!("{} {}", std::env::consts::OS, kernel.trim())),
        ("load average before", load.split(' ').next().unwrap_or(UNKNOWN).to_owned()),
        ("Rust", printed("rustc", &["--version"])),
        ("kiln", format!("{}, {}", env!("CARGO_PKG_VERSION"), commit())),
        ("Burn", locked("burn")),
        ("tract", locked("tract-onnx")),
        ("Python", package("python")),
        ("Keras", format!("{} on TensorFlow {}", package("keras"), package(TENSORFLOW))),
        ("PyTorch", package("torch")),
        ("ONNX Runtime", package("onnxruntime")),
    ]
}

/// The model, the number of CPUs and the vector extension.
fn processor(cpuinfo: &str) -> String {
    let flags = field(cpuinfo, "flags").unwrap_or_default();
    let has = |flag| flags.split(' ').any(|word| word == flag);
    let vectors = match (has("avx512f"), has("avx2")) {
        (true, _) => "AVX-512",
        (false, true) => "AVX2",
        (false, false) => std::env::consts::ARCH,
    };
    let cpus = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{}, {cpus} CPUs, {vectors}", field(cpuinfo, "model name").unwrap_or(UNKNOWN))
}

/// The commit that is checked out, and whether files differ from it.
fn commit() -> String {
    let hash = printed("git", &["rev-parse", "--short", "HEAD"]);
    let changes = printed("git", &["status", "--porcelain", "--untracked-files=no"]);
    let changes = if [UNKNOWN, ""].contains(&changes.as_str()) { "" } else { " with changes" };
    format!("commit {hash}{changes}")
}

/// What a program prints when it runs in the repository.
fn printed(program: &str, args: &[&str]) -> String {
    let output = process::output(Command::new(program).args(args).current_dir(root()));
    output.map_or(UNKNOWN.to_owned(), |output| output.stdout.trim().to_owned())
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

/// The value of the first line `name : value` of a file in `/proc`.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut pairs = text.lines().filter_map(|line| line.split_once(':'));
    pairs.find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim())
}

/// The version of a package in the text of `Cargo.lock`.
fn locked_version(lock: &str, package: &str) -> Option<String> {
    let lock: toml::Table = lock.parse().ok()?;
    let is_it =
        |entry: &&toml::Value| entry.get("name").and_then(|name| name.as_str()) == Some(package);
    let entry = lock.get("package")?.as_array()?.iter().find(is_it)?;
    Some(entry.get("version")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let text = "model\t\t: 17\nmodel name\t: EPYC: 9\nmodel name\t: other\n";
        assert_eq!(field(text, "model name"), Some("EPYC: 9"));
        assert_eq!(field(text, "name"), None);
    }

    #[test]
    fn a_locked_version_is_that_of_the_package_alone() {
        let lock = "[[package]]\nname = \"burn-core\"\nversion = \"1.0.0\"\n\n[[package]]\n\
                    name = \"burn\"\nversion = \"0.22.1\"\nsource = \"registry\"\n";
        assert_eq!(locked_version(lock, "burn").as_deref(), Some("0.22.1"));
        assert_eq!(locked_version(lock, "urn"), None);
    }
}
