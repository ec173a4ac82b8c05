//! People's own images from the command line: a folder of classes alone, the list of what went where, and `check`.

use std::path::Path;

use run::{RunDirectory, read_image_list};

use crate::support::{TINY, bars, fail, fresh_runs, kiln, succeed};

/// The training images of `bars` as a folder of classes alone.
fn classes(folder: &Path) -> std::path::PathBuf {
    let data = folder.join("classes");
    std::fs::rename(bars(folder).join("train"), &data).unwrap();
    data
}

#[test]
fn a_folder_of_classes_trains_and_the_run_lists_which_image_went_where() {
    let runs = fresh_runs("classes-alone");
    let data = classes(&runs);
    let train = ["train", "--run", "a", "--epochs", "1", "--data"];
    succeed(kiln(&runs).args(train).arg(&data).args(TINY));
    let run = RunDirectory::open(&runs, Some("a")).unwrap();
    let images = read_image_list(&run.images()).unwrap();
    let of = |part: &str| images.iter().filter(|image| image.part == part).count();
    assert_eq!([of("train"), of("validation"), of("test")], [5, 3, 2]);
    for image in &images {
        assert!(data.join(&image.path).is_file(), "{image:?}");
        assert!(image.path.starts_with(&image.label), "{image:?}");
    }
    // A stage that loads the images again gets the same ones.
    let table = succeed(kiln(&runs).args(["evaluate", "--run", "a"]));
    assert!(table.contains("2 test images"), "{table}");
    // Without files of their own there is no list.
    let drawn = ["train", "--run", "b", "--epochs", "1", "--limit", "20", "--data", "synthetic"];
    succeed(kiln(&runs).args(drawn));
    assert!(!RunDirectory::open(&runs, Some("b")).unwrap().images().exists());
}

#[test]
fn check_says_what_is_wrong_and_ends_with_1() {
    let runs = fresh_runs("check");
    let data = classes(&runs);
    let text = succeed(kiln(&runs).arg("check").arg(&data));
    assert!(text.contains("10 images in 2 classes") && text.contains("Faults: none"), "{text}");
    assert!(text.contains("training images apart for validation"), "{text}");
    std::fs::write(data.join("lying/cut.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    std::fs::copy(data.join("lying/4.pgm"), data.join("upright/x.pgm")).unwrap();
    let output = kiln(&runs).arg("check").arg(&data).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    for words in
        ["lying/cut.png: it is truncated", "lying/4.pgm (lying, ", " = upright/x.pgm (upright, "]
    {
        assert!(text.contains(words), "{words}: {text}");
    }
    let output = kiln(&runs).arg("check").arg(&data).arg("--json").output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["unreadable"][0]["path"], "lying/cut.png");
    assert_eq!(found["contradictions"][0][1]["label"], "upright");
    let message = fail(kiln(&runs).args(["check", "/nonexistent"]));
    assert!(message.contains("/nonexistent"), "{message}");
    // Nothing was made.
    assert_eq!(std::fs::read_dir(&runs).unwrap().count(), 2);
}

#[test]
fn unreadable_files_stop_training_unless_they_are_left_out() {
    let runs = fresh_runs("skip-unreadable");
    let data = bars(&runs);
    std::fs::write(data.join("train/lying/cut.png"), b"\x89PNG\r\n\x1a\n").unwrap();
    let train = ["train", "--run", "a", "--epochs", "1", "--data"];
    let message = fail(kiln(&runs).args(train).arg(&data).args(TINY));
    assert!(message.contains("cut.png") && message.contains("--skip-unreadable"), "{message}");
    let mut command = kiln(&runs);
    let output =
        command.args(train).arg(&data).args(TINY).arg("--skip-unreadable").output().unwrap();
    let notices = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && notices.contains("1 file that cannot be read"), "{notices}");
    // The run knows that they are left out.
    succeed(kiln(&runs).args(["evaluate", "--run", "a"]));
}
