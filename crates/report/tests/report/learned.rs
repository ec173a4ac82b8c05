//! What the network learned: gaps, calibration, mistakes by class, filters and maps.

use crate::sample::*;

const BLUE: &str = "#0072B2";

#[test]
fn the_gap_is_that_of_the_tested_weights() {
    let mut run = Run::new(2, 10, digits(), &[3]);
    let page = plain(&run.text("report.html"));
    for row in [
        "<th scope=\"row\">Training</th><td>42,000</td><td>0.0101</td><td></td><td>99.77 %</td>",
        "row\">Validation</th><td>18,000</td><td>0.0303</td><td>+0.0202</td><td>99.01 %</td><td>−0.76 points</td>",
        "<td>10</td><td>0.0267</td><td>+0.0166</td><td>99.13 %</td><td>−0.64 points</td>",
    ] {
        assert!(page.contains(row), "{row}");
    }
    run.evaluation.val = None;
    let page = run.text("report.html");
    assert!(!page.contains("row\">Validation</th>"));
}

#[test]
fn curves_without_validation_draw_training_alone() {
    let mut run = Run::new(4, 10, digits(), &[]);
    for row in &mut run.metrics {
        (row.val_loss, row.val_accuracy) = (None, None);
    }
    let svg = run.text("curves.svg");
    let texts = texts(&svg);
    assert_eq!(elements(&svg, "circle", &[("fill", BLUE)]), 2 * (4 + 1));
    assert_eq!(elements(&svg, "polygon", &[]), 0, "no square of a validation line");
    assert!(!texts.iter().any(|text| text == "validation" || text.starts_with("epoch 2")));
    assert!(texts.join(" ").contains("Nothing was held out for validation"), "{texts:?}");
    assert!(plain(&run.text("report.html")).contains("<td>none</td>"));
}

#[test]
fn the_note_tells_how_training_was_measured() {
    let mut run = Run::new(2, 10, digits(), &[]);
    let [conv, dense] = [("conv_dropout", "0"), ("dense_dropout", "0")];
    for (settings, expected) in [
        (&[conv, dense][..], "measured while the weights"),
        (&[conv], "measured with dropout on while"),
        (&[conv, dense, ("zoom", "0.1")], "measured with augmentation on while"),
        (&[("shift", "2")], "with dropout and augmentation on while"),
        (&[conv, dense, ("label_smoothing", "0.1")], "its loss against smoothed targets"),
        (&[conv, dense, ("average_decay", "0.99")], "on the moving average of the weights"),
    ] {
        run.config = config(settings);
        let note = texts(&run.text("curves.svg")).join(" ");
        assert!(note.contains(expected), "{expected} in {note}");
        assert_eq!(note.contains("smoothed"), run.config.training.label_smoothing > 0.0);
        assert_eq!(note.contains("moving average"), run.config.optimizer.average_decay > 0.0);
    }
}

#[test]
fn the_reliability_diagram_has_a_dot_and_a_bar_a_bin() {
    let mut run = Run::new(1, 20, digits(), &[3, 7]);
    for (prediction, probability) in run.predictions.iter_mut().zip([0.3, 0.3, 0.649]) {
        prediction.probability = probability;
    }
    let svg = run.text("calibration.svg");
    assert_eq!(elements(&svg, "circle", &[("fill", BLUE)]), 3);
    assert_eq!(elements(&svg, "rect", &[("fill", BLUE)]), 3);
    let texts = texts(&svg);
    for number in ["1", "2", "17"] {
        assert!(texts.iter().any(|text| text == number), "{number} in {texts:?}");
    }
    // 2 * 0.7 + 0.351 above the diagonal, and 15 of 17 correct at 0.875.
    let error = (1.4 + 0.351 + 15.0 - 17.0 * 0.875_f64) / 20.0;
    assert!((report::expected_calibration_error(&run.predictions) - error).abs() < 1e-12);
    let title = format!("Calibration: expected error {:.2} %", 100.0 * error);
    assert_eq!(texts[0], title);

    run.predictions[4].probability = f64::NAN;
    let svg = run.text("calibration.svg");
    assert_text(&svg, "Left out: 1 that");
}

#[test]
fn mistakes_are_listed_by_class_and_the_surest_come_first() {
    let wrong: Vec<usize> = (0..250).map(|i| 10 * i).chain([4, 14]).collect();
    let mut run = Run::new(1, 2500, digits(), &wrong);
    run.predictions[70].probability = 0.999;
    run.predictions[14].probability = 0.95;
    run.explanations = None;
    let page = plain(&run.text("report.html"));
    let section = page.find("id=\"mistakes\"").unwrap();
    let page = &page[section..];
    let list = |class: &str| -> String {
        let (_, row) = page.split_once(&format!("<tr><th scope=\"row\">{class}</th><td>")).unwrap();
        row.split_once("</tr>").unwrap().0.to_owned()
    };
    let zero = list("0");
    assert!(
        zero.starts_with("250</td><td><ul class=\"mistakes\"><li><strong>1</strong> 99.9 %, #70<")
    );
    assert_eq!(zero.matches("<li>").count(), 20 + 1);
    assert!(zero.contains("<li>and 230 more</li>"), "{zero}");
    let four = list("4");
    assert!(four.find("#14<").unwrap() < four.find("#4<").unwrap(), "{four}");
    assert!(list("5").starts_with("0</td><td>no mistakes"));
}

