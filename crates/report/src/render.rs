//! How one drawing becomes an SVG and a PNG.

use std::error::Error as StdError;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind, IntoDrawingArea};
use plotters_backend::DrawingBackend;
use plotters_svg::SVGBackend;

use crate::bitmap::Bitmap;
use crate::error::{Error, Result};
use crate::palette::PAPER;

/// A picture in the making. Lengths are in units: a PNG has a pixel for each, and an SVG shows two
/// of them on one CSS pixel, so that a PNG looks sharp at the SVG's size on a dense screen.
pub(crate) type Area<DB> = DrawingArea<DB, Shift>;

/// What a drawing function returns.
pub(crate) type Drawn<DB> =
    std::result::Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// Units to a CSS pixel.
const UNITS_PER_PIXEL: i32 = 2;

/// Namespace of SVG, which a file must name and an element of a page need not.
const XMLNS: &str = "http://www.w3.org/2000/svg";

/// Widths in units that a phone can show whole. Wider pictures scroll on it.
const PHONE: std::ops::RangeInclusive<i32> = 0..=1000;

/// A picture with all that it shows.
pub(crate) trait Drawing {
    /// File name without its ending.
    fn name(&self) -> &'static str;

    /// The picture in words, for those who do not see it.
    fn alt(&self) -> String;

    /// Width and height in units.
    fn size(&self) -> (i32, i32);

    /// Draws everything on blank paper.
    fn draw<DB: DrawingBackend>(&self, area: &Area<DB>) -> Drawn<DB>;
}

/// The picture as a PNG file, 8-bit RGB.
pub(crate) fn png(drawing: &impl Drawing) -> Result<Vec<u8>> {
    let fail = |source| Error::Draw { file: format!("{}.png", drawing.name()), source };
    let (width, height) = size(drawing);
    let mut pixels = vec![0xFF; width as usize * height as usize * 3];
    let area = Bitmap::new(&mut pixels, (width, height)).into_drawing_area();
    draw(drawing, &area).map_err(|error| fail(error.into()))?;
    drop(area);
    let mut file = Vec::new();
    PngEncoder::new_with_quality(&mut file, CompressionType::Default, FilterType::Adaptive)
        .write_image(&pixels, width, height, ExtendedColorType::Rgb8)
        .map_err(|error| fail(error.into()))?;
    Ok(file)
}

/// The picture as an SVG file.
pub(crate) fn svg_file(drawing: &impl Drawing) -> Result<String> {
    let (width, height) = size(drawing);
    let (units, alt) = (UNITS_PER_PIXEL as u32, escape(&drawing.alt()));
    let (width, height) = (width / units, height / units);
    let attributes =
        format!(r#" xmlns="{XMLNS}" width="{width}" height="{height}" aria-label="{alt}""#);
    svg(drawing, &attributes)
}

/// The picture as an `<svg>` element for a page: as wide as its place, between its natural size and
/// the smallest at which its letters can be read.
pub(crate) fn svg_element(drawing: &impl Drawing) -> Result<String> {
    let (width, _) = drawing.size();
    let widest = width / UNITS_PER_PIXEL;
    let narrowest = if PHONE.contains(&width) { 0 } else { width * 2 / 5 };
    let alt = escape(&drawing.alt());
    let attributes =
        format!(r#" style="min-width:{narrowest}px;max-width:{widest}px" aria-label="{alt}""#);
    svg(drawing, &attributes)
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

fn size(drawing: &impl Drawing) -> (u32, u32) {
    let (width, height) = drawing.size();
    (width as u32, height as u32)
}

fn draw<DB: DrawingBackend>(drawing: &impl Drawing, area: &Area<DB>) -> Drawn<DB> {
    area.fill(&PAPER)?;
    drawing.draw(area)?;
    area.present()
}

/// The drawing with a root element of our own in place of plotters', which knows neither
/// alternative text nor round joins.
fn svg(drawing: &impl Drawing, attributes: &str) -> Result<String> {
    let fail = |source: Box<dyn StdError + Send + Sync>| Error::Draw {
        file: format!("{}.svg", drawing.name()),
        source,
    };
    let (width, height) = size(drawing);
    let mut drawn = String::new();
    let area = SVGBackend::with_string(&mut drawn, (width, height)).into_drawing_area();
    draw(drawing, &area).map_err(|error| fail(error.into()))?;
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
