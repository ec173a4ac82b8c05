//! The curves in words: what a reader should know, and what those are told who do not see them.

use super::{Quantity, drawable};
use crate::inputs::Inputs;
use crate::text::plural;
use run::EpochMetrics;

/// What a reader of the curves should know: how training was measured, and what is not drawn.
pub(crate) fn note(inputs: &Inputs) -> String {
    let config = inputs.config;
    let dropout = config.network.conv_dropout > 0.0 || config.network.dense_dropout > 0.0;
    let augmentation =
        [config.augmentation.rotation, config.augmentation.shift, config.augmentation.zoom, config.augmentation.elastic].iter().any(|&most| most > 0.0);
    let on = match (dropout, augmentation) {
        (true, true) => "with dropout and augmentation on ",
        (true, false) => "with dropout on ",
        (false, true) => "with augmentation on ",
        (false, false) => "",
    };
    let smoothed =
        if config.training.label_smoothing > 0.0 { ", its loss against smoothed targets" } else { "" };
    let mut note = format!("Training is measured {on}while the weights still move{smoothed}");
    if !inputs.validates() {
        note += ". Nothing was held out for validation.";
    } else if config.optimizer.average_decay > 0.0 {
        note += ", and validation on the weights' moving average, so validation can look better.";
    } else {
        note += ", so validation can look better.";
    }
    let lost = |row: &&EpochMetrics| {
        let values = [Some(row.loss), row.val_loss, Some(row.accuracy), row.val_accuracy];
        values.into_iter().flatten().any(|value| !drawable(value))
    };
    let lost: Vec<_> =
        inputs.metrics.iter().filter(lost).map(|row| row.epoch.to_string()).collect();
    if !lost.is_empty() {
        let shown = lost.iter().take(8).map(String::as_str).collect::<Vec<_>>().join(", ");
        let more = if lost.len() > 8 { " and others" } else { "" };
        let epochs = if lost.len() == 1 { "epoch" } else { "epochs" };
        note += &format!(
            " Left out: values of {epochs} {shown}{more} that are not finite numbers, or too large \
             to draw."
        );
    }
    note
}

/// Both panels in words.
pub(crate) fn alt(inputs: &Inputs) -> String {
    let panels = [Quantity::Loss, Quantity::Accuracy].map(|quantity| panel_alt(inputs, quantity));
    format!("Training curves. {}", panels.join(" "))
}

/// One panel in words.
pub(crate) fn panel_alt(inputs: &Inputs, quantity: Quantity) -> String {
    let name = quantity.title();
    let last = inputs
        .metrics
        .last()
        .map_or([f64::NAN; 2], |row| quantity.of(row))
        .map(|v| quantity.write(v));
    let [training, validation] = last;
    let best = inputs.best_epoch().map_or_else(String::new, |row| {
        format!(" The lowest validation loss is that of epoch {}.", row.epoch)
    });
    let epochs = plural(inputs.metrics.len(), "epoch", "epochs");
    let validation = if inputs.validates() {
        format!(" and {validation} in validation")
    } else {
        ", nothing held out for validation".to_owned()
    };
    format!("{name} over {epochs}, at the end {training} in training{validation}.{best}")
}
