//! Settings: how the weights are updated.

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::range::{fraction, number};

/// How the learning rate changes over the run. `learning_rate` is its highest value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// It stays the same
    Constant,
    /// After the warm-up it falls along half a cosine (Loshchilov and Hutter 2017, without restarts)
    Cosine,
    /// It rises along half a cosine from a 25th during the warm-up and falls along another (Smith and Topin 2018)
    OneCycle,
}

/// What turns gradients into steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Optimizer {
    /// Adam (Kingma and Ba 2015)
    Adam,
    /// Muon (Jordan and others 2024) for the filters of convolutions, Adam for everything else
    Muon,
}

/// How the weights are updated.
#[derive(Args, Clone, Copy, Debug, PartialEq, Serialize)]
#[command(next_help_heading = "Optimizer")]
pub struct OptimizerSettings {
    /// What turns gradients into steps
    #[arg(long, value_enum, default_value_t = Optimizer::Adam)]
    pub optimizer: Optimizer,
    /// The learning rate, at its highest
    #[arg(long, value_name = "RATE", default_value_t = 1e-3, value_parser = number(1e-12..=1e30))]
    pub learning_rate: f64,
    /// How the learning rate changes over the run
    #[arg(long, value_enum, default_value_t = Schedule::Constant)]
    pub schedule: Schedule,
    /// Fraction of the learning rate at which cosine and one-cycle end
    #[arg(long, value_name = "FRACTION", default_value_t = 0.0, value_parser = number(0.0..=1.0))]
    pub learning_rate_floor: f64,
    /// Epochs of warm-up, over which the learning rate rises; may be a fraction of one
    #[arg(long, value_name = "N", default_value_t = 0.0, value_parser = number(0.0..=10_000.0))]
    pub warmup_epochs: f64,
    /// Decoupled weight decay (AdamW, Loshchilov and Hutter 2019), times the learning rate; biases are left alone
    #[arg(long, value_name = "FRACTION", default_value_t = 0.0, value_parser = number(0.0..=1.0))]
    pub weight_decay: f64,
    /// Largest Euclidean norm of all gradients together (Pascanu and others 2013); 0 means any
    #[arg(long, value_name = "NORM", default_value_t = 0.0, value_parser = number(0.0..=1e12))]
    pub gradient_clip: f64,
    /// Decay of the moving average of the weights that is validated, tested and exported (Polyak and Juditsky 1992);
    /// 0 means no average
    #[arg(long, value_name = "DECAY", default_value_t = 0.0, value_parser = fraction)]
    pub average_decay: f64,
}
