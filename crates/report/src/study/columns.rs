//! Where the columns of a study lie, and those of them that are text.

use plotters::element::PathElement;
use plotters::style::Color;
use plotters::style::text_anchor::{HPos, VPos};
use plotters_backend::DrawingBackend;

use super::spread::mean;
use super::{StudyRecipe, StudyRun};
use crate::frame::{HEADER, MARGIN, TEXT};
use crate::palette::{GRID, INK, MUTED};
use crate::render::{Area, Drawn};
use crate::text::{Weight, fit, loss, percent, plural, style};

/// Left and right edges of the names, of both plots and of the last column.
pub(super) const NAMES: (i32, i32) = (MARGIN, 460);
pub(super) const ERRORS: (i32, i32) = (490, 1170);
pub(super) const TIME: (i32, i32) = (1280, 1820);
pub(super) const LOSSES: (i32, i32) = (1870, 2230);
pub(super) const WIDTH: i32 = LOSSES.1 + MARGIN;

pub(super) const TOP: i32 = HEADER + 50;

/// Height of a recipe.
pub(super) const ROW: i32 = 136;

/// Names of the recipes between lines.
pub(super) fn draw_names<DB: DrawingBackend>(
    area: &Area<DB>,
    recipes: &[StudyRecipe],
) -> Drawn<DB> {
    let room = NAMES.1 - NAMES.0;
    let bold = style(TEXT, Weight::Bold, INK, HPos::Left, VPos::Center);
    let muted = style(TEXT, Weight::Regular, MUTED, HPos::Left, VPos::Center);
    for (recipe, y) in recipes.iter().zip(middles()) {
        let line =
            |y: i32| PathElement::new(vec![(MARGIN, y), (LOSSES.1, y)], GRID.stroke_width(2));
        area.draw(&line(y - ROW / 2))?;
        area.draw(&line(y + ROW / 2))?;
        let name = fit(recipe.recipe, TEXT, Weight::Bold, room);
        area.draw_text(&name, &bold, (NAMES.0, y - 18))?;
        let seeds = plural(recipe.runs.len(), "seed", "seeds");
        let origin = if recipe.synthetic { ", synthetic" } else { "" };
        area.draw_text(&format!("{seeds}{origin}"), &muted, (NAMES.0, y + 18))?;
    }
    Ok(())
}

/// Losses and accuracies of the recipes.
pub(super) fn draw_losses<DB: DrawingBackend>(
    area: &Area<DB>,
    recipes: &[StudyRecipe],
) -> Drawn<DB> {
    draw_heading(area, "Loss, accuracy", LOSSES.0)?;
    let text = style(TEXT, Weight::Regular, INK, HPos::Left, VPos::Center);
    for (recipe, y) in recipes.iter().zip(middles()) {
        let of = |value: fn(&StudyRun) -> Option<f64>| {
            let values: Vec<f64> = recipe.runs.iter().filter_map(value).collect();
            (values.len() == recipe.runs.len()).then(|| mean(&values))
        };
        let training = of(|run| Some(run.train_loss)).map_or_else(String::new, loss);
        let validation = match (of(|run| run.val_loss), of(|run| run.val_accuracy)) {
            (Some(nats), Some(part)) => format!("{}, {}", loss(nats), percent(part, 2)),
            (Some(nats), None) => loss(nats),
            (None, Some(part)) => percent(part, 2),
            (None, None) => "none".to_owned(),
        };
        area.draw_text(&format!("training {training}"), &text, (LOSSES.0, y - 18))?;
        area.draw_text(&format!("validation {validation}"), &text, (LOSSES.0, y + 18))?;
    }
    Ok(())
}

/// What stands above a column.
pub(super) fn draw_heading<DB: DrawingBackend>(
    area: &Area<DB>,
    heading: &str,
    left: i32,
) -> Drawn<DB> {
    let bold = style(TEXT, Weight::Bold, INK, HPos::Left, VPos::Top);
    area.draw_text(heading, &bold, (left, TOP - 46))
}

/// The heights of the recipes' middles.
pub(super) fn middles() -> impl Iterator<Item = i32> {
    (TOP + ROW / 2..).step_by(ROW as usize)
}
