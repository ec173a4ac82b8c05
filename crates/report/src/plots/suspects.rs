//! Images whose label is probably wrong.

use run::{HeldOut, Suspect};

use crate::drawing::gallery::{self, LABEL_ROOM, MOST_IMAGES, Tile};
use crate::drawing::*;
use crate::html::{breakable, table, text};
use crate::inputs::Inputs;
use crate::numbers::{count, percent, plural};

pub(super) fn plot(inputs: &Inputs, suspects: &[Suspect]) -> Plot {
    let shown = &suspects[..suspects.len().min(MOST_IMAGES)];
    let title = match (shown.len(), suspects.len()) {
        (0, _) => "No label looks wrong".to_owned(),
        (1, 1) => "A label that may be wrong".to_owned(),
        (n, all) if n == all => format!("{n} labels that may be wrong"),
        (n, all) => format!("{n} of {} labels that may be wrong", count(all)),
    };
    let note = match shown.len() {
        0 => "There is no test or validation image whose label the network contradicts with confidence.".to_owned(),
        _ => format!(
            "Test and validation images (v) whose label the network contradicts with confidence, the least probable label \
             first (self-confidence, Northcutt and others 2021). Look at each: its label is wrong, or the image is hard, or \
             the network is. Below each: its label, the class that the network is confident of, with its probability, and the \
             number of the image. suspects.csv lists {}.",
            if suspects.len() == 1 { "it too" } else { "all of them" }
        ),
    };
    let tiles: Vec<Tile> = shown.iter().map(tile).collect();
    let (tiles, columns) = (gallery::draw(inputs, &tiles), gallery::COLUMNS);
    let table = if shown.is_empty() { String::new() } else { listed(shown) };
    Plot { name: "suspects", title, note, tiles, columns, table, ..Plot::default() }
}

fn tile(suspect: &Suspect) -> Tile {
    let answer = |word: &str, class: &str| {
        let whole = format!("{word} {}", closed(class));
        match TEXT.width(&whole) <= LABEL_ROOM {
            true => vec![(whole, TEXT)],
            false => {
                let name = TEXT.in_two_lines(class, LABEL_ROOM);
                [vec![(word.to_owned(), MUTED_TEXT)], name].concat()
            }
        }
    };
    let number = match suspect.part {
        HeldOut::Validation => format!("v#{}", suspect.index),
        HeldOut::Test => format!("#{}", suspect.index),
    };
    let detail = format!("{}, {number}", percent(suspect.probability, 1));
    let mut labels =
        [answer("label", &suspect.label), answer("rather", &suspect.predicted)].concat();
    labels.push(MUTED_TEXT.shrunk(&detail, LABEL_ROOM));
    Tile { image: (suspect.part, suspect.index), labels, marked: false }
}

/// The same as a table, with the files where they are known.
fn listed(suspects: &[Suspect]) -> String {
    let has_paths = suspects.iter().any(|suspect| suspect.path.is_some());
    let row = |suspect: &Suspect| {
        let part = match suspect.part {
            HeldOut::Validation => "validation",
            HeldOut::Test => "test",
        };
        let path = suspect.path.as_deref().map(breakable);
        let cells = [
            format!("{part} {}", suspect.index),
            text(&suspect.label),
            text(&suspect.predicted),
            percent(suspect.probability, 2),
            format!("{:.1e}", suspect.label_probability),
        ];
        cells.into_iter().chain(has_paths.then(|| path.unwrap_or_default())).collect()
    };
    let rows: Vec<Vec<String>> = suspects.iter().map(row).collect();
    let columns = ["Image", "Label", "Rather", "Probability", "Of the label", "File"];
    let columns = &columns[..columns.len() - usize::from(!has_paths)];
    let summary = plural(suspects.len(), "image as a row", "images as a table");
    format!("<details><summary>{summary}</summary>\n{}</details>", table("", columns, &rows))
}
