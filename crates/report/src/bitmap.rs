//! A bitmap with smooth strokes and evenly set text.
//!
//! Plotters' own bitmap breaks thick strokes at sharp corners and drops the side bearings of
//! letters, so this one takes over strokes, discs and text: coverage is the distance to the shape's
//! edge, clamped to a pixel.

use ab_glyph::{Font, PxScale, point};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{FontStyle, FontTransform};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
};
use plotters_bitmap::{BitMapBackend, BitMapBackendError};

use crate::text::{PLOTTERS_SIZE, Weight, font, layout};

/// Height of a small letter in ems, and of a capital: where [`plotters_svg`] puts the baseline
/// below the middle and the top of a line (half of the one, and 0.76 em), so that both kinds of
/// picture agree.
const X_HEIGHT: f64 = 0.536;
const TOP_TO_BASELINE: f64 = 0.76;

type Drawn = Result<(), DrawingErrorKind<BitMapBackendError>>;

/// Draws into a buffer of RGB bytes.
pub(crate) struct Bitmap<'a>(BitMapBackend<'a>);

impl<'a> Bitmap<'a> {
    /// `buffer` holds three bytes a pixel, row by row.
    pub(crate) fn new(buffer: &'a mut [u8], size: (u32, u32)) -> Self {
        Self(BitMapBackend::with_buffer(buffer, size))
    }

    /// Blends in each pixel of a box by how much of it the shape covers; `distance` is from the
    /// pixel's middle to the shape's edge, negative inside.
    fn fill(
        &mut self,
        (from, to): (BackendCoord, BackendCoord),
        colour: BackendColor,
        distance: impl Fn(f64, f64) -> f64,
    ) -> Drawn {
        let (width, height) = self.get_size();
        for y in from.1.max(0)..to.1.min(height as i32) {
            for x in from.0.max(0)..to.0.min(width as i32) {
                let coverage =
                    (0.5 - distance(f64::from(x) + 0.5, f64::from(y) + 0.5)).clamp(0.0, 1.0);
                if coverage > 0.0 {
                    self.draw_pixel((x, y), colour.mix(coverage))?;
                }
            }
        }
        Ok(())
    }
}

impl DrawingBackend for Bitmap<'_> {
    type ErrorType = BitMapBackendError;

    fn get_size(&self) -> (u32, u32) {
        self.0.get_size()
    }

    fn ensure_prepared(&mut self) -> Drawn {
        self.0.ensure_prepared()
    }

    fn present(&mut self) -> Drawn {
        self.0.present()
    }

    fn draw_pixel(&mut self, point: BackendCoord, color: BackendColor) -> Drawn {
        self.0.draw_pixel(point, color)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        upper_left: BackendCoord,
        bottom_right: BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        // No drawing here asks for an outline: plotters' SVG could not give it a width.
        if fill {
            self.fill((upper_left, bottom_right), style.color(), |_, _| f64::MIN)
        } else {
            Ok(())
        }
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        let radius = f64::from(style.stroke_width()) / 2.0;
        let margin = radius.ceil() as i32 + 1;
        let (ax, ay) = (f64::from(from.0), f64::from(from.1));
        let (dx, dy) = (f64::from(to.0) - ax, f64::from(to.1) - ay);
        let square = dx * dx + dy * dy;
        let low = (from.0.min(to.0) - margin, from.1.min(to.1) - margin);
        let high = (from.0.max(to.0) + margin, from.1.max(to.1) + margin);
        self.fill((low, high), style.color(), |x, y| {
            let along = ((x - ax) * dx + (y - ay) * dy) / square.max(f64::MIN_POSITIVE);
            let along = along.clamp(0.0, 1.0);
            (x - ax - along * dx).hypot(y - ay - along * dy) - radius
        })
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        let points: Vec<_> = path.into_iter().collect();
        points.windows(2).try_for_each(|ends| self.draw_line(ends[0], ends[1], style))
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        center: BackendCoord,
        radius: u32,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let margin = radius as i32 + style.stroke_width() as i32 + 1;
        let low = (center.0 - margin, center.1 - margin);
        let high = (center.0 + margin, center.1 + margin);
        let half_stroke = f64::from(style.stroke_width()) / 2.0;
        self.fill((low, high), style.color(), |x, y| {
            let edge = (x - f64::from(center.0)).hypot(y - f64::from(center.1)) - f64::from(radius);
            if fill { edge } else { edge.abs() - half_stroke }
        })
    }

    /// Convex polygons only: the distance to one is the largest of the distances to its sides.
    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Drawn {
        let corners: Vec<_> = corners.into_iter().collect();
        let low = corners.iter().fold((i32::MAX, i32::MAX), |l, c| (l.0.min(c.0), l.1.min(c.1)));
        let high = corners.iter().fold((i32::MIN, i32::MIN), |h, c| (h.0.max(c.0), h.1.max(c.1)));
        let ends = || corners.iter().zip(corners.iter().cycle().skip(1));
        let twice_the_area: i64 = ends()
            .map(|(a, b)| i64::from(a.0) * i64::from(b.1) - i64::from(b.0) * i64::from(a.1))
            .sum();
        let turn = if twice_the_area < 0 { -1.0 } else { 1.0 };
        self.fill((low, high), style.color(), |x, y| {
            ends().fold(f64::MIN, |most, (from, to)| {
                let (dx, dy) = (f64::from(to.0 - from.0), f64::from(to.1 - from.1));
                let across = dy * (x - f64::from(from.0)) - dx * (y - f64::from(from.1));
                most.max(turn * across / dx.hypot(dy).max(f64::MIN_POSITIVE))
            })
        })
    }

    fn draw_text<S: BackendTextStyle>(
        &mut self,
        text: &str,
        style: &S,
        (x0, y0): BackendCoord,
    ) -> Drawn {
        let weight =
            if matches!(style.style(), FontStyle::Bold) { Weight::Bold } else { Weight::Regular };
        let em = style.size() / PLOTTERS_SIZE;
        let (glyphs, length) = layout(text, weight);
        let left = match style.anchor().h_pos {
            HPos::Left => 0.0,
            HPos::Center => -0.5 * em * f64::from(length),
            HPos::Right => -em * f64::from(length),
        };
        let baseline = match style.anchor().v_pos {
            VPos::Top => TOP_TO_BASELINE * em,
            VPos::Center => 0.5 * X_HEIGHT * em,
            VPos::Bottom => -0.5 * X_HEIGHT * em,
        };
        let font = font(weight);
        let scale = PxScale::from(
            (em as f32) * font.height_unscaled() / font.units_per_em().unwrap_or(1000.0),
        );
        let rotation = style.transform();
        for (glyph, x) in glyphs {
            let origin = point((left + em * f64::from(x)) as f32, baseline as f32);
            let Some(outline) = font.outline_glyph(glyph.with_scale_and_position(scale, origin))
            else {
                continue;
            };
            let corner = outline.px_bounds().min;
            let mut result = Ok(());
            outline.draw(|gx, gy, coverage| {
                let (x, y) = (corner.x as i32 + gx as i32, corner.y as i32 + gy as i32);
                // A pixel turned to the left comes to lie one row above its turned corner.
                let (x, y) = match rotation {
                    FontTransform::Rotate270 => (y, -x - 1),
                    _ => (x, y),
                };
                if result.is_ok() && coverage > 0.0 {
                    let colour = style.color().mix(f64::from(coverage.min(1.0)));
                    result = self.draw_pixel((x0 + x, y0 + y), colour);
                }
            });
            result?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
