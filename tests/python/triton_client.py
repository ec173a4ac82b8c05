"""Checks a running server with Triton's own client, as installed from PyPI and with its default settings.

usage: triton_client.py URL MODEL.onnx [IMAGES PREDICTIONS]

Its answers must be ONNX Runtime's for the same file, in every form that the client can ask for them in, and what it
refuses it must refuse with a message. With a file of images (IDX, plain or gzipped) and what `serve-lite predict
--json` printed for them, both must agree on every image. Prints a line for each check, and stops at the first
that fails.
"""
import asyncio
import gzip
import itertools
import json
import re
import sys

import numpy as np
import onnxruntime
import tritonclient.http as triton
import tritonclient.http.aio as triton_aio
from tritonclient.utils import InferenceServerException

MODEL = "mnist"
TOLERANCE = 1e-5
OUTPUTS = ["logits", "probabilities"]
# The client's message if a server sends none.
CLIENTS_OWN_WORDS = re.compile("exception occurred in the client|empty response", re.IGNORECASE)


class Blocking:
    """The client for threads, called like the one for asyncio, so that one set of checks fits both."""

    def __init__(self, client):
        self.client = client

    def __getattr__(self, name):
        async def call(*args, **kwargs):
            return getattr(self.client, name)(*args, **kwargs)
        return call


def passed(what):
    print(what, flush=True)


def images(n, seed):
    """Grey levels over the whole range, then strokes on an empty background."""
    random = np.random.default_rng(seed)
    levels = random.integers(0, 256, (n, 1, 28, 28), np.uint8)
    levels[1::2] *= random.random((len(levels[1::2]), 1, 28, 28)) < 0.1
    return levels


class Reference:
    """ONNX Runtime with the served file."""

    def __init__(self, path):
        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
        metadata = self.session.get_modelmeta().custom_metadata_map
        self.classes = json.loads(metadata["kiln.classes"])

    def check(self, levels, result, outputs=OUTPUTS):
        expected = dict(zip(OUTPUTS, self.session.run(OUTPUTS, {"pixels": levels})))
        assert [o["name"] for o in result.get_response()["outputs"]] == list(outputs)
        for name in outputs:
            got = result.as_numpy(name)
            assert got.dtype == np.float32 and got.shape == (len(levels), len(self.classes)), (got.dtype, got.shape)
            # Logits grow with the contrast, and so does their rounding.
            scale = np.maximum(1, np.abs(expected[name]))
            assert (np.abs(got - expected[name]) / scale).max() < TOLERANCE, name
            assert (got.argmax(1) == expected[name].argmax(1)).all(), name


def tensor(levels, binary=True, name="pixels", datatype="UINT8"):
    result = triton.InferInput(name, list(levels.shape), datatype)
    result.set_data_from_numpy(levels, binary_data=binary)
    return result


def requested(form, names=OUTPUTS):
    """The outputs to request; None leaves it to the client, which then requests all in binary."""
    if form is None:
        return None
    return [triton.InferRequestedOutput(name, binary_data=form == "binary") for name in names]


async def check_metadata(kind, client, reference):
    assert await client.is_server_live() and await client.is_server_ready()
    assert await client.is_model_ready(MODEL)
    server = await client.get_server_metadata()
    assert server["name"] and server["version"] and "binary_tensor_data" in server["extensions"], server

    model = await client.get_model_metadata(MODEL)
    n = len(reference.classes)
    assert model["name"] == MODEL and len(model["versions"]) == 1, model
    assert model["inputs"] == [{"name": "pixels", "datatype": "UINT8", "shape": [-1, 1, 28, 28]}], model
    assert model["outputs"] == [{"name": name, "datatype": "FP32", "shape": [-1, n]} for name in OUTPUTS], model
    version = model["versions"][0]
    assert await client.is_model_ready(MODEL, version)
    assert await client.get_model_metadata(MODEL, version) == model
    assert not await client.is_model_ready(MODEL, "999") and not await client.is_model_ready("other")

    config = await client.get_model_config(MODEL)
    assert config == await client.get_model_config(MODEL, version)
    assert config["name"] == MODEL and config["max_batch_size"] > 1, config
    (pixels,) = config["input"]
    assert (pixels["name"], pixels["data_type"]) == ("pixels", "TYPE_UINT8"), config
    assert [int(d) for d in pixels["dims"]] == [1, 28, 28], config
    assert [(o["name"], o["data_type"], [int(d) for d in o["dims"]]) for o in config["output"]] == [
        (name, "TYPE_FP32", [n]) for name in OUTPUTS], config

    (index,) = await client.get_model_repository_index()
    assert (index["name"], index["version"], index["state"]) == (MODEL, version, "READY"), index
    passed(f"{kind}: health, metadata, configuration, index")
    return version


