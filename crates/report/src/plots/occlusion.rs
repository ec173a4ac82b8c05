//! Occlusion maps: which regions of misclassified images mattered for the prediction.

use image::{Rgb, RgbImage};
use images::ImageShape;
use run::{Explanations, Occlusion};

use crate::drawing::gallery::*;
use crate::drawing::*;
use crate::inputs::Inputs;
use crate::numbers::percent;

/// The most mistakes that are drawn, and how many in a row.
const MOST_MISTAKES: usize = 12;
const COLUMNS: usize = 3;

/// From an image to its map, from one mistake to the next, and the height of the labels below.
const GAP: i32 = 12;
const BETWEEN: i32 = 48;
const LABELS: i32 = ABOVE_LABELS + 3 * LINE + BELOW_LABELS;

/// The smallest room of the labels, whatever the image's size.
const SMALLEST_ROOM: i32 = 400;

/// Value from which a pixel lies inside the outline that is drawn over the map of a digit.
const OUTLINED: u8 = 128;

/// How strongly an image shows below its map, and the colours of the map above it.
const FAINT: f64 = 0.45;
const ABOVE: f64 = 0.7;

pub(super) fn plot(inputs: &Inputs, explanations: &Explanations) -> Plot {
    let maps = &explanations.mistakes[..explanations.mistakes.len().min(MOST_MISTAKES)];
    let title = "Which regions mattered for mistakes".to_owned();
    let outlined = is_outlined(inputs, maps);
    let note = note(maps, explanations.patch, inputs.facts.shape, outlined);
    let largest = colour_scale::largest(maps.iter().flat_map(|map| &map.importance));
    let tiles: Vec<_> = maps.iter().map(|map| draw(inputs, map, largest, outlined)).collect();
    let scale = || colour_scale::panel(largest, "fall of the log-odds, in nats");
    let panels = Vec::from_iter((!tiles.is_empty()).then(scale));
    Plot { name: "occlusion", title, note, tiles, columns: COLUMNS, panels, ..Plot::default() }
}

fn note(maps: &[Occlusion], patch: usize, shape: ImageShape, outlined: bool) -> String {
    if maps.is_empty() {
        return "There is no mistake to explain.".to_owned();
    }
    let square = match shape.channels {
        1 => "of background",
        _ => "of the training images' mean colour",
    };
    let below = match outlined {
        true => "The line is the outline of what the image shows.",
        false => "Below each map is its image in faint grey.",
    };
    let mut note = format!(
        "Beside each mistake: how much the log-odds of the predicted class fall when a square of {patch}x{patch} pixels \
         {square} hides the region (Zeiler and Fergus 2014); a fall by 0.7 halves its odds. Orange regions speak for the \
         predicted class and blue ones against it; + marks the largest fall and − the largest rise. {below} All maps \
         share one scale."
    );
    if maps.iter().any(|map| map.importance.iter().any(|value| !value.is_finite())) {
        note += " Grey regions are not finite numbers.";
    }
    note
}

/// A mistake beside its map, above its labels.
fn draw(inputs: &Inputs, map: &Occlusion, largest: f64, outlined: bool) -> Canvas {
    let (width, height) = drawn_size(inputs.facts.shape);
    let room = (2 * width + GAP).max(SMALLEST_ROOM);
    let mut canvas = Canvas::new(room + BETWEEN, height + LABELS);
    let at = (BETWEEN / 2, 2);
    canvas.framed(at, (width, height), 2, GRID);
    draw_image(&mut canvas, inputs, map.index, at);
    let beside = (at.0 + width + GAP, at.1);
    draw_map(&mut canvas, inputs, map, (largest, outlined), beside);
    let Some(mistake) = inputs.mistake(map.index) else { return canvas };
    let name = |class: usize| &inputs.facts.classes[class];
    let labels = [
        (format!("true {}", name(mistake.label)), BOLD_TEXT),
        (format!("predicted {}", name(mistake.predicted)), BOLD_TEXT),
        (format!("with {}, #{}", percent(mistake.probability, 1), map.index), MUTED_TEXT),
    ];
    for (line, (label, style)) in (0..).zip(&labels) {
        let (label, style) = style.shrunk(label, room);
        canvas.text(&label, (at.0, at.1 + height + ABOVE_LABELS + line * LINE), style);
    }
    canvas.described(labels.map(|(label, _)| label).join(", "))
}

