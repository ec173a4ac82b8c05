//! A small made-up run, and how its report is read.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use base64::Engine;
use images::ImageShape;
use report::{Augmented, Error, Inputs, Original};
use run::{
    Agreement, ClassScores, Config, DatasetFacts, EpochMetrics, Evaluation, Explanations,
    Occlusion, PartScores, Prediction, Suspect,
};

pub(crate) const PIXELS: usize = 784;
pub(crate) const PLOTS: [&str; 8] = [
    "curves",
    "learning_rate",
    "grid",
    "confusion",
    "calibration",
    "mistakes",
    "filters",
    "occlusion",
];
pub(crate) const VERMILLION: &str = "#D55E00";

/// A run that owns what [`Inputs`] borrows.
pub(crate) struct Run {
    pub(crate) name: String,
    pub(crate) config: Config,
    pub(crate) facts: DatasetFacts,
    pub(crate) metrics: Vec<EpochMetrics>,
    pub(crate) evaluation: Evaluation,
    pub(crate) predictions: Vec<Prediction>,
    pub(crate) pixels: Vec<u8>,
    pub(crate) agreement: Option<Agreement>,
    pub(crate) explanations: Option<Explanations>,
    pub(crate) suspects: Option<Vec<Suspect>>,
    pub(crate) train_pixels: Vec<u8>,
    pub(crate) originals: Vec<Original>,
    pub(crate) augmented: Vec<Augmented>,
}

impl Run {
    /// A run whose test image `i` is of class `i % n_classes`, and is taken for the next class
    /// where `wrong` names it.
    pub(crate) fn new(
        n_epochs: usize,
        n_test: usize,
        classes: Vec<String>,
        wrong: &[usize],
    ) -> Self {
        let n = classes.len();
        let mut confusion = vec![vec![0; n]; n];
        let mut predictions = Vec::new();
        for index in 0..n_test {
            let label = index % n;
            let predicted = if wrong.contains(&index) { (label + 1) % n } else { label };
            confusion[label][predicted] += 1;
            let loss = if label == predicted { 0.01 } else { 1.0 + index as f64 };
            predictions.push(Prediction { index, label, predicted, probability: 0.875, loss });
        }
        let scores = |class: &String| ClassScores {
            class: class.clone(),
            precision: 0.9876,
            recall: 0.5,
            f1: 0.25,
            support: 1234,
        };
        let epoch = |epoch: usize| EpochMetrics {
            epoch,
            loss: 0.3 / epoch as f64,
            accuracy: 1.0 - 0.1 / epoch as f64,
            val_loss: Some(0.04 + 0.01 * (epoch as f64 - 2.0).powi(2)),
            val_accuracy: Some(0.98),
            learning_rate: 1e-3,
            seconds: 61.0,
            images_per_second: 4000.0,
        };
        Self {
            name: "first-light".to_owned(),
            config: config(&[("seed", "777")]),
            metrics: (1..=n_epochs).map(epoch).collect(),
            evaluation: Evaluation {
                doubt: None,
                epoch: n_epochs,
                loss: 0.0267,
                accuracy: 0.9913,
                errors: wrong.len(),
                balanced_accuracy: None,
                macro_f1: None,
                classes: classes.iter().map(scores).collect(),
                confusion,
                verdict: "No sign of overfitting.".to_owned(),
                train: PartScores { loss: 0.0101, accuracy: 0.9977 },
                val: Some(PartScores { loss: 0.0303, accuracy: 0.9901 }),
                predictions_sha256: String::new(),
            },
            facts: DatasetFacts {
                name: "MNIST".to_owned(),
                synthetic: false,
                sha256: "ab".repeat(32),
                classes,
                shape: ImageShape::DIGIT,
                n_train: 42_000,
                n_val: 18_000,
                n_test,
                mean: vec![33.5],
                std: vec![78.5],
                background: None,
            },
            predictions,
            pixels: (0..n_test * PIXELS).map(|i| (i * 7 % 256) as u8).collect(),
            agreement: None,
            suspects: None,
            train_pixels: Vec::new(),
            originals: Vec::new(),
            augmented: Vec::new(),
            explanations: Some(Explanations {
                filters: (0..32).map(|filter| weights(filter as f32)).collect(),
                patch: 5,
                mistakes: wrong.iter().map(|&index| occlusion(index)).collect(),
            }),
        }
    }

