//! One run of a study: a recipe with a seed, in processes of its own.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail, ensure};
use run::{
    Config, DatasetFacts, Evaluation, RunDirectory, Timing, read_json, read_metrics, write_json,
};

use super::results::RunResult;
use crate::cli::StudyArgs;
use crate::console;
use crate::train::INTERRUPTED;

/// A run to be made, or one that an earlier call has made.
pub(super) struct Trial<'a> {
    /// The folder of the study's runs.
    pub(super) folder: &'a Path,
    pub(super) config: &'a Config,
    pub(super) args: &'a StudyArgs,
}

impl Trial<'_> {
    /// Does what is not done yet of training, evaluation, export and proof; none where Ctrl-C ended it. `number` is shown.
    pub(super) fn run(&self, number: &str) -> anyhow::Result<Option<RunResult>> {
        let name = format!("{}-{}", self.config.recipe, self.config.seed);
        let exists = self.folder.join(&name).exists();
        let mut run = match exists {
            true => Some(RunDirectory::open(self.folder, Some(&name))?),
            false => None,
        };
        if let Some(run) = &run {
            self.check_settings(run)?;
        }
        if run.as_ref().is_none_or(|run| !run.timing().exists()) {
            console::line(&format!("{number} {name}: training"));
            let started = Instant::now();
            let trained = match exists {
                true => self.step(&["train", "--resume", "--run", &name])?,
                false => self.train(&name)?,
            };
            if !trained {
                return Ok(None);
            }
            let made = RunDirectory::open(self.folder, Some(&name))?;
            // Of a run that was interrupted, the time between is not known.
            let seconds = (!exists).then(|| started.elapsed().as_secs_f64());
            write_json(&made.timing(), &Timing { seconds })?;
            run = Some(made);
        }
        let Some(run) = run else { bail!("{name} left no run") };
        if !self.args.validate {
            let done = [
                (run.evaluation().exists(), "evaluate"),
                (run.onnx().exists(), "export-onnx"),
                (run.agreement().exists(), "verify"),
            ];
            for (_, step) in done.iter().skip_while(|(done, _)| *done) {
                if !self.step(&[step, "--run", &name])? {
                    return Ok(None);
                }
            }
        }
        let result = self.result(&run)?;
        console::line(&format!("{number} {name}: {}", result.in_words()));
        Ok(Some(result))
    }

    /// Trains a new run from a file of its settings, so that nothing of the recipe is lost on the way.
    fn train(&self, name: &str) -> anyhow::Result<bool> {
        std::fs::create_dir_all(self.folder)
            .with_context(|| format!("cannot make the folder {}", self.folder.display()))?;
        let file = tempfile::Builder::new().suffix(".toml").tempfile()?;
        self.config.write(file.path())?;
        let path = file.path().to_string_lossy().into_owned();
        self.step(&["train", "--run", name, "--config", &path])
    }

    /// Runs a command of this program; false where Ctrl-C ended it.
    fn step(&self, arguments: &[&str]) -> anyhow::Result<bool> {
        let program = std::env::current_exe().context("cannot find this program")?;
        let mut command = Command::new(program);
        command.arg("--runs").arg(self.folder).args(arguments);
        let machine = &self.args.machine;
        if arguments[0] != "export-onnx" {
            if let Some(threads) = machine.threads {
                command.args(["--threads", &threads.to_string()]);
            }
            if machine.offline {
                command.arg("--offline");
            }
        }
        let output = command.stdout(Stdio::null()).stderr(Stdio::piped()).output()?;
        if output.status.code() == Some(INTERRUPTED.into()) {
            return Ok(false);
        }
        ensure!(
            output.status.success(),
            "`{}` failed: {}",
            arguments.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
        Ok(true)
    }

    /// Refuses a run that was made under other settings, whose figures would be of something else.
    fn check_settings(&self, run: &RunDirectory) -> anyhow::Result<()> {
        let theirs = Config::read(&run.config())?;
        // A finished run names what `auto` resolved to.
        let ours = Config { data: theirs.data.clone(), ..self.config.clone() };
        let (theirs, ours) = (theirs.to_toml(), ours.to_toml());
        if let Some((theirs, ours)) = theirs.lines().zip(ours.lines()).find(|(a, b)| a != b) {
            bail!(
                "{} was made with {theirs}, and the recipe now says {ours}: remove it, or give the study another --name",
                run.path.display()
            );
        }
        Ok(())
    }

    fn result(&self, run: &RunDirectory) -> anyhow::Result<RunResult> {
        let facts: DatasetFacts = read_json(&run.dataset())?;
        let timing: Timing = read_json(&run.timing())?;
        let evaluation = match self.args.validate {
            true => None,
            false => Some(read_json::<Evaluation>(&run.evaluation())?),
        };
        Ok(RunResult {
            seed: self.config.seed,
            synthetic: facts.synthetic,
            n_test: facts.n_test,
            epochs: read_metrics(&run.metrics())?,
            checkpoint: self.config.checkpoint,
            evaluation,
            seconds: timing.seconds,
        })
    }
}
