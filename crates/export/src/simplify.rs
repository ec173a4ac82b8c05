//! From the graph of Burn's trace to the one a person would have drawn.

use std::collections::{HashMap, HashSet};

use onnx_ir::{AttributeProto, AttributeType, GraphProto, NodeProto};

use crate::error::Result;
use crate::onnx::graph_error;

/// Replaces chains of operators by the single operators that are equal to them, and drops what is no longer used.
///
/// - `Shape, Gather, Concat, Reshape` that keep the first axis and join the others are a `Flatten`;
/// - `MatMul, Add` of a weight and of a reshaped bias are a `Gemm`.
pub(crate) fn simplify(graph: &mut GraphProto) -> Result<()> {
    join_flatten(graph);
    join_gemm(graph)?;
    drop_unused(graph);
    Ok(())
}

/// A `Reshape` to the length of the first axis and one that takes the rest.
fn join_flatten(graph: &mut GraphProto) {
    let producers = producers(graph);
    let producer = |name: &String, op_type: &str| {
        let node = producers.get(name).map(|&index| &graph.node[index])?;
        (node.op_type == op_type).then_some(node)
    };
    let keeps_batch = |reshape: &NodeProto| -> Option<bool> {
        let concat = producer(reshape.input.get(1)?, "Concat")?;
        let gather = producer(concat.input.first()?, "Gather")?;
        // Burn asks the network's input for its first axis; every value has the batch there.
        producer(gather.input.first()?, "Shape")?;
        Some(concat.input.len() == 2)
    };
    let flattened: Vec<usize> = (0..graph.node.len())
        .filter(|&index| graph.node[index].op_type == "Reshape")
        .filter(|&index| keeps_batch(&graph.node[index]) == Some(true))
        .collect();
    for index in flattened {
        let reshape = &graph.node[index];
        let mut flatten = node("Flatten", &[&reshape.input[0]], &reshape.output[0]);
        attribute(&mut flatten, "axis", AttributeType::INT).i = 1;
        graph.node[index] = flatten;
    }
}

/// A `MatMul` with a constant, followed by an `Add` of a reshaped constant.
fn join_gemm(graph: &mut GraphProto) -> Result<()> {
    let constants: HashSet<String> = graph.initializer.iter().map(|t| t.name.clone()).collect();
    let producers = producers(graph);
    let mut gemms = Vec::new();
    for (index, add) in graph.node.iter().enumerate().filter(|(_, node)| node.op_type == "Add") {
        let [product, bias] = add.input.as_slice() else { continue };
        let Some(matmul) = producers.get(product).map(|&i| &graph.node[i]) else { continue };
        if matmul.op_type != "MatMul" || !constants.contains(&matmul.input[1]) {
            continue;
        }
        let bias = match producers.get(bias).map(|&i| &graph.node[i]) {
            Some(reshape) if reshape.op_type == "Reshape" => &reshape.input[0],
            _ => bias,
        };
        if !constants.contains(bias) {
            return Err(graph_error(format!("bias '{bias}' of a dense layer is not a constant")));
        }
        gemms.push((
            index,
            node("Gemm", &[&matmul.input[0], &matmul.input[1], bias], &add.output[0]),
        ));
    }
    for (index, gemm) in gemms {
        graph.node[index] = gemm;
    }
    Ok(())
}

/// Drops nodes and constants from which no output can be reached, and the shapes of values that no longer exist.
fn drop_unused(graph: &mut GraphProto) {
    let mut used: HashSet<String> = graph.output.iter().map(|output| output.name.clone()).collect();
    let mut kept = Vec::new();
    for node in graph.node.drain(..).rev() {
        if node.output.iter().any(|name| used.contains(name)) {
            used.extend(node.input.iter().cloned());
            kept.push(node);
        }
    }
    kept.reverse();
    graph.node = kept;
    graph.initializer.retain(|tensor| used.contains(&tensor.name));
    // Shapes of inner values follow from the graph by shape inference; stale ones would only be in the way.
    graph.value_info.clear();
}

/// A node without attributes.
pub(crate) fn node(op_type: &str, inputs: &[&str], output: &str) -> NodeProto {
    let mut node = NodeProto::new();
    node.op_type = op_type.to_owned();
    node.input = inputs.iter().map(|&name| name.to_owned()).collect();
    node.output = vec![output.to_owned()];
    node
}

/// A new attribute of `node`, its value still to be set.
pub(crate) fn attribute<'a>(
    node: &'a mut NodeProto,
    name: &str,
    kind: AttributeType,
) -> &'a mut AttributeProto {
    node.attribute.push(AttributeProto::new());
    let attribute = node.attribute.last_mut().expect("it was pushed on the line before");
    attribute.name = name.to_owned();
    attribute.type_ = kind.into();
    attribute
}

/// Which node produces each value.
fn producers(graph: &GraphProto) -> HashMap<String, usize> {
    let outputs = |(index, node): (usize, &NodeProto)| {
        node.output.iter().map(|name| (name.clone(), index)).collect::<Vec<_>>()
    };
    graph.node.iter().enumerate().flat_map(outputs).collect()
}
