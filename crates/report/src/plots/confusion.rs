//! The confusion matrix, and the scores of every class as a table.

use run::ClassScores;

use crate::drawing::*;
use crate::html::{table, text};
use crate::inputs::Inputs;
use crate::numbers::{accuracy, count};

/// Sides of a cell: room for a number of four digits, so that a phone shows ten classes whole, and smaller for many
/// classes, so that the matrix keeps its size.
const LARGEST_CELL: usize = 72;
const MATRIX: usize = 1100;
const SMALLEST_LABELLED_CELL: usize = 22;

/// Below this side, a cell has no room for a number, and below that a border would be all there is to see.
const SMALLEST_NUMBERED_CELL: i32 = 44;
const SMALLEST_BORDERED_CELL: i32 = 8;

/// Longest drawn name of a class beside the matrix, and in the note.
const LABEL_ROOM: i32 = 260;
const NOTE_ROOM: i32 = 600;

/// Opacity of the most frequent error, and of the rarest. Text on the strongest keeps a contrast above 4.5:1 on light
/// and on dark screens.
const STRONGEST: f64 = 0.6;
const WEAKEST: f64 = 0.15;

/// Names of the two axes.
const ROWS: &str = "true class";
const COLUMNS: &str = "predicted class";

/// Distance of a line of text to the next, and of names to the matrix.
const LINE: i32 = 40;
const GAP: i32 = 16;

pub(super) fn plot(inputs: &Inputs) -> Plot {
    let note = note(inputs);
    let title = "Confusion matrix".to_owned();
    Plot { table: scores(inputs), ..Plot::new("confusion", title, note, draw(inputs)) }
}

/// What is correct, and what is confused most often.
fn note(inputs: &Inputs) -> String {
    let confusion = &inputs.evaluation.confusion;
    let total: usize = confusion.iter().flatten().sum();
    let correct: usize = (0..confusion.len()).map(|class| confusion[class][class]).sum();
    let mut note = format!(
        "Rows are true classes, columns predicted ones. {} of {} test images lie on the grey diagonal, where both are \
         the same.",
        count(correct),
        count(total)
    );
    if let Some((times, label, predicted)) = most_frequent_error(confusion) {
        let [label, predicted] = [label, predicted]
            .map(|class| closed(&TEXT.fit(&inputs.facts.classes[class], NOTE_ROOM)));
        let times = match times {
            1 => "once".to_owned(),
            2 => "twice".to_owned(),
            n => format!("{} times", count(n)),
        };
        note += &format!(" Most frequent confusion: {label} predicted as {predicted}, {times}.");
    }
    note
}

fn draw(inputs: &Inputs) -> Canvas {
    let classes = &inputs.facts.classes;
    let n = classes.len();
    let mut cell = (MATRIX / n).clamp(1, LARGEST_CELL);
    if n <= 100 {
        cell = cell.max(SMALLEST_LABELLED_CELL);
    }
    // Where cells are smaller than a line of text, only some classes are named.
    let every = SMALLEST_LABELLED_CELL.div_ceil(cell);
    let cell = cell as i32;
    let name = Style { size: (cell * 4 / 5).clamp(18, TEXT.size), ..TEXT };
    let names: Vec<_> = classes.iter().map(|class| name.fit(class, LABEL_ROOM)).collect();
    let longest = names.iter().map(|label| name.width(label)).max().unwrap_or(0);
    let upwards = longest > cell - 8;
    let left = LINE + longest + GAP;
    let top = LINE + GAP + if upwards { longest.max(LINE) } else { LINE };
    let side = n as i32 * cell;
    let least = top + MUTED_TEXT.width(ROWS).max(side);
    let mut canvas = Canvas::new(left + side.max(MUTED_TEXT.width(COLUMNS)) + 2, least + 2);

    let rows = Style { align: Align::End, upwards: true, ..MUTED_TEXT };
    canvas.text(ROWS, (0, top), rows);
    canvas.text(COLUMNS, (left, 0), MUTED_TEXT);
    for (class, label) in names.iter().enumerate().step_by(every) {
        let middle = class as i32 * cell + cell / 2;
        let row = Style { align: Align::End, ..name.level() };
        canvas.text(label, (left - GAP, top + middle), row);
        let column = match upwards {
            true => Style { upwards, ..name.level() },
            false => Style { baseline: Baseline::Bottom, ..name.centred() },
        };
        canvas.text(label, (left + middle, top - GAP), column);
    }
    draw_cells(&mut canvas, &inputs.evaluation.confusion, (left, top), cell);
    canvas
}

