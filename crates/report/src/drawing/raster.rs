//! A drawing as pixels.
//!
//! It looks like the SVG in a browser, in the embedded typeface. The shapes are drawn directly: rendering the SVG with
//! resvg would take ten times as long to build (110 CPU seconds at opt-level 1, mostly font shaping).

use tiny_skia::{
    Color, FillRule, FilterQuality, IntSize, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap,
    PixmapPaint, Rect, Stroke, StrokeDash, Transform,
};
use ttf_parser::OutlineBuilder;

use super::bitmap::Bitmap;
use super::canvas::{Canvas, DASHES, Point, Shape};
use super::palette::{Colour, PAPER};
use super::text::{Align, Style, clean, face};

/// The drawing on paper, one pixel a unit; `None` where a side is 0 or too large.
pub(crate) fn bitmap(canvas: &Canvas) -> Option<Bitmap> {
    let (width, height) = (u32::try_from(canvas.width).ok()?, u32::try_from(canvas.height).ok()?);
    let mut pixmap = Pixmap::new(width, height)?;
    pixmap.fill(colour(PAPER));
    draw(&mut pixmap, &canvas.shapes, (0, 0));
    // Paper is opaque, and so is all that lies on it.
    let rgb = pixmap.pixels().iter().map(|pixel| [pixel.red(), pixel.green(), pixel.blue()]);
    Some(Bitmap { width: width as usize, rgb: rgb.collect() })
}

fn draw(pixmap: &mut Pixmap, shapes: &[Shape], offset: Point) {
    let move_by = Transform::from_translate(offset.0 as f32, offset.1 as f32);
    for shape in shapes {
        match shape {
            Shape::Rect { at, size, colour } => {
                let rect = Rect::from_xywh(at.0 as f32, at.1 as f32, size.0 as f32, size.1 as f32);
                if let Some(rect) = rect {
                    pixmap.fill_rect(rect, &paint(*colour), move_by, None);
                }
            }
            Shape::Circle { centre, radius, colour } => {
                let (x, y) = (centre.0 as f32, centre.1 as f32);
                fill(pixmap, PathBuilder::from_circle(x, y, *radius as f32), *colour, move_by);
            }
            Shape::Polygon { corners, colour } => {
                fill(pixmap, path(corners, true), *colour, move_by);
            }
            Shape::Line { points, width, dashed, colour } => {
                let dashes = || StrokeDash::new(vec![DASHES.0 as f32, DASHES.1 as f32], 0.0);
                let stroke = Stroke {
                    width: *width as f32,
                    line_cap: LineCap::Round,
                    line_join: LineJoin::Round,
                    dash: dashed.then(dashes).flatten(),
                    ..Stroke::default()
                };
                if let Some(path) = path(points, false) {
                    pixmap.stroke_path(&path, &paint(*colour), &stroke, move_by, None);
                }
            }
            Shape::Text { text, at, style } => {
                let turn = if style.upwards { -90.0 } else { 0.0 };
                let turn = Transform::from_rotate_at(turn, at.0 as f32, at.1 as f32);
                fill(pixmap, outline(text, *at, *style), style.colour, turn.post_concat(move_by));
            }
            Shape::Image { bitmap, at, size } => draw_image(pixmap, bitmap, *at, *size, move_by),
            Shape::Group { shapes, offset: more } => {
                draw(pixmap, shapes, (offset.0 + more.0, offset.1 + more.1));
            }
        }
    }
}

fn fill(pixmap: &mut Pixmap, path: Option<Path>, colour: Colour, transform: Transform) {
    if let Some(path) = path {
        pixmap.fill_path(&path, &paint(colour), FillRule::Winding, transform, None);
    }
}

fn path(points: &[Point], closed: bool) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (position, (x, y)) in points.iter().map(|&(x, y)| (x as f32, y as f32)).enumerate() {
        match position {
            0 => path.move_to(x, y),
            _ => path.line_to(x, y),
        }
    }
    if closed {
        path.close();
    }
    path.finish()
}

