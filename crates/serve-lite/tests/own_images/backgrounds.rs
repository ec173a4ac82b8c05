//! An image whose background is not that of the training images is doubtful, and is told why.

use crate::models::{set_property, sides_of};
use crate::{Place, ask, text};

/// A grey image of 12x8 as PGM: a border of one level around another.
fn pgm(border: u8, middle: u8) -> Vec<u8> {
    let inside = |i: usize| (2..6).contains(&(i / 12)) && (2..10).contains(&(i % 12));
    let levels = (0..96).map(|i| if inside(i) { middle } else { border });
    b"P5 12 8 255\n".iter().copied().chain(levels).collect()
}

#[tokio::test]
async fn the_other_background_is_doubted_and_none_is_expected_where_none_is_known() {
    let dark = (pgm(10, 250), "the background is bright, the training images' is dark: inverted?");
    let bright = (pgm(245, 5), "the background is dark, the training images' is bright: inverted?");
    for (background, prepare, fine, wrong) in [
        ("dark", "stretch", &dark, Some(&bright)),
        ("dark", "fit", &dark, Some(&bright)),
        ("bright", "crop", &bright, Some(&dark)),
        ("", "stretch", &dark, None),
    ] {
        let mut model = sides_of([1, 8, 12]);
        set_property(&mut model, "kiln.prepare", prepare);
        if !background.is_empty() {
            set_property(&mut model, "kiln.background", background);
        }
        let place = Place::new(&model);
        let service = place.service();
        for (name, image, reason) in [
            ("fine.pgm", &fine.0, None),
            ("between.pgm", &pgm(128, 255), None),
            ("other.pgm", &bright.0, wrong.filter(|wrong| wrong.0 == bright.0).map(|_| fine.1)),
            ("another.pgm", &dark.0, wrong.filter(|wrong| wrong.0 == dark.0).map(|_| fine.1)),
        ] {
            place.write(name, image);
            let reply = ask(&service, "/v1/predict", image).await;
            // The model does not say which probabilities are too low.
            let doubtful = reason.map(|_| true);
            assert_eq!(
                reply["doubtful"],
                serde_json::json!(doubtful),
                "{background} {name}: {reply}"
            );
            assert_eq!(reply.get("reason").and_then(|text| text.as_str()), reason);
            let json = text(&place.predict(&["--json", name]).stdout);
            let doubtful = if reason.is_some() { "true" } else { "null" };
            assert!(json.contains(&format!("\"doubtful\":{doubtful}")), "{json}");
            let line = text(&place.predict(&[name]).stdout);
            let said = reason.map_or(!line.contains("doubtful"), |reason| line.contains(reason));
            assert!(said, "{line}");
        }
    }
}

#[test]
fn colours_have_no_background_and_another_word_is_refused() {
    let mut model = sides_of([3, 8, 12]);
    set_property(&mut model, "kiln.background", "dark");
    let place = Place::new(&model);
    place.write("white.pgm", &pgm(255, 255));
    assert!(!text(&place.predict(&["white.pgm"]).stdout).contains("inverted"));
    set_property(&mut model, "kiln.background", "grey");
    let output = Place::new(&model).predict(&["white.pgm"]);
    let message = text(&output.stderr);
    assert!(message.contains("kiln.background: dark or bright, found grey"), "{message}");
}
