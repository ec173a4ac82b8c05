"""A person at the server's page, through the protocol of the browser; used by page.py."""
import contextlib
import math
import random


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


# The path to which the page sends images.
PREDICT = "/v1/predict"


class Surface:
    """One opened page, with its console output and its requests."""

    def __init__(self, page, url):
        self.page, self.url = page, url
        self.complaints, self.images, self.described = [], [], 0
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
        if request.url.endswith(PREDICT):
            self.images.append(request.post_data_buffer)
            self.in_flight += 1
            self.most_in_flight = max(self.most_in_flight, self.in_flight)
        elif "/v2/models/" in request.url:
            self.described += 1

    def ended(self, request):
        self.in_flight -= request.url.endswith(PREDICT)

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
            const { drawing, image } = await import("/page.js");
            const file = image && [`P5 ${image.width} ${image.height} 255\\n`, [...image.pixels]];
            return { strokes: drawing.strokes, sample: drawing.sample?.label ?? null, file };
        }""")
        file = state["file"]
        return state["strokes"], state["sample"], file and file[0].encode() + bytes(file[1])

    def seen(self):
        """What the page shows as the network's input: width, height, and levels."""
        return self.page.evaluate("""() => {
            const { width, height } = seen;
            const copy = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
            copy.drawImage(seen, 0, 0);
            const { data } = copy.getImageData(0, 0, width, height);
            return [width, height, [...data].filter((_, i) => i % 4 === 0)];
        }""")

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


def reply(probabilities, doubtful=False, version="1", pixels=[0] * 784):
    """An answer of the server; `probabilities` are by class."""
    best = max(probabilities, key=probabilities.get)
    return {"json": {"model_name": "m", "model_version": version, "label": best, "probability": probabilities[best],
                     "doubtful": doubtful, "probabilities": probabilities, "pixels": pixels}}


def scribbles(n):
    """`n` drawings of any size, from a stroke to a tangle."""
    dice, drawings = random.Random(7), []
    for _ in range(n):
        size, jump = dice.choice([.05, .2, .5, 1]), dice.choice([.02, .1, .5])
        strokes = []
        for _ in range(dice.randint(1, 4)):
            x, y = dice.random(), dice.random()
            stroke = [[x * size, y * size]]
            for _ in range(dice.randint(0, 60)):
                x, y = (min(1, max(0, v + dice.gauss(0, jump))) for v in (x, y))
                stroke.append([x * size, y * size])
            strokes.append(stroke)
        drawings.append(strokes)
    return drawings


def pgm(width, height, grey):
    return f"P5 {width} {height} 255\n".encode() + bytes(grey)


# Scripts that run in the page.

# Milliseconds from strokes to the image that is sent.
TIMES = """async () => {
    const { rasterise } = await import("/digit.js");
    const walk = (n) => Array.from({ length: n }, (_, i) => [.5 + .3 * Math.cos(i / 20), .5 + .4 * Math.sin(i / 33)]);
    return [150, 3000].map((n) => {
        const times = Array.from({ length: 15 }, () => {
            const start = performance.now();
            rasterise([walk(n)]);
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

# The images of drawings, and the server's replies to them, null for those that it calls blank.
PREDICTED = """async (drawings) => {
    const { rasterise } = await import("/digit.js");
    const { predict } = await import("/server.js");
    const text = (pixels) => btoa(Array.from(pixels, (level) => String.fromCharCode(level)).join(""));
    const images = drawings.map(rasterise).filter(Boolean);
    const replies = [];
    for (const image of images) {
        replies.push([image.width, image.height, text(image.pixels), await predict(image)]);
    }
    return replies;
}"""

# Milliseconds from the drawing's image to the server's answer.
ASKED = """async () => {
    const [{ image }, { predict }] = [await import("/page.js"), await import("/server.js")];
    const times = [];
    for (let i = 0; i < 25; i++) {
        const start = performance.now();
        await predict(image);
        times.push(performance.now() - start);
    }
    return times.sort((a, b) => a - b)[12];
}"""
