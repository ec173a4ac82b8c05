//! The program as users run it: output, exit status, bad input.
#![allow(clippy::unwrap_used)]

mod models;

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use assert_cmd::assert::Assert;
use models::{bytes, halves, sides};
use tempfile::TempDir;

/// A directory with `model.onnx` and images, in which the program runs.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        place.write("model.onnx", &bytes(&sides()));
        place.write("left.pgm", &pgm(&halves(60, 0)));
        place.write("right.pgm", &pgm(&halves(0, 60)));
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_serve-lite"));
        command.current_dir(self.0.path()).args(args);
        command
    }

    fn run(&self, args: &[&str]) -> Assert {
        assert_cmd::Command::from_std(self.command(args)).assert()
    }
}

fn stdout(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stdout.clone()).unwrap()
}

fn stderr(assert: &Assert) -> String {
    String::from_utf8(assert.get_output().stderr.clone()).unwrap()
}

/// A grey image of 28x28 as PGM, the simplest format.
fn pgm(pixels: &[u8]) -> Vec<u8> {
    [b"P5 28 28 255\n", pixels].concat()
}

fn idx(images: &[Vec<u8>]) -> Vec<u8> {
    let n = u32::try_from(images.len()).unwrap();
    let header = [0x803, n, 28, 28].map(u32::to_be_bytes).concat();
    [header, images.concat()].concat()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn predictions_are_aligned_and_without_colours_in_a_pipe() {
    let place = Place::new();
    let assert = place.run(&["predict", "model.onnx", "left.pgm", "right.pgm"]).success();
    // Logits 6, 0, 1 and the like: softmax gives 0.9909, 0.0025 and 0.0067.
    let expected = "left.pgm   left    99.1 %  (then blank 0.7 %)\n\
                    right.pgm  right   99.1 %  (then blank 0.7 %)\n";
    assert_eq!(stdout(&assert), expected);
    assert_eq!(stderr(&assert), "");
}

#[test]
fn top_sets_the_number_of_classes() {
    let place = Place::new();
    let one = place.run(&["predict", "--top", "1", "model.onnx", "left.pgm"]).success();
    assert_eq!(stdout(&one), "left.pgm  left    99.1 %\n");
    let all = place.run(&["predict", "--top", "9", "model.onnx", "left.pgm"]).success();
    assert_eq!(stdout(&all), "left.pgm  left    99.1 %  (then blank 0.7 %, right 0.2 %)\n");
}

#[test]
fn json_is_one_object_per_line_with_all_probabilities() {
    let place = Place::new();
    place.write("two-images-idx3-ubyte", &idx(&[halves(60, 0), halves(0, 60)]));
    let assert = place
        .run(&["predict", "--json", "model.onnx", "right.pgm", "two-images-idx3-ubyte"])
        .success();
    let lines: Vec<serde_json::Value> =
        stdout(&assert).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["file"], "right.pgm");
    assert_eq!(lines[0]["label"], "right");
    assert!(lines[0].get("index").is_none());
    assert_eq!(lines[2]["file"], "two-images-idx3-ubyte");
    assert_eq!(lines[2]["index"], 1);
    for line in &lines {
        let by_class = line["probabilities"].as_object().unwrap();
        assert_eq!(by_class.len(), 3);
        let sum: f64 = by_class.values().map(|p| p.as_f64().unwrap()).sum();
        assert!((sum - 1.0).abs() < 1e-5, "{line}");
        assert_eq!(line["probability"], by_class[line["label"].as_str().unwrap()]);
    }
}

#[test]
fn idx_files_are_read_plain_and_gzipped_under_any_name() {
    let place = Place::new();
    let images = idx(&[halves(60, 0), halves(0, 0), halves(0, 60)]);
    place.write("plain", &images);
    place.write("packed", &gzip(&images));
    for name in ["plain", "packed"] {
        let assert = place.run(&["predict", "--top", "1", "model.onnx", name]).success();
        let text = stdout(&assert);
        let labels: Vec<_> =
            text.lines().map(|line| line.split_whitespace().nth(1).unwrap()).collect();
        assert_eq!(labels, ["left", "blank", "right"]);
        assert!(text.contains(&format!("{name}[2]")), "{text}");
    }
}

#[test]
fn a_dash_reads_standard_input() {
    let place = Place::new();
    let mut command = assert_cmd::Command::from_std(place.command(&["predict", "model.onnx", "-"]));
    let assert = command.write_stdin(pgm(&halves(0, 60))).assert().success();
    assert!(stdout(&assert).starts_with("-  right"), "{}", stdout(&assert));
}

