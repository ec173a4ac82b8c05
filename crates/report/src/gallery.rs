//! Test images in rows of five: the first ones, and the most expensive mistakes.

use plotters::element::{BitMapElement, Circle, PathElement, Rectangle};
use plotters::style::text_anchor::{HPos, VPos};
use plotters::style::{Color, RGBColor};
use plotters_backend::DrawingBackend;
use run::Prediction;

use crate::frame::{HEADER, LINE, MARGIN, TEXT, header, note_lines, notes};
use crate::inputs::{Inputs, SIDE};
use crate::palette::{GRID, INK, MUTED, PAPER, VERMILLION};
use crate::render::{Area, Drawn};
use crate::text::{Weight, count, fit, percent, plural, style, width};

/// Images in a row, and rows.
const COLUMNS: usize = 5;
const MOST_IMAGES: usize = 25;

/// Units to a pixel of an image, and with them the side of a drawn image.
pub(crate) const ZOOM: usize = 7;
pub(crate) const TILE: i32 = (ZOOM * SIDE) as i32;

/// Distance from one image to the next, which is also the room of a label.
const PITCH: i32 = 250;
const LABEL_ROOM: i32 = PITCH - 16;

const WIDTH: i32 = COLUMNS as i32 * PITCH + 2 * MARGIN;

/// Images with labels.
pub(crate) struct Gallery {
    /// The picture in words.
    pub(crate) alt: String,
    title: String,
    note: String,
    tiles: Vec<Tile>,
}

struct Tile {
    /// Index in the test set.
    index: usize,
    /// Lines below the image.
    labels: Vec<String>,
    /// Whether the image is marked as a mistake.
    marked: bool,
}

/// The first test images, each with its true and its predicted class.
pub(crate) fn grid(inputs: &Inputs) -> Gallery {
    let mut first: Vec<&Prediction> = inputs.predictions.iter().collect();
    first.sort_by_key(|prediction| prediction.index);
    first.truncate(MOST_IMAGES);
    let names =
        |p: &Prediction| [p.label, p.predicted].map(|class| inputs.facts.classes[class].as_str());
    // All labels have one form: on one line if every one has the room, else on two.
    let one_line =
        first.iter().all(|p| width(&names(p).join(" / "), TEXT, Weight::Bold) <= LABEL_ROOM);
    let tile = |p: &&Prediction| Tile {
        index: p.index,
        labels: if one_line {
            vec![names(p).join(" / ")]
        } else {
            names(p).map(|name| fit(name, TEXT, Weight::Bold, LABEL_ROOM)).to_vec()
        },
        marked: p.label != p.predicted,
    };
    let tiles: Vec<Tile> = first.iter().map(tile).collect();
    let wrong = tiles.iter().filter(|tile| tile.marked).count();
    let form = if one_line { "true / predicted" } else { "the true class above the predicted one" };
    let title = if tiles.len() == 1 {
        "The first test image".to_owned()
    } else {
        format!("The first {} test images", tiles.len())
    };
    Gallery {
        alt: format!("{title} with their true and predicted classes; {wrong} of them wrong."),
        title,
        note: format!(
            "Below each image: {form}. {}",
            match wrong {
                0 => "All of these are right.".to_owned(),
                _ => format!(
                    "A thick frame, a cross and bold letters mark {}.",
                    plural(wrong, "mistake", "mistakes")
                ),
            }
        ),
        tiles,
    }
}

/// The mistakes with the highest loss.
pub(crate) fn mistakes(inputs: &Inputs) -> Gallery {
    let all = inputs.mistakes();
    let tile = |p: &&Prediction| {
        let line = |text: String| fit(&text, TEXT, Weight::Regular, LABEL_ROOM);
        Tile {
            index: p.index,
            labels: vec![
                line(format!("true {}", inputs.facts.classes[p.label])),
                line(format!("predicted {}", inputs.facts.classes[p.predicted])),
                line(format!("{}, #{}", percent(p.probability, 1), p.index)),
            ],
            marked: false,
        }
    };
    let tiles: Vec<Tile> = all.iter().take(MOST_IMAGES).map(tile).collect();
    let n_test = inputs.predictions.len();
    let (title, note) = match (tiles.len(), all.len()) {
        (0, _) => (
            "No mistakes".to_owned(),
            match n_test {
                1 => "The only test image is classified correctly.".to_owned(),
                n => format!("All {} test images are classified correctly.", count(n)),
            },
        ),
        (shown, wrong) => (
            match (shown, wrong) {
                (1, 1) => "The only mistake".to_owned(),
                _ if shown == wrong => format!("All {shown} mistakes, worst first"),
                _ => format!("The {shown} worst of {} mistakes", count(wrong)),
            },
            "Ordered by loss. Below each image: its true class, the class that the network took \
             it for, how probable the network thought that, and the image's number in the test \
             set, counted from 0."
                .to_owned(),
        ),
    };
    Gallery { alt: format!("{title}. {note}"), title, note, tiles }
}

