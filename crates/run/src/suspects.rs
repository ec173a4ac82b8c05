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

/// The images whose label the network contradicts with confidence, the least probable label first.
///
/// Confident learning (Northcutt, Jiang and Chuang 2021, "Confident Learning: Estimating Uncertainty in Dataset Labels"):
/// the network is confident of a class if it gives it at least the mean probability that it gives to that class on the
/// images labelled so, and at least one half. `classes` are the names of the classes; `path` knows the file of an image.
#[must_use]
pub fn suspects(
    held_out: &[(HeldOut, &[Prediction])],
    classes: &[String],
    path: &dyn Fn(HeldOut, usize) -> Option<String>,
) -> Vec<Suspect> {
    let all =
        || held_out.iter().flat_map(|&(part, of_part)| of_part.iter().map(move |p| (part, p)));
    let mut sums = vec![(0.0, 0_usize); classes.len()];
    for (_, p) in all() {
        let (sum, n) = &mut sums[p.label];
        *sum += (-p.loss).exp();
        *n += 1;
    }
    // Below one half it is confident of nothing, and of a class without images nobody can be.
    let confident = |p: &Prediction| {
        let (sum, n) = sums[p.predicted];
        n > 0 && p.probability >= (sum / n as f64).max(0.5)
    };
    let mut found: Vec<_> = all().filter(|(_, p)| p.predicted != p.label && confident(p)).collect();
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
        // Mean probability of a on images labelled a: (0.9 + 0.8 + 0.01) / 3 = 0.57, of b on those labelled b 0.45.
        let test = [
            prediction(0, 0, 0, 0.9),
            prediction(1, 0, 0, 0.8),
            prediction(2, 0, 1, 0.01),
            prediction(3, 1, 1, 0.9),
            // A mistake, but of an a that is less probable than the usual one.
            prediction(4, 1, 0, 0.45),
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
