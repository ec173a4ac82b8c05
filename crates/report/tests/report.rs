//! Reports of small made-up runs, read back as a browser would read them.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine;
use proptest::prelude::*;
use report::{Agreement, Error, Inputs};
use run::{ClassScores, Config, DatasetFacts, EpochMetrics, Evaluation, Prediction};

const PIXELS: usize = 784;
const PICTURES: [&str; 4] = ["curves", "grid", "confusion", "mistakes"];
const VERMILLION: &str = "#D55E00";

/// A run that owns what [`Inputs`] borrows.
struct Run {
    name: String,
    config: Config,
    facts: DatasetFacts,
    metrics: Vec<EpochMetrics>,
    evaluation: Evaluation,
    predictions: Vec<Prediction>,
    pixels: Vec<u8>,
    agreement: Option<Agreement>,
}

impl Run {
    /// A run whose test image `i` is of class `i % n_classes`, and is taken for the next class
    /// where `wrong` names it.
    fn new(n_epochs: usize, n_test: usize, classes: Vec<String>, wrong: &[usize]) -> Self {
        let n = classes.len();
        let mut confusion = vec![vec![0; n]; n];
        let mut predictions = Vec::new();
        for index in 0..n_test {
            let label = index % n;
            let predicted = if wrong.contains(&index) { (label + 1) % n } else { label };
            confusion[label][predicted] += 1;
            let loss = if label == predicted { 0.01 } else { 1.0 + index as f64 };
            predictions.push(Prediction { index, label, predicted, probability: 0.875, loss });
        }
        let scores = |class: &String| ClassScores {
            class: class.clone(),
            precision: 0.9876,
            recall: 0.5,
            f1: 0.25,
            support: 1234,
        };
        let epoch = |epoch: usize| EpochMetrics {
            epoch,
            loss: 0.3 / epoch as f64,
            accuracy: 1.0 - 0.1 / epoch as f64,
            val_loss: 0.04 + 0.01 * (epoch as f64 - 2.0).powi(2),
            val_accuracy: 0.98,
            learning_rate: 1e-3,
            seconds: 61.0,
            images_per_second: 4000.0,
        };
        Self {
            name: "first-light".to_owned(),
            config: Config { seed: 777, ..Config::default() },
            metrics: (1..=n_epochs).map(epoch).collect(),
            evaluation: Evaluation {
                epoch: n_epochs,
                loss: 0.0267,
                accuracy: 0.9913,
                errors: wrong.len(),
                classes: classes.iter().map(scores).collect(),
                confusion,
                verdict: "No sign of overfitting.".to_owned(),
            },
            facts: DatasetFacts {
                name: "MNIST".to_owned(),
                synthetic: false,
                sha256: "ab".repeat(32),
                classes,
                n_train: 42_000,
                n_val: 18_000,
                n_test,
                mean: 33.5,
                std: 78.5,
            },
            predictions,
            pixels: (0..n_test * PIXELS).map(|i| (i * 7 % 256) as u8).collect(),
            agreement: None,
        }
    }

    fn inputs(&self) -> Inputs<'_> {
        Inputs {
            run_name: &self.name,
            config: &self.config,
            facts: &self.facts,
            metrics: &self.metrics,
            evaluation: &self.evaluation,
            predictions: &self.predictions,
            test_pixels: &self.pixels,
            agreement: self.agreement,
        }
    }

    /// Every file of the report by name.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let directory = tempfile::tempdir().unwrap();
        let written = report::write(&self.inputs(), directory.path()).unwrap();
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        written.iter().map(|path| (name(path), std::fs::read(path).unwrap())).collect()
    }

    fn text(&self, file: &str) -> String {
        String::from_utf8(self.files().remove(file).unwrap()).unwrap()
    }

    fn error(&self) -> Error {
        let directory = tempfile::tempdir().unwrap();
        let error = report::write(&self.inputs(), directory.path()).unwrap_err();
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "nothing was written");
        error
    }
}

fn digits() -> Vec<String> {
    (0..10).map(|digit| digit.to_string()).collect()
}

/// The texts of an SVG in the order of drawing.
fn texts(svg: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(svg).unwrap();
    let texts = document.descendants().filter(|node| node.tag_name().name() == "text");
    texts.map(|node| node.text().unwrap_or("").trim().to_owned()).collect()
}

