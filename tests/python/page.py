"""Drives the server's page in Chromium as a person does, and holds it against what the server says.

usage: page.py URL SCREENSHOTS [--browser CHROMIUM] [--accurate] [--axe AXE_JS]

One line a check. --accurate: the model is a good one, so hand-made digits must be read. --axe: also axe-core's rules.
"""
import argparse
import base64
import contextlib
import json
import math
import pathlib
import random
import struct
import sys
import time
import urllib.request
import zlib

from playwright.sync_api import sync_playwright

FLAGS = ("--no-sandbox --disable-gpu --disable-background-networking --disable-component-update "
         "--disable-sync --no-first-run").split()
DESKTOP = {"viewport": {"width": 1200, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 3, "is_mobile": True, "has_touch": True}
N_RANDOM = 240


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
    """One opened page, and everything it said and sent."""

    def __init__(self, page, url):
        self.page, self.url = page, url
        self.complaints, self.infers, self.replies, self.described = [], [], [], 0
        self.in_flight = self.most_in_flight = 0
        page.on("console", lambda m: m.type in ("error", "warning") and self.complaints.append(m.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", self.sent)
        page.on("requestfinished", self.ended)
        page.on("requestfailed", self.ended)
        page.add_init_script("addEventListener('securitypolicyviolation', e => console.error('CSP', e.violatedDirective))")

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

    def at(self, *points):
        """Where `points`, in sides of the surface, lie in the window."""
        box = self.page.locator("#surface").bounding_box()
        return [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]

    def stroke(self, points, lift=True):
        start, *rest = self.at(*points)
        self.page.mouse.move(*start)
        self.page.mouse.down()
        for point in rest:
            self.page.mouse.move(*point, steps=2)
        if lift:
            self.page.mouse.up()

    def draw(self, digit):
        for stroke in DIGITS[digit]:
            self.stroke(stroke)
        self.settle()

    def fingers(self, points, kind="touch"):
        """Draws with a finger, or with what else the browser's protocol calls `kind`."""
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


class Checks:
    def __init__(self, browser, arguments):
        self.browser, self.url, self.folder = browser, arguments.url, arguments.screenshots
        self.arguments, self.failed = arguments, 0

    @contextlib.contextmanager
    def page(self, expected=(), before=None, **options):
        """A page of its own; nothing may appear on its console but what contains one of `expected`."""
        context = self.browser.new_context(**{**DESKTOP, **options})
        surface = Surface(context.new_page(), self.url)
        if before:
            before(surface.page)
        surface.page.goto(self.url)
        surface.settle()
        yield surface
        surface.settle(50)
        complaints = [c for c in surface.complaints if not any(e in c for e in expected)]
        assert not complaints, complaints
        assert surface.most_in_flight <= 1, f"{surface.most_in_flight} requests at once"
        context.close()

    def shot(self, surface, name):
        surface.settle()
        surface.page.screenshot(path=self.folder / f"{name}.png")

    def run(self):
        for name in [name for name in dir(type(self)) if name.startswith("check_")]:
            start = time.monotonic()
            title = name.removeprefix("check_").replace("_", " ")
            try:
                detail = getattr(self, name)()
                print(f"ok    {title}{': ' + detail if detail else ''} ({time.monotonic() - start:.1f} s)", flush=True)
            except Exception as error:
                self.failed += 1
                line = sys.exc_info()[2].tb_next.tb_lineno
                print(f"FAIL  {title}: {type(error).__name__} (line {line}) {error}", flush=True)
                for context in self.browser.contexts:
                    context.close()
        return self.failed

    def get(self, path, body=None, headers={}):
        with urllib.request.urlopen(urllib.request.Request(self.url + path, body, headers), timeout=30) as reply:
            return reply.headers, reply.read()

    def server_says(self, levels):
        """The server's own probabilities for 784 levels, asked past the page."""
        headers, body = self.get(f"v2/models/{self.model()}/infer", bytes(levels), {
            "Inference-Header-Content-Length": "0", "Content-Type": "application/octet-stream"})
        header = json.loads(body[:int(headers["Inference-Header-Content-Length"])])
        n = header["outputs"][-1]["parameters"]["binary_data_size"] // 4
        return struct.unpack(f"<{n}f", body[-4 * n:])

    def model(self):
        return self.get("")[1].decode().split('name="model" content="')[1].split('"')[0]

    def classes(self):
        return json.loads(json.loads(self.get(f"v2/models/{self.model()}")[1])["properties"]["kiln.classes"])

    # What a person does.

    def check_blank_surface_sends_nothing(self):
        with self.page() as s:
            assert s.page.get_by_text("Draw here").is_visible()
            s.page.mouse.click(*s.at((.5, .5))[0])  # A tap is no digit.
            s.settle()
            s.page.keyboard.press("Delete")
            s.settle()
            assert not s.infers and s.text("answer") == "" and max(s.bars()) == 0
            self.shot(s, "empty")

    def check_bars_move_while_drawing(self):
        with self.page() as s:
            s.stroke(DIGITS["2"][0][:8], lift=False)
            s.settle()
            first, n_first = s.bars(), len(s.infers)
            self.shot(s, "drawing")
            for point in s.at(*DIGITS["2"][0][8:]):
                s.page.mouse.move(*point, steps=5)
            s.settle()
            second, n_second = s.bars(), len(s.infers)
            s.page.mouse.up()
            assert n_first >= 2 and n_second > n_first and first != second, (n_first, n_second, first, second)
            shown = s.page.locator("#bars li").evaluate_all(
                "rows => rows.map(row => getComputedStyle(row.children[1]).getPropertyValue('--p'))")
            assert [round(100 * float(p), 1) for p in shown] == [round(p, 1) for p in second], shown
            assert "ms" in s.text("latency")
            return f"{n_second} questions, at most one at a time"

    def check_digits_by_mouse(self):
        right, classes = [], self.classes()
        with self.page() as s:
            for digit in DIGITS:
                s.page.keyboard.press("Delete")
                s.draw(digit)
                strokes, _, seen = s.state()
                assert len(strokes) == len(DIGITS[digit]) and s.infers[-1] == bytes(seen)
                p = self.server_says(seen)
                best = classes[p.index(max(p))]
                assert all(abs(100 * a - b) < 0.06 for a, b in zip(p, s.bars(), strict=True)), (p, s.bars())
                assert s.unsure() == (max(p) < 0.8) and s.text("answer").startswith(best), s.text("answer")
                assert sum(level > 0 for level in seen) > 40 and max(seen) == 255
                right.append(best == digit)
            self.shot(s, "digit")
        if self.arguments.accurate:
            assert sum(right) >= 9, right
        return f"{sum(right)} of 10 read right"

    def check_touch_on_a_phone(self):
        with self.page(**PHONE) as s:
            for stroke in DIGITS["4"]:
                s.fingers(stroke)
            strokes, _, seen = s.state()
            assert len(strokes) == 2 and len(strokes[1]) > 1 and s.infers[-1] == bytes(seen)
            assert s.page.evaluate("scrollY") == 0, "the page scrolled"
            width = s.page.evaluate("document.documentElement.scrollWidth")
            bars = s.page.locator("#bars").bounding_box()
            assert width <= 390 and bars["y"] + bars["height"] <= 844, (width, bars)
            self.shot(s, "phone")
        with self.page(color_scheme="dark", **{**PHONE, "viewport": {"width": 360, "height": 640}}) as s:
            bars = s.page.locator("#bars").bounding_box()
            assert bars["y"] + bars["height"] <= 640, bars
            s.fingers(DIGITS["7"][0])
            self.shot(s, "small-phone-dark")

    def check_stylus(self):
        with self.page() as s:
            s.fingers(DIGITS["7"][0], "pen")
            assert len(s.state()[0]) == 1 and s.infers

    def check_two_pixels_a_point(self):
        with self.page(device_scale_factor=2) as s:
            s.stroke([(.25, .25), (.75, .75)])
            s.settle()
            [stroke], _, _ = s.state()
            for (x, y), wanted in zip((stroke[0], stroke[-1]), (.25, .75)):
                assert abs(x - wanted) < 0.01 and abs(y - wanted) < 0.01, stroke
            sizes = s.page.evaluate("(({ width, clientWidth }) => [width, clientWidth])(surface)")
            assert sizes[0] == 2 * sizes[1], sizes

    def check_undo_and_clear(self):
        with self.page() as s:
            undo, clear = (s.page.get_by_role("button", name=name) for name in ("Undo", "Clear"))
            assert undo.get_attribute("aria-disabled") == clear.get_attribute("aria-disabled") == "true"
            s.draw("4")
            n, before = len(s.infers), s.state()
            undo.click()
            s.settle()
            assert len(s.state()[0]) == 1 and len(s.infers) == n + 1
            clear.click()
            s.settle()
            assert s.state() == ([], None, None) and s.text("answer") == "" and max(s.bars()) == 0
            assert len(s.infers) == n + 1
            s.page.keyboard.press("Control+z")
            s.stroke(DIGITS["4"][1])
            s.settle()
            assert len(s.state()[0]) == len(before[0]), "undo does not take back clear"

    def check_rapid_clear(self):
        with self.page() as s:
            for _ in range(20):
                s.stroke([(.3, .2), (.6, .8)])
                s.page.keyboard.press("Delete")
            s.settle()
            assert s.state() == ([], None, None) and s.text("answer") == "" and max(s.bars()) == 0
        with self.page(before=lambda page: page.route("**/infer", slowly)) as s:
            s.stroke([(.3, .2), (.6, .8)])
            s.page.wait_for_timeout(100)
            s.page.keyboard.press("Delete")
            s.settle(900)
            assert len(s.infers) == 1 and s.text("answer") == "" and max(s.bars()) == 0, "a stale answer is shown"

    def check_samples(self):
        with self.page() as s:
            buttons = s.page.get_by_role("button", name="A handwritten").all()
            labels = [button.get_attribute("aria-label").split()[2].strip(",") for button in buttons]
            assert len(buttons) >= 10 and set(labels) == set(self.classes())
            right = 0
            for button, label in zip(buttons, labels):
                button.click()
                s.settle(100)
                _, sample, seen = s.state()
                assert sample == label and bytes(seen) == s.infers[-1] and button.get_attribute("aria-pressed") == "true"
                right += s.text("answer") == label
            self.shot(s, "sample")
            if self.arguments.accurate:
                assert right >= 10, right
            s.stroke([(.3, .2), (.6, .8)])
            assert s.state()[1] is None and len(s.state()[0]) == 1
            return f"{right} of {len(buttons)} read right and surely"

    def check_keyboard_alone(self):
        with self.page() as s:
            press = s.page.keyboard.press

            def tab_to(selector):
                for _ in range(30):
                    press("Tab")
                    if s.page.evaluate("selector => document.activeElement.matches(selector)", selector):
                        return
                raise AssertionError(f"Tab does not reach {selector}")

            tab_to("#surface")
            for key in ["ArrowUp"] * 9 + [" "] + ["ArrowDown"] * 18 + [" "] + ["ArrowLeft"] * 3:
                press(key)
            s.settle(800)
            [stroke], _, _ = s.state()
            assert len({x for x, _ in stroke}) == 1 and len(stroke) == 19 and s.text("answer"), stroke
            assert s.text("answer").strip("?") in s.text("spoken")
            self.shot(s, "keyboard")
            press("Control+z")
            press(" ")
            s.page.keyboard.down("ArrowRight")
            s.page.keyboard.down("ArrowDown")
            s.page.keyboard.up("ArrowDown")
            s.page.keyboard.up("ArrowRight")
            assert [round(32 * (end - start)) for start, end in zip(s.state()[0][0][0], s.state()[0][0][-1])] == [2, 1]
            press("Delete")
            assert s.state() == ([], None, None)
            for selector in ("#undo", "#clear", "#thumbnails button"):
                tab_to(selector)
            press("Enter")
            s.settle()
            assert s.state()[1] == "0" and s.text("answer")
            tab_to("summary")
            press("Enter")
            assert s.page.locator("#keys").is_visible()

    # What the server may do.

    def check_unsure(self):
        def torn(page):
            page.route("**/infer", lambda route: route.fulfill(**reply([.5, .4] + [.1 / (n - 2)] * (n - 2))))

        n = len(self.classes())
        with self.page(before=torn) as s:
            s.draw("7")
            first, second = self.classes()[:2]
            assert s.unsure() and s.text("answer") == f"{first} or {second}?"
            s.settle(800)
            assert s.text("spoken") == f"Unsure: {first} or {second}"
            self.shot(s, "unsure")

    def check_busy_and_gone(self):
        for words, answer in {
            "busy": lambda route: route.fulfill(status=503, headers={"Retry-After": "1"}, body='{"error": "queue full"}'),
            "cannot be reached": lambda route: route.abort(),
        }.items():
            with self.page(expected=["Failed to load"]) as s:
                s.page.route("**/infer", answer)
                s.draw("3")
                assert words in s.text("notice") and s.page.get_by_role("alert").is_visible()
                self.shot(s, words.split()[0])
                n = len(s.infers)
                assert n <= 4, f"{n} tries in half a second"
                s.page.unroute("**/infer")
                s.settle(2500)
                assert s.text("notice") == "" and s.text("answer"), "no second try"

    def check_refusal_in_words(self):
        with self.page(expected=["Failed to load"]) as s:
            s.page.route("**/infer", lambda route: route.fulfill(status=500, body='{"error": "the model failed"}'))
            s.draw("3")
            assert "the model failed" in s.text("notice"), s.text("notice")
            s.page.keyboard.press("Delete")
            assert not s.page.locator("#notice").is_visible()

    def check_token(self):
        def guarded(page):
            def answer(route):
                if route.request.headers.get("authorization") == "Bearer open-sesame":
                    return route.continue_()
                return route.fulfill(status=401, body='{"error": "no token"}')

            page.route("**/v2/**", answer)

        with self.page(expected=["401"], before=guarded) as s:
            assert s.page.get_by_label("Access token").is_visible() and "token" in s.text("notice")
            self.shot(s, "token")
            for token in ("wrong", "open-sesame"):
                s.page.get_by_label("Access token").fill(token)
                s.page.keyboard.press("Enter")
                s.settle()
                if token == "wrong":
                    assert "does not accept" in s.text("notice"), s.text("notice")
            assert not s.page.get_by_label("Access token").is_visible()
            s.draw("0")
            assert s.text("answer")
            kept = s.page.evaluate("[localStorage.length, sessionStorage.length, document.cookie, token.value]")
            assert kept == [0, 0, "", ""], kept

    def check_any_number_of_classes(self):
        for n, options in ((2, DESKTOP), (47, PHONE), (100, DESKTOP)):
            names = [f"a rather long class name {i}" if i == n - 1 else f"class {i}" for i in range(n)]

            def other(page):
                page.route(f"**/v2/models/{self.model()}", lambda route: route.fulfill(json={
                    "versions": ["1"], "properties": {"kiln.classes": json.dumps(names), "kiln.synthetic": "true"}}))
                page.route("**/infer", lambda route: route.fulfill(**reply([.05 / (n - 1)] * (n - 1) + [.95])))

            with self.page(before=other, **options) as s:
                s.stroke(DIGITS["1"][0])
                s.settle()
                assert len(s.bars()) == n and s.text("answer") == names[-1]
                assert "synthetic" in s.text("warning") and s.page.locator("#warning").is_visible()
                assert not s.page.locator("#samples").is_visible()
                assert s.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
                self.shot(s, f"classes-{n}")

    def check_another_model_is_met(self):
        with self.page() as s:
            n, described = len(self.classes()), s.described
            s.page.route("**/infer", lambda route: route.fulfill(**reply([1 / n] * n, "77")))
            s.draw("7")
            s.settle(1500)
            assert s.described == described + 1 and s.unsure() and len(s.bars()) == n

    # How it looks and reads.

    def check_accessible(self):
        with self.page() as s:
            role = s.page.get_by_role
            for locator in (role("application", name="Drawing surface"), role("button", name="Undo"),
                            role("button", name="Clear"), role("heading", level=1), role("img", name="What the network sees"),
                            role("list", name="Probability of each class"), role("main"), role("banner")):
                assert locator.count() == 1 and locator.is_visible(), locator
            assert role("status").count() == 1 and s.text("spoken") == ""
            s.draw("3")
            s.settle(800)
            assert s.text("answer").strip("?") in s.text("spoken") and "digit" in role("img").first.get_attribute("aria-label")
            for name, meter in zip(self.classes(), role("meter").all()):
                assert meter.get_attribute("aria-label") == name and "%" in meter.get_attribute("aria-valuetext")
        if not self.arguments.axe:
            return "axe-core not given"
        for scheme in ("light", "dark"):
            with self.page(color_scheme=scheme) as s:
                s.draw("3")
                s.page.evaluate(self.arguments.axe.read_text())
                found = s.page.evaluate("axe.run().then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html)]))")
                assert not found, found
        return "axe-core finds nothing"

    def check_contrast(self):
        worst = {}
        for scheme in ("light", "dark"):
            with self.page(color_scheme=scheme) as s:
                s.draw("3")
                for what in ("#facts", "#verdict", "#latency", "#bars .value", "#clear", "summary", "h1"):
                    worst[scheme, what] = s.page.evaluate(CONTRAST, what)
                self.shot(s, scheme)
        low = {key: ratio for key, ratio in worst.items() if ratio < 4.5}
        assert not low, low
        return f"at least {min(worst.values()):.1f} to 1"

    def check_reduced_motion(self):
        duration = "getComputedStyle(document.querySelector('[role=meter]'), '::before').transitionDuration"
        for motion, still in (("reduce", True), ("no-preference", False)):
            with self.page(reduced_motion=motion) as s:
                assert s.page.evaluate(duration).startswith("0s") == still

    def check_the_browser_and_rust_agree(self):
        dice, drawings = random.Random(7), []
        for _ in range(N_RANDOM):
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
        drawings += list(DIGITS.values())
        worst, n, different = 0, 0, 0
        with self.page() as s:
            made = s.page.evaluate(RASTERS, [drawings, [dice.getrandbits(30) for _ in range(60)]])
        for picture in filter(None, made):
            png = to_png(picture["width"], picture["height"], base64.b64decode(picture["pixels"]))
            theirs = json.loads(self.get("v1/predict", png, {"Content-Type": "image/png"})[1])["pixels"]
            apart = max(abs(a - b) for a, b in zip(picture["levels"], theirs, strict=True))
            worst, n, different = max(worst, apart), n + 1, different + (apart > 0)
        assert worst <= 1 and n >= 200, (worst, n)
        return f"{n} pictures, {different} differ, at most {worst} grey levels apart"

    def check_time_to_the_784_levels(self):
        with self.page() as s:
            usual, scribble = s.page.evaluate(TIMES)
        assert usual < 25, usual
        return f"{usual:.1f} ms for a digit, {scribble:.0f} ms for a scribble of 3000 points"


def slowly(route):
    reply = route.fetch()
    route.request.frame.page.wait_for_timeout(400)
    with contextlib.suppress(Exception):  # The page has given it up.
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


# Pictures of the page's own rasteriser, and white ink on noisy, unevenly lit dark paper, each with the page's levels.
RASTERS = """async ([drawings, seeds]) => {
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
    const text = (pixels) => btoa(Array.from(pixels, (level) => String.fromCharCode(level)).join(""));
    return [...drawings.map(rasterise), ...seeds.map(paper)].map((picture) => {
        const levels = picture && toNetwork(picture);
        return levels && { ...picture, pixels: text(picture.pixels), levels: [...levels] };
    });
}"""

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

CONTRAST = """(selector) => {
    const luminance = (colour) => {
        const [r, g, b] = colour.match(/[\\d.]+/g).map((v) => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
        return .2126 * r + .7152 * g + .0722 * b;
    };
    const node = document.querySelector(selector);
    let behind = node;
    while (getComputedStyle(behind).backgroundColor === "rgba(0, 0, 0, 0)") behind = behind.parentElement;
    const [a, b] = [getComputedStyle(node).color, getComputedStyle(behind).backgroundColor].map(luminance);
    return (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
}"""

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("screenshots", type=pathlib.Path)
    parser.add_argument("--browser", default="/usr/bin/chromium")
    parser.add_argument("--accurate", action="store_true")
    parser.add_argument("--axe", type=pathlib.Path)
    parsed = parser.parse_args()
    parsed.screenshots.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=parsed.browser, args=FLAGS)
        n_failed = Checks(chromium, parsed).run()
        chromium.close()
    sys.exit(1 if n_failed else 0)
