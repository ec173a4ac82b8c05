//! The first test images, each with its true and its predicted class.

use run::{HeldOut, Prediction};

use crate::drawing::gallery::{self, LABEL_ROOM, MOST_IMAGES, Tile};
use crate::drawing::*;
use crate::inputs::Inputs;
use crate::numbers::plural;

pub(super) fn plot(inputs: &Inputs) -> Plot {
    let mut all: Vec<&Prediction> = inputs.predictions.iter().collect();
    all.sort_by_key(|prediction| prediction.index);
    // A folder is sorted by class: its first images are all of one, and every so many-th says more.
    let of_one_class = |shown: &[&Prediction]| shown.iter().all(|p| p.label == shown[0].label);
    let spread = of_one_class(&all[..all.len().min(MOST_IMAGES)]) && !of_one_class(&all);
    let every = if spread { all.len() / all.len().min(MOST_IMAGES) } else { 1 };
    let first: Vec<_> = all.into_iter().step_by(every).take(MOST_IMAGES).collect();
    let names = |p: &Prediction| [p.label, p.predicted].map(|c| closed(&inputs.facts.classes[c]));
    // All labels have one form: on one line if there is room for every one, else on two.
    let one_line = first.iter().all(|p| BOLD_TEXT.width(&names(p).join(" / ")) <= LABEL_ROOM);
    let tile = |p: &&Prediction| {
        let marked = p.label != p.predicted;
        let style = if marked { BOLD_TEXT } else { TEXT };
        let labels = match one_line {
            true => vec![names(p).join(" / ")],
            false => names(p).to_vec(),
        };
        let labels = labels.iter().map(|label| style.shrunk(label, LABEL_ROOM)).collect();
        Tile { image: (HeldOut::Test, p.index), labels, marked }
    };
    let tiles: Vec<Tile> = first.iter().map(tile).collect();
    let mistakes = tiles.iter().filter(|tile| tile.marked).count();
    let title = match tiles.len() {
        1 => "The first test image".to_owned(),
        n if spread => format!("{n} test images of all classes"),
        n => format!("The first {n} test images"),
    };
    let form = match one_line {
        true => "true class / predicted class",
        false => "the true class above the predicted class",
    };
    let marks = match mistakes {
        0 => "All are classified correctly.".to_owned(),
        n => {
            let mistakes = plural(n, "mistake", "mistakes");
            format!("A thick frame, a cross and bold letters mark {mistakes}.")
        }
    };
    let note = format!("Below each image: {form}. {marks}");
    let (tiles, columns) = (gallery::draw(inputs, &tiles), gallery::COLUMNS);
    Plot { name: "grid", title, note, tiles, columns, ..Plot::default() }
}
