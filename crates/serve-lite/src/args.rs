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
    /// PNG, JPEG, WebP, GIF, BMP, PGM or IDX files, optionally gzipped, or folders of images; - reads standard input
    #[arg(required = true, value_name = "IMAGE")]
    pub images: Vec<PathBuf>,
    /// How images become the network's input, instead of what the model says
    #[arg(long, value_enum)]
    pub prepare: Option<Prepare>,
    /// Print one JSON object per image, with the probabilities of all classes
    #[arg(long)]
    pub json: bool,
    /// Draw the network's input
    #[arg(long, conflicts_with = "json")]
    pub show: bool,
    /// Write the answers to this CSV file, the least certain first, instead of printing them
    #[arg(long, value_name = "FILE", conflicts_with_all = ["json", "show", "top"])]
    pub csv: Option<PathBuf>,
    /// Number of classes to name, the most probable first
    #[arg(long, value_name = "K", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    pub top: u16,
}

/// [`Preparation`] as an argument of the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Prepare {
    /// Find the digit, scale it and centre it as in MNIST
    Digit,
    /// Keep the levels, and scale the image to the network's size
    Stretch,
    /// Scale the whole image into the network's size, between bars
    Fit,
    /// Scale the largest part in the middle that has the ratio of the network's sides
    Crop,
}

impl PredictArgs {
    /// The options that these arguments describe; images are drawn with the characters that standard output can show.
    #[must_use]
    pub fn options(&self) -> PredictOptions {
        let preparation = self.prepare.map(|prepare| match prepare {
            Prepare::Digit => Preparation::Digit,
            Prepare::Stretch => Preparation::Stretch,
            Prepare::Fit => Preparation::Fit,
            Prepare::Crop => Preparation::Crop,
        });
        let show = self.show.then(shades);
        let format = Format { json: self.json, top: self.top.into(), show };
        PredictOptions { images: self.images.clone(), preparation, format, csv: self.csv.clone() }
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
