//! Every setting of a run.
//!
//! A setting is declared once, as a field of one of the groups: its name, documentation, default and range. The flags of
//! the command line, the keys of a TOML file or recipe, the checks and the help all come from that declaration.

mod augmentation;
mod data;
mod file;
mod flags;
mod network;
mod optimizer;
mod range;
mod training;

use clap::Args;
use serde::Serialize;

use crate::error::{Error, Result};

pub use augmentation::*;
pub use data::*;
pub use flags::Flags;
pub use network::*;
pub use optimizer::*;
pub use range::{count, number};
pub use training::*;

/// Every setting that changes what a run computes.
///
/// The defaults are the article's, except for the checkpoint: the article keeps the last epoch, kiln the one with the
/// lowest validation loss.
///
/// What does not change the result (threads, the run's name) is not here: two runs with equal configurations have equal
/// metrics.
#[derive(Args, Clone, Debug, PartialEq, Serialize)]
pub struct Config {
    /// Settings that belong together: article, regularised, best and fast for images like MNIST's, images and images-small
    /// for others, or a TOML file; flags override them [default: the one that suits the images]
    #[arg(long, value_name = "NAME", default_value = "article", hide_default_value = true)]
    pub recipe: String,
    /// Which images, and how they are split.
    #[command(flatten)]
    #[serde(flatten)]
    pub data: DataSettings,
    /// How training images are changed each time they are shown.
    #[command(flatten)]
    #[serde(flatten)]
    pub augmentation: AugmentationSettings,
    /// Which network.
    #[command(flatten)]
    #[serde(flatten)]
    pub network: NetworkSettings,
    /// How the weights are updated.
    #[command(flatten)]
    #[serde(flatten)]
    pub optimizer: OptimizerSettings,
    /// How long to train, on what target, and which epoch to keep.
    #[command(flatten)]
    #[serde(flatten)]
    pub training: TrainingSettings,
}

impl Default for Config {
    fn default() -> Self {
        Self::from_settings(&[]).expect("every default is within its own range")
    }
}

impl Config {
    /// This configuration with some settings replaced, given as pairs of key and value; the last of equal keys counts.
    ///
    /// A given number of epochs is not raised by `min_steps`, and a warm-up that would be longer takes half of them, unless
    /// these are given too.
    ///
    /// # Errors
    /// [`Error::Config`] for an unknown key or a value outside its range.
    pub fn with(&self, settings: &[(String, String)]) -> Result<Self> {
        let mut config = Self::from_settings(&[self.settings(), settings.to_vec()].concat())?;
        let is_given = |key: &str| settings.iter().any(|(given, _)| given == key);
        if is_given("epochs") && !is_given("min_steps") {
            config.training.min_steps = 0;
        }
        let epochs = config.training.epochs as f64;
        let longer = config.optimizer.warmup_epochs > epochs;
        if longer && is_given("epochs") && !is_given("warmup_epochs") {
            config.optimizer.warmup_epochs = epochs / 2.0;
        }
        Ok(config)
    }

    /// Every setting as key and value, in declared order. [`with`](Self::with) reads them back exactly.
    #[must_use]
    pub fn settings(&self) -> Vec<(String, String)> {
        let table = toml::Table::try_from(self).expect("settings are numbers, strings and enums");
        let text = |value: &toml::Value| match value {
            toml::Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let command = flags::command::<Self>();
        let keys = command.get_arguments().map(|argument| argument.get_id().to_string());
        keys.filter_map(|key| table.get(&key).map(text).map(|value| (key, value))).collect()
    }

    /// These settings, with what they leave open as the configuration `settled` of a run has it: where the images are, the
    /// network's input, and the epochs that `min_steps` gave.
    #[must_use]
    pub fn settled_as(&self, settled: &Self) -> Self {
        let mut config = self.clone();
        let (open, data) = (&mut config.data, &settled.data);
        open.data.clone_from(&data.data);
        open.prepare = if open.prepare == Prepare::Auto { data.prepare } else { open.prepare };
        open.size = if open.size == Size::Auto { data.size } else { open.size };
        open.color = if open.color == Color::Auto { data.color } else { open.color };
        let training = &mut config.training;
        if training.min_steps > 0 && settled.training.epochs >= training.epochs {
            (training.epochs, training.min_steps) = (settled.training.epochs, 0);
        }
        config
    }

    /// What a run that starts from the weights of one with these settings has in common with it: the network's settings
    /// and its input's, as key and value.
    #[must_use]
    pub fn inherited(&self) -> Vec<(String, String)> {
        let of_network = flags::command::<NetworkSettings>();
        let of_network: Vec<_> =
            of_network.get_arguments().map(|a| a.get_id().to_string()).collect();
        let dropped = ["conv_dropout", "dense_dropout"];
        let without_effect = self.without_effect();
        let is_inherited = |key: &str| {
            let input = ["prepare", "size", "color"].contains(&key);
            let network = of_network.iter().any(|own| own == key) && !dropped.contains(&key);
            input || network && !without_effect.iter().any(|(without, _)| *without == key)
        };
        self.settings().into_iter().filter(|(key, _)| is_inherited(key)).collect()
    }

    /// The first setting in which two configurations differ: its key, the value here and the value in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<(String, String, String)> {
        let pairs = self.settings().into_iter().zip(other.settings());
        pairs
            .into_iter()
            .find(|(a, b)| a != b)
            .map(|((key, ours), (_, theirs))| (key, ours, theirs))
    }

