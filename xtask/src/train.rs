//! `cargo xtask train`: a network, its metrics and its checkpoints.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context;
use burn::tensor::Device;
use model::Network;
use run::Config;
use train::{Checkpoint, Data, Outcome};

use crate::cli::TrainArgs;
use crate::session::Session;
use crate::{console, fetch};

/// What a shell reports of a program that Ctrl-C ended: 128 + SIGINT.
pub(crate) const INTERRUPTED: u8 = 130;

pub(crate) fn run(runs: &Path, args: &TrainArgs) -> anyhow::Result<ExitCode> {
    let config = args.config(false)?;
    Ok(match train(runs, args, config)? {
        Some(_) => ExitCode::SUCCESS,
        None => ExitCode::from(INTERRUPTED),
    })
}

/// Trains a new run, or goes on with one; `None` where Ctrl-C ended it.
pub(crate) fn train(
    runs: &Path,
    args: &TrainArgs,
    config: Config,
) -> anyhow::Result<Option<Session>> {
    let machine = &args.data.machine;
    machine.apply()?;
    let name = args.run.as_deref();
    let session = if args.resume {
        Session::open_with(runs, name, machine, |own| args.override_with_flags(own))?
    } else {
        Session::create(runs, name, config, machine)?
    };
    let Session { run, config, facts, data, .. } = &session;
    fetch::describe(config, facts);
    console::heading(&format!("Network: {} classes", facts.classes.len()));
    let network = Network::new(&session.network(), config.seed, &Device::flex());
    for line in model::summary(&network).to_string().lines() {
        console::line(line);
    }

    let checkpoint = if args.resume { resume(&session)? } else { None };
    let stop = stop_on_interrupt()?;
    console::heading(&format!("Training: {}, {} epochs", run.path.display(), config.epochs));
    let progress = console::Training::new(config.epochs);
    let data =
        Data { examples: &data.dataset.train, train: &data.split.train, val: &data.split.val };
    let on_event = &mut |event: train::Event| progress.show(&event);
    let outcome = train::fit(data, &session.network(), config, run, checkpoint, &stop, on_event)?;
    drop(progress);
    match outcome {
        Outcome::Finished => {}
        Outcome::StoppedEarly => {
            console::line(&format!(
                "stopped early: {} epochs without a lower validation loss",
                config.patience
            ));
        }
        Outcome::Interrupted => {
            let name = run.name();
            console::notice(&format!(
                "interrupted; go on with `cargo xtask train --resume --run {name}`"
            ));
            return Ok(None);
        }
    }
    Ok(Some(session))
}

/// The state to go on from; none where the run was killed before its first checkpoint.
fn resume(session: &Session) -> anyhow::Result<Option<Checkpoint>> {
    let Session { run, config, .. } = session;
    let restored = match Checkpoint::newest(run, config, &session.network()) {
        Err(train::Error::NoCheckpoint { .. }) => {
            console::notice("the run has no checkpoint yet: starting it from its beginning");
            None
        }
        restored => Some(restored?),
    };
    config.write(&run.config())?;
    Ok(restored.map(|restored| {
        if let Some(notice) = restored.notice {
            console::notice(&notice);
        }
        let checkpoint = restored.checkpoint;
        let (epoch, step) = (checkpoint.epoch(), checkpoint.epoch.step);
        if epoch >= config.epochs {
            console::line(&format!("all {} epochs are made", config.epochs));
        } else {
            console::line(&format!("going on after epoch {epoch}, step {step} of the next"));
        }
        checkpoint
    }))
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
