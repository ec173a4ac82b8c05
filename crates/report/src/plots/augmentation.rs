//! Training images beside what augmentation makes of them.

use images::ImageShape;
use run::DatasetFacts;

use crate::drawing::gallery::{ABOVE_LABELS, BELOW_LABELS, LINE, draw_levels};
use crate::drawing::*;
use crate::inputs::Augmented;
use crate::numbers::plural;

/// The longest side of a drawn image, in units: six of them in a row fit a phone.
const LARGEST_SIDE: usize = 128;
/// From one image to the next, and around a row.
const GAP: i32 = 8;
const BETWEEN: i32 = 40;
/// Rows beside each other.
const COLUMNS: usize = 2;

pub(super) fn plot(facts: &DatasetFacts, images: &[Augmented]) -> Plot {
    let n_versions = images.iter().map(|image| image.versions.len()).max().unwrap_or(0);
    let note = format!(
        "{} in a frame, and beside each what the network sees of it in {}, the first on the left. Below: the \
         class, and the number of the image among those outside the test set, counted from 0. A class that can no longer be \
         told in these images cannot be learned from them.",
        plural(images.len(), "training image", "training images"),
        plural(n_versions, "epoch", "epochs")
    );
    let tiles = images.iter().map(|image| draw(facts, image, n_versions)).collect();
    let title = "Augmented training images".to_owned();
    Plot { name: "augmentation", title, note, tiles, columns: COLUMNS, ..Plot::default() }
}

/// The image in a frame, its versions to the right, its class below.
fn draw(facts: &DatasetFacts, image: &Augmented, n_versions: usize) -> Canvas {
    let (width, height) = size(facts.shape);
    let room = (n_versions as i32 + 1) * (width + GAP) + GAP;
    let mut canvas =
        Canvas::new(room + BETWEEN, height + 2 * GAP + ABOVE_LABELS + LINE + BELOW_LABELS);
    let mut at = (BETWEEN / 2, GAP);
    canvas.framed(at, (width, height), 4, INK);
    for levels in [&image.image].into_iter().chain(&image.versions) {
        draw_levels(&mut canvas, facts.shape, levels, (at, (width, height)));
        at.0 += width + GAP + if at.0 == BETWEEN / 2 { GAP } else { 0 };
    }
    let label = format!("{}, #{}", closed(&facts.classes[image.label]), image.index);
    let (label, style) = TEXT.shrunk(&label, room);
    canvas.text(&label, (BETWEEN / 2, height + GAP + ABOVE_LABELS), style);
    canvas.described(format!("Training image {label}, and {n_versions} augmented versions of it"))
}

/// Width and height of a drawn image: by a whole factor larger, or as small as it must be.
fn size(shape: ImageShape) -> Point {
    let longest = shape.height.max(shape.width).max(1);
    let zoom = LARGEST_SIDE / longest;
    let side = |pixels: usize| match zoom {
        0 => (pixels * LARGEST_SIDE / longest).max(1) as i32,
        zoom => (pixels * zoom) as i32,
    };
    (side(shape.width), side(shape.height))
}