    /// The settings that change nothing, whatever their values, with the reason: others switch them off.
    #[must_use]
    pub fn without_effect(&self) -> Vec<(&'static str, &'static str)> {
        let Self { network, optimizer, training, .. } = self;
        let of = |architecture| network.architecture == architecture;
        let (vgg, blocks) = (of(Architecture::Vgg), of(Architecture::Blocks));
        let only_vgg = "only the network vgg has it: use architecture = \"vgg\"";
        let only_blocks = "only the network blocks has it: use architecture = \"blocks\"";
        let not_blocks = "the network blocks has no such layer: use another architecture";
        let constant = optimizer.schedule == Schedule::Constant;
        let switched_off = [
            (!vgg, "depth", only_vgg),
            (!vgg, "batch_norm", only_vgg),
            (!blocks, "blocks", only_blocks),
            (!blocks, "whiten", only_blocks),
            (blocks, "hidden", not_blocks),
            (blocks, "dense_dropout", not_blocks),
            (
                constant,
                "learning_rate_floor",
                "a constant learning rate has no floor: use another schedule",
            ),
            (
                training.from.is_empty(),
                "freeze",
                "without the weights of another run there is nothing to keep: use from",
            ),
            (training.patience == 0, "min_delta", "it has no effect without patience"),
        ];
        switched_off.into_iter().filter(|(off, ..)| *off).map(|(_, key, why)| (key, why)).collect()
    }

    /// Checks the settings that depend on each other. The range of each alone is checked where it is read.
    ///
    /// # Errors
    /// [`Error::Config`] for the first setting that contradicts another, or that differs from its default and changes
    /// nothing.
    pub fn check(&self) -> Result<()> {
        let Self { data, optimizer, training, .. } = self;
        let validates = data.val_fraction > 0.0;
        let keeps_best = training.checkpoint == Selection::Best;
        for (key, value, holds, expected) in [
            (
                "warmup_epochs",
                optimizer.warmup_epochs.to_string(),
                optimizer.warmup_epochs <= training.epochs as f64,
                "it must not exceed the number of epochs",
            ),
            (
                "val_fraction",
                data.val_fraction.to_string(),
                validates || !keeps_best,
                "without validation images there is no best epoch: use checkpoint = \"last\"",
            ),
            (
                "patience",
                training.patience.to_string(),
                validates || training.patience == 0,
                "without validation images it must be 0",
            ),
        ] {
            if !holds {
                return Err(Error::Config {
                    key: key.to_owned(),
                    value,
                    expected: expected.to_owned(),
                });
            }
        }
        let (settings, defaults) = (self.settings(), Self::default().settings());
        for (key, why) in self.without_effect() {
            let changed = settings.iter().find(|pair| pair.0 == key && !defaults.contains(pair));
            if let Some((key, value)) = changed {
                let (key, value) = (key.clone(), value.clone());
                return Err(Error::Config { key, value, expected: why.to_owned() });
            }
        }
        Ok(())
    }

    fn from_settings(settings: &[(String, String)]) -> Result<Self> {
        flags::parse(settings)
    }
}
