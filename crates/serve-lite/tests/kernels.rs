//! Which operators run on kiln's kernels, and that the answers stay tract's.
#![allow(clippy::unwrap_used)]

mod models;

use std::path::Path;

use models::{PIXELS, SIDES, bytes, cnn, float, int, ints, node, noise, random_bytes};
use proptest::prelude::*;
use serve_lite::{Classifier, Outputs};
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto};

/// Sums of up to 9,216 products in another order, and Winograd's in place of plain ones.
const TOLERANCE: f32 = 1e-5;
/// The network that the near misses are made of: 2 and 3 channels, 4 features, 3 classes.
const CONV1: &str = "conv 3x3 1 -> 2, relu";
const CONV2: &str = "conv 3x3 2 -> 3, relu, pool 2x2";
const DENSE1: &str = "dense 432 -> 4, relu";
const DENSE2: &str = "dense 4 -> 3";
const SOFTMAX: &str = "softmax 3";

fn with_kernels(model: &ModelProto) -> Classifier {
    Classifier::from_bytes(&bytes(model), Path::new("the-model.onnx")).unwrap()
}

fn with_tract_ops(model: &ModelProto) -> Classifier {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes(model)).unwrap();
    let classifier = Classifier::load_with_tract_ops(file.path()).unwrap();
    assert_eq!((classifier.by_kernels.len(), classifier.images_per_call), (0, 1));
    classifier
}

fn assert_close(outputs: &Outputs, expected: &Outputs, what: &str) {
    assert_eq!(outputs.probabilities.len(), expected.probabilities.len(), "{what}");
    for (row, (a, b)) in outputs.probabilities.iter().zip(&expected.probabilities).enumerate() {
        assert!((a - b).abs() < TOLERANCE, "{what}: {a} for {b} at {row}");
    }
    for row in 0..outputs.probabilities.len() / outputs.classes {
        assert_eq!(outputs.best(row), expected.best(row), "{what}, image {row}");
    }
}

fn bits(outputs: &Outputs) -> Vec<u32> {
    outputs.logits.iter().chain(&outputs.probabilities).map(|value| value.to_bits()).collect()
}

fn graph(model: &mut ModelProto) -> &mut GraphProto {
    model.graph.as_mut().unwrap()
}

/// The node that gives `output`.
fn giving<'a>(model: &'a mut ModelProto, output: &str) -> &'a mut NodeProto {
    graph(model).node.iter_mut().find(|node| node.output[0] == output).unwrap()
}

/// Replaces the weight of that name.
fn set(model: &mut ModelProto, weight: TensorProto) {
    let mut weights = graph(model).initializer.iter_mut();
    let old = weights.find(|old| old.name == weight.name).unwrap();
    *old = weight;
}

/// Makes the first dense layer fit images of another size.
fn flat(model: &mut ModelProto, n: i64) {
    set(model, noise("w3", &[n, 4]));
}

/// Inserts a node after the one that gives `output`.
fn insert_after(model: &mut ModelProto, output: &str, node: NodeProto) {
    let nodes = &mut graph(model).node;
    let at = nodes.iter().position(|node| node.output[0] == output).unwrap();
    nodes.insert(at + 1, node);
}

/// Adds the mean of `value` over 2x2 to what the pooling gives, so that two nodes take `value`.
fn use_again(model: &mut ModelProto, value: &str) {
    giving(model, "pool").output[0] = "highest".into();
    let two = |name| ints(name, &[2, 2]);
    let mean = node("AveragePool", &[value], "mean2", vec![two("kernel_shape"), two("strides")]);
    insert_after(model, "highest", mean);
    insert_after(model, "mean2", node("Add", &["highest", "mean2"], "pool", vec![]));
}

