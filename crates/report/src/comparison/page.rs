//! The page of a comparison: the plot, the settings in which the runs differ, and their figures.

use run::{Evaluation, lowest};

use super::{ComparedRun, differing_settings, label};
use crate::drawing::Plot;
use crate::html::{banner, document, section, table, text};
use crate::numbers::{accuracy, count, duration, loss, plural, signed};

/// What the banner says about synthetic data.
const SYNTHETIC: &str = "kiln drew the images of the marked runs itself. Their figures say nothing about real \
                         handwriting.";

/// Runs on different images are not comparable, however similar their curves look.
const DIFFERENT_DATA: &str =
    "<p>These runs used different images, so their figures cannot be compared directly.</p>";

/// Figure of a run that has not been evaluated.
const UNTESTED: &str = "not tested";

/// The page as HTML.
pub(super) fn html(runs: &[ComparedRun], plot: &Plot) -> String {
    let mut main = String::new();
    if runs.iter().any(|run| run.facts.synthetic) {
        main += &banner(SYNTHETIC);
    }
    if runs.windows(2).any(|pair| pair[0].facts.sha256 != pair[1].facts.sha256) {
        main += &section("data", "Different data", DIFFERENT_DATA);
    }
    main += &section("curves", "Training curves", &plot.figure());
    main += &section("settings", "Settings that differ", &settings(runs));
    main += &section("figures", "Figures", &figures(runs));
    let title = format!("{} compared", plural(runs.len(), "run", "runs"));
    document(&title, "kiln comparison", &format!("<h1>{title}</h1>"), &main)
}

fn settings(runs: &[ComparedRun]) -> String {
    let differing = differing_settings(runs);
    if differing.is_empty() {
        return "<p>There are none.</p>".to_owned();
    }
    let rows = differing.iter().map(|(key, values)| {
        let values = values.iter().map(|value| text(value));
        [text(key)].into_iter().chain(values).collect()
    });
    table("", &columns("Setting", runs), &rows.collect::<Vec<_>>())
}

fn figures(runs: &[ComparedRun]) -> String {
    let row = |name: &str, write: &dyn Fn(&ComparedRun) -> String| {
        [name.to_owned()].into_iter().chain(runs.iter().map(write)).collect::<Vec<_>>()
    };
    let tested = |name: &str, write: fn(&Evaluation) -> String| {
        row(name, &|run| run.evaluation.map_or_else(|| UNTESTED.to_owned(), write))
    };
    let none = || "none".to_owned();
    let rows = [
        row("Data", &|run| text(&run.facts.name)),
        tested("Test accuracy", |e| accuracy(e.accuracy)),
        row("Test errors", &|run| {
            let of = |e: &Evaluation| format!("{} of {}", count(e.errors), count(run.facts.n_test));
            run.evaluation.map_or_else(|| UNTESTED.to_owned(), of)
        }),
        tested("Test loss", |e| loss(e.loss)),
        tested("Training loss, as tested", |e| loss(e.train.loss)),
        tested("Validation loss, as tested", |e| {
            e.val.map_or_else(|| "none".to_owned(), |val| loss(val.loss))
        }),
        tested("Gap of test to training loss", |e| signed(e.loss - e.train.loss, loss)),
        tested("Gap of test to training accuracy", |e| {
            signed(e.accuracy - e.train.accuracy, accuracy)
        }),
        row("Epochs", &|run| count(run.metrics.len())),
        row("Best epoch by validation", &|run| {
            lowest(run.metrics).map_or_else(none, |(row, _)| row.epoch.to_string())
        }),
        tested("Tested epoch", |e| e.epoch.to_string()),
        row("Training time", &|run| duration(run.metrics.iter().map(|row| row.seconds).sum())),
    ];
    table(
        "As tested: the tested weights on the original images, dropout and augmentation off.",
        &columns("Figure", runs),
        &rows,
    )
}

fn columns(first: &str, runs: &[ComparedRun]) -> Vec<String> {
    let names = runs.iter().map(|run| text(&label(run)));
    [first.to_owned()].into_iter().chain(names).collect()
}
