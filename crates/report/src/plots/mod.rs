//! The plots of one run's report.
//!
//! To add one: a file beside this one with a function from [`Inputs`] to a [`Plot`], and a line in [`all`]. The files
//! and the page follow.

mod augmentation;
pub(crate) mod calibration;
mod confusion;
pub(crate) mod curves;
mod filters;
mod grid;
mod learning_rate;
mod mistakes;
mod occlusion;
mod originals;
mod suspects;

use crate::drawing::{MUTED_TEXT, Plot};
use crate::inputs::{Augmented, Inputs, Original};
use run::DatasetFacts;

/// Every plot, in the order of the page. Explanations are plotted where they are recorded.
pub(crate) fn all(inputs: &Inputs) -> Vec<Plot> {
    let mut plots = vec![
        curves::plot(inputs.config, inputs.metrics),
        learning_rate::plot(inputs),
        grid::plot(inputs),
        confusion::plot(inputs),
        calibration::plot(inputs),
        mistakes::plot(inputs),
    ];
    if let Some(suspects) = inputs.suspects {
        plots.push(suspects::plot(inputs, suspects));
    }
    // Where the network sees every pixel of every file there is nothing to compare.
    let is_same = |o: &Original| o.shape == inputs.facts.shape && o.pixels == inputs.image(o.index);
    if !inputs.originals.iter().all(is_same) {
        plots.push(originals::plot(inputs));
    }
    if !inputs.augmented.is_empty() {
        plots.push(augmentation::plot(inputs.facts, inputs.augmented));
    }
    if let Some(explanations) = inputs.explanations {
        plots.push(filters::plot(inputs, explanations));
        plots.push(occlusion::plot(inputs, explanations));
    }
    plots.into_iter().map(|plot| of_run(plot, inputs.run_name, inputs.facts)).collect()
}

/// The augmentation of a run alone, which can be drawn before there is anything else to report.
pub(crate) fn augmentation(run_name: &str, facts: &DatasetFacts, images: &[Augmented]) -> Plot {
    of_run(augmentation::plot(facts, images), run_name, facts)
}

/// A plot that names its run and data.
pub(crate) fn of_run(plot: Plot, run_name: &str, facts: &DatasetFacts) -> Plot {
    let subtitle = format!("{}, {}", MUTED_TEXT.fit(run_name, 600), facts.name);
    Plot { subtitle, synthetic: facts.synthetic, ..plot }
}
