//! Settings: how training images are changed each time they are shown.

use clap::Args;
use serde::Serialize;

use super::range::number;

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
}

impl AugmentationSettings {
    /// Whether images are shown as they are.
    #[must_use]
    pub fn is_none(&self) -> bool {
        [self.rotation, self.shift, self.zoom, self.elastic] == [0.0; 4]
    }
}
