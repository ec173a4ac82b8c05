//! `cargo xtask bench-peers`: kiln beside its peers, in one sitting, on the same pictures and the
//! same model file.
//!
//! A peer that is missing or fails is a named gap in the table. A system that computes something
//! else than the others makes the command fail, once the table is written.

mod goal;
mod inference;
mod machine;
mod python;
mod table;
mod training;

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, ensure};
use dataset::{Dataset, Examples};
use model::INPUT_SIDE;
use run::{Config, DatasetFacts, RunDirectory, read_json};

use crate::cli::{BenchPeersArgs, MachineArgs};
use crate::{console, session};
use goal::Goal;
use inference::Inference;
use python::Python;
use training::{Pipeline, Training};

/// What was measured, or in words why it was not.
type Measured<T> = Result<T, String>;

/// Everything that one sitting found.
struct Sitting {
    /// The day it began, as YYYY-MM-DD in UTC.
    date: String,
    /// What was measured, on what machine and with which versions: names and values.
    facts: Vec<(&'static str, String)>,
    training: Vec<Training>,
    pipeline: Vec<Pipeline>,
    goals: Vec<Goal>,
    inference: Vec<Inference>,
}

pub(crate) fn run(runs: &Path, args: &BenchPeersArgs) -> anyhow::Result<ExitCode> {
    let run = RunDirectory::open(runs, args.run.as_deref())?;
    let _lock = run.lock()?;
    let known: DatasetFacts = read_json(&run.dataset())?;
    let data = Config::read(&run.config())?.data;
    let wanted = Config { data, limit: args.limit, ..Config::default() };
    let machine = MachineArgs { threads: None, offline: args.offline };
    let (data, config, facts) = session::load(wanted, &machine)?;
    ensure!(
        facts.sha256 == known.sha256,
        "{} was trained on other pictures than '{}' now holds: put those back, or train a new run",
        run.path.display(),
        config.data
    );
    let date = machine::today();
    let output = args
        .output
        .clone()
        .unwrap_or_else(|| root().join("benches").join("results").join(format!("{date}.md")));
    prepare(&output)?;

    let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
    write_idx(folder.path(), &data.dataset)?;
    let python = Python::find(root(), args.python.as_deref(), args.offline);
    if let Err(reason) = &python {
        console::notice(&format!("no peers from Python: {reason}"));
    }
    let facts = [
        ("command", command(args)),
        ("model", format!("{} of {}", file_name(&run.onnx()), run.name())),
        (
            "pictures",
            format!(
                "{}: {} training, {} validation, {} test",
                facts.name, facts.n_train, facts.n_val, facts.n_test
            ),
        ),
    ];
    let facts = facts.into_iter().chain(machine::facts(root())).chain(peers(&python));
    let facts = facts.collect();
    let mut test = Examples::default();
    data.dataset.test.gather(&data.test, &mut test.pixels, &mut test.labels);
    let pixels = test.pixels;

    let inference = match args.inference_rounds {
        0 => Vec::new(),
        _ => inference::measure(&run, &known, &pixels, args, &python)?,
    };
    let bench = training::Bench {
        folder: folder.path(),
        source: &config.data,
        limit: args.limit,
        python: &python,
    };
    let training = bench.epochs(args.rounds, args.epochs);
    let pipeline = if args.pipeline { bench.pipelines() } else { Vec::new() };
    let goals = if args.to_99 { bench.goals() } else { Vec::new() };
    let sitting = Sitting { date, facts, training, pipeline, goals, inference };

    let text = table::markdown(&sitting);
    run::write_atomically(&output, text.as_bytes())?;
    console::heading(&format!("Table: {}", output.display()));
    for line in text.lines() {
        console::line(line);
    }
    ensure!(
        sitting.agrees(),
        "some systems do not compute what the others do: see {}",
        output.display()
    );
    Ok(ExitCode::SUCCESS)
}

impl Sitting {
    /// Whether all that was measured computes the same thing; a gap does not disagree.
    fn agrees(&self) -> bool {
        let answers = |row: &Inference| row.measured.as_ref().is_ok_and(|m| !m.agreement.holds());
        let learns = |row: &Training| training::agrees(row, &self.training) == Some(false);
        !self.inference.iter().any(answers) && !self.training.iter().any(learns)
    }
}

/// The repository: the peers' scripts, the results and Python's environment have fixed places in
/// it.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Makes the folder of the table now, so that an hour of measuring does not end at a typing error.
fn prepare(output: &Path) -> anyhow::Result<()> {
    let folder = output.parent().unwrap_or(Path::new(""));
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make {}: choose another --output", folder.display()))
}

/// Writes the pictures as the four IDX files that the peers' scripts read.
fn write_idx(folder: &Path, dataset: &Dataset) -> anyhow::Result<()> {
    let side = INPUT_SIDE as u32;
    for (part, examples) in [("train", &dataset.train), ("t10k", &dataset.test)] {
        let n = examples.len() as u32;
        let images = idx(&[n, side, side], &examples.pixels);
        let labels = idx(&[n], &examples.labels);
        for (kind, bytes) in [("images-idx3", images), ("labels-idx1", labels)] {
            let path = folder.join(format!("{part}-{kind}-ubyte"));
            std::fs::write(&path, bytes)
                .with_context(|| format!("cannot write {}: is the disk full?", path.display()))?;
        }
    }
    Ok(())
}

/// An IDX file of bytes: type 8, the rank, big-endian lengths, then the values.
fn idx(dims: &[u32], values: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, dims.len() as u8];
    bytes.extend(dims.iter().flat_map(|dim| dim.to_be_bytes()));
    bytes.extend(values);
    bytes
}