#[test]
fn every_filter_shows_its_nine_weights() {
    let mut run = Run::new(1, 10, digits(), &[3]);
    run.explained().filters = vec![vec![0.5, -0.5, 0.25, -0.25, 0.0, 0.0, 0.0, -0.1, f32::NAN]];
    let svg = run.text("filters.svg");
    // Each beside the same colour in the scale.
    for ink in [VERMILLION, BLUE] {
        for opacity in ["", " fill-opacity=\"0.5\""] {
            let rect = format!("fill=\"{ink}\"{opacity}/>");
            assert_eq!(svg.matches(&rect).count(), 2, "{rect}");
        }
    }
    assert_eq!(elements(&svg, "polyline", &[]), 3, "a dash for each weight below 0");
    for text in ["−0.50", "+0.50", "Grey weights are not finite"] {
        assert_text(&svg, text);
    }
    assert_eq!(elements(&svg, "rect", &[("fill", "#57606A"), ("width", "40")]), 1);
}

#[test]
fn maps_lie_beside_their_mistakes_and_show_where_hiding_costs() {
    let wrong: Vec<usize> = (0..15).collect();
    let mut run = Run::new(1, 20, digits(), &wrong);
    run.pixels.fill(0);
    run.explained().mistakes[0].index = 7;
    let importance = &mut run.explained().mistakes[0].importance;
    importance.fill(0.0);
    (importance[28 * 20 + 3], importance[28 * 2 + 9]) = (1.0, -1.0);
    let svg = run.text("occlusion.svg");
    assert_eq!(elements(&svg, "image", &[]), 3 * 12, "twelve of fifteen, each map in two colours");
    for text in
        ["true 7 predicted 8 with 87.5 %, #7", "square of 5x5 pixels of background", "log-odds"]
    {
        assert_text(&svg, text);
    }
    let map = bitmap(&svg, 1).to_rgb8();
    let zoom = map.width() / 28;
    let at = |row: u32, column: u32| map.get_pixel(column * zoom, row * zoom).0;
    assert_eq!(at(20, 3), [0xD5, 0x5E, 0x00]);
    assert_eq!(at(2, 9), [0x00, 0x72, 0xB2]);
    assert_eq!(at(9, 2), [0xFF; 3]);
    // The same in the colours of a dark page, which shows it instead.
    assert_eq!(elements(&svg, "image", &[("class", "dark"), ("display", "none")]), 12);
    let dark = bitmap(&svg, 2).to_rgb8();
    let at = |row: u32, column: u32| dark.get_pixel(column * zoom, row * zoom).0;
    assert_eq!(
        [at(20, 3), at(2, 9), at(9, 2)],
        [[0xE6, 0x9F, 0x00], [0x56, 0xB4, 0xE9], [0x16, 0x1B, 0x22]]
    );
}

#[test]
fn long_names_keep_their_answers_in_captions() {
    let classes = ["T-shirt/top", "Ankle boot", "Trouser", "a name that goes on and on and on"];
    let run = Run::new(1, 8, classes.map(str::to_owned).to_vec(), &[0, 1, 6]);
    for (plot, texts) in [
        ("mistakes", &["T-shirt/top", "Ankle boot", "Trouser"][..]),
        ("occlusion", &["predicted Ankle boot"]),
    ] {
        let svg = run.text(&format!("{plot}.svg"));
        for text in texts {
            assert_text(&svg, text);
        }
    }
}

#[test]
fn a_run_without_mistakes_has_none_to_explain() {
    let svg = Run::new(1, 10, digits(), &[]).text("occlusion.svg");
    assert_eq!(elements(&svg, "image", &[]), 0);
    assert_text(&svg, "There is no mistake to explain.");
}

#[test]
fn without_explanations_no_file_is_written_and_the_page_says_so() {
    let mut run = Run::new(1, 10, digits(), &[3]);
    assert!(!run.text("report.html").contains("were not recorded"));
    run.explanations = None;
    let files = run.files();
    assert!(files.keys().all(|name| !name.starts_with("filters") && !name.starts_with("occl")));
    let page = std::str::from_utf8(&files["report.html"]).unwrap();
    assert!(page.contains("Filters and occlusion maps were not recorded"));
}
