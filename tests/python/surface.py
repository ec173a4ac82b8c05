"""A person at the server's page, through the protocol of the browser; used by page.py."""
import contextlib
import json
import math
import struct
import zlib


def arc(x, y, rx, ry, start, end):
    """Points of an ellipse, in degrees clockwise from the right."""
    n = max(2, int(abs(end - start) / 15))
    turns = [math.radians(start + (end - start) * i / n) for i in range(n + 1)]
    return [(x + rx * math.cos(t), y + ry * math.sin(t)) for t in turns]


DIGITS = {
    "0": [arc(.5, .5, .2, .3, -90, 270)],
    "1": [[(.42, .3), (.53, .2), (.53, .8)]],
    "2": [arc(.5, .36, .17, .16, -170, 40) + [(.33, .8), (.7, .8)]],
    "3": [arc(.48, .35, .16, .15, -150, 90) + arc(.48, .65, .18, .15, -90, 150)],
    "4": [[(.42, .2), (.3, .55), (.7, .55)], [(.6, .35), (.58, .85)]],
    "5": [[(.66, .2), (.38, .2), (.36, .47)] + arc(.48, .62, .18, .19, -120, 150)],
    "6": [[(.6, .18), (.45, .3), (.36, .5)] + arc(.5, .65, .15, .16, 180, 560)],
    "7": [[(.3, .22), (.7, .22), (.45, .82)]],
    "8": [arc(.5, .34, .13, .14, 90, -270) + arc(.5, .65, .16, .17, -90, 270)],
    "9": [arc(.5, .37, .15, .16, 0, -360) + [(.64, .45), (.6, .85)]],
}


class Surface:
    """One opened page, with its console output and its requests."""

    def __init__(self, page, url):
        self.page, self.url = page, url
        self.complaints, self.infers, self.replies, self.described = [], [], [], 0
        self.in_flight = self.most_in_flight = self.aborted = 0
        page.on("console", lambda m: m.type in ("error", "warning") and self.complaints.append(m.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self.sent)
        page.on("requestfinished", self.ended)
        page.on("requestfailed", self.failed)
        violation = "event => console.error('CSP', event.violatedDirective)"
        page.add_init_script(f"addEventListener('securitypolicyviolation', {violation})")

    def sent(self, request):
        if not request.url.startswith((self.url, "data:")):
            self.complaints.append(f"request to {request.url}")
        if request.url.endswith("/infer"):
            self.infers.append(request.post_data_buffer)
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        elif "/v2/models/" in request.url:
            self.described += 1

    def ended(self, request):
        self.in_flight -= request.url.endswith("/infer")

    def failed(self, request):
        self.ended(request)
        self.aborted += request.failure == "net::ERR_ABORTED"

    def at(self, *points):
        """Window coordinates of `points`, given as fractions of the surface's side."""
        box = self.page.locator("#surface").bounding_box()
        return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]

    def stroke(self, points, lift=True):
        start, *rest = self.at(*points)
        self.page.mouse.move(*start)
        self.page.mouse.down()
        for end in rest:
            self.page.mouse.move(*end, steps=max(1, round(math.dist(start, end) / 30)))
            start = end
        if lift:
            self.page.mouse.up()

    def draw(self, digit):
        for stroke in DIGITS[digit]:
            self.stroke(stroke)
        self.settle()

    def fingers(self, points, kind="touch"):
        """Draws with a finger, or with another pointer of the browser's protocol, its `kind`."""
        cdp = self.page.context.new_cdp_session(self.page)
        for i, (x, y) in enumerate(self.at(*points, points[-1])):
            step = "start" if i == 0 else "end" if i == len(points) else "move"
            if kind == "touch":
                names = {"start": "touchStart", "move": "touchMove", "end": "touchEnd"}
                touching = [] if step == "end" else [{"x": x, "y": y}]
                cdp.send("Input.dispatchTouchEvent", {"type": names[step], "touchPoints": touching})
            else:
                names = {"start": "mousePressed", "move": "mouseMoved", "end": "mouseReleased"}
                cdp.send("Input.dispatchMouseEvent", {
                    "type": names[step], "x": x, "y": y, "button": "left", "buttons": int(step != "end"),
                    "clickCount": 1, "pointerType": kind,
                })
            self.page.wait_for_timeout(10)
        self.settle()

    def settle(self, milliseconds=300):
        self.page.wait_for_timeout(milliseconds)
        for _ in range(100):
            if self.in_flight == 0:
                break
            self.page.wait_for_timeout(50)

    def until(self, holds, otherwise="the condition was never met", seconds=10):
        """Waits for a condition, long enough for a busy machine."""
        for _ in range(seconds * 50):
            if holds():
                return
            self.page.wait_for_timeout(20)
        raise AssertionError(otherwise)

    def state(self):
        state = self.page.evaluate("""async () => {
            const { drawing, seen } = await import("/page.js");
            return { strokes: drawing.strokes, sample: drawing.sample?.label ?? null, seen: seen && [...seen] };
        }""")
        return state["strokes"], state["sample"], state["seen"]

    def bars(self):
        values = "meters => meters.map(meter => Number(meter.getAttribute('aria-valuenow')))"
        return self.page.get_by_role("meter").evaluate_all(values)

    def text(self, name):
        return self.page.locator(f"#{name}").text_content()

    def unsure(self):
        return self.text("verdict") == "unsure"


