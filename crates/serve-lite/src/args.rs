//! The arguments of `predict`, which `serve-lite` and `cargo xtask` share.

use std::io::{IsTerminal, stdout};
use std::path::PathBuf;

use anstream::{AutoStream, ColorChoice};
use images::Preparation;

use crate::drawing::Shades;
use crate::files::PredictOptions;
use crate::format::Format;

/// The arguments of `predict`: which images to classify, and how to prepare them and print the results.
#[derive(Clone, Debug, clap::Args)]
pub struct PredictArgs {
    /// PNG, JPEG, PGM or IDX files, optionally gzipped; - reads standard input
    #[arg(required = true, value_name = "IMAGE")]
    pub images: Vec<PathBuf>,
    /// How to prepare the images for the network
    #[arg(long, value_enum, default_value_t = Prepare::Auto)]
    pub prepare: Prepare,
    /// Print one JSON object per image, with the probabilities of all classes
    #[arg(long)]
    pub json: bool,
    /// Draw the network's input
    #[arg(long, conflicts_with = "json")]
    pub show: bool,
    /// Number of classes to name, the most probable first
    #[arg(long, value_name = "K", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    pub top: u16,
}

/// [`Preparation`] as an argument of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Prepare {
    /// Images of the network's size unchanged, others as a digit
    Auto,
    /// Separate ink and paper, scale and centre the ink as in MNIST
    Digit,
    /// Images of the network's size unchanged, others are refused
    AsIs,
}

impl PredictArgs {
    /// The options that these arguments describe; images are drawn with the characters that standard output can show.
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

/// The characters that standard output can show.
fn shades() -> Shades {
    let colours = AutoStream::choice(&stdout()) != ColorChoice::Never;
    // The first variable that is set decides (POSIX, Base Definitions, section 8.2).
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
