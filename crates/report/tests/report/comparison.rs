//! Several runs in one plot and on one page.

use std::collections::BTreeMap;

use report::{ComparedRun, Error, differing_settings, write_comparison};

use crate::sample::*;

fn compared<'a>(runs: &'a [Run]) -> Vec<ComparedRun<'a>> {
    let of = |run: &'a Run| ComparedRun {
        name: &run.name,
        config: &run.config,
        facts: &run.facts,
        metrics: &run.metrics,
        evaluation: Some(&run.evaluation),
    };
    runs.iter().map(of).collect()
}

/// `n` runs that differ in name, seed and number of epochs.
fn runs(n: usize) -> Vec<Run> {
    let run = |i: usize| {
        let mut run = Run::new(3 + i, 10, digits(), &[4]);
        run.name = format!("run {i}");
        run.config.training.seed = i as u64;
        run
    };
    (0..n).map(run).collect()
}

fn files(runs: &[ComparedRun]) -> BTreeMap<String, Vec<u8>> {
    crate::sample::files(|directory| write_comparison(runs, directory))
}

fn text(runs: &[ComparedRun], file: &str) -> String {
    String::from_utf8(files(runs).remove(file).unwrap()).unwrap()
}

#[test]
fn every_run_has_its_lines_and_its_label() {
    let mut runs = runs(3);
    for row in &mut runs[2].metrics {
        (row.val_loss, row.val_accuracy) = (None, None);
    }
    let files = files(&compared(&runs));
    assert_eq!(
        files.keys().map(String::as_str).collect::<Vec<_>>(),
        ["comparison.html", "comparison.png", "comparison.svg"]
    );
    let svg = std::str::from_utf8(&files["comparison.svg"]).unwrap();
    png(&files, "comparison");
    let texts = texts(svg);
    assert_eq!(texts[0], "3 runs compared");
    // What nothing was held out for is not set beside the validation of others.
    for label in ["run 0: 0.0500", "run 1: 0.0800", "run 2: 0.0600 in training", "run 0: 98.00 %"] {
        assert!(texts.iter().any(|text| text == label), "{label} in {texts:?}");
    }
    // Validation is thick: of two runs in two panels.
    assert_eq!(elements(svg, "polyline", &[("stroke-width", "4")]), 2 * 2);
    // Discs of the first run: three epochs and the label in both panels.
    assert_eq!(elements(svg, "circle", &[("fill", "#0072B2")]), 2 * (3 + 1));
}

#[test]
fn twelve_runs_have_twelve_labels() {
    let runs = runs(12);
    let svg = text(&compared(&runs), "comparison.svg");
    let texts = texts(&svg);
    for i in 0..12 {
        let labels = texts.iter().filter(|text| text.starts_with(&format!("run {i}: "))).count();
        assert_eq!(labels, 2, "run {i} in both panels");
    }
    let document = roxmltree::Document::parse(&svg).unwrap();
    let labelled = |text: &roxmltree::Node| text.text().unwrap_or("").trim().starts_with("run ");
    let mut heights: Vec<i32> = document
        .descendants()
        .filter(|node| node.tag_name().name() == "text" && labelled(node))
        .take(12)
        .map(|node| node.attribute("y").unwrap().parse().unwrap())
        .collect();
    heights.sort_unstable();
    assert_eq!(heights.len(), 12);
    assert!(heights.windows(2).all(|pair| pair[1] - pair[0] >= 30), "{heights:?}");
}

#[test]
fn only_settings_that_differ_are_listed() {
    let mut runs = runs(3);
    assert_eq!(differing_settings(&compared(&runs[..1])), []);
    assert_eq!(differing_settings(&[]), []);
    runs[1].config.recipe = "with = sign\nand \"\"\" line".to_owned();
    runs[2].config.training.checkpoint = run::Selection::Last;
    let settings = differing_settings(&compared(&runs));
    let keys: Vec<_> = settings.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["recipe", "seed", "checkpoint"]);
    assert_eq!(settings[1].1, ["0", "1", "2"]);
    assert_eq!(settings[2].1, ["best", "best", "last"]);
    assert!(settings[0].1[1].contains("with = sign"), "{settings:?}");
    let page = plain(&text(&compared(&runs), "comparison.html"));
    assert!(page.contains("<th scope=\"row\">seed</th><td>0</td><td>1</td><td>2</td>"));
    assert!(!page.contains("batch_size"));
}

