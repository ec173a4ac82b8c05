//! Splits test images off where a source has none: a fifth of every class, equal images on one side.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::event::Event;
use crate::examples::Examples;
use crate::random_state::RandomState;

/// One image in so many is a test image.
const ONE_IN: usize = 5;

/// Images after the split.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) train: Examples,
    pub(crate) train_paths: Vec<PathBuf>,
    pub(crate) test: Examples,
    pub(crate) test_paths: Vec<PathBuf>,
}

/// Splits test images off all images but the last `n_val`. Both parts stay in order. `paths` has one an image, or none.
///
/// Memory: the test images are copied, the others are moved where they are.
pub(crate) fn split_off(
    mut examples: Examples,
    mut paths: Vec<PathBuf>,
    n_val: usize,
    seed: u32,
) -> Parts {
    let n = examples.len() - n_val;
    let groups = groups(examples.pixels.chunks_exact(examples.shape.size()).take(n));
    let is_test = choose(&examples.labels[..n], &groups, seed);
    let size = examples.shape.size();
    let n_test = is_test.iter().filter(|&&is_test| is_test).count();
    let mut test = Examples {
        shape: examples.shape,
        pixels: Vec::with_capacity(n_test * size),
        labels: Vec::with_capacity(n_test),
    };
    let mut kept = 0;
    for index in 0..examples.len() {
        let bytes = index * size..(index + 1) * size;
        if is_test.get(index) == Some(&true) {
            test.pixels.extend_from_slice(&examples.pixels[bytes]);
            test.labels.push(examples.labels[index]);
        } else {
            examples.pixels.copy_within(bytes, kept * size);
            examples.labels[kept] = examples.labels[index];
            kept += 1;
        }
    }
    examples.pixels.truncate(kept * size);
    examples.labels.truncate(kept);
    let mut index = 0;
    let test_paths = paths.extract_if(.., |_| {
        index += 1;
        is_test.get(index - 1) == Some(&true)
    });
    let test_paths = test_paths.collect();
    Parts { train: examples, train_paths: paths, test, test_paths }
}

/// Says that test images were split off.
pub(crate) fn notify(place: &Path, parts: &Parts, on_event: &mut dyn FnMut(Event<'_>)) {
    let n = parts.test.len();
    on_event(Event::Notice(&format!(
        "{} has no test images: {n} of its {} images, a fifth of every class drawn by the split seed, are for the test \
         and not trained on",
        place.display(),
        n + parts.train.len()
    )));
}

/// The number of each image's group: images with the same bytes have the same number.
pub(crate) fn groups<'a>(images: impl Iterator<Item = &'a [u8]>) -> Vec<u32> {
    let mut known: HashMap<&[u8], u32> = HashMap::new();
    images
        .map(|image| {
            let next = known.len() as u32;
            *known.entry(image).or_insert(next)
        })
        .collect()
}

/// Which images are for the test, given their labels and groups: of every class about a fifth, drawn by `seed`, and groups
/// whole. A group counts to the class of its first image. A class that is a single group is trained on.
pub(crate) fn choose(labels: &[u16], groups: &[u32], seed: u32) -> Vec<bool> {
    let n_groups = groups.iter().max().map_or(0, |&last| last as usize + 1);
    let mut sizes = vec![0; n_groups];
    let mut classes: Vec<Vec<u32>> = Vec::new();
    for (&label, &group) in labels.iter().zip(groups) {
        let class = usize::from(label);
        classes.resize(classes.len().max(class + 1), Vec::new());
        if sizes[group as usize] == 0 {
            classes[class].push(group);
        }
        sizes[group as usize] += 1;
    }
    let mut random = RandomState::new(seed);
    let mut is_test = vec![false; n_groups];
    for groups in &mut classes {
        random.shuffle(groups);
        let n: usize = groups.iter().map(|&group| sizes[group as usize]).sum();
        let wanted = ((n + ONE_IN / 2) / ONE_IN).max(1);
        let mut taken = 0;
        for &group in groups.iter().skip(1) {
            let size = sizes[group as usize];
            if taken + size <= wanted {
                taken += size;
                is_test[group as usize] = true;
            }
        }
        // Every group is larger than a fifth.
        let smallest = groups.iter().skip(1).min_by_key(|&&group| sizes[group as usize]);
        if let (0, Some(&group)) = (taken, smallest) {
            is_test[group as usize] = true;
        }
    }
    groups.iter().map(|&group| is_test[group as usize]).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use images::ImageShape;

    use super::*;

    #[test]
    fn a_fifth_of_every_class_is_drawn_by_the_seed() {
        let labels: Vec<u16> = (0..1000).map(|i| if i < 100 { 0 } else { 1 + i % 3 }).collect();
        let groups: Vec<u32> = (0..1000).collect();
        let is_test = choose(&labels, &groups, 42);
        for (class, n) in [(0, 20), (1, 60), (2, 60), (3, 60)] {
            let of_class = labels.iter().zip(&is_test).filter(|(l, t)| **l == class && **t);
            assert_eq!(of_class.count(), n);
        }
        assert_eq!(choose(&labels, &groups, 42), is_test);
        assert_ne!(choose(&labels, &groups, 43), is_test);
    }

    #[test]
    fn equal_images_are_on_one_side_and_every_class_is_trained() {
        // Of class 0 half the images are equal; class 1 is one image, repeated; class 2 is two images; class 3 is one.
        let labels = [[0; 10].as_slice(), &[1; 3], &[2; 2], &[3]].concat();
        let levels =
            [[7, 1, 7, 2, 7, 3, 7, 4, 7, 5].as_slice(), &[9; 3], &[11, 12], &[13]].concat();
        let shape = ImageShape { channels: 1, height: 2, width: 2 };
        for seed in 0..50 {
            let pixels = levels.iter().flat_map(|&level| [level; 4]).collect();
            let examples = Examples { shape, pixels, labels: labels.clone() };
            let paths: Vec<PathBuf> = (0..16).map(|i| i.to_string().into()).collect();
            let Parts { train, train_paths, test, test_paths } =
                split_off(examples, paths, 0, seed);
            let levels_of = |part: &Examples| {
                part.pixels.chunks_exact(4).map(|image| image[0]).collect::<Vec<u8>>()
            };
            let (trained, tested) = (levels_of(&train), levels_of(&test));
            assert!(tested.iter().all(|level| !trained.contains(level)), "{trained:?} {tested:?}");
            let count =
                |part: &Examples, class| part.labels.iter().filter(|l| **l == class).count();
            assert_eq!([0, 1, 2, 3].map(|class| count(&test, class)), [2, 0, 1, 0], "{tested:?}");
            assert_eq!(train.len(), 13);
            // Paths go where their images go.
            for (paths, levels_of) in [(&train_paths, &trained), (&test_paths, &tested)] {
                let path = |at: usize| paths[at].to_str().unwrap().parse::<usize>().unwrap();
                assert!(levels_of.iter().enumerate().all(|(at, level)| levels[path(at)] == *level));
                assert!((1..paths.len()).all(|at| path(at - 1) < path(at)), "{paths:?}");
            }
        }
    }

    #[test]
    fn validation_images_stay_where_they_are() {
        let shape = ImageShape { channels: 1, height: 1, width: 1 };
        let examples = Examples { shape, pixels: (0..20).collect(), labels: vec![0; 20] };
        let parts = split_off(examples, Vec::new(), 10, 1);
        assert_eq!((parts.train.len(), parts.test.len()), (18, 2));
        assert_eq!(parts.train.pixels[8..], [10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
    }
}
