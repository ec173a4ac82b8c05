//! The page of a run: everything about it in one file that needs no other.

use run::Agreement;

use crate::drawing::Plot;
use crate::html::{banner, document, facts, section, table, text};
use crate::inputs::Inputs;
use crate::numbers::{accuracy, count, duration, loss, plural, points, signed};

/// What the banner says about synthetic data.
const SYNTHETIC: &str = "kiln drew these images itself. The figures below show that the pipeline works; they say \
                         nothing about real handwriting.";

/// The page as HTML, with every plot in its section.
pub(crate) fn html(inputs: &Inputs, plots: &[Plot]) -> String {
    let name = text(inputs.run_name);
    let mut main = String::new();
    if inputs.facts.synthetic {
        main += &banner(SYNTHETIC);
    }
    main += &headline(inputs);
    main += &section("verdict", "Did it overfit?", &overfitting(inputs));
    if let Some(doubt) = &inputs.evaluation.doubt {
        let sentences = doubt.sentences().map(|sentence| format!("<p>{}</p>\n", text(&sentence)));
        main += &section("doubt", "Which answers are doubtful?", &sentences.concat());
    }
    for plot in plots {
        main += &section(plot.name, &text(&plot.title), &plot.figure());
    }
    if inputs.explanations.is_none() {
        let hint = "<p>Filters and occlusion maps were not recorded: evaluate the run again.</p>";
        main += &section("explanations", "Filters and occlusion maps", hint);
    }
    main += &section("agreement", "Parity of training and serving", &agreement(inputs.agreement));
    let settings: String =
        inputs.config.to_toml().lines().map(|line| format!("{}\n", text(line))).collect();
    main += &section("config", "Configuration", &format!("<pre>{settings}</pre>"));
    main += &section("data", "Data", &facts_table(inputs));
    let title =
        if inputs.facts.synthetic { format!("{name} (synthetic data)") } else { name.clone() };
    let header = format!(
        "<h1>{name}</h1>\n<p>A network trained on {}, tested on {} that {} not used for training.</p>",
        text(&inputs.facts.name),
        plural(inputs.facts.n_test, "image", "images"),
        if inputs.facts.n_test == 1 { "was" } else { "were" },
    );
    document(&title, "kiln report", &header, &main)
}

fn headline(inputs: &Inputs) -> String {
    let evaluation = inputs.evaluation;
    let seconds = inputs.metrics.iter().map(|row| row.seconds).sum();
    let balanced = evaluation.balanced_accuracy.map(|of| format!("balanced {}", accuracy(of)));
    let f1 = evaluation.macro_f1.map(|f1| format!("macro F1 {}", accuracy(f1)));
    let balanced = balanced.into_iter().chain(f1).collect::<Vec<_>>().join("<br>");
    let of = format!("of {}", plural(inputs.facts.n_test, "test image", "test images"));
    let tested = format!("tested: epoch {}", evaluation.epoch);
    let images = plural(inputs.facts.n_train, "image", "images");
    let mut html = "<dl class=\"headline\">\n".to_owned();
    for (term, figure, detail) in [
        ("Test accuracy", accuracy(evaluation.accuracy), balanced.as_str()),
        ("Errors", count(evaluation.errors), &of),
        ("Test loss", loss(evaluation.loss), "nats per image"),
        (
            if inputs.metrics.len() == 1 { "Epoch" } else { "Epochs" },
            count(inputs.metrics.len()),
            &tested,
        ),
        ("Training time", duration(seconds), &images),
    ] {
        let detail = if detail.is_empty() { "" } else { &format!("<small>{detail}</small>") };
        html += &format!("<div><dt>{term}</dt><dd>{figure}{detail}</dd></div>\n");
    }
    html + "</dl>\n"
}

/// The verdict, and the scores of the same weights on each part of the images.
fn overfitting(inputs: &Inputs) -> String {
    let (facts, evaluation) = (inputs.facts, inputs.evaluation);
    let caption = "The tested weights on the original images: dropout, augmentation and label smoothing off. \
                   Overfitting shows as a gap to training.";
    let train = evaluation.train;
    let row = |part: &str, images: usize, nats: f64, fraction: f64| {
        let gaps = [signed(nats - train.loss, loss), signed(fraction - train.accuracy, points)];
        let [loss_gap, accuracy_gap] = if part == "Training" { Default::default() } else { gaps };
        let (images, nats, fraction) = (count(images), loss(nats), accuracy(fraction));
        vec![part.to_owned(), images, nats, loss_gap, fraction, accuracy_gap]
    };
    let mut rows = vec![row("Training", facts.n_train, train.loss, train.accuracy)];
    let verdict = format!("<p>{}</p>\n", text(&evaluation.verdict));
    if let Some(val) = evaluation.val {
        rows.push(row("Validation", facts.n_val, val.loss, val.accuracy));
    }
    rows.push(row("Test", facts.n_test, evaluation.loss, evaluation.accuracy));
    let columns = ["Part", "Images", "Loss", "Loss gap", "Accuracy", "Accuracy gap"];
    verdict + &table(caption, &columns, &rows)
}

fn agreement(agreement: Option<&Agreement>) -> String {
    let Some(agreement) = agreement else {
        return "<p>The exported model has not been compared with the trained one.</p>".to_owned();
    };
    let verdict = match agreement.holds() {
        true => "✓ The exported model (tract) gives the same answers as the trained one (Burn).",
        false => {
            "✗ The exported model (tract) gives other answers than the trained one (Burn). Do not use it."
        }
    };
    let mut rows = vec![
        ("Compared".to_owned(), plural(agreement.n_images, "image", "images")),
        ("Tolerance of a probability".to_owned(), format!("{:.0e}", agreement.tolerance)),
    ];
    rows.extend(agreement.batches.iter().map(|batch| {
        let (same, all) = (count(batch.same_class), count(agreement.n_images));
        let difference = batch.largest_difference;
        let value = format!("same class {same} of {all}, largest difference {difference:.2e}");
        (format!("Batch {}", batch.batch), value)
    }));
    format!("<p><strong>{verdict}</strong></p>\n{}", facts(&rows))
}

/// A number for each channel.
fn by_channel(values: &[f64]) -> String {
    values.iter().map(|value| format!("{value:.4}")).collect::<Vec<_>>().join(", ")
}

fn facts_table(inputs: &Inputs) -> String {
    let data = inputs.facts;
    let [channels, height, width] = data.shape.dimensions();
    let origin = if data.synthetic { "synthetic, drawn by kiln" } else { "read from files" };
    let rows = [
        ("Data set", text(&data.name)),
        ("Origin", origin.to_owned()),
        ("SHA-256 of all images and labels", format!("<code>{}</code>", text(&data.sha256))),
        ("Classes", count(data.classes.len())),
        ("Image size", format!("{width}x{height}, {}", plural(channels, "channel", "channels"))),
        ("Training images", count(data.n_train)),
        ("Validation images", count(data.n_val)),
        ("Test images", count(data.n_test)),
        ("Mean level in training", format!("{} of 255", by_channel(&data.mean))),
        ("Standard deviation in training", format!("{} of 255", by_channel(&data.std))),
    ];
    facts(&rows)
}
