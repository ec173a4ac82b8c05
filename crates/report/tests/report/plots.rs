//! The plots, and what is refused.

use images::ImageShape;
use proptest::prelude::*;
use report::Error;

use crate::sample::*;

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
    assert!(texts.join(" ").contains("mark 2 mistakes"));

    let small = Run::new(1, 3, digits(), &[]).text("grid.svg");
    assert_eq!(elements(&small, "image", &[]), 3);
    assert_eq!(elements(&small, "circle", &[]), 0);
}

#[test]
fn images_sorted_by_class_are_shown_from_all_classes() {
    let mut run = Run::new(1, 400, digits(), &[]);
    for prediction in &mut run.predictions {
        (prediction.label, prediction.predicted) = (prediction.index / 40, prediction.index / 40);
    }
    let svg = run.text("grid.svg");
    let texts = texts(&svg);
    assert_eq!(texts[0], "25 test images of all classes");
    for label in ["0 / 0", "4 / 4", "9 / 9"] {
        assert!(texts.iter().any(|text| text == label), "{label} in {texts:?}");
    }
}

#[test]
fn predictions_name_images_of_the_whole_test_set() {
    let mut run = Run::new(1, 3, digits(), &[]);
    run.pixels = (0..10 * PIXELS).map(|i| (i / PIXELS) as u8).collect();
    for (prediction, index) in run.predictions.iter_mut().zip([2, 5, 9]) {
        prediction.index = index;
    }
    let svg = run.text("grid.svg");
    for (position, index) in [2, 5, 9].into_iter().enumerate() {
        assert_eq!(bitmap(&svg, position).to_luma8().get_pixel(0, 0).0, [index]);
    }
}

#[test]
fn letters_that_no_font_has_are_named_in_the_files_and_left_to_the_browser() {
    // Private-use characters of the last plane: no font has them.
    let classes = ["a\u{10FFFD}", "\u{5D0}\u{5D1}"].map(str::to_owned);
    let files = Run::new(1, 4, classes.to_vec(), &[1]).files();
    let svg = std::str::from_utf8(&files["grid.svg"]).unwrap();
    assert_text(svg, "Boxes in the PNG");
    assert_text(svg, "U+10FFFD");
    let page = std::str::from_utf8(&files["report.html"]).unwrap();
    assert!(page.contains("a\u{10FFFD} / a\u{10FFFD}") && !page.contains("Boxes in the PNG"));
    let files = Run::new(1, 4, digits(), &[1]).files();
    assert!(!std::str::from_utf8(&files["grid.svg"]).unwrap().contains("Boxes"));
}

#[test]
fn an_image_in_an_svg_is_the_test_image() {
    let run = Run::new(1, 2, digits(), &[]);
    let svg = run.text("grid.svg");
    let drawn = bitmap(&svg, 0).to_luma8();
    let zoom = drawn.width() / 28;
    for (x, y, pixel) in drawn.enumerate_pixels() {
        assert_eq!(pixel.0[0], run.pixels[(y / zoom * 28 + x / zoom) as usize], "at {x}, {y}");
    }
}