/// Pads both convolutions, and averages over rows and columns before the dense layers, as kiln's `blocks` do.
fn as_blocks(model: &mut ModelProto) {
    for conv in ["conv1", "conv2"] {
        giving(model, conv).attribute.push(ints("pads", &[1; 4]));
    }
    insert_after(model, "pool", node("GlobalAveragePool", &["pool"], "mean of plane", vec![]));
    giving(model, "flat").input[0] = "mean of plane".into();
    flat(model, 3);
}

/// Takes a softmax over the images of a call, which the probabilities then depend on.
fn softmax_over_images(model: &mut ModelProto) {
    giving(model, "probabilities").input[0] = "over images".into();
    let softmax = node("Softmax", &["logits"], "over images", vec![int("axis", 0)]);
    insert_after(model, "logits", softmax);
}

#[test]
fn kilns_network_runs_on_kernels_except_for_three_operators() {
    let full = [
        "conv 3x3 1 -> 32, relu",
        "conv 3x3 32 -> 64, relu, pool 2x2",
        "dense 9216 -> 128, relu",
        "dense 128 -> 10",
        "softmax 10",
    ];
    let small = [CONV1, CONV2, DENSE1, DENSE2, SOFTMAX];
    for (model, by_kernels) in [(models::full_cnn(), full), (models::small_cnn(), small)] {
        let classifier = with_kernels(&model);
        assert_eq!(classifier.by_kernels, by_kernels);
        // The cast, and the standardisation as tract has it: no transposition among them.
        assert_eq!(classifier.by_tract, ["Cast", "Sub", "Mul"]);
        assert_eq!(classifier.images_per_call, 32);
        let images = random_bytes(5, 40 * PIXELS);
        let expected = with_tract_ops(&model).classify(&images).unwrap();
        assert_close(&classifier.classify(&images).unwrap(), &expected, "kiln's network");
    }
}

