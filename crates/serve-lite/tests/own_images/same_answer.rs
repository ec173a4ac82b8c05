//! One image has one answer, to the last bit: by the library, on the command line, and over HTTP.

use serde_json::Value;
use serve_lite::{Classifier, Preparation, classify_file};

use crate::files;
use crate::models::{SIDES, set_property, sides_of};
use crate::{Place, ask, text};

/// Neither square nor of the files' ratio, so that stretch, fit and crop differ.
const SHAPE: [usize; 3] = [3, 8, 12];
const METADATA: &str = "/v2/models/mnist";

fn probabilities(reply: &Value) -> Vec<u32> {
    let by_class = &reply["probabilities"];
    SIDES.map(|name| (by_class[name].as_f64().unwrap() as f32).to_bits()).to_vec()
}

fn bytes(reply: &Value) -> Vec<u8> {
    reply["pixels"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as u8).collect()
}

#[tokio::test]
async fn every_format_and_preparation_has_one_answer_everywhere() {
    let mut inputs = Vec::new();
    for preparation in [Preparation::Stretch, Preparation::Fit, Preparation::Crop] {
        let mut model = sides_of(SHAPE);
        set_property(&mut model, "kiln.prepare", preparation.name());
        let place = Place::new(&model);
        let classifier = Classifier::load(&place.path("model.onnx")).unwrap();
        assert_eq!(classifier.preparation, preparation);
        let service = place.service();
        for (name, file) in files::all() {
            place.write(name, &file);
            let found = classify_file(&classifier, &place.path(name), None).unwrap().remove(0);
            let expected: Vec<_> = found.probabilities.iter().map(|p| p.to_bits()).collect();

            let output = place.predict(&["--json", name]);
            let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
            assert_eq!(probabilities(&printed), expected, "{name} on the command line");

            let reply = ask(&service, "/v1/predict", &file).await;
            assert_eq!(probabilities(&reply), expected, "{name} over HTTP");
            assert_eq!(reply["shape"], serde_json::json!(SHAPE));
            assert_eq!(bytes(&reply), found.pixels, "{name}: what the network saw");
            assert_eq!(printed["doubtful"], reply["doubtful"]);
            inputs.push((name, found.pixels));
        }
    }
    // The preparations differ, so that a wrong one would be noticed; and red is the first channel.
    let of = |name: &str| -> Vec<&Vec<u8>> {
        inputs.iter().filter(|(n, _)| *n == name).map(|(_, pixels)| pixels).collect()
    };
    let [stretch, fit, crop] = of("plain.png")[..] else { panic!("three preparations") };
    assert!(stretch != fit && fit != crop && crop != stretch);
    let [palette, ..] = of("palette.png")[..] else { panic!() };
    let corners = [0, 1, 2].map(|channel| [palette[channel * 96], palette[channel * 96 + 11]]);
    assert_eq!(corners, [[200, 5], [10, 60], [20, 250]]);
    // Lossless formats of one image agree; a turned one does not.
    assert_eq!(of("plain.png"), of("plain.webp"));
    assert_eq!(of("plain.png"), of("plain.ppm"));
    assert_ne!(of("colour.jpg"), of("turned.jpg"));
    // What is transparent is white in all channels.
    let [alpha, ..] = of("alpha.png")[..] else { panic!() };
    assert_eq!([alpha[0], alpha[96], alpha[192]], [255; 3]);
}

#[tokio::test]
async fn the_metadata_say_what_the_model_takes() {
    let mut model = sides_of(SHAPE);
    set_property(&mut model, "kiln.prepare", "fit");
    let service = Place::new(&model).service();
    let metadata = ask(&service, METADATA, &[]).await;
    assert_eq!(metadata["inputs"][0]["shape"], serde_json::json!([-1, 3, 8, 12]));
    let expected = serde_json::json!({ "channels": 3, "height": 8, "width": 12, "prepare": "fit" });
    assert_eq!(metadata["parameters"], expected);
    let config = ask(&service, &format!("{METADATA}/config"), &[]).await;
    assert_eq!(config["parameters"]["prepare"]["string_value"], "fit");
    assert_eq!(config["parameters"]["height"]["string_value"], "8");

    // A file that does not say it is still described as it is served.
    let metadata = ask(&Place::new(&sides_of([1, 28, 28])).service(), METADATA, &[]).await;
    assert_eq!(metadata["parameters"]["prepare"], "stretch");
    assert!(metadata["properties"].get("kiln.prepare").is_none());
}

#[test]
fn a_damaged_file_is_explained_once() {
    let place = Place::new(&sides_of(SHAPE));
    let (name, file) = files::all().remove(0);
    place.write(name, &file[..file.len() / 2]);
    let output = place.predict(&[name]);
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr);
    assert!(message.contains("plain.png") && message.contains("truncated or corrupt"), "{message}");
    let parts: Vec<_> = message.trim().split(": ").collect();
    let unlike = |part: &&str| parts.iter().filter(|other| *other == part).count() == 1;
    assert!(parts.iter().all(unlike), "{message}");
}
