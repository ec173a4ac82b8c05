//! The first layer's filters: what the network looks for in nine pixels.

use plotters::element::{PathElement, Rectangle};
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::DrawingBackend;
use run::Explanations;

use crate::diverging::{SCALE, colour, draw_scale, largest};
use crate::frame::{HEADER, LINE, MARGIN, TEXT, header, note_lines, notes};
use crate::inputs::{FILTER, Inputs};
use crate::palette::{GRID, INK, MUTED, PAPER};
use crate::render::{Area, Drawn};
use crate::text::{Weight, plural, style};

/// Side of a weight, and of a filter.
const CELL: i32 = 40;
const SIDE: i32 = FILTER as i32 * CELL;

/// Filters in a row, and distances from one to the next.
const COLUMNS: usize = 8;
const PITCH: (i32, i32) = (SIDE + 36, SIDE + 66);

const WIDTH: i32 = 2 * MARGIN + COLUMNS as i32 * PITCH.0 - 36;

/// The most filters that are drawn: a picture of more is no picture.
const MOST_FILTERS: usize = 256;

/// What is seen, in words.
pub(crate) fn note(inputs: &Inputs) -> String {
    let filters = filters(inputs);
    let all = inputs.explanations.map_or(0, |explanations| explanations.filters.len());
    if filters.is_empty() {
        return "No filters are recorded.".to_owned();
    }
    let mut note = format!(
        "The first layer multiplies every {FILTER}x{FILTER} square of the image by each of these \
         {}. Orange weights raise the answer where there is ink, blue ones, which also bear a \
         dash, lower it.",
        plural(filters.len(), "filter", "filters")
    );
    if filters.len() < all {
        note += &format!(" The others of {all} are not drawn.");
    }
    if filters.iter().flatten().any(|weight| !weight.is_finite()) {
        note += " Grey weights are not finite numbers.";
    }
    note
}

/// Width and height in units.
pub(crate) fn size(inputs: &Inputs) -> (i32, i32) {
    let lines = note_lines(&note(inputs), WIDTH).len() as i32;
    (WIDTH, notes_top(inputs) + lines * LINE + MARGIN)
}

/// Draws every filter, and the scale.
pub(crate) fn draw<DB: DrawingBackend>(area: &Area<DB>, inputs: &Inputs) -> Drawn<DB> {
    header(area, inputs, "Filters of the first layer")?;
    let filters = filters(inputs);
    let most = largest(filters.iter().flatten());
    for (position, filter) in filters.iter().enumerate() {
        let (row, column) = ((position / COLUMNS) as i32, (position % COLUMNS) as i32);
        let at = (MARGIN + column * PITCH.0, HEADER + row * PITCH.1);
        draw_filter(area, filter, most, at)?;
        let number = style(20, Weight::Regular, MUTED, HPos::Center, VPos::Top);
        area.draw_text(&position.to_string(), &number, (at.0 + SIDE / 2, at.1 + SIDE + 10))?;
    }
    if !filters.is_empty() {
        let top = notes_top(inputs) - SCALE.1 - 30;
        let name = style(TEXT, Weight::Regular, INK, HPos::Left, VPos::Top);
        area.draw_text("weight", &name, (MARGIN + SCALE.0 + 30, top))?;
        draw_scale(area, (MARGIN + 2, top), most)?;
    }
    notes(area, &note_lines(&note(inputs), WIDTH), notes_top(inputs))
}

fn draw_filter<DB: DrawingBackend>(
    area: &Area<DB>,
    filter: &[f32],
    most: f64,
    (left, top): (i32, i32),
) -> Drawn<DB> {
    let frame = [(left - 2, top - 2), (left + SIDE + 2, top + SIDE + 2)];
    area.draw(&Rectangle::new(frame, GRID.filled()))?;
    area.draw(&Rectangle::new([(left, top), (left + SIDE, top + SIDE)], PAPER.filled()))?;
    for (position, &weight) in filter.iter().enumerate() {
        let (row, column) = ((position / FILTER) as i32, (position % FILTER) as i32);
        let (x, y) = (left + column * CELL, top + row * CELL);
        let colour = colour(f64::from(weight), most);
        if colour.3 > 0.0 {
            area.draw(&Rectangle::new([(x, y), (x + CELL, y + CELL)], colour.filled()))?;
        }
        // Where nothing is to be seen of the colour, a dash would say more than is known.
        if weight < 0.0 && colour.3 > 0.0 {
            let ends = vec![(x + CELL / 2 - 6, y + CELL / 2), (x + CELL / 2 + 6, y + CELL / 2)];
            area.draw(&PathElement::new(ends, INK.stroke_width(3)))?;
        }
    }
    Ok(())
}

fn filters<'a>(inputs: &Inputs<'a>) -> &'a [Vec<f32>] {
    let of = |explanations: &'a Explanations| {
        &explanations.filters[..explanations.filters.len().min(MOST_FILTERS)]
    };
    inputs.explanations.map_or(&[], of)
}

fn notes_top(inputs: &Inputs) -> i32 {
    let rows = filters(inputs).len().div_ceil(COLUMNS) as i32;
    HEADER + rows * PITCH.1 + if rows > 0 { SCALE.1 + 40 } else { 0 }
}
