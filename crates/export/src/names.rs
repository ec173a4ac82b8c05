//! Names of weights, nodes and values in the exported graph.

use std::collections::HashMap;

use onnx_ir::GraphProto;

use crate::onnx::{INPUT, LOGITS, PROBABILITIES};

/// Names weights after their layer: the path `layers.0.Convolution.weight` in the module becomes `conv1.weight`. The
/// weights come first among the graph's constants, in the order of their names.
pub(crate) fn name_weights(graph: &mut GraphProto, layers: &[String]) {
    let name = |path: &str| -> Option<String> {
        let (index, rest) = path.strip_prefix("layers.")?.split_once('.')?;
        let layer = layers.get(index.parse::<usize>().ok()?)?;
        Some(format!("{layer}.{}", rest.rsplit('.').next()?))
    };
    let names: HashMap<String, String> = graph
        .initializer
        .iter()
        .filter_map(|tensor| Some((tensor.name.clone(), name(&tensor.name)?)))
        .collect();
    let rename = |text: &mut String| {
        if let Some(name) = names.get(text) {
            text.clone_from(name);
        }
    };
    // `false` comes before `true`.
    graph.initializer.sort_by_key(|tensor| {
        let name = names.get(&tensor.name);
        (name.is_none(), name.cloned())
    });
    graph.initializer.iter_mut().for_each(|tensor| rename(&mut tensor.name));
    graph.node.iter_mut().flat_map(|node| &mut node.input).for_each(rename);
}

/// Names every node and value: after the layer whose weights it uses, after what it computes, or after its operator and
/// a number. [`name_weights`] comes first.
pub(crate) fn name_values(graph: &mut GraphProto) {
    let outside = [INPUT, LOGITS, PROBABILITIES];
    let mut counts = HashMap::<String, usize>::new();
    let mut names = HashMap::<String, String>::new();
    for node in &mut graph.node {
        let layer = node.input.iter().find_map(|input| input.strip_suffix(".weight"));
        let (name, constant) = match (layer, node.op_type.as_str()) {
            (Some(layer), _) => (layer.to_owned(), None),
            (None, "Cast") => ("grey_levels".to_owned(), None),
            (None, "Sub") => ("centred".to_owned(), Some("mean")),
            (None, "Div") => ("standardised".to_owned(), Some("scale")),
            (None, op_type) => {
                let op_type = op_type.to_lowercase();
                let count = counts.entry(op_type.clone()).or_default();
                *count += 1;
                (format!("{op_type}{count}"), None)
            }
        };
        if let (Some(constant), Some(input)) = (constant, node.input.get(1)) {
            names.insert(input.clone(), constant.to_owned());
        }
        for output in &node.output {
            if !outside.contains(&output.as_str()) {
                names.insert(output.clone(), name.clone());
            }
        }
        node.name = name;
    }
    let rename = |name: &mut String| {
        if let Some(new) = names.get(name) {
            name.clone_from(new);
        }
    };
    for node in &mut graph.node {
        node.input.iter_mut().chain(&mut node.output).for_each(rename);
    }
    graph.initializer.iter_mut().for_each(|tensor| rename(&mut tensor.name));
}
