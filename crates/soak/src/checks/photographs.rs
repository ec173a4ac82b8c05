//! Requirement 17: digits on real paper are read, blank paper is called blank, several digits are doubted.

use anyhow::ensure;
use dataset::Examples;
use fastrand::Rng;
use images::{Error, ImageShape, Preparation, Prepared, to_network};
use rayon::prelude::*;
use run::argmax;

use crate::drawing::{CANVAS, Transform};
use crate::photograph::{BLANK, CONDITIONS, photograph};
use crate::results::Results;
use crate::setup::Setup;

/// Test digits that are photographed under each condition.
const DIGITS: usize = 500;
/// The least of them that are read correctly, in percent.
const CORRECT: f64 = 97.0;
/// The least pairs of digits that are doubted, in percent.
const DOUBTED: f64 = 80.0;
const PLAIN: Transform =
    Transform { scale: 1.0, shift: (0.0, 0.0), thickening: 0, inverted: false };

pub(super) fn check(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    ensure!(
        setup.classifier.preparation == Preparation::Digit,
        "the run's model does not prepare its images as digits: choose another with --run"
    );
    let test = &setup.test;
    let n = setup.number(DIGITS, 60).min(test.len());
    for (name, lossy, level) in CONDITIONS {
        let found = prepared(test, n, |digit, random| {
            let photo = photograph(&PLAIN.draw(digit), lossy, level, random)?;
            Ok(to_network(&photo, ImageShape::DIGIT, Preparation::Digit)?)
        });
        let read = found
            .iter()
            .enumerate()
            .map(|(index, image)| answer(setup, index, image.as_ref().ok()));
        let read = read.collect::<anyhow::Result<Vec<_>>>()?;
        let percent = |of: &dyn Fn(&Answer) -> bool| {
            100.0 * read.iter().filter(|a| of(a)).count() as f64 / n as f64
        };
        let correct = percent(&|answer| answer.correct);
        let sure = percent(&|answer| !answer.correct && answer.read && !answer.doubtful);
        let measured = format!("{correct:.1} % of {n}, {sure:.1} % wrong and not doubtful");
        results.require(name, &format!(">= {CORRECT:.0} % correct"), measured, correct >= CORRECT);
    }
    for (name, level) in BLANK {
        let mut random = Rng::with_seed(0);
        let photo = photograph(&vec![0; CANVAS * CANVAS], true, level, &mut random)?;
        let found = to_network(&photo, ImageShape::DIGIT, Preparation::Digit);
        let blank = matches!(found, Err(Error::Blank));
        results.require(name, "is blank", if blank { "blank" } else { "a digit" }, blank);
    }
    let pairs = prepared(test, n, |digit, _| {
        let left = Transform { scale: 0.8, shift: (-150.0, 0.0), ..PLAIN }.draw(digit);
        let right = Transform { scale: 0.8, shift: (150.0, 0.0), ..PLAIN }.draw(test.image(0));
        let pixels = left.iter().zip(&right).map(|(a, b)| 255 - *a.max(b)).collect();
        let photo = images::Grey { width: CANVAS, height: CANVAS, pixels, lossy: false };
        Ok(to_network(&images::Image::from_grey(photo)?, ImageShape::DIGIT, Preparation::Digit)?)
    });
    let mut doubted = 0;
    for (index, image) in pairs.iter().enumerate() {
        let answer = answer(setup, index, image.as_ref().ok())?;
        doubted += usize::from(answer.doubtful || !answer.read);
    }
    let doubted = 100.0 * doubted as f64 / n as f64;
    let required = format!(">= {DOUBTED:.0} % doubtful");
    results.require(
        "two digits side by side",
        &required,
        format!("{doubted:.1} % of {n}"),
        doubted >= DOUBTED,
    );
    Ok(())
}

/// What the model says of an image.
struct Answer {
    read: bool,
    correct: bool,
    doubtful: bool,
}

/// The first `n` test digits, each drawn and prepared with random numbers of its own.
fn prepared(
    test: &Examples,
    n: usize,
    prepare: impl Fn(&[u8], &mut Rng) -> anyhow::Result<Prepared> + Sync,
) -> Vec<anyhow::Result<Prepared>> {
    let one = |index: usize| prepare(test.image(index), &mut Rng::with_seed(index as u64));
    (0..n).into_par_iter().map(one).collect()
}

fn answer(setup: &Setup, index: usize, image: Option<&Prepared>) -> anyhow::Result<Answer> {
    let Some(image) = image else {
        return Ok(Answer { read: false, correct: false, doubtful: false });
    };
    let outputs = setup.classifier.classify(&image.pixels)?;
    let class = argmax(&outputs.logits);
    let doubtful = setup
        .classifier
        .doubt(image, setup.classifier.preparation, outputs.probabilities[class])
        .is_some();
    Ok(Answer { read: true, correct: class == usize::from(setup.test.labels[index]), doubtful })
}