#[test]
fn matching_operators_run_on_kernels_and_near_matches_on_tract() {
    type Change = fn(&mut ModelProto);
    let cases: [(&str, Change, &[&str]); 31] = [
        (
            "padding",
            |m| {
                giving(m, "conv2").attribute.push(ints("pads", &[1; 4]));
                flat(m, 3 * 13 * 13);
            },
            &[CONV1, "pad 1", CONV2, "dense 507 -> 4, relu", DENSE2, SOFTMAX],
        ),
        (
            "padding of one channel, without pooling",
            |m| {
                giving(m, "conv1").attribute.push(ints("pads", &[1; 4]));
                flat(m, 3 * 13 * 13);
            },
            &["pad 1", CONV1, CONV2, "dense 507 -> 4, relu", DENSE2, SOFTMAX],
        ),
        (
            "padded blocks and their mean",
            as_blocks,
            &["pad 1", CONV1, "pad 1", CONV2, "sum 196", "dense 3 -> 4, relu", DENSE2, SOFTMAX],
        ),
        (
            "padding of 2",
            |m| {
                giving(m, "conv2").attribute.push(ints("pads", &[2; 4]));
                flat(m, 3 * 14 * 14);
            },
            &[CONV1, "dense 588 -> 4, relu", DENSE2, SOFTMAX],
        ),
        (
            "padding on one side, which the pooling hides",
            |m| giving(m, "conv2").attribute.push(ints("pads", &[0, 0, 1, 1])),
            &[CONV1, DENSE1, DENSE2, SOFTMAX],
        ),
        (
            "stride",
            |m| {
                giving(m, "conv2").attribute.push(ints("strides", &[2, 2]));
                flat(m, 3 * 6 * 6);
            },
            &[CONV1, "dense 108 -> 4, relu", DENSE2, SOFTMAX],
        ),
        (
            "dilation",
            |m| {
                giving(m, "conv2").attribute.push(ints("dilations", &[2, 2]));
                flat(m, 3 * 11 * 11);
            },
            &[CONV1, "dense 363 -> 4, relu", DENSE2, SOFTMAX],
        ),
        (
            "kernel 5x5",
            |m| {
                giving(m, "conv2").attribute = vec![ints("kernel_shape", &[5, 5])];
                set(m, noise("w2", &[3, 2, 5, 5]));
                flat(m, 3 * 11 * 11);
            },
            &[CONV1, "dense 363 -> 4, relu", DENSE2, SOFTMAX],
        ),
        (
            "groups",
            |m| {
                giving(m, "conv2").attribute.push(int("group", 2));
                set(m, noise("w2", &[4, 1, 3, 3]));
                set(m, noise("b2", &[4]));
                flat(m, 4 * 12 * 12);
            },
            &[CONV1, "dense 576 -> 4, relu", DENSE2, SOFTMAX],
        ),
        // What is left of it, a convolution with ReLU, the other kernel does.
        (
            "average pooling",
            |m| giving(m, "pool").op_type = "AveragePool".into(),
            &[CONV1, "conv 3x3 2 -> 3, relu", DENSE1, DENSE2, SOFTMAX],
        ),
        (
            "pooling 3x3",
            |m| {
                giving(m, "pool").attribute[0] = ints("kernel_shape", &[3, 3]);
                flat(m, 3 * 11 * 11);
            },
            &[CONV1, "conv 3x3 2 -> 3, relu", "dense 363 -> 4, relu", DENSE2, SOFTMAX],
        ),
        (
            "pooling with stride 1",
            |m| {
                giving(m, "pool").attribute[1] = ints("strides", &[1, 1]);
                flat(m, 3 * 23 * 23);
            },
            &[CONV1, "conv 3x3 2 -> 3, relu", "dense 1587 -> 4, relu", DENSE2, SOFTMAX],
        ),
        (
            "pooling with padding",
            |m| {
                giving(m, "pool").attribute.push(ints("pads", &[1; 4]));
                flat(m, 3 * 13 * 13);
            },
            &[CONV1, "conv 3x3 2 -> 3, relu", "dense 507 -> 4, relu", DENSE2, SOFTMAX],
        ),
        // 27x27, 25x25, and then 12x12 or 13x13; the first is no near miss but a match.
        (
            "pooling that leaves an odd row out",
            |m| giving(m, "conv1").attribute.push(ints("pads", &[0, 0, 1, 1])),
            &[CONV2, DENSE1, DENSE2, SOFTMAX],
        ),
        (
            "pooling that keeps an odd row",
            |m| {
                giving(m, "conv1").attribute.push(ints("pads", &[0, 0, 1, 1]));
                giving(m, "pool").attribute.push(int("ceil_mode", 1));
                flat(m, 3 * 13 * 13);
            },
            &["conv 3x3 2 -> 3, relu", "dense 507 -> 4, relu", DENSE2, SOFTMAX],
        ),
        // No pooling, and as few channels as the direct kernel is for.
        (
            "no pooling",
            |m| {
                giving(m, "flat").input[0] = "relu2".into();
                flat(m, 3 * 24 * 24);
            },
            &[CONV1, "conv 3x3 2 -> 3, relu", "dense 1728 -> 4, relu", DENSE2, SOFTMAX],
        ),
        (
            "no pooling of many channels",
            |m| {
                set(m, noise("w1", &[5, 1, 3, 3]));
                set(m, noise("b1", &[5]));
                set(m, noise("w2", &[3, 5, 3, 3]));
                giving(m, "flat").input[0] = "relu2".into();
                flat(m, 3 * 24 * 24);
            },
            &["conv 3x3 1 -> 5, relu", "dense 1728 -> 4, relu", DENSE2, SOFTMAX],
        ),
        (
            "no pooling of so many channels that tiles are worth it",
            |m| {
                set(m, noise("w1", &[16, 1, 3, 3]));
                set(m, noise("b1", &[16]));
                set(m, noise("w2", &[3, 16, 3, 3]));
                giving(m, "flat").input[0] = "relu2".into();
                flat(m, 3 * 24 * 24);
            },
            &[
                "conv 3x3 1 -> 16, relu",
                "conv 3x3 16 -> 3, relu",
                "dense 1728 -> 4, relu",
                DENSE2,
                SOFTMAX,
            ],
        ),
        (
            "more channels than a network of this kind has",
            |m| {
                set(m, noise("w1", &[513, 1, 3, 3]));
                set(m, noise("b1", &[513]));
                set(m, noise("w2", &[3, 513, 3, 3]));
            },
            &[DENSE1, DENSE2, SOFTMAX],
        ),
        (
            "no ReLU",
            |m| giving(m, "pool").input[0] = "conv2".into(),
            &[CONV1, DENSE1, DENSE2, SOFTMAX],
        ),
        (
            "another activation",
            |m| giving(m, "relu2").op_type = "LeakyRelu".into(),
            &[CONV1, DENSE1, DENSE2, SOFTMAX],
        ),
        (
            "a maximum with something else than 0",
            |m| {
                giving(m, "relu2").op_type = "Max".into();
                giving(m, "relu2").input.push("std".into());
            },
            &[CONV1, DENSE1, DENSE2, SOFTMAX],
        ),
        (
            "the ReLU is taken twice",
            |m| use_again(m, "relu2"),
            &[CONV1, "conv 3x3 2 -> 3, relu", DENSE1, DENSE2, SOFTMAX],
        ),
        (
            "the convolution is taken twice",
            |m| use_again(m, "conv2"),
            &[CONV1, DENSE1, DENSE2, SOFTMAX],
        ),
        (
            "the logits are given and then cut off",
            |m| {
                insert_after(m, "logits", node("Relu", &["logits"], "positive", vec![]));
                giving(m, "probabilities").input[0] = "positive".into();
            },
            &[CONV1, CONV2, DENSE1, DENSE2, SOFTMAX],
        ),
        (
            "the bias is no constant",
            |m| {
                giving(m, "dense1").input[1] = "product".into();
            },
            &[CONV1, CONV2, "dense 432 -> 4", DENSE2, SOFTMAX],
        ),
        (
            "the weights are no constant",
            |m| {
                let turned = node("Transpose", &["relu3"], "turned", vec![ints("perm", &[1, 0])]);
                insert_after(m, "relu3", turned);
                insert_after(m, "turned", node("MatMul", &["turned", "relu3"], "gram", vec![]));
                insert_after(m, "gram", node("MatMul", &["relu3", "gram"], "mixed", vec![]));
                giving(m, "logits").input[0] = "mixed".into();
            },
            &[CONV1, CONV2, DENSE1, DENSE2, SOFTMAX],
        ),
        (
            "softmax over the images, before the one over the classes",
            softmax_over_images,
            &[CONV1, CONV2, DENSE1, DENSE2, SOFTMAX],
        ),
        // Matches, each after another fashion.
        (
            "weights the other way round",
            |m| {
                set(m, noise("w4", &[3, 4]));
                giving(m, "logits").attribute.push(int("transB", 1));
            },
            &[CONV1, CONV2, DENSE1, DENSE2, SOFTMAX],
        ),
        (
            "one bias for all",
            |m| set(m, noise("b3", &[1])),
            &[CONV1, CONV2, DENSE1, DENSE2, SOFTMAX],
        ),
        (
            "a factor between product and bias",
            |m| giving(m, "logits").attribute.push(float("alpha", 0.5)),
            &[CONV1, CONV2, DENSE1, DENSE2, SOFTMAX],
        ),
    ];
    let images = random_bytes(11, 9 * PIXELS);
    for (what, change, by_kernels) in cases {
        let mut model = models::small_cnn();
        change(&mut model);
        let classifier = with_kernels(&model);
        assert_eq!(classifier.by_kernels, by_kernels, "{what}");
        let outputs = classifier.classify(&images).unwrap();
        assert_close(&outputs, &with_tract_ops(&model).classify(&images).unwrap(), what);
    }
}

