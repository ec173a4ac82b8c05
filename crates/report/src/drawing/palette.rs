//! The colours of a report, for light paper and for dark screens.
//!
//! Blue, vermillion and green are from Okabe and Ito's palette ("Color Universal Design", 2008), whose colours stay
//! apart under the common kinds of colour blindness. No plot shows a difference by colour alone all the same.

/// An sRGB colour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Colour {
    /// Red, green and blue.
    pub(crate) rgb: [u8; 3],
    /// From 0, transparent, to 1, opaque.
    pub(crate) opacity: f64,
}

impl Colour {
    const fn new(red: u8, green: u8, blue: u8) -> Self {
        Self { rgb: [red, green, blue], opacity: 1.0 }
    }

    /// The same colour, as transparent as asked.
    pub(crate) const fn faded(self, opacity: f64) -> Self {
        Self { opacity, ..self }
    }

    /// `#RRGGBB` in upper case, without the opacity.
    pub(crate) fn hex(self) -> String {
        let [red, green, blue] = self.rgb;
        format!("#{red:02X}{green:02X}{blue:02X}")
    }

    /// The opaque colour that is seen where this one lies on light paper.
    pub(crate) fn on_paper(self) -> [u8; 3] {
        self.over(PAPER)
    }

    /// The same on a dark screen, where the page shows its counterpart of the palette.
    pub(crate) fn on_dark(self) -> [u8; 3] {
        let dark = |light: Self| {
            PALETTE
                .iter()
                .find(|(_, known, _)| known.rgb == light.rgb)
                .map_or(light, |entry| entry.2)
        };
        dark(self).faded(self.opacity).over(dark(PAPER))
    }

    fn over(self, paper: Self) -> [u8; 3] {
        let blend = |paper: u8, ink: u8| {
            (f64::from(paper) + self.opacity * (f64::from(ink) - f64::from(paper))).round() as u8
        };
        std::array::from_fn(|channel| blend(paper.rgb[channel], self.rgb[channel]))
    }
}

/// The background.
pub(crate) const PAPER: Colour = Colour::new(0xFF, 0xFF, 0xFF);
/// Text and axes.
pub(crate) const INK: Colour = Colour::new(0x1B, 0x1F, 0x24);
/// Secondary text; contrast 6.4:1 on paper.
pub(crate) const MUTED: Colour = Colour::new(0x57, 0x60, 0x6A);
/// Grid lines and frames.
pub(crate) const GRID: Colour = Colour::new(0xDD, 0xE2, 0xE7);
/// Areas behind the data.
pub(crate) const SHADE: Colour = Colour::new(0xEE, 0xF1, 0xF4);
/// Training; contrast 5.2:1 on paper.
pub(crate) const BLUE: Colour = Colour::new(0x00, 0x72, 0xB2);
/// Validation, and mistakes; contrast 3.9:1 on paper.
pub(crate) const VERMILLION: Colour = Colour::new(0xD5, 0x5E, 0x00);
/// The third of several lines; contrast 3.4:1 on paper.
pub(crate) const GREEN: Colour = Colour::new(0x00, 0x9E, 0x73);
/// The fourth of several lines: Okabe and Ito's reddish purple, darkened to a contrast of 5.2:1 on paper.
pub(crate) const PURPLE: Colour = Colour::new(0xA9, 0x4C, 0x84);

/// Every colour: name of its CSS variable, value on paper, value on a dark screen. The values on paper differ from one
/// another, since the page recolours plots by them.
pub(crate) const PALETTE: [(&str, Colour, Colour); 9] = [
    ("paper", PAPER, Colour::new(0x16, 0x1B, 0x22)),
    ("ink", INK, Colour::new(0xE6, 0xED, 0xF3)),
    ("muted", MUTED, Colour::new(0x9D, 0xA7, 0xB1)),
    ("grid", GRID, Colour::new(0x36, 0x3D, 0x46)),
    ("shade", SHADE, Colour::new(0x21, 0x28, 0x30)),
    ("blue", BLUE, Colour::new(0x56, 0xB4, 0xE9)),
    ("vermillion", VERMILLION, Colour::new(0xE6, 0x9F, 0x00)),
    ("green", GREEN, Colour::new(0x33, 0xC9, 0xA0)),
    ("purple", PURPLE, Colour::new(0xE3, 0x9A, 0xC6)),
];
