//! The arguments of `predict`, which `serve-lite` and `cargo xtask` share.

use std::io::{IsTerminal, stdout};
use std::path::PathBuf;

use anstream::{AutoStream, ColorChoice};
use images::Preparation;

use crate::format::{Format, Shades};
use crate::predict::PredictOptions;

/// Which pictures to classify and how to print what they are, as a command line says it.
#[derive(Clone, Debug, clap::Args)]
pub struct PredictArgs {
    /// PNG, JPEG, PGM or IDX files, also gzipped ones; - reads standard input
    #[arg(required = true, value_name = "IMAGE")]
    pub images: Vec<PathBuf>,
    /// How to make pictures fit for the network
    #[arg(long, value_enum, default_value_t = Prepare::Auto)]
    pub prepare: Prepare,
    /// One JSON object a line, with the probabilities of all classes
    #[arg(long)]
    pub json: bool,
    /// Draw the 28x28 pixels that the network saw
    #[arg(long, conflicts_with = "json")]
    pub show: bool,
    /// How many classes to name, the most probable first
    #[arg(long, value_name = "K", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    pub top: u16,
}

/// [`Preparation`] as a command line says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Prepare {
    /// 28x28 as it is, anything else as a digit
    Auto,
    /// Tell the ink from the paper, scale and centre it
    Digit,
    /// Leave 28x28 pixels untouched, refuse other sizes
    AsIs,
}

impl PredictArgs {
    /// The options these arguments stand for, with pictures drawn as standard output can show them.
    #[must_use]
    pub fn options(&self) -> PredictOptions {
        let preparation = match self.prepare {
            Prepare::Auto => Preparation::Auto,
            Prepare::Digit => Preparation::Digit,
            Prepare::AsIs => Preparation::AsIs,
        };
        let show = self.show.then(shades);
        let format = Format { json: self.json, top: self.top.into(), show };
        PredictOptions { images: self.images.clone(), preparation, format }
    }
}

/// What standard output can show.
fn shades() -> Shades {
    let colours = AutoStream::choice(&stdout()) != ColorChoice::Never;
    // The first of these that is set decides (POSIX, Base Definitions, section 8.2).
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    let utf8 = locale.is_some_and(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    });
    if stdout().is_terminal() && colours && (utf8 || cfg!(windows)) {
        Shades::HalfBlocks
    } else {
        Shades::Ascii
    }
}
