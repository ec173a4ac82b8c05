//! The filters of the first layer: of one channel in the colours of their signs, of three as images in red, green and blue.

use image::{Rgb, RgbImage};
use run::Explanations;

use crate::drawing::*;
use crate::inputs::{FILTER_SIDE, Inputs};
use crate::numbers::plural;

/// Side of a weight, and of a filter.
const CELL: i32 = 40;
const SIDE: i32 = FILTER_SIDE as i32 * CELL;
const AREA: usize = FILTER_SIDE * FILTER_SIDE;

/// Filters in a row, and distances from one to the next.
const COLUMNS: usize = 8;
const PITCH: Point = (SIDE + 36, SIDE + 66);

/// The most filters that are drawn.
const MOST_FILTERS: usize = 256;

const NUMBER: Style = Style { size: 20, ..MUTED_TEXT.centred() };

pub(super) fn plot(inputs: &Inputs, explanations: &Explanations) -> Plot {
    let filters = &explanations.filters[..explanations.filters.len().min(MOST_FILTERS)];
    let in_colour = inputs.facts.shape.channels == 3;
    let title = "Filters of the first layer".to_owned();
    let largest = colour_scale::largest(filters.iter().flatten());
    let note = note(filters, explanations.filters.len(), in_colour.then_some(largest));
    let tiles = draw(filters, largest, in_colour);
    // Colours of an image need no scale beside the words.
    let scale = !tiles.is_empty() && !in_colour;
    let panels = Vec::from_iter(scale.then(|| colour_scale::panel(largest, "weight")));
    Plot { name: "filters", title, note, tiles, columns: COLUMNS, panels, ..Plot::default() }
}

/// How the filters are read; `in_colour` is the largest weight of filters of three channels.
fn note(filters: &[Vec<f32>], all: usize, in_colour: Option<f64>) -> String {
    if filters.is_empty() {
        return "No filters are recorded.".to_owned();
    }
    let shown = plural(filters.len(), "filter", "filters");
    let mut note = format!(
        "The first layer multiplies every {FILTER_SIDE}x{FILTER_SIDE} square of the image by each of these {shown}. "
    );
    note += &match in_colour {
        None => "Orange weights raise the output where the image is bright; blue ones, which also bear a dash, lower it."
            .to_owned(),
        Some(largest) => format!(
            "Each is drawn as the square that it answers most: red, green and blue are the weights of these channels, \
             from −{largest:.2}, dark, by way of 0, middle grey, to +{largest:.2}, bright. Grey patterns look for edges \
             whatever their colour, coloured ones for colours."
        ),
    };
    if filters.len() < all {
        note += &format!(" The others of {all} are not drawn.");
    }
    if filters.iter().flatten().any(|weight| !weight.is_finite()) {
        note += match in_colour {
            None => " Grey weights are not finite numbers.",
            Some(_) => " Weights that are not finite numbers are drawn as 0.",
        };
    }
    note
}

/// Each filter above its number.
fn draw(filters: &[Vec<f32>], largest: f64, in_colour: bool) -> Vec<Canvas> {
    let draw = |(number, filter): (usize, &Vec<f32>)| {
        let mut canvas = Canvas::new(PITCH.0, PITCH.1);
        let at = ((PITCH.0 - SIDE) / 2, 2);
        canvas.framed(at, (SIDE, SIDE), 2, GRID);
        match in_colour {
            true => canvas.bitmap(&coloured(filter, largest), at, (SIDE, SIDE)),
            // Of any other number of channels the first.
            false => draw_signs(&mut canvas, &filter[..AREA], largest, at),
        }
        canvas.text(&number.to_string(), (PITCH.0 / 2, 2 + SIDE + 10), NUMBER);
        canvas.described(format!("Filter {number}"))
    };
    filters.iter().enumerate().map(draw).collect()
}

/// A filter of three channels as an image.
fn coloured(filter: &[f32], largest: f64) -> RgbImage {
    let level = |weight: f32| {
        let weight = if weight.is_finite() { f64::from(weight) / largest } else { 0.0 };
        (127.5 + 127.5 * weight).round() as u8
    };
    RgbImage::from_fn(FILTER_SIDE as u32, FILTER_SIDE as u32, |x, y| {
        let place = y as usize * FILTER_SIDE + x as usize;
        Rgb([0, AREA, 2 * AREA].map(|channel| level(filter[channel + place])))
    })
}

/// A filter of one channel: a square a weight, with a dash below 0.
fn draw_signs(canvas: &mut Canvas, filter: &[f32], largest: f64, (left, top): Point) {
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
