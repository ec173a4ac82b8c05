//! Occlusion maps: which regions of misclassified images mattered for the prediction.

use run::{Explanations, Occlusion, Prediction};

use crate::drawing::bitmap::Bitmap;
use crate::drawing::canvas::Point;
use crate::drawing::images::{draw_image, drawn_size, zoom};
use crate::drawing::palette::{GRID, INK};
use crate::drawing::text::{BOLD_TEXT, MUTED_TEXT};
use crate::drawing::{Canvas, Panel, Plot, colour_scale};
use crate::inputs::Inputs;
use crate::numbers::percent;

/// The most mistakes that are drawn, and how many in a row.
const MOST_MISTAKES: usize = 12;
const COLUMNS: i32 = 3;

/// From an image to its map, from one mistake to the next, and the height of two lines of labels below.
const GAP: i32 = 12;
const BETWEEN: i32 = 48;
const LINE: i32 = 36;
const LABELS: i32 = 18 + 2 * LINE + 26;

/// The smallest room of the labels, whatever the image's size.
const SMALLEST_ROOM: i32 = 400;

/// Value from which a pixel lies inside the outline that is drawn over a map.
const OUTLINED: u32 = 128;

pub(super) fn plot(inputs: &Inputs, explanations: &Explanations) -> Plot {
    let maps: Vec<_> = explanations.mistakes.iter().take(MOST_MISTAKES).collect();
    let note = note(&maps, explanations.patch);
    let panel = Panel { alt: note.clone(), canvas: draw(inputs, &maps) };
    Plot {
        name: "occlusion",
        title: "Which regions mattered for mistakes".to_owned(),
        note,
        panels: if maps.is_empty() { Vec::new() } else { vec![panel] },
        ..Plot::default()
    }
}

fn note(maps: &[&Occlusion], patch: usize) -> String {
    if maps.is_empty() {
        return "There is no mistake to explain.".to_owned();
    }
    let mut note = format!(
        "Beside each mistake: how much the probability of the predicted class falls when a square of {patch}x{patch} \
         pixels of background hides the region (Zeiler and Fergus 2014). Orange regions speak for the predicted class \
         and blue ones against it; + marks the largest fall and − the largest rise. The black line is the outline of \
         the image. All maps share one scale."
    );
    if maps.iter().any(|map| map.importance.iter().any(|value| !value.is_finite())) {
        note += " Grey regions are not finite numbers.";
    }
    note
}

fn draw(inputs: &Inputs, maps: &[&Occlusion]) -> Canvas {
    let (width, height) = drawn_size(inputs.facts.shape);
    let room = (2 * width + GAP).max(SMALLEST_ROOM);
    let rows = maps.len().div_ceil(COLUMNS as usize) as i32;
    let scale = 2 + rows * (height + LABELS) + 10;
    let size = (COLUMNS * (room + BETWEEN) - BETWEEN + 4, scale + colour_scale::HEIGHT);
    let mut canvas = Canvas::new(size.0, size.1);
    let largest = colour_scale::largest(maps.iter().flat_map(|map| &map.importance));
    for (position, map) in (0..).zip(maps) {
        let (row, column) = (position / COLUMNS, position % COLUMNS);
        let (x, y) = (2 + column * (room + BETWEEN), 2 + row * (height + LABELS));
        let right = x + width + GAP;
        canvas.framed((x, y), (width, height), 2, GRID);
        canvas.framed((right, y), (width, height), 2, GRID);
        draw_image(&mut canvas, (x, y), inputs.facts.shape, inputs.image(map.index));
        draw_map(&mut canvas, inputs, map, largest, (right, y));
        if let Some(mistake) = inputs.mistake(map.index) {
            draw_labels(&mut canvas, inputs, mistake, (x, y + height + 18), room);
        }
    }
    colour_scale::draw(&mut canvas, (2, scale), largest, "fall of the probability");
    canvas
}

fn draw_labels(canvas: &mut Canvas, inputs: &Inputs, p: &Prediction, (x, y): Point, room: i32) {
    let half = (room - BOLD_TEXT.width("true , predicted ")) / 2;
    let name = |class: usize| BOLD_TEXT.fit(&inputs.facts.classes[class], half);
    let classes = format!("true {}, predicted {}", name(p.label), name(p.predicted));
    canvas.text(&classes, (x, y), BOLD_TEXT);
    let detail = format!("with {}, #{}", percent(p.probability, 1), p.index);
    canvas.text(&detail, (x, y + LINE), MUTED_TEXT);
}

/// The map as an image: a rectangle for each of its pixels would be larger than all else on the page. A page does not
/// recolour it on a dark screen, as it does not recolour the images of the data set.
fn draw_map(canvas: &mut Canvas, inputs: &Inputs, map: &Occlusion, largest: f64, at: Point) {
    let shape = inputs.facts.shape;
    let (zoom, area) = (zoom(shape), shape.height * shape.width);
    let image = inputs.image(map.index);
    let inside = |row: usize, column: usize| {
        let channels =
            image.chunks(area).map(|channel| u32::from(channel[row * shape.width + column]));
        channels.sum::<u32>() >= OUTLINED * shape.channels as u32
    };
    let (height, width) = (zoom * shape.height, zoom * shape.width);
    let pixel = |(y, x): (usize, usize)| {
        let (row, column) = (y / zoom, x / zoom);
        let (below, beside) = ((row + 1).min(shape.height - 1), (column + 1).min(shape.width - 1));
        let edge = (y % zoom == zoom - 1 && inside(row, column) != inside(below, column))
            || (x % zoom == zoom - 1 && inside(row, column) != inside(row, beside));
        let value = f64::from(map.importance[row * shape.width + column]);
        let colour = if edge { INK } else { colour_scale::colour(value, largest) };
        colour.on_paper()
    };
    let positions = (0..height).flat_map(|y| (0..width).map(move |x| (y, x)));
    let drawn = drawn_size(shape);
    canvas.image(Bitmap { width, rgb: positions.map(pixel).collect() }, at, drawn);
    draw_extremes(canvas, map, shape.width, largest, (at, drawn));
}

/// A plus where hiding costs most, and a minus where it gains most, if either is visible.
fn draw_extremes(
    canvas: &mut Canvas,
    map: &Occlusion,
    columns: usize,
    largest: f64,
    ((left, top), (width, height)): (Point, Point),
) {
    let rows = map.importance.len() / columns;
    for sign in [1.0, -1.0] {
        let values = map.importance.iter().map(|&value| sign * f64::from(value));
        let extreme = values.enumerate().filter(|(_, value)| value.is_finite());
        let extreme = extreme.max_by(|(_, a), (_, b)| a.total_cmp(b));
        let Some((position, _)) = extreme.filter(|(_, value)| *value >= largest / 10.0) else {
            continue;
        };
        let middle = |at: usize, of: usize, side: i32| {
            (((2 * at + 1) as i32 * side) / (2 * of as i32)).min(side - 10).max(10)
        };
        let x = left + middle(position % columns, columns, width);
        let y = top + middle(position / columns, rows, height);
        canvas.line(&[(x - 8, y), (x + 8, y)], 4, INK);
        if sign > 0.0 {
            canvas.line(&[(x, y - 8), (x, y + 8)], 4, INK);
        }
    }
}
