//! The filters of the first layer.

use run::Explanations;

use crate::drawing::*;
use crate::inputs::FILTER_SIDE;
use crate::numbers::plural;

/// Side of a weight, and of a filter.
const CELL: i32 = 40;
const SIDE: i32 = FILTER_SIDE as i32 * CELL;

/// Filters in a row, and distances from one to the next.
const COLUMNS: usize = 8;
const PITCH: Point = (SIDE + 36, SIDE + 66);

/// The most filters that are drawn.
const MOST_FILTERS: usize = 256;

const NUMBER: Style = Style { size: 20, ..MUTED_TEXT.centred() };

pub(super) fn plot(explanations: &Explanations) -> Plot {
    let filters = &explanations.filters[..explanations.filters.len().min(MOST_FILTERS)];
    let title = "Filters of the first layer".to_owned();
    let note = note(filters, explanations.filters.len());
    let largest = colour_scale::largest(filters.iter().flatten());
    let tiles = draw(filters, largest);
    let panels =
        Vec::from_iter((!tiles.is_empty()).then(|| colour_scale::panel(largest, "weight")));
    Plot { name: "filters", title, note, tiles, columns: COLUMNS, panels, ..Plot::default() }
}

fn note(filters: &[Vec<f32>], all: usize) -> String {
    if filters.is_empty() {
        return "No filters are recorded.".to_owned();
    }
    let mut note = format!(
        "The first layer multiplies every {FILTER_SIDE}x{FILTER_SIDE} square of the image by each of these {}. Orange \
         weights raise the output where the image is bright; blue ones, which also bear a dash, lower it.",
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

/// Each filter above its number.
fn draw(filters: &[Vec<f32>], largest: f64) -> Vec<Canvas> {
    let draw = |(number, filter): (usize, &Vec<f32>)| {
        let mut canvas = Canvas::new(PITCH.0, PITCH.1);
        let left = (PITCH.0 - SIDE) / 2;
        draw_filter(&mut canvas, filter, largest, (left, 2));
        canvas.text(&number.to_string(), (PITCH.0 / 2, 2 + SIDE + 10), NUMBER);
        canvas.described(format!("Filter {number}"))
    };
    filters.iter().enumerate().map(draw).collect()
}

fn draw_filter(canvas: &mut Canvas, filter: &[f32], largest: f64, (left, top): Point) {
    canvas.framed((left, top), (SIDE, SIDE), 2, GRID);
    for (position, &weight) in filter.iter().enumerate() {
        let (column, row) = ((position % FILTER_SIDE) as i32, (position / FILTER_SIDE) as i32);
        let (x, y) = (left + column * CELL, top + row * CELL);
        let colour = colour_scale::colour(f64::from(weight), largest);
        // A weight too small for a colour gets no dash either.
        if colour.opacity > 0.0 {
            canvas.rect((x, y), (CELL, CELL), colour);
            if weight < 0.0 {
                let (middle, y) = (x + CELL / 2, y + CELL / 2);
                canvas.line(&[(middle - 6, y), (middle + 6, y)], 3, INK);
            }
        }
    }
}