/// The map as an image: a rectangle for each of its pixels would be larger than all else on the page. A page does not
/// recolour images, so there is one for light paper and one for dark screens.
fn draw_map(
    canvas: &mut Canvas,
    inputs: &Inputs,
    map: &Occlusion,
    (largest, outlined): (f64, bool),
    at: Point,
) {
    let shape = inputs.facts.shape;
    let zoom = zoom(shape);
    let levels = grey_levels(inputs.image(map.index), shape);
    let inside = |row: usize, column: usize| levels[row * shape.width + column] >= OUTLINED;
    let colour = |x: u32, y: u32| {
        let (x, y) = (x as usize, y as usize);
        let (row, column) = (y / zoom, x / zoom);
        let (below, beside) = ((row + 1).min(shape.height - 1), (column + 1).min(shape.width - 1));
        let edge = (y % zoom == zoom - 1 && inside(row, column) != inside(below, column))
            || (x % zoom == zoom - 1 && inside(row, column) != inside(row, beside));
        let value = f64::from(map.importance[row * shape.width + column]);
        if edge && outlined { INK } else { colour_scale::colour(value, largest) }
    };
    // The image below, on paper as dark ink and on a dark screen as faint light, so that no region means no colour.
    let seen = |x: u32, y: u32, dark: bool| {
        let colour = colour(x, y);
        if outlined {
            return if dark { colour.on_dark() } else { colour.on_paper() };
        }
        let level = levels[(y as usize / zoom) * shape.width + x as usize / zoom];
        let ink = FAINT * if dark { f64::from(level) } else { 255.0 - f64::from(level) } / 255.0;
        let below = INK.faded(ink);
        let below = if dark { below.on_dark() } else { below.on_paper() };
        let map = colour.faded(1.0);
        let map = if dark { map.on_dark() } else { map.on_paper() };
        let share = ABOVE * colour.opacity;
        std::array::from_fn(|channel| {
            let [below, map] = [below[channel], map[channel]].map(f64::from);
            (below + share * (map - below)).round() as u8
        })
    };
    let [height, width] = [shape.height, shape.width].map(|side| (zoom * side) as u32);
    let drawn = drawn_size(shape);
    canvas.framed(at, drawn, 2, GRID);
    let maps =
        [false, true].map(|dark| RgbImage::from_fn(width, height, |x, y| Rgb(seen(x, y, dark))));
    canvas.bitmaps(&maps, at, drawn);
    draw_extremes(canvas, map, shape.width, largest, (at, drawn));
}

/// Whether the outlines of the images say what they show, as those of digits and clothes do: in grey levels, with most of
/// the border dark. Others lie below their map.
fn is_outlined(inputs: &Inputs, maps: &[Occlusion]) -> bool {
    let ImageShape { channels, height, width } = inputs.facts.shape;
    let is_border = |pixel: usize| {
        let (row, column) = (pixel / width, pixel % width);
        row == 0 || row + 1 == height || column == 0 || column + 1 == width
    };
    let border = || {
        let images = maps.iter().map(|map| inputs.image(map.index));
        images.flat_map(|image| (0..height * width).filter(|&p| is_border(p)).map(|p| image[p]))
    };
    let dark = border().filter(|level| *level < OUTLINED).count();
    channels == 1 && 4 * dark >= 3 * border().count()
}

/// The mean of the channels at each pixel.
fn grey_levels(image: &[u8], shape: ImageShape) -> Vec<u8> {
    let area = shape.height * shape.width;
    let mean = |pixel: usize| {
        let sum: usize = image.chunks(area).map(|channel| usize::from(channel[pixel])).sum();
        (sum / shape.channels) as u8
    };
    (0..area).map(mean).collect()
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
