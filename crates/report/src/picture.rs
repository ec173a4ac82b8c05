//! The pictures of one run's report: which there are, and who draws them.

use plotters_backend::DrawingBackend;

use crate::frame::titled;
use crate::inputs::Inputs;
use crate::render::{Area, Drawing, Drawn};
use crate::text::clean;
use crate::{confusion, curves, filters, gallery, occlusion, reliability};

/// One of the pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Loss and accuracy side by side.
    Curves,
    /// The first test images.
    Grid,
    /// Counts of true and predicted classes.
    Confusion,
    /// Whether probabilities can be taken at their word.
    Calibration,
    /// The most expensive mistakes.
    Mistakes,
    /// The first layer's weights; only where they are recorded.
    Filters,
    /// Where the picture mattered for mistakes; only where it is recorded.
    Occlusion,
    /// The left half of the curves, for pages on which two halves stack.
    Loss,
    /// The right half of the curves.
    Accuracy,
}

/// A picture of a run.
pub(crate) struct Picture<'a> {
    pub(crate) kind: Kind,
    pub(crate) inputs: &'a Inputs<'a>,
}

/// The pictures that are files of their own.
pub(crate) fn files(inputs: &Inputs) -> Vec<Kind> {
    let mut files =
        vec![Kind::Curves, Kind::Grid, Kind::Confusion, Kind::Calibration, Kind::Mistakes];
    if inputs.explanations.is_some() {
        files.extend([Kind::Filters, Kind::Occlusion]);
    }
    files
}

impl Drawing for Picture<'_> {
    fn name(&self) -> &'static str {
        match self.kind {
            Kind::Curves => "curves",
            Kind::Grid => "grid",
            Kind::Confusion => "confusion",
            Kind::Calibration => "calibration",
            Kind::Mistakes => "mistakes",
            Kind::Filters => "filters",
            Kind::Occlusion => "occlusion",
            Kind::Loss => "loss",
            Kind::Accuracy => "accuracy",
        }
    }

    fn alt(&self) -> String {
        let inputs = self.inputs;
        let alt = match self.kind {
            Kind::Curves => curves::alt(inputs),
            Kind::Loss => curves::panel_alt(inputs, curves::Quantity::Loss),
            Kind::Accuracy => curves::panel_alt(inputs, curves::Quantity::Accuracy),
            Kind::Grid => gallery::grid(inputs).alt,
            Kind::Mistakes => gallery::mistakes(inputs).alt,
            Kind::Confusion => confusion::summary(inputs),
            Kind::Calibration => reliability::summary(inputs),
            Kind::Filters => filters::note(inputs),
            Kind::Occlusion => occlusion::note(inputs),
        };
        clean(&titled(&alt, inputs))
    }

    fn size(&self) -> (i32, i32) {
        let inputs = self.inputs;
        match self.kind {
            Kind::Curves => curves::size(inputs),
            Kind::Loss | Kind::Accuracy => curves::PANEL,
            Kind::Grid => gallery::grid(inputs).size(),
            Kind::Mistakes => gallery::mistakes(inputs).size(),
            Kind::Confusion => confusion::size(inputs),
            Kind::Calibration => reliability::size(inputs),
            Kind::Filters => filters::size(inputs),
            Kind::Occlusion => occlusion::size(inputs),
        }
    }

    fn draw<DB: DrawingBackend>(&self, area: &Area<DB>) -> Drawn<DB> {
        let inputs = self.inputs;
        match self.kind {
            Kind::Curves => curves::draw(area, inputs),
            Kind::Loss => curves::draw_panel(area, inputs, curves::Quantity::Loss),
            Kind::Accuracy => curves::draw_panel(area, inputs, curves::Quantity::Accuracy),
            Kind::Grid => gallery::grid(inputs).draw(area, inputs),
            Kind::Mistakes => gallery::mistakes(inputs).draw(area, inputs),
            Kind::Confusion => confusion::draw(area, inputs),
            Kind::Calibration => reliability::draw(area, inputs),
            Kind::Filters => filters::draw(area, inputs),
            Kind::Occlusion => occlusion::draw(area, inputs),
        }
    }
}
