//! The page and the files as a whole.

use run::{Agreement, BatchAgreement};

use crate::sample::*;

#[test]
fn every_file_is_written_and_named() {
    let run = Run::new(3, 30, digits(), &[4]);
    let directory = tempfile::tempdir().unwrap();
    // The folder is made, but not what it should lie in: a run that was removed stays removed.
    let deep = directory.path().join("not/there/yet");
    assert!(report::write(&run.inputs(), &deep).is_err());
    assert!(!directory.path().join("not").exists());
    let directory = directory.path().join("new");
    let written = report::write(&run.inputs(), &directory).unwrap();
    let mut expected: Vec<_> = PLOTS
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
        for name in PLOTS {
            let plot = png(&files, name);
            let edge = |at: u32, end: u32| at < 12 || at >= end - 12;
            let (width, height) = plot.dimensions();
            let mut margin =
                plot.enumerate_pixels().filter(|&(x, y, _)| edge(x, width) || edge(y, height));
            assert!(margin.all(|(.., pixel)| pixel.0 == [255; 3]), "{name} touches its edge");
            assert!(plot.pixels().any(|pixel| pixel.0 == [0x1B, 0x1F, 0x24]), "{name} has text");
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
    run.config.data.data = "</pre><object>".to_owned();
    let files = run.files();
    let page = std::str::from_utf8(&files["report.html"]).unwrap();
    for tag in ["<script", "<img", "<svg onload", "<b>", "<iframe", "<object", "\u{0}"] {
        assert!(!page.contains(tag), "{tag}");
    }
    assert_eq!(page.matches("</style>").count(), 1);
    assert!(page.contains("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;"));
    for name in PLOTS {
        let svg = std::str::from_utf8(&files[&format!("{name}.svg")]).unwrap();
        assert_eq!(elements(svg, "script", &[]) + elements(svg, "img", &[]), 0, "{name}");
    }
    let confusion = std::str::from_utf8(&files["confusion.svg"]).unwrap();
    assert_text(confusion, "<script>");
}

#[test]
fn synthetic_data_is_named_everywhere_or_nowhere() {
    let mut run = Run::new(2, 10, digits(), &[3]);
    for synthetic in [false, true] {
        run.facts.synthetic = synthetic;
        let files = run.files();
        for name in PLOTS {
            let svg = std::str::from_utf8(&files[&format!("{name}.svg")]).unwrap();
            assert_eq!(texts(svg)[0].contains("synthetic"), synthetic, "{name}");
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
    assert_eq!(images, 25 + 1 + 3, "the grid, and one mistake twice, with its map in two colours");
    assert_eq!(page.matches("href=\"data:image/png;base64,").count(), images);
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn the_page_has_the_figures() {
    let mut run = Run::new(3, 1234, digits(), &[4, 5]);
    run.agreement = Some(agreement(1234, 1234, 2.4e-7));
    let page = plain(&run.text("report.html"));
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
        "Batch 7",
        "same class 1,234 of 1,234",
        "2.40e-7",
        "gives the same answers as the trained one",
        "with dropout on",
    ] {
        assert!(page.contains(figure), "{figure}");
    }
}

/// `n` images compared at batch 7.
fn agreement(n: usize, same_class: usize, largest_difference: f64) -> Agreement {
    let batches = vec![BatchAgreement { batch: 7, same_class, largest_difference }];
    Agreement { n_images: n, tolerance: 1e-5, batches }
}

#[test]
fn only_measured_parity_is_reported_as_parity() {
    let mut run = Run::new(1, 2, digits(), &[]);
    assert!(run.text("report.html").contains("has not been compared"));
    assert!(agreement(2, 2, 0.0).holds());
    let nothing = Agreement { batches: Vec::new(), ..agreement(2, 2, 0.0) };
    for broken in [agreement(2, 2, 1e-4), agreement(2, 2, f64::NAN), agreement(2, 1, 0.0), nothing]
    {
        run.agreement = Some(broken.clone());
        let page = run.text("report.html");
        assert!(page.contains("Do not use it") && !page.contains("✓"), "{broken:?}");
    }
}

#[test]
fn doubtful_answers_have_their_figures_where_they_were_calibrated() {
    let mut run = Run::new(2, 10, digits(), &[3]);
    let page = |run: &Run| String::from_utf8(run.files()["report.html"].clone()).unwrap();
    assert!(!page(&run).contains("doubtful"));
    run.evaluation.doubt = Some(run::Doubt {
        below: 0.875,
        doubted: 0.021,
        confident_errors: 0.0034,
        confident_on_corrupted: 0.25,
    });
    let page = page(&run);
    for figure in ["below 87.5 %", "2.1 % of the test images", "0.34 % are wrong", "25.0 % get"] {
        assert!(page.contains(figure), "{figure}");
    }
}
