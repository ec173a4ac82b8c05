//! What a report is made of, and the check that it belongs together.

use run::{
    Agreement, Config, DatasetFacts, EpochMetrics, Evaluation, Explanations, Occlusion, Prediction,
};

use crate::error::{Error, Result};

/// Height and width of a filter of the first layer.
pub(crate) const FILTER_SIDE: usize = 3;

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
        let size = self.facts.shape.size();
        &self.test_pixels[index * size..(index + 1) * size]
    }

    /// Whether any epoch was validated.
    pub(crate) fn validates(&self) -> bool {
        self.metrics.iter().any(|row| row.val_loss.is_some() || row.val_accuracy.is_some())
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
