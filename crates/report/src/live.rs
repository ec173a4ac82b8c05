//! The page of a run that is still in training.

use run::{Config, DatasetFacts, EpochMetrics};

use crate::drawing::Plot;
use crate::error::Result;
use crate::html::{section, style, text};
use crate::numbers::{accuracy, count, duration, loss};
use crate::plots;

/// Fetches the page again and again and shows what has changed; when the program ends, the page stays with what it has.
const SCRIPT: &str = r##"
setInterval(async () => {
  try {
    const reply = await fetch("/", { cache: "no-store", signal: AbortSignal.timeout(5000) });
    const page = new DOMParser().parseFromString(await reply.text(), "text/html");
    if (page.title !== document.title) return;
    const open = document.querySelector("details")?.open;
    document.querySelector("main").replaceWith(page.querySelector("main"));
    const details = document.querySelector("details");
    if (open && details) details.open = true;
  } catch {
    document.querySelector("#status").textContent = "The program has ended: these are its last figures.";
  }
}, 2000);
"##;

/// The training curves as an SVG file, as the report draws them; [`Error::Empty`](crate::Error::Empty) before the first epoch.
///
/// # Errors
/// [`Error::Empty`](crate::Error::Empty) where `metrics` has no rows, [`Error::Draw`](crate::Error::Draw).
pub fn curves_svg(
    run_name: &str,
    config: &Config,
    facts: &DatasetFacts,
    metrics: &[EpochMetrics],
) -> Result<Vec<u8>> {
    if metrics.is_empty() {
        return Err(crate::Error::Empty("epochs in the metrics"));
    }
    let [_, (_, svg)] = curves(run_name, config, facts, metrics).files()?;
    Ok(svg)
}

/// A page with the training curves and the last figures, which fetches itself from `/` every two seconds. `status` is a
/// sentence on what goes on now.
#[must_use]
pub fn live_page(
    run_name: &str,
    config: &Config,
    facts: &DatasetFacts,
    metrics: &[EpochMetrics],
    status: &str,
) -> String {
    let name = text(run_name);
    let (style, status) = (style(), text(status));
    let body = match metrics.last() {
        None => section("curves", "Training curves", "<p>They begin with the first epoch.</p>"),
        Some(last) => {
            let plot = curves(run_name, config, facts, metrics);
            figures(last, metrics, config) + &section(plot.name, &text(&plot.title), &plot.figure())
        }
    };
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{name}: kiln in training</title>
<style>
{style}</style>
</head>
<body>
<header>
<h1>{name}</h1>
<p>A network in training on {data}.</p>
</header>
<main>
<p id="status">{status}</p>
{body}</main>
<footer>This page is served by kiln as long as it runs. <a href="/curves.svg">The curves as SVG</a></footer>
<script>{SCRIPT}</script>
</body>
</html>
"#,
        data = text(&facts.name),
    )
}

fn curves(run_name: &str, config: &Config, facts: &DatasetFacts, metrics: &[EpochMetrics]) -> Plot {
    plots::of_run(plots::curves::plot(config, metrics), run_name, facts)
}

fn figures(last: &EpochMetrics, metrics: &[EpochMetrics], config: &Config) -> String {
    let validation = |value: Option<f64>, write: fn(f64) -> String| match value {
        Some(value) => format!("validation {}", write(value)),
        None => "no validation".to_owned(),
    };
    let epochs = format!("of {}", count(config.training.epochs));
    let seconds: f64 = metrics.iter().map(|row| row.seconds).sum();
    let mut html = "<dl class=\"headline\">\n".to_owned();
    for (term, figure, detail) in [
        ("Epoch", count(last.epoch), epochs),
        ("Loss", loss(last.loss), validation(last.val_loss, loss)),
        ("Accuracy", accuracy(last.accuracy), validation(last.val_accuracy, accuracy)),
        ("Training time", duration(seconds), format!("{} an epoch", duration(last.seconds))),
    ] {
        html += &format!("<div><dt>{term}</dt><dd>{figure}<small>{detail}</small></dd></div>\n");
    }
    html + "</dl>\n"
}
