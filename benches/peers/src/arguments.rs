//! The command line.

use std::path::PathBuf;

use clap::Parser;
use clap::builder::{RangedU64ValueParser, TypedValueParser};

/// Measure kiln beside Keras, PyTorch, ONNX Runtime, stock Burn and stock tract, on one machine
// `cargo xtask` passes --runs before the user's own arguments, which override it.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench-peers", version, args_override_self = true)]
pub(crate) struct Args {
    /// Folder that holds all runs
    #[arg(long, value_name = "DIR", default_value = "runs", env = "KILN_RUNS")]
    pub(crate) runs: PathBuf,
    /// Name of the run whose model and images are used [default: the latest]
    #[arg(long, value_name = "NAME")]
    pub(crate) run: Option<String>,
    /// Rounds of training; each system trains once in a round. 0 skips training
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = count(0))]
    pub(crate) rounds: usize,
    /// Epochs of each system in a round; the first is a warm-up
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = count(1))]
    pub(crate) epochs: usize,
    /// Rounds of inference; in a round each system is measured for one second per batch size and number of threads. 0
    /// skips inference
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = count(0))]
    pub(crate) inference_rounds: usize,
    /// Also measure the time to 99 % accuracy of kiln, Keras and PyTorch; takes ten minutes or more
    #[arg(long)]
    pub(crate) to_99: bool,
    /// Also measure `kiln pipeline` and the tutorial in Keras from start to end, with the same number of epochs
    #[arg(long)]
    pub(crate) pipeline: bool,
    /// Use at most N images each for training, validation and test; 0 means all
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = count(0))]
    pub(crate) limit: usize,
    /// Python interpreter that has the peers installed [default: target/peers-venv, created at first use]
    #[arg(long, value_name = "FILE")]
    pub(crate) python: Option<PathBuf>,
    /// Where to write the table [default: benches/results/YYYY-MM-DD.md]
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Never use the network
    #[arg(long)]
    pub(crate) offline: bool,
}

impl Args {
    /// Whether any system has to train.
    pub(crate) fn trains(&self) -> bool {
        self.rounds > 0 || self.pipeline || self.to_99
    }

    /// The command that repeats the measurement, without the paths of this machine.
    pub(crate) fn command(&self) -> String {
        let Self { rounds, epochs, inference_rounds, limit, .. } = self;
        let mut text = format!(
            "cargo xtask bench-peers --rounds {rounds} --epochs {epochs} --inference-rounds {inference_rounds}"
        );
        text += if self.pipeline { " --pipeline" } else { "" };
        text += if self.to_99 { " --to-99" } else { "" };
        if *limit > 0 {
            text += &format!(" --limit {limit}");
        }
        text
    }
}

/// A whole number from `lowest` to 100 million, more than any data set here has images.
fn count(lowest: u64) -> impl TypedValueParser<Value = usize> {
    RangedU64ValueParser::<usize>::new().range(lowest..=100_000_000)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_later_argument_overrides_an_earlier_one() {
        let line = ["bench-peers", "--runs", "a", "--runs", "b", "--limit", "300", "--to-99"];
        let args = Args::try_parse_from(line).unwrap();
        assert_eq!(args.runs, PathBuf::from("b"));
        let command = "cargo xtask bench-peers --rounds 3 --epochs 2 --inference-rounds 5 --to-99 --limit 300";
        assert_eq!(args.command(), command);
        assert!(Args::try_parse_from(["bench-peers", "--epochs", "0"]).is_err());
    }
}
