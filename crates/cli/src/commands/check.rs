//! `check`: what is wrong with a data set, and what would be done to its images.

use std::process::ExitCode;

use clap::{ArgMatches, Command, FromArgMatches};
use dataset::{Check, Named};
use run::{DataSettings, Flags};

use crate::arguments::MachineArgs;
use crate::console;
use crate::progress::Downloads;

/// The most files, groups or pairs that are listed of each kind; `--json` has more.
const LISTED: usize = 10;
/// The most sizes that are listed.
const SIZES: usize = 5;
/// Columns of the numbers of the table of classes.
const COUNTS: usize = 33;
/// A class with fewer training images gets a warning: with twenty a class, `--from` gives something useful.
const FEWEST: usize = 20;

/// Which images.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// What to check: a folder, a CSV, mnist or synthetic
    #[arg(value_name = "DATA")]
    images: String,
    /// Print everything as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: CheckFlags,
    #[command(flatten, next_help_heading = "Machine")]
    machine: MachineArgs,
}

/// Settings of the data that change nothing here: every image is looked at.
const UNUSED: [&str; 5] = ["data", "val_fraction", "stratify", "limit", "skip_unreadable"];

/// The settings of the data but for those.
#[derive(Debug)]
struct CheckFlags(Flags<DataSettings>);

impl clap::Args for CheckFlags {
    fn augment_args(command: Command) -> Command {
        let command = Flags::<DataSettings>::augment_args(command);
        UNUSED.iter().fold(command, |command, key| command.mut_arg(key, |arg| arg.hide(true)))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for CheckFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let flags = Flags::<DataSettings>::from_arg_matches(matches)?;
        match flags.given.iter().find(|(key, _)| UNUSED.contains(&key.as_str())) {
            None => Ok(Self(flags)),
            Some((key, _)) => {
                let flag = key.replace('_', "-");
                let message = format!("check looks at every image of DATA: leave out --{flag}\n");
                Err(clap::Error::raw(clap::error::ErrorKind::ArgumentConflict, message))
            }
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

pub(super) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    args.machine.apply()?;
    let named = [("data".to_owned(), args.images.clone())];
    let given = &args.settings.0.given;
    let settings = run::Config::default().with(&[given, &named[..]].concat())?.data;
    let options = pipeline::load_options(args.machine.offline);
    let progress = Downloads::new();
    let found = dataset::check(&settings, &options, &mut |event| progress.show(&event))?;
    drop(progress);
    if args.json {
        console::json(&found)?;
    } else {
        print(&found);
    }
    Ok(if found.n_faults() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn print(found: &Check) {
    console::heading(&format!("Images: {}", found.data));
    found.notices.iter().for_each(|notice| console::notice(notice));
    console::line(&format!("{} images in {} classes", found.n_images, found.classes.len()));
    console::line(&format!("sizes: {}", counts(&found.sizes, SIZES)));
    console::line(&format!("stored as {}", counts(&found.modes, SIZES)));
    let images::ImageShape { channels, height, width } = found.shape;
    let colors = if channels == 1 { "grey levels" } else { "red, green, blue" };
    let preparation = found.preparation.name();
    console::line(&format!("each becomes {width}x{height} pixels, {colors}, by \"{preparation}\""));
    classes(found);
    let n_faults = found.n_faults();
    console::heading(&match n_faults {
        0 => "Faults: none".to_owned(),
        n => format!("Faults: {n}"),
    });
    section("files that cannot be read", found.unreadable.len(), &found.unreadable, |file| {
        format!("{}: {}", file.path, file.reason)
    });
    let group = |group: &Vec<Named>| group.iter().map(name).collect::<Vec<_>>().join(" = ");
    let n = found.contradictions.len();
    section("groups of equal images with several labels", n, &found.contradictions, group);
    let n = found.duplicates.len();
    section("groups of equal images", n, &found.duplicates, group);
    let near = |[a, b]: &[Named; 2]| format!("{} ~ {}", name(a), name(b));
    let listed = &found.near_duplicates;
    let (across, within) = listed.split_at(found.n_near_across.min(listed.len()));
    let n = found.n_near_across;
    section("pairs across parts that look the same without being equal", n, across, near);
    let n_within = found.n_near_duplicates - found.n_near_across;
    if !found.blank.is_empty() || n_within > 0 {
        console::heading("Also");
        let n = found.blank.len();
        section("images without contrast, which would be left out", n, &found.blank, Clone::clone);
        section(
            "pairs within a part that look the same without being equal",
            n_within,
            within,
            near,
        );
    }
}

/// Prints the images of each class, and a warning where the classes are unequal.
fn classes(found: &Check) {
    let longest = found.classes.iter().map(|count| count.class.chars().count()).max().unwrap_or(0);
    let width = longest.min(console::columns().saturating_sub(COUNTS + 2)).max(5);
    console::line(&format!(
        "{:<width$}  {:>9}  {:>10}  {:>8}",
        "class", "training", "validation", "test"
    ));
    for count in &found.classes {
        let class = console::shortened(&count.class, width);
        let dataset::ClassCount { train, validation, test, .. } = count;
        console::line(&format!("{class:<width$}  {train:>9}  {validation:>10}  {test:>8}"));
    }
    if found.classes.iter().all(|count| count.validation == 0) {
        console::line("training will set some of the training images apart for validation");
    }
    let fewest = found.classes.iter().map(|count| count.train).min().unwrap_or(0);
    if fewest < FEWEST {
        console::warning(&format!(
            "the smallest class has {fewest} training images: add some, or start from a run that learned similar ones \
             (train --from)"
        ));
    }
    if let Some(times) = found.imbalance {
        console::warning(&format!(
            "the largest class has {times:.1} times the images of the smallest: the network will favour it, and accuracy \
             says little about the small ones"
        ));
    }
}

/// Prints what was found, how many, and the first of them.
fn section<T>(what: &str, n: usize, listed: &[T], text: impl Fn(&T) -> String) {
    if n == 0 {
        return;
    }
    console::line(&format!("{what}: {n}"));
    listed.iter().take(LISTED).for_each(|item| console::line(&format!("  {}", text(item))));
    if n > LISTED {
        console::line(&format!("  and {} more (--json)", n - LISTED));
    }
}

/// An image, with its label and part where these are not in its path.
fn name(image: &Named) -> String {
    format!("{} ({}, {})", image.path, image.label, image.part)
}

fn counts(counts: &[(String, usize)], most: usize) -> String {
    let listed = counts.iter().take(most).map(|(value, n)| format!("{value} ({n})"));
    let more = counts.len().saturating_sub(most);
    let more = (more > 0).then(|| format!("{more} others"));
    listed.chain(more).collect::<Vec<_>>().join(", ")
}
