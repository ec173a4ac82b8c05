//! Colours for numbers of either sign: vermillion above 0, blue below, blank at 0.
//!
//! Both look alike in grey, so a plot that uses them marks the sign in another way too.

use super::canvas::Canvas;
use super::palette::{BLUE, Colour, MUTED, VERMILLION};
use super::text::{Align, Style, TEXT};

/// Steps of the colours on each side of 0: more cannot be told apart, and equal neighbours compress well.
const STEPS: i32 = 20;

/// Width and height of one step of the drawn scale.
const STEP: (i32, i32) = (14, 30);

/// Height of the scale with its numbers and the name of what they measure.
const HEIGHT: i32 = 112;

/// The colour of a value, strongest from `largest > 0` on. A value that is not finite is grey.
pub(crate) fn colour(value: f64, largest: f64) -> Colour {
    if !value.is_finite() {
        return MUTED;
    }
    let steps = f64::from(STEPS);
    let strength = (steps * (value.abs() / largest).min(1.0)).round() / steps;
    if value < 0.0 { BLUE.faded(strength) } else { VERMILLION.faded(strength) }
}

/// The largest absolute value among the finite ones; 1 where there is none above 0.
pub(crate) fn largest<'a>(values: impl Iterator<Item = &'a f32>) -> f64 {
    let finite = values.map(|&value| f64::from(value).abs()).filter(|value| value.is_finite());
    let largest = finite.fold(0.0, f64::max);
    if largest > 0.0 { largest } else { 1.0 }
}

/// All colours in a row, the numbers at both ends and in the middle, and below them the name of what they measure.
pub(crate) fn panel(largest: f64, name: &str) -> Canvas {
    let ((width, height), (left, top)) = (STEP, (2, 2));
    let length = width * (2 * STEPS + 1);
    let mut canvas = Canvas::new(length.max(TEXT.width(name)) + 4, HEIGHT);
    canvas.framed((left, top), (length, height), 2, MUTED);
    for step in -STEPS..=STEPS {
        let colour = colour(f64::from(step) / f64::from(STEPS) * largest, largest);
        if colour.opacity > 0.0 {
            canvas.rect((left + (step + STEPS) * width, top), STEP, colour);
        }
    }
    let below = top + height + 12;
    canvas.text(&format!("−{largest:.2}"), (left, below), TEXT);
    canvas.text("0", (left + length / 2, below), TEXT.centred());
    let end = Style { align: Align::End, ..TEXT };
    canvas.text(&format!("+{largest:.2}"), (left + length, below), end);
    canvas.text(name, (left, below + 36), TEXT);
    canvas.described(format!("Colours of the {name}, from −{largest:.2} to +{largest:.2}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drawing::palette::PAPER;

    #[test]
    fn colours_tell_sign_and_size() {
        let seen = |value| colour(value, 2.0).on_paper();
        assert_eq!(seen(0.0), PAPER.rgb);
        assert_eq!([seen(2.0), seen(5.0)], [VERMILLION.rgb; 2]);
        assert_eq!(seen(-2.0), BLUE.rgb);
        assert_eq!(seen(1.0), [0xEA, 0xAF, 0x80]);
        assert_eq!(seen(f64::NAN), MUTED.rgb);
    }

    #[test]
    fn the_largest_value_ignores_what_is_not_finite() {
        assert_eq!(largest([0.5, -2.0, f32::NAN, f32::INFINITY].iter()), 2.0);
        assert_eq!(largest([0.0, f32::NAN].iter()), 1.0);
    }
}
