//! Settings as flags of a command line.

use std::marker::PhantomData;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, Command, FromArgMatches};

use crate::error::{Error, Result};

/// The settings of a group `G` that were given on the command line; those left out are not in it.
///
/// A command flattens it where it would flatten `G`: the flags, their help and their checks are `G`'s. What was given
/// can then replace the settings of a recipe, of a file, or of a resumed run.
#[derive(Clone, Debug)]
pub struct Flags<G> {
    /// Key and value of every flag that was given.
    pub given: Vec<(String, String)>,
    group: PhantomData<G>,
}

impl<G: Args> Args for Flags<G> {
    fn augment_args(command: Command) -> Command {
        G::augment_args(command)
    }

    fn augment_args_for_update(command: Command) -> Command {
        G::augment_args_for_update(command)
    }
}

impl<G: Args> FromArgMatches for Flags<G> {
    fn from_arg_matches(matches: &ArgMatches) -> std::result::Result<Self, clap::Error> {
        let command = command::<G>();
        let keys = command.get_arguments().map(|argument| argument.get_id().as_str());
        let is_given = |key: &&str| matches.value_source(key) == Some(ValueSource::CommandLine);
        let value = |key: &str| {
            let raw = matches.get_raw(key).into_iter().flatten().next_back()?;
            Some((key.to_owned(), raw.to_string_lossy().into_owned()))
        };
        Ok(Self { given: keys.filter(is_given).filter_map(value).collect(), group: PhantomData })
    }

    fn update_from_arg_matches(
        &mut self,
        matches: &ArgMatches,
    ) -> std::result::Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// A command whose flags are the settings of `G`; a later flag overrides an earlier one.
pub(super) fn command<G: Args>() -> Command {
    let command = Command::new("settings").no_binary_name(true).disable_help_flag(true);
    G::augment_args(command.args_override_self(true))
}

/// The settings `G` from pairs of key and value; what is left out has its default.
pub(super) fn parse<G: Args>(settings: &[(String, String)]) -> Result<G> {
    let flags = settings.iter().map(|(key, value)| format!("--{}={value}", key.replace('_', "-")));
    let matches = command::<G>().try_get_matches_from(flags).map_err(|error| explain(&error))?;
    G::from_arg_matches(&matches).map_err(|error| explain(&error))
}

/// What clap found wrong with a setting, in terms of its key.
fn explain(error: &clap::Error) -> Error {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        _ => String::new(),
    };
    // clap shows a flag as `--batch-size <N>`.
    let flag = context(ContextKind::InvalidArg);
    let flag = flag.split(['=', ' ', '[']).next().unwrap_or_default();
    let key = flag.trim_start_matches('-').replace('-', "_");
    if error.kind() == ErrorKind::UnknownArgument {
        let nearest = context(ContextKind::SuggestedArg);
        let nearest = nearest.trim_start_matches('-').replace('-', "_");
        return Error::Unknown { key, nearest: Some(nearest).filter(|key| !key.is_empty()) };
    }
    let value = context(ContextKind::InvalidValue);
    let expected = match error.kind() {
        ErrorKind::InvalidValue => {
            format!("it must be one of {}", context(ContextKind::ValidValue))
        }
        _ => {
            std::error::Error::source(error).map_or_else(|| error.to_string(), ToString::to_string)
        }
    };
    Error::Config { key, value, expected }
}
