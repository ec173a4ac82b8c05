//! The results as a page of Markdown.

#[cfg(test)]
mod tests;

use pipeline::{GOAL, TOLERANCE};
use run::{Config, markdown_table};

use crate::end_to_end::EndToEnd;
use crate::inference::{self, BATCHES, Inference, THREADS};
use crate::results::{Results, Row};
use crate::time_to_accuracy::TimeToAccuracy;
use crate::training::{self, Training, VAL_LOSS_FACTOR};

/// The cell of a figure that does not exist.
const NONE: &str = "-";
/// The first cell of a system that was not measured; the reason is at the end of the page.
const NOT_MEASURED: &str = "not measured";

/// The whole page.
pub(crate) fn markdown(results: &Results) -> String {
    let Results { date, conditions, training, end_to_end, time_to_accuracy, inference } = results;
    let conditions = conditions.iter().map(|(name, value)| vec![(*name).to_owned(), value.clone()]);
    let conditions: Vec<_> = conditions.collect();
    let mut page = format!(
        "# kiln and its peers, {date}\n\n\
         All systems were measured on one machine, in turn, on the same images. Figures are medians; lower is better.\n\
         `benches/peers/README.md` describes what is timed and how each system is set up.\n\n{}",
        markdown_table(&["condition", "value"], &conditions)
    );
    page += &section(training, "Training", training_section);
    page += &section(end_to_end, "End to end", end_to_end_section);
    page += &section(time_to_accuracy, "Time to 99 % accuracy", time_to_accuracy_section);
    for (thread, n) in THREADS.into_iter().enumerate() {
        let title = format!("Inference, {n} thread{}", if n == 1 { "" } else { "s" });
        page += &section(inference, &title, |rows| inference_section(rows, thread));
    }
    page += &section(inference, "Parity", parity_section);
    page += &section(&reasons(results), "Not measured", |reasons| reasons.concat());
    page
}

/// A section with its title; nothing where it has no rows.
fn section<T>(rows: &[T], title: &str, text: impl FnOnce(&[T]) -> String) -> String {
    if rows.is_empty() { String::new() } else { format!("\n## {title}\n\n{}", text(rows)) }
}

fn training_section(rows: &[Row<Training>]) -> String {
    let baseline = rows.iter().find(|row| row.name == training::BASELINE);
    let cells = rows.iter().map(|row| {
        let (later, first) = (Training::later_seconds, Training::first_seconds);
        let ratio = |seconds: fn(&Training) -> Option<f64>| {
            Some(row.figure(seconds)? / baseline?.figure(seconds)?)
        };
        let ratio = ratio(later)
            .map(|ratio| format!("{ratio:.2}"))
            .or_else(|| ratio(first).map(|ratio| format!("{ratio:.2} (first)")));
        let val_loss = row.figure(|training| {
            let epoch = training.last_epoch()?;
            Some(format!("{:.4} (epoch {epoch})", training.val_loss(epoch)?))
        });
        let seconds = |seconds: Option<f64>| seconds.map(|seconds| format!("{seconds:.1}"));
        let agrees = training::agrees(row, rows).map(yes);
        let processes = row.figure(|training| Some(training.processes.len())).unwrap_or_default();
        let first = seconds(row.figure(first));
        cells(
            row,
            [
                seconds(row.figure(later)),
                first,
                ratio,
                val_loss,
                agrees,
                Some(processes.to_string()),
            ],
        )
    });
    let baseline = training::BASELINE;
    let ratio = format!("ratio to {baseline}");
    let header =
        ["system", "later epochs", "first epoch", &ratio, "validation loss", "agrees", "processes"];
    format!(
        "Seconds per epoch of training and validation, on all CPUs.\n\
         The first epoch of each process is kept apart, because it includes warm-up.\n\
         A system agrees if its validation loss is within a factor of {VAL_LOSS_FACTOR} of the median of all systems\n\
         after the same epoch.\n\
         Stock Burn trains for one epoch only, so its ratio to {baseline} is that of first epochs.\n\n{}",
        markdown_table(&header, &cells.collect::<Vec<_>>())
    )
}

fn end_to_end_section(rows: &[Row<EndToEnd>]) -> String {
    let cells = rows.iter().map(|row| {
        let seconds = row.figure(|found| Some(format!("{:.0}", found.seconds)));
        let accuracy = row.figure(|found| Some(percent(found.test_accuracy)));
        cells(row, [seconds, accuracy])
    });
    format!(
        "Seconds from the start of the process to its end, with {} epochs.\n\
         kiln also exports the model, verifies it and draws the report.\n\n{}",
        Config::default().training.epochs,
        markdown_table(&["system", "seconds", "test accuracy"], &cells.collect::<Vec<_>>())
    )
}

