//! `fetch`: get the images and check them, without training.

use std::process::ExitCode;

use run::{Config, DataSettings, DatasetFacts, Flags};

use crate::arguments::MachineArgs;
use crate::console;
use crate::progress::Downloads;

/// Which images.
#[derive(clap::Args, Debug)]
pub struct Args {
    #[command(flatten)]
    data: Flags<DataSettings>,
    #[command(flatten, next_help_heading = "Machine")]
    machine: MachineArgs,
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    args.machine.apply()?;
    let config = Config::default().with(&args.data.given)?;
    let downloads = Downloads::new();
    let show = &mut |event: dataset::Event| downloads.show(&event);
    let (_, config, facts) = pipeline::load(config, args.machine.offline, show)?;
    describe(&config, &facts);
    Ok(ExitCode::SUCCESS)
}

/// Prints what the images are.
pub(super) fn describe(config: &Config, facts: &DatasetFacts) {
    console::heading(&format!("Data: {} ({})", facts.name, config.data.data));
    if facts.synthetic {
        console::notice(
            "these digits are synthetic: kiln drew them itself, and no figure below is about real MNIST",
        );
    }
    let DatasetFacts { n_train, n_val, n_test, .. } = facts;
    console::line(&format!("{n_train} training, {n_val} validation, {n_test} test images"));
    console::line(&format!("{} classes: {}", facts.classes.len(), facts.classes.join(", ")));
    console::line(&format!("training mean {:.4}, standard deviation {:.4}", facts.mean, facts.std));
    console::line(&format!("SHA-256 {}", facts.sha256));
}
