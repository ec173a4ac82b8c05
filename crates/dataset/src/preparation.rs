//! How images become inputs of the network, where the user leaves it open.

use images::{Preparation, is_prepared};
use run::Prepare;

use crate::examples::Examples;

/// Images that are looked at.
const SAMPLE: usize = 1000;
/// The fraction of them that must be digits as MNIST has them.
const PREPARED: f64 = 0.9;

/// Of image files: as digits, if the classes are digits.
pub(crate) fn of_files(prepare: Prepare, classes: &[&str]) -> Preparation {
    let is_digit =
        |class: &&str| class.len() == 1 && class.bytes().all(|byte| byte.is_ascii_digit());
    prepare.chosen().unwrap_or_else(|| named(classes.iter().all(is_digit)))
}

/// Of images that are stored as the network takes them: as digits, if these are digits that were prepared already.
pub(crate) fn of_stored(prepare: Prepare, train: &Examples) -> Preparation {
    prepare.chosen().unwrap_or_else(|| {
        let images = || train.pixels.chunks_exact(train.shape.size()).take(SAMPLE);
        let n_prepared = images().filter(|image| is_prepared(image)).count();
        named(n_prepared as f64 >= PREPARED * images().len() as f64)
    })
}

const fn named(digits: bool) -> Preparation {
    if digits { Preparation::Digit } else { Preparation::Stretch }
}
