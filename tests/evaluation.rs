//! A finished run on other images than its own: a labelled folder, and the background that it knows.

use std::path::Path;

use run::RunDirectory;
use serde_json::Value;

use crate::support::{bars, fresh_runs, kiln, succeed};

/// A run on bright bars on black, and the folder of its images.
fn trained(test: &str) -> (RunDirectory, std::path::PathBuf) {
    let runs = fresh_runs(test);
    let data = bars(&runs);
    let pipeline =
        ["pipeline", "--recipe", "article", "--epochs", "1", "--run", "trained", "--data"];
    succeed(kiln(&runs).args(pipeline).arg(&data));
    (RunDirectory { path: runs.join("trained") }, data)
}

#[test]
fn a_labelled_folder_is_scored_and_an_unknown_class_refused() {
    let (run, data) = trained("evaluation");
    let runs = run.path.parent().unwrap();
    // One class of the two, with a file that is damaged.
    let folder = data.join("new images");
    std::fs::create_dir_all(folder.join("lying")).unwrap();
    for (from, to) in [("train/lying/0.pgm", "a.pgm"), ("train/upright/1.pgm", "b.pgm")] {
        std::fs::copy(data.join(from), folder.join("lying").join(to)).unwrap();
    }
    let evaluate = |more: &[&str]| {
        kiln(runs).args(["evaluate", "--data"]).arg(&folder).args(more).output().unwrap()
    };
    let first = evaluate(&[]);
    assert!(first.status.success());
    let warning = String::from_utf8_lossy(&first.stderr).into_owned();
    assert!(warning.contains("trained or validated on 2 of these images"), "{warning}");
    let output = run.evaluation_of("new-images");
    let scores: Value =
        serde_json::from_slice(&std::fs::read(output.join("evaluation.json")).unwrap()).unwrap();
    let number = |key: &str| scores[key].as_f64().unwrap();
    assert_eq!(number("n_images"), 2.0);
    assert_eq!(number("accuracy"), 1.0 - number("errors") / 2.0);
    assert_eq!(number("balanced_accuracy"), number("accuracy"), "of one class");
    let confusion: Vec<Vec<usize>> = serde_json::from_value(scores["confusion"].clone()).unwrap();
    assert_eq!(confusion.concat().iter().sum::<usize>(), 2);
    // What `predict` says of the same files.
    let mut table = csv(&output.join("predictions.csv"));
    table.sort();
    assert_eq!(table.len(), 2);
    for (row, name) in table.iter().zip(["a.pgm", "b.pgm"]) {
        let file = folder.join("lying").join(name);
        let said = succeed(kiln(runs).args(["predict", "--json"]).arg(&file));
        let said: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(row[..3], [file.to_str().unwrap(), "lying", said["label"].as_str().unwrap()]);
    }
    for plot in ["confusion", "calibration", "mistakes"] {
        assert!(output.join(format!("{plot}.svg")).is_file(), "{plot}");
    }

    std::fs::write(folder.join("lying/c.png"), "no image").unwrap();
    let damaged = evaluate(&["--name", "damaged"]);
    assert_eq!(damaged.status.code(), Some(1));
    let notices = String::from_utf8_lossy(&damaged.stderr).into_owned();
    assert!(notices.contains("c.png") && notices.contains("1 of 3 files"), "{notices}");
    assert!(run.evaluation_of("damaged").join("evaluation.json").is_file());

    // A folder of another name matters once there are images in it.
    std::fs::create_dir(folder.join("slanting")).unwrap();
    assert_eq!(evaluate(&["--name", "damaged"]).status.code(), Some(1));
    std::fs::copy(folder.join("lying/a.pgm"), folder.join("slanting/a.pgm")).unwrap();
    let unknown = evaluate(&[]);
    let message = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(
        !unknown.status.success() && message.contains("none of the run's classes"),
        "{message}"
    );
    // The run's own images, where they are now, are still its test set.
    succeed(kiln(runs).args(["evaluate", "--data"]).arg(&data));
}

fn csv(path: &Path) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn an_inverted_image_is_doubted_by_a_run_that_knows_one_background() {
    let (run, data) = trained("background");
    let runs = run.path.parent().unwrap();
    let facts: Value = serde_json::from_slice(&std::fs::read(run.dataset()).unwrap()).unwrap();
    assert_eq!(facts["background"], "dark");
    let mut image = std::fs::read(data.join("test/lying/0.pgm")).unwrap();
    let predict = |name: &str, image: &[u8]| {
        let file = runs.join(name);
        std::fs::write(&file, image).unwrap();
        succeed(kiln(runs).args(["predict", "--json"]).arg(&file))
    };
    assert!(!predict("as-trained.pgm", &image).contains("inverted?"));
    let pixels = image.len() - 28 * 28;
    image[pixels..].iter_mut().for_each(|level| *level = 255 - *level);
    let said = predict("inverted.pgm", &image);
    assert!(said.contains("the background is bright, the training images' is dark: inverted?"));
    assert!(said.contains("\"doubtful\":true"), "{said}");
}
