//! One run of a study: a recipe with a seed, each stage in a separate process.
//!
//! So a run's time counts from the start of a process, loading included, and a failed run does not affect the others.

use std::io::Read;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use run::{Config, DatasetFacts, Evaluation, Needs, RunDirectory, Timing, read_json, write_json};

use super::StudyOptions;
use super::results::RunResult;
use crate::error::{Error, Result};

/// Exit code of a program that Ctrl-C ended, as shells report it: 128 + SIGINT.
const INTERRUPTED: i32 = 130;
/// How often a stage is asked whether it has ended: a fraction of what a run's time is compared by.
const POLL: Duration = Duration::from_millis(5);

/// A run to be made, or one that an earlier study has made.
pub(super) struct Trial<'a> {
    pub(super) options: &'a StudyOptions,
    pub(super) config: &'a Config,
    /// Interrupts the stage that runs.
    pub(super) stop: &'a AtomicBool,
}

impl Trial<'_> {
    pub(super) fn name(&self) -> String {
        format!("{}-{}", self.config.recipe, self.config.training.seed)
    }

    /// Makes what is missing of training, evaluation, export and verification; none where Ctrl-C ended a stage.
    pub(super) fn run(&self, on_training: &mut dyn FnMut()) -> Result<Option<RunResult>> {
        let run = RunDirectory { path: self.options.folder.join(self.name()) };
        let exists = run.has(Needs::Start);
        if exists {
            self.check_settings(&run)?;
        }
        if !run.timing().exists() {
            on_training();
            let started = Instant::now();
            let finished = match exists {
                true => self.stage(&["train", "--resume", "--run", &self.name()])?,
                false => self.train()?,
            };
            if !finished {
                return Ok(None);
            }
            // The time between an interruption and the resumption is unknown.
            let seconds = (!exists).then(|| started.elapsed().as_secs_f64());
            write_json(&run.timing(), &Timing { seconds })?;
        }
        if !self.options.validate {
            let stages = [
                ("evaluate", run.evaluation()),
                ("export-onnx", run.onnx()),
                ("verify", run.agreement()),
            ];
            for (stage, _) in stages.iter().skip_while(|(_, file)| file.exists()) {
                if !self.stage(&[stage, "--run", &self.name()])? {
                    return Ok(None);
                }
            }
        }
        self.result(&run).map(Some)
    }

    /// Trains a new run from a file of its settings.
    fn train(&self) -> Result<bool> {
        let folder = tempfile::tempdir()
            .map_err(|source| run::Error::Write { path: std::env::temp_dir(), source })?;
        let file = run::RunDirectory { path: folder.path().to_owned() }.config();
        self.config.write(&file)?;
        let file = file.to_string_lossy();
        self.stage(&["train", "--run", &self.name(), "--config", &file])
    }

    /// Runs a stage; false where Ctrl-C ended it.
    fn stage(&self, arguments: &[&str]) -> Result<bool> {
        let StudyOptions { folder, program, threads, offline, .. } = self.options;
        let mut command = Command::new(program);
        command.arg("--runs").arg(folder).args(arguments);
        if arguments[0] != "export-onnx" {
            command.args(threads.iter().flat_map(|n| ["--threads".to_owned(), n.to_string()]));
            command.args(offline.then_some("--offline"));
        }
        let failed = |message: String| Error::Step { command: arguments.join(" "), message };
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let child = own_group(&mut command).spawn().map_err(|error| failed(error.to_string()))?;
        let (status, errors) = self.wait(child).map_err(|error| failed(error.to_string()))?;
        match status.code() {
            Some(INTERRUPTED) => Ok(false),
            _ if self.stop.load(Ordering::Relaxed) => Ok(false),
            Some(0) => Ok(true),
            _ => Err(failed(errors.trim().to_owned())),
        }
    }

    /// Waits for a process and passes the interruption on; returns what it wrote to standard error.
    fn wait(&self, mut child: Child) -> std::io::Result<(ExitStatus, String)> {
        let mut stderr = child.stderr.take();
        let reader = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            let read = stderr.as_mut().map(|stderr| stderr.read_to_end(&mut bytes));
            // What was read until an error is still worth showing.
            drop(read);
            String::from_utf8_lossy(&bytes).into_owned()
        });
        let mut told = false;
        let status = loop {
            if let Some(status) = child.try_wait()? {
                break status;
            }
            if self.stop.load(Ordering::Relaxed) && !told {
                interrupt(&mut child);
                told = true;
            }
            std::thread::sleep(POLL);
        };
        Ok((status, reader.join().unwrap_or_default()))
    }

    /// Refuses a run that was made under other settings.
    fn check_settings(&self, run: &RunDirectory) -> Result<()> {
        let found = Config::read(&run.config())?;
        let expected = self.config.settled_as(&found);
        match found.difference(&expected) {
            None => Ok(()),
            Some((key, found, expected)) => {
                Err(Error::OtherSettings { path: run.path.clone(), key, found, expected })
            }
        }
    }

    fn result(&self, run: &RunDirectory) -> Result<RunResult> {
        let facts: DatasetFacts = read_json(&run.dataset())?;
        let timing: Timing = read_json(&run.timing())?;
        let evaluation = match self.options.validate {
            true => None,
            false => Some(read_json::<Evaluation>(&run.evaluation())?),
        };
        Ok(RunResult {
            seed: self.config.training.seed,
            synthetic: facts.synthetic,
            n_test: facts.n_test,
            epochs: train::checked_metrics(run, &Config::read(&run.config())?, &facts)?,
            checkpoint: self.config.training.checkpoint,
            evaluation,
            seconds: timing.seconds,
        })
    }
}

/// Keeps a terminal's Ctrl-C from a stage: the study passes it on, once, or the stage would get two and end at once.
fn own_group(command: &mut Command) -> &mut Command {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    command
}

/// As Ctrl-C does, where a system has signals. The stage may have ended meanwhile, which is what is wanted.
fn interrupt(child: &mut Child) {
    #[cfg(unix)]
    let _ = rustix::process::kill_process(
        rustix::process::Pid::from_child(child),
        rustix::process::Signal::INT,
    );
    #[cfg(not(unix))]
    let _ = child.kill();
}