async def check_statistics(kind, client, version):
    async def counts():
        (stats,) = (await client.get_inference_statistics(MODEL))["model_stats"]
        assert (stats["name"], stats["version"]) == (MODEL, version), stats
        success = stats["inference_stats"]["success"]
        return np.array([int(stats["inference_count"]), int(success["count"]), int(success["ns"])])
    before = await counts()
    for n in (1, 2, 4):
        await client.infer(MODEL, [tensor(images(n, n))])
    images_more, requests_more, ns_more = await counts() - before
    assert (images_more, requests_more) == (7, 3) and ns_more > 0, (images_more, requests_more, ns_more)
    for query in ({}, {"model_name": MODEL, "model_version": version}):
        assert len((await client.get_inference_statistics(**query))["model_stats"]) == 1
    passed(f"{kind}: statistics")


async def check_every_form(kind, client, reference, version):
    """In every form of input and output the values are bit-identical."""
    for n in (1, 2, 7, 64):
        levels = images(n, 10 + n)
        bits = set()
        for binary, form, compression, versioned in itertools.product(
                (True, False), (None, "binary", "json"), (None, "gzip", "deflate"), (False, True)):
            request_id = f"{n} {binary} {form} {compression} {versioned}"
            result = await client.infer(
                MODEL, [tensor(levels, binary)], model_version=version if versioned else "", outputs=requested(form),
                request_id=request_id, request_compression_algorithm=compression,
                response_compression_algorithm=compression)
            response = result.get_response()
            assert (response["id"], response["model_name"], response["model_version"]) == (request_id, MODEL, version)
            assert all(("data" in output) == (form == "json") for output in response["outputs"]), response
            reference.check(levels, result)
            bits.add(b"".join(result.as_numpy(name).tobytes() for name in OUTPUTS))
        assert len(bits) == 1, f"{len(bits)} different answers to one batch of {n}"
        passed(f"{kind}: batch of {n}, 36 forms, the same bits in each")


async def check_outputs(kind, client, reference):
    levels = images(7, 3)
    for form, names in itertools.product(("binary", "json"), (["logits"], ["probabilities"], OUTPUTS[::-1])):
        result = await client.infer(MODEL, [tensor(levels)], outputs=requested(form, names))
        reference.check(levels, result, names)
        assert result.as_numpy("other") is None
        assert "id" not in result.get_response()
    mixed = [triton.InferRequestedOutput("probabilities", binary_data=False), triton.InferRequestedOutput("logits")]
    result = await client.infer(MODEL, [tensor(levels)], outputs=mixed)
    reference.check(levels, result, ["probabilities", "logits"])
    passed(f"{kind}: one output, both, and in different forms")

    probabilities = (await client.infer(MODEL, [tensor(levels)])).as_numpy("probabilities")
    n = min(3, len(reference.classes))
    for binary in (True, False):
        output = triton.InferRequestedOutput("probabilities", binary_data=binary, class_count=n)
        result = (await client.infer(MODEL, [tensor(levels)], outputs=[output])).as_numpy("probabilities")
        assert result.shape == (len(levels), n), result.shape
        for row, texts in zip(probabilities, result):
            texts = [text.decode() if isinstance(text, bytes) else text for text in texts]
            values, indices, labels = zip(*(text.split(":", 2) for text in texts))
            best = [int(index) for index in indices]
            assert list(row[best]) == sorted(row, reverse=True)[:n], texts
            assert np.allclose([float(value) for value in values], row[best], atol=TOLERANCE), texts
            assert list(labels) == [reference.classes[index] for index in best], texts
    passed(f"{kind}: classification")

    result = await client.infer(
        MODEL, [tensor(levels)], priority=1, timeout=10_000_000, sequence_id=5, sequence_start=True,
        sequence_end=True, query_params={"a": "b", "c": ["d", "e"]}, headers={"X-Other": "1"},
        parameters={"note": "text", "number": 1.5, "flag": True})
    reference.check(levels, result)
    passed(f"{kind}: parameters, headers and a query that change nothing")


