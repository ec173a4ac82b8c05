//! The pictures of a report: which there are, and how one drawing becomes an SVG and a PNG.

use std::error::Error as StdError;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::DrawingBackend;
use plotters_svg::SVGBackend;

use crate::bitmap::Bitmap;
use crate::error::{Error, Result};
use crate::inputs::Inputs;
use crate::palette::{INK, MUTED, PAPER};
use crate::text::{Weight, clean, fit, style, wrap};
use crate::{confusion, curves, gallery};

/// A picture in the making. Lengths are in units: a PNG has a pixel for each, and an SVG shows two
/// of them on one CSS pixel, so that a PNG looks sharp at the SVG's size on a dense screen.
pub(crate) type Area<DB> = DrawingArea<DB, Shift>;

/// What a drawing function returns.
pub(crate) type Drawn<DB> =
    std::result::Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// Empty units around every picture.
pub(crate) const MARGIN: i32 = 40;

/// Height of the title and the line below it, with the space before what follows.
pub(crate) const HEADER: i32 = 140;

/// Ems of a title, of plain text, and the distance of two lines of plain text.
const TITLE: i32 = 36;
pub(crate) const TEXT: i32 = 24;
pub(crate) const LINE: i32 = 36;

/// Units to a CSS pixel.
const UNITS_PER_PIXEL: i32 = 2;

/// Namespace of SVG, which a file must name and an element of a page need not.
const XMLNS: &str = "http://www.w3.org/2000/svg";

/// Widths in units that a phone can show whole. Wider pictures scroll on it.
const PHONE: std::ops::RangeInclusive<i32> = 0..=1000;

/// One of the pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Picture {
    /// Loss and accuracy side by side.
    Curves,
    /// The first test images.
    Grid,
    /// Counts of true and predicted classes.
    Confusion,
    /// The most expensive mistakes.
    Mistakes,
    /// The left half of the curves, for pages on which two halves stack.
    Loss,
    /// The right half of the curves.
    Accuracy,
}

impl Picture {
    /// The pictures that are files of their own.
    pub(crate) const FILES: [Self; 4] = [Self::Curves, Self::Grid, Self::Confusion, Self::Mistakes];

    /// File name without its ending.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Curves => "curves",
            Self::Grid => "grid",
            Self::Confusion => "confusion",
            Self::Mistakes => "mistakes",
            Self::Loss => "loss",
            Self::Accuracy => "accuracy",
        }
    }

    /// The picture in words, for those who do not see it.
    pub(crate) fn alt(self, inputs: &Inputs) -> String {
        let alt = match self {
            Self::Curves => curves::alt(inputs),
            Self::Loss => curves::panel_alt(inputs, curves::Quantity::Loss),
            Self::Accuracy => curves::panel_alt(inputs, curves::Quantity::Accuracy),
            Self::Grid => gallery::grid(inputs).alt,
            Self::Mistakes => gallery::mistakes(inputs).alt,
            Self::Confusion => confusion::summary(inputs),
        };
        clean(&titled(&alt, inputs))
    }

    fn size(self, inputs: &Inputs) -> (i32, i32) {
        match self {
            Self::Curves => curves::size(inputs),
            Self::Loss | Self::Accuracy => curves::PANEL,
            Self::Grid => gallery::grid(inputs).size(),
            Self::Mistakes => gallery::mistakes(inputs).size(),
            Self::Confusion => confusion::size(inputs),
        }
    }

    fn draw<DB: DrawingBackend>(self, area: &Area<DB>, inputs: &Inputs) -> Drawn<DB> {
        area.fill(&PAPER)?;
        match self {
            Self::Curves => curves::draw(area, inputs),
            Self::Loss => curves::draw_panel(area, inputs, curves::Quantity::Loss),
            Self::Accuracy => curves::draw_panel(area, inputs, curves::Quantity::Accuracy),
            Self::Grid => gallery::grid(inputs).draw(area, inputs),
            Self::Mistakes => gallery::mistakes(inputs).draw(area, inputs),
            Self::Confusion => confusion::draw(area, inputs),
        }?;
        area.present()
    }
}

/// The picture as a PNG file, 8-bit RGB.
pub(crate) fn png(picture: Picture, inputs: &Inputs) -> Result<Vec<u8>> {
    let fail = |source| Error::Draw { file: format!("{}.png", picture.name()), source };
    let (width, height) = size(picture, inputs);
    let mut pixels = vec![0xFF; width as usize * height as usize * 3];
    let area = Bitmap::new(&mut pixels, (width, height)).into_drawing_area();
    picture.draw(&area, inputs).map_err(|error| fail(error.into()))?;
    drop(area);
    let mut file = Vec::new();
    PngEncoder::new_with_quality(&mut file, CompressionType::Default, FilterType::Adaptive)
        .write_image(&pixels, width, height, ExtendedColorType::Rgb8)
        .map_err(|error| fail(error.into()))?;
    Ok(file)
}

