"""ONNX Runtime as a worker: reads a command per line, prints an answer per line. usage: ort_infer.py MODEL.onnx PIXELS THREADS

PIXELS holds the bytes of n images. The worker prints `ready`, then accepts these commands:
  time BATCH SECONDS CALLS   calls for at least SECONDS and CALLS times; prints the median in milliseconds per image
  probabilities FILE         writes n * classes little-endian float32 numbers; prints `ok`
A timed call takes bytes and returns logits and probabilities. One call before is a warm-up.
"""
import sys
import time

import numpy as np
import onnxruntime

model, pixels, threads = sys.argv[1:]
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = int(threads)
options.inter_op_num_threads = 1
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
images = np.fromfile(pixels, np.uint8).reshape(-1, *session.get_inputs()[0].shape[1:])


def milliseconds(batch, seconds, calls):
    batches = [images[i : i + batch] for i in range(0, len(images) - batch + 1, batch)]
    session.run(None, {"pixels": batches[0]})
    times, end = [], time.perf_counter() + seconds
    while len(times) < calls or time.perf_counter() < end:
        feed = {"pixels": batches[(len(times) + 1) % len(batches)]}
        start = time.perf_counter()
        session.run(None, feed)
        times.append(time.perf_counter() - start)
    return float(np.median(times)) * 1e3 / batch


def probabilities():
    batches = [images[i : i + 256] for i in range(0, len(images), 256)]
    return np.concatenate([session.run(["probabilities"], {"pixels": b})[0] for b in batches])


print("ready", flush=True)
for line in sys.stdin:
    command, _, rest = line.rstrip("\n").partition(" ")
    if command == "time":
        batch, seconds, calls = rest.split()
        print(milliseconds(int(batch), float(seconds), int(calls)), flush=True)
    elif command == "probabilities":
        probabilities().astype("<f4").tofile(rest)
        print("ok", flush=True)
    else:
        sys.exit(f"unknown command: {command}")
