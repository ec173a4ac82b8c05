//! `train`: a network, its metrics and its checkpoints.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use pipeline::Session;
use run::{Config, Flags};
use train::{Checkpoint, Outcome};

use super::fetch;
use crate::arguments::MachineArgs;
use crate::console;

/// Exit code of a program that Ctrl-C ended, as shells report it: 128 + SIGINT.
pub(super) const INTERRUPTED: u8 = 130;

/// What `--smoke` sets: enough images and epochs to learn something worth a report.
const SMOKE: [(&str, &str); 2] = [("limit", "2000"), ("epochs", "2")];

/// The arguments of `train`. Every setting is a flag; the defaults are the article's recipe.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Name of the run [default: run-N, or the latest with --resume]
    #[arg(long, value_name = "NAME")]
    run: Option<String>,
    /// Resume a run that was killed or interrupted; the result is the same, bit for bit
    #[arg(long, conflicts_with_all = ["recipe", "config"])]
    resume: bool,
    /// TOML file of settings; flags override it
    #[arg(long, value_name = "FILE", conflicts_with = "recipe")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Flags<Config>,
    #[command(flatten, next_help_heading = "Machine")]
    machine: MachineArgs,
}

pub(super) fn run(runs: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    Ok(match train(runs, args, false)? {
        Some(_) => ExitCode::SUCCESS,
        None => ExitCode::from(INTERRUPTED),
    })
}

/// Trains a new run, or resumes one; `None` where Ctrl-C ended it.
pub(super) fn train(runs: &Path, args: &Args, smoke: bool) -> anyhow::Result<Option<Session>> {
    let machine = &args.machine;
    machine.apply()?;
    let name = args.run.as_deref();
    let downloads = console::Downloads::default();
    let show = &mut |event: dataset::Event| downloads.show(&event);
    let session = if args.resume {
        Session::open(runs, name, &args.settings.given, machine.offline, show)?
    } else {
        Session::create(runs, name, config(args, smoke)?, machine.offline, show)?
    };
    let Session { run, config, facts, .. } = &session;
    fetch::describe(config, facts);
    console::heading(&format!("Network: {} classes", facts.classes.len()));
    for line in model::summary(&session.network())?.to_string().lines() {
        console::line(line);
    }

    let checkpoint = if args.resume { resume_point(&session)? } else { None };
    let stop = stop_on_interrupt()?;
    let n_epochs = config.training.epochs;
    console::heading(&format!("Training: {}, {n_epochs} epochs", run.path.display()));
    let progress = console::Training::new(n_epochs);
    let outcome = pipeline::train(&session, checkpoint, &stop, &mut |event| progress.show(&event))?;
    drop(progress);
    match outcome {
        Outcome::Finished => {}
        Outcome::StoppedEarly => {
            let patience = config.training.patience;
            console::line(&format!(
                "stopped early: {patience} epochs without a lower validation loss"
            ));
        }
        Outcome::Interrupted => {
            let name = run.name();
            console::notice(&format!("interrupted; resume with `train --resume --run {name}`"));
            return Ok(None);
        }
    }
    Ok(Some(session))
}

/// The recipe or the file, then `--smoke`, then the flags that were given; each overrides what came before.
fn config(args: &Args, smoke: bool) -> anyhow::Result<Config> {
    let is_recipe = |(key, _): &&(String, String)| key == "recipe";
    let recipe = args.settings.given.iter().find(is_recipe);
    let mut config = match (recipe, &args.config) {
        (Some((_, name)), _) => pipeline::read_recipe(name)?,
        (None, Some(path)) => Config::read(path)?,
        (None, None) => Config::default(),
    };
    if smoke {
        config = config.with(&SMOKE.map(|(key, value)| (key.to_owned(), value.to_owned())))?;
        config.optimizer.warmup_epochs = config.optimizer.warmup_epochs.min(1.0);
    }
    let recipe = config.recipe.clone();
    let config = Config { recipe, ..config.with(&args.settings.given)? };
    config.check()?;
    Ok(config)
}

/// The checkpoint to resume from; none where the run was killed before its first.
fn resume_point(session: &Session) -> anyhow::Result<Option<Checkpoint>> {
    let Some(restored) = pipeline::resume_point(session)? else {
        console::notice("the run has no checkpoint yet: it starts from the beginning");
        return Ok(None);
    };
    if let Some(notice) = restored.notice {
        console::notice(&notice);
    }
    let checkpoint = restored.checkpoint;
    let (epoch, step) = (checkpoint.epoch(), checkpoint.epoch.step);
    if epoch >= session.config.training.epochs {
        console::line(&format!("all {epoch} epochs are complete"));
    } else {
        console::line(&format!("resuming after epoch {epoch}, step {step} of the next"));
    }
    Ok(Some(checkpoint))
}

/// A flag that Ctrl-C and SIGTERM set. The second signal ends the process at once.
fn stop_on_interrupt() -> anyhow::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if flag.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED.into());
        }
    })
    .context("cannot listen for Ctrl-C")?;
    Ok(stop)
}
