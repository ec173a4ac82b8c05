//! MNIST, from the cache or a mirror, and folders with four files in its format.

use std::path::Path;

use images::Preparation;
use run::DataSettings;

use crate::dataset::{Dataset, MAX_CLASSES, digit_names, folder_name};
use crate::download::{Remote, agent};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::idx::{self, Files};
use crate::preparation;
use crate::source::Source;
use crate::{cache::obtain, emnist};

/// SHA-256 of MNIST's four files, decompressed, in the order of [`idx::ROLES`].
const MNIST_SHA256: [&str; 4] = [
    "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
];
/// SHA-256 of Fashion-MNIST's label files, decompressed: training, test. 70,000 labels in that order identify it; only
/// the names of the classes depend on the match.
const FASHION_LABELS_SHA256: [&str; 2] = [
    "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
    "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
];
/// Fashion-MNIST's classes, as its authors name them.
const FASHION_CLASSES: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];
/// Maintained copies of MNIST: those of TensorFlow and of PyTorch. Why without TLS: see [`download`](crate::download).
const MIRRORS: [&str; 2] = [
    "http://storage.googleapis.com/cvdf-datasets/mnist/",
    "http://ossci-datasets.s3.amazonaws.com/mnist/",
];

/// MNIST from the cache, or from a mirror. The files' hashes are checked at every load.
pub(crate) fn load(
    cache: &Path,
    offline: bool,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Dataset> {
    let remotes: [Remote; 4] = std::array::from_fn(|file| Remote {
        name: idx::ROLES[file].name.to_owned(),
        sha256: MNIST_SHA256[file].to_owned(),
    });
    let mirrors = if offline { &[] } else { &MIRRORS[..] };
    let paths = obtain(&remotes, cache, &agent(), mirrors, on_event)?;
    let (train, test) = idx::load(&paths)?;
    let (name, classes) = ("MNIST".to_owned(), digit_names(10));
    Ok(Dataset::of_stored(name, Source::Mnist, classes, Preparation::Digit, [train, test]))
}

/// Four files in MNIST's format in `folder`, found from the `path` that the user named.
pub(crate) fn load_directory(
    path: &Path,
    folder: &Path,
    settings: &DataSettings,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Dataset> {
    let Files { prefix, paths } = idx::find(folder)?;
    let (mut train, mut test) = idx::load(&paths)?;
    let hashes = idx::file_hashes(&train, &test);

    let different: Vec<_> = (0..4).filter(|&file| hashes[file] != MNIST_SHA256[file]).collect();
    if let [file] = different[..] {
        on_event(Event::Notice(&format!(
            "{} is not MNIST's, but the other three files are: download it again if it should be",
            paths[file].display()
        )));
    }
    let (name, classes) = if different.is_empty() {
        ("MNIST".to_owned(), digit_names(10))
    } else if [hashes[1].as_str(), hashes[3].as_str()] == FASHION_LABELS_SHA256 {
        ("Fashion-MNIST".to_owned(), FASHION_CLASSES.map(str::to_owned).to_vec())
    } else {
        let labels = renumber(&paths[1], &mut train.labels, &mut test.labels)?;
        if emnist::is_emnist(&prefix) {
            emnist::transpose(&mut train);
            emnist::transpose(&mut test);
            on_event(Event::Notice("EMNIST stores images column by column: they were turned"));
        }
        let name = |label: u8| {
            emnist::character(folder, &prefix, label).unwrap_or_else(|| label.to_string())
        };
        let mut names: Vec<_> = labels.iter().map(|&label| name(label)).collect();
        let all_differ = (1..names.len()).all(|i| !names[..i].contains(&names[i]));
        if !all_differ {
            names = labels.iter().map(u8::to_string).collect();
        }
        (folder_name(path), names)
    };
    let preparation = preparation::of_stored(settings, &train);
    let shape = preparation::shape_of_stored(settings, &train, preparation, on_event)?;
    let fitted = |examples| preparation::fitted(examples, shape, preparation);
    let parts = [fitted(train)?, fitted(test)?];
    let source = Source::Directory(path.to_owned());
    Ok(Dataset::of_stored(name, source, classes, preparation, parts))
}

/// Numbers the labels that occur from 0 without gaps, as the network's outputs are; returns the original ones. EMNIST's
/// letters begin at 1, and an output for a label that never occurs would be a class that nobody has.
///
/// # Errors
/// [`Error::Labels`] naming `path` where there is one class only, or more than a network takes.
fn renumber(path: &Path, train: &mut [u16], test: &mut [u16]) -> Result<Vec<u8>> {
    let mut occurs = [false; 256];
    train.iter().chain(&*test).for_each(|&label| occurs[usize::from(label)] = true);
    let labels: Vec<u8> = (0..=u8::MAX).filter(|&label| occurs[usize::from(label)]).collect();
    if !(2..=MAX_CLASSES).contains(&labels.len()) {
        return Err(Error::Labels { path: path.to_owned(), n: labels.len(), most: MAX_CLASSES });
    }
    let mut numbers = [0_u16; 256];
    (0..).zip(&labels).for_each(|(number, &label)| numbers[usize::from(label)] = number);
    train.iter_mut().chain(test).for_each(|label| *label = numbers[usize::from(*label)]);
    Ok(labels)
}
