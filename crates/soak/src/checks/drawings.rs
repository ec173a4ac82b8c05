//! Requirement 16: digits as people draw them are read as well as MNIST's own.

use std::sync::Arc;
use std::time::Duration;

use images::{Grey, Preparation, to_network};
use rayon::prelude::*;
use serde_json::Value;

use super::bench::Bench;
use super::findings::Findings;
use super::http::Connection;
use super::load;
use super::random::Random;
use super::requests::http;
use super::server::Server;
use super::warp::{self, CANVAS, Warp};

/// How far the accuracy may be from the direct one, in points.
const POINTS: f64 = 0.3;
/// Pictures drawn before they are sent.
const CHUNK: usize = 200;

type Maker = fn(&mut Random) -> Warp;

const PLAIN: Warp = Warp { scale: 1.0, shift: (0.0, 0.0), thicker: 0, inverted: false };

/// Thicker by this than pens of 8 to 30 px, which is what the promise is about: MNIST's strokes are about
/// 25 px wide at this size. Its figure is printed all the same.
const BEYOND: &str = "thickened up to 5 px";

/// How pictures are changed, one way alone and all together.
const WAYS: [(&str, Maker); 7] = [
    ("enlarged x 10", |_| PLAIN),
    ("shifted up to 80 px", |random| Warp { shift: shift(random), ..PLAIN }),
    ("scaled 0.4 to 1.6", |random| Warp { scale: 0.4 + 1.2 * random.unit(), ..PLAIN }),
    ("thickened up to 3 px", |random| Warp { thicker: 1 + random.below(3), ..PLAIN }),
    (BEYOND, |random| Warp { thicker: 1 + random.below(5), ..PLAIN }),
    ("inverted", |_| Warp { inverted: true, ..PLAIN }),
    ("all together", |random| {
        let scale = 0.4 + 1.2 * random.unit();
        // A pen is as thick beside a digit as the digit is large.
        let thicker = (scale * 5.0 * random.unit()) as usize;
        Warp { scale, shift: shift(random), thicker, inverted: random.below(2) == 0 }
    }),
];

fn shift(random: &mut Random) -> (f64, f64) {
    (160.0 * random.unit() - 80.0, 160.0 * random.unit() - 80.0)
}

/// How many of some pictures were read right, by the server and by other recipes in this process.
#[derive(Clone, Copy, Default)]
struct Right {
    served: usize,
    boxed: usize,
    resized: usize,
}

pub(super) fn check(bench: &Bench, findings: &mut Findings) -> anyhow::Result<()> {
    let server = Server::start(bench, &[])?;
    let n = bench.number(bench.test.len(), bench.test.len().min(300));
    let n_classes = bench.expected.classes;
    let direct = bench.expected.logits.chunks(n_classes).zip(&bench.test.labels).take(n);
    let direct = direct.filter(|(row, label)| argmax(row) == usize::from(**label)).count();
    let percent = |right: usize| 100.0 * right as f64 / n as f64;
    findings
        .note("accuracy of the pictures themselves", format!("{:.2} % of {n}", percent(direct)));
    for (number, (name, make)) in WAYS.into_iter().enumerate() {
        let mut random = Random::new(number as u64);
        let mut right = Right::default();
        for first in (0..n).step_by(CHUNK) {
            let some: Vec<_> =
                (first..n.min(first + CHUNK)).map(|i| (i, make(&mut random))).collect();
            let part = read(bench, &server, &some)?;
            right.served += part.served;
            right.boxed += part.boxed;
            right.resized += part.resized;
        }
        if name == BEYOND {
            findings.note(
                &format!("accuracy {name}, through /v1/predict"),
                format!("{:.2} %", percent(right.served)),
            );
            continue;
        }
        let loss = percent(direct) - percent(right.served);
        findings.hold(
            &format!("accuracy {name}, through /v1/predict"),
            &format!(">= {:.2} %", percent(direct) - POINTS),
            format!("{:.2} %", percent(right.served)),
            loss <= POINTS + 1e-9,
        );
        findings.note(
            &format!("accuracy {name}, prepared otherwise"),
            format!(
                "box in the middle {:.2} %, canvas of 280 px resized {:.2} %",
                percent(right.boxed),
                percent(right.resized)
            ),
        );
    }
    Ok(())
}

/// Draws some pictures, sends them, and reads them in this process by other recipes.
fn read(bench: &Bench, server: &Server, some: &[(usize, Warp)]) -> anyhow::Result<Right> {
    let test = &bench.test;
    let drawn = some.par_iter().map(|&(index, warp)| {
        let pixels = warp.draw(test.image(index));
        let file = warp::png(CANVAS, &pixels)?;
        let resized = warp::resized(&pixels, warp.inverted);
        let grey = Grey { width: CANVAS, height: CANVAS, pixels, lossy: false };
        let boxed = warp::boxed(&to_network(&grey, Preparation::Digit)?);
        anyhow::Ok((file, boxed, resized))
    });
    let drawn = drawn.collect::<anyhow::Result<Vec<_>>>()?;
    let labels = || some.iter().map(|&(index, _)| usize::from(bench.test.labels[index]));
    let in_process = |pixels: Vec<u8>| {
        let outputs = bench.classifier.classify(&pixels)?;
        let rows = outputs.logits.chunks(outputs.classes).zip(labels());
        anyhow::Ok(rows.filter(|(row, label)| argmax(row) == *label).count())
    };
    let boxed = in_process(drawn.iter().flat_map(|(_, boxed, _)| boxed.clone()).collect())?;
    let resized = in_process(drawn.iter().flat_map(|(_, _, resized)| resized.clone()).collect())?;
    let files: Arc<[_]> = drawn.into_iter().map(|(file, _, _)| file).collect();
    let said = bench.runtime()?.block_on(async {
        let callers = (0..4).map(|caller| predict(server, &files, caller));
        load::together(callers).await
    });
    let mut all: Vec<(usize, String)> = Vec::new();
    for part in said {
        all.extend(part?);
    }
    let names = &bench.classifier.classes;
    let is_right =
        |(i, said): &(usize, String)| *said == names[usize::from(bench.test.labels[some[*i].0])];
    Ok(Right { served: all.iter().filter(|said| is_right(said)).count(), boxed, resized })
}

/// What the server says of every fourth file: the file's number and a label.
async fn predict(
    server: &Server,
    files: &[Vec<u8>],
    first: usize,
) -> anyhow::Result<Vec<(usize, String)>> {
    let mut said = Vec::new();
    let mut connection = server.connect().await?;
    for (index, file) in files.iter().enumerate().skip(first).step_by(4) {
        let request = http("POST", "/v1/predict", &[("Content-Type", "image/png")], file);
        let reply = connection.exchange_within(Duration::from_secs(10), &request).await;
        let reply = reply.map_err(|failure| anyhow::anyhow!("no prediction: {failure:?}"))?;
        anyhow::ensure!(reply.status == 200, "{}: {}", reply.status, reply.text());
        let prediction: Value = serde_json::from_slice(reply.body)?;
        said.push((index, prediction["label"].as_str().unwrap_or_default().to_owned()));
        if reply.closes() {
            connection =
                Connection::open(server.address).await.map_err(|_| anyhow::anyhow!("gone"))?;
        }
    }
    Ok(said)
}

fn argmax(row: &[f32]) -> usize {
    (0..row.len()).max_by(|&a, &b| row[a].total_cmp(&row[b])).unwrap_or(0)
}
