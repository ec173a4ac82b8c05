//! Settings as TOML: a flat table with one `key = value` a setting.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::Config;
use crate::error::{Error, Result};
use crate::file::write_atomically;
use crate::reading::read_text;

impl Config {
    /// Reads a TOML file; keys it leaves out keep their defaults.
    ///
    /// # Errors
    /// [`Error::Read`]; [`Error::Settings`] with the line of an unknown key or of a value outside its range, or where
    /// settings contradict each other.
    pub fn read(path: &Path) -> Result<Self> {
        let text = read_text(path)?;
        let settings = |reason| Error::Settings { path: path.to_owned(), reason };
        let config = Self::from_toml(&text).map_err(settings)?;
        config.check().map_err(|error| settings(error.to_string()))?;
        Ok(config)
    }

    /// The configuration that TOML text describes; keys it leaves out keep their defaults.
    ///
    /// # Errors
    /// What is wrong with the text, with its line. Settings that contradict each other are not found here, see
    /// [`check`](Self::check).
    pub fn from_toml(text: &str) -> std::result::Result<Self, String> {
        let table = DeTable::parse(text).map_err(|error| error.to_string())?;
        let mut settings = Vec::new();
        for (key, value) in table.get_ref() {
            let line = text[..key.span().start].matches('\n').count() + 1;
            let value = match value.get_ref() {
                DeValue::String(text) => text.to_string(),
                DeValue::Integer(integer) => integer.to_string(),
                DeValue::Float(float) => float.to_string(),
                DeValue::Boolean(boolean) => boolean.to_string(),
                _ => return Err(format!("line {line}: {} is not a single value", key.get_ref())),
            };
            let setting = (key.get_ref().to_string(), value);
            Self::default()
                .with(std::slice::from_ref(&setting))
                .map_err(|error| format!("line {line}: {error}"))?;
            settings.push(setting);
        }
        Self::default().with(&settings).map_err(|error| error.to_string())
    }

    /// Writes the configuration as TOML, atomically.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub fn write(&self, path: &Path) -> Result<()> {
        write_atomically(path, self.to_toml().as_bytes())
    }

    /// The configuration as TOML text, one `key = value` a line.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("settings are numbers, strings and enums")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{Architecture, Schedule, Selection};

    /// Every setting away from its default.
    const OTHER: &str = r#"
recipe = "mine"
data = "/data/my digits"
prepare = "stretch"
size = "32x20"
color = "rgb"
val_fraction = 0.25
split_seed = 7
stratify = true
limit = 5
skip_unreadable = true
rotation = 10.0
shift = 2
zoom = 0.1
elastic = 0.5
flip = true
crop = 0.125
brightness = 0.25
contrast = 0.25
saturation = 0.25
erase = 0.25
architecture = "vgg"
depth = 5
blocks = 2
whiten = true
width = 24
hidden = 64
pooling = "average"
batch_norm = true
conv_dropout = 0.125
dense_dropout = 0.0
optimizer = "muon"
learning_rate = 3e-3
schedule = "one-cycle"
learning_rate_floor = 0.2
warmup_epochs = 1.5
weight_decay = 0.01
gradient_clip = 1.0
average_decay = 0.999
epochs = 4
min_steps = 100
batch_size = 32
label_smoothing = 0.1
class_weights = "balanced"
seed = 9223372036854775807
patience = 3
min_delta = 0.5
from = "run-1"
freeze = true
checkpoint = "last"
burn_ops = true
"#;

    #[test]
    fn every_setting_goes_through_toml_and_back() {
        let other = Config::from_toml(OTHER).unwrap();
        let default = Config::default();
        assert_eq!(Config::from_toml(&other.to_toml()), Ok(other.clone()));
        assert_eq!(Config::from_toml(&default.to_toml()), Ok(default.clone()));
        let same: Vec<_> =
            default.settings().into_iter().filter(|pair| other.settings().contains(pair)).collect();
        assert_eq!(same, [], "these keep their default");
        assert_eq!(other.settings().len(), OTHER.trim().lines().count());
        assert_eq!(other.network.architecture, Architecture::Vgg);
        assert_eq!(other.optimizer.schedule, Schedule::OneCycle);
        assert_eq!(other.training.checkpoint, Selection::Last);
        assert_eq!((other.optimizer.learning_rate, other.augmentation.shift), (0.003, 2.0));
    }

    #[test]
    fn mistakes_are_named_with_their_line() {
        for (line, words) in [
            ("widht = 3", ["'widht'", "did you mean 'width'?"]),
            ("xyzzy = 3", ["'xyzzy'", "no setting"]),
            ("epochs = 0", ["epochs = 0", "a whole number from 1 to 100000"]),
            ("epochs = 99999999999999999999", ["line 2", "epochs"]),
            ("epochs = 1.5", ["epochs = 1.5", "a whole number"]),
            ("schedule = \"linear\"", ["schedule = linear", "cosine, one-cycle"]),
            ("val_fraction = 1.0", ["val_fraction = 1", "a number from 0 to below 1"]),
            ("learning_rate = nan", ["learning_rate = nan", "a number from"]),
            ("learning_rate = -1.0", ["learning_rate = -1", "a number from"]),
            ("zoom = 2", ["zoom = 2", "a number from 0 to 0.9"]),
            ("stratify = 3", ["stratify = 3", "true, false"]),
            ("width = 100000", ["width = 100000", "from 1 to 1024"]),
            ("zoom = [1]", ["zoom", "single value"]),
            ("epochs = ", ["line 2", ""]),
        ] {
            let error = Config::from_toml(&format!("batch_size = 8\n{line}\n")).unwrap_err();
            assert!(error.contains("line 2"), "{error}");
            assert!(words.iter().all(|word| error.contains(word)), "{line}: {error}");
        }
    }

    #[test]
    fn settings_that_contradict_each_other_are_refused() {
        for (text, key) in [
            ("epochs = 2\nwarmup_epochs = 2.5", "warmup_epochs"),
            ("val_fraction = 0.0", "val_fraction"),
            ("val_fraction = 0\ncheckpoint = 'last'\npatience = 1", "patience"),
            ("batch_norm = true", "batch_norm"),
            ("depth = 5", "depth"),
            ("learning_rate_floor = 0.1", "learning_rate_floor"),
            ("min_delta = 0.1", "min_delta"),
        ] {
            let error = Config::from_toml(text).unwrap().check().unwrap_err();
            assert!(matches!(&error, Error::Config { key: found, .. } if found == key), "{error}");
        }
        assert!(Config::default().check().is_ok());
    }

    #[test]
    fn settings_that_change_nothing_depend_on_the_others() {
        let changes_nothing = |text: &str| {
            let settings = Config::from_toml(text).unwrap().without_effect();
            settings.into_iter().map(|(key, _)| key).collect::<Vec<_>>()
        };
        #[rustfmt::skip]
        let all =
            ["depth", "batch_norm", "blocks", "whiten", "learning_rate_floor", "freeze", "min_delta"];
        assert_eq!(changes_nothing(""), all);
        assert_eq!(changes_nothing("architecture = 'vgg'"), all[2..]);
        assert_eq!(changes_nothing("patience = 1\nschedule = 'cosine'\nfrom = 'run-1'"), all[..4]);
    }

    #[test]
    fn a_difference_names_the_first_key() {
        let ours = Config::default();
        let theirs = ours.with(&[("epochs".to_owned(), "3".to_owned())]).unwrap();
        let expected = ("epochs".to_owned(), "20".to_owned(), "3".to_owned());
        assert_eq!(ours.difference(&theirs), Some(expected));
        assert_eq!(ours.difference(&ours), None);
    }
}
