//! The command line, and how it becomes a configuration.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use run::{Config, Selection};

use crate::soak::SoakArgs;

/// Pictures of each part that `--smoke` uses, and epochs: enough to learn something worth a report.
const SMOKE_LIMIT: usize = 2_000;
const SMOKE_EPOCHS: usize = 2;

/// From raw handwritten digits to an ONNX model and CPU predictions.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Folder that holds all runs
    #[arg(long, global = true, value_name = "DIR", default_value = "runs", env = "KILN_RUNS")]
    pub(crate) runs: PathBuf,
}

const EXAMPLES: &str = "\
Examples:
  cargo xtask pipeline                        everything, 20 epochs on MNIST
  cargo xtask pipeline --smoke                the same code on a small budget, under a minute
  cargo xtask pipeline --data ~/fashion       any folder of IDX files, or of train/CLASS/*.png
  cargo xtask train --resume                  go on with the latest run after a kill or Ctrl-C
  cargo xtask predict seven.png --show        what the latest run says of a picture
  cargo xtask serve                           the latest run over HTTP; draw at http://127.0.0.1:8000/
  cargo xtask export-onnx --output digit.onnx the latest run as one self-contained file

A run lives in runs/NAME; every command takes the latest one unless --run names another.";

/// The stages, each alone, and all of them in a row.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Do all of it: train, evaluate, export, verify, report
    Pipeline(PipelineArgs),
    /// Get the pictures and check them, without training
    Fetch(DataArgs),
    /// Train a network into a new run, or go on with one
    Train(TrainArgs),
    /// Score a run on the test set
    Evaluate(RunArgs),
    /// Write a run's network as an ONNX file
    ExportOnnx(ExportArgs),
    /// Prove that the ONNX file answers in tract as the network does in Burn
    Verify(RunArgs),
    /// Classify pictures with a run's ONNX file
    Predict(PredictArgs),
    /// Serve a run's ONNX file over HTTP, with a page to draw on
    Serve(ServeArgs),
    /// Draw a run's pictures and its HTML page from its files
    Report(RunArgs),
    /// Measure kiln beside Keras, PyTorch, ONNX Runtime, stock Burn and stock tract, in one sitting
    BenchPeers(BenchPeersArgs),
    /// Measure what `serve-lite serve` promises: speed, faults, overload, reloads, shutdowns
    Soak(SoakArgs),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// Which run, and how many threads.
#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    /// Name of the run [default: the latest]
    #[arg(long, value_name = "NAME")]
    pub(crate) run: Option<String>,
    #[command(flatten)]
    pub(crate) machine: MachineArgs,
}

/// What the machine offers; none of it changes a result.
#[derive(Args, Clone, Debug)]
pub(crate) struct MachineArgs {
    /// Threads to compute with; results don't depend on it [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,
    /// Never touch the network
    #[arg(long)]
    pub(crate) offline: bool,
}

/// Where the pictures come from and how they are split.
#[derive(Args, Debug)]
pub(crate) struct DataArgs {
    /// auto, mnist, synthetic, or a folder of IDX files or of train/CLASS/*.png and test/CLASS/*.png. auto takes
    /// KILN_DATA, else the cache, else a download, else synthetic digits [default: auto]
    #[arg(long, value_name = "SOURCE")]
    pub(crate) data: Option<String>,
    /// Part of the training pictures held out for validation [default: 0.3]
    #[arg(long, value_name = "PART")]
    pub(crate) val_fraction: Option<f64>,
    /// Seed of the split, which is scikit-learn's, and of synthetic digits [default: 42]
    #[arg(long, value_name = "SEED")]
    pub(crate) split_seed: Option<u32>,
    /// Keep the classes' proportions exactly in both parts
    #[arg(long)]
    pub(crate) stratify: bool,
    /// Use at most N pictures of each part; 0 means all [default: 0]
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    #[command(flatten)]
    pub(crate) machine: MachineArgs,
}

/// Everything that training can be told.
#[derive(Args, Debug)]
pub(crate) struct TrainArgs {
    /// Name of the run [default: run-N, or the latest with --resume]
    #[arg(long, value_name = "NAME")]
    pub(crate) run: Option<String>,
    /// Go on where a killed or interrupted run stopped; the result is the same, bit for bit
    #[arg(long)]
    pub(crate) resume: bool,
    /// TOML file of settings; flags override it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Passes over the training pictures [default: 20]
    #[arg(long, value_name = "N")]
    pub(crate) epochs: Option<usize>,
    /// Pictures a step [default: 128]
    #[arg(long, value_name = "N")]
    pub(crate) batch_size: Option<usize>,
    /// Adam's step size [default: 0.001]
    #[arg(long, value_name = "RATE")]
    pub(crate) learning_rate: Option<f64>,
    /// Seed of weights, shuffling and dropout [default: 42]
    #[arg(long, value_name = "SEED")]
    pub(crate) seed: Option<u64>,
    /// Stop after N epochs without a lower validation loss; 0 means never [default: 0]
    #[arg(long, value_name = "N")]
    pub(crate) patience: Option<usize>,
    /// Which epoch is evaluated and exported: the one with the lowest validation loss, or the last [default: best]
    #[arg(long, value_name = "best|last", value_parser = selection)]
    pub(crate) checkpoint: Option<Selection>,
    /// Compute with Burn's own operations instead of kiln's kernels, to compare: the same network, slower
    #[arg(long)]
    pub(crate) burn_ops: bool,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

/// Everything that the pipeline can be told.
#[derive(Args, Debug)]
pub(crate) struct PipelineArgs {
    /// Two epochs on 2,000 pictures: the same code, under a minute
    #[arg(long, conflicts_with = "resume")]
    pub(crate) smoke: bool,
    /// Fail below this test accuracy, in [0, 1]
    #[arg(long, value_name = "X")]
    pub(crate) min_accuracy: Option<f64>,
    #[command(flatten)]
    pub(crate) train: TrainArgs,
}

/// What to export, and where to.
#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// Name of the run [default: the latest]
    #[arg(long, value_name = "NAME")]
    pub(crate) run: Option<String>,
    /// The file alone, or the folder that Triton and KServe serve from
    #[arg(long, value_enum, default_value_t = Layout::File)]
    pub(crate) layout: Layout,
    /// Name of the model in that folder
    #[arg(long, value_name = "NAME", default_value = "mnist")]
    pub(crate) name: serve_lite::ModelName,
    /// Where to write it [default: model.onnx or model_repository in the run]
    #[arg(long, value_name = "PATH")]
    pub(crate) output: Option<PathBuf>,
}

/// What an exported network lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Layout {
    /// model.onnx
    File,
    /// NAME/config.pbtxt, NAME/labels.txt and NAME/1/model.onnx
    Triton,
}

/// What to serve, and how.
#[derive(Args, Debug)]
pub(crate) struct ServeArgs {
    /// Name of the run [default: the latest]
    #[arg(long, value_name = "NAME")]
    pub(crate) run: Option<String>,
    #[command(flatten)]
    pub(crate) options: serve_lite::ServeOptions,
}

/// What to classify, and how to print it.
#[derive(Args, Debug)]
pub(crate) struct PredictArgs {
    /// Name of the run [default: the latest]
    #[arg(long, value_name = "NAME")]
    pub(crate) run: Option<String>,
    #[command(flatten)]
    pub(crate) predict: serve_lite::PredictArgs,
}

/// What to measure beside the peers, and how often.
#[derive(Args, Debug)]
pub(crate) struct BenchPeersArgs {
    /// Name of the run whose model and pictures are used [default: the latest]
    #[arg(long, value_name = "NAME")]
    pub(crate) run: Option<String>,
    /// Rounds of training, in each of which every system trains once; 0 leaves training out
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) rounds: usize,
    /// Epochs of a system in a round; the first warms up
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = at_least_one)]
    pub(crate) epochs: usize,
    /// Rounds of inference, in each of which every system has a second for every batch and number of threads
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) inference_rounds: usize,
    /// Measure the whole pipeline too, beside the tutorial in Keras with as many epochs
    #[arg(long)]
    pub(crate) pipeline: bool,
    /// Use at most N pictures of each part; 0 means all
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) limit: usize,
    /// Python with the peers installed [default: an environment in target/peers-venv, made at first use]
    #[arg(long, value_name = "FILE")]
    pub(crate) python: Option<PathBuf>,
    /// Where to write the table [default: benches/results/YYYY-MM-DD.md]
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Never touch the network
    #[arg(long)]
    pub(crate) offline: bool,
}

impl TrainArgs {
    /// Defaults, overridden by the file, overridden by flags.
    pub(crate) fn config(&self, smoke: bool) -> anyhow::Result<Config> {
        let mut config = match &self.config {
            Some(path) => Config::read(path)?,
            None => Config::default(),
        };
        if smoke {
            config.epochs = SMOKE_EPOCHS;
            config.limit = SMOKE_LIMIT;
        }
        self.override_with_flags(config)
    }

    /// `config` with every flag that was given in its place.
    pub(crate) fn override_with_flags(&self, config: Config) -> anyhow::Result<Config> {
        let config = Config {
            epochs: self.epochs.unwrap_or(config.epochs),
            batch_size: self.batch_size.unwrap_or(config.batch_size),
            learning_rate: self.learning_rate.unwrap_or(config.learning_rate),
            seed: self.seed.unwrap_or(config.seed),
            patience: self.patience.unwrap_or(config.patience),
            checkpoint: self.checkpoint.unwrap_or(config.checkpoint),
            burn_ops: self.burn_ops || config.burn_ops,
            ..self.data.override_with_flags(config)
        };
        config.check()?;
        Ok(config)
    }
}

impl DataArgs {
    /// `config` with every flag that was given in its place.
    pub(crate) fn override_with_flags(&self, config: Config) -> Config {
        Config {
            data: self.data.clone().unwrap_or(config.data),
            val_fraction: self.val_fraction.unwrap_or(config.val_fraction),
            split_seed: self.split_seed.unwrap_or(config.split_seed),
            stratify: self.stratify || config.stratify,
            limit: self.limit.unwrap_or(config.limit),
            ..config
        }
    }
}

impl MachineArgs {
    /// Sets the number of threads of everything that computes in this process.
    pub(crate) fn apply(&self) -> anyhow::Result<()> {
        if let Some(threads) = self.threads {
            rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads)).build_global()?;
        }
        Ok(())
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number @ 1..) => Ok(number),
        _ => Err("it must be a whole number, at least 1".to_owned()),
    }
}

fn selection(text: &str) -> Result<Selection, String> {
    match text {
        "last" => Ok(Selection::Last),
        "best" => Ok(Selection::Best),
        _ => Err("choose 'best' or 'last'".to_owned()),
    }
}
