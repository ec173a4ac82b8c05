//! The page: everything about a run in one file that needs no other.

use std::fmt::Write;

use run::Agreement;

use crate::curves;
use crate::error::Result;
use crate::inputs::Inputs;
use crate::palette::{PALETTE, hex};
use crate::picture::{Picture, escape, svg_element};
use crate::text::{clean, count, loss, percent, plural};

/// Forbids the page to load or run anything: what a run's names might smuggle in stays dead text.
const POLICY: &str = "default-src 'none'; img-src data:; style-src 'unsafe-inline'";

/// The page as HTML.
pub(crate) fn html(inputs: &Inputs) -> Result<String> {
    let (name, style) = (text(inputs.run_name), style());
    let sections = [
        banner(inputs),
        headline(inputs),
        section(
            "verdict",
            "Did it overfit?",
            &format!("<p>{}</p>", text(&inputs.evaluation.verdict)),
        ),
        section("curves", "Training curves", &curves_section(inputs)?),
        section("grid", "A look at the test set", &figure(Picture::Grid, inputs)?),
        section("classes", "Scores by class", &class_table(inputs)),
        section("confusion", "What it takes for what", &figure(Picture::Confusion, inputs)?),
        section("mistakes", "Where it fails", &figure(Picture::Mistakes, inputs)?),
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
    Ok(format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<title>{title}: kiln report</title>
<style>
{style}</style>
</head>
<body>
<header>
<h1>{name}</h1>
<p>A network trained on {data}, and what it makes of {n_test} it had never seen.</p>
</header>
<main>
{sections}</main>
<footer>Made by kiln {version}. The pictures lie beside this page as PNG and SVG.</footer>
</body>
</html>
"#,
        data = text(&inputs.facts.name),
        n_test = plural(inputs.facts.n_test, "test image", "test images"),
        version = env!("CARGO_PKG_VERSION"),
    ))
}

/// The palette as variables, and rules by which an inline picture takes its colours from them.
fn style() -> String {
    let mut light = String::new();
    let mut dark = String::new();
    let mut pictures = String::new();
    for ink in PALETTE {
        let (name, on_paper) = (ink.name, hex(ink.light));
        light += &format!(" --{name}: {on_paper};");
        dark += &format!(" --{name}: {};", hex(ink.dark));
        for property in ["fill", "stroke"] {
            pictures += &format!(
                "figure svg [{property}=\"{on_paper}\"] {{ {property}: var(--{name}); }}\n"
            );
        }
    }
    // Only screens are dark: a printer would waste its ink.
    format!(
        ":root {{ color-scheme: light dark;{light} }}\n\
         @media screen and (prefers-color-scheme: dark) {{ :root {{{dark} }} }}\n\
         {pictures}{}",
        include_str!("page.css")
    )
}

fn section(id: &str, heading: &str, content: &str) -> String {
    format!(
        "<section id=\"{id}\" aria-labelledby=\"{id}-h\">\n\
         <h2 id=\"{id}-h\">{heading}</h2>\n{content}\n</section>\n"
    )
}

fn banner(inputs: &Inputs) -> String {
    if !inputs.facts.synthetic {
        return String::new();
    }
    "<div class=\"banner\" role=\"note\"><strong>Synthetic data</strong>kiln drew these images \
     itself, with no hand involved. The figures below show that the pipeline works; they say nothing \
     about real handwriting.</div>\n"
        .to_owned()
}

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

/// The halves of the curves as pictures of their own, which stack on a phone, and their figures as
/// a table.
fn curves_section(inputs: &Inputs) -> Result<String> {
    let left = svg_element(Picture::Loss, inputs)?;
    let right = svg_element(Picture::Accuracy, inputs)?;
    let columns = ["Epoch", "Loss", "Validation loss", "Accuracy", "Validation accuracy"];
    let rows = inputs.metrics.iter().map(|row| {
        let [training, validation] = [row.accuracy, row.val_accuracy].map(|part| percent(part, 2));
        [row.epoch.to_string(), loss(row.loss), loss(row.val_loss), training, validation]
    });
    let (note, table) = (text(&curves::note(inputs)), table("", columns, rows));
    Ok(format!(
        "<figure><div class=\"pair\">\n{left}{right}</div>\n\
         <figcaption>{note}</figcaption></figure>\n\
         <details><summary>The figures behind the curves</summary>\n{table}</details>"
    ))
}

/// A picture that tells its own title and notes.
fn figure(picture: Picture, inputs: &Inputs) -> Result<String> {
    let svg = svg_element(picture, inputs)?;
    Ok(format!("<figure class=\"scroll\" tabindex=\"0\">\n{svg}</figure>"))
}

fn class_table(inputs: &Inputs) -> String {
    let caption = "Precision: right among those predicted as the class. Recall: found among those \
                   of the class. F1: their harmonic mean.";
    let columns = ["Class", "Precision", "Recall", "F1", "Images"];
    let rows = inputs.evaluation.classes.iter().map(|scores| {
        let [precision, recall, f1] =
            [scores.precision, scores.recall, scores.f1].map(|part| percent(part, 2));
        [text(&scores.class), precision, recall, f1, count(scores.support)]
    });
    table(caption, columns, rows)
}

/// A table of figures whose first column names the rows; the cells are HTML.
fn table(caption: &str, columns: [&str; 5], rows: impl Iterator<Item = [String; 5]>) -> String {
    let mut html = "<div class=\"scroll\" tabindex=\"0\"><table>\n".to_owned();
    if !caption.is_empty() {
        html += &format!("<caption>{caption}</caption>\n");
    }
    let heads = columns.map(|column| format!("<th scope=\"col\">{column}</th>")).concat();
    html += &format!("<thead><tr>{heads}</tr></thead>\n<tbody>\n");
    for [name, cells @ ..] in rows {
        let cells = cells.map(|cell| format!("<td>{cell}</td>")).concat();
        html += &format!("<tr><th scope=\"row\">{name}</th>{cells}</tr>\n");
    }
    html + "</tbody></table></div>"
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

/// A table of names and values; the values are HTML.
fn facts(rows: &[(&str, String)]) -> String {
    let mut html = "<table class=\"facts\"><tbody>\n".to_owned();
    for (name, value) in rows {
        html += &format!("<tr><th scope=\"row\">{name}</th><td>{value}</td></tr>\n");
    }
    html + "</tbody></table>"
}

/// Text from outside as HTML.
fn text(text: &str) -> String {
    escape(&clean(text))
}

/// Text of several lines from outside as HTML.
fn text_block(block: &str) -> String {
    block.lines().fold(String::new(), |mut html, line| {
        let _ = writeln!(html, "{}", text(line));
        html
    })
}

/// Seconds as people say them.
fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return "not measured".to_owned();
    }
    let whole = seconds.round() as u64;
    match whole {
        _ if seconds < 9.95 => format!("{seconds:.1} s"),
        0..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole / 60 % 60),
    }
}
