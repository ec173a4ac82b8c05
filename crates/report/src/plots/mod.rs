//! The plots of one run's report.
//!
//! To add one: a file beside this one with a function from [`Inputs`] to a [`Plot`], and a line in [`all`]. The files
//! and the page follow.

pub(crate) mod calibration;
mod confusion;
mod curves;
mod filters;
mod grid;
mod learning_rate;
mod mistakes;
mod occlusion;

use crate::drawing::{MUTED_TEXT, Plot};
use crate::inputs::Inputs;

/// Every plot, in the order of the page. Explanations are plotted where they are recorded.
pub(crate) fn all(inputs: &Inputs) -> Vec<Plot> {
    let mut plots = vec![
        curves::plot(inputs),
        learning_rate::plot(inputs),
        grid::plot(inputs),
        confusion::plot(inputs),
        calibration::plot(inputs),
        mistakes::plot(inputs),
    ];
    if let Some(explanations) = inputs.explanations {
        plots.push(filters::plot(inputs, explanations));
        plots.push(occlusion::plot(inputs, explanations));
    }
    let name = MUTED_TEXT.fit(inputs.run_name, 600);
    let (subtitle, synthetic) = (format!("{name}, {}", inputs.facts.name), inputs.facts.synthetic);
    plots.into_iter().map(|plot| Plot { subtitle: subtitle.clone(), synthetic, ..plot }).collect()
}
