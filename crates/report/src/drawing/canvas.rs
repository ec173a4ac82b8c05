//! What a plot is drawn on: every shape goes into an SVG and, in the same call, onto the pixels of a PNG.
//!
//! The pixels look like the SVG in a browser, in the embedded typeface. Rendering the SVG with resvg would take ten
//! times as long to build (110 CPU seconds at opt-level 1, mostly font shaping).

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ImageResult, RgbImage};
use tiny_skia::{
    FillRule, FilterQuality, IntSize, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap,
    PixmapPaint, Rect, Stroke, StrokeDash, Transform,
};

use super::fonts;
use super::outline::outline;
use super::palette::{Colour, PAPER};
use super::text::{Align, FAMILIES, Style, clean, escape};

/// A position or a width and height in units, from the upper left corner to the right and down.
pub(crate) type Point = (i32, i32);

/// A drawing of a given size on paper. Lengths are in units: a PNG has one pixel for each, and an SVG shows two of them
/// in one CSS pixel, so that a PNG at the SVG's size looks sharp on a dense screen.
#[derive(Clone, Debug)]
pub(crate) struct Canvas {
    /// Width in units.
    pub(crate) width: i32,
    /// Height in units.
    pub(crate) height: i32,
    /// What the drawing shows, for readers who do not see it.
    pub(crate) alt: String,
    /// The shapes as SVG elements, the lowest first.
    elements: String,
    /// Characters that no font has, drawn as boxes.
    pub(crate) missing: BTreeSet<char>,
    /// The same as pixels; `None` where a side is 0 or too large.
    pixels: Option<Pixmap>,
}

/// Lengths of a dash and of the gap after it.
const DASHES: (i32, i32) = (10, 8);

impl Canvas {
    /// An empty canvas of this size.
    pub(crate) fn new(width: i32, height: i32) -> Self {
        let pixmap = || Pixmap::new(width.try_into().ok()?, height.try_into().ok()?);
        let mut pixels = pixmap();
        if let Some(pixels) = &mut pixels {
            pixels.fill(tiny_skia::Color::WHITE);
        }
        let (alt, elements, missing) = (String::new(), String::new(), BTreeSet::new());
        Self { width, height, alt, elements, missing, pixels }
    }

    /// The same drawing with what it shows in words.
    pub(crate) fn described(self, alt: String) -> Self {
        Self { alt, ..self }
    }

    /// The drawing as an `<svg>` element.
    pub(crate) fn svg(&self, attributes: &str) -> String {
        let Self { width, height, alt, elements, .. } = self;
        format!(
            "<svg{attributes} viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{}\" \
             font-family=\"{FAMILIES}\" stroke-linecap=\"round\" stroke-linejoin=\"round\">\n\
             <rect width=\"{width}\" height=\"{height}\" fill=\"{}\"/>\n{elements}</svg>\n",
            escape(&clean(alt)),
            PAPER.hex()
        )
    }

    /// The drawing as pixels; `None` where a side is 0 or too large.
    pub(crate) fn image(&self) -> Option<RgbImage> {
        let pixels = self.pixels.as_ref()?;
        // Paper is opaque, and so is all that lies on it.
        let rgb = pixels.pixels().iter().flat_map(|p| [p.red(), p.green(), p.blue()]);
        RgbImage::from_raw(pixels.width(), pixels.height(), rgb.collect())
    }

    pub(crate) fn rect(&mut self, (x, y): Point, (width, height): Point, colour: Colour) {
        let paint = paint("fill", colour);
        self.element(&format!(
            r#"<rect x="{x}" y="{y}" width="{width}" height="{height}"{paint}/>"#
        ));
        let rect = Rect::from_xywh(x as f32, y as f32, width as f32, height as f32);
        if let (Some(pixels), Some(rect)) = (&mut self.pixels, rect) {
            pixels.fill_rect(rect, &skia(colour), Transform::identity(), None);
        }
    }

    /// A rectangle of paper inside a frame of this thickness.
    pub(crate) fn framed(&mut self, at: Point, size: Point, thickness: i32, colour: Colour) {
        let outer = (at.0 - thickness, at.1 - thickness);
        self.rect(outer, (size.0 + 2 * thickness, size.1 + 2 * thickness), colour);
        self.rect(at, size, PAPER);
    }