fn draw_image(pixmap: &mut Pixmap, bitmap: &Bitmap, at: Point, size: Point, move_by: Transform) {
    let rgba = bitmap.rgb.iter().flat_map(|&[red, green, blue]| [red, green, blue, u8::MAX]);
    let sides = (bitmap.width as u32, bitmap.height() as u32);
    let Some(image) = IntSize::from_wh(sides.0, sides.1)
        .and_then(|sides| Pixmap::from_vec(rgba.collect(), sides))
    else {
        return;
    };
    let (x, y) = (size.0 as f32 / sides.0 as f32, size.1 as f32 / sides.1 as f32);
    let transform = Transform::from_row(x, 0.0, 0.0, y, at.0 as f32, at.1 as f32);
    let nearest = PixmapPaint { quality: FilterQuality::Nearest, ..PixmapPaint::default() };
    pixmap.draw_pixmap(0, 0, image.as_ref(), &nearest, transform.post_concat(move_by), None);
}

/// The outline of a line of text before it is turned.
fn outline(text: &str, (x, y): Point, style: Style) -> Option<Path> {
    let text = clean(text);
    let face = face(style.bold);
    let scale = style.size as f32 / f32::from(face.units_per_em());
    let length = style.advance(&text) as f32;
    let left = match style.align {
        Align::Start => 0.0,
        Align::Middle => -0.5 * length,
        Align::End => -length,
    };
    let mut glyphs = Glyphs {
        path: PathBuilder::new(),
        scale,
        x: x as f32 + left,
        baseline: (y + style.drop()) as f32,
    };
    for character in text.chars() {
        let glyph = face.glyph_index(character).unwrap_or_default();
        face.outline_glyph(glyph, &mut glyphs);
        glyphs.x += scale * f32::from(face.glyph_hor_advance(glyph).unwrap_or_default());
    }
    glyphs.path.finish()
}

/// Collects outlines of glyphs, from the font's units with y up to pixels with y down.
struct Glyphs {
    path: PathBuilder,
    scale: f32,
    x: f32,
    baseline: f32,
}

impl Glyphs {
    fn place(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + self.scale * x, self.baseline - self.scale * y)
    }
}

impl OutlineBuilder for Glyphs {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.place(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.place(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.place(x1, y1), self.place(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) =
            (self.place(x1, y1), self.place(x2, y2), self.place(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

fn colour(colour: Colour) -> Color {
    let [red, green, blue] = colour.rgb;
    Color::from_rgba8(red, green, blue, (255.0 * colour.opacity).round() as u8)
}

fn paint(of: Colour) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color(colour(of));
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
        let bitmap = bitmap(&canvas).unwrap();
        let inked = |&i: &i32| bitmap.rgb[i as usize][0] < 0xF0;
        let place = |i: i32| (i % SIDE - SIDE / 2, i / SIDE - SIDE / 2);
        let (x, y): (Vec<_>, Vec<_>) = (0..SIDE * SIDE).filter(inked).map(place).unzip();
        let range = |v: &[i32]| (*v.iter().min().unwrap(), *v.iter().max().unwrap() + 1);
        let ((left, right), (top, bottom)) = (range(&x), range(&y));
        [left, top, right, bottom]
    }

    fn text(align: Align, baseline: Baseline, upwards: bool) -> [i32; 4] {
        let style = Style { size: 40, align, baseline, upwards, ..TEXT };
        drawn(|canvas, middle| canvas.text("HHH", middle, style))
    }

    #[test]
    fn text_lies_where_its_style_says() {
        let [left, top, right, bottom] = text(Align::Start, Baseline::Top, false);
        assert!((1..8).contains(&left) && (70..100).contains(&(right - left)), "{left} {right}");
        assert!((0..5).contains(&top) && (29..=31).contains(&bottom), "{top} {bottom}");
        let [.., end, _] = text(Align::End, Baseline::Top, false);
        assert!((-8..0).contains(&end), "{end}");
        let [left, top, right, bottom] = text(Align::Middle, Baseline::Middle, false);
        assert!(
            (left + right).abs() <= 2 && (top + bottom).abs() <= 2,
            "{left} {top} {right} {bottom}"
        );
        let [left, top, right, bottom] = text(Align::Start, Baseline::Middle, true);
        assert!(bottom <= 0 && top < -70, "it runs upwards: {top} {bottom}");
        assert!((left + right).abs() <= 2, "{left} {right}");
    }

    #[test]
    fn groups_move_every_shape() {
        let mut inner = Canvas::new(1, 1);
        inner.rect((0, 0), (10, 20), INK);
        inner.line(&[(30, 10), (50, 10)], 4, INK);
        inner.image(Bitmap { width: 1, rgb: vec![[0; 3]] }, (60, 0), (5, 7));
        let moved = drawn(|canvas, (x, y)| canvas.place(&inner, (x, y - 50)));
        assert_eq!(moved, [0, -50, 65, -30]);
    }
}
