//! Images whose label is probably wrong.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::record::{Prediction, csv_bytes, read_csv};
use crate::write_atomically;

/// A part of the images that the network was not trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HeldOut {
    /// Validation images; an index counts all images outside the test set.
    Validation,
    /// Test images.
    Test,
}

/// One row of `suspects.csv`: an image whose label is probably wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Suspect {
    /// Which images it is among.
    pub part: HeldOut,
    /// Index among these, from 0.
    pub index: usize,
    /// Name of the class that it is labelled as.
    pub label: String,
    /// Name of the class that the network is confident of.
    pub predicted: String,
    /// Probability of that class, in [0, 1].
    pub probability: f64,
    /// Probability of the label, in [0, 1].
    pub label_probability: f64,
    /// Cross-entropy of this image, in nats: the rows are ordered by it.
    pub loss: f64,
    /// File of the image, where it has one of its own.
    pub path: Option<String>,
}

/// From this probability on the network is confident of a class: all others together have less.
const CONFIDENT: f64 = 0.5;

/// The images whose label the network contradicts with confidence, the least probable label first.
///
/// The order is that of the self-confidence of confident learning (Northcutt, Jiang and Chuang 2021, "Confident Learning:
/// Estimating Uncertainty in Dataset Labels"). Its threshold, the mean probability of a class on the images labelled so, is
/// not used: at 99 % accuracy it leaves out most of the known wrong labels of MNIST's test set. `classes` are the names of the classes; `path` knows the file of an image.
#[must_use]
pub fn suspects(
    held_out: &[(HeldOut, &[Prediction])],
    classes: &[String],
    path: &dyn Fn(HeldOut, usize) -> Option<String>,
) -> Vec<Suspect> {
    let all = held_out.iter().flat_map(|&(part, of_part)| of_part.iter().map(move |p| (part, p)));
    let contradicts = |p: &Prediction| p.predicted != p.label && p.probability >= CONFIDENT;
    let mut found: Vec<_> = all.filter(|(_, p)| contradicts(p)).collect();
    // The order of parts and images decides between equals.
    found.sort_by(|(_, a), (_, b)| b.loss.total_cmp(&a.loss));
    let suspect = |(part, p): (HeldOut, &Prediction)| Suspect {
        part,
        index: p.index,
        label: classes[p.label].clone(),
        predicted: classes[p.predicted].clone(),
        probability: p.probability,
        label_probability: (-p.loss).exp(),
        loss: p.loss,
        path: path(part, p.index),
    };
    found.into_iter().map(suspect).collect()
}

/// Reads the rows of `suspects.csv`.
///
/// # Errors
/// [`Error::Read`](crate::Error::Read), or [`Error::Malformed`](crate::Error::Malformed) with the line.
pub fn read_suspects(path: &Path) -> Result<Vec<Suspect>> {
    read_csv(path)
}

/// Writes `suspects.csv`, atomically.
///
/// # Errors
/// [`Error::Write`](crate::Error::Write).
pub fn write_suspects(path: &Path, suspects: &[Suspect]) -> Result<()> {
    write_atomically(path, &csv_bytes(path, suspects)?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn prediction(index: usize, label: usize, predicted: usize, of_label: f64) -> Prediction {
        let probability = if label == predicted { of_label } else { 1.0 - of_label };
        Prediction { index, label, predicted, probability, loss: -of_label.ln() }
    }

    #[test]
    fn confident_contradictions_are_suspects_and_the_least_probable_label_comes_first() {
        let classes = ["a", "b"].map(str::to_owned);
        let test = [
            prediction(0, 0, 0, 0.9),
            prediction(2, 0, 1, 0.01),
            prediction(3, 1, 1, 0.9),
            // A mistake without confidence, as among three classes.
            Prediction { index: 4, label: 1, predicted: 0, probability: 0.45, loss: 1.2 },
        ];
        let val = [prediction(70, 1, 0, 0.001)];
        let parts = [(HeldOut::Validation, &val[..]), (HeldOut::Test, &test)];
        let path = |part, index| (part == HeldOut::Test).then(|| format!("a/{index}, \"x\".png"));
        let found = suspects(&parts, &classes, &path);
        let seen: Vec<_> = found.iter().map(|s| (s.part, s.index)).collect();
        assert_eq!(seen, [(HeldOut::Validation, 70), (HeldOut::Test, 2)]);
        assert_eq!((found[1].label.as_str(), found[1].predicted.as_str()), ("a", "b"));
        assert!((found[1].label_probability - 0.01).abs() < 1e-12);

        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("suspects.csv");
        write_suspects(&file, &found).unwrap();
        assert_eq!(read_suspects(&file).unwrap(), found);
        write_suspects(&file, &[]).unwrap();
        assert_eq!(read_suspects(&file).unwrap(), []);
    }
}
