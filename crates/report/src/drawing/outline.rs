//! A line of text as a path.

use tiny_skia::{Path, PathBuilder, Rect};
use ttf_parser::OutlineBuilder;

use super::fonts::{self, Glyph};

/// The outline of a line of text from its left end, in em, y up.
pub(super) fn outline(text: &str, bold: bool) -> Option<Path> {
    let mut line = Outline { path: PathBuilder::new(), x: 0.0, scale: 1.0 };
    for character in fonts::in_visual_order(text) {
        if let Some(Glyph { face, id }) = fonts::glyph(character, bold) {
            line.scale = 1.0 / f32::from(face.units_per_em());
            face.outline_glyph(id, &mut line);
        } else if let Some(rect) = Rect::from_xywh(line.x + 0.1, 0.0, 0.8, 0.72) {
            // A frame: the inner rectangle runs the other way round, so that it stays empty.
            line.path.push_rect(rect);
            let (left, right, top) = (line.x + 0.18, line.x + 0.82, 0.64);
            line.path.move_to(left, 0.08);
            line.path.line_to(left, top);
            line.path.line_to(right, top);
            line.path.line_to(right, 0.08);
            line.path.close();
        }
        line.x += fonts::advance(character, bold) as f32;
    }
    line.path.finish()
}

/// Collects the outlines of letters in em, the next one at `x`; `scale` em are one unit of its font.
struct Outline {
    path: PathBuilder,
    x: f32,
    scale: f32,
}

impl Outline {
    fn at(&self, x: f32, y: f32) -> (f32, f32) {
        (self.x + x * self.scale, y * self.scale)
    }
}

impl OutlineBuilder for Outline {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.move_to(x, y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.at(x, y);
        self.path.line_to(x, y);
    }

    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.at(x1, y1), self.at(x, y));
        self.path.quad_to(x1, y1, x, y);
    }

    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.at(x1, y1), self.at(x2, y2), self.at(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}
