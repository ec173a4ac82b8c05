"""ONNX Runtime as a worker that answers one line with one line. usage: ort_infer.py MODEL.onnx PIXELS THREADS

PIXELS holds n * 784 bytes. The worker says `ready`, then understands:
  time BATCH SECONDS CALLS   for so long and at least so many calls; the median in milliseconds a picture
  probabilities FILE         writes n * classes little-endian float32 numbers; `ok`
Timed is a call from bytes to logits and probabilities. One call before that warms up.
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
images = np.fromfile(pixels, np.uint8).reshape(-1, 1, 28, 28)


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
