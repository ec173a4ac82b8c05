//! Looks at every image of a data set once, and keeps what it is recognised by.

use std::path::PathBuf;

use images::{Fingerprint, Grey, Image, ImageShape, Preparation};
use rayon::prelude::*;
use run::DataSettings;
use sha2::{Digest, Sha256};

use super::Unreadable;
use crate::error::{Error, Result};
use crate::event::Event;
use crate::image_files::{input, is_blank, reasons, sample};
use crate::listing::Listing;
use crate::load::{Images, LoadOptions, find, load};
use crate::prepared::Stamp;
use crate::source::Source;
use crate::{Dataset, Examples, reading, test_part};

/// What the parts are called.
pub(super) const TRAIN: &str = "train";
pub(super) const VALIDATION: &str = "validation";
pub(super) const TEST: &str = "test";

/// An image that was looked at.
pub(super) struct Scanned {
    pub(super) path: String,
    pub(super) label: u16,
    pub(super) part: &'static str,
    /// Height and width of the file's image, in pixels.
    pub(super) sides: [usize; 2],
    pub(super) mode: &'static str,
    /// Of the prepared pixels.
    pub(super) digest: [u8; 16],
    pub(super) fingerprint: Fingerprint,
}

/// A data set that was looked at.
pub(super) struct Scan {
    pub(super) data: String,
    pub(super) classes: Vec<String>,
    pub(super) images: Vec<Scanned>,
    pub(super) unreadable: Vec<Unreadable>,
    pub(super) blank: Vec<String>,
    pub(super) shape: ImageShape,
    pub(super) preparation: Preparation,
}

/// Looks at the data set that `settings.data` names.
pub(super) fn scan(
    settings: &DataSettings,
    options: &LoadOptions,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Scan> {
    let Ok(source) = settings.data.parse();
    if let Source::Directory(path) = source {
        // Loading finds them again, and says so then.
        let mut notices = Vec::new();
        let found = find(&path, &mut |event| {
            if let Event::Notice(text) = event {
                notices.push(text.to_owned());
            }
        })?;
        if let Images::Files(listing) = found.images {
            notices.iter().for_each(|notice| on_event(Event::Notice(notice)));
            let data = found.path.display().to_string();
            return of_files(data, *listing, settings, options, on_event);
        }
    }
    of_stored(load(settings, options, on_event)?, on_event)
}

/// Looks at image files.
fn of_files(
    data: String,
    listing: Listing,
    settings: &DataSettings,
    options: &LoadOptions,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Scan> {
    let sample = sample(&listing, &Stamp::of(&listing.root, &listing.train.paths), &options.cache);
    let (shape, preparation) = input(&listing, &sample, settings, on_event)?;
    let Listing { root, classes, train, val, test } = listing;
    let splits = test.is_none();
    let mut files: Vec<(&'static str, PathBuf, u16)> = Vec::new();
    for (name, part) in [(TRAIN, Some(train)), (VALIDATION, val), (TEST, test)] {
        let part = part.unwrap_or_default();
        let labelled = part.paths.into_iter().zip(part.labels);
        files.extend(labelled.map(|(path, label)| (name, path, label)));
    }
    let look = |(part, path, label): &(&'static str, PathBuf, u16)| -> images::Result<Scanned> {
        let image = reading::image(&root, path)?;
        let prepared = images::to_network(&image, shape, preparation)?;
        let path = path.display().to_string();
        Ok(scanned((part, path, *label), &image, &prepared.pixels))
    };
    let results = reading::in_parallel(files.par_iter(), look, on_event);
    let (mut images, mut unreadable, mut blank) = (Vec::new(), Vec::new(), Vec::new());
    for (result, (_, path, _)) in results.into_iter().zip(&files) {
        let name = || path.display().to_string();
        match result {
            Ok(image) => images.push(image),
            Err(error) if is_blank(&error) => blank.push(name()),
            Err(error) => unreadable.push(Unreadable { path: name(), reason: reason(&error) }),
        }
    }
    if splits {
        split_off(&mut images, settings.split_seed);
        on_event(Event::Notice(
            "there are no test images: a fifth of each class would be split off for the test, drawn by the split seed",
        ));
    }
    Ok(Scan { data, classes, images, unreadable, blank, shape, preparation })
}

/// Why a file cannot be read, without its name.
fn reason(error: &images::Error) -> String {
    match error {
        images::Error::File { source, .. } => reasons(source.as_ref()),
        error => reasons(error),
    }
}

/// Marks the images that would be split off as test images, as [`test_part::split_off`] does.
fn split_off(images: &mut [Scanned], seed: u32) {
    let trained: Vec<usize> =
        (0..images.len()).filter(|&index| images[index].part == TRAIN).collect();
    let labels: Vec<u16> = trained.iter().map(|&index| images[index].label).collect();
    let groups = test_part::groups(trained.iter().map(|&index| &images[index].digest[..]));
    let is_test = test_part::choose(&labels, &groups, seed);
    for (index, _) in trained.into_iter().zip(is_test).filter(|(_, is_test)| *is_test) {
        images[index].part = TEST;
    }
}

/// Looks at images that have no files of their own.
fn of_stored(dataset: Dataset, on_event: &mut dyn FnMut(Event<'_>)) -> Result<Scan> {
    let Dataset { source, classes, shape, preparation, train, n_val, test, .. } = dataset;
    let n_train = train.len() - n_val;
    let mut images = Vec::new();
    for (part, examples) in [(TRAIN, &train), (TEST, &test)] {
        let part_of = |index: usize| match part {
            TRAIN if index >= n_train => VALIDATION,
            part => part,
        };
        let look = |index: usize| {
            let image = stored(examples, index)?;
            let name = (part_of(index), index.to_string(), examples.labels[index]);
            Ok(scanned(name, &image, examples.image(index)))
        };
        let results: Vec<images::Result<Scanned>> =
            reading::in_parallel((0..examples.len()).into_par_iter(), look, on_event);
        for (index, result) in results.into_iter().enumerate() {
            images
                .push(result.map_err(|source| Error::Prepare { index, source: Box::new(source) })?);
        }
    }
    let data = source.to_string();
    let (unreadable, blank) = (Vec::new(), Vec::new());
    Ok(Scan { data, classes, images, unreadable, blank, shape, preparation })
}

/// A stored image as grey levels.
fn stored(examples: &Examples, index: usize) -> images::Result<Image> {
    let ImageShape { height, width, .. } = examples.shape;
    let pixels = examples.image(index)[..height * width].to_vec();
    Image::from_grey(Grey { width, height, pixels, lossy: false })
}

fn scanned(
    (part, path, label): (&'static str, String, u16),
    image: &Image,
    prepared: &[u8],
) -> Scanned {
    let mut digest = [0; 16];
    digest.copy_from_slice(&Sha256::digest(prepared)[..16]);
    Scanned {
        path,
        label,
        part,
        sides: [image.height(), image.width()],
        mode: image.mode(),
        digest,
        fingerprint: Fingerprint::of(image),
    }
}