/// How many elements of an SVG have this name and these attributes.
fn elements(svg: &str, name: &str, attributes: &[(&str, &str)]) -> usize {
    let document = roxmltree::Document::parse(svg).unwrap();
    document
        .descendants()
        .filter(|node| node.tag_name().name() == name)
        .filter(|node| attributes.iter().all(|&(key, value)| node.attribute(key) == Some(value)))
        .count()
}

#[test]
fn every_file_is_written_and_named() {
    let run = Run::new(3, 30, digits(), &[4]);
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().join("not/there/yet");
    let written = report::write(&run.inputs(), &directory).unwrap();
    let mut expected: Vec<_> = PICTURES
        .iter()
        .flat_map(|name| ["png", "svg"].map(|kind| directory.join(name).with_extension(kind)))
        .collect();
    expected.push(directory.join("report.html"));
    assert_eq!(written, expected);
    assert!(written.iter().all(|path| path.is_file()));
    assert_eq!(std::fs::read_dir(&directory).unwrap().count(), written.len(), "and nothing else");
}

#[test]
fn equal_inputs_give_equal_bytes() {
    let run = Run::new(5, 40, digits(), &[4, 11]);
    assert!(run.files() == run.files());
}

#[test]
fn a_png_has_two_pixels_for_one_of_its_svg_and_room_around() {
    let mut run = Run::new(3, 30, vec!["<Ünïcödé> ".repeat(10); 10], &[4, 8]);
    run.name = "a very long name of a run ".repeat(20);
    run.facts.name = run.name.clone();
    for run in [run, Run::new(1, 1, vec!["a".to_owned(), "b".to_owned()], &[])] {
        let files = run.files();
        for name in PICTURES {
            let picture =
                image::load_from_memory(&files[&format!("{name}.png")]).unwrap().to_rgb8();
            let svg = std::str::from_utf8(&files[&format!("{name}.svg")]).unwrap();
            let document = roxmltree::Document::parse(svg).unwrap();
            let side = |name: &str| {
                document.root_element().attribute(name).unwrap().parse::<u32>().unwrap()
            };
            assert_eq!(
                (side("width"), side("height")),
                (picture.width() / 2, picture.height() / 2),
                "{name}"
            );
            let edge = |at: u32, end: u32| at < 12 || at >= end - 12;
            let (width, height) = picture.dimensions();
            let mut margin =
                picture.enumerate_pixels().filter(|&(x, y, _)| edge(x, width) || edge(y, height));
            assert!(margin.all(|(.., pixel)| pixel.0 == [255; 3]), "{name} touches its edge");
            assert!(picture.pixels().any(|pixel| pixel.0 == [0x1B, 0x1F, 0x24]), "{name} has text");
        }
    }
}