fn time_to_accuracy_section(rows: &[Row<TimeToAccuracy>]) -> String {
    let cells = rows.iter().map(|row| {
        let seconds = row.figure(|found| Some(found.text()));
        let epochs = row.figure(|found| Some(found.epochs.to_string()));
        let accuracy =
            row.figure(|found| Some(format!("{} {}", percent(found.accuracy), found.part)));
        cells(row, [seconds, epochs, accuracy])
    });
    format!(
        "Seconds from the start of the process, including start-up and loading.\n\
         Recipe `fast`: to the end of the process, if the test accuracy is at least {goal:.0} %.\n\
         The article's recipe: to the end of the first epoch with a validation accuracy of at least {goal:.0} %.\n\n{}",
        markdown_table(&["system", "seconds", "epochs", "accuracy"], &cells.collect::<Vec<_>>()),
        goal = GOAL * 100.0
    )
}

fn inference_section(rows: &[Row<Inference>], thread: usize) -> String {
    let time = |row: &Row<Inference>, size| row.figure(|found| found.milliseconds(thread, size));
    let baseline = rows.iter().find(|row| row.name == inference::BASELINE);
    let cells = rows.iter().map(|row| {
        let times = (0..BATCHES.len()).map(|size| {
            let own = time(row, size)?;
            let ratio = baseline.and_then(|row| time(row, size)).map(|time| own / time);
            let ratio = ratio.map_or(String::new(), |ratio| format!(" ({ratio:.2})"));
            Some(format!("{own:.4}{ratio}"))
        });
        let spread = row.figure(|found| found.spread(thread));
        let spread = spread.map(|fraction| format!("{:.0} %", fraction * 100.0));
        cells(row, times.chain([spread]))
    });
    let batches = BATCHES.map(|batch| format!("batch {batch}"));
    let header = ["system"].into_iter().chain(batches.iter().map(String::as_str));
    format!(
        "Milliseconds per image and, in parentheses, the ratio to {}.\n\
         The spread is the largest difference between two rounds, as a fraction of their median.\n\n{}",
        inference::BASELINE,
        markdown_table(&header.chain(["spread"]).collect::<Vec<_>>(), &cells.collect::<Vec<_>>())
    )
}

fn parity_section(rows: &[Row<Inference>]) -> String {
    let cells = rows.iter().map(|row| {
        let found = row.figure(|found| Some(found.agreement));
        let same_class = found.map(|found| format!("{}/{}", found.same_class, found.n_images));
        let difference = found.map(|found| format!("{:.1e}", found.largest_difference));
        cells(row, [same_class, difference, found.map(|found| yes(found.holds()))])
    });
    let header = ["system", "same class", "largest difference of a probability", "agrees"];
    format!(
        "Every test image, compared with stock tract.\n\
         A system agrees if every class is the same and no probability differs by more than {TOLERANCE:.0e}.\n\n{}",
        markdown_table(&header, &cells.collect::<Vec<_>>())
    )
}

/// A line for each system that was not measured, with the reason.
fn reasons(results: &Results) -> Vec<String> {
    fn reasons<'a, T>(
        rows: &'a [Row<T>],
        what: &'static str,
    ) -> impl Iterator<Item = String> + use<'a, T> {
        rows.iter().filter_map(move |Row { name, measured }| {
            let reason = measured.as_ref().err()?.split_whitespace().collect::<Vec<_>>().join(" ");
            Some(format!("- {name}, {what}: {reason}\n"))
        })
    }
    reasons(&results.training, "training")
        .chain(reasons(&results.end_to_end, "end to end"))
        .chain(reasons(&results.time_to_accuracy, "time to 99 % accuracy"))
        .chain(reasons(&results.inference, "inference"))
        .collect()
}

/// The cells of a row: the system, then its figures.
fn cells<T>(row: &Row<T>, figures: impl IntoIterator<Item = Option<String>>) -> Vec<String> {
    let figures = figures.into_iter().map(|figure| figure.unwrap_or(NONE.to_owned()));
    let mut cells: Vec<_> = [row.name.to_owned()].into_iter().chain(figures).collect();
    if row.measured.is_err() {
        cells[1] = NOT_MEASURED.to_owned();
    }
    cells
}

fn yes(agrees: bool) -> String {
    if agrees { "yes" } else { "**no**" }.to_owned()
}

fn percent(fraction: f64) -> String {
    format!("{:.2} %", fraction * 100.0)
}
