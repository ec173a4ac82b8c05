//! Image files as a data set: looked at, prepared, and split where the listing leaves that open.

use std::path::{Path, PathBuf};

use images::{ImageShape, Preparation};
use rayon::prelude::*;
use run::DataSettings;

use crate::dataset::{Dataset, hash};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::examples::Examples;
use crate::folder::EXTENSIONS;
use crate::layout::notify_skipped;
use crate::listing::{Listing, Part};
use crate::preparation::{self, Sample};
use crate::prepared::{Entry, Stamp};
use crate::source::Source;
use crate::{memory, reading, test_part};

/// The most files that one error lists.
const MOST_LISTED: usize = 20;
/// How many images are looked at for their sizes and colours: enough to see a class in colour among a hundred.
const SAMPLE: usize = 500;

/// How a file was read, as the cache keeps it.
const USED: u8 = 0;
const BLANK: u8 = 1;
const UNREADABLE: u8 = 2;

/// Loads the images of a listing, each prepared by [`images::to_network`], in the listing's order. `name` and `path` are
/// the data set's. Blank images are left out with a notice, and so are unreadable ones where the settings say so. Where
/// there are no test images, they are split off.
///
/// Memory: the prepared images, and a fifth more where test images are split off; and one decoded image a thread, whose
/// size `images` limits.
///
/// # Errors
/// [`Error::Images`] with the files that cannot be read, [`Error::Classes`] where a class has no image that can be used,
/// [`Error::Memory`], [`Error::Input`].
pub(crate) fn load(
    name: String,
    path: &Path,
    listing: Listing,
    settings: &DataSettings,
    cache: &Path,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Dataset> {
    let stamp_of = |part: &Part| Stamp::of(&listing.root, &part.paths);
    let trained = stamp_of(&listing.train);
    let stamps = (listing.val.as_ref().map(stamp_of), listing.test.as_ref().map(stamp_of));
    let sample = sample(&listing, &trained, cache);
    let (shape, preparation) = input(&listing, &sample, settings, on_event)?;
    let Listing { root, classes, train, val, test } = listing;
    let (mut learned, n_val_files) = joined(train, val);
    let n_tested = test.as_ref().map_or(0, |test| test.paths.len());
    memory::check(learned.paths.len() + n_tested, shape, test.is_none())?;

    let reader = Reader { root: &root, classes: &classes, cache, shape, preparation, settings };
    let mut left_out = LeftOut::default();
    let n_train_files = learned.paths.len() - n_val_files;
    let learned_stamps: Vec<_> = [&trained].into_iter().chain(&stamps.0).collect();
    let (train, used) = reader.read(&mut learned, &learned_stamps, &mut left_out, on_event)?;
    let n_val = used[n_train_files..].iter().filter(|&&used| used).count();
    let tested = test.map(|mut test| {
        reader
            .read(&mut test, &stamps.1.iter().collect::<Vec<_>>(), &mut left_out, on_event)
            .map(|(examples, _)| (examples, test.paths))
    });
    let tested = tested.transpose()?;
    notify_skipped("without contrast", &left_out.blank, on_event);
    notify_skipped("that cannot be read", &left_out.unreadable, on_event);
    if n_val > 0 {
        on_event(Event::Notice(&format!(
            "{} has {n_val} images set apart: validation uses these, and val_fraction has no effect unless it is 0",
            root.display()
        )));
    }
    let parts = match tested {
        Some((test, test_paths)) => {
            test_part::Parts { train, train_paths: learned.paths, test, test_paths }
        }
        None => {
            let parts = test_part::split_off(train, learned.paths, n_val, settings.split_seed);
            test_part::notify(&learned.place, &parts, on_event);
            parts
        }
    };
    let test_part::Parts { train, train_paths, test, test_paths } = parts;
    Ok(Dataset {
        name,
        source: Source::Directory(path.to_owned()),
        synthetic: false,
        classes,
        shape,
        preparation,
        sha256: hash(&train, &test),
        train,
        train_paths,
        n_val,
        test,
        test_paths,
        root,
    })
}

/// The shape of the network's input and how images become it. A notice says so where colours are lost.
pub(crate) fn input(
    listing: &Listing,
    sample: &Sample,
    settings: &DataSettings,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<(ImageShape, Preparation)> {
    let names: Vec<&str> = listing.classes.iter().map(String::as_str).collect();
    let preparation = preparation::of_files(settings, &names, sample);
    let shape = preparation::shape(settings, sample, preparation, on_event)?;
    if shape.channels == 1 && sample.n_coloured > 0 {
        on_event(Event::Notice(&format!(
            "{} of {} images looked at in {} have colours: only their brightness is used, so classes that differ in \
             colour alone look the same (--color rgb)",
            sample.n_coloured,
            sample.sides.len(),
            listing.train.place.display()
        )));
    }
    Ok((shape, preparation))
}

/// Training and validation images as one part, and how many of them are the latter.
fn joined(mut train: Part, val: Option<Part>) -> (Part, usize) {
    let Some(val) = val else { return (train, 0) };
    let n_val = val.paths.len();
    train.paths.extend(val.paths);
    train.labels.extend(val.labels);
    (train, n_val)
}

/// What is not used of a listing's files.
#[derive(Default)]
struct LeftOut {
    blank: Vec<PathBuf>,
    unreadable: Vec<PathBuf>,
}

/// What reading a part takes.
struct Reader<'a> {
    root: &'a Path,
    classes: &'a [String],
    cache: &'a Path,
    shape: ImageShape,
    preparation: Preparation,
    settings: &'a DataSettings,
}

impl Reader<'_> {
    /// The prepared images of a part, from the cache or from its files, which `stamps` describe, and for each file whether it is used. The part
    /// keeps the paths of the used ones.
    fn read(
        &self,
        part: &mut Part,
        stamps: &[&Option<Stamp>],
        left_out: &mut LeftOut,
        on_event: &mut dyn FnMut(Event<'_>),
    ) -> Result<(Examples, Vec<bool>)> {
        let &Self { root, shape, preparation, settings, .. } = self;
        let skip = settings.skip_unreadable;
        let how = format!("{:?} {} {skip}", shape.dimensions(), preparation.name());
        let entry = Entry::of(self.cache, stamps, &how);
        let kept = entry.as_ref().and_then(|entry| {
            let is_part = |states: &[u8]| states.len() == part.paths.len();
            entry.read(|states| is_part(states).then(|| n_used(states) * shape.size()))
        });
        let (states, pixels) = match kept {
            Some(kept) => kept,
            None => {
                let made = self.decode(part, on_event)?;
                if let Some(Err(error)) = entry.map(|entry| entry.write(&made.0, &made.1)) {
                    on_event(Event::Notice(&format!(
                        "the prepared images are not kept for the next run: {error}"
                    )));
                }
                made
            }
        };
        let used: Vec<bool> = states.iter().map(|&state| state == USED).collect();
        for (path, &state) in part.paths.iter().zip(&states) {
            match state {
                USED => {}
                BLANK => left_out.blank.push(root.join(path)),
                _ => left_out.unreadable.push(root.join(path)),
            }
        }
        let (mut of_paths, mut of_labels) = (used.iter(), used.iter());
        part.paths.retain(|_| of_paths.next() == Some(&true));
        part.labels.retain(|_| of_labels.next() == Some(&true));
        let is_empty = |(label, _): &&(u16, PathBuf)| !part.labels.contains(label);
        if let Some((label, place)) = part.classes.iter().find(is_empty) {
            let class = &self.classes[usize::from(*label)];
            let extensions = EXTENSIONS.join(", ");
            let reason = format!(
                "it has no images of class {class} that can be used: add some ({extensions})"
            );
            return Err(Error::Classes { path: place.clone(), reason });
        }
        Ok((Examples { shape, pixels, labels: part.labels.clone() }, used))
    }

    /// The state of every file of a part, and the pixels of the used ones.
    fn decode(
        &self,
        part: &Part,
        on_event: &mut dyn FnMut(Event<'_>),
    ) -> Result<(Vec<u8>, Vec<u8>)> {
        let &Self { root, shape, preparation, settings, .. } = self;
        let size = shape.size();
        let mut pixels = vec![0; part.paths.len() * size];
        let prepare = |(pixels, path): (&mut [u8], &PathBuf)| {
            let image = reading::image(root, path)?;
            let prepared = images::to_network(&image, shape, preparation);
            pixels.copy_from_slice(&prepared.map_err(|error| error.of(&root.join(path)))?.pixels);
            Ok(())
        };
        let items = pixels.par_chunks_exact_mut(size).zip(&part.paths);
        let results: Vec<images::Result<()>> = reading::in_parallel(items, prepare, on_event);
        let states: Vec<u8> = results.iter().map(state).collect();
        let broken: Vec<_> = results.into_iter().filter_map(|result| result.err()).collect();
        if !settings.skip_unreadable && states.contains(&UNREADABLE) {
            return Err(unreadable(part.place.clone(), broken));
        }
        let mut kept = 0;
        for (position, _) in states.iter().enumerate().filter(|(_, state)| **state == USED) {
            pixels.copy_within(position * size..(position + 1) * size, kept * size);
            kept += 1;
        }
        pixels.truncate(kept * size);
        Ok((states, pixels))
    }
}

fn n_used(states: &[u8]) -> usize {
    states.iter().filter(|&&state| state == USED).count()
}

fn state(result: &images::Result<()>) -> u8 {
    match result {
        Ok(()) => USED,
        Err(error) if is_blank(error) => BLANK,
        Err(_) => UNREADABLE,
    }
}

/// The error of files that cannot be read.
fn unreadable(path: PathBuf, mut broken: Vec<images::Error>) -> Error {
    broken.retain(|error| !is_blank(error));
    let mut list: Vec<_> = broken.iter().take(MOST_LISTED).map(|error| reasons(error)).collect();
    let more = broken.len().saturating_sub(MOST_LISTED);
    list.extend((more > 0).then(|| format!("and {more} more")));
    Error::Images { path, n: broken.len(), list: list.join("\n  ") }
}

/// Sides and colours of some of the training images, evenly chosen; those that cannot be read are left to be reported
/// later. Photographs take long to decode, so what was seen is kept.
pub(crate) fn sample(listing: &Listing, stamp: &Option<Stamp>, cache: &Path) -> Sample {
    let (root, files) = (&listing.root, &listing.train.paths);
    let entry = Entry::of(cache, &[stamp], "sample");
    let kept = entry.as_ref().and_then(|entry| entry.read(|_| Some(0)));
    if let Some(sample) = kept.and_then(|(head, _)| Sample::from_bytes(&head)) {
        return sample;
    }
    let chosen: Vec<_> = files.iter().step_by(files.len().div_ceil(SAMPLE).max(1)).collect();
    let looked: Vec<_> = chosen
        .par_iter()
        .filter_map(|path| reading::image(root, path).ok())
        .map(|image| ([image.height(), image.width()], image.has_colour()))
        .collect();
    let sample = Sample {
        sides: looked.iter().map(|(sides, _)| *sides).collect(),
        n_coloured: looked.iter().filter(|(_, coloured)| *coloured).count(),
    };
    // The images are kept too; what is wrong there is said then.
    drop(entry.map(|entry| entry.write(&sample.to_bytes(), &[])));
    sample
}

/// Whether an image has nothing that differs from its background.
pub(crate) fn is_blank(error: &images::Error) -> bool {
    match error {
        images::Error::File { source, .. } => is_blank(source),
        error => matches!(error, images::Error::Blank),
    }
}

/// An error and its sources in one line.
pub(crate) fn reasons(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