#[test]
fn outputs_of_an_image_do_not_depend_on_its_batch_or_on_threads() {
    let mut mixed = models::small_cnn();
    use_again(&mut mixed, "relu2");
    let mut over_images = models::small_cnn();
    softmax_over_images(&mut over_images);
    let mut blocks = models::small_cnn();
    as_blocks(&mut blocks);
    let all = [
        ("blocks", blocks, 32),
        ("full", models::full_cnn(), 32),
        ("small", models::small_cnn(), 32),
        ("mixed", mixed, 1),
        ("over images", over_images, 1),
    ];
    let images = random_bytes(3, 100 * PIXELS);
    for (what, model, at_once) in all {
        let classifier = with_kernels(&model);
        assert_eq!(classifier.images_per_call, at_once, "{what}");
        let classes = classifier.classes.len();
        let alone: Vec<Outputs> =
            images.chunks(PIXELS).map(|p| classifier.classify(p).unwrap()).collect();
        for threads in [1, 2, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            for batch in [1, 2, 7, 32, 33, 100] {
                for (i, images) in images.chunks(batch * PIXELS).enumerate() {
                    let outputs = pool.install(|| classifier.classify(images).unwrap());
                    for (row, alone) in alone[i * batch..].iter().take(batch).enumerate() {
                        let row = Outputs {
                            logits: outputs.logits[row * classes..][..classes].to_vec(),
                            probabilities: outputs.row(row).to_vec(),
                            classes,
                        };
                        assert_eq!(bits(&row), bits(alone), "{what}: {batch} on {threads} threads");
                    }
                }
            }
        }
    }
}

