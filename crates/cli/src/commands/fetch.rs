//! `fetch`: get the images and check them, without training.

use std::process::ExitCode;

use pipeline::Settings;
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
    let settings = Settings::ForImages(args.data.given.clone());
    let downloads = Downloads::new();
    let show = &mut |event: dataset::Event| downloads.show(&event);
    let (_, config, facts) = pipeline::load(settings, args.machine.offline, show)?;
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
    let images::ImageShape { channels, height, width } = facts.shape;
    let colors = if channels == 1 { "grey levels" } else { "red, green, blue" };
    let prepare = config.data.prepare.chosen().map_or("auto", images::Preparation::name);
    console::line(&format!("input {height}x{width} pixels, {colors}, prepared by \"{prepare}\""));
    let list = |values: &[f64]| {
        values.iter().map(|value| format!("{value:.4}")).collect::<Vec<_>>().join(", ")
    };
    let (mean, std) = (list(&facts.mean), list(&facts.std));
    console::line(&format!("training mean {mean}, standard deviation {std}"));
    console::line(&format!("SHA-256 {}", facts.sha256));
}
