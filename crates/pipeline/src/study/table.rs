//! A study as Markdown and as CSV.

use run::markdown_table;

use super::results::{RecipeResults, RunResult};
use super::statistics::{Paired, Summary, paired, summary};

/// A figure of a run, where it has it.
type Figure = fn(&RunResult) -> Option<f64>;

/// The table of recipes, and below it the comparison of every two.
pub(super) fn markdown(results: &[RecipeResults], validate: bool) -> String {
    let mut text = String::new();
    if results.iter().any(RecipeResults::synthetic) {
        text += "**Synthetic digits**: no figure below is about real handwriting.\n\n";
    }
    let columns: &[(&str, Figure, usize)] = if validate { &VALIDATION } else { &TEST };
    let n_test = if validate { None } else { n_test(results) };
    let name = |&(name, ..): &(&str, Figure, usize)| match n_test {
        Some(n) if name == ERRORS => format!("{ERRORS} of {n}"),
        _ => name.to_owned(),
    };
    let header: Vec<_> = ["recipe", "seeds"]
        .map(str::to_owned)
        .into_iter()
        .chain(columns.iter().map(name))
        .collect();
    let header: Vec<_> = header.iter().map(String::as_str).collect();
    let rows: Vec<Vec<_>> = results
        .iter()
        .map(|RecipeResults { name, runs }| {
            let figures = columns.iter().map(|&(_, figure, decimals)| mean(runs, figure, decimals));
            [format!("`{name}`"), runs.len().to_string()].into_iter().chain(figures).collect()
        })
        .collect();
    text += &markdown_table(&header, &rows);
    let compared: Vec<Vec<_>> = comparisons(results, validate)
        .into_iter()
        .map(|(names, Paired { difference, p_value, n })| {
            let p = p_value.map_or("-".to_owned(), |p| format!("{p:.4} ({n} pairs)"));
            let difference = match n_test {
                Some(n) => format!("{:+.1} of {n}", difference * n as f64),
                None => format!("{:+.2} points", 100.0 * difference),
            };
            vec![names, difference, p]
        })
        .collect();
    if !compared.is_empty() {
        let errors = if validate { "validation errors" } else { "test errors" };
        let header = [&format!("compared, by {errors}"), "difference", "p, paired t-test"];
        text += &format!("\n{}", markdown_table(&header, &compared));
    }
    text
}

/// The column that counts test images.
const ERRORS: &str = "errors";

/// How many test images all runs have, if equally many: errors are counted out of these, not scaled to a number that
/// nobody tested.
fn n_test(results: &[RecipeResults]) -> Option<usize> {
    let mut sizes = results.iter().flat_map(|recipe| &recipe.runs).map(|run| run.n_test);
    let first = sizes.next()?;
    sizes.all(|n_test| n_test == first).then_some(first)
}

/// Deviations are those of a sample.
const TEST: [(&str, Figure, usize); 10] = [
    ("test accuracy, %", |run| Some(100.0 * run.evaluation.as_ref()?.accuracy), 3),
    (ERRORS, |run| Some(run.evaluation.as_ref()?.errors as f64), 1),
    ("test loss", |run| Some(run.evaluation.as_ref()?.loss), 4),
    ("training loss", |run| Some(run.evaluation.as_ref()?.train.loss), 4),
    ("validation loss", |run| Some(run.evaluation.as_ref()?.val?.loss), 4),
    // To the test loss, since not every recipe holds images out for validation.
    (
        "test gap",
        |run| {
            let evaluation = run.evaluation.as_ref()?;
            Some(evaluation.loss - evaluation.train.loss)
        },
        4,
    ),
    ("balanced accuracy, %", |run| Some(100.0 * run.evaluation.as_ref()?.balanced_accuracy?), 3),
    ("macro F1, %", |run| Some(100.0 * run.evaluation.as_ref()?.macro_f1?), 3),
    ("seconds", |run| Some(run.training_seconds()), 1),
    ("seconds to 99 %", RunResult::seconds_to_goal, 1),
];

const VALIDATION: [(&str, Figure, usize); 5] = [
    ("validation accuracy, %", |run| Some(100.0 * run.validated()?.val_accuracy?), 3),
    ("validation loss", |run| run.validated()?.val_loss, 4),
    ("training loss", |run| Some(run.validated()?.loss), 4),
    ("seconds", |run| Some(run.training_seconds()), 1),
    ("seconds to 99 %", RunResult::seconds_to_goal, 1),
];

/// Fraction of the images that are classified wrongly.
fn error_rate(run: &RunResult, validate: bool) -> Option<f64> {
    let accuracy = match validate {
        true => run.validated()?.val_accuracy?,
        false => run.evaluation.as_ref()?.accuracy,
    };
    Some(1.0 - accuracy)
}

/// `99.456 ± 0.031`; the number of runs that have the figure is added where not all do.
fn mean(runs: &[RunResult], figure: Figure, decimals: usize) -> String {
    let values: Vec<f64> = runs.iter().filter_map(figure).collect();
    let Some(Summary { mean, deviation }) = summary(&values) else { return "-".to_owned() };
    let deviation = deviation.map_or(String::new(), |d| format!(" ± {d:.decimals$}"));
    let of = match values.len() == runs.len() {
        true => String::new(),
        false => format!(" ({} of {})", values.len(), runs.len()),
    };
    format!("{mean:.decimals$}{deviation}{of}")
}

