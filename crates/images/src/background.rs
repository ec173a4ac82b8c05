//! Whether an image's background is dark or bright.

use serde::{Deserialize, Serialize};

use crate::segment::border;
use crate::shape::ImageShape;

/// Below this level a border's median is dark: a third of the range.
const DARK: u8 = 85;
/// Above this level it is bright.
const BRIGHT: u8 = 170;

/// The background of an image in grey levels, as its border shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Background {
    /// The median level of the border is below 85.
    Dark,
    /// The median level of the border is above 170.
    Bright,
}

impl Background {
    /// Every background.
    pub const ALL: [Self; 2] = [Self::Dark, Self::Bright];

    /// The background of one prepared image, `[channels, height, width]`; `None` between dark and bright, and for an image
    /// that has colours or no pixels.
    #[must_use]
    pub fn of(pixels: &[u8], shape: ImageShape) -> Option<Self> {
        if shape.channels != 1 || shape.size() == 0 || pixels.len() != shape.size() {
            return None;
        }
        let mut border = border(pixels, shape.width);
        border.sort_unstable();
        match border[border.len() / 2] {
            level if level < DARK => Some(Self::Dark),
            level if level > BRIGHT => Some(Self::Bright),
            _ => None,
        }
    }

    /// The name in files and messages.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Bright => "bright",
        }
    }

    /// The background of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|background| background.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_border_decides_and_not_what_is_in_the_middle() {
        let shape = ImageShape { channels: 1, height: 5, width: 7 };
        let image = |border: u8, middle: u8| {
            let inside = |i: usize| (1..4).contains(&(i / 7)) && (1..6).contains(&(i % 7));
            (0..35).map(|i| if inside(i) { middle } else { border }).collect::<Vec<u8>>()
        };
        for (level, expected) in [
            (0, Some(Background::Dark)),
            (84, Some(Background::Dark)),
            (85, None),
            (170, None),
            (171, Some(Background::Bright)),
        ] {
            assert_eq!(Background::of(&image(level, 255 - level), shape), expected, "{level}");
        }
        let colours = ImageShape { channels: 3, ..shape };
        assert_eq!(Background::of(&image(0, 9).repeat(3), colours), None);
        assert_eq!(Background::of(&[], ImageShape { width: 0, ..shape }), None);
    }
}
