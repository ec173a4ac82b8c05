//! Where the picture mattered for what the network said of it wrongly.

use plotters::element::{BitMapElement, PathElement, Rectangle};
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::DrawingBackend;
use run::{Occlusion, Prediction};

use crate::diverging::{SCALE, draw_scale, largest, opaque};
use crate::frame::{HEADER, LINE, MARGIN, TEXT, header, note_lines, notes};
use crate::gallery::{TILE, ZOOM, draw_image};
use crate::inputs::{Inputs, SIDE};
use crate::palette::{GRID, INK, MUTED};
use crate::render::{Area, Drawn};
use crate::text::{Weight, fit, percent, style};

/// The most mistakes that are drawn, and how many in a row.
const MOST_MISTAKES: usize = 12;
const COLUMNS: usize = 3;

/// From one image to its map, and from one mistake to the next.
const GAP: i32 = 12;
const PITCH: (i32, i32) = (2 * TILE + GAP + 48, TILE + 18 + 2 * LINE + 26);

const WIDTH: i32 = 2 * MARGIN + COLUMNS as i32 * PITCH.0 - 48;

/// Grey level from which a pixel is inside the outline that is drawn over a map.
const OUTLINED: u8 = 128;

/// How the maps came about and how they are read.
pub(crate) fn note(inputs: &Inputs) -> String {
    let Some(explanations) = inputs.explanations.filter(|e| !e.mistakes.is_empty()) else {
        return "There is no mistake to explain.".to_owned();
    };
    let patch = explanations.patch;
    let mut note = format!(
        "Beside each mistake: by how much the probability of the predicted class falls when a \
         square of {patch}x{patch} pixels of background hides the place (Zeiler and Fergus 2014). \
         Orange places speak for the predicted class and blue ones against it; + marks the largest \
         fall and − the largest rise. The black line is the outline of the digit. All maps share \
         one scale."
    );
    if maps(inputs).iter().any(|(map, _)| map.importance.iter().any(|v| !v.is_finite())) {
        note += " Grey places are not finite numbers.";
    }
    note
}

/// Width and height in units.
pub(crate) fn size(inputs: &Inputs) -> (i32, i32) {
    let lines = note_lines(&note(inputs), WIDTH).len() as i32;
    (WIDTH, notes_top(inputs) + lines * LINE + MARGIN)
}

/// Draws the mistakes with their maps, and the scale.
pub(crate) fn draw<DB: DrawingBackend>(area: &Area<DB>, inputs: &Inputs) -> Drawn<DB> {
    header(area, inputs, "Where the picture mattered for mistakes")?;
    let maps = maps(inputs);
    let most = largest(maps.iter().flat_map(|(map, _)| &map.importance));
    for (position, (map, prediction)) in maps.iter().enumerate() {
        let (row, column) = ((position / COLUMNS) as i32, (position % COLUMNS) as i32);
        let (left, top) = (MARGIN + column * PITCH.0, HEADER + 10 + row * PITCH.1);
        let image = inputs.image(map.index);
        for x in [left, left + TILE + GAP] {
            let frame = [(x - 2, top - 2), (x + TILE + 2, top + TILE + 2)];
            area.draw(&Rectangle::new(frame, GRID.filled()))?;
        }
        draw_image(area, image, (left, top))?;
        draw_map(area, map, image, most, (left + TILE + GAP, top))?;
        draw_labels(area, inputs, prediction, (left, top + TILE + 18))?;
    }
    if !maps.is_empty() {
        let top = notes_top(inputs) - SCALE.1 - 30;
        draw_scale(area, (MARGIN + 2, top), most)?;
        let name = style(TEXT, Weight::Regular, INK, HPos::Left, VPos::Top);
        area.draw_text("fall of the probability", &name, (MARGIN + SCALE.0 + 30, top))?;
    }
    notes(area, &note_lines(&note(inputs), WIDTH), notes_top(inputs))
}