/// The picture as an SVG file.
pub(crate) fn svg_file(picture: Picture, inputs: &Inputs) -> Result<String> {
    let (width, height) = size(picture, inputs);
    let (units, alt) = (UNITS_PER_PIXEL as u32, escape(&picture.alt(inputs)));
    let (width, height) = (width / units, height / units);
    let attributes =
        format!(r#" xmlns="{XMLNS}" width="{width}" height="{height}" aria-label="{alt}""#);
    svg(picture, inputs, &attributes)
}

/// The picture as an `<svg>` element for a page: as wide as its place, between its natural size and
/// the smallest at which its letters can be read.
pub(crate) fn svg_element(picture: Picture, inputs: &Inputs) -> Result<String> {
    let (width, _) = picture.size(inputs);
    let widest = width / UNITS_PER_PIXEL;
    let narrowest = if PHONE.contains(&width) { 0 } else { width * 2 / 5 };
    let alt = escape(&picture.alt(inputs));
    let attributes =
        format!(r#" style="min-width:{narrowest}px;max-width:{widest}px" aria-label="{alt}""#);
    svg(picture, inputs, &attributes)
}

/// Title and subtitle of a picture of its own.
pub(crate) fn header<DB: DrawingBackend>(
    area: &Area<DB>,
    inputs: &Inputs,
    title: &str,
) -> Drawn<DB> {
    let room = area.dim_in_pixel().0 as i32 - 2 * MARGIN;
    let title = fit(&titled(title, inputs), TITLE, Weight::Bold, room);
    area.draw_text(
        &title,
        &style(TITLE, Weight::Bold, INK, HPos::Left, VPos::Top),
        (MARGIN, MARGIN),
    )?;
    let name = fit(inputs.run_name, TEXT, Weight::Regular, room / 2);
    let subtitle = fit(&format!("{name}, {}", inputs.facts.name), TEXT, Weight::Regular, room);
    let at = (MARGIN, MARGIN + TITLE + 12);
    area.draw_text(&subtitle, &style(TEXT, Weight::Regular, MUTED, HPos::Left, VPos::Top), at)
}

/// Lines of small print from `top` down.
pub(crate) fn notes<DB: DrawingBackend>(area: &Area<DB>, lines: &[String], top: i32) -> Drawn<DB> {
    let style = style(TEXT, Weight::Regular, MUTED, HPos::Left, VPos::Top);
    (top..)
        .step_by(LINE as usize)
        .zip(lines)
        .try_for_each(|(y, line)| area.draw_text(line, &style, (MARGIN, y)))
}

/// Small print broken into lines for a picture of this width.
pub(crate) fn note_lines(text: &str, width: i32) -> Vec<String> {
    wrap(text, TEXT, width - 2 * MARGIN)
}

/// A title that owns up to made-up data.
pub(crate) fn titled(title: &str, inputs: &Inputs) -> String {
    if inputs.facts.synthetic { format!("{title} (synthetic data)") } else { title.to_owned() }
}

/// Text as HTML and XML hold it, in elements and in quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

fn size(picture: Picture, inputs: &Inputs) -> (u32, u32) {
    let (width, height) = picture.size(inputs);
    (width as u32, height as u32)
}

/// The drawing with a root element of our own in place of plotters', which knows neither
/// alternative text nor round joins.
fn svg(picture: Picture, inputs: &Inputs, attributes: &str) -> Result<String> {
    let fail = |source: Box<dyn StdError + Send + Sync>| Error::Draw {
        file: format!("{}.svg", picture.name()),
        source,
    };
    let (width, height) = size(picture, inputs);
    let mut drawn = String::new();
    let area = SVGBackend::with_string(&mut drawn, (width, height)).into_drawing_area();
    picture.draw(&area, inputs).map_err(|error| fail(error.into()))?;
    drop(area);
    let (_, elements) =
        drawn.split_once('>').ok_or_else(|| fail("there is no root element".into()))?;
    // Plotters leaves out half of the media type, without which some readers show nothing. Quotes
    // in text are escaped, so this can only be the attribute.
    let elements = elements.replace(r#"href="data:png;"#, r#"href="data:image/png;"#);
    Ok(format!(
        "<svg{attributes} viewBox=\"0 0 {width} {height}\" role=\"img\" \
         stroke-linecap=\"round\" stroke-linejoin=\"round\">{elements}"
    ))
}
