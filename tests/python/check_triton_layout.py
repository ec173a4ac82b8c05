"""Checks a model repository against Triton's own message definition, and its model against its configuration.

usage: check_triton_layout.py REPOSITORY NAME
"""
import json
import pathlib
import sys

import onnx
from google.protobuf import text_format
from tritonclient.grpc import model_config_pb2

model = pathlib.Path(sys.argv[1]) / sys.argv[2]
config = text_format.Parse((model / "config.pbtxt").read_text(), model_config_pb2.ModelConfig())
assert config.name == sys.argv[2] and config.platform == "onnxruntime_onnx" and config.max_batch_size > 1
assert config.HasField("dynamic_batching") and config.dynamic_batching.max_queue_delay_microseconds == 0

(versions,) = [[path.name for path in model.iterdir() if path.is_dir()]]
assert versions == ["1"], versions
file = onnx.load(model / "1" / "model.onnx")
types = {"TYPE_UINT8": onnx.TensorProto.UINT8, "TYPE_FP32": onnx.TensorProto.FLOAT}
for configured, values in (config.input, file.graph.input), (config.output, file.graph.output):
    assert [tensor.name for tensor in configured] == [value.name for value in values]
    for tensor, value in zip(configured, values):
        in_file = value.type.tensor_type
        assert types[model_config_pb2.DataType.Name(tensor.data_type)] == in_file.elem_type
        batch, *dims = in_file.shape.dim
        assert batch.dim_param and list(tensor.dims) == [dim.dim_value for dim in dims], tensor

classes = json.loads({entry.key: entry.value for entry in file.metadata_props}["kiln.classes"])
for output in config.output:
    assert (model / output.label_filename).read_text().splitlines() == classes
print("the configuration fits the model")
