//! Synthetic digits: reproducible, placed as MNIST's, balanced, and without test images in training.

#![allow(clippy::unwrap_used)]

use super::*;

const SIDE: usize = SHAPE.width;

#[test]
fn the_result_does_not_depend_on_the_number_of_threads() {
    let threads = |n| rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
    let one = threads(1).install(|| examples(3, 0, 500));
    assert_eq!(threads(5).install(|| examples(3, 0, 500)), one);
    assert_ne!(examples(4, 0, 500), one);
    assert_eq!(examples(3, 100, 1).image(0), one.image(100));
}

#[test]
fn every_machine_draws_the_same() {
    let examples = examples(42, 0, 1000);
    let labels = crate::dataset::label_bytes(&examples.labels);
    let sha256 = crate::hash::sha256(&[&examples.pixels, &labels]);
    assert_eq!(sha256, "53307e9178cb736abec9643a2c6b9f066fb6d7f24b416bc63c1b5acbf8c1634e");
}

#[test]
fn digits_are_placed_as_those_of_mnist() {
    let examples = examples(1, 0, 2000);
    for index in 0..examples.len() {
        let pixels = examples.image(index);
        let inked = || (0..SHAPE.size()).filter(|&pixel| pixels[pixel] > 0);
        let rows = (inked().min().unwrap() / SIDE, inked().max().unwrap() / SIDE);
        let columns = inked().map(|pixel| pixel % SIDE);
        let columns = (columns.clone().min().unwrap(), columns.max().unwrap());
        let longest = (rows.1 - rows.0).max(columns.1 - columns.0) + 1;
        assert!((18..=20).contains(&longest), "{index}: {longest}");
        assert!(*pixels.iter().max().unwrap() > 180, "{index}");
        let mass: f64 = pixels.iter().map(|&level| f64::from(level)).sum();
        let moment = inked().map(|pixel| f64::from(pixels[pixel]) * (pixel / SIDE) as f64);
        let centre = moment.sum::<f64>() / mass;
        assert!((13.5..=14.5).contains(&centre), "{index}: {centre}");
    }
}

#[test]
fn classes_are_about_equally_frequent() {
    let examples = examples(5, 0, 5000);
    for digit in 0..10 {
        let n = examples.labels.iter().filter(|&&label| label == digit).count();
        assert!((400..=600).contains(&n), "{digit}: {n}");
    }
}

#[test]
fn no_test_image_is_a_training_image() {
    let (train, test) = (examples(7, 0, 3000), examples(7, 3000, 1000));
    let seen: std::collections::HashSet<_> = (0..3000).map(|index| train.image(index)).collect();
    assert!((0..1000).all(|index| !seen.contains(test.image(index))));
}