    pub(crate) fn inputs(&self) -> Inputs<'_> {
        Inputs {
            run_name: &self.name,
            config: &self.config,
            facts: &self.facts,
            metrics: &self.metrics,
            evaluation: &self.evaluation,
            predictions: &self.predictions,
            test_pixels: &self.pixels,
            agreement: self.agreement.as_ref(),
            explanations: self.explanations.as_ref(),
            suspects: self.suspects.as_deref(),
            train_pixels: &self.train_pixels,
            originals: &self.originals,
            augmented: &self.augmented,
        }
    }

    pub(crate) fn explained(&mut self) -> &mut Explanations {
        self.explanations.as_mut().unwrap()
    }

    /// Every file of the report by name.
    pub(crate) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        files(|directory| report::write(&self.inputs(), directory))
    }

    pub(crate) fn text(&self, file: &str) -> String {
        String::from_utf8(self.files().remove(file).unwrap()).unwrap()
    }

    pub(crate) fn error(&self) -> Error {
        let directory = tempfile::tempdir().unwrap();
        let error = report::write(&self.inputs(), directory.path()).unwrap_err();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "nothing was written");
        error
    }
}

/// What was written, by name, in a directory that did not exist.
pub(crate) fn files(
    write: impl Fn(&Path) -> report::Result<Vec<PathBuf>>,
) -> BTreeMap<String, Vec<u8>> {
    let directory = tempfile::tempdir().unwrap();
    let written = write(&directory.path().join("new")).unwrap();
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    written.iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect()
}

/// Five weights above 0 and four below, of which the first is the largest.
fn weights(filter: f32) -> Vec<f32> {
    (0..9)
        .map(|i| (0.5 - 0.05 * i as f32) * if i % 2 == 0 { 1.0 } else { -1.0 } - 1e-3 * filter)
        .collect()
}

/// A map that falls from its first pixel to its last.
fn occlusion(index: usize) -> Occlusion {
    Occlusion { index, importance: (0..PIXELS).map(|i| 0.9 - i as f32 / 784.0).collect() }
}

/// The default configuration with some settings replaced.
pub(crate) fn config(settings: &[(&str, &str)]) -> Config {
    let settings: Vec<_> =
        settings.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    Config::default().with(&settings).unwrap()
}

pub(crate) fn digits() -> Vec<String> {
    (0..10).map(|digit| digit.to_string()).collect()
}

/// The texts of an SVG in the order of drawing.
pub(crate) fn texts(svg: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let texts = document.descendants().filter(|node| node.tag_name().name() == "text");
    texts.map(|node| node.text().unwrap_or("").trim().to_owned()).collect()
}

/// A page without the names of columns that the cells of its tables carry for narrow windows.
pub(crate) fn plain(page: &str) -> String {
    let mut parts = page.split(" data-column=\"");
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('"').unwrap().1)
}

/// How many elements of an SVG have this name and these attributes.
pub(crate) fn elements(svg: &str, name: &str, attributes: &[(&str, &str)]) -> usize {
    let document = roxmltree::Document::parse(svg).unwrap();
    document
        .descendants()
        .filter(|node| node.tag_name().name() == name)
        .filter(|node| attributes.iter().all(|&(key, value)| node.attribute(key) == Some(value)))
        .count()
}

/// Fails unless the texts of an SVG, joined by spaces, contain this one.
pub(crate) fn assert_text(svg: &str, expected: &str) {
    let texts = texts(svg);
    assert!(texts.join(" ").contains(expected), "{expected} in {texts:?}");
}

/// The image at this position among those inside an SVG.
pub(crate) fn bitmap(svg: &str, position: usize) -> image::DynamicImage {
    let data = svg.split("data:image/png;base64,").nth(position + 1).unwrap();
    let (data, _) = data.split_once('"').unwrap();
    let png = base64::engine::general_purpose::STANDARD.decode(data).unwrap();
    image::load_from_memory(&png).unwrap()
}

/// The PNG among a plot's files, which has two pixels for one of the SVG.
pub(crate) fn png(files: &BTreeMap<String, Vec<u8>>, name: &str) -> image::RgbImage {
    let png = image::load_from_memory(&files[&format!("{name}.png")]).unwrap().to_rgb8();
    let svg = std::str::from_utf8(&files[&format!("{name}.svg")]).unwrap();
    let document = roxmltree::Document::parse(svg).unwrap();
    let side = |name: &str| document.root_element().attribute(name).unwrap().parse().unwrap();
    assert_eq!((png.width() / 2, png.height() / 2), (side("width"), side("height")), "{name}");
    png
}
