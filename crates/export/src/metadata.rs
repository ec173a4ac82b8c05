//! The metadata in an exported file.

use images::{Background, Preparation};

/// The facts that travel inside the ONNX file, as its `metadata_props`.
#[derive(Clone, Debug, PartialEq)]
pub struct Metadata {
    /// Names of the classes in the order of the logits. `kiln.classes`, a JSON array.
    pub classes: Vec<String>,
    /// Name of the data set. `kiln.dataset`.
    pub dataset: String,
    /// SHA-256 of its images and labels, in hexadecimal. `kiln.dataset_sha256`.
    pub dataset_sha256: String,
    /// Whether kiln drew the images itself. `kiln.synthetic`, `true` or `false`.
    pub synthetic: bool,
    /// How images become the network's input, where the run recorded it. `kiln.prepare`: `digit`, `stretch`, `fit`
    /// or `crop`.
    pub preparation: Option<Preparation>,
    /// The probability below which an answer is doubtful, in [0, 1], where it was calibrated. `kiln.doubtful_below`.
    pub doubtful_below: Option<f64>,
    /// What almost all training images have around them, where it is known. `kiln.background`: `dark` or `bright`.
    pub background: Option<Background>,
    /// A description of the split. `kiln.split`.
    pub split: String,
    /// Epoch of the weights, counted from 1. `kiln.epoch`.
    pub epoch: usize,
    /// Accuracy on the test set in [0, 1], where it was measured. `kiln.test_accuracy`.
    pub test_accuracy: Option<f64>,
    /// SHA-256 of the run's configuration, in hexadecimal. `kiln.config_sha256`.
    pub config_sha256: String,
    /// Version of kiln. `kiln.version`.
    pub version: String,
}

impl Metadata {
    /// Keys and values as they are in the file.
    #[must_use]
    pub fn properties(&self) -> Vec<(&'static str, String)> {
        let classes = serde_json::to_string(&self.classes).expect("strings always serialise");
        let mut properties = vec![
            ("kiln.version", self.version.clone()),
            ("kiln.classes", classes),
            ("kiln.dataset", self.dataset.clone()),
            ("kiln.dataset_sha256", self.dataset_sha256.clone()),
            ("kiln.synthetic", self.synthetic.to_string()),
            ("kiln.split", self.split.clone()),
            ("kiln.epoch", self.epoch.to_string()),
            ("kiln.config_sha256", self.config_sha256.clone()),
        ];
        properties.extend(
            self.preparation.map(|preparation| ("kiln.prepare", preparation.name().to_owned())),
        );
        properties
            .extend(self.doubtful_below.map(|value| ("kiln.doubtful_below", value.to_string())));
        properties
            .extend(self.background.map(|known| ("kiln.background", known.name().to_owned())));
        properties
            .extend(self.test_accuracy.map(|value| ("kiln.test_accuracy", value.to_string())));
        properties
    }
}
