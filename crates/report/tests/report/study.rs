//! A study's plot.

use report::{Error, StudyRecipe, StudyRun, write_study};

use crate::sample::*;

/// The ink of a seed's dot.
const BLUE: &str = "#0072B2";

fn run(seed: u64, errors: usize, seconds: f64) -> StudyRun {
    StudyRun {
        seed,
        n_test: 10_000,
        errors,
        val_accuracy: Some(0.9925),
        train_loss: 0.0041,
        val_loss: Some(0.0262),
        seconds,
        seconds_to_99: None,
    }
}

fn draw(recipes: &[StudyRecipe]) -> String {
    let files = files(|directory| write_study(recipes, directory));
    assert_eq!(files.keys().collect::<Vec<_>>(), ["study.png", "study.svg"]);
    png(&files, "study");
    String::from_utf8(files["study.svg"].clone()).unwrap()
}

#[test]
fn every_seed_is_a_dot_and_every_recipe_has_its_mean() {
    let slow = [run(1, 80, 1200.0), run(2, 84, 1200.0), run(3, 88, 1260.0)];
    let mut fast = [run(1, 30, 60.0), run(2, 30, 60.0)];
    for run in &mut fast {
        (run.seconds_to_99, run.val_loss, run.val_accuracy) = (Some(20.0), None, None);
    }
    let svg = draw(&[
        StudyRecipe { recipe: "article", synthetic: false, runs: &slow },
        StudyRecipe { recipe: "fast", synthetic: true, runs: &fast },
    ]);
    assert_eq!(elements(&svg, "circle", &[("fill", BLUE)]), 2 * 5, "errors and times");
    assert_eq!(elements(&svg, "polygon", &[]), 2, "two diamonds");
    let texts = texts(&svg);
    for text in [
        "Test errors and training time by recipe",
        "84.0 ± 4.0",
        "30.0 ± 0.0",
        "20 min 20 s",
        "1 min 0 s",
        "3 seeds",
        "2 seeds, synthetic",
        "training 0.0041",
        "validation 0.0262, 99.25 %",
        "validation none",
        "test errors out of 10,000",
    ] {
        assert!(texts.iter().any(|found| found == text), "{text} in {texts:?}");
    }
    assert!(texts.join(" ").contains("A green diamond"));
}

#[test]
fn equal_seeds_do_not_hide_one_another() {
    let runs = [1, 2, 3, 4, 5].map(|seed| run(seed, 40, 60.0));
    let svg = draw(&[StudyRecipe { recipe: "a", synthetic: false, runs: &runs }]);
    let document = roxmltree::Document::parse(&svg).unwrap();
    let mut places: Vec<_> = document
        .descendants()
        .filter(|node| node.tag_name().name() == "circle")
        .map(|node| (node.attribute("cx").unwrap(), node.attribute("cy").unwrap()))
        .collect();
    places.sort_unstable();
    places.dedup();
    assert_eq!(places.len(), 10, "{places:?}");
}

#[test]
fn test_sets_of_different_sizes_are_put_on_one_scale() {
    let mut small = run(1, 3, 60.0);
    small.n_test = 1000;
    let (small, large) = ([small], [run(1, 40, 60.0)]);
    let svg = draw(&[
        StudyRecipe { recipe: "small", synthetic: true, runs: &small },
        StudyRecipe { recipe: "large", synthetic: true, runs: &large },
    ]);
    let texts = texts(&svg);
    assert!(texts.contains(&"test errors per 10,000 images".to_owned()), "{texts:?}");
    assert!(texts.contains(&"30".to_owned()), "{texts:?}");
    assert!(texts[0].ends_with("(synthetic data)"), "{texts:?}");
}

#[test]
fn times_that_were_not_measured_are_left_out() {
    let runs = [run(1, 40, f64::NAN), run(2, 41, 0.0), run(3, 42, f64::INFINITY)];
    let svg = draw(&[StudyRecipe { recipe: "a", synthetic: false, runs: &runs }]);
    assert_eq!(elements(&svg, "circle", &[("fill", BLUE)]), 3);
}

#[test]
fn nothing_to_draw_and_too_much_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let runs = [run(1, 40, 60.0)];
    let recipe = StudyRecipe { recipe: "a", synthetic: false, runs: &runs };
    for n in [0, 25] {
        let error = write_study(&vec![recipe; n], directory.path()).unwrap_err();
        assert_eq!(error.to_string(), format!("{n} recipes do not fit one plot: give 1 to 24"));
    }
    let untested = [StudyRun { n_test: 0, ..runs[0] }];
    for runs in [&untested[..], &[]] {
        let error = write_study(&[StudyRecipe { runs, ..recipe }], directory.path()).unwrap_err();
        assert!(matches!(error, Error::Empty(_)), "{error}");
    }
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}