#[test]
fn a_bad_image_is_reported_and_the_others_are_predicted() {
    let place = Place::new();
    place.write("bad.png", b"no image");
    place.write("cut-idx", &idx(&[halves(1, 1)])[..500]);
    place.write("cut.gz", &gzip(&idx(&[halves(1, 1)]))[..20]);
    std::fs::create_dir(place.path("empty")).unwrap();
    let files = ["left.pgm", "bad.png", "missing.png", "cut-idx", "cut.gz", "empty", "right.pgm"];
    let assert = place.run(&[&["predict", "model.onnx"], &files[..]].concat()).code(1);
    assert_eq!(stdout(&assert).lines().count(), 2);
    assert!(stdout(&assert).contains("right.pgm"), "{}", stdout(&assert));
    let problems = stderr(&assert);
    assert_eq!(problems.lines().count(), 5, "{problems}");
    for (line, file) in problems.lines().zip(&files[1..]) {
        assert!(line.starts_with("error: ") && line.contains(file), "{line}");
    }
}

#[test]
fn an_image_of_another_size_is_scaled_unless_told_to_be_prepared_as_a_digit() {
    let place = Place::new();
    let mut wide = vec![255; 60 * 40];
    for row in 10..30 {
        wide[row * 60 + 20..row * 60 + 24].fill(0);
    }
    place.write("wide.pgm", &[b"P5 60 40 255\n", &wide[..]].concat());
    // A black stroke on white stays that when it is scaled; as a digit it is white on black.
    let full = |prepare: &[&str]| {
        let args = [&["predict", "--show", "model.onnx", "wide.pgm"], prepare].concat();
        let assert = place.run(&args).success();
        stdout(&assert).matches('@').count()
    };
    let (scaled, digit) = (full(&[]), full(&["--prepare", "digit"]));
    assert!(scaled > 14 * 28 / 2 && (1..14 * 28 / 4).contains(&digit), "{scaled} {digit}");
    // Of the preparations that there are, this is none.
    place.run(&["predict", "--prepare", "as-is", "model.onnx", "wide.pgm"]).code(2);
}

#[test]
fn show_draws_the_image_in_plain_characters_in_a_pipe() {
    let place = Place::new();
    let assert = place.run(&["predict", "--show", "model.onnx", "left.pgm"]).success();
    let text = stdout(&assert);
    assert_eq!(text.lines().count(), 1 + 14);
    assert!(text.is_ascii());
    // 60 full pixels in the left half: four rows of 14, and 4 in a fifth.
    assert_eq!(text.lines().nth(1).unwrap().trim_end(), "@".repeat(14));
    assert_eq!(text.lines().nth(3).unwrap().trim_end(), "+".repeat(4));
}

#[test]
fn a_model_trained_on_synthetic_digits_prints_one_notice() {
    let place = Place::new();
    let mut model = sides();
    models::set_property(&mut model, "kiln.synthetic", "true");
    place.write("model.onnx", &bytes(&model));
    let assert = place.run(&["predict", "--json", "model.onnx", "left.pgm", "right.pgm"]).success();
    assert_eq!(stderr(&assert).matches("synthetic").count(), 1, "{}", stderr(&assert));
    assert!(stdout(&assert).lines().all(|line| line.starts_with('{')));
}

#[test]
fn info_shows_the_interface_the_classes_and_the_metadata() {
    let place = Place::new();
    let text = stdout(&place.run(&["info", "model.onnx"]).success());
    for part in ["pixels", "[batch, 1, 28, 28]", "[batch, 3]", "left right blank", "mnist"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    // What runs the operators.
    for part in ["\nkernels   dense 784 -> 3; softmax 3\n", "\ntract     Cast\n"] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn bench_measures_in_json_too() {
    let place = Place::new();
    let args = ["bench", "model.onnx", "--batch", "3", "--seconds", "0.05", "--json"];
    let result: serde_json::Value =
        serde_json::from_str(&stdout(&place.run(&args).success())).unwrap();
    assert_eq!(result["batch"], 3);
    assert!(result["images_per_second"].as_f64().unwrap() > 0.0);
    assert!(result["p99_ms"].as_f64() >= result["p50_ms"].as_f64());
    let args = ["bench", "model.onnx", "--seconds", "0.05", "--threads", "2", "--tract-ops"];
    let text = stdout(&place.run(&args).success());
    assert!(text.contains("images/s"), "{text}");
}

#[test]
fn completions_are_printed_for_every_shell() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = stdout(&place.run(&["completions", shell]).success());
        assert!(script.contains("serve-lite") && script.contains("predict"), "{shell}");
    }
}

