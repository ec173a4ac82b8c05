//! What a loaded model answers, and which files are refused.
#![allow(clippy::unwrap_used)]

mod models;

use std::path::Path;

use models::{PIXELS, bytes, floats, halves, ints, node, noise, set_property, sides, value};
use proptest::prelude::*;
use serve_lite::{Classifier, Error};
use tract_onnx::pb::ModelProto;
use tract_onnx::pb::tensor_proto::DataType;

/// One rounding of a float32 is 6e-8; the sums here have up to 784 terms and stay below 20.
const TOLERANCE: f32 = 1e-5;

fn load(bytes: &[u8]) -> serve_lite::Result<Classifier> {
    Classifier::from_bytes(bytes, Path::new("the-model.onnx"))
}

fn loaded(model: &ModelProto) -> Classifier {
    load(&bytes(model)).unwrap()
}

/// What is wrong with the model, after checking that the message names the file.
fn refusal(model: &ModelProto) -> (Error, String) {
    let error = load(&bytes(model)).unwrap_err();
    let message = error.to_string();
    assert!(message.contains("the-model.onnx"), "{message}");
    (error, message)
}

fn graph(model: &mut ModelProto) -> &mut tract_onnx::pb::GraphProto {
    model.graph.as_mut().unwrap()
}

#[test]
fn outputs_are_those_computed_by_hand() {
    let classifier = loaded(&sides());
    assert_eq!(classifier.classes, models::SIDES);
    let images = [halves(20, 0), halves(0, 30), halves(0, 0)].concat();
    let outputs = classifier.classify(&images).unwrap();
    let logits = [[2.0_f32, 0.0, 1.0], [0.0, 3.0, 1.0], [0.0, 0.0, 1.0]];
    for (row, logits) in logits.iter().enumerate() {
        let sum: f32 = logits.iter().map(|logit| logit.exp()).sum();
        for (class, logit) in logits.iter().enumerate() {
            assert!((outputs.logits[3 * row + class] - logit).abs() < TOLERANCE);
            assert!((outputs.row(row)[class] - logit.exp() / sum).abs() < TOLERANCE);
        }
    }
    assert_eq!([0, 1, 2].map(|row| outputs.best(row)), [0, 1, 2]);
}

#[test]
fn outputs_are_found_by_name_in_any_order() {
    let mut model = sides();
    graph(&mut model).output.reverse();
    graph(&mut model).output.insert(0, value("flat", DataType::Float, &[None, Some(784)]));
    let image = halves(9, 4);
    let expected = loaded(&sides()).classify(&image).unwrap();
    assert_eq!(loaded(&model).classify(&image).unwrap(), expected);
}

#[test]
fn metadata_is_kept_unchanged() {
    let mut model = sides();
    set_property(&mut model, "kiln.accuracy", "0.9917");
    let classifier = loaded(&model);
    assert_eq!(classifier.properties["kiln.accuracy"], "0.9917");
    assert!(!classifier.is_synthetic());
    set_property(&mut model, "kiln.synthetic", "true");
    assert!(loaded(&model).is_synthetic());
}

#[test]
fn no_image_gives_no_row_and_half_an_image_is_refused() {
    let classifier = loaded(&sides());
    assert!(classifier.classify(&[]).unwrap().probabilities.is_empty());
    let error = classifier.classify(&[0; PIXELS + 1]).unwrap_err();
    assert!(matches!(error, Error::Pixels { length: 785, image: 784 }), "{error}");
}

#[test]
fn outputs_are_bit_identical_for_any_batches_and_threads() {
    let classifier = loaded(&models::full_cnn());
    let images = models::random_bytes(3, 67 * PIXELS);
    let bits = |outputs: &serve_lite::Outputs| -> Vec<u32> {
        outputs.logits.iter().chain(&outputs.probabilities).map(|v| v.to_bits()).collect()
    };
    let one_by_one: Vec<_> =
        images.chunks(PIXELS).map(|p| classifier.classify(p).unwrap()).collect();
    for n in [2, 3, 7, 8, 9, 16, 33, 67] {
        for (i, images) in images.chunks(n * PIXELS).enumerate() {
            let outputs = classifier.classify(images).unwrap();
            for (row, expected) in one_by_one[i * n..].iter().take(n).enumerate() {
                let row = serve_lite::Outputs {
                    logits: outputs.logits[row * 10..][..10].to_vec(),
                    probabilities: outputs.row(row).to_vec(),
                    classes: 10,
                };
                assert_eq!(bits(&row), bits(expected), "batch of {n}");
            }
        }
    }
    let with_threads = |n| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        pool.install(|| bits(&classifier.classify(&images).unwrap()))
    };
    let expected = with_threads(1);
    for n in [2, 3, 8] {
        assert_eq!(with_threads(n), expected, "{n} threads");
    }
}