#[test]
fn the_page_has_the_figures_of_every_run() {
    let mut runs = runs(2);
    runs[0].evaluation.val = None;
    let mut compared = compared(&runs);
    compared[1].evaluation = None;
    let page = plain(&text(&compared, "comparison.html"));
    for row in [
        "Test accuracy</th><td>99.13 %</td><td>not tested</td>",
        "Test errors</th><td>1 of 10</td><td>not tested</td>",
        "Validation loss, as tested</th><td>none</td><td>not tested</td>",
        "Gap of test to training loss</th><td>+0.0166</td><td>not tested</td>",
        "Epochs</th><td>3</td><td>4</td>",
        "Best epoch by validation</th><td>2</td><td>2</td>",
        "Training time</th><td>3 min 3 s</td><td>4 min 4 s</td>",
    ] {
        assert!(page.contains(row), "{row}");
    }
    for reference in ["http:", "https:", "src=", "url(", "<link", "<script"] {
        assert!(!page.contains(reference), "{reference}");
    }
    // Each panel becomes as narrow as the window.
    assert_eq!(page.matches("<svg").count(), 2);
    assert_eq!(page.matches("min-width:0px").count(), 2);
    for text in ["aria-label=\"Loss", "aria-label=\"Accuracy", "Thick lines are validation"] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn different_and_synthetic_data_are_named() {
    let mut runs = runs(2);
    let page = text(&compared(&runs), "comparison.html");
    assert!(!page.contains("used different images") && !page.contains("class=\"banner\""));
    runs[1].facts.synthetic = true;
    runs[1].facts.sha256 = "cd".repeat(32);
    let files = files(&compared(&runs));
    let page = std::str::from_utf8(&files["comparison.html"]).unwrap();
    assert!(page.contains("used different images") && page.contains("class=\"banner\""));
    let svg = std::str::from_utf8(&files["comparison.svg"]).unwrap();
    assert!(texts(svg).contains(&"run 1 (synthetic): 98.00 %".to_owned()));
    assert_eq!(texts(svg)[0], "2 runs compared");
    runs[0].facts.synthetic = true;
    let svg = text(&compared(&runs), "comparison.svg");
    assert_eq!(texts(&svg)[0], "2 runs compared (synthetic data)");
}

#[test]
fn names_of_runs_are_text_and_nothing_else() {
    let mut runs = runs(2);
    runs[0].name = "<script>alert(1)</script>\u{0}".to_owned();
    runs[0].config.recipe = "</table><img>".to_owned();
    let page = text(&compared(&runs), "comparison.html");
    assert!(!page.contains("<script") && !page.contains("<img") && !page.contains('\u{0}'));
    assert!(page.replace("<wbr>", "").contains("&lt;/table&gt;&lt;img&gt;"));
}

#[test]
fn values_that_cannot_be_drawn_leave_a_gap_and_are_counted() {
    let mut runs = runs(1);
    runs[0].metrics[1].val_loss = Some(f64::NAN);
    runs[0].metrics[1].loss = -1.0;
    let svg = text(&compared(&runs), "comparison.svg");
    assert_text(&svg, "Left out: 2 values");
    for row in &mut runs[0].metrics {
        (row.loss, row.val_loss) = (0.0, Some(1e300));
        (row.accuracy, row.val_accuracy) = (1.0, Some(0.0));
    }
    let svg = text(&compared(&runs), "comparison.svg");
    assert!(texts(&svg).contains(&"0 %".to_owned()), "{:?}", texts(&svg));
}

#[test]
fn no_runs_and_too_many_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let mut runs = runs(13);
    for n in [0, 13] {
        let error = write_comparison(&compared(&runs[..n]), directory.path()).unwrap_err();
        assert_eq!(error.to_string(), format!("{n} runs do not fit one plot: give 1 to 12"));
    }
    runs[1].metrics.clear();
    let error = write_comparison(&compared(&runs[..2]), directory.path()).unwrap_err();
    assert!(matches!(error, Error::Empty(_)), "{error}");
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
