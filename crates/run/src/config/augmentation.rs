//! Settings: how training images are changed each time they are shown.

use clap::{ArgAction, Args};
use serde::Serialize;

use super::range::{fraction, number};

/// How training images are changed each time they are shown. All zero: not at all.
#[derive(Args, Clone, Copy, Debug, PartialEq, Serialize)]
#[command(next_help_heading = "Augmentation")]
pub struct AugmentationSettings {
    /// Rotate by up to this many degrees in either direction
    #[arg(long, value_name = "DEGREES", default_value_t = 0.0, value_parser = number(0.0..=180.0))]
    pub rotation: f64,
    /// Shift by up to this many pixels along each axis
    #[arg(long, value_name = "PIXELS", default_value_t = 0.0, value_parser = number(0.0..=14.0))]
    pub shift: f64,
    /// Stretch or shrink each side by up to this fraction
    #[arg(long, value_name = "FRACTION", default_value_t = 0.0, value_parser = number(0.0..=0.9))]
    pub zoom: f64,
    /// Distort elastically, by displacements with this standard deviation
    #[arg(long, value_name = "PIXELS", default_value_t = 0.0, value_parser = number(0.0..=7.0))]
    pub elastic: f64,
    /// Mirror half of the images from left to right; not for letters and digits
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true",
        default_value_t = false, action = ArgAction::Set, hide_default_value = true, value_name = "BOOL")]
    pub flip: bool,
    /// Shift by up to this fraction of each side, what comes in being mirrored at the border: a random crop of the
    /// image with a reflected border
    #[arg(long, value_name = "FRACTION", default_value_t = 0.0, value_parser = number(0.0..=0.5))]
    pub crop: f64,
    /// Change the brightness by up to this fraction of white
    #[arg(long, value_name = "FRACTION", default_value_t = 0.0, value_parser = number(0.0..=1.0))]
    pub brightness: f64,
    /// Change the contrast, the distance of all levels from their mean, by up to this fraction
    #[arg(long, value_name = "FRACTION", default_value_t = 0.0, value_parser = number(0.0..=1.0))]
    pub contrast: f64,
    /// Change the saturation, the distance of a pixel's colours from its grey level, by up to this fraction
    #[arg(long, value_name = "FRACTION", default_value_t = 0.0, value_parser = number(0.0..=1.0))]
    pub saturation: f64,
    /// Erase a square of this fraction of the image's shorter side, at a random place (DeVries and Taylor 2017)
    #[arg(long, value_name = "FRACTION", default_value_t = 0.0, value_parser = fraction)]
    pub erase: f64,
}

impl AugmentationSettings {
    /// Whether images are shown as they are.
    #[must_use]
    pub fn is_none(&self) -> bool {
        !self.moves() && !self.flip && !self.recolours() && self.erase == 0.0
    }

    /// Whether pixels move by more than mirroring does.
    #[must_use]
    pub fn moves(&self) -> bool {
        [self.rotation, self.shift, self.zoom, self.elastic, self.crop] != [0.0; 5]
    }

    /// Whether levels change.
    #[must_use]
    pub fn recolours(&self) -> bool {
        [self.brightness, self.contrast, self.saturation] != [0.0; 3]
    }
}