fn draw_cells(canvas: &mut Canvas, confusion: &[Vec<usize>], (left, top): (i32, i32), cell: i32) {
    let most = most_frequent_error(confusion).map_or(1, |(times, ..)| times);
    let largest = confusion.iter().flatten().copied().max().unwrap_or(0);
    let number = Style { size: TEXT.size.min(cell / 2), ..BOLD_TEXT.centred().level() };
    let (written, number) = number.shrunk(&largest.to_string(), cell - 4);
    let numbered = cell >= SMALLEST_NUMBERED_CELL && written == largest.to_string();
    for (label, row) in confusion.iter().enumerate() {
        for (predicted, &times) in row.iter().enumerate() {
            let (x, y) = (left + predicted as i32 * cell, top + label as i32 * cell);
            let correct = label == predicted;
            if correct {
                canvas.rect((x, y), (cell, cell), SHADE);
            } else if times > 0 {
                // The square root keeps rare errors visible beside a frequent one; more than two decimals cannot be
                // told apart.
                let opacity = WEAKEST + (STRONGEST - WEAKEST) * (times as f64 / most as f64).sqrt();
                let colour = VERMILLION.faded((100.0 * opacity).round() / 100.0);
                canvas.rect((x, y), (cell, cell), colour);
            }
            if numbered && (times > 0 || correct) {
                let colour = if correct { MUTED } else { INK };
                let style = Style { bold: !correct, colour, ..number };
                canvas.text(&times.to_string(), (x + cell / 2, y + cell / 2), style);
            }
        }
    }
    let n = confusion.len() as i32;
    let side = n * cell;
    let every = if cell >= SMALLEST_BORDERED_CELL { 1 } else { n };
    for at in (0..=n).step_by(every as usize).map(|line| line * cell) {
        canvas.line(&[(left + at, top), (left + at, top + side)], 2, GRID);
        canvas.line(&[(left, top + at), (left + side, top + at)], 2, GRID);
    }
}

/// How often the most frequent error occurs, its true and its predicted class; the first of equals.
fn most_frequent_error(confusion: &[Vec<usize>]) -> Option<(usize, usize, usize)> {
    let cells = confusion.iter().enumerate().flat_map(|(label, row)| {
        row.iter().enumerate().map(move |(predicted, &times)| (times, label, predicted))
    });
    let errors = cells.filter(|&(times, label, predicted)| times > 0 && label != predicted);
    errors.reduce(|most, next| if next.0 > most.0 { next } else { most })
}

fn scores(inputs: &Inputs) -> String {
    let caption = "Scores by class. Precision: fraction of the images predicted as the class that are of it. Recall: \
                   fraction of the images of the class that are predicted as it. F1: their harmonic mean.";
    let row = |scores: &ClassScores| {
        // A class without test images has no recall, and scores of 0 would be read as failures.
        let [precision, recall, f1] = [scores.precision, scores.recall, scores.f1]
            .map(|score| if scores.support == 0 { "none".to_owned() } else { accuracy(score) });
        vec![text(&scores.class), precision, recall, f1, count(scores.support)]
    };
    let rows: Vec<_> = inputs.evaluation.classes.iter().map(row).collect();
    table(caption, &["Class", "Precision", "Recall", "F1", "Images"], &rows)
}
