"""Opens a report and a comparison in Chromium at the widths of a phone, a tablet and a desk, light and dark.

usage: report.py SCREENSHOTS CHROMIUM PAGE...

One line a fault; nothing where every page fits.
"""
import pathlib
import sys

from playwright.sync_api import sync_playwright

WIDTHS = (390, 768, 1280)

# What a reader at this width would miss: parts beyond the edge, words broken within, letters too small, and in the dark
# maps of regions on white.
FAULTS = """(dark) => {
    const faults = [];
    const section = (node) => node.closest("section")?.id ?? "header";
    if (document.documentElement.scrollWidth > innerWidth) faults.push("the page is wider than the window");
    for (const node of document.querySelectorAll("section, figure, caption span, td, th, svg")) {
        const box = node.getBoundingClientRect();
        if (box.width && (box.right > innerWidth + 1 || box.left < -1)) faults.push(`${section(node)}: ${node.tagName} is cut`);
    }
    for (const node of document.querySelectorAll(".scroll"))
        if (node.scrollWidth > node.clientWidth + 1) faults.push(`${section(node)}: has to be scrolled`);
    for (const node of document.querySelectorAll("svg text"))
        if (node.getBoundingClientRect().width && Math.min(...Object.values(node.getBBox())) >= 0) {
            const matrix = node.getScreenCTM(), scale = Math.hypot(matrix.a, matrix.b), size = scale * parseFloat(node.getAttribute("font-size"));
            if (size < 7) faults.push(`${section(node)}: "${node.textContent}" has letters of ${size.toFixed(1)} pixels`);
        }
    const walker = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
    for (let node; (node = walker.nextNode());) {
        if (!node.parentElement.closest("th, td, h2, dt, dd, .cards") || node.parentElement.closest("svg, code, pre")) continue;
        for (const { 0: word, index } of node.textContent.matchAll(/[\\p{L}\\p{N}_.]+/gu)) {
            const range = document.createRange();
            range.setStart(node, index);
            range.setEnd(node, index + word.length);
            if (new Set([...range.getClientRects()].map((rect) => Math.round(rect.top))).size > 1)
                faults.push(`${section(node.parentElement)}: "${word}" is broken`);
        }
    }
    const seen = (name) => [...document.querySelectorAll(`svg .${name}`)].map((node) => getComputedStyle(node).display !== "none");
    if (seen(dark ? "light" : "dark").includes(true) || seen(dark ? "dark" : "light").includes(false))
        faults.push("maps are shown in the wrong colours");
    return [...new Set(faults)];
}"""


def main():
    folder, chromium, *pages = sys.argv[1:]
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for path in map(pathlib.Path, pages):
            for width in WIDTHS:
                for scheme in ("light", "dark"):
                    options = {"viewport": {"width": width, "height": 900}, "color_scheme": scheme}
                    page = browser.new_context(**options).new_page()
                    page.goto(path.absolute().as_uri())
                    page.screenshot(path=folder / f"{path.stem}-{width}-{scheme}.png", full_page=True)
                    for fault in page.evaluate(FAULTS, scheme == "dark"):
                        print(f"{path.name} at {width} pixels, {scheme}: {fault}")
                    page.close()


main()