def slowly(route):
    reply = route.fetch()
    route.request.frame.page.wait_for_timeout(400)
    with contextlib.suppress(Exception):  # The page has cancelled it.
        route.fulfill(response=reply)


def reply(probabilities, version="1"):
    """An answer in the protocol's binary form."""
    size = 4 * len(probabilities)
    outputs = [{"name": name, "datatype": "FP32", "shape": [1, len(probabilities)],
                "parameters": {"binary_data_size": size}} for name in ("logits", "probabilities")]
    header = json.dumps({"model_name": "m", "model_version": version, "outputs": outputs}).encode()
    return {"body": header + bytes(size) + struct.pack(f"<{len(probabilities)}f", *probabilities),
            "headers": {"Inference-Header-Content-Length": str(len(header))}}


def to_png(width, height, grey):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + grey[y * width:(y + 1) * width] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


# Scripts that run in the page.

# Images from the page's rasteriser, white ink on noisy, unevenly lit dark paper, and pairs of squares near the threshold of
# ink; each with the page's levels.
RASTERS = """async ([drawings, seeds, levels]) => {
    const { rasterise, toNetwork } = await import("/digit.js");
    const paper = (seed) => {
        const dice = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
        const [width, height] = [29 + Math.floor(90 * dice()), 29 + Math.floor(90 * dice())];
        const [noise, shade, ink] = [30 * dice(), 40 * dice(), 90 + 100 * dice()];
        const [x, y, r] = [width * dice(), height * dice(), 4 + 20 * dice()];
        const pixels = Uint8Array.from({ length: width * height }, (_, i) => {
            const [px, py] = [i % width, Math.floor(i / width)];
            const near = Math.max(0, 1 - Math.hypot(px - x, py - y) / r);
            return Math.min(255, noise * dice() + (shade * px) / width + ink * Math.min(1, 2 * near));
        });
        return { width, height, pixels };
    };
    const squares = ([a, b]) => {
        const inside = (from, to, ...at) => at.every((v) => v > from && v < to);
        const level = (x, y) => (inside(20, 40, x, y) ? a : inside(45, 55, x, y) ? b : 0);
        const pixels = Uint8Array.from({ length: 3600 }, (_, i) => level(i % 60, Math.floor(i / 60)));
        return { width: 60, height: 60, pixels };
    };
    const text = (pixels) => btoa(Array.from(pixels, (level) => String.fromCharCode(level)).join(""));
    const images = [...drawings.map(rasterise).filter(Boolean), ...seeds.map(paper), ...levels.map(squares)];
    return images.map((image) => {
        const made = toNetwork(image);
        return { ...image, pixels: text(image.pixels), levels: made && [...made] };
    });
}"""

# Milliseconds from strokes to levels.
TIMES = """async () => {
    const { rasterise, toNetwork } = await import("/digit.js");
    const walk = (n) => Array.from({ length: n }, (_, i) => [.5 + .3 * Math.cos(i / 20), .5 + .4 * Math.sin(i / 33)]);
    return [150, 3000].map((n) => {
        const times = Array.from({ length: 15 }, () => {
            const start = performance.now();
            toNetwork(rasterise([walk(n)]));
            return performance.now() - start;
        });
        return times.sort((a, b) => a - b)[7];
    });
}"""

# Contrast of an element's text with its background.
CONTRAST = """(selector) => {
    const luminance = (colour) => {
        const linear = (v) => (v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
        const [r, g, b] = colour.match(/[\\d.]+/g).map((v) => linear(v / 255));
        return .2126 * r + .7152 * g + .0722 * b;
    };
    const node = document.querySelector(selector);
    let behind = node;
    while (getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
    const [a, b] = [getComputedStyle(node).color, getComputedStyle(behind).backgroundColor].map(luminance);
    return (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
}"""