async def check_errors(kind, client, version):
    """Every refusal has its status and a message of the server."""
    good = images(2, 4)
    wrong_name = tensor(good, name="image")
    empty = triton.InferInput("pixels", [1, 1, 28, 28], "UINT8")
    short = tensor(good)
    short.set_shape([3, 1, 28, 28])
    too_many = images(1, 5).repeat(1025, 0)
    too_large = images(1, 5).repeat(8000, 0)
    calls = [
        ("another model", "404", lambda: client.infer("other", [tensor(good)])),
        ("a model's name that needs quotes", "404", lambda: client.infer("a b/ü?", [tensor(good)])),
        ("another version", "404", lambda: client.infer(MODEL, [tensor(good)], model_version="999")),
        ("a version that is no number", "404", lambda: client.infer(MODEL, [tensor(good)], model_version="abc")),
        ("metadata of another model", "404", lambda: client.get_model_metadata("other")),
        ("metadata of another version", "404", lambda: client.get_model_metadata(MODEL, "999")),
        ("configuration of another model", "404", lambda: client.get_model_config("other")),
        ("statistics of another model", "404", lambda: client.get_inference_statistics("other")),
        ("loading another model", "404|400", lambda: client.load_model("other")),
        ("unloading", "501", lambda: client.unload_model(MODEL)),
        ("unloading another model", "404|400|501", lambda: client.unload_model("other")),
        ("what only Triton has", "404", lambda: client.get_log_settings()),
        ("shared memory", "404", lambda: client.get_system_shared_memory_status()),
        ("no data", "400", lambda: client.infer(MODEL, [empty])),
        ("fewer images than in the shape", "400", lambda: client.infer(MODEL, [short])),
        ("a body beyond the cap", "413", lambda: client.infer(MODEL, [tensor(too_large)])),
        ("a body beyond the cap once unpacked", "413",
         lambda: client.infer(MODEL, [tensor(too_large)], request_compression_algorithm="gzip")),
        ("an unknown output", "400",
         lambda: client.infer(MODEL, [tensor(good)], outputs=requested("binary", ["other"]))),
        ("an output twice", "400",
         lambda: client.infer(MODEL, [tensor(good)], outputs=requested("json", ["logits", "logits"]))),
        ("a deadline that has passed", "503", lambda: client.infer(MODEL, [tensor(good)], timeout=1)),
    ]
    for binary in (True, False):
        form = "binary" if binary else "JSON"

        def bad(what, *inputs, binary=binary, form=form):
            calls.append((f"{what}, {form}", "400", lambda: client.infer(MODEL, list(inputs))))
        bad("no input")
        bad("another input", tensor(good, binary, name="image"))
        bad("an input too many", tensor(good, binary), wrong_name)
        bad("an input twice", tensor(good, binary), tensor(good, binary))
        bad("float32", tensor(good.astype(np.float32), binary, datatype="FP32"))
        bad("int64", tensor(good.astype(np.int64), binary, datatype="INT64"))
        bad("text", tensor(np.full((1, 1, 28, 28), b"0", object), binary, datatype="BYTES"))
        bad("vectors", tensor(good.reshape(2, 784), binary))
        bad("no channel", tensor(good.reshape(2, 28, 28), binary))
        bad("channels last", tensor(good.reshape(2, 28, 28, 1), binary))
        bad("one image, two channels", tensor(good.reshape(1, 2, 28, 28), binary))
        bad("no images", tensor(good[:0], binary))
        bad("too many images", tensor(too_many, binary))
    messages = set()
    for what, statuses, call in calls:
        try:
            await call()
        except InferenceServerException as error:
            message = error.message()
            assert error.status() in statuses.split("|"), f"{what}: {error}"
            assert message and not CLIENTS_OWN_WORDS.search(message), f"{what}: {error}"
            messages.add(message)
        else:
            raise AssertionError(f"{what}: accepted")
        # After any error the same client can continue.
        await client.infer(MODEL, [tensor(good)], model_version=version)
    assert len(messages) > 15, messages
    passed(f"{kind}: {len(calls)} refusals in the server's own words")


