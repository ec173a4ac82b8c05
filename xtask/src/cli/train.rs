//! Everything that training can be told, and how it becomes a configuration.

use std::path::PathBuf;

use clap::Args;
use run::{Architecture, Config, Schedule, Selection};

use super::DataArgs;
use crate::recipe;

/// Pictures of each part that `--smoke` uses, and epochs: enough to learn something worth a report.
const SMOKE_LIMIT: usize = 2_000;
const SMOKE_EPOCHS: usize = 2;

/// Everything that training can be told. Defaults are the article's recipe.
#[derive(Args, Debug)]
pub(crate) struct TrainArgs {
    /// Name of the run [default: run-N, or the latest with --resume]
    #[arg(long, value_name = "NAME")]
    pub(crate) run: Option<String>,
    /// Go on where a killed or interrupted run stopped; the result is the same, bit for bit
    #[arg(long)]
    pub(crate) resume: bool,
    /// Settings that belong together: article, regularised, best, fast, or a TOML file; flags override them
    #[arg(long, value_name = "NAME", conflicts_with_all = ["resume", "config"])]
    pub(crate) recipe: Option<String>,
    /// TOML file of settings; flags override it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Passes over the training pictures [default: 20]
    #[arg(long, value_name = "N")]
    pub(crate) epochs: Option<usize>,
    /// Pictures a step [default: 128]
    #[arg(long, value_name = "N")]
    pub(crate) batch_size: Option<usize>,
    /// Adam's step size, at its highest [default: 0.001]
    #[arg(long, value_name = "RATE")]
    pub(crate) learning_rate: Option<f64>,
    /// How the step size changes over the run [default: constant]
    #[arg(long, value_name = "constant|cosine|one-cycle", value_parser = ["constant", "cosine", "one-cycle"])]
    pub(crate) schedule: Option<String>,
    /// Part of the step size to which cosine and one-cycle fall [default: 0]
    #[arg(long, value_name = "PART")]
    pub(crate) learning_rate_floor: Option<f64>,
    /// Epochs, or part of one, over which the step size rises at first [default: 0]
    #[arg(long, value_name = "N")]
    pub(crate) warmup_epochs: Option<f64>,
    /// Part of a weight that every step takes off it, times the step size [default: 0]
    #[arg(long, value_name = "PART")]
    pub(crate) weight_decay: Option<f64>,
    /// Part of every target that is spread over all classes [default: 0]
    #[arg(long, value_name = "PART")]
    pub(crate) label_smoothing: Option<f64>,
    /// Largest norm of all gradients together; 0 means any [default: 0]
    #[arg(long, value_name = "NORM")]
    pub(crate) gradient_clip: Option<f64>,
    /// Decay of the moving average of weights that is evaluated and exported; 0 means none [default: 0]
    #[arg(long, value_name = "DECAY")]
    pub(crate) average_decay: Option<f64>,
    /// Seed of weights, shuffling, augmentation and dropout [default: 42]
    #[arg(long, value_name = "SEED")]
    pub(crate) seed: Option<u64>,
    /// Stop after N epochs without a lower validation loss; 0 means never [default: 0]
    #[arg(long, value_name = "N")]
    pub(crate) patience: Option<usize>,
    /// Which epoch is evaluated and exported: the one with the lowest validation loss, or the last [default: best]
    #[arg(long, value_name = "best|last", value_parser = ["best", "last"])]
    pub(crate) checkpoint: Option<String>,
    /// Compute with Burn's own operations instead of kiln's kernels, to compare: the same network, slower
    #[arg(long)]
    pub(crate) burn_ops: bool,
    #[command(flatten)]
    pub(crate) network: NetworkArgs,
    #[command(flatten)]
    pub(crate) augmentation: AugmentationArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

/// What is trained.
#[derive(Args, Debug)]
#[command(next_help_heading = "Network")]
pub(crate) struct NetworkArgs {
    /// The article's network, or blocks of convolutions [default: article]
    #[arg(long, value_name = "article|vgg", value_parser = ["article", "vgg"])]
    pub(crate) architecture: Option<String>,
    /// Convolutions of vgg: two, pooling, and two or three more [default: 4]
    #[arg(long, value_name = "4|5")]
    pub(crate) depth: Option<usize>,
    /// Channels of the first convolution [default: 32]
    #[arg(long, value_name = "N")]
    pub(crate) width: Option<usize>,
    /// Units of the dense layer before the last [default: 128]
    #[arg(long, value_name = "N")]
    pub(crate) hidden: Option<usize>,
    /// Normalise over the batch; vgg alone, and folded into the layers behind at export
    #[arg(long)]
    pub(crate) batch_norm: bool,
    /// Part of the features before the dense layers that is dropped [default: 0.25]
    #[arg(long, value_name = "PART")]
    pub(crate) conv_dropout: Option<f64>,
    /// Part of the dense layer's features that is dropped [default: 0.5]
    #[arg(long, value_name = "PART")]
    pub(crate) dense_dropout: Option<f64>,
}

/// How training pictures are changed each time they are shown.
#[derive(Args, Debug)]
#[command(next_help_heading = "Augmentation")]
pub(crate) struct AugmentationArgs {
    /// Rotate by at most so many degrees either way [default: 0]
    #[arg(long, value_name = "DEGREES")]
    pub(crate) rotation: Option<f64>,
    /// Shift by at most so many pixels along each axis [default: 0]
    #[arg(long, value_name = "PIXELS")]
    pub(crate) shift: Option<f64>,
    /// Stretch or shrink each side by at most this part [default: 0]
    #[arg(long, value_name = "PART")]
    pub(crate) zoom: Option<f64>,
    /// Distort elastically, by displacements with this standard deviation [default: 0]
    #[arg(long, value_name = "PIXELS")]
    pub(crate) elastic: Option<f64>,
}

impl TrainArgs {
    /// Defaults, overridden by the recipe or the file, overridden by flags.
    pub(crate) fn config(&self, smoke: bool) -> anyhow::Result<Config> {
        let mut config = match (&self.recipe, &self.config) {
            (Some(recipe), _) => recipe::read(recipe)?,
            (None, Some(path)) => Config::read(path)?,
            (None, None) => Config::default(),
        };
        if smoke {
            config.epochs = SMOKE_EPOCHS;
            config.limit = SMOKE_LIMIT;
            config.warmup_epochs = config.warmup_epochs.min(1.0);
        }
        self.override_with_flags(config)
    }

