//! The page: everything about a run in one file that needs no other.

use run::Agreement;

use crate::error::Result;
use crate::html::{banner, document, facts, figure, section, table, text, text_block};
use crate::inputs::Inputs;
use crate::picture::{Kind, Picture};
use crate::render::svg_element;
use crate::text::{count, duration, loss, percent, plural, signed};
use crate::{curves, misses};

/// The page as HTML.
pub(crate) fn html(inputs: &Inputs) -> Result<String> {
    let name = text(inputs.run_name);
    let picture = |kind| figure(&Picture { kind, inputs });
    let explained = |kind| match inputs.explanations {
        Some(_) => picture(kind),
        None => Ok("<p>Nothing was recorded for this picture: evaluate the run again.</p>".into()),
    };
    let sections = [
        if inputs.facts.synthetic { banner(MADE_UP) } else { String::new() },
        headline(inputs),
        section("verdict", "Did it overfit?", &overfitting(inputs)),
        section("curves", "Training curves", &curves_section(inputs)?),
        section("grid", "A look at the test set", &picture(Kind::Grid)?),
        section("classes", "Scores by class", &class_table(inputs)),
        section("confusion", "What it takes for what", &picture(Kind::Confusion)?),
        section("calibration", "Does it know when it is unsure?", &picture(Kind::Calibration)?),
        section("mistakes", "Where it fails", &picture(Kind::Mistakes)?),
        section("misses", "Mistakes by class", &misses::table(inputs)),
        section("occlusion", "Where the picture mattered", &explained(Kind::Occlusion)?),
        section("filters", "What the first layer looks for", &explained(Kind::Filters)?),
        section("agreement", "Burn and tract", &agreement(inputs.agreement)),
        section(
            "config",
            "Configuration",
            &format!("<pre>{}</pre>", text_block(&inputs.config.to_toml())),
        ),
        section("data", "Data", &facts_table(inputs)),
    ]
    .concat();
    let title =
        if inputs.facts.synthetic { format!("{name} (synthetic data)") } else { name.clone() };
    let header = format!(
        "<h1>{name}</h1>\n<p>A network trained on {}, and what it makes of {} it had never \
         seen.</p>",
        text(&inputs.facts.name),
        plural(inputs.facts.n_test, "test image", "test images"),
    );
    Ok(document(&title, "kiln report", &header, &sections))
}

/// What the banner says of a run on made-up data.
const MADE_UP: &str = "kiln drew these images itself, with no hand involved. The figures below \
                       show that the pipeline works; they say nothing about real handwriting.";

fn headline(inputs: &Inputs) -> String {
    let evaluation = inputs.evaluation;
    let epochs = inputs.metrics.len();
    let figures = [
        ("Test accuracy", percent(evaluation.accuracy, 2), String::new()),
        (
            "Errors",
            count(evaluation.errors),
            format!("of {}", plural(inputs.facts.n_test, "test image", "test images")),
        ),
        ("Test loss", loss(evaluation.loss), "nats an image".to_owned()),
        ("Epochs", count(epochs), format!("tested: epoch {}", evaluation.epoch)),
        (
            "Training time",
            duration(inputs.metrics.iter().map(|row| row.seconds).sum()),
            plural(inputs.facts.n_train, "image", "images"),
        ),
    ];
    let mut html = "<dl class=\"headline\">\n".to_owned();
    for (term, figure, detail) in figures {
        let detail = if detail.is_empty() { detail } else { format!("<small>{detail}</small>") };
        html += &format!("<div><dt>{term}</dt><dd>{figure}{detail}</dd></div>\n");
    }
    html + "</dl>\n"
}

/// The verdict, and the same weights' figures on each part of the images.
fn overfitting(inputs: &Inputs) -> String {
    let (facts, evaluation) = (inputs.facts, inputs.evaluation);
    let caption = "The tested weights on the images as they are: dropout and augmentation off, \
                   targets not smoothed. The gap to training is what overfitting opens.";
    let columns = ["Part", "Images", "Loss", "Gap", "Accuracy", "Gap"].map(str::to_owned);
    let train = evaluation.train;
    let row = |part: &str, images: usize, nats: f64, accuracy: f64| {
        vec![
            part.to_owned(),
            count(images),
            loss(nats),
            signed(nats - train.loss, loss),
            percent(accuracy, 2),
            signed(accuracy - train.accuracy, |part| percent(part, 2)),
        ]
    };
    let mut rows = vec![row("Training", facts.n_train, train.loss, train.accuracy)];
    for column in [3, 5] {
        rows[0][column] = String::new();
    }
    if let Some(val) = evaluation.val {
        rows.push(row("Validation", facts.n_val, val.loss, val.accuracy));
    }
    rows.push(row("Test", facts.n_test, evaluation.loss, evaluation.accuracy));
    let nothing = match evaluation.val {
        Some(_) => "",
        None => "<p>Nothing was held out for validation.</p>\n",
    };
    format!("<p>{}</p>\n{nothing}{}", text(&evaluation.verdict), table(caption, &columns, &rows))
}

