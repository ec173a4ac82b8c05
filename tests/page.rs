//! Pages in a real browser. The server's is drawn on by mouse, finger and keyboard, and compared with the server's
//! answers; reports are looked at on a phone, a tablet and a desk.

use std::path::{Path, PathBuf};
use std::process::Command;

use image::{Rgb, RgbImage};

use crate::support::{finished, fresh_runs, kiln, python, serve, succeed};

/// What a Chromium may be called.
const BROWSERS: [&str; 4] =
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

#[test]
fn the_page_does_in_a_browser_what_it_promises() {
    let browser = browser();
    let server = serve(&finished().onnx());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/page.py");
    let screenshots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("page");
    let mut check = Command::new(python());
    check
        .arg(script)
        .arg(format!("http://{}/", server.address))
        .arg(screenshots)
        .arg("--browser")
        .arg(browser);
    let passed = succeed(&mut check);
    // The script does not mention checks that it did not reach.
    let n_checks = include_str!("python/page.py").matches("    def check_").count();
    assert_eq!(passed.lines().filter(|line| line.starts_with("ok ")).count(), n_checks, "{passed}");
}

#[test]
fn the_page_of_a_colour_model_takes_images_and_no_drawings() {
    let runs = fresh_runs("upload");
    let data = colours(&runs);
    let train = ["pipeline", "--recipe", "article", "--epochs", "1", "--color", "rgb", "--data"];
    succeed(kiln(&runs).args(train).arg(&data).args(["--size", "16x24", "--run", "trained"]));
    let server = serve(&runs.join("trained/model.onnx"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/upload.py");
    let mut check = Command::new(python());
    check.arg(script).arg(format!("http://{}/", server.address));
    check.arg(Path::new(env!("CARGO_TARGET_TMPDIR")).join("page")).arg(browser());
    std::fs::write(data.join("notes.txt"), "bring milk").unwrap();
    let files = ["test/red/0.png", "test/blue/1.png", "notes.txt"];
    let passed = succeed(check.args(files.map(|file| data.join(file))));
    let n_checks = include_str!("python/upload.py").matches("def check_").count();
    // One of them is made on a phone and on a desk.
    let ok = passed.lines().filter(|line| line.starts_with("ok ")).count();
    assert_eq!(ok, n_checks + 1, "{passed}");
}

/// Images of two classes, red and blue, in a new folder `colours`.
fn colours(folder: &Path) -> PathBuf {
    let data = folder.join("colours");
    for (part, n) in [("train", 8), ("test", 2)] {
        for (class, channel) in [("red", 0), ("blue", 2)] {
            let folder = data.join(part).join(class);
            std::fs::create_dir_all(&folder).unwrap();
            for index in 0..n {
                let image = RgbImage::from_fn(48, 32, |x, y| {
                    let mut pixel = [(x * 2) as u8, (y * 3) as u8, (x + y) as u8];
                    pixel[channel] = 200 + index as u8 * 5;
                    Rgb(pixel)
                });
                image.save(folder.join(format!("{index}.png"))).unwrap();
            }
        }
    }
    data
}

#[test]
fn reports_fit_a_phone_a_tablet_and_a_desk_in_light_and_dark() {
    let run = finished();
    let runs = run.path.parent().unwrap();
    let names = ["finished", "a-second-run-with-quite-a-long-name-42", "all"];
    // Settings that differ, one of them without a place to break.
    for (name, setting) in [(names[1], "--conv-dropout"), (names[2], "--label-smoothing")] {
        let copy = runs.join(name);
        if copy.exists() {
            std::fs::remove_dir_all(&copy).unwrap();
        }
        let train = ["train", "--data", "synthetic", "--limit", "200", "--epochs", "2"];
        succeed(kiln(runs).args(train).args(["--run", name, setting, "0.015625"]));
        succeed(kiln(runs).args(["evaluate", "--run", name]));
    }
    succeed(kiln(runs).arg("compare").args(names));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/report.py");
    let screenshots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report-pages");
    let pages =
        [run.report().join("report.html"), run::comparison_folder(runs).join("comparison.html")];
    let mut check = Command::new(python());
    let faults = succeed(check.arg(script).arg(screenshots).arg(browser()).args(pages));
    assert_eq!(faults, "");
}

fn browser() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    let folders: Vec<_> = std::env::split_paths(&path).collect();
    let all = BROWSERS.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    all.into_iter().find(|file| file.is_file()).unwrap_or_else(|| {
        panic!("no Chromium on PATH (looked for {BROWSERS:?}): install it, e.g. apt-get install chromium")
    })
}