    /// `config` with every flag that was given in its place.
    pub(crate) fn override_with_flags(&self, config: Config) -> anyhow::Result<Config> {
        let Self { network, augmentation, .. } = self;
        let config = Config {
            rotation: augmentation.rotation.unwrap_or(config.rotation),
            shift: augmentation.shift.unwrap_or(config.shift),
            zoom: augmentation.zoom.unwrap_or(config.zoom),
            elastic: augmentation.elastic.unwrap_or(config.elastic),
            architecture: match network.architecture.as_deref() {
                Some("article") => Architecture::Article,
                Some("vgg") => Architecture::Vgg,
                _ => config.architecture,
            },
            depth: network.depth.unwrap_or(config.depth),
            width: network.width.unwrap_or(config.width),
            hidden: network.hidden.unwrap_or(config.hidden),
            batch_norm: network.batch_norm || config.batch_norm,
            conv_dropout: network.conv_dropout.unwrap_or(config.conv_dropout),
            dense_dropout: network.dense_dropout.unwrap_or(config.dense_dropout),
            epochs: self.epochs.unwrap_or(config.epochs),
            batch_size: self.batch_size.unwrap_or(config.batch_size),
            learning_rate: self.learning_rate.unwrap_or(config.learning_rate),
            schedule: match self.schedule.as_deref() {
                Some("constant") => Schedule::Constant,
                Some("cosine") => Schedule::Cosine,
                Some("one-cycle") => Schedule::OneCycle,
                _ => config.schedule,
            },
            learning_rate_floor: self.learning_rate_floor.unwrap_or(config.learning_rate_floor),
            warmup_epochs: self.warmup_epochs.unwrap_or(config.warmup_epochs),
            weight_decay: self.weight_decay.unwrap_or(config.weight_decay),
            label_smoothing: self.label_smoothing.unwrap_or(config.label_smoothing),
            gradient_clip: self.gradient_clip.unwrap_or(config.gradient_clip),
            average_decay: self.average_decay.unwrap_or(config.average_decay),
            seed: self.seed.unwrap_or(config.seed),
            patience: self.patience.unwrap_or(config.patience),
            checkpoint: match self.checkpoint.as_deref() {
                Some("best") => Selection::Best,
                Some("last") => Selection::Last,
                _ => config.checkpoint,
            },
            burn_ops: self.burn_ops || config.burn_ops,
            ..self.data.override_with_flags(config)
        };
        config.check()?;
        Ok(config)
    }
}