#[test]
fn outputs_do_not_depend_on_the_position_in_a_batch() {
    let classifier = with_kernels(&models::full_cnn());
    let image = random_bytes(8, PIXELS);
    let alone = classifier.classify(&image).unwrap();
    let outputs = classifier.classify(&image.repeat(32)).unwrap();
    for row in 0..32 {
        let same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits();
        assert!(outputs.row(row).iter().zip(alone.row(0)).all(same), "place {row}");
    }
}

#[test]
fn wide_layers_compute_fewer_images_at_once() {
    // 300 channels of 26x26 are 202,800 numbers for an image: 20 are below the limit, 21 above.
    let model = cnn(300, 2, 4, &SIDES);
    let classifier = with_kernels(&model);
    assert_eq!(classifier.images_per_call, 20);
    assert_eq!(classifier.by_kernels[0], "conv 3x3 1 -> 300, relu");
    let images = random_bytes(2, 23 * PIXELS);
    let expected = with_tract_ops(&model).classify(&images).unwrap();
    assert_close(&classifier.classify(&images).unwrap(), &expected, "300 channels");
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None, cases: 24, ..ProptestConfig::default()
    })]

    #[test]
    fn any_network_of_kilns_kind_answers_as_with_tract(
        channels1 in 1_i64..40, channels2 in 1_i64..80, features in 2_i64..140,
        classes in 1_usize..20, seed in any::<u64>(), n in 1_usize..40,
    ) {
        let names: Vec<_> = (0..classes).map(|class| class.to_string()).collect();
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        let model = cnn(channels1, channels2, features, &names);
        let classifier = with_kernels(&model);
        // tract leaves out the axis of a single class, and a product without it is tract's.
        if classes > 1 {
            prop_assert_eq!(classifier.by_kernels.len(), 5);
            prop_assert_eq!(&classifier.by_tract[..3], ["Cast", "Sub", "Mul"]);
            prop_assert!(channels1 == 1 || classifier.by_tract.len() == 3);
        }
        let images = random_bytes(seed, n * PIXELS);
        let expected = with_tract_ops(&model).classify(&images).unwrap();
        assert_close(&classifier.classify(&images).unwrap(), &expected, "a random network");
    }
}
