//! How often each class is taken for which.

use plotters::element::{PathElement, Rectangle};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, FontTransform};
use plotters_backend::DrawingBackend;

use crate::frame::{HEADER, LINE, MARGIN, TEXT, header, note_lines, notes};
use crate::inputs::Inputs;
use crate::palette::{GRID, INK, MUTED, SHADE, VERMILLION};
use crate::render::{Area, Drawn};
use crate::text::{Weight, clean, count, fit, style, width};

/// Sides of a cell: as large as reads well, and so small for many classes that the picture stays a
/// picture.
const LARGEST_CELL: usize = 104;
const MATRIX: usize = 1100;
const SMALLEST_LABELLED_CELL: usize = 22;

/// Below this side, a cell has no room for a number, and below that its border would be all there
/// is to see.
const SMALLEST_NUMBERED_CELL: i32 = 44;
const SMALLEST_BORDERED_CELL: i32 = 8;

/// Longest drawn name of a class.
const LABEL_ROOM: i32 = 260;

/// Ink of the most frequent error, and of the rarest. Text on the strongest keeps more than 4.5:1
/// on paper and on dark.
const STRONGEST: f64 = 0.6;
const WEAKEST: f64 = 0.15;

/// Captions of the two axes.
const ROWS: &str = "true class";
const COLUMNS: &str = "predicted class";

/// Where things are.
struct Layout {
    /// Side of a cell.
    cell: i32,
    /// Upper left corner of the matrix.
    left: i32,
    top: i32,
    /// Em of the class names.
    em: i32,
    /// Every how many classes one is named.
    every: usize,
    /// Whether the names of the columns run upwards.
    upright: bool,
    /// Size of the picture.
    width: i32,
    notes: Vec<String>,
}

/// The matrix in words: what is right, and what is confused most.
pub(crate) fn summary(inputs: &Inputs) -> String {
    let confusion = &inputs.evaluation.confusion;
    let total: usize = confusion.iter().flatten().sum();
    let right: usize = (0..confusion.len()).map(|class| confusion[class][class]).sum();
    let mut summary = format!(
        "Rows are true classes, columns predicted ones. {} of {} test images lie on the grey \
         diagonal, where both are the same.",
        count(right),
        count(total)
    );
    if let Some((times, truth, predicted)) = worst(confusion) {
        let name = |class: usize| {
            let name = clean(&inputs.facts.classes[class]);
            if name.chars().count() <= 40 {
                name
            } else {
                name.chars().take(39).chain(['…']).collect()
            }
        };
        let times = match times {
            1 => "once".to_owned(),
            2 => "twice".to_owned(),
            n => format!("{} times", count(n)),
        };
        summary += &format!(
            " Most frequent confusion: {} taken for {}, {times}.",
            name(truth),
            name(predicted)
        );
    }
    summary
}

/// Width and height in units.
pub(crate) fn size(inputs: &Inputs) -> (i32, i32) {
    let layout = layout(inputs);
    (layout.width, layout.notes_top(inputs) + layout.notes.len() as i32 * LINE + MARGIN)
}

/// Draws the matrix.
pub(crate) fn draw<DB: DrawingBackend>(area: &Area<DB>, inputs: &Inputs) -> Drawn<DB> {
    header(area, inputs, "Confusion matrix")?;
    let layout = layout(inputs);
    draw_labels(area, inputs, &layout)?;
    draw_cells(area, inputs, &layout)?;
    notes(area, &layout.notes, layout.notes_top(inputs))
}

impl Layout {
    fn notes_top(&self, inputs: &Inputs) -> i32 {
        self.top + inputs.facts.classes.len() as i32 * self.cell + 30
    }
}

fn layout(inputs: &Inputs) -> Layout {
    let classes = &inputs.facts.classes;
    let n = classes.len();
    let mut cell = (MATRIX / n).clamp(1, LARGEST_CELL);
    if n <= 100 {
        cell = cell.max(SMALLEST_LABELLED_CELL);
    }
    let em = (cell as i32 * 4 / 5).clamp(18, TEXT);
    let widths = classes
        .iter()
        .map(|name| width(&fit(name, em, Weight::Regular, LABEL_ROOM), em, Weight::Regular));
    let longest = widths.max().unwrap_or(0);
    let upright = longest > cell as i32 - 8;
    let label_height = if upright { longest.max(LINE) } else { LINE };
    let left = MARGIN + longest.max(width(ROWS, TEXT, Weight::Regular)) + 20;
    let side = (n * cell) as i32;
    // Room for a title beside the smallest matrix.
    let width = (left + side + MARGIN).max(900);
    Layout {
        cell: cell as i32,
        left,
        top: HEADER + LINE + 10 + label_height + 14,
        em,
        every: SMALLEST_LABELLED_CELL.div_ceil(cell),
        upright,
        width,
        notes: note_lines(&summary(inputs), width),
    }
}