#[test]
fn a_classifier_can_be_shared_between_threads() {
    fn shareable<T: Send + Sync>() {}
    shareable::<Classifier>();
}

#[test]
fn files_that_are_not_onnx_are_refused() {
    let whole = bytes(&sides());
    for (name, bytes) in [
        ("nothing", &[][..]),
        ("half a model", &whole[..whole.len() / 2]),
        ("a model without its last byte", &whole[..whole.len() - 1]),
        ("text", b"this is not a model"),
        ("a PNG", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
    ] {
        let error = load(bytes).unwrap_err();
        assert!(matches!(error, Error::NotOnnx { .. }), "{name}: {error}");
        assert!(error.to_string().contains("the-model.onnx"), "{name}: {error}");
    }
    let error = Classifier::load(Path::new("/no/such/model.onnx")).unwrap_err();
    assert!(matches!(error, Error::Read { .. }), "{error}");
}

#[test]
fn a_file_beyond_the_limit_is_refused() {
    let file = tempfile::NamedTempFile::new().unwrap();
    // A sparse file, which takes no space on the disk.
    file.as_file().set_len(serve_lite::MAX_MODEL_BYTES + 1).unwrap();
    let error = Classifier::load(file.path()).unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: serve_lite::MAX_MODEL_BYTES, .. }), "{error}");
}

#[cfg(unix)]
#[test]
fn anything_but_a_regular_file_is_refused_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.onnx");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for path in [&pipe, folder.path(), Path::new("/dev/zero")] {
        let error = Classifier::load(path).unwrap_err();
        let reason = std::error::Error::source(&error).unwrap().to_string();
        assert!(matches!(error, Error::Read { .. }), "{error}");
        assert!(reason.contains("not a regular file"), "{reason}");
    }
}

#[test]
fn a_model_of_more_parts_than_any_network_has_is_refused_at_once() {
    let identities = |n: usize| {
        let mut model = sides();
        let nodes = &mut graph(&mut model).node;
        let name = |i: usize| if i == 0 { "levels".into() } else { format!("i{i}") };
        nodes[1].input[0] = name(n);
        let identity = |i| node("Identity", &[&name(i)], &name(i + 1), vec![]);
        nodes.splice(1..1, (0..n).map(identity));
        model
    };
    loaded(&identities(1000));
    let mut wide = sides();
    graph(&mut wide).node[1].input.resize(100_000, "levels".into());
    let mut weights = sides();
    graph(&mut weights)
        .initializer
        .extend((0..100_000).map(|i| floats(&i.to_string(), &[1], [0.0])));
    let mut metadata = sides();
    set_property(&mut metadata, "note", &"x".repeat(1 << 20));
    let start = std::time::Instant::now();
    for (model, what) in [
        (identities(20_000), "at most 2048 operators, found 20004"),
        (identities(100_000), "at most 2 MiB beside the weights"),
        (wide, "inputs and outputs of operators"),
        (weights, "inputs, outputs and weights"),
        (metadata, "metadata of at most 1 MiB"),
    ] {
        let (error, message) = refusal(&model);
        assert!(matches!(error, Error::Contract { .. }) && message.contains(what), "{message}");
    }
    assert!(start.elapsed().as_secs() < 10, "{:?}", start.elapsed());
}

#[test]
fn a_file_of_tiny_parts_is_refused_before_it_is_decoded() {
    // 20 million operators without a name, which would take 3 GB.
    let nodes = [0x0a, 0].repeat(20_000_000);
    let mut length = nodes.len();
    let mut file = vec![7 << 3 | 2];
    while length > 0x7f {
        file.push(length as u8 | 0x80);
        length >>= 7;
    }
    file.push(length as u8);
    file.extend(nodes);
    let error = load(&file).unwrap_err();
    assert!(error.to_string().contains("at most 2 MiB beside the weights"), "{error}");
    // Weights do not count, wherever they are.
    let mut large = models::full_cnn();
    let weights = graph(&mut large).initializer.iter().map(|weight| weight.raw_data.len());
    assert!(weights.sum::<usize>() > 4 << 20);
    loaded(&large);
}

