//! The command line, and how it becomes a configuration.

mod train;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use run::Config;
pub(crate) use train::TrainArgs;

use crate::soak::SoakArgs;

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
  cargo xtask pipeline --recipe fast          99 % in seconds; 'regularised' and 'best' take longer and err less
  cargo xtask train --resume                  go on with the latest run after a kill or Ctrl-C
  cargo xtask compare run-1 run-2             curves and settings of several runs, side by side
  cargo xtask study article regularised       recipes over five seeds, with a table and a picture
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
    /// Put the curves, settings and figures of several runs side by side
    Compare(CompareArgs),
    /// Train recipes with several seeds and compare what they reach
    Study(StudyArgs),
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

/// Which runs to compare.
#[derive(Args, Debug)]
pub(crate) struct CompareArgs {
    /// Names of the runs
    #[arg(value_name = "RUN", required = true)]
    pub(crate) names: Vec<String>,
    /// Folder for the pictures and the page [default: comparison in the folder of runs]
    #[arg(long, value_name = "DIR")]
    pub(crate) output: Option<PathBuf>,
}

/// Which recipes to study, and how often.
#[derive(Args, Debug)]
#[command(after_help = STUDY)]
pub(crate) struct StudyArgs {
    /// Recipes: files in recipes/, without their ending, or paths
    #[arg(value_name = "RECIPE", required = true)]
    pub(crate) recipes: Vec<String>,
    /// Seeds of every recipe: 42, 43 and so on
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = at_least_one)]
    pub(crate) seeds: usize,
    /// Name of the study: its runs and its table are in runs/NAME
    #[arg(long, value_name = "NAME", default_value = "study")]
    pub(crate) name: String,
    /// Hold 30 % of the training pictures out, also where a recipe trains on all, and never look at the test set: for
    /// choosing
    #[arg(long)]
    pub(crate) validate: bool,
    /// Use at most N pictures of each part, and N epochs, of every recipe: to try the command
    #[arg(long, value_names = ["PICTURES", "EPOCHS"], num_args = 2)]
    pub(crate) small: Option<Vec<usize>>,
    /// auto, mnist, synthetic, or a folder [default: what the recipe says]
    #[arg(long, value_name = "SOURCE")]
    pub(crate) data: Option<String>,
    #[command(flatten)]
    pub(crate) machine: MachineArgs,
}

const STUDY: &str = "\
Every run is a process of its own, so that its time counts from the start of a process. A study that was interrupted goes
on where it stopped when it is started again. Choose by validation (--validate), then look at the test set once.";

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
    /// Rounds of inference, in each of which every system has a second for every batch and number of threads; 0 leaves
    /// inference out
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) inference_rounds: usize,
    /// Measure how long kiln, Keras and PyTorch take to 99 %, too; ten minutes and more
    #[arg(long)]
    pub(crate) to_99: bool,
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