#[test]
fn images_of_any_shape_are_drawn_in_their_colours() {
    let (height, width) = (20, 30);
    for channels in [1, 3] {
        let mut run = Run::new(1, 2, digits(), &[]);
        run.facts.shape = ImageShape { channels, height, width };
        run.explanations = None;
        run.pixels = (0..2 * channels * height * width).map(|i| (i % 251) as u8).collect();
        let drawn = bitmap(&run.text("grid.svg"), 0).to_rgb8();
        assert_eq!(drawn.dimensions(), (width as u32, height as u32));
        for (x, y, pixel) in drawn.enumerate_pixels() {
            let value = |channel: usize| {
                let channel = channel.min(channels - 1);
                run.pixels[(channel * height + y as usize) * width + x as usize]
            };
            assert_eq!(pixel.0, [0, 1, 2].map(value), "at {x}, {y} of {channels} channels");
        }
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
    assert_eq!(elements(&svg, "rect", &[("fill", VERMILLION), ("fill-opacity", "0.6")]), 1);
    assert_eq!(elements(&svg, "rect", &[("fill", "#EEF1F4")]), 10, "the diagonal");
    assert_text(&svg, "0 predicted as 1, 4 times");
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
    for name in PLOTS {
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
fn values_that_are_not_finite_are_left_out_and_named() {
    let mut run = Run::new(4, 10, digits(), &[]);
    run.metrics[1].loss = f64::NAN;
    run.metrics[2].val_loss = Some(f64::INFINITY);
    let svg = run.text("curves.svg");
    assert_text(&svg, "values of epochs 2, 3 that are not finite");
    assert_eq!(elements(&svg, "circle", &[("fill", "#0072B2")]), 2 * (4 + 1) - 1);
    for row in &mut run.metrics {
        (row.loss, row.val_loss, row.accuracy, row.val_accuracy) =
            (f64::NAN, Some(f64::NEG_INFINITY), f64::NAN, Some(f64::NAN));
    }
    let svg = run.text("curves.svg");
    assert!(!texts(&svg).join(" ").contains("lowest validation loss"));
    assert_eq!(elements(&svg, "circle", &[("fill", "#0072B2")]), 2, "nothing but the legends");
}

#[test]
fn records_that_do_not_belong_together_are_refused() {
    type Change = fn(&mut Run);
    let refuse = |change: Change| {
        let mut run = Run::new(2, 10, digits(), &[3]);
        change(&mut run);
        run.error()
    };
    let empty: [fn(&mut Run); 3] =
        [|run| run.metrics.clear(), |run| run.predictions.clear(), |run| run.facts.classes.clear()];
    for change in empty {
        assert!(matches!(refuse(change), Error::Empty(_)));
    }
    let mismatches: [(&str, Change); 13] = [
        ("10 predictions where 9 are needed", |run| run.facts.n_test = 9),
        ("7839 test pixels where 7840 are needed", |run| run.pixels.truncate(7839)),
        ("9 classes in the evaluation where 10", |run| drop(run.evaluation.classes.pop())),
        ("9 rows in the confusion matrix where 10", |run| drop(run.evaluation.confusion.pop())),
        ("11 columns in the confusion matrix", |run| run.evaluation.confusion[4].push(0)),
        ("2 errors in the evaluation where 1", |run| run.evaluation.errors = 2),
        ("8 weights in a filter where 9", |run| run.explained().filters[5].truncate(8)),
        ("785 pixels in an importance map where 784", |run| {
            run.explained().mistakes[0].importance.push(0.0);
        }),
        ("explanation 0 is of test image 10, which does not exist", |run| {
            run.explained().mistakes[0].index = 10;
        }),
        ("of test image 4, which is not a mistake", |run| run.explained().mistakes[0].index = 4),
        ("prediction 6 names class 10, but there are only 10", |run| run.predictions[6].label = 10),
        ("prediction 7 names class 11", |run| run.predictions[7].predicted = 11),
        ("prediction 8 names test image 10", |run| run.predictions[8].index = 10),
    ];
    for (expected, change) in mismatches {
        let error = refuse(change);
        assert!(matches!(error, Error::Mismatch(_)), "{error}");
        assert!(error.to_string().contains(expected), "{expected} in {error}");
        assert!(error.to_string().ends_with("evaluate this run again"), "{error}");
    }
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
    fn any_metrics_are_drawn_inside_the_plot(
        rows in prop::collection::vec((any_value(), any_value(), any_value(), any_value()), 1..40),
        first in 1usize..100_000,
    ) {
        let mut run = Run::new(rows.len(), 1, digits(), &[]);
        for (offset, (row, values)) in run.metrics.iter_mut().zip(rows).enumerate() {
            row.epoch = first + offset;
            (row.loss, row.accuracy) = (values.0, values.2);
            (row.val_loss, row.val_accuracy) = (Some(values.1), Some(values.3));
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
