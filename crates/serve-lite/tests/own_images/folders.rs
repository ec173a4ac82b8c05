//! Folders of images, and their answers as a CSV file.

use crate::models::{halves, set_property, sides};
use crate::{Place, text};

/// A grey image of 28x28 as PGM, the simplest format.
fn pgm(left: usize, right: usize) -> Vec<u8> {
    [b"P5 28 28 255\n", &halves(left, right)[..]].concat()
}

/// Five images in a folder, one of them damaged, among files that are none.
fn place() -> Place {
    let mut model = sides();
    set_property(&mut model, "kiln.doubtful_below", "0.9");
    let place = Place::new(&model);
    place.write("photos/a.pgm", &pgm(60, 0));
    place.write("photos/b, \"quoted\".PGM", &pgm(0, 20));
    place.write("photos/deep/er/c.pgm", &pgm(30, 0));
    place.write("photos/d.png", b"no image");
    place.write("photos/notes.txt", b"bring milk");
    place.write("photos/.hidden.pgm", b"thumbnail");
    place.write("photos/z.pgm", &pgm(0, 60));
    place
}

#[test]
fn a_folder_becomes_a_table_with_the_least_certain_first() {
    let place = place();
    let output = place.predict(&["photos", "--csv", "answers.csv"]);
    assert_eq!(output.status.code(), Some(1), "one file is damaged");
    assert_eq!(text(&output.stdout), "4 images in answers.csv, 2 of them doubtful\n");
    let problems = text(&output.stderr);
    assert!(problems.starts_with("error: ") && problems.contains("d.png"), "{problems}");
    assert!(problems.ends_with("\n1 of 5 files could not be used\n"), "{problems}");
    assert_eq!(problems.lines().count(), 2, "{problems}");

    let table = place.read("answers.csv");
    let mut lines = table.lines();
    let header = "path,label,probability,second_label,second_probability,doubtful";
    assert_eq!(lines.next(), Some(header));
    let lines: Vec<_> = lines.collect();
    // Logits 0, 2, 1 and 3, 0, 1: softmax gives 0.6652 and 0.8438; both of 6, 0, 1 are equal.
    let expected = [
        ("\"photos/b, \"\"quoted\"\".PGM\",right,0.6652", ",blank,0.2447", "true"),
        ("photos/deep/er/c.pgm,left,0.8437", ",blank,0.1141", "true"),
        ("photos/a.pgm,left,0.9908", ",blank,0.0066", "false"),
        ("photos/z.pgm,right,0.9908", ",blank,0.0066", "false"),
    ];
    assert_eq!(lines.len(), expected.len(), "{table}");
    for (line, (start, second, end)) in lines.iter().zip(expected) {
        let fits = line.starts_with(start) && line.contains(second) && line.ends_with(end);
        assert!(fits, "{line}");
    }
}

#[test]
fn a_table_replaces_a_table_and_nothing_else() {
    let place = place();
    // What a shell makes of `--csv photos/*.pgm`.
    let refused = place.predict(&["--csv", "photos/a.pgm", "photos/z.pgm"]);
    assert!(!refused.status.success());
    assert!(text(&refused.stderr).contains("photos/a.pgm exists and is no table of answers"));
    assert_eq!(std::fs::read(place.path("photos/a.pgm")).unwrap(), pgm(60, 0));
    for _ in 0..2 {
        let written = place.predict(&["photos/a.pgm", "--csv", "answers.csv"]);
        assert!(written.status.success(), "{}", text(&written.stderr));
    }
}

#[test]
fn a_folder_is_read_as_its_files_are() {
    let place = place();
    let printed = |args: &[&str]| text(&place.predict(args).stdout);
    let files =
        ["photos/a.pgm", "photos/b, \"quoted\".PGM", "photos/deep/er/c.pgm", "photos/z.pgm"];
    let whole = printed(&["photos"]);
    assert_eq!(whole.lines().count(), 4);
    assert_eq!(whole, printed(&files));
}

#[test]
fn a_table_is_whole_or_what_was_there_stays() {
    let place = place();
    place.write("answers.csv", b"path of yesterday");
    std::fs::create_dir(place.path("empty")).unwrap();
    for (args, reason) in [
        (["photos/a.pgm", "--csv", "no/answers.csv"], "cannot write no/answers.csv"),
        (["photos/a.pgm", "--csv", "photos"], "not a regular file"),
    ] {
        let output = place.predict(&args);
        assert_eq!(output.status.code(), Some(1));
        let message = text(&output.stderr);
        assert!(message.contains(reason) && message.lines().count() == 1, "{message}");
    }
    assert_eq!(place.read("answers.csv"), "path of yesterday");
    let output = place.predict(&["empty", "photos/a.pgm", "--csv", "answers.csv"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("empty has no image files"), "{output:?}");
    assert_eq!(place.read("answers.csv").lines().count(), 2);
    for args in [["photos", "--csv", "a.csv", "--json"], ["photos", "--csv", "a.csv", "--show"]] {
        assert_eq!(place.predict(&args).status.code(), Some(2));
    }
}