    pub(crate) fn circle(&mut self, (x, y): Point, radius: i32, colour: Colour) {
        let circle = PathBuilder::from_circle(x as f32, y as f32, radius as f32);
        self.filled(&format!(r#"circle cx="{x}" cy="{y}" r="{radius}""#), circle, colour);
    }

    pub(crate) fn polygon(&mut self, corners: &[Point], colour: Colour) {
        let element = format!(r#"polygon points="{}""#, list(corners));
        self.filled(&element, path(corners), colour);
    }

    fn filled(&mut self, element: &str, path: Option<Path>, colour: Colour) {
        self.element(&format!("<{element}{}/>", paint("fill", colour)));
        self.fill(path, colour, Transform::identity());
    }

    /// A line through all points with round ends and corners.
    pub(crate) fn line(&mut self, points: &[Point], width: i32, colour: Colour) {
        self.stroke(points, width, colour, false);
    }

    pub(crate) fn dashed_line(&mut self, points: &[Point], width: i32, colour: Colour) {
        self.stroke(points, width, colour, true);
    }

    fn stroke(&mut self, points: &[Point], width: i32, colour: Colour, dashed: bool) {
        let (dash, gap) = DASHES;
        let dashes = format!(r#" stroke-dasharray="{dash} {gap}""#);
        self.element(&format!(
            r#"<polyline points="{}" fill="none"{} stroke-width="{width}"{}/>"#,
            list(points),
            paint("stroke", colour),
            if dashed { &dashes } else { "" }
        ));
        let dash = dashed.then(|| StrokeDash::new(vec![dash as f32, gap as f32], 0.0)).flatten();
        let (line_cap, line_join) = (LineCap::Round, LineJoin::Round);
        let stroke = Stroke { width: width as f32, line_cap, line_join, dash, ..Stroke::default() };
        if let (Some(pixels), Some(path)) = (&mut self.pixels, path(points)) {
            pixels.stroke_path(&path, &skia(colour), &stroke, Transform::identity(), None);
        }
    }

    /// One line of text.
    pub(crate) fn text(&mut self, text: &str, (x, y): Point, style: Style) {
        let text = clean(text);
        let baseline = y + style.drop();
        let (anchor, start) = match style.align {
            Align::Start => ("", 0.0),
            Align::Middle => (r#" text-anchor="middle""#, -0.5),
            Align::End => (r#" text-anchor="end""#, -1.0),
        };
        let turn = format!(r#" transform="rotate(-90 {x} {y})""#);
        self.element(&format!(
            r#"<text x="{x}" y="{baseline}" font-size="{}"{}{anchor}{}{}>{}</text>"#,
            style.size,
            if style.bold { r#" font-weight="bold""# } else { "" },
            paint("fill", style.colour),
            if style.upwards { &turn } else { "" },
            escape(&text)
        ));
        self.missing.extend(text.chars().filter(|&character| fonts::is_missing(character)));
        let left = x as f32 + start * style.advance(&text) as f32;
        let turn = if style.upwards { -90.0 } else { 0.0 };
        let size = style.size as f32;
        let transform = Transform::from_row(size, 0.0, 0.0, -size, left, baseline as f32)
            .post_concat(Transform::from_rotate_at(turn, x as f32, y as f32));
        self.fill(outline(&text, style.bold), style.colour, transform);
    }

    /// An image, magnified without smoothing: its pixels are the data.
    pub(crate) fn bitmap(&mut self, image: &RgbImage, at: Point, size: Point) {
        self.image_element(image, "", at, size);
        self.draw_bitmap(image, at, size);
    }

    /// [`bitmap`](Self::bitmap), and the same in the colours of a dark screen, which a page shows there instead.
    pub(crate) fn bitmaps(&mut self, [light, dark]: &[RgbImage; 2], at: Point, size: Point) {
        self.image_element(light, r#" class="light""#, at, size);
        self.image_element(dark, r#" class="dark" display="none""#, at, size);
        self.draw_bitmap(light, at, size);
    }

    fn image_element(
        &mut self,
        image: &RgbImage,
        attributes: &str,
        (x, y): Point,
        (width, height): Point,
    ) {
        // An image that no PNG can hold is left out; nothing draws one.
        let png = STANDARD.encode(png(image).unwrap_or_default());
        self.element(&format!(
            "<image{attributes} x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" \
             preserveAspectRatio=\"none\" style=\"image-rendering:pixelated\" \
             href=\"data:image/png;base64,{png}\"/>"
        ));
    }

    fn draw_bitmap(&mut self, image: &RgbImage, (x, y): Point, (width, height): Point) {
        let (columns, rows) = image.dimensions();
        let rgba = image.pixels().flat_map(|&image::Rgb([r, g, b])| [r, g, b, u8::MAX]).collect();
        let image = IntSize::from_wh(columns, rows).and_then(|size| Pixmap::from_vec(rgba, size));
        if let (Some(pixels), Some(image)) = (&mut self.pixels, image) {
            let (wide, high) = (width as f32 / columns as f32, height as f32 / rows as f32);
            let transform = Transform::from_row(wide, 0.0, 0.0, high, x as f32, y as f32);
            let paint = PixmapPaint { quality: FilterQuality::Nearest, ..PixmapPaint::default() };
            pixels.draw_pixmap(0, 0, image.as_ref(), &paint, transform, None);
        }
    }

    /// Another drawing with its upper left corner at a position; all of it must lie within this one.
    pub(crate) fn place(&mut self, other: &Self, (x, y): Point) {
        let elements = &other.elements;
        self.missing.extend(&other.missing);
        self.element(&format!("<g transform=\"translate({x} {y})\">\n{elements}</g>"));
        if let (Some(pixels), Some(other)) = (&mut self.pixels, &other.pixels) {
            // Both are opaque, so rows are copied: blending them would take most of a report's time.
            let (columns, width) = (pixels.width() as usize, other.width() as usize);
            for (row, from) in (y as usize..).zip(other.pixels().chunks(width)) {
                let to = row * columns + x as usize;
                pixels.pixels_mut()[to..to + width].copy_from_slice(from);
            }
        }
    }

    fn element(&mut self, element: &str) {
        self.elements.push_str(element);
        self.elements.push('\n');
    }

    fn fill(&mut self, path: Option<Path>, colour: Colour, transform: Transform) {
        if let (Some(pixels), Some(path)) = (&mut self.pixels, path) {
            pixels.fill_path(&path, &skia(colour), FillRule::Winding, transform, None);
        }
    }
}

/// The image as a PNG file, 8-bit RGB.
///
/// # Errors
/// The encoder's, where a side is 0 or too large for the format.
pub(crate) fn png(image: &RgbImage) -> ImageResult<Vec<u8>> {
    let mut file = Vec::new();
    let (compression, filter) = (CompressionType::Default, FilterType::Adaptive);
    image.write_with_encoder(PngEncoder::new_with_quality(&mut file, compression, filter))?;
    Ok(file)
}

/// The attributes that paint with a colour.
fn paint(property: &str, colour: Colour) -> String {
    let hex = colour.hex();
    match colour.opacity {
        1.0 => format!(r#" {property}="{hex}""#),
        opacity => format!(r#" {property}="{hex}" {property}-opacity="{opacity}""#),
    }
}

fn list(points: &[Point]) -> String {
    points.iter().map(|(x, y)| format!("{x},{y}")).collect::<Vec<_>>().join(" ")
}

/// The path through all points; filling it closes it.
fn path(points: &[Point]) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (position, &(x, y)) in points.iter().enumerate() {
        match position {
            0 => path.move_to(x as f32, y as f32),
            _ => path.line_to(x as f32, y as f32),
        }
    }
    path.finish()
}

fn skia(colour: Colour) -> Paint<'static> {
    let [red, green, blue] = colour.rgb;
    let mut paint = Paint::default();
    paint.set_color_rgba8(red, green, blue, (255.0 * colour.opacity).round() as u8);
    paint
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::drawing::palette::INK;
    use crate::drawing::text::{Baseline, TEXT};

    const SIDE: i32 = 200;

    /// Left, top, right and bottom of what is drawn, relative to the middle; right and bottom excluded.
    fn drawn(draw: impl Fn(&mut Canvas, Point)) -> [i32; 4] {
        let mut canvas = Canvas::new(SIDE, SIDE);
        draw(&mut canvas, (SIDE / 2, SIDE / 2));
        let image = canvas.image().unwrap();
        let inked = image.enumerate_pixels().filter(|(.., pixel)| pixel.0[0] < 0xF0);
        let place = |(x, y, _)| (x as i32 - SIDE / 2, y as i32 - SIDE / 2);
        let (x, y): (Vec<_>, Vec<_>) = inked.map(place).unzip();
        let range = |v: &[i32]| (*v.iter().min().unwrap(), *v.iter().max().unwrap() + 1);
        let ((left, right), (top, bottom)) = (range(&x), range(&y));
        [left, top, right, bottom]
    }

    #[test]
    fn text_lies_where_its_style_says() {
        let text = |align, baseline, upwards| {
            let style = Style { size: 40, align, baseline, upwards, ..TEXT };
            drawn(|canvas, middle| canvas.text("HHH", middle, style))
        };
        let [left, top, right, bottom] = text(Align::Start, Baseline::Top, false);
        assert!((1..8).contains(&left) && (70..100).contains(&(right - left)), "{left} {right}");
        assert!((0..5).contains(&top) && (29..=31).contains(&bottom), "{top} {bottom}");
        let [.., end, _] = text(Align::End, Baseline::Top, false);
        assert!((-8..0).contains(&end), "{end}");
        let [left, top, right, bottom] = text(Align::Middle, Baseline::Middle, false);
        assert!((left + right).abs() <= 2, "{left} {right}");
        assert!((top + bottom).abs() <= 2, "{top} {bottom}");
        let [left, top, right, bottom] = text(Align::Start, Baseline::Middle, true);
        assert!(bottom <= 0 && top < -70, "it runs upwards: {top} {bottom}");
        assert!((left + right).abs() <= 2, "{left} {right}");
    }

    #[test]
    fn a_placed_drawing_moves_with_all_its_shapes() {
        let mut inner = Canvas::new(80, 40);
        inner.rect((0, 0), (10, 20), INK);
        inner.line(&[(30, 10), (50, 10)], 4, INK);
        inner.bitmap(&RgbImage::new(1, 1), (60, 0), (5, 7));
        let moved = drawn(|canvas, (x, y)| canvas.place(&inner, (x, y - 50)));
        assert_eq!(moved, [0, -50, 65, -30]);
    }
}