/// Every two recipes over the seeds that both have.
fn comparisons(results: &[RecipeResults], validate: bool) -> Vec<(String, Paired)> {
    let mut compared = Vec::new();
    for (index, first) in results.iter().enumerate() {
        for second in &results[index + 1..] {
            let both = first.runs.iter().filter_map(|run| {
                let other = second.runs.iter().find(|other| other.seed == run.seed)?;
                Some((error_rate(run, validate)?, error_rate(other, validate)?))
            });
            let (of_first, of_second): (Vec<_>, Vec<_>) = both.unzip();
            if let Some(paired) = paired(&of_first, &of_second) {
                compared.push((format!("`{}` to `{}`", first.name, second.name), paired));
            }
        }
    }
    compared
}

/// One row a run, every figure of the table.
pub(super) fn csv(results: &[RecipeResults]) -> csv::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let columns: Vec<_> = TEST.iter().chain(&VALIDATION[..3]).collect();
    let names = columns.iter().map(|(name, ..)| name.replace(", %", "").replace([' ', ','], "_"));
    let head = ["recipe", "seed", "synthetic", "test_images"].map(str::to_owned);
    writer.write_record(head.into_iter().chain(names))?;
    for recipe in results {
        for run in &recipe.runs {
            let [seed, synthetic] = [run.seed.to_string(), run.synthetic.to_string()];
            let head = [recipe.name.clone(), seed, synthetic, run.n_test.to_string()];
            let figures = columns.iter().map(|(_, figure, decimals)| {
                figure(run).map_or(String::new(), |value| format!("{value:.*}", decimals + 2))
            });
            writer.write_record(head.into_iter().chain(figures))?;
        }
    }
    writer.into_inner().map_err(|error| error.into_error().into())
}

#[cfg(test)]
mod tests {
    use run::{Evaluation, PartScores, Selection};

    use super::*;

    fn recipe(name: &str, accuracies: &[f64]) -> RecipeResults {
        let run = |(seed, &accuracy): (u64, &f64)| RunResult {
            seed,
            synthetic: false,
            n_test: 10,
            epochs: vec![run::EpochMetrics {
                epoch: 1,
                loss: 0.5,
                accuracy: 0.5,
                val_loss: Some(0.25),
                val_accuracy: Some(accuracy),
                learning_rate: 1e-3,
                seconds: 2.0,
                images_per_second: 1.0,
            }],
            checkpoint: Selection::Last,
            evaluation: None,
            seconds: Some(3.0),
        };
        RecipeResults { name: name.to_owned(), runs: (1..).zip(accuracies).map(run).collect() }
    }

    #[test]
    fn a_table_says_means_deviations_and_the_difference_of_pairs() {
        let results = [recipe("plain", &[0.98, 0.99]), recipe("better", &[0.99, 0.998])];
        let text = markdown(&results, true);
        assert!(text.contains("| `plain` | 2 | 98.500 ± 0.707 | 0.2500 ± 0.0000 |"), "{text}");
        assert!(text.contains("3.0 ± 0.0 | 3.0 (1 of 2) |"), "{text}");
        assert!(
            text.contains("| `plain` to `better` | -0.90 points | 0.0704 (2 pairs) |"),
            "{text}"
        );
    }

    #[test]
    fn errors_are_counted_out_of_the_images_that_were_tested() {
        let part = |accuracy| PartScores { loss: 0.1, accuracy };
        let mut results = [recipe("plain", &[0.5, 0.5]), recipe("better", &[0.5, 0.5])];
        for (recipe, errors) in results.iter_mut().zip([162, 100]) {
            for run in &mut recipe.runs {
                let accuracy = 1.0 - errors as f64 / 400.0;
                run.n_test = 400;
                run.evaluation = Some(Evaluation {
                    doubt: None,
                    predictions_sha256: String::new(),
                    epoch: 1,
                    loss: 0.3,
                    accuracy,
                    errors,
                    balanced_accuracy: Some(0.9),
                    macro_f1: None,
                    classes: Vec::new(),
                    confusion: Vec::new(),
                    verdict: String::new(),
                    train: part(0.9),
                    val: None,
                });
            }
        }
        let text = markdown(&results, false);
        assert!(text.contains("| errors of 400 |") && text.contains("| 162.0 ± 0.0 |"), "{text}");
        assert!(text.contains("| -62.0 of 400 |") && !text.contains("4050"), "{text}");
        assert!(text.contains("| test gap |") && text.contains("| 0.2000 ± 0.0000 |"), "{text}");
        results[1].runs[0].n_test = 500;
        let text = markdown(&results, false);
        assert!(text.contains("| errors |") && text.contains("| -15.50 points |"), "{text}");
    }

    #[test]
    fn a_row_of_csv_is_a_run() {
        let bytes = csv(&[recipe("plain", &[0.98, 0.99])]).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        assert!(
            text.starts_with("recipe,seed,synthetic,test_images,test_accuracy,errors,"),
            "{text}"
        );
        assert!(
            text.contains("plain,2,false,10,,,,,,,,,3.000,3.000,99.00000,0.250000,0.500000"),
            "{text}"
        );
    }
}