async def check_load(kind, client, reference, version):
    await client.load_model(MODEL)
    (now,) = (await client.get_model_metadata(MODEL))["versions"]
    assert int(now) == int(version) + 1, (version, now)
    levels = images(3, 8)
    result = await client.infer(MODEL, [tensor(levels)])
    reference.check(levels, result)
    assert result.get_response()["model_version"] == now
    assert not await client.is_model_ready(MODEL, version) and await client.is_model_ready(MODEL, now)
    passed(f"{kind}: load, version {version} to {now}")


async def check_crowd_of_tasks(url, reference):
    """64 callers at a time, each with its own images, get their own answers."""
    async with triton_aio.InferenceServerClient(url) as client:
        async def caller(seed):
            for turn in range(5):
                levels = images(1 + (seed + turn) % 8, 1000 * turn + seed)
                outputs = requested((None, "binary", "json")[(seed + turn) % 3])
                request_id = f"caller {seed}, turn {turn}"
                result = await client.infer(
                    MODEL, [tensor(levels, seed % 2 == 0)], outputs=outputs, request_id=request_id)
                assert result.get_response()["id"] == request_id
                reference.check(levels, result)
        await asyncio.gather(*(caller(seed) for seed in range(64)))
    passed("aio: 64 callers at once")


def check_crowd_of_threads(url, reference):
    with triton.InferenceServerClient(url, concurrency=8) as client:
        batches = [images(1 + seed % 8, seed) for seed in range(64)]
        waiting = [client.async_infer(MODEL, [tensor(levels)]) for levels in batches]
        for levels, request in zip(batches, waiting):
            reference.check(levels, request.get_result())
    passed("sync: 64 requests in flight")


def check_predictions(url, reference, idx, predictions):
    """The program and the server give the same answer for every image of a file."""
    with open(idx, "rb") as file:
        data = file.read()
    data = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    levels = np.frombuffer(data, np.uint8, offset=16).reshape(-1, 1, 28, 28)
    with open(predictions) as lines:
        lines = [json.loads(line) for line in lines]
    expected = np.array([reference.classes.index(line["label"]) for line in lines])
    assert len(expected) == len(levels), (len(expected), len(levels))
    got = []
    sizes = itertools.cycle((1, 2, 7, 64))
    with triton.InferenceServerClient(url) as client:
        while len(got) < len(levels):
            batch = levels[len(got):len(got) + next(sizes)]
            result = client.infer(MODEL, [tensor(batch)])
            got.extend(result.as_numpy("logits").argmax(1))
    agree = int((np.array(got) == expected).sum())
    assert agree == len(levels), f"{agree} of {len(levels)} images agree"
    passed(f"{agree} of {len(levels)} images as serve-lite predict")


async def check(kind, client, reference):
    version = await check_metadata(kind, client, reference)
    await check_statistics(kind, client, version)
    await check_every_form(kind, client, reference, version)
    await check_outputs(kind, client, reference)
    await check_errors(kind, client, version)
    await check_load(kind, client, reference, version)


async def check_aio(url, reference):
    async with triton_aio.InferenceServerClient(url) as client:
        await check("aio", client, reference)
    await check_crowd_of_tasks(url, reference)


def main(url, model, idx=None, predictions=None):
    url = url.removeprefix("http://").rstrip("/")
    reference = Reference(model)
    with triton.InferenceServerClient(url) as client:
        asyncio.run(check("sync", Blocking(client), reference))
    check_crowd_of_threads(url, reference)
    asyncio.run(check_aio(url, reference))
    if idx:
        check_predictions(url, reference, idx, predictions)


if __name__ == "__main__":
    main(*sys.argv[1:])