/// The command that would measure the same again; where things lie on this machine is left out.
fn command(args: &BenchPeersArgs) -> String {
    let BenchPeersArgs { rounds, epochs, inference_rounds: inference, limit, .. } = args;
    let mut text = format!(
        "`cargo xtask bench-peers --rounds {rounds} --epochs {epochs} \
         --inference-rounds {inference}"
    );
    if args.pipeline {
        text.push_str(" --pipeline");
    }
    if args.to_99 {
        text.push_str(" --to-99");
    }
    if *limit > 0 {
        text.push_str(&format!(" --limit {limit}"));
    }
    text + "`"
}

/// The peers' versions.
fn peers(python: &Measured<Python>) -> Vec<(&'static str, String)> {
    let version = |package: &str| {
        python.as_ref().ok().and_then(|python| python.version(package)).unwrap_or("missing")
    };
    let tensorflow = version(python::TENSORFLOW);
    vec![
        ("Burn", machine::locked_version(root(), "burn")),
        ("tract", machine::locked_version(root(), "tract-onnx")),
        ("Python", version("python").to_owned()),
        ("Keras", format!("{} on TensorFlow {tensorflow}", version("keras"))),
        ("PyTorch", version("torch").to_owned()),
        ("ONNX Runtime", version("onnxruntime").to_owned()),
    ]
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The middle value, or the mean of the two in the middle; none of no values.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (lower, upper) = (sorted.get(sorted.len().checked_sub(1)? / 2)?, sorted[sorted.len() / 2]);
    Some((lower + upper) / 2.0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use dataset::PIXELS;

    use super::*;

    #[test]
    fn the_median_is_the_middle_of_what_is_sorted() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0]), Some(3.0));
        assert_eq!(median(&[9.0, 1.0, 5.0]), Some(5.0));
        assert_eq!(median(&[9.0, 1.0, 5.0, 2.0]), Some(3.5));
    }

    #[test]
    fn what_is_written_for_the_peers_is_idx() {
        let folder = tempfile::tempdir().unwrap();
        let examples = Examples { pixels: vec![7; 2 * PIXELS], labels: vec![3, 4] };
        let dataset = Dataset {
            name: String::new(),
            source: dataset::Source::Synthetic,
            synthetic: true,
            classes: Vec::new(),
            train: examples.clone(),
            test: examples,
            sha256: String::new(),
        };
        write_idx(folder.path(), &dataset).unwrap();
        let images = std::fs::read(folder.path().join("t10k-images-idx3-ubyte")).unwrap();
        assert_eq!(images[..16], [0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28]);
        assert_eq!(images[16..], [7; 2 * PIXELS]);
        let labels = std::fs::read(folder.path().join("train-labels-idx1-ubyte")).unwrap();
        assert_eq!(labels, [0, 0, 8, 1, 0, 0, 0, 2, 3, 4]);
    }
}
