//! `cargo xtask fetch`: get the pictures and check them, without training.

use std::process::ExitCode;

use run::{Config, DatasetFacts, Selection};

use crate::cli::DataArgs;
use crate::{console, session};

pub(crate) fn run(args: &DataArgs) -> anyhow::Result<ExitCode> {
    args.machine.apply()?;
    // No checkpoint is chosen here, so that nothing needs to be held out.
    let config = Config { checkpoint: Selection::Last, ..Config::default() };
    let config = args.override_with_flags(config);
    config.check()?;
    let (_, config, facts) = session::load(config, &args.machine)?;
    describe(&config, &facts);
    Ok(ExitCode::SUCCESS)
}

/// Prints what the pictures are.
pub(crate) fn describe(config: &Config, facts: &DatasetFacts) {
    console::heading(&format!("Data: {} ({})", facts.name, config.data));
    if facts.synthetic {
        console::notice(
            "these digits are synthetic: kiln drew them itself, and no figure below is about real MNIST",
        );
    }
    let DatasetFacts { n_train, n_val, n_test, .. } = facts;
    console::line(&format!("{n_train} training, {n_val} validation, {n_test} test pictures"));
    console::line(&format!("{} classes: {}", facts.classes.len(), facts.classes.join(", ")));
    console::line(&format!("training mean {:.4}, standard deviation {:.4}", facts.mean, facts.std));
    console::line(&format!("SHA-256 {}", facts.sha256));
}
