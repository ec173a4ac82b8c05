//! Test images as they are in their files, beside what the network saw of them.

use images::ImageShape;

use crate::drawing::gallery::*;
use crate::drawing::*;
use crate::inputs::{Inputs, Original};

/// Pairs in a row.
const COLUMNS: usize = 3;
/// From an original to what the network saw, and from one pair to the next.
const GAP: i32 = 12;
const BETWEEN: i32 = 48;
/// Room for each of the two.
const SIDE: i32 = 196;

pub(super) fn plot(inputs: &Inputs) -> Plot {
    let ImageShape { height, width, .. } = inputs.facts.shape;
    let note = format!(
        "On the left each image as it is in its file, on the right the {width}x{height} pixels that the network sees of it. \
         What cannot be told on the right cannot be learned: --size takes more pixels, and --prepare another way to get them \
         from the file. Below: the class, and the number of the image in the test set, counted from 0."
    );
    let tiles = inputs.originals.iter().map(|original| draw(inputs, original)).collect();
    let title = "Images as they are, and as the network sees them".to_owned();
    Plot { name: "originals", title, note, tiles, columns: COLUMNS, ..Plot::default() }
}

/// An original beside what the network sees of it, each in the middle of its room, above the class.
fn draw(inputs: &Inputs, original: &Original) -> Canvas {
    let mut canvas =
        Canvas::new(2 * SIDE + GAP + BETWEEN, SIDE + 4 + ABOVE_LABELS + LINE + BELOW_LABELS);
    let prepared = (inputs.facts.shape, inputs.image(original.index));
    let left = BETWEEN / 2;
    for (room, (shape, levels)) in
        [(left, (original.shape, &original.pixels[..])), (left + SIDE + GAP, prepared)]
    {
        let (width, height) = drawn_size(shape);
        let at = (room + (SIDE - width) / 2, 2 + (SIDE - height) / 2);
        canvas.framed(at, (width, height), 2, GRID);
        draw_levels(&mut canvas, shape, levels, (at, (width, height)));
    }
    let known = inputs.predictions.iter().find(|p| p.index == original.index);
    let class = known.map_or("not tested", |p| &inputs.facts.classes[p.label]);
    let label = format!("{}, #{}", closed(class), original.index);
    let (label, style) = TEXT.shrunk(&label, 2 * SIDE + GAP);
    canvas.text(&label, (left, SIDE + 4 + ABOVE_LABELS), style);
    canvas.described(format!("Test image {label}: its file, and what the network sees of it"))
}