#[test]
fn long_names_are_refused_and_messages_stay_short() {
    let long = "x".repeat(5_000_000);
    let mut class = sides();
    set_property(&mut class, "kiln.classes", &format!("[\"a\",\"{}\",\"c\"]", &long[..300]));
    let (_, message) = refusal(&class);
    assert!(message.contains("255 characters") && message.len() < 600, "{message}");
    set_property(
        &mut class,
        "kiln.classes",
        &format!("[\"a\",\"{}\",\"c\"]", "\u{e4}".repeat(255)),
    );
    loaded(&class);
    let mut operator = sides();
    graph(&mut operator).node[1].op_type = long.clone();
    let mut input = sides();
    graph(&mut input).node[1].input[0] = long.clone();
    let mut weight = sides();
    graph(&mut weight).initializer.push(floats(&long, &[1], [f32::NAN]));
    for model in [operator, input, weight] {
        let (_, message) = refusal(&model);
        assert!(message.len() < 1500, "{} bytes", message.len());
    }
}

#[test]
fn a_softmax_over_the_wrong_axis_is_refused() {
    let softmax =
        |axis: i64| node("Softmax", &["logits"], "probabilities", vec![models::int("axis", axis)]);
    let others = [
        softmax(0),
        node("Sigmoid", &["logits"], "probabilities", vec![]),
        node("Identity", &["logits"], "probabilities", vec![]),
        node("LogSoftmax", &["logits"], "probabilities", vec![]),
    ];
    for last in others {
        let mut model = sides();
        *graph(&mut model).node.last_mut().unwrap() = last;
        let (error, message) = refusal(&model);
        assert!(matches!(error, Error::NotProbabilities { .. }), "{message}");
    }
    let mut model = sides();
    *graph(&mut model).node.last_mut().unwrap() = softmax(1);
    loaded(&model);
}

