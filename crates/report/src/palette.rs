//! The few colours of a report, for paper and for dark screens.
//!
//! Blue, vermillion, green, sky blue and orange are of Okabe and Ito's palette ("Color Universal Design",
//! 2008), whose colours stay apart under the common kinds of colour blindness. No difference is
//! shown by colour alone all the same.

use plotters::style::RGBColor;

/// A colour on paper, and its stand-in on a dark screen.
pub(crate) struct Ink {
    /// Name of the page's CSS variable.
    pub(crate) name: &'static str,
    /// What pictures are drawn with.
    pub(crate) light: RGBColor,
    /// What the page shows in its place where the reader prefers dark.
    pub(crate) dark: RGBColor,
}

/// The ground.
pub(crate) const PAPER: RGBColor = RGBColor(0xFF, 0xFF, 0xFF);
/// Text and axes.
pub(crate) const INK: RGBColor = RGBColor(0x1B, 0x1F, 0x24);
/// Text of the second rank; 6.4:1 on paper.
pub(crate) const MUTED: RGBColor = RGBColor(0x57, 0x60, 0x6A);
/// Lines behind the data.
pub(crate) const GRID: RGBColor = RGBColor(0xDD, 0xE2, 0xE7);
/// Areas behind the data.
pub(crate) const SHADE: RGBColor = RGBColor(0xEE, 0xF1, 0xF4);
/// Training; 5.2:1 on paper.
pub(crate) const BLUE: RGBColor = RGBColor(0x00, 0x72, 0xB2);
/// Validation, and what is wrong; 3.9:1 on paper.
pub(crate) const VERMILLION: RGBColor = RGBColor(0xD5, 0x5E, 0x00);

/// The third of several lines; 3.4:1 on paper.
pub(crate) const GREEN: RGBColor = RGBColor(0x00, 0x9E, 0x73);
/// The fourth of several lines, Okabe and Ito's reddish purple darkened to 5.2:1 on paper.
pub(crate) const PURPLE: RGBColor = RGBColor(0xA9, 0x4C, 0x84);

/// All of them. The light ones differ from one another, since the page recolours pictures by these
/// values.
pub(crate) const PALETTE: [Ink; 9] = [
    Ink { name: "paper", light: PAPER, dark: RGBColor(0x16, 0x1B, 0x22) },
    Ink { name: "ink", light: INK, dark: RGBColor(0xE6, 0xED, 0xF3) },
    Ink { name: "muted", light: MUTED, dark: RGBColor(0x9D, 0xA7, 0xB1) },
    Ink { name: "grid", light: GRID, dark: RGBColor(0x36, 0x3D, 0x46) },
    Ink { name: "shade", light: SHADE, dark: RGBColor(0x21, 0x28, 0x30) },
    Ink { name: "blue", light: BLUE, dark: RGBColor(0x56, 0xB4, 0xE9) },
    Ink { name: "vermillion", light: VERMILLION, dark: RGBColor(0xE6, 0x9F, 0x00) },
    Ink { name: "green", light: GREEN, dark: RGBColor(0x33, 0xC9, 0xA0) },
    Ink { name: "purple", light: PURPLE, dark: RGBColor(0xE3, 0x9A, 0xC6) },
];

/// A colour as CSS and SVG write it, in upper case.
pub(crate) fn hex(colour: RGBColor) -> String {
    format!("#{:02X}{:02X}{:02X}", colour.0, colour.1, colour.2)
}
