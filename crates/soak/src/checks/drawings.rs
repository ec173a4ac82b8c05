//! Requirement 16: digits as people draw them are classified as accurately as MNIST's own.

use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use fastrand::Rng;
use rayon::prelude::*;
use run::argmax;
use serve_client::ServerProcess;
use serve_client::requests::{PREDICT, png, post};

use crate::drawing::{CANVAS, Transform};
use crate::load::Load;
use crate::results::Results;
use crate::setup::Setup;

/// How far the accuracy may fall below that of the images themselves, in percentage points.
const POINTS: f64 = 0.3;
/// Drawings that are in memory at a time.
const CHUNK: usize = 200;
/// Connections to the server.
const CONNECTIONS: usize = 4;

const PLAIN: Transform =
    Transform { scale: 1.0, shift: (0.0, 0.0), thickening: 0, inverted: false };

/// Thicker than a pen of 8 to 30 px draws, for which the requirement holds: MNIST's strokes are about 25 px wide at this
/// size. Its accuracy is measured and not judged.
const BEYOND_PENS: &str = "thickened by up to 5 px";

/// A transform with random parameters.
type RandomTransform = fn(&mut Rng) -> Transform;

/// The transforms, alone and together.
const TRANSFORMS: [(&str, RandomTransform); 7] = [
    ("enlarged x 10", |_| PLAIN),
    ("shifted by up to 80 px", |random| Transform { shift: shift(random), ..PLAIN }),
    ("scaled by 0.4 to 1.6", |random| Transform { scale: scale(random), ..PLAIN }),
    ("thickened by up to 3 px", |random| Transform { thickening: random.usize(1..=3), ..PLAIN }),
    (BEYOND_PENS, |random| Transform { thickening: random.usize(1..=5), ..PLAIN }),
    ("inverted", |_| Transform { inverted: true, ..PLAIN }),
    ("all together", |random| {
        let scale = scale(random);
        // A pen is as thick relative to the digit, whatever its size.
        let thickening = (scale * 5.0 * random.f64()) as usize;
        Transform { scale, shift: shift(random), thickening, inverted: random.bool() }
    }),
];

fn scale(random: &mut Rng) -> f64 {
    0.4 + 1.2 * random.f64()
}

fn shift(random: &mut Rng) -> (f64, f64) {
    (160.0 * random.f64() - 80.0, 160.0 * random.f64() - 80.0)
}

pub(super) fn check(setup: &Setup, results: &mut Results) -> anyhow::Result<()> {
    let server = setup.start(&[])?;
    let n = setup.number(setup.test.len(), setup.test.len().min(300));
    let percent = |correct: usize| 100.0 * correct as f64 / n as f64;
    let rows = setup.expected.logits.chunks(setup.expected.classes).zip(&setup.test.labels).take(n);
    let direct = percent(rows.filter(|(row, label)| argmax(row) == usize::from(**label)).count());
    results.note("accuracy on the images themselves", format!("{direct:.2} % of {n}"));
    for (seed, (name, transform)) in TRANSFORMS.into_iter().enumerate() {
        let mut random = Rng::with_seed(seed as u64);
        let mut correct = 0;
        for first in (0..n).step_by(CHUNK) {
            let transforms: Vec<_> =
                (first..n.min(first + CHUNK)).map(|i| (i, transform(&mut random))).collect();
            correct += n_correct(setup, &server, &transforms)?;
        }
        let accuracy = percent(correct);
        let (row, measured) = (format!("accuracy {name}"), format!("{accuracy:.2} %"));
        if name == BEYOND_PENS {
            results.note(&row, measured);
        } else {
            let required = format!(">= {:.2} %", direct - POINTS);
            results.require(&row, &required, measured, direct - accuracy <= POINTS + 1e-9);
        }
    }
    Ok(())
}

/// Draws some test images and sends them to the server: how many it classifies correctly.
fn n_correct(
    setup: &Setup,
    server: &ServerProcess,
    transforms: &[(usize, Transform)],
) -> anyhow::Result<usize> {
    let test = &setup.test;
    let draw = |(index, transform): &(usize, Transform)| {
        let file = png(CANVAS, &transform.draw(test.image(*index)))?;
        anyhow::Ok(post(PREDICT, &file))
    };
    let requests = transforms.par_iter().map(draw).collect::<anyhow::Result<Vec<_>>>()?;
    let class = |index: usize| setup.classifier.classes[usize::from(test.labels[index])].clone();
    let classes: Vec<_> = transforms.iter().map(|(index, _)| class(*index)).collect();
    let tally = setup.run(Load {
        count: requests.len(),
        requests: Arc::new(requests),
        connections: CONNECTIONS,
        check: Some(Arc::new(move |index, reply| {
            reply.json().is_ok_and(|json| json["label"] == classes[index].as_str())
        })),
        ..setup.load(server.address, None, Duration::from_secs(600))
    });
    ensure!(tally.n_errors() == tally.wrong, "no prediction: {}", tally.errors());
    Ok((tally.count(200) - tally.wrong) as usize)
}