#[test]
fn names_from_users_are_text_and_nothing_else() {
    let attack = r#"<script>alert("1")</script>"#;
    let mut run = Run::new(2, 4, vec![attack.to_owned(), "\u{0}\n]]>&amp;'".to_owned()], &[1]);
    run.name = r#""><img src=x onerror=alert(2)>"#.to_owned();
    run.facts.name = "</title></style><svg onload=alert(3)>".to_owned();
    run.facts.sha256 = "<b>".to_owned();
    run.evaluation.verdict = "<iframe>".to_owned();
    run.config.data = "</pre><object>".to_owned();
    let files = run.files();
    let page = std::str::from_utf8(&files["report.html"]).unwrap();
    for tag in ["<script", "<img", "<svg onload", "<b>", "<iframe", "<object", "\u{0}"] {
        assert!(!page.contains(tag), "{tag}");
    }
    assert_eq!(page.matches("</style>").count(), 1);
    assert!(page.contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;"));
    for name in PICTURES {
        let svg = std::str::from_utf8(&files[&format!("{name}.svg")]).unwrap();
        assert_eq!(elements(svg, "script", &[]) + elements(svg, "img", &[]), 0, "{name}");
    }
    let confusion = std::str::from_utf8(&files["confusion.svg"]).unwrap();
    assert!(
        texts(confusion).iter().any(|text| text.starts_with("<script>")),
        "{:?}",
        texts(confusion)
    );
}

#[test]
fn synthetic_data_is_named_loudly_or_not_at_all() {
    let mut run = Run::new(2, 10, digits(), &[3]);
    for synthetic in [false, true] {
        run.facts.synthetic = synthetic;
        let files = run.files();
        for name in PICTURES {
            let svg = std::str::from_utf8(&files[&format!("{name}.svg")]).unwrap();
            assert_eq!(
                texts(svg)[0].contains("synthetic"),
                synthetic,
                "{name}: {:?}",
                texts(svg)[0]
            );
        }
        let page = std::str::from_utf8(&files["report.html"]).unwrap();
        assert_eq!(page.contains("class=\"banner\""), synthetic);
        assert_eq!(page.to_lowercase().contains("synthetic data"), synthetic);
    }
}

#[test]
fn the_page_loads_nothing() {
    let page = Run::new(3, 30, digits(), &[4]).text("report.html");
    for reference in ["http:", "https:", "src=", "url(", "<link", "@import", "<script", "xlink"] {
        assert!(!page.contains(reference), "{reference}");
    }
    let images = page.matches("href=\"").count();
    assert_eq!(images, 25 + 1, "the grid and one mistake");
    assert_eq!(page.matches("href=\"data:image/png;base64,").count(), images);
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn the_page_tells_the_figures() {
    let mut run = Run::new(3, 1234, digits(), &[4, 5]);
    run.agreement = Some(Agreement {
        n_images: 1234,
        n_batches: 10,
        max_difference: 2.4e-7,
        tolerance: 1e-5,
        n_same_class: 1234,
    });
    let page = run.text("report.html");
    for figure in [
        "<dd>99.13 %</dd>",
        "<dd>2<small>of 1,234 test images</small></dd>",
        "<dd>0.0267<small>",
        "<dd>3<small>tested: epoch 3</small></dd>",
        "<dd>3 min 3 s<small>42,000 images</small></dd>",
        "No sign of overfitting.",
        "<td>98.76 %</td><td>50.00 %</td><td>25.00 %</td><td>1,234</td>",
        "seed = 777",
        &"ab".repeat(32),
        "1,234 images in 10 batches",
        "2.40e-7",
        "answers as the trained one does",
        "with dropout on",
    ] {
        assert!(page.contains(figure), "{figure}");
    }
}

#[test]
fn disagreement_and_ignorance_are_not_sold_as_agreement() {
    let mut run = Run::new(1, 2, digits(), &[]);
    assert!(run.text("report.html").contains("has not been compared"));
    let sound = Agreement {
        n_images: 2,
        n_batches: 1,
        max_difference: 0.0,
        tolerance: 1e-5,
        n_same_class: 2,
    };
    assert!(sound.holds());
    for broken in [
        Agreement { max_difference: 1e-4, ..sound },
        Agreement { max_difference: f64::NAN, ..sound },
        Agreement { n_same_class: 1, ..sound },
    ] {
        run.agreement = Some(broken);
        let page = run.text("report.html");
        assert!(page.contains("Do not use it") && !page.contains("✓"), "{broken:?}");
    }
}

#[test]
fn the_grid_shows_the_first_images_and_marks_the_wrong_ones() {
    let svg = Run::new(1, 40, digits(), &[4, 9, 30]).text("grid.svg");
    assert_eq!(elements(&svg, "image", &[]), 25);
    assert_eq!(elements(&svg, "circle", &[("fill", VERMILLION)]), 2, "a sign for 4 and for 9");
    assert_eq!(elements(&svg, "rect", &[("fill", VERMILLION)]), 2, "a frame for each");
    let texts = texts(&svg);
    for label in ["4 / 5", "9 / 0", "8 / 8"] {
        assert!(texts.iter().any(|text| text == label), "{label} in {texts:?}");
    }
    assert_eq!(texts.iter().filter(|text| text.contains(" / ") && text.len() == 5).count(), 25);
    assert!(texts.last().unwrap().contains("mark 2 mistakes"));

    let small = Run::new(1, 3, digits(), &[]).text("grid.svg");
    assert_eq!(elements(&small, "image", &[]), 3);
    assert_eq!(elements(&small, "circle", &[]), 0);
}

#[test]
fn an_image_in_an_svg_is_the_test_image() {
    let run = Run::new(1, 2, digits(), &[]);
    let svg = run.text("grid.svg");
    let (_, data) = svg.split_once("data:image/png;base64,").unwrap();
    let (data, _) = data.split_once('"').unwrap();
    let png = base64::engine::general_purpose::STANDARD.decode(data).unwrap();
    let picture = image::load_from_memory(&png).unwrap().to_luma8();
    let zoom = picture.width() / 28;
    for (x, y, pixel) in picture.enumerate_pixels() {
        assert_eq!(pixel.0[0], run.pixels[(y / zoom * 28 + x / zoom) as usize], "at {x}, {y}");
    }
}

#[test]
fn the_worst_mistakes_come_first() {
    let wrong: Vec<usize> = (0..60).step_by(2).collect();
    let mut run = Run::new(1, 60, digits(), &wrong);
    run.predictions[2].loss = f64::INFINITY;
    run.predictions.reverse();
    let svg = run.text("mistakes.svg");
    let indices: Vec<_> = texts(&svg)
        .iter()
        .filter_map(|t| t.split_once("%, #").map(|(_, index)| index.to_owned()))
        .collect();
    assert_eq!(indices.len(), 25);
    assert_eq!(indices[..4], ["2", "58", "56", "54"]);
    assert!(texts(&svg)[0].contains("25 worst of 30"));
    assert!(texts(&svg).contains(&"87.5 %, #58".to_owned()));
}

#[test]
fn a_run_without_mistakes_says_so() {
    let svg = Run::new(1, 10, digits(), &[]).text("mistakes.svg");
    assert_eq!(elements(&svg, "image", &[]), 0);
    assert_eq!(texts(&svg)[0], "No mistakes");
    assert_eq!(texts(&svg)[2], "All 10 test images are classified correctly.");
}

#[test]
fn errors_stand_out_in_the_matrix_and_rare_ones_less() {
    let wrong = [0, 10, 20, 30, 41];
    let svg = Run::new(1, 50, digits(), &wrong).text("confusion.svg");
    assert_eq!(elements(&svg, "rect", &[("fill", VERMILLION)]), 2);
    assert_eq!(elements(&svg, "rect", &[("fill", VERMILLION), ("opacity", "0.6")]), 1);
    assert_eq!(elements(&svg, "rect", &[("fill", "#EEF1F4")]), 10, "the diagonal");
    assert!(
        texts(&svg).iter().any(|text| text.contains("0 taken for 1, 4 times")),
        "{:?}",
        texts(&svg)
    );
}

#[test]
fn a_hundred_classes_have_names_but_no_numbers() {
    let classes = (0..100).map(|class| format!("class {class} {}", "ñ".repeat(90))).collect();
    let run = Run::new(1, 200, classes, &[7]);
    let files = run.files();
    let svg = std::str::from_utf8(&files["confusion.svg"]).unwrap();
    let texts = texts(svg);
    assert_eq!(
        texts.iter().filter(|text| text.starts_with("class ")).count(),
        200,
        "rows and columns"
    );
    assert!(!texts.iter().any(|text| text.parse::<usize>().is_ok()), "{texts:?}");
    for name in PICTURES {
        assert!(files[&format!("{name}.svg")].len() < 500_000, "{name}");
    }
}

#[test]
fn the_best_epoch_is_marked_and_every_epoch_is_whole() {
    let svg = Run::new(4, 10, digits(), &[]).text("curves.svg");
    let texts = texts(&svg);
    assert!(texts.contains(&"epoch 2: 0.0400".to_owned()), "{texts:?}");
    assert!(texts.contains(&"epoch 2: 98.00 %".to_owned()), "{texts:?}");
    for epoch in ["1", "2", "3", "4"] {
        assert_eq!(texts.iter().filter(|text| *text == epoch).count(), 2, "{epoch} in both panels");
    }
    assert!(!texts.iter().any(|text| text == "1.5" || text == "5"));
    // Four discs for training in each panel and one in each legend.
    assert_eq!(elements(&svg, "circle", &[("fill", "#0072B2")]), 2 * (4 + 1));
}

#[test]
fn values_that_are_no_numbers_are_left_out_and_named() {
    let mut run = Run::new(4, 10, digits(), &[]);
    run.metrics[1].loss = f64::NAN;
    run.metrics[2].val_loss = f64::INFINITY;
    let svg = run.text("curves.svg");
    assert!(
        texts(&svg).join(" ").contains("values of epochs 2, 3 that are not finite"),
        "{:?}",
        texts(&svg)
    );
    assert_eq!(elements(&svg, "circle", &[("fill", "#0072B2")]), 2 * (4 + 1) - 1);
    for row in &mut run.metrics {
        (row.loss, row.val_loss, row.accuracy, row.val_accuracy) =
            (f64::NAN, f64::NEG_INFINITY, f64::NAN, f64::NAN);
    }
    let svg = run.text("curves.svg");
    assert!(!texts(&svg).join(" ").contains("lowest validation loss"));
    assert_eq!(elements(&svg, "circle", &[("fill", "#0072B2")]), 2, "nothing but the legends");
}

#[test]
fn records_that_do_not_belong_together_are_refused() {
    let refuse = |change: fn(&mut Run)| {
        let mut run = Run::new(2, 10, digits(), &[3]);
        change(&mut run);
        run.error()
    };
    let empty = |error| matches!(error, Error::Empty { .. });
    assert!(empty(refuse(|run| run.metrics.clear())));
    assert!(empty(refuse(|run| run.predictions.clear())));
    assert!(empty(refuse(|run| run.facts.classes.clear())));
    let counted = |error: Error| match error {
        Error::Mismatch { what, found, expected } => (what, found, expected),
        other => panic!("{other}"),
    };
    assert_eq!(counted(refuse(|run| run.facts.n_test = 9)), ("predictions", 10, 9));
    let pixels = counted(refuse(|run| run.pixels.truncate(7839)));
    assert_eq!(pixels, ("test pixels", 7839, 7840));
    assert_eq!(
        counted(refuse(|run| drop(run.evaluation.classes.pop()))),
        ("classes in the evaluation", 9, 10)
    );
    let rows = counted(refuse(|run| drop(run.evaluation.confusion.pop())));
    assert_eq!(rows, ("rows in the confusion matrix", 9, 10));
    let columns = counted(refuse(|run| run.evaluation.confusion[4].push(0)));
    assert_eq!(columns, ("columns in the confusion matrix", 11, 10));
    assert_eq!(
        counted(refuse(|run| run.evaluation.errors = 2)),
        ("errors in the evaluation", 2, 1)
    );
    let label = |error: Error| match error {
        Error::Label { position, what, found, limit } => (position, what, found, limit),
        other => panic!("{other}"),
    };
    assert_eq!(label(refuse(|run| run.predictions[6].label = 10)), (6, "class", 10, 10));
    assert_eq!(label(refuse(|run| run.predictions[7].predicted = 11)), (7, "class", 11, 10));
    assert_eq!(label(refuse(|run| run.predictions[8].index = 10)), (8, "test image", 10, 10));
}

#[test]
fn a_file_that_cannot_be_written_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let blocked = directory.path().join("report");
    std::fs::write(&blocked, "a file where a directory should be").unwrap();
    let run = Run::new(1, 1, digits(), &[]);
    let error = report::write(&run.inputs(), &blocked).unwrap_err();
    assert!(matches!(error, Error::Run(_)));
    assert!(error.to_string().contains("curves.png"), "{error}");
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => 0.0..1.5,
        1 => any::<f64>(),
        1 => prop::sample::select(vec![
            0.0, -0.0, 1.0, 1e6, 1e7, 1e-300, f64::MIN_POSITIVE, f64::MAX, f64::MIN,
            f64::NAN, f64::INFINITY, f64::NEG_INFINITY,
        ]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 12,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_metrics_are_drawn_inside_the_picture(
        rows in prop::collection::vec((any_value(), any_value(), any_value(), any_value()), 1..40),
        first in 1usize..100_000,
    ) {
        let mut run = Run::new(rows.len(), 1, digits(), &[]);
        for (offset, (row, values)) in run.metrics.iter_mut().zip(rows).enumerate() {
            row.epoch = first + offset;
            (row.loss, row.val_loss, row.accuracy, row.val_accuracy) = values;
        }
        let svg = run.text("curves.svg");
        let document = roxmltree::Document::parse(&svg).unwrap();
        for node in document.descendants() {
            let (x, y) = (node.attribute("cx"), node.attribute("cy"));
            for (value, limit) in [(x, 2000), (y, 1200)] {
                let value = value.map_or(0, |value| value.parse().unwrap());
                let inside = (0..limit).contains(&value);
                prop_assert!(inside, "{value:?}");
            }
        }
    }
}
