//! Finding a run: by its name, or the newest that can do what is asked.

use std::path::Path;
use std::time::SystemTime;

use crate::config::Config;
use crate::directory::RunDirectory;
use crate::error::{Error, Result};
use crate::name::run_name;

/// Names the run that was started last, in the folder that holds all runs.
pub(crate) const LATEST: &str = "latest";

/// What a command needs of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// That it was started.
    Start,
    /// The checkpoint that evaluation and export use, with no other process at work on the run.
    Weights,
    /// The scores on the test set, with no other process at work on the run.
    Evaluation,
    /// The ONNX file.
    Onnx,
}

impl RunDirectory {
    /// Opens the run called `name` below `runs`, or the latest one, whatever its state.
    ///
    /// # Errors
    /// As [`find`](Self::find).
    pub fn open(runs: &Path, name: Option<&str>) -> Result<Self> {
        Self::find(runs, name, Needs::Start)
    }

    /// Opens the run called `name` below `runs`; without a name the newest that has what is needed, so that a run in
    /// training or one that failed does not hide those before it.
    ///
    /// Newest is the run that was started last, by the file `latest`; then those by their `dataset.json`, which is
    /// written once.
    ///
    /// # Errors
    /// [`Error::Name`]; [`Error::Missing`] or [`Error::NoRuns`] where there is no such run; [`Error::Lacks`] where it
    /// lacks what is needed, [`Error::Locked`] where all that have it are in use.
    pub fn find(runs: &Path, name: Option<&str>, needs: Needs) -> Result<Self> {
        let all = match name {
            Some(name) => {
                let path = runs.join(run_name(name)?);
                let run = Self { path: path.clone() };
                if run.has(Needs::Start) { vec![run] } else { return Err(Error::Missing { path }) }
            }
            None => newest_first(runs),
        };
        let is_free = |run: &&Self| {
            name.is_some()
                || !matches!(needs, Needs::Weights | Needs::Evaluation)
                || !run.is_locked()
        };
        let newest = all.first().ok_or_else(|| Error::NoRuns { path: runs.to_owned() })?;
        let mut able = all.iter().filter(|run| run.has(needs)).peekable();
        if able.peek().is_none() {
            let (what, command) = needs.words();
            let command = format!("{command} {}", newest.flags());
            return Err(Error::Lacks { path: newest.path.clone(), what, command });
        }
        let locked = || Error::Locked { path: newest.path.clone() };
        able.find(is_free).cloned().ok_or_else(locked)
    }

    /// Whether the run has what a command needs.
    #[must_use]
    pub fn has(&self, needs: Needs) -> bool {
        match needs {
            Needs::Start => self.config().is_file(),
            Needs::Weights => match Config::read(&self.config()) {
                Ok(config) => self.checkpoint(config.training.checkpoint).is_file(),
                // What is wrong with the settings is said by whoever reads them.
                Err(_) => self.best_checkpoint().is_file() || self.last_checkpoint().is_file(),
            },
            Needs::Evaluation => self.evaluation().is_file() && self.predictions().is_file(),
            Needs::Onnx => self.onnx().is_file(),
        }
    }

    /// The flags that name this run on a command line: `--run NAME`, and `--runs DIR` where that is not `runs`.
    #[must_use]
    pub fn flags(&self) -> String {
        let name = self.name();
        let runs = self.path.parent().unwrap_or(Path::new(""));
        if runs == Path::new("runs") {
            return format!("--run {name}");
        }
        let runs = runs.to_string_lossy();
        let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+".contains(c);
        let quoted = format!("'{}'", runs.replace('\'', r"'\''"));
        let runs = if runs.chars().all(plain) { runs.into_owned() } else { quoted };
        format!("--runs {runs} --run {name}")
    }
}

impl Needs {
    /// What it is called, and the command that makes it.
    #[must_use]
    pub fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Start => ("settings", "train"),
            Self::Weights => ("checkpoint", "train --resume"),
            Self::Evaluation => ("evaluation", "evaluate"),
            Self::Onnx => ("ONNX file", "export-onnx"),
        }
    }
}

fn newest_first(runs: &Path) -> Vec<RunDirectory> {
    let latest = std::fs::read_to_string(runs.join(LATEST)).unwrap_or_default();
    let entries = std::fs::read_dir(runs).into_iter().flatten().flatten();
    let named = entries.filter(|entry| run_name(&entry.file_name().to_string_lossy()).is_ok());
    let mut all: Vec<_> = named
        .map(|entry| RunDirectory { path: runs.join(entry.file_name()) })
        .filter(|run| run.has(Needs::Start))
        .map(|run| {
            let written = std::fs::metadata(run.dataset()).and_then(|facts| facts.modified());
            let started = written.unwrap_or(SystemTime::UNIX_EPOCH);
            (run.name() == latest.trim(), started, run.name(), run)
        })
        .collect();
    all.sort_by(|a, b| (&b.0, &b.1, &b.2).cmp(&(&a.0, &a.1, &a.2)));
    all.into_iter().map(|(.., run)| run).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::creation::tests::{create, facts};

    #[test]
    fn the_latest_run_is_the_newest_that_has_what_is_needed() {
        let runs = tempfile::tempdir().unwrap();
        let runs = runs.path();
        let old = create(runs, Some("old")).unwrap();
        let newer = create(runs, Some("newer")).unwrap();
        for run in [&old, &newer] {
            std::fs::write(run.onnx(), "").unwrap();
            std::fs::write(run.best_checkpoint(), "").unwrap();
        }
        let (newest, lock) =
            RunDirectory::create(runs, Some("newest"), &Config::default(), &facts(), &[]).unwrap();
        std::fs::write(newest.best_checkpoint(), "").unwrap();
        let find = |needs| RunDirectory::find(runs, None, needs);
        assert_eq!(find(Needs::Start).unwrap(), newest);
        assert_eq!(find(Needs::Onnx).unwrap(), newer);
        assert_eq!(find(Needs::Weights).unwrap(), newer, "the newest is in training");
        drop(lock);
        assert_eq!(find(Needs::Weights).unwrap(), newest);
        std::fs::remove_file(runs.join(LATEST)).unwrap();
        assert_eq!(find(Needs::Start).unwrap(), newest);
    }

    #[test]
    fn what_is_lacking_is_named_with_the_command_that_makes_it() {
        let runs = tempfile::tempdir().unwrap();
        let run = create(runs.path(), None).unwrap();
        for name in [None, Some("run-1")] {
            let error = RunDirectory::find(runs.path(), name, Needs::Onnx).unwrap_err().to_string();
            let flags = format!("--runs {} --run run-1", runs.path().display());
            assert!(error.contains("ONNX file") && error.contains("export-onnx"), "{error}");
            assert!(error.contains(&flags) && run.flags() == flags, "{error}");
        }
        let quoted = RunDirectory { path: "my runs/a".into() }.flags();
        assert_eq!(quoted, "--runs 'my runs' --run a");
        assert_eq!(RunDirectory { path: "runs/a".into() }.flags(), "--run a");
    }

    #[test]
    fn a_folder_that_is_no_run_is_not_one() {
        let runs = tempfile::tempdir().unwrap();
        std::fs::create_dir(runs.path().join("study")).unwrap();
        let named = RunDirectory::open(runs.path(), Some("study"));
        assert!(matches!(named, Err(Error::Missing { .. })));
        assert!(matches!(RunDirectory::open(runs.path(), None), Err(Error::NoRuns { .. })));
    }
}
