"""Gives the page of a colour model images in every way a person can, and compares what it shows with the server's answers.

usage: upload.py URL SCREENSHOTS CHROMIUM IMAGE OTHER_IMAGE NO_IMAGE

One line a check.
"""
import base64
import json
import pathlib
import sys
import urllib.request

from playwright.sync_api import sync_playwright

from surface import CONTRAST, Surface

URL, FOLDER, CHROMIUM, *FILES = sys.argv[1:]
FOLDER = pathlib.Path(FOLDER)
IMAGE, OTHER, BROKEN = map(pathlib.Path, FILES)
DESKTOP = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
SEEN = """() => {
    const copy = new OffscreenCanvas(seen.width, seen.height).getContext("2d", { willReadFrequently: true });
    copy.drawImage(seen, 0, 0);
    const { data } = copy.getImageData(0, 0, seen.width, seen.height);
    return [0, 1, 2].flatMap(channel => [...data].filter((_, i) => i % 4 === channel));
}"""
GIVE = """([kind, base64]) => {
    const bytes = Uint8Array.from(atob(base64), c => c.charCodeAt(0));
    const files = new DataTransfer();
    files.items.add(new File([bytes], "given.png", { type: "image/png" }));
    const event = kind === "paste"
        ? new ClipboardEvent("paste", { clipboardData: files, bubbles: true, cancelable: true })
        : new DragEvent("drop", { dataTransfer: files, bubbles: true, cancelable: true });
    surface.dispatchEvent(event);
}"""


def predicted(path):
    request = urllib.request.Request(URL + "v1/predict", path.read_bytes())
    with urllib.request.urlopen(request, timeout=30) as reply:
        return json.loads(reply.read())


def agrees(s, path):
    """That the file went to the server as it is, and that the page shows the server's answer."""
    s.settle()
    assert s.images[-1] == path.read_bytes(), "the page sent something else"
    says = predicted(path)
    assert says["shape"][0] == 3 and s.page.evaluate(SEEN) == says["pixels"], "other pixels than the server saw"
    names = s.page.locator("#bars .name").all_inner_texts()
    for name, shown in zip(names, s.bars(), strict=True):
        assert abs(100 * says["probabilities"][name] - shown) < 0.06, (says, s.bars())
    assert s.text("answer").startswith(says["label"]) and s.unsure() == says["doubtful"], s.text("answer")


def fits(s):
    sides = s.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert sides[0] <= sides[1], sides


def check_a_chosen_file(s):
    assert s.page.get_by_text("choose a file").first.is_visible()
    s.page.set_input_files("#file", IMAGE)
    agrees(s, IMAGE)
    assert s.page.evaluate("surface.getContext('2d').getImageData(9, surface.height / 2, 1, 1).data[3]") == 255, "preview"
    s.page.set_input_files("#file", OTHER)
    agrees(s, OTHER)


def check_a_photo(s):
    assert s.page.locator("#camera").get_attribute("capture") == "environment"
    s.page.set_input_files("#camera", IMAGE)
    agrees(s, IMAGE)


def check_a_dropped_and_a_pasted_file(s):
    for kind, path in [("drop", IMAGE), ("paste", OTHER), ("drop", OTHER), ("paste", IMAGE)]:
        s.page.evaluate(GIVE, [kind, base64.b64encode(path.read_bytes()).decode()])
        agrees(s, path)


def check_no_drawing(s):
    assert not s.page.locator("#undo").is_visible() and not s.page.locator("#samples").is_visible()
    assert s.page.locator("#surface").get_attribute("role") == "img"
    with s.page.expect_file_chooser():
        s.page.locator("#surface").click()
    s.settle()
    assert not s.images


def check_the_keyboard(s):
    s.page.keyboard.press("Tab")
    assert s.page.evaluate("document.activeElement.id") == "file", s.page.evaluate("document.activeElement.outerHTML")
    assert s.page.get_by_label("Choose a file").count() == 1
    s.page.set_input_files("#file", IMAGE)
    s.settle()
    assert IMAGE.name in s.page.locator("#surface").get_attribute("aria-label")
    s.page.keyboard.press("Delete")
    s.settle()
    assert s.text("answer") == "" and max(s.bars()) == 0


def check_what_is_no_image(s):
    s.page.set_input_files("#file", IMAGE)
    s.settle()
    s.page.set_input_files("#file", BROKEN)
    s.settle()
    assert s.text("notice").startswith("The image cannot be used: it is not a PNG"), s.text("notice")
    assert max(s.bars()) == 0, "the answer of another image stays"
    fits(s)
    s.page.set_input_files("#file", OTHER)
    agrees(s, OTHER)
    assert not s.page.locator("#notice").is_visible()


def check_a_phone_and_a_desk_in_light_and_dark(s):
    for scheme in ["light", "dark"]:
        s.page.emulate_media(color_scheme=scheme)
        s.page.set_input_files("#file", IMAGE)
        agrees(s, IMAGE)
        fits(s)
        for what in ["#facts", "#choose", "#clear", "#answer", "#verdict", "#bars .name"]:
            assert s.page.evaluate(CONTRAST, what) >= 4.5, (scheme, what)
        width = s.page.viewport_size["width"]
        s.page.screenshot(path=FOLDER / f"upload-{width}-{scheme}.png")


CHECKS = [(name.removeprefix("check_").replace("_", " "), check)
          for name, check in list(globals().items()) if name.startswith("check_")]
FOLDER.mkdir(parents=True, exist_ok=True)
failed = 0
with sync_playwright() as playwright:
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
    for title, check in CHECKS:
        for options in [PHONE] if "photo" in title.split() else [DESKTOP, PHONE] if "phone" in title else [DESKTOP]:
            context = browser.new_context(**options)
            surface = Surface(context.new_page(), URL)
            surface.page.goto(URL)
            surface.settle()
            try:
                check(surface)
                refused = "no image" in title
                complaints = [c for c in surface.complaints if not (refused and "415" in c)]
                assert not complaints, complaints
                print(f"ok    {title}", flush=True)
            except Exception as error:
                failed += 1
                line = (sys.exc_info()[2].tb_next or sys.exc_info()[2]).tb_lineno
                print(f"FAIL  {title}: {type(error).__name__} (line {line}) {error}", flush=True)
            context.close()
    browser.close()
sys.exit(failed > 0)