/// The halves of the curves as pictures of their own, which stack on a phone, and their figures as
/// a table.
fn curves_section(inputs: &Inputs) -> Result<String> {
    let left = svg_element(&Picture { kind: Kind::Loss, inputs })?;
    let right = svg_element(&Picture { kind: Kind::Accuracy, inputs })?;
    let columns = ["Epoch", "Loss", "Validation loss", "Accuracy", "Validation accuracy"];
    let none = || "none".to_owned();
    let row = |row: &run::EpochMetrics| {
        vec![
            row.epoch.to_string(),
            loss(row.loss),
            row.val_loss.map_or_else(none, loss),
            percent(row.accuracy, 2),
            row.val_accuracy.map_or_else(none, |part| percent(part, 2)),
        ]
    };
    let rows: Vec<_> = inputs.metrics.iter().map(row).collect();
    let (note, table) =
        (text(&curves::note(inputs)), table("", &columns.map(str::to_owned), &rows));
    Ok(format!(
        "<figure><div class=\"pair\">\n{left}{right}</div>\n\
         <figcaption>{note}</figcaption></figure>\n\
         <details><summary>The figures behind the curves</summary>\n{table}</details>"
    ))
}

fn class_table(inputs: &Inputs) -> String {
    let caption = "Precision: right among those predicted as the class. Recall: found among those \
                   of the class. F1: their harmonic mean.";
    let columns = ["Class", "Precision", "Recall", "F1", "Images"].map(str::to_owned);
    let row = |scores: &run::ClassScores| {
        let [precision, recall, f1] =
            [scores.precision, scores.recall, scores.f1].map(|part| percent(part, 2));
        vec![text(&scores.class), precision, recall, f1, count(scores.support)]
    };
    let rows: Vec<_> = inputs.evaluation.classes.iter().map(row).collect();
    table(caption, &columns, &rows)
}

fn agreement(agreement: Option<&Agreement>) -> String {
    let Some(agreement) = agreement else {
        return "<p>The exported model has not been compared with the trained one.</p>".to_owned();
    };
    let verdict = if agreement.holds() {
        "✓ The exported model answers as the trained one does."
    } else {
        "✗ The exported model does not answer as the trained one does. Do not use it."
    };
    let images = plural(agreement.n_images, "image", "images");
    let mut rows = vec![
        ("Compared".to_owned(), images),
        ("Tolerance of a probability".to_owned(), format!("{:.0e}", agreement.tolerance)),
    ];
    for batch in &agreement.batches {
        let same = format!("{} of {}", count(batch.same_class), count(agreement.n_images));
        let difference = format!("{:.2e}", batch.largest_difference);
        rows.push((
            format!("Batch {}", batch.batch),
            format!("same class {same}, largest difference {difference}"),
        ));
    }
    let rows: Vec<_> = rows.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    format!("<p><strong>{verdict}</strong></p>\n{}", facts(&rows))
}

fn facts_table(inputs: &Inputs) -> String {
    let data = inputs.facts;
    facts(&[
        ("Data set", text(&data.name)),
        (
            "Origin",
            if data.synthetic { "synthetic, drawn by kiln" } else { "read from files" }.to_owned(),
        ),
        ("SHA-256 of all images and labels", format!("<code>{}</code>", text(&data.sha256))),
        ("Classes", count(data.classes.len())),
        ("Training images", count(data.n_train)),
        ("Validation images", count(data.n_val)),
        ("Test images", count(data.n_test)),
        ("Mean grey level in training", format!("{:.4} of 255", data.mean)),
        ("Standard deviation in training", format!("{:.4} of 255", data.std)),
    ])
}
