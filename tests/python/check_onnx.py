"""Checks an exported file with ONNX's own checker and runs it in ONNX Runtime.

usage: check_onnx.py MODEL < pixels > probabilities   (n * 784 bytes in, n * classes little-endian float32 out)
"""
import json
import sys

import numpy as np
import onnx
import onnxruntime

model = onnx.load(sys.argv[1])
onnx.checker.check_model(model, full_check=True)
graph = model.graph
operators = [node.op_type for node in graph.node]
expected = "Cast Sub Div Conv Relu Conv Relu MaxPool Flatten Gemm Relu Gemm Softmax".split()
assert operators == expected, operators
names = [node.name for node in graph.node]
assert {"conv1", "conv2", "dense1", "dense2"} <= set(names) and len(set(names)) == len(names), names


def signature(values):
    def dims(value):
        return [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
    return [(v.name, onnx.TensorProto.DataType.Name(v.type.tensor_type.elem_type), dims(v)) for v in values]


metadata = {entry.key: entry.value for entry in model.metadata_props}
classes = json.loads(metadata["kiln.classes"])
n = len(classes)
assert signature(graph.input) == [("pixels", "UINT8", ["batch", 1, 28, 28])], signature(graph.input)
outputs = [("logits", "FLOAT", ["batch", n]), ("probabilities", "FLOAT", ["batch", n])]
assert signature(graph.output) == outputs, signature(graph.output)
keys = "version classes dataset dataset_sha256 synthetic split epoch config_sha256 test_accuracy prepare doubtful_below".split()
assert set(metadata) == {f"kiln.{key}" for key in keys}, metadata

pixels = np.frombuffer(sys.stdin.buffer.read(), np.uint8).reshape(-1, 1, 28, 28)
session = onnxruntime.InferenceSession(sys.argv[1], providers=["CPUExecutionProvider"])
(together,) = session.run(["probabilities"], {"pixels": pixels})
alone = np.concatenate([session.run(["probabilities"], {"pixels": p[None]})[0] for p in pixels])
assert np.abs(together - alone).max() < 1e-5
sys.stdout.buffer.write(together.astype("<f4").tobytes())
