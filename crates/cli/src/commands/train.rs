//! `train`: a network, its metrics and its checkpoints.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use anyhow::bail;
use pipeline::{Session, Settings};
use run::{Config, Flags, Needs, run_name};
use train::{Checkpoint, Outcome};

use super::fetch;
use crate::arguments::MachineArgs;
use crate::console;
use crate::interrupt::{self, INTERRUPTED, Watched};
use crate::live::Live;
use crate::progress::{Downloads, Training};

/// What `--smoke` sets: enough images and epochs to learn something worth a report.
const SMOKE: [(&str, &str); 2] = [("limit", "2000"), ("epochs", "2")];

/// Columns of the network's table, and of all its columns but the last.
const WHOLE_SUMMARY: usize = 63;
const NARROW_SUMMARY: usize = 48;

/// The arguments of `train`. Every setting is a flag; the defaults are the article's recipe.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Name of the run [default: run-N, or the newest with --resume]
    #[arg(long, value_name = "NAME", value_parser = run_name)]
    run: Option<String>,
    /// Two epochs on 2,000 images, in seconds: the same code on a small budget
    #[arg(long)]
    smoke: bool,
    /// Resume a run that was killed or interrupted; the result is the same, bit for bit. --data says where
    /// images are that were moved; where the learning rate is constant, --epochs may add epochs
    #[arg(long, conflicts_with_all = ["recipe", "config", "smoke"])]
    resume: bool,
    /// TOML file of settings; flags override it
    #[arg(long, value_name = "FILE", conflicts_with = "recipe")]
    config: Option<PathBuf>,
    #[command(flatten)]
    settings: Flags<Config>,
    /// Show the curves while training, in a browser on this machine; without a port at 8001, 0 takes a free one
    #[arg(long, value_name = "PORT", num_args = 0..=1, default_missing_value = "8001")]
    live: Option<u16>,
    #[command(flatten, next_help_heading = "Machine")]
    machine: MachineArgs,
}

pub(super) fn run(runs: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    let Some(session) = train(runs, args, "train --resume")? else {
        return Ok(ExitCode::from(INTERRUPTED));
    };
    console::next("evaluate", &session.run);
    Ok(ExitCode::SUCCESS)
}

/// Trains a new run, or resumes one; `None` where Ctrl-C ended it. `resume` is the command that then goes on.
pub(super) fn train(runs: &Path, args: &Args, resume: &str) -> anyhow::Result<Option<Session>> {
    let machine = &args.machine;
    machine.apply()?;
    let name = args.run.as_deref();
    let live = args.live.map(Live::bind).transpose()?;
    let downloads = Downloads::new();
    let show = &mut |event: dataset::Event| downloads.show(&event);
    let session = if args.resume {
        Session::open(runs, name, Needs::Start, &args.settings.given, machine.offline, show)?
    } else {
        Session::create(runs, name, settings(runs, args)?, machine.offline, show)?
    };
    interrupt::set_remedy(console::command(resume, &session.run));
    let Session { run, config, facts, .. } = &session;
    fetch::describe(config, facts);
    console::heading(&format!("Network: {} classes", facts.classes.len()));
    // Where the terminal is narrow the last column is left out.
    let columns =
        if console::columns() < WHOLE_SUMMARY + 2 { NARROW_SUMMARY } else { WHOLE_SUMMARY };
    for line in model::summary(&session.network())?.to_string().lines() {
        console::line(line.chars().take(columns).collect::<String>().trim_end());
    }

    let checkpoint = if args.resume { resume_point(&session)? } else { None };
    let n_epochs = config.training.epochs;
    let epochs = if n_epochs == 1 { "epoch" } else { "epochs" };
    console::heading(&format!("Training: {}, {n_epochs} {epochs}", run.path.display()));
    let live = live.map(|live| {
        let known = checkpoint.as_ref().map(|checkpoint| checkpoint.history.clone());
        live.serve(&session, known.unwrap_or_default())
    });
    if let Some(live) = &live {
        console::line(&format!("live at {}", live.url()));
    }
    let mut progress = Training::new(n_epochs, facts.n_train, facts.n_val);
    let watched = Watched::new();
    let stop = interrupt::stop();
    let outcome = pipeline::train(&session, checkpoint, stop, &mut |event| {
        progress.show(&event);
        if let Some(live) = &live {
            live.show(&event);
        }
    })?;
    if let Some(live) = &live {
        live.say("Training has ended.");
    }
    drop((progress, watched));
    match outcome {
        // Ctrl-C may come after the last step.
        Outcome::Finished if stop.load(Ordering::SeqCst) => {
            interrupt::notice();
            return Ok(None);
        }
        Outcome::Finished => {}
        Outcome::StoppedEarly => {
            let patience = config.training.patience;
            console::line(&format!(
                "stopped early: {patience} epochs without a lower validation loss"
            ));
        }
        Outcome::Interrupted => {
            interrupt::notice();
            return Ok(None);
        }
    }
    Ok(Some(session))
}

/// The recipe or the file, then `--smoke`, then the flags that were given; each overrides what came before. Without a
/// recipe and a file the images decide.
fn settings(runs: &Path, args: &Args) -> anyhow::Result<Settings> {
    let is_recipe = |(key, _): &&(String, String)| key == "recipe";
    let recipe = args.settings.given.iter().find(is_recipe);
    let smoke = SMOKE.map(|(key, value)| (key.to_owned(), value.to_owned()));
    let smoke = if args.smoke { &smoke[..] } else { &[] };
    let from = args.settings.given.iter().find(|(key, _)| key == "from");
    let inherited = match from {
        Some((_, run)) if !run.is_empty() => pipeline::inherited(runs, run)?,
        _ => Vec::new(),
    };
    let mut config = match (recipe, &args.config) {
        (Some((_, name)), _) => pipeline::read_recipe(name)?,
        (None, Some(path)) => Config::read(path)?,
        (None, None) => {
            return Ok(Settings::ForImages([smoke, &inherited, &args.settings.given].concat()));
        }
    };
    config = config.with(smoke)?.with(&inherited)?;
    let recipe = config.recipe.clone();
    let config = Config { recipe, ..config.with(&args.settings.given)? };
    config.check()?;
    let given = |key: &str| args.settings.given.iter().any(|(given, _)| given == key);
    if let Some((key, why)) = config.without_effect().into_iter().find(|(key, _)| given(key)) {
        bail!("--{} changes nothing here: {why}", key.replace('_', "-"));
    }
    Ok(config.into())
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
        console::line(&format!("training is complete: epochs {epoch} of {epoch}"));
    } else {
        console::line(&format!("resuming after epoch {epoch}, step {step} of the next"));
    }
    Ok(Some(checkpoint))
}
