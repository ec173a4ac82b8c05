//! What a report is made of, and the check that it belongs together.

use images::ImageShape;
use run::{
    Agreement, Config, DatasetFacts, EpochMetrics, Evaluation, Explanations, HeldOut, Occlusion,
    Prediction, Suspect,
};

use crate::error::{Error, Result};

/// Height and width of a filter of the first layer.
pub(crate) const FILTER_SIDE: usize = 3;

/// A training image beside what augmentation makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Augmented {
    /// Index among the images outside the test set.
    pub index: usize,
    /// Index of its class.
    pub label: usize,
    /// The image, `[channels, height, width]`.
    pub image: Vec<u8>,
    /// The same as it is shown in the first epochs.
    pub versions: Vec<Vec<u8>>,
}

/// A test image as it is in its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// Index in the test set.
    pub index: usize,
    /// Shape of `pixels`: three channels, and the sides to which the original was scaled.
    pub shape: ImageShape,
    /// Red, green and blue, `[3, height, width]`.
    pub pixels: Vec<u8>,
}

/// Everything that a report is made of.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// Name of the run, shown as it is.
    pub run_name: &'a str,
    /// The settings that the run was trained with.
    pub config: &'a Config,
    /// What it was trained on.
    pub facts: &'a DatasetFacts,
    /// One row an epoch, in order, at least one.
    pub metrics: &'a [EpochMetrics],
    /// The scores on the test set.
    pub evaluation: &'a Evaluation,
    /// One row a test image, in any order, at least one.
    pub predictions: &'a [Prediction],
    /// All images of the test set, also where only some are tested: `facts.shape.size()` values from 0, black, to 255,
    /// white, for each, `[channels, height, width]`. Predictions name them by their index.
    pub test_pixels: &'a [u8],
    /// Parity of the exported model with the trained one; `None` where they have not been compared.
    pub agreement: Option<&'a Agreement>,
    /// Images whose label is probably wrong, the most probable first; `None` where they were not looked for.
    pub suspects: Option<&'a [Suspect]>,
    /// All images outside the test set, likewise. Suspects among the validation images name them by their index.
    pub train_pixels: &'a [u8],
    /// Some test images as they are in their files; none where the data set has no files of single images.
    pub originals: &'a [Original],
    /// Some training images beside what augmentation makes of them; none where it is off.
    pub augmented: &'a [Augmented],
    /// Filters of the first layer and occlusion maps of mistakes; `None` where they are not recorded.
    pub explanations: Option<&'a Explanations>,
}

impl<'a> Inputs<'a> {
    /// Refuses records that do not belong together, so that no plot can index out of range.
    pub(crate) fn check(&self) -> Result<()> {
        for (what, empty) in [
            ("epochs in the metrics", self.metrics.is_empty()),
            ("predictions", self.predictions.is_empty()),
            ("classes", self.facts.classes.is_empty()),
            ("pixels in an image", self.facts.shape.size() == 0),
        ] {
            if empty {
                return Err(Error::Empty(what));
            }
        }
        let (n_test, n_classes, shape) =
            (self.facts.n_test, self.facts.classes.len(), self.facts.shape);
        let confusion = &self.evaluation.confusion;
        check("predictions", self.predictions.len(), n_test)?;
        let n_images = self.test_pixels.len() / shape.size();
        check(
            "test pixels",
            self.test_pixels.len(),
            n_images.max(n_test).saturating_mul(shape.size()),
        )?;
        check("classes in the evaluation", self.evaluation.classes.len(), n_classes)?;
        check("rows in the confusion matrix", confusion.len(), n_classes)?;
        for row in confusion {
            check("columns in the confusion matrix", row.len(), n_classes)?;
        }
        for (position, p) in self.predictions.iter().enumerate() {
            check_index(position, "test image", p.index, n_images)?;
            check_index(position, "class", p.label, n_classes)?;
            check_index(position, "class", p.predicted, n_classes)?;
        }
        check("errors in the evaluation", self.evaluation.errors, self.mistakes().len())?;
        for (position, suspect) in self.suspects.unwrap_or_default().iter().enumerate() {
            let (what, n) = match suspect.part {
                HeldOut::Test => ("suspect test image", n_images),
                HeldOut::Validation => {
                    ("suspect validation image", self.train_pixels.len() / shape.size())
                }
            };
            check_index(position, what, suspect.index, n)?;
        }
        for (position, original) in self.originals.iter().enumerate() {
            check_index(position, "original test image", original.index, n_images)?;
            let of = ImageShape { channels: 3, ..original.shape };
            check("levels in an original", original.pixels.len(), of.size())?;
        }
        check_augmented(self.facts, self.augmented)?;
        let Some(explanations) = self.explanations else { return Ok(()) };
        for filter in &explanations.filters {
            check("weights in a filter", filter.len(), shape.channels * FILTER_SIDE * FILTER_SIDE)?;
        }
        for (position, Occlusion { index, importance }) in explanations.mistakes.iter().enumerate()
        {
            if self.mistake(*index).is_none() {
                let why = if *index < n_images { "is not a mistake" } else { "does not exist" };
                let message =
                    format!("explanation {position} is of test image {index}, which {why}");
                return Err(Error::Mismatch(message));
            }
            check("pixels in an importance map", importance.len(), shape.height * shape.width)?;
        }
        Ok(())
    }

    /// The prediction for a test image if it is a mistake; `None` where it is correct.
    pub(crate) fn mistake(&self, index: usize) -> Option<&'a Prediction> {
        self.predictions.iter().find(|p| p.index == index && p.label != p.predicted)
    }

    /// The values of one test image, `[channels, height, width]`.
    pub(crate) fn image(&self, index: usize) -> &'a [u8] {
        self.image_of(HeldOut::Test, index)
    }

    /// The values of one image of a part.
    pub(crate) fn image_of(&self, part: HeldOut, index: usize) -> &'a [u8] {
        let size = self.facts.shape.size();
        let pixels = match part {
            HeldOut::Validation => self.train_pixels,
            HeldOut::Test => self.test_pixels,
        };
        &pixels[index * size..(index + 1) * size]
    }

    /// The mistakes, highest loss first, then in the order of the test set.
    pub(crate) fn mistakes(&self) -> Vec<&'a Prediction> {
        let mut mistakes: Vec<_> =
            self.predictions.iter().filter(|p| p.label != p.predicted).collect();
        // A loss that is not a number goes first: nothing can be worse.
        let cost = |p: &Prediction| if p.loss.is_nan() { f64::INFINITY } else { p.loss };
        mistakes.sort_by(|a, b| cost(b).total_cmp(&cost(a)).then(a.index.cmp(&b.index)));
        mistakes
    }
}

/// Refuses augmented images of another shape or of unknown classes.
pub(crate) fn check_augmented(facts: &DatasetFacts, images: &[Augmented]) -> Result<()> {
    for (position, augmented) in images.iter().enumerate() {
        check_index(position, "augmented class", augmented.label, facts.classes.len())?;
        for levels in augmented.versions.iter().chain([&augmented.image]) {
            check("levels in an augmented image", levels.len(), facts.shape.size())?;
        }
    }
    Ok(())
}

fn check(what: &str, found: usize, expected: usize) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(Error::Mismatch(format!("{found} {what} where {expected} are needed")))
}

fn check_index(position: usize, what: &str, found: usize, limit: usize) -> Result<()> {
    if found < limit {
        return Ok(());
    }
    Err(Error::Mismatch(format!(
        "prediction {position} names {what} {found}, but there are only {limit}, counted from 0"
    )))
}
