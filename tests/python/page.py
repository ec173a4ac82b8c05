"""Drives the server's page in Chromium as a person does, and compares what it shows with the server's answers.

usage: page.py URL SCREENSHOTS [--browser CHROMIUM] [--accurate] [--axe AXE_JS] [--only WORDS]

One line a check. --accurate: the model is a good one, so hand-made digits must be read. --axe: also axe-core's rules.
--only: the checks whose names have these words.
"""
import argparse
import base64
import contextlib
import json
import pathlib
import sys
import time
import urllib.request

from playwright.sync_api import sync_playwright

from surface import ASKED, CONTRAST, DIGITS, PREDICTED, TIMES, Surface, pgm, reply, scribbles, slowly

FLAGS = ("--no-sandbox --disable-gpu --disable-background-networking --disable-component-update "
         "--disable-sync --no-first-run").split()
DESKTOP = {"viewport": {"width": 1200, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 3, "is_mobile": True, "has_touch": True}
N_RANDOM = 240


class Checks:
    def __init__(self, browser, arguments):
        self.browser, self.url, self.folder = browser, arguments.url, arguments.screenshots
        self.arguments, self.failed = arguments, 0

    @contextlib.contextmanager
    def page(self, expected=(), before=None, **options):
        """A new page; every line on its console must contain one of `expected`."""
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
        names = [name for name in dir(type(self)) if name.startswith("check_")]
        for name in [name for name in names if self.arguments.only.replace(" ", "_") in name]:
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

    def predict(self, file):
        """The server's answer to an image file, requested without the page."""
        return self.get("v1/predict", file)[1]

    def shows_what_the_server_says(self, s):
        """That the last image sent is the drawing, and that the page shows the server's reply to it; the reply."""
        file = s.state()[2]
        assert s.images[-1] == file
        says = json.loads(self.predict(file))
        p = [says["probabilities"][name] for name in self.classes()]
        assert all(abs(100 * a - b) < 0.06 for a, b in zip(p, s.bars(), strict=True)), (p, s.bars())
        assert s.seen() == [28, 28, says["pixels"]], "the page shows other pixels than the server saw"
        assert s.unsure() == says["doubtful"] and s.text("answer").startswith(says["label"]), s.text("answer")
        return says

    def model(self):
        return self.get("")[1].decode().split('name="model" content="')[1].split('"')[0]

    def classes(self):
        return json.loads(json.loads(self.get(f"v2/models/{self.model()}")[1])["properties"]["kiln.classes"])

    # What a person does.

    def check_blank_surface_sends_nothing(self):
        with self.page() as s:
            assert s.page.get_by_text("Draw here").is_visible()
            s.stroke([(.5, .5)])  # A tap is not a digit, even with a trembling finger.
            s.page.keyboard.press("Delete")
            s.stroke([(.3, .5), (.31, .51)])
            s.settle()
            s.page.keyboard.press("Delete")
            s.settle()
            assert not s.images and s.text("answer") == "" and max(s.bars()) == 0
            self.shot(s, "empty")

    def check_bars_move_while_drawing(self):
        with self.page() as s:
            s.stroke(DIGITS["2"][0][:8], lift=False)
            s.settle()
            first, n_first = s.bars(), len(s.images)
            self.shot(s, "drawing")
            for point in s.at(*DIGITS["2"][0][8:]):
                s.page.mouse.move(*point, steps=5)
            s.settle()
            second, n_second = s.bars(), len(s.images)
            s.page.mouse.up()
            assert n_first >= 2 and n_second > n_first and first != second, (n_first, n_second, first, second)
            shown = s.page.locator("#bars li").evaluate_all(
                "rows => rows.map(row => getComputedStyle(row.children[1]).getPropertyValue('--p'))")
            assert all(abs(100 * float(p) - value) < 0.1 for p, value in zip(shown, second, strict=True)), shown
            assert "ms" in s.text("latency")
        with self.page(before=lambda page: page.route("**/v1/predict", slowly)) as s:
            for point in DIGITS["2"][0]:  # More than one request at a time fails the check at the end.
                s.stroke([point, (.5, .5)])
            assert 1 <= len(s.images) <= 10
            return f"{n_second} questions, at most one at a time"

    def check_digits_by_mouse(self):
        right = []
        with self.page() as s:
            for digit in DIGITS:
                s.page.keyboard.press("Delete")
                s.draw(digit)
                assert len(s.state()[0]) == len(DIGITS[digit])
                says = self.shows_what_the_server_says(s)
                assert sum(level > 0 for level in says["pixels"]) > 40 and max(says["pixels"]) == 255
                right.append(says["label"] == digit)
            self.shot(s, "digit")
        if self.arguments.accurate:
            assert sum(right) >= 9, right
        return f"{sum(right)} of 10 read right"

    def check_touch_on_a_phone(self):
        with self.page(**PHONE) as s:
            for stroke in DIGITS["4"]:
                s.fingers(stroke)
            strokes, _, file = s.state()
            assert len(strokes) == 2 and len(strokes[1]) > 1 and s.images[-1] == file
            s.fingers([(.8, .9 - i / 20) for i in range(16)])  # Would scroll the page outside the surface.
            assert s.page.evaluate("scrollY") == 0, "the page scrolled"
            assert s.state()[0][2][-1][1] < .2, "the stroke was cut short"
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
            assert len(s.state()[0]) == 1 and s.images

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
            n, before = len(s.images), s.state()
            undo.click()
            s.settle()
            assert len(s.state()[0]) == 1 and len(s.images) == n + 1
            clear.click()
            s.settle()
            assert s.state() == ([], None, None) and s.text("answer") == "" and max(s.bars()) == 0
            assert len(s.images) == n + 1
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
        with self.page(before=lambda page: page.route("**/v1/predict", slowly)) as s:
            s.stroke([(.3, .2), (.6, .8)])
            s.until(lambda: s.images)
            s.page.keyboard.press("Delete")
            s.settle(900)
            assert s.text("answer") == "" and max(s.bars()) == 0, "a stale answer is shown"
            n = len(s.images)
            assert n <= 2, "a blank surface was sent"  # Two if a slow machine also sent a partial stroke.
            s.stroke([(.3, .2), (.6, .8)])
            s.until(lambda: len(s.images) > n)
            n = len(s.images)
            s.page.get_by_role("button", name="A handwritten 5").click()
            s.until(lambda: len(s.images) > n and s.aborted >= 2, "a stale question is waited for", seconds=1)

    def check_samples(self):
        with self.page() as s:
            buttons = s.page.get_by_role("button", name="A handwritten").all()
            labels = [button.get_attribute("aria-label").split()[2].strip(",") for button in buttons]
            assert len(buttons) >= 10 and set(labels) == set(self.classes())
            right = 0
            for button, label in zip(buttons, labels):
                button.click()
                s.settle(100)
                _, sample, file = s.state()
                _, _, seen = s.seen()
                assert sample == label and file == pgm(28, 28, seen), "a sample is seen as it is"
                self.shows_what_the_server_says(s)
                assert button.get_attribute("aria-pressed") == "true"
                for place in (lambda i: i % 28, lambda i: i // 28):  # As MNIST centred its digits.
                    assert 13.4 < sum(place(i) * level for i, level in enumerate(seen)) / sum(seen) < 14.6, label
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
            for key in ["ArrowUp"] * 9 + [" "] + ["ArrowDown"] * 18:
                press(key)
            # The answer arrives before the pen is up, and must still be announced.
            s.settle()
            for key in [" "] + ["ArrowLeft"] * 3:
                press(key)
            s.settle(800)
            s.until(lambda: s.text("answer") and s.text("answer").strip("?") in s.text("spoken"))
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
            [[(x0, y0), *_, (x1, y1)]] = s.state()[0]
            assert (round(32 * (x1 - x0)), round(32 * (y1 - y0))) == (2, 1), "two arrows at once"
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

    # How the page handles the server.

    def check_unsure(self):
        n, (first, second, *_) = len(self.classes()), self.classes()
        torn, several = [.5, .4] + [.1 / (n - 2)] * (n - 2), [1.] + [0.] * (n - 1)
        for p, shown in ((torn, f"{first} or {second}"), (several, first)):  # Doubtful at any probability.
            answer = reply(dict(zip(self.classes(), p, strict=True)), doubtful=True)
            with self.page(before=lambda page: page.route("**/v1/predict", lambda route: route.fulfill(**answer))) as s:
                s.draw("7")
                assert s.unsure() and s.text("answer") == f"{shown}?"
                s.settle(800)
                assert s.text("spoken") == f"Unsure: {shown}"
                self.shot(s, f"unsure-{max(p)}")

    def check_busy_and_gone(self):
        for words, answer in {
            "busy": lambda route: route.fulfill(status=503, headers={"Retry-After": "1"}, body='{"error": "full"}'),
            "cannot be reached": lambda route: route.abort(),
        }.items():
            with self.page(expected=["Failed to load"]) as s:
                s.page.route("**/v1/predict", answer)
                s.draw("3")
                assert words in s.text("notice") and s.page.get_by_role("alert").is_visible()
                self.shot(s, words.split()[0])
                n = len(s.images)
                assert n <= 4, f"{n} tries in half a second"
                s.page.unroute("**/v1/predict")
                s.settle(2500)
                assert s.text("notice") == "" and s.text("answer"), "no second try"

    def check_refusal_in_words(self):
        with self.page(expected=["Failed to load"]) as s:
            s.page.route("**/v1/predict", lambda route: route.fulfill(status=500, body='{"error": "the model failed"}'))
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

            for path in ("**/v1/**", "**/v2/**"):
                page.route(path, answer)

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
                    "versions": ["1"], "inputs": [{"name": "pixels", "shape": [-1, 1, 28, 28]}],
                    "properties": {"kiln.classes": json.dumps(names), "kiln.synthetic": "true"}}))
                page.route("**/v1/predict", lambda route: route.fulfill(**reply(
                    {name: .95 if name == names[-1] else .05 / (n - 1) for name in names})))

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
            s.page.route("**/v1/predict", lambda route: route.fulfill(**reply(
                dict.fromkeys(self.classes(), 1 / n), doubtful=True, version="77")))
            s.draw("7")
            s.settle(1500)
            assert s.described == described + 1 and s.unsure() and len(s.bars()) == n

    # Layout and accessibility.

    def check_accessible(self):
        with self.page() as s:
            role = s.page.get_by_role
            named = {"application": "Drawing surface", "img": "What the network sees",
                     "list": "Probability of each class"}
            buttons = [role("button", name=name) for name in ("Undo", "Clear")]
            parts = [role("heading", level=1), role("main"), role("banner"), *buttons]
            for locator in parts + [role(kind, name=name) for kind, name in named.items()]:
                assert locator.count() == 1 and locator.is_visible(), locator
            assert role("status").count() == 1 and s.text("spoken") == ""
            s.draw("3")
            s.settle(800)
            assert s.text("answer").strip("?") in s.text("spoken")
            assert "drawing in 28 by 28" in role("img").first.get_attribute("aria-label")
            for name, meter in zip(self.classes(), role("meter").all()):
                assert meter.get_attribute("aria-label") == name and "%" in meter.get_attribute("aria-valuetext")
        if not self.arguments.axe:
            return "axe-core not given"
        for scheme in ("light", "dark"):
            with self.page(color_scheme=scheme) as s:
                s.draw("3")
                s.page.evaluate(self.arguments.axe.read_text())
                rules = "axe.run().then(all => all.violations.map(v => [v.id, v.nodes.map(n => n.html)]))"
                found = s.page.evaluate(rules)
                assert not found, found
        return "axe-core finds nothing"

    def check_without_scripts(self):
        with self.page(java_script_enabled=False) as s:
            assert "JavaScript" in s.text("scripts") and "/predict" in s.text("scripts")
            assert not s.page.get_by_text("Draw here").is_visible()

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

    def check_every_drawing_is_answered(self):
        with self.page(expected=["Failed to load"]) as s:
            replies = s.page.evaluate(PREDICTED, scribbles(N_RANDOM) + list(DIGITS.values()))
        n_blank = 0
        for width, height, pixels, reply in replies:
            pixels = base64.b64decode(pixels)
            filled = sum(pixels) > .6 * 255 * len(pixels)  # Like a sheet of paper, with specks or without.
            if reply is None:
                assert filled, "strokes are called blank"
                n_blank += 1
                continue
            assert json.loads(self.predict(pgm(width, height, pixels))) == reply and len(reply["pixels"]) == 784
            assert filled or max(reply["pixels"]) == 255 and sum(reply["pixels"]) > 20 * 255, "the strokes are lost"
        assert len(replies) > 220 and n_blank < 10, (len(replies), n_blank)
        return f"{len(replies)} drawings, {n_blank} of them blank"

    def check_blank_is_no_problem(self):
        def blank(route):
            route.continue_(post_data=pgm(40, 40, bytes(1600)))

        with self.page(expected=["Failed to load"]) as s:
            s.draw("3")
            assert s.text("answer") and max(s.seen()[2]) == 255
            s.page.route("**/v1/predict", blank)
            s.draw("4")
            assert s.text("answer") == s.text("notice") == s.text("latency") == "" and max(s.bars()) == 0
            assert not s.page.get_by_role("alert").is_visible() and max(s.seen()[2]) == 0
            assert "nothing" in s.page.locator("#seen").get_attribute("aria-label")

    def check_a_model_of_another_shape(self):
        def other(page):
            page.route(f"**/v2/models/{self.model()}", lambda route: route.fulfill(json={
                "versions": ["1"], "inputs": [{"name": "pixels", "shape": [-1, 1, 20, 32]}],
                "properties": {"kiln.classes": '["shirt", "boot"]'}}))
            answer = reply({"shirt": .1, "boot": .9}, pixels=[i % 200 for i in range(640)])
            page.route("**/v1/predict", lambda route: route.fulfill(**answer))

        with self.page(before=other) as s:
            s.draw("7")
            assert s.seen() == [32, 20, [i % 200 for i in range(640)]] and s.text("answer") == "boot"
            assert "32 by 20" in s.page.locator("#seen").get_attribute("aria-label")
            self.shot(s, "other-shape")

    def check_time_to_the_answer(self):
        with self.page() as s:
            usual, scribble = s.page.evaluate(TIMES)
            s.draw("8")
            asked = s.page.evaluate(ASKED)
        assert usual < 25 and asked < 100, (usual, asked)
        return f"{usual:.1f} ms to draw a digit, {scribble:.0f} ms a scribble of 3000 points, {asked:.1f} ms to ask"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("url")
    parser.add_argument("screenshots", type=pathlib.Path)
    parser.add_argument("--browser", default="/usr/bin/chromium")
    parser.add_argument("--accurate", action="store_true")
    parser.add_argument("--axe", type=pathlib.Path)
    parser.add_argument("--only", default="")
    parsed = parser.parse_args()
    parsed.screenshots.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=parsed.browser, args=FLAGS)
        n_failed = Checks(chromium, parsed).run()
        chromium.close()
    sys.exit(1 if n_failed else 0)