fn draw_labels<DB: DrawingBackend>(
    area: &Area<DB>,
    inputs: &Inputs,
    prediction: &Prediction,
    (x, y): (i32, i32),
) -> Drawn<DB> {
    let names = [prediction.label, prediction.predicted].map(|c| inputs.facts.classes[c].as_str());
    let text = format!("true {}, predicted {}", names[0], names[1]);
    let room = 2 * TILE + GAP;
    let bold = style(TEXT, Weight::Bold, INK, HPos::Left, VPos::Top);
    area.draw_text(&fit(&text, TEXT, Weight::Bold, room), &bold, (x, y))?;
    let text = format!("with {}, #{}", percent(prediction.probability, 1), prediction.index);
    let muted = style(TEXT, Weight::Regular, MUTED, HPos::Left, VPos::Top);
    area.draw_text(&text, &muted, (x, y + LINE))
}

/// The map as an image, for a rectangle for each of its pixels would weigh more than all else on
/// the page. No page recolours it: it stays light in the dark, as the digits stay dark in the light.
fn draw_map<DB: DrawingBackend>(
    area: &Area<DB>,
    map: &Occlusion,
    image: &[u8],
    most: f64,
    (left, top): (i32, i32),
) -> Drawn<DB> {
    let tile = TILE as usize;
    let inside = |row: usize, column: usize| image[row * SIDE + column] >= OUTLINED;
    let mut rgb = Vec::with_capacity(3 * tile * tile);
    for (y, x) in (0..tile).flat_map(|y| (0..tile).map(move |x| (y, x))) {
        let (row, column) = (y / ZOOM, x / ZOOM);
        let (below, beside) = ((row + 1).min(SIDE - 1), (column + 1).min(SIDE - 1));
        let edge = (y % ZOOM == ZOOM - 1 && inside(row, column) != inside(below, column))
            || (x % ZOOM == ZOOM - 1 && inside(row, column) != inside(row, beside));
        let colour =
            if edge { INK } else { opaque(f64::from(map.importance[row * SIDE + column]), most) };
        rgb.extend([colour.0, colour.1, colour.2]);
    }
    let element =
        BitMapElement::<_>::with_owned_buffer((left, top), (TILE as u32, TILE as u32), rgb)
            .expect("every pixel of the tile was filled just now");
    area.draw(&element)?;
    draw_extremes(area, map, most, (left, top))
}

/// A plus where hiding costs most, and a minus where it gains most, if either can be seen.
fn draw_extremes<DB: DrawingBackend>(
    area: &Area<DB>,
    map: &Occlusion,
    most: f64,
    (left, top): (i32, i32),
) -> Drawn<DB> {
    for sign in [1.0, -1.0] {
        let values = map.importance.iter().map(|&value| sign * f64::from(value));
        let extreme = values.enumerate().filter(|(_, value)| value.is_finite());
        let extreme = extreme.max_by(|(_, a), (_, b)| a.total_cmp(b));
        let Some((position, _)) = extreme.filter(|(_, value)| *value >= most / 10.0) else {
            continue;
        };
        let middle = |at: usize| ((at * ZOOM + ZOOM / 2) as i32).clamp(10, TILE - 10);
        let (x, y) = (left + middle(position % SIDE), top + middle(position / SIDE));
        area.draw(&PathElement::new(vec![(x - 8, y), (x + 8, y)], INK.stroke_width(4)))?;
        if sign > 0.0 {
            area.draw(&PathElement::new(vec![(x, y - 8), (x, y + 8)], INK.stroke_width(4)))?;
        }
    }
    Ok(())
}

/// The drawn maps with what the network said of their images.
fn maps<'a>(inputs: &Inputs<'a>) -> Vec<(&'a Occlusion, &'a Prediction)> {
    let Some(explanations) = inputs.explanations else { return Vec::new() };
    let explained = explanations.mistakes.iter().take(MOST_MISTAKES);
    explained.filter_map(|map| Some((map, inputs.mistake(map.index)?))).collect()
}

fn notes_top(inputs: &Inputs) -> i32 {
    let rows = maps(inputs).len().div_ceil(COLUMNS) as i32;
    HEADER + 10 + rows * PITCH.1 + if rows > 0 { SCALE.1 + 40 } else { 0 }
}