#[test]
fn a_bad_model_is_one_line_of_error_that_names_it() {
    let place = Place::new();
    place.write("text.onnx", b"not a model");
    for model in ["text.onnx", "missing.onnx", "."] {
        for args in [vec!["predict", model, "left.pgm"], vec!["info", model], vec!["bench", model]]
        {
            let assert = place.run(&args).code(1);
            let message = stderr(&assert);
            assert!(message.starts_with("error: ") && message.contains(model), "{message}");
            assert_eq!(message.lines().count(), 1, "{message}");
            assert_eq!(stdout(&assert), "");
        }
    }
}

#[test]
fn a_class_name_of_five_million_characters_is_an_error_and_not_a_panic() {
    let place = Place::new();
    let mut model = sides();
    let long = "x".repeat(5_000_000);
    models::set_property(&mut model, "kiln.classes", &format!("[\"{long}\",\"b\",\"c\"]"));
    place.write("long.onnx", &bytes(&model));
    for args in [&["predict", "long.onnx", "left.pgm"][..], &["info", "long.onnx"]] {
        let message = stderr(&place.run(args).code(1));
        assert!(message.starts_with("error: long.onnx") && message.len() < 1000, "{message}");
    }
    // A long key of the metadata neither.
    let mut model = sides();
    models::set_property(&mut model, &long[..100_000], "value");
    place.write("key.onnx", &bytes(&model));
    place.run(&["info", "key.onnx"]).success();
}

#[test]
fn limits_are_told_in_units_in_which_they_are_not_zero() {
    let place = Place::new();
    place.write("token", &[b'x'; 5000]);
    let message = stderr(&place.run(&["serve", "model.onnx", "--token-file", "token"]).code(1));
    assert!(message.contains("more than 4 KiB"), "{message}");
}

#[test]
fn a_wrong_command_line_is_a_usage_error() {
    let place = Place::new();
    for args in [
        &[][..],
        &["guess"],
        &["predict"],
        &["predict", "model.onnx"],
        &["predict", "--top", "0", "model.onnx", "left.pgm"],
        &["predict", "--prepare", "upside-down", "model.onnx", "left.pgm"],
        &["predict", "--show", "--json", "model.onnx", "left.pgm"],
        &["bench", "model.onnx", "--seconds", "NaN"],
        &["bench", "model.onnx", "--batch", "0"],
        &["bench", "model.onnx", "--threads", "0"],
        &["completions", "tcsh"],
        &["serve", "model.onnx", "--allowed-host", "example.org:80"],
        &["serve", "model.onnx", "--cors-origin", "example.org"],
        &["serve", "model.onnx", "--cors-origin", "https://example.org/"],
    ] {
        place.run(args).code(2);
    }
}

#[test]
fn help_has_examples() {
    let place = Place::new();
    let text = stdout(&place.run(&["--help"]).success());
    assert!(text.contains("Examples:") && text.contains("Exit status:"), "{text}");
    let text = stdout(&place.run(&["predict", "--help"]).success());
    assert!(text.contains("serve-lite predict model.onnx"), "{text}");
}

#[test]
fn a_pipe_that_is_closed_from_the_start_ends_every_command_without_an_error() {
    let place = Place::new();
    let commands = [
        &["completions", "bash"][..],
        &["completions", "zsh"],
        &["info", "model.onnx"],
        &["predict", "model.onnx", "left.pgm"],
        &["predict", "model.onnx", "left.pgm", "--csv", "answers.csv"],
        &["bench", "model.onnx", "--seconds", "0.01"],
        &["--help"],
    ];
    for args in commands {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = place.command(args).stdout(writer).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{args:?}");
        assert_eq!(output.status.code(), Some(0), "{args:?}");
    }
}

#[test]
fn a_closed_pipe_ends_the_program_without_an_error() {
    let place = Place::new();
    // Far more output than a pipe holds, so that writing fails.
    place.write("many", &idx(&vec![halves(60, 0); 5000]));
    for args in
        [&["predict", "model.onnx", "many"][..], &["predict", "--json", "model.onnx", "many"]]
    {
        let mut child =
            place.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut start = [0; 10];
        child.stdout.take().unwrap().read_exact(&mut start).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        assert_eq!(output.status.code(), Some(0));
    }
}
