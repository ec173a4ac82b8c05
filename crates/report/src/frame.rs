//! What frames every picture: margins, title and small print.

use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::DrawingBackend;

use crate::inputs::Inputs;
use crate::palette::{INK, MUTED};
use crate::render::{Area, Drawn};
use crate::text::{Weight, fit, style, wrap};

/// Empty units around every picture.
pub(crate) const MARGIN: i32 = 40;

/// Height of the title and the line below it, with the space before what follows.
pub(crate) const HEADER: i32 = 140;

/// Ems of a title, of plain text, and the distance of two lines of plain text.
const TITLE: i32 = 36;
pub(crate) const TEXT: i32 = 24;
pub(crate) const LINE: i32 = 36;

/// Title and subtitle of a picture of one run.
pub(crate) fn header<DB: DrawingBackend>(
    area: &Area<DB>,
    inputs: &Inputs,
    title: &str,
) -> Drawn<DB> {
    let room = area.dim_in_pixel().0 as i32 - 2 * MARGIN;
    let name = fit(inputs.run_name, TEXT, Weight::Regular, room / 2);
    titles(area, &titled(title, inputs), &format!("{name}, {}", inputs.facts.name))
}

/// Title and subtitle of any picture.
pub(crate) fn titles<DB: DrawingBackend>(
    area: &Area<DB>,
    title: &str,
    subtitle: &str,
) -> Drawn<DB> {
    let room = area.dim_in_pixel().0 as i32 - 2 * MARGIN;
    area.draw_text(
        &fit(title, TITLE, Weight::Bold, room),
        &style(TITLE, Weight::Bold, INK, HPos::Left, VPos::Top),
        (MARGIN, MARGIN),
    )?;
    area.draw_text(
        &fit(subtitle, TEXT, Weight::Regular, room),
        &style(TEXT, Weight::Regular, MUTED, HPos::Left, VPos::Top),
        (MARGIN, MARGIN + TITLE + 12),
    )
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
