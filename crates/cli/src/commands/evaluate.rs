//! `evaluate`: the scores on the test set.

use std::path::Path;
use std::process::ExitCode;

use pipeline::{FolderEvaluation, Mistake, Session};
use run::{
    ClassScores, DatasetFacts, Doubt, Evaluation, Needs, PartScores, RunDirectory, run_name,
};

use crate::arguments::RunArgs;
use crate::console;
use crate::progress::Bar;

const EXAMPLES: &str = "\
Examples:
  kiln evaluate                            the newest trained run on its test images
  kiln evaluate --data photos              a finished run on other images: photos/CLASS/*
  kiln evaluate --data photos --name may   the same, kept as evaluations/may of the run";

/// Mistakes that are printed; all are in the table.
const MOST_MISTAKES: usize = 10;

/// Which run to score, and on what.
///
/// With --data and a folder that has a folder for each class, a finished run is scored on its images instead.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    #[command(flatten)]
    pub(crate) run: RunArgs,
    /// What an evaluation on other images is called [default: the folder's name]
    #[arg(long, value_name = "NAME", value_parser = run_name, requires = "data")]
    name: Option<String>,
}

pub(super) fn run(runs: &Path, args: &Args) -> anyhow::Result<ExitCode> {
    if let Some(folder) = args.run.data.as_deref().map(Path::new)
        && let Ok(run) = RunDirectory::find(runs, args.run.run.as_deref(), Needs::Evaluation)
        && let Ok(facts) = run::read_json::<DatasetFacts>(&run.dataset())
        && pipeline::is_labelled(folder, &facts.classes)
    {
        args.run.machine.apply()?;
        return evaluate_folder(&run, folder, args.name.as_deref());
    }
    anyhow::ensure!(
        args.name.is_none(),
        "--name is for images that the run was not trained on, in a folder with a folder for each class"
    );
    let session = args.run.open(runs, Needs::Weights)?;
    evaluate(&session)?;
    console::next("export-onnx", &session.run);
    Ok(ExitCode::SUCCESS)
}

/// Scores the run's selected checkpoint on the test set and prints the scores.
pub(super) fn evaluate(session: &Session) -> anyhow::Result<Evaluation> {
    let evaluation = Bar::during("test", |progress| pipeline::evaluate(session, progress))?;
    describe(&evaluation, session.facts.synthetic);
    Ok(evaluation)
}

/// Scores a finished run on a labelled folder and prints the scores.
fn evaluate_folder(
    run: &RunDirectory,
    folder: &Path,
    name: Option<&str>,
) -> anyhow::Result<ExitCode> {
    let name = name.map_or_else(|| folder_name(folder), str::to_owned);
    let evaluate = |progress: &mut dyn FnMut(usize, usize)| {
        pipeline::evaluate_folder(run, folder, &name, progress)
    };
    let evaluation = Bar::during("images", evaluate)?;
    let FolderEvaluation { n_images, errors, accuracy, balanced_accuracy, .. } = evaluation;
    console::heading(&format!("{}: {n_images} images of {}", run.name(), folder.display()));
    console::line(&format!(
        "accuracy {:.2} % ({errors} errors), balanced accuracy {:.2} %, loss {:.4}; {:.1} % doubtful",
        100.0 * accuracy,
        100.0 * balanced_accuracy,
        evaluation.loss,
        100.0 * evaluation.doubted
    ));
    let there = evaluation.classes.iter().filter(|class| class.support > 0);
    class_table(&there.cloned().collect::<Vec<_>>());
    if !evaluation.mistakes.is_empty() {
        console::line("the worst mistakes:");
    }
    for Mistake { path, label, predicted, probability } in
        evaluation.mistakes.iter().take(MOST_MISTAKES)
    {
        let percent = 100.0 * probability;
        console::line(&format!(
            "  {}: {label}, taken for {predicted} {percent:.1} %",
            path.display()
        ));
    }
    console::files(&evaluation.files);
    if evaluation.n_trained_on > 0 {
        console::warning(&format!(
            "the run was trained or validated on {} of these images: the scores say little of new ones",
            evaluation.n_trained_on
        ));
    }
    for why in &evaluation.unusable {
        console::notice(why);
    }
    let n = evaluation.unusable.len();
    if n == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    console::notice(&format!("{n} of {} files could not be used", n + n_images));
    Ok(ExitCode::FAILURE)
}

/// The folder's name with what a name cannot have replaced.
fn folder_name(folder: &Path) -> String {
    let whole = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    let name = whole.file_name().unwrap_or_default().to_string_lossy();
    let kept = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    let name: String = name.chars().map(kept).collect();
    run_name(&name).unwrap_or_else(|_| "images".to_owned())
}

/// Columns of a class's scores.
const SCORES: usize = 36;

fn describe(evaluation: &Evaluation, synthetic: bool) {
    let Evaluation { epoch, loss, accuracy, errors, classes, .. } = evaluation;
    let n: usize = classes.iter().map(|class| class.support).sum();
    let kind = if synthetic { "synthetic test digits" } else { "test images" };
    console::heading(&format!("Test: weights of epoch {epoch}, {n} {kind}"));
    console::line(&format!("accuracy {:.2} % ({errors} errors), loss {loss:.4}", accuracy * 100.0));
    if let (Some(balanced), Some(f1)) = (evaluation.balanced_accuracy, evaluation.macro_f1) {
        console::line(&format!("balanced accuracy {:.2} %, macro F1 {f1:.4}", balanced * 100.0));
    }
    let scores = |name: &str, part: &PartScores| {
        console::line(&format!(
            "same weights on {name} images: {:.2} %, loss {:.4}",
            part.accuracy * 100.0,
            part.loss
        ));
    };
    scores("training", &evaluation.train);
    if let Some(val) = &evaluation.val {
        scores("validation", val);
    }
    class_table(classes);
    console::sentence(&evaluation.verdict);
    evaluation.doubt.iter().flat_map(Doubt::sentences).for_each(|text| console::sentence(&text));
}

fn class_table(classes: &[ClassScores]) {
    let longest = classes.iter().map(|class| class.class.chars().count()).max().unwrap_or(0);
    // What is left beside the numbers and the indentation.
    let width = longest.min(console::columns().saturating_sub(SCORES + 2)).max(5);
    console::line(&format!("{:<width$}  precision  recall      f1  support", "class"));
    for class in classes {
        console::line(&format!(
            "{:<width$}  {:>9.4}  {:>6.4}  {:>6.4}  {:>7}",
            console::shortened(&class.class, width),
            class.precision,
            class.recall,
            class.f1,
            class.support
        ));
    }
}
