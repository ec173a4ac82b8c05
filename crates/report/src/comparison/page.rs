//! The page of a comparison: the picture, the settings in which the runs differ, and their figures.

use run::{EpochMetrics, Evaluation};

use super::picture::{Comparison, Half};
use super::quantity::Quantity;
use super::{ComparedRun, differing_settings, label};
use crate::error::Result;
use crate::html::{banner, document, section, table, text};
use crate::inputs::best_epoch;
use crate::render::svg_element;
use crate::text::{count, duration, loss, percent, plural, signed};

/// Says where a run has not been tested.
const UNTESTED: &str = "not tested";

/// The page as HTML.
pub(super) fn html(comparison: &Comparison) -> Result<String> {
    let runs = comparison.runs;
    let synthetic = if runs.iter().any(|run| run.facts.synthetic) {
        banner(
            "kiln drew the images of the runs that are marked so itself, with no hand involved. \
             Their figures say nothing about real handwriting.",
        )
    } else {
        String::new()
    };
    let sections = [
        synthetic,
        data_warning(runs),
        section("curves", "Training curves", &curves(comparison)?),
        section("settings", "Settings that differ", &settings(runs)),
        section("figures", "Figures", &figures(runs)),
    ]
    .concat();
    let title = plural(runs.len(), "run", "runs");
    let header = format!("<h1>{title} compared</h1>");
    Ok(document(&format!("{title} compared"), "kiln comparison", &header, &sections))
}

/// The halves of the picture, which stack where they have no room beside each other.
fn curves(comparison: &Comparison) -> Result<String> {
    let half = |quantity| svg_element(&Half { comparison, quantity });
    let (left, right) = (half(Quantity::Loss)?, half(Quantity::Accuracy)?);
    Ok(format!(
        "<figure><div class=\"pair wide\">\n<div class=\"scroll\" tabindex=\"0\">{left}</div>\n\
         <div class=\"scroll\" tabindex=\"0\">{right}</div>\n</div>\n\
         <figcaption>{}</figcaption></figure>",
        text(&comparison.note())
    ))
}

/// Runs on different images are not comparable, whatever the pictures look like.
fn data_warning(runs: &[ComparedRun]) -> String {
    let first = runs.first().map(|run| &run.facts.sha256);
    if runs.iter().all(|run| Some(&run.facts.sha256) == first) {
        return String::new();
    }
    section(
        "data",
        "Different data",
        "<p>These runs were not made on the same images, so their figures cannot be compared as \
         they stand.</p>",
    )
}

fn settings(runs: &[ComparedRun]) -> String {
    let differing = differing_settings(runs);
    if differing.is_empty() {
        return "<p>There are none.</p>".to_owned();
    }
    let row = |(key, values): &(String, Vec<String>)| {
        let values = values.iter().map(|value| text(value));
        [text(key)].into_iter().chain(values).collect()
    };
    table("", &heads("Setting", runs), &differing.iter().map(row).collect::<Vec<_>>())
}

fn figures(runs: &[ComparedRun]) -> String {
    let tested = |write: fn(&Evaluation) -> String| {
        move |run: &ComparedRun| run.evaluation.map_or_else(|| UNTESTED.to_owned(), write)
    };
    let row = |name: &str, write: &dyn Fn(&ComparedRun) -> String| {
        [name.to_owned()].into_iter().chain(runs.iter().map(write)).collect::<Vec<_>>()
    };
    let none = || "none".to_owned();
    let rows = [
        row("Data", &|run| text(&run.facts.name)),
        row("Test accuracy", &tested(|e| percent(e.accuracy, 2))),
        row("Test errors", &|run| match run.evaluation {
            Some(e) => format!("{} of {}", count(e.errors), count(run.facts.n_test)),
            None => UNTESTED.to_owned(),
        }),
        row("Test loss", &tested(|e| loss(e.loss))),
        row("Training loss, as tested", &tested(|e| loss(e.train.loss))),
        row("Validation loss, as tested", &|run| match run.evaluation {
            Some(e) => e.val.map_or_else(none, |val| loss(val.loss)),
            None => UNTESTED.to_owned(),
        }),
        row("Gap of test to training loss", &tested(|e| signed(e.loss - e.train.loss, loss))),
        row(
            "Gap of test to training accuracy",
            &tested(|e| signed(e.accuracy - e.train.accuracy, |part| percent(part, 2))),
        ),
        row("Epochs", &|run| count(run.metrics.len())),
        row("Best epoch by validation", &|run| {
            best_epoch(run.metrics).map_or_else(none, |row| row.epoch.to_string())
        }),
        row("Tested epoch", &tested(|e| e.epoch.to_string())),
        row("Training time", &|run| duration(seconds(run.metrics))),
    ];
    table(
        "As tested: the tested weights on the images as they are, dropout and augmentation off.",
        &heads("Figure", runs),
        &rows,
    )
}

fn seconds(metrics: &[EpochMetrics]) -> f64 {
    metrics.iter().map(|row| row.seconds).sum()
}

fn heads(first: &str, runs: &[ComparedRun]) -> Vec<String> {
    let names = runs.iter().map(|run| text(&label(run)));
    [first.to_owned()].into_iter().chain(names).collect()
}