impl Gallery {
    /// Width and height in units.
    pub(crate) fn size(&self) -> (i32, i32) {
        let lines = note_lines(&self.note, WIDTH).len() as i32;
        (WIDTH, self.notes_top() + lines * LINE + MARGIN)
    }

    /// Draws title, images, labels and note.
    pub(crate) fn draw<DB: DrawingBackend>(&self, area: &Area<DB>, inputs: &Inputs) -> Drawn<DB> {
        header(area, inputs, &self.title)?;
        for (position, tile) in self.tiles.iter().enumerate() {
            let (row, column) = ((position / COLUMNS) as i32, (position % COLUMNS) as i32);
            let x = MARGIN + column * PITCH + (PITCH - TILE) / 2;
            let y = HEADER + row * self.row_height() + 10;
            let (frame, colour) = if tile.marked { (8, VERMILLION) } else { (2, GRID) };
            let corners = [(x - frame, y - frame), (x + TILE + frame, y + TILE + frame)];
            area.draw(&Rectangle::new(corners, colour.filled()))?;
            draw_image(area, inputs.image(tile.index), (x, y))?;
            if tile.marked {
                draw_cross(area, (x + TILE, y))?;
            }
            for (line, label) in (0..).zip(&tile.labels) {
                let (weight, colour) = label_style(tile, line);
                let style = style(TEXT, weight, colour, HPos::Center, VPos::Top);
                area.draw_text(label, &style, (x + TILE / 2, y + TILE + 18 + line * LINE))?;
            }
        }
        notes(area, &note_lines(&self.note, WIDTH), self.notes_top())
    }

    fn row_height(&self) -> i32 {
        let lines = self.tiles.iter().map(|tile| tile.labels.len()).max().unwrap_or(0);
        TILE + 18 + lines as i32 * LINE + 26
    }

    fn notes_top(&self) -> i32 {
        HEADER + self.tiles.len().div_ceil(COLUMNS) as i32 * self.row_height() + 10
    }
}

fn label_style(tile: &Tile, line: i32) -> (Weight, RGBColor) {
    match (tile.marked, line) {
        (true, _) => (Weight::Bold, INK),
        (false, 2) => (Weight::Regular, MUTED),
        (false, _) => (Weight::Regular, INK),
    }
}

/// The image magnified without smoothing: its pixels are the data.
pub(crate) fn draw_image<DB: DrawingBackend>(
    area: &Area<DB>,
    pixels: &[u8],
    at: (i32, i32),
) -> Drawn<DB> {
    let row = |line: &[u8]| line.iter().flat_map(|&grey| [grey; 3 * ZOOM]).collect::<Vec<u8>>();
    let rgb: Vec<u8> = pixels.chunks(SIDE).flat_map(|line| row(line).repeat(ZOOM)).collect();
    let element = BitMapElement::<_>::with_owned_buffer(at, (TILE as u32, TILE as u32), rgb)
        .expect("an image has 784 pixels, as Inputs::check made sure");
    area.draw(&element)
}

/// A cross on a disc: the sign of a mistake for those to whom its colour says nothing.
fn draw_cross<DB: DrawingBackend>(area: &Area<DB>, (x, y): (i32, i32)) -> Drawn<DB> {
    area.draw(&Circle::new((x, y), 26, PAPER.filled()))?;
    area.draw(&Circle::new((x, y), 22, VERMILLION.filled()))?;
    for (from, to) in [((x - 9, y - 9), (x + 9, y + 9)), ((x - 9, y + 9), (x + 9, y - 9))] {
        area.draw(&PathElement::new(vec![from, to], PAPER.stroke_width(6)))?;
    }
    Ok(())
}
