//! Colours for numbers of both signs: vermillion above 0, blue below, blank at 0.
//!
//! In grey both colours look alike, so whoever uses them marks the sign in another way too.

use plotters::element::Rectangle;
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, RGBAColor, RGBColor};
use plotters_backend::DrawingBackend;

use crate::frame::TEXT;
use crate::palette::{BLUE, INK, MUTED, PAPER, VERMILLION};
use crate::render::{Area, Drawn};
use crate::text::{Weight, style};

/// Steps of the colours on each side of 0: more cannot be told apart, and equal neighbours pack
/// well.
const STEPS: f64 = 20.0;

/// Sides of the scale's steps, and how many are drawn.
const SCALE_STEP: (i32, i32) = (14, 30);
const SCALE_STEPS: i32 = 41;

/// Width of the scale without its numbers, and its height with them.
pub(crate) const SCALE: (i32, i32) = (SCALE_STEP.0 * SCALE_STEPS, 80);

/// The colour of a value where `most > 0` has the full one, to be laid on paper. What is not finite
/// is grey.
pub(crate) fn colour(value: f64, most: f64) -> RGBAColor {
    if !value.is_finite() {
        return MUTED.mix(1.0);
    }
    let part = (STEPS * (value.abs() / most).min(1.0)).round() / STEPS;
    if value < 0.0 { BLUE.mix(part) } else { VERMILLION.mix(part) }
}

/// The same colour laid on light paper, for pixels, which no page recolours.
pub(crate) fn opaque(value: f64, most: f64) -> RGBColor {
    let RGBAColor(red, green, blue, part) = colour(value, most);
    let blend = |paper: u8, ink: u8| {
        (f64::from(paper) + part * (f64::from(ink) - f64::from(paper))).round() as u8
    };
    RGBColor(blend(PAPER.0, red), blend(PAPER.1, green), blend(PAPER.2, blue))
}

/// The largest absolute value among the finite ones; 1 where there is none above 0.
pub(crate) fn largest<'a>(values: impl Iterator<Item = &'a f32>) -> f64 {
    let finite = values.map(|&value| f64::from(value).abs()).filter(|value| value.is_finite());
    let most = finite.fold(0.0, f64::max);
    if most > 0.0 { most } else { 1.0 }
}

/// Draws all colours in a row with the numbers of both ends and of the middle.
pub(crate) fn draw_scale<DB: DrawingBackend>(
    area: &Area<DB>,
    (left, top): (i32, i32),
    most: f64,
) -> Drawn<DB> {
    let (width, height) = SCALE_STEP;
    let frame = [(left - 2, top - 2), (left + SCALE.0 + 2, top + height + 2)];
    area.draw(&Rectangle::new(frame, MUTED.filled()))?;
    area.draw(&Rectangle::new([(left, top), (left + SCALE.0, top + height)], PAPER.filled()))?;
    let half = SCALE_STEPS / 2;
    for step in -half..=half {
        let x = left + (step + half) * width;
        let colour = colour(f64::from(step) / f64::from(half) * most, most);
        if colour.3 > 0.0 {
            area.draw(&Rectangle::new([(x, top), (x + width, top + height)], colour.filled()))?;
        }
    }
    for (x, h, label) in [
        (left, HPos::Left, format!("−{most:.2}")),
        (left + SCALE.0 / 2, HPos::Center, "0".to_owned()),
        (left + SCALE.0, HPos::Right, format!("+{most:.2}")),
    ] {
        let number = style(TEXT, Weight::Regular, INK, h, VPos::Top);
        area.draw_text(&label, &number, (x, top + height + 12))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_tell_sign_and_size() {
        assert_eq!(opaque(0.0, 2.0), PAPER);
        assert_eq!([opaque(2.0, 2.0), opaque(5.0, 2.0)], [VERMILLION; 2]);
        assert_eq!(opaque(-2.0, 2.0), BLUE);
        assert_eq!(opaque(1.0, 2.0), RGBColor(0xEA, 0xAF, 0x80));
        assert_eq!(opaque(f64::NAN, 2.0), MUTED);
    }

    #[test]
    fn the_largest_value_ignores_what_is_not_finite() {
        assert_eq!(largest([0.5, -2.0, f32::NAN, f32::INFINITY].iter()), 2.0);
        assert_eq!(largest([0.0, f32::NAN].iter()), 1.0);
    }
}
