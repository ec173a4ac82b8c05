//! Names of classes in other scripts than Latin, in the PNGs.

use std::process::Command;

use crate::sample::*;

/// Two names of equally many letters in each script.
const NAMES: [(&str, [&str; 2]); 4] = [
    ("Japanese", ["\u{72AC}\u{5C4B}", "\u{732B}\u{53F0}"]),
    ("Kana", ["\u{3044}\u{306C}", "\u{306D}\u{3053}"]),
    ("Thai", ["\u{0E01}\u{0E32}", "\u{0E1B}\u{0E25}"]),
    ("Hebrew", ["\u{05D0}\u{05D1}", "\u{05E9}\u{05DC}"]),
];

/// Whether fontconfig, which kiln does not use, knows a font with every letter of `name`.
fn has_font(name: &str) -> bool {
    name.chars().all(|letter| {
        let charset = format!(":charset={:x}", u32::from(letter));
        let listed = Command::new("fc-list").args([&charset, "file"]).output();
        listed.is_ok_and(|output| !output.stdout.is_empty())
    })
}

#[test]
fn every_script_that_the_system_has_a_font_for_is_drawn_in_its_letters() {
    for (script, names) in NAMES {
        if !names.iter().all(|name| has_font(name)) {
            eprintln!("NOT CHECKED: no font of this system has {script} letters");
            continue;
        }
        let [first, second] = names.map(|name| {
            let classes = vec![name.to_owned(), "b".to_owned()];
            let files = Run::new(1, 4, classes, &[1]).files();
            let svg = std::str::from_utf8(&files["grid.svg"]).unwrap();
            assert!(svg.contains(name), "{script}");
            assert!(!svg.contains("Boxes in the PNG"), "{script}: {name} is drawn as boxes");
            png(&files, "grid")
        });
        // Boxes would be the same for both.
        assert_ne!(first, second, "{script}");
    }
}
