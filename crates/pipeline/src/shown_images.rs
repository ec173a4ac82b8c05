//! Images that a report shows beside what became of them: training images as augmented, test images as in their files.

use std::path::PathBuf;

use dataset::augment;
use images::{ImageShape, Preparation};
use report::{Augmented, Original};

use crate::session::Session;

/// How many training images are shown, and how many versions of each.
const AUGMENTED: usize = 8;
const VERSIONS: usize = 5;

/// How many test images are shown beside their files.
const ORIGINALS: usize = 12;
/// The longest side to which an original is scaled down, in pixels.
const LONGEST: usize = 196;

/// Some training images of different classes, each beside what the network sees of it in the first epochs: the same draws as
/// in training. None where augmentation is off.
#[must_use]
pub fn augmented(session: &Session) -> Vec<Augmented> {
    let Session { config, images, .. } = session;
    if config.augmentation.is_none() {
        return Vec::new();
    }
    let examples = &images.dataset.train;
    let version = |index: u32, epoch: usize| {
        let image = examples.image(index as usize);
        let mut changed = vec![0; image.len()];
        let draw = (config.training.seed, epoch, index);
        augment(&config.augmentation, draw, examples.shape, image, &mut changed);
        changed
    };
    let label = |index: u32| usize::from(examples.labels[index as usize]);
    spread(&images.split.train, images.dataset.classes.len(), AUGMENTED, label)
        .into_iter()
        .map(|index| Augmented {
            index: index as usize,
            label: label(index),
            image: examples.image(index as usize).to_vec(),
            versions: (1..=VERSIONS).map(|epoch| version(index, epoch)).collect(),
        })
        .collect()
}

/// Up to `most` of the images: the first of every class, then the second of every class, and so on.
fn spread(
    indices: &[u32],
    n_classes: usize,
    most: usize,
    label: impl Fn(u32) -> usize,
) -> Vec<u32> {
    let mut of_class = vec![Vec::new(); n_classes];
    for &index in indices {
        let found = &mut of_class[label(index)];
        if found.len() < most {
            found.push(index);
        }
    }
    let rounds = (0..most).flat_map(|round| of_class.iter().filter_map(move |of| of.get(round)));
    rounds.copied().take(most).collect()
}

/// The test images that are shown beside their files, as index and path; none where images have no files of their own.
pub(crate) fn shown_tests(session: &Session) -> Vec<(usize, PathBuf)> {
    let dataset = &session.images.dataset;
    let label = |index: u32| usize::from(dataset.test.labels[index as usize]);
    let path =
        |index: u32| dataset.test_paths.get(index as usize).map(|path| dataset.root.join(path));
    spread(&session.images.test, dataset.classes.len(), ORIGINALS, label)
        .into_iter()
        .filter_map(|index| Some((index as usize, path(index)?)))
        .collect()
}

/// The files of test images, given as index and path, in their own colours and ratio, scaled down.
///
/// A file that can no longer be read is left out: a report can be drawn where the images were moved.
#[must_use]
pub fn originals(files: &[(usize, PathBuf)]) -> Vec<Original> {
    let original = |(index, path): &(usize, PathBuf)| {
        let image = images::read(path).ok()?;
        let shape = scaled(image.height(), image.width());
        let pixels = images::to_network(&image, shape, Preparation::Stretch).ok()?.pixels;
        Some(Original { index: *index, shape, pixels })
    };
    files.iter().filter_map(original).collect()
}

/// Three channels, and sides in the same ratio of which the longest is [`LONGEST`] at most.
fn scaled(height: usize, width: usize) -> ImageShape {
    let longest = height.max(width).max(1);
    let side = |side: usize| match longest <= LONGEST {
        true => side,
        false => (side * LONGEST).div_ceil(longest).max(1),
    };
    ImageShape { channels: 3, height: side(height), width: side(width) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_class_is_shown_before_any_is_shown_twice() {
        let labels = [0, 0, 0, 0, 2, 2, 1];
        let label = |index: u32| labels[index as usize];
        let all: Vec<u32> = (0..7).collect();
        assert_eq!(spread(&all, 4, 5, label), [0, 6, 4, 1, 5]);
        assert_eq!(spread(&[5, 3], 4, 5, label), [3, 5]);
    }

    #[test]
    fn originals_are_scaled_down_in_their_ratio_and_missing_files_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("wide.ppm");
        let mut image = b"P6\n400 100\n255\n".to_vec();
        image.extend([250, 20, 10].repeat(400 * 100));
        std::fs::write(&path, image).unwrap();
        let files = [(3, folder.path().join("gone.png")), (7, path)];
        let found = originals(&files);
        assert_eq!(found.len(), 1);
        let ImageShape { channels, height, width } = found[0].shape;
        assert_eq!((found[0].index, channels, height, width), (7, 3, 49, 196));
        let area = 49 * 196;
        assert_eq!([0, area, 2 * area].map(|at| found[0].pixels[at]), [250, 20, 10]);
        assert_eq!(scaled(20, 30), ImageShape { channels: 3, height: 20, width: 30 });
    }
}
