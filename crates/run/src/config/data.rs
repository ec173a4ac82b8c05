//! Settings: which images, and how they are split.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use clap::{ArgAction, Args, ValueEnum};
use images::{ImageShape, Preparation};
use serde::{Serialize, Serializer};

use super::range::{count, fraction};

/// How images become the network's input, in training and in serving.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Prepare {
    /// digit where the classes or the images are digits as MNIST has them, else stretch
    Auto,
    /// Find the digit, scale it and centre it as in MNIST
    Digit,
    /// Scale the image to the network's size, whatever its sides
    Stretch,
    /// Scale the whole image into the network's size, between bars of its border's level
    Fit,
    /// Scale the largest part in the middle that has the ratio of the network's sides
    Crop,
}

impl Prepare {
    /// The preparation, unless it is left open.
    #[must_use]
    pub const fn chosen(self) -> Option<Preparation> {
        match self {
            Self::Auto => None,
            Self::Digit => Some(Preparation::Digit),
            Self::Stretch => Some(Preparation::Stretch),
            Self::Fit => Some(Preparation::Fit),
            Self::Crop => Some(Preparation::Crop),
        }
    }
}

impl From<Preparation> for Prepare {
    fn from(preparation: Preparation) -> Self {
        match preparation {
            Preparation::Digit => Self::Digit,
            Preparation::Stretch => Self::Stretch,
            Preparation::Fit => Self::Fit,
            Preparation::Crop => Self::Crop,
        }
    }
}

/// Grey levels or colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Color {
    /// Red, green and blue where the images have colours
    Auto,
    /// Grey levels: one channel
    #[value(alias = "grey")]
    Gray,
    /// Red, green and blue: three channels
    Rgb,
}

impl Color {
    /// The number of channels, unless it is left open.
    #[must_use]
    pub const fn channels(self) -> Option<usize> {
        match self {
            Self::Auto => None,
            Self::Gray => Some(1),
            Self::Rgb => Some(3),
        }
    }
}

/// The sides of the network's input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// Those of the images.
    Auto,
    /// So many rows and columns of pixels, each within [`Size::SIDES`].
    Sides {
        /// Rows.
        height: usize,
        /// Columns.
        width: usize,
    },
}

impl Size {
    /// The sides that a network takes, in pixels.
    pub const SIDES: std::ops::RangeInclusive<usize> = 8..=128;
}

impl FromStr for Size {
    type Err = String;

    /// `auto`, `32` or `32x20`: height and width.
    fn from_str(text: &str) -> Result<Self, String> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let (height, width) = text.split_once('x').unwrap_or((text, text));
        let side = |text: &str| text.parse().ok().filter(|side| Self::SIDES.contains(side));
        match (side(height), side(width)) {
            (Some(height), Some(width)) => Ok(Self::Sides { height, width }),
            _ => Err(format!(
                "it must be auto, a side, or HEIGHTxWIDTH, from {} to {} pixels",
                Self::SIDES.start(),
                Self::SIDES.end()
            )),
        }
    }
}

impl Display for Size {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Sides { height, width } => write!(f, "{height}x{width}"),
        }
    }
}

impl Serialize for Size {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Which images, and how they are split.
#[derive(Args, Clone, Debug, PartialEq, Serialize)]
#[command(next_help_heading = "Data")]
pub struct DataSettings {
    /// auto, mnist, synthetic, a folder of IDX files, of train/CLASS/*.png and test/CLASS/*.png or of CLASS/*.png, or a
    /// CSV of paths and labels. auto takes KILN_DATA, else the cache, else a download, else synthetic digits
    ///
    /// The configuration of a run contains what `auto` resolved to, never `auto` itself.
    #[arg(long, value_name = "SOURCE", default_value = "auto")]
    pub data: String,
    /// How images become the network's input; it is stored in the model
    ///
    /// The configuration of a run contains what `auto` resolved to, never `auto` itself.
    #[arg(long, value_enum, default_value_t = Prepare::Auto)]
    pub prepare: Prepare,
    /// Height and width of the network's input in pixels, such as 32 or 32x20, 8 to 128 a side; auto takes that of the
    /// images
    ///
    /// The configuration of a run contains what `auto` resolved to, never `auto` itself.
    #[arg(long, value_name = "SIZE", default_value_t = Size::Auto)]
    pub size: Size,
    /// Grey levels or colours
    ///
    /// The configuration of a run contains what `auto` resolved to, never `auto` itself.
    #[arg(long, value_enum, default_value_t = Color::Auto)]
    pub color: Color,
    /// Fraction of the training images held out for validation; 0 trains on all and validates nothing
    #[arg(long, value_name = "FRACTION", default_value_t = 0.3, value_parser = fraction)]
    pub val_fraction: f64,
    /// Seed of the split (scikit-learn's train_test_split) and of synthetic digits
    #[arg(long, value_name = "SEED", default_value_t = 42, value_parser = count(0..=u32::MAX))]
    pub split_seed: u32,
    /// Keep the proportions of the classes exactly in training and validation
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value_t = false, action = ArgAction::Set, hide_default_value = true, value_name = "BOOL")]
    pub stratify: bool,
    /// Use at most N images of each part, drawn at random by the split seed; 0 means all
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = count(0..=100_000_000_usize))]
    pub limit: usize,
    /// Leave out image files that cannot be decoded, with a notice, instead of stopping
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value_t = false, action = ArgAction::Set, hide_default_value = true, value_name = "BOOL")]
    pub skip_unreadable: bool,
}

impl DataSettings {
    /// These settings with what they left open: the shape of the network's input and how images become it.
    #[must_use]
    pub fn resolved(self, shape: ImageShape, preparation: Preparation) -> Self {
        let ImageShape { channels, height, width } = shape;
        Self {
            prepare: preparation.into(),
            size: Size::Sides { height, width },
            color: if channels == 1 { Color::Gray } else { Color::Rgb },
            ..self
        }
    }
}