#[test]
fn a_model_that_breaks_the_contract_is_refused_with_what_was_found() {
    type Break = fn(&mut ModelProto);
    let cases: [(Break, &str); 20] = [
        (|m| m.graph = None, "found none"),
        (|m| graph(m).input.clear(), "found no input"),
        (|m| graph(m).input[0].name = "image".into(), "found image: uint8 [?, 1, 28, 28]"),
        (
            |m| {
                graph(m).input[0] =
                    value("pixels", DataType::Float, &[None, Some(1), Some(28), Some(28)])
            },
            "found pixels: float32 [?, 1, 28, 28]",
        ),
        (
            |m| graph(m).input[0] = value("pixels", DataType::Uint8, &[None, Some(784)]),
            "found pixels: uint8 [?, 784]",
        ),
        (
            |m| {
                graph(m).input[0] =
                    value("pixels", DataType::Uint8, &[None, Some(1), Some(2000), Some(28)])
            },
            "found pixels: uint8 [?, 1, 2000, 28]",
        ),
        (
            |m| {
                graph(m).input[0] =
                    value("pixels", DataType::Uint8, &[Some(1), Some(1), Some(28), Some(28)])
            },
            "found pixels: uint8 [1, 1, 28, 28]",
        ),
        (
            |m| graph(m).input.push(value("more", DataType::Int64, &[])),
            "found pixels: uint8 [?, 1, 28, 28]; more: int64 []",
        ),
        (|m| graph(m).output.clear(), "found no output"),
        (|m| drop(graph(m).output.remove(0)), "found probabilities: float32 [?, 3]"),
        (
            |m| graph(m).output[1] = value("probabilities", DataType::Double, &[None, Some(3)]),
            "found probabilities: float64 [?, 3]",
        ),
        (
            |m| graph(m).output[0] = value("logits", DataType::Float, &[None]),
            "found logits: float32 [?]",
        ),
        (|m| drop(graph(m).node.pop()), "no operator that computes it"),
        (|m| m.metadata_props.clear(), "found no metadata"),
        (
            |m| m.metadata_props.retain(|e| e.key != "kiln.classes"),
            "found kiln.dataset, kiln.synthetic",
        ),
        (|m| set_property(m, "kiln.classes", "left right"), "found left right"),
        (|m| set_property(m, "kiln.classes", r#"["a","b"]"#), "found 2 names"),
        (|m| set_property(m, "kiln.classes", r#"["a","b","a"]"#), "found \"a\" at position 2"),
        (|m| set_property(m, "kiln.classes", r#"["a","","c"]"#), "found \"\" at position 1"),
        (|m| graph(m).node[1].op_type = "Loop".into(), "found \"Loop\""),
    ];
    for (i, (break_it, found)) in cases.into_iter().enumerate() {
        let mut model = sides();
        break_it(&mut model);
        let (error, message) = refusal(&model);
        assert!(matches!(error, Error::Contract { .. }), "case {i}: {message}");
        assert!(message.contains(found), "case {i}: {message}");
    }
}

#[test]
fn a_model_that_contradicts_itself_is_refused() {
    let mut wide = sides();
    graph(&mut wide).initializer[0] = floats("weight", &[784, 4], [0.0; 784 * 4]);
    let (error, message) = refusal(&wide);
    assert!(matches!(error, Error::Unsupported { .. }), "{message}");

    let mut unknown_input = sides();
    graph(&mut unknown_input).node[2].input[1] = "nowhere".into();
    let (error, message) = refusal(&unknown_input);
    assert!(matches!(error, Error::Unsupported { .. }), "{message}");
}

#[test]
fn a_model_that_would_take_all_memory_is_refused() {
    let mut huge = models::small_cnn();
    graph(&mut huge).node[3].attribute.push(ints("pads", &[1 << 40; 4]));
    let (error, message) = refusal(&huge);
    assert!(matches!(error, Error::Contract { .. }), "{message}");

    // Consistent: for any size, one number per channel remains.
    let mut large = models::small_cnn();
    graph(&mut large).node[3].attribute.push(ints("pads", &[1000; 4]));
    graph(&mut large).node[7] = node("GlobalAveragePool", &["relu2"], "pool", vec![]);
    graph(&mut large).initializer[7] = noise("w3", &[3, 4]);
    let (error, message) = refusal(&large);
    assert!(matches!(error, Error::Unsupported { .. }), "{message}");
    assert!(message.contains("gives a tensor of 1,2,2026,2026"), "{message}");
}

#[test]
fn weights_and_outputs_that_are_not_finite_are_refused() {
    for damage in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        // A damaged weight before a ReLU, which hides NaN on some CPUs, and where an image is
        // blank.
        let mut model = models::small_cnn();
        let weight = &mut graph(&mut model).initializer[2].raw_data;
        weight[..4].copy_from_slice(&damage.to_le_bytes());
        let (error, message) = refusal(&model);
        assert!(matches!(error, Error::NotFinite { .. }), "{message}");
        assert!(message.contains("weights in w1 are not finite"), "{message}");
    }
    let mut model = sides();
    graph(&mut model).initializer[0] = floats("weight", &[784, 3], [f32::MAX; 784 * 3]);
    let (error, message) = refusal(&model);
    assert!(matches!(error, Error::NotFinite { .. }), "{message}");
    assert!(message.contains("the logits of a plain image"), "{message}");
}

#[test]
fn a_panic_inside_tract_becomes_an_error() {
    // tract reads a second stride without checking that there is one.
    let mut model = models::small_cnn();
    graph(&mut model).node[3].attribute.push(ints("strides", &[1]));
    let (error, message) = refusal(&model);
    assert!(matches!(error, Error::Unsupported { .. }), "{message}");
    assert!(message.contains("tract panicked: index out of bounds"), "{message}");
}

/// Changes to a file: bytes overwritten, then its end cut off or something appended.
fn damage() -> impl Strategy<Value = (Vec<(prop::sample::Index, u8)>, Option<prop::sample::Index>)>
{
    let overwritten = prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4);
    (overwritten, prop::option::weighted(0.1, any::<prop::sample::Index>()))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_damaged_model_ends_the_process((overwritten, cut) in damage()) {
        let model = models::small_cnn();
        let mut bytes = bytes(&model);
        // Leaves out the largest weight: most bytes are its, and any of them is as good as any
        // other.
        let largest = &model.graph.as_ref().unwrap().initializer[7].raw_data;
        let start = bytes.windows(largest.len()).position(|w| w == largest).unwrap();
        for (index, byte) in overwritten {
            let index = index.index(bytes.len() - largest.len());
            bytes[if index < start { index } else { index + largest.len() }] = byte;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(bytes.len()));
        }
        // A model that was accepted must work.
        if let Ok(classifier) = load(&bytes) {
            let image = vec![7; classifier.shape.size()];
            let outputs = classifier.classify(&image).unwrap();
            prop_assert_eq!(outputs.probabilities.len(), classifier.classes.len());
        }
    }

    #[test]
    fn no_noise_ends_the_process(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(load(&bytes).is_err());
    }
}