fn draw_labels<DB: DrawingBackend>(area: &Area<DB>, inputs: &Inputs, layout: &Layout) -> Drawn<DB> {
    let muted = |h, v| style(TEXT, Weight::Regular, MUTED, h, v);
    area.draw_text(ROWS, &muted(HPos::Right, VPos::Bottom), (layout.left - 20, layout.top - 14))?;
    area.draw_text(COLUMNS, &muted(HPos::Left, VPos::Top), (layout.left, HEADER))?;
    for (class, name) in inputs.facts.classes.iter().enumerate().step_by(layout.every) {
        let name = fit(name, layout.em, Weight::Regular, LABEL_ROOM);
        let middle = class as i32 * layout.cell + layout.cell / 2;
        let row = style(layout.em, Weight::Regular, INK, HPos::Right, VPos::Center);
        area.draw_text(&name, &row, (layout.left - 20, layout.top + middle))?;
        if layout.upright {
            let column = style(layout.em, Weight::Regular, INK, HPos::Left, VPos::Center)
                .transform(FontTransform::Rotate270);
            area.draw_text(&name, &column, (layout.left + middle, layout.top - 14))?;
        } else {
            let column = style(layout.em, Weight::Regular, INK, HPos::Center, VPos::Bottom);
            area.draw_text(&name, &column, (layout.left + middle, layout.top - 14))?;
        }
    }
    Ok(())
}

fn draw_cells<DB: DrawingBackend>(area: &Area<DB>, inputs: &Inputs, layout: &Layout) -> Drawn<DB> {
    let confusion = &inputs.evaluation.confusion;
    let most = worst(confusion).map_or(1, |(times, ..)| times);
    let cells = confusion.iter().enumerate().flat_map(|(truth, row)| {
        row.iter().enumerate().map(move |(predicted, &times)| (truth, predicted, times))
    });
    let largest = confusion.iter().flatten().copied().max().unwrap_or(0);
    let em = TEXT.min(layout.cell / 2);
    let numbered = layout.cell >= SMALLEST_NUMBERED_CELL
        && width(&largest.to_string(), em, Weight::Bold) <= layout.cell - 4;
    for (truth, predicted, times) in cells {
        let (x, y) =
            (layout.left + predicted as i32 * layout.cell, layout.top + truth as i32 * layout.cell);
        let corners = [(x, y), (x + layout.cell, y + layout.cell)];
        let middle = (x + layout.cell / 2, y + layout.cell / 2);
        if truth == predicted {
            area.draw(&Rectangle::new(corners, SHADE.filled()))?;
        } else if times > 0 {
            // The root lets rare errors be seen beside a frequent one. Two decimals are all that an
            // eye can tell.
            let ink = WEAKEST + (STRONGEST - WEAKEST) * (times as f64 / most as f64).sqrt();
            let ink = (100.0 * ink).round() / 100.0;
            area.draw(&Rectangle::new(corners, VERMILLION.mix(ink).filled()))?;
        }
        if numbered && (times > 0 || truth == predicted) {
            let (weight, colour) =
                if truth == predicted { (Weight::Regular, MUTED) } else { (Weight::Bold, INK) };
            let number = style(em, weight, colour, HPos::Center, VPos::Center);
            area.draw_text(&times.to_string(), &number, middle)?;
        }
    }
    let n = confusion.len() as i32;
    let (right, bottom) = (layout.left + n * layout.cell, layout.top + n * layout.cell);
    let every = if layout.cell >= SMALLEST_BORDERED_CELL { 1 } else { n };
    for line in (0..=n).step_by(every as usize) {
        let (x, y) = (layout.left + line * layout.cell, layout.top + line * layout.cell);
        for ends in [vec![(x, layout.top), (x, bottom)], vec![(layout.left, y), (right, y)]] {
            area.draw(&PathElement::new(ends, GRID.stroke_width(2)))?;
        }
    }
    Ok(())
}

/// The most frequent error with its true and its predicted class, the first of equals.
fn worst(confusion: &[Vec<usize>]) -> Option<(usize, usize, usize)> {
    let mut worst: Option<(usize, usize, usize)> = None;
    for (truth, row) in confusion.iter().enumerate() {
        for (predicted, &times) in row.iter().enumerate() {
            let most = worst.map_or(0, |(most, ..)| most);
            if truth != predicted && times > most {
                worst = Some((times, truth, predicted));
            }
        }
    }
    worst
}
