// The page: records strokes or takes an image file, and sends it to the server while it changes.

import { rasterise, smooth } from "./digit.js";
import { fitted, listenForFiles, readFile } from "./files.js";
import { imageOf } from "./samples.js";
import { Problem, describe, predict, useToken } from "./server.js";
import {
    markSample, sayPen, showAnswer, showHint, showLatency, showModel, showProblem, showSamples, showSeen,
    drawImage,
} from "./view.js";

/** Milliseconds between requests while a stroke is drawn; the bars are animated in between. */
const REQUEST_INTERVAL = 50;
/** Seconds between retries: the first, doubled up to the last. */
const RETRY = [1, 8];
/** Drawings that undo can restore. */
const MAX_HISTORY = 200;
/** In sides of the surface: width of the pen, least distance of a stroke's points, steps of the keyboard's pen. */
const PEN = 1 / 16;
const MIN_DISTANCE = 1 / 500;
const STEP = { coarse: 1 / 32, fine: 1 / 128 };

const BLANK = { strokes: [], sample: null, file: null };

/** The drawing: strokes, one of the samples, or an image file. */
export let drawing = BLANK;
/** The drawing as an image, or the file, which the server prepares for the network; null if it is blank. */
export let image = null;
const history = [];

const element = (id) => document.getElementById(id);
const surface = element("surface");
const colour = (property = "color") => getComputedStyle(surface).getPropertyValue(property);

// Requests: one at a time, at most one per interval, always for the newest drawing.

let classes = [];
let shape = null; // Of the network's input.
let draws = true; // Whether the model reads drawings, and not only files.
let version = null;
let request = null;
let timer = 0;
let notBefore = 0;
let tries = 0;

function requestSoon() {
    clearTimeout(timer);
    if (notBefore < Infinity) timer = setTimeout(sendRequest, Math.max(0, notBefore - performance.now()));
}

function cancelRequest() {
    clearTimeout(timer);
    request?.abort();
    request = null;
}

async function sendRequest() {
    if (request) return;
    const mine = (request = new AbortController());
    const drawn = image;
    let again = false;
    try {
        if (!classes.length) await loadModel(mine.signal);
        if (drawn) again = await classify(drawn, mine.signal);
        tries = 0;
        showProblem(null);
    } catch (problem) {
        if (request === mine) again = fail(problem, drawn);
    } finally {
        if (request === mine) {
            request = null;
            if (again || image !== drawn) requestSoon();
        }
    }
}

async function loadModel(signal) {
    const model = await describe(signal);
    classes = model.classes;
    shape = model.shape;
    version ??= model.version;
    showModel(model);
    showAnswer(classes, null);
    setDraws(model.draws);
    offerSamples();
}

/** A model that reads no drawings gets files alone: nothing is drawn on the surface, which shows the file. */
function setDraws(can) {
    draws = can;
    surface.setAttribute("role", draws ? "application" : "img");
    surface.tabIndex = draws ? 0 : -1;
    if (draws) surface.setAttribute("aria-describedby", "keys");
    else surface.removeAttribute("aria-describedby");
    if (!draws && !drawing.file && (drawing.sample || drawing.strokes.length)) {
        history.length = 0;
        replace(BLANK);
    }
    nameSurface();
}

/** Names the surface, and says in it what to do, or that the browser cannot show the file. */
function nameSurface() {
    const { file } = drawing;
    surface.setAttribute("aria-label", draws ? "Drawing surface" : file ? `Your image, ${file.name}` : "No image yet");
    const camera = matchMedia("(any-pointer: coarse)").matches;
    const invitation = camera ? "Choose an image, or take a photo" : "Drop an image here, paste one, or choose a file";
    const blank = !file && !drawing.sample && !drawing.strokes.length;
    showHint(blank ? (draws ? "Draw here" : invitation) : file && !file.bitmap ? `${file.name} has no preview` : "");
}

/** Shows the server's answer; true if the server has a new model, which must be loaded first. */
async function classify(drawn, signal) {
    const start = performance.now();
    notBefore = start + REQUEST_INTERVAL;
    const answer = await predict(drawn, signal);
    if (!answer) {
        showNothing();
        return false;
    }
    const { model_version, probabilities } = answer;
    const same = classes.every((name) => name in probabilities) && Object.keys(probabilities).length === classes.length;
    const other = !same || (version ?? model_version) !== model_version;
    version = model_version;
    if (other) {
        classes = [];
        notBefore = start + 1000 * RETRY[0];
        return true;
    }
    showLatency(performance.now() - start);
    showAnswer(classes, answer);
    showSeen({ shape, pixels: answer.pixels });
    return false;
}

function showNothing() {
    showAnswer(classes, null);
    showSeen(null);
    showLatency(null);
}

/** Shows why there is no answer; true if a retry can help. */
function fail(problem, drawn) {
    // What was answered before is another image's.
    if (drawn instanceof Uint8Array && problem.unusable) showNothing();
    const known = problem instanceof Problem;
    showProblem(known ? problem : new Problem(`The server's answer cannot be read: ${problem.message}.`));
    if (problem.access) notBefore = Infinity;
    if (!problem.again) return false;
    notBefore = performance.now() + 1000 * Math.max(problem.again, Math.min(RETRY[1], RETRY[0] * 2 ** tries++));
    return true;
}

// The drawing and its history.

/** After any change: computes the image and requests an answer. If ink was removed, a pending request is canceled. */
function changed({ grew }) {
    if (!grew) cancelRequest();
    const { strokes, sample, file } = drawing;
    image = file?.bytes ?? (sample ? imageOf(sample) : rasterise(strokes));
    const blank = !file && !sample && !strokes.length;
    nameSurface();
    // Not the attribute `disabled`, which would take the focus from the button that was just pressed.
    element("clear").setAttribute("aria-disabled", blank);
    element("undo").setAttribute("aria-disabled", !history.length);
    markSample(sample);
    paint();
    if (!image) {
        cancelRequest();
        showNothing();
        if (classes.length) showProblem(null);
    }
    if (image || !classes.length) requestSoon();
}

function replace(next, { grew = false } = {}) {
    history.push(drawing);
    if (history.length > MAX_HISTORY) history.shift();
    drawing = next;
    changed({ grew });
}

function clear() {
    endStroke();
    if (drawing !== BLANK) replace(BLANK);
}

function undo() {
    endStroke();
    drawing = history.pop() ?? drawing;
    changed({ grew: false });
}

function offerSamples() {
    showSamples(draws ? classes : [], colour(), (sample) => {
        endStroke();
        replace({ ...BLANK, sample });
    });
    markSample(drawing.sample);
}

let stroke = null;
let pointer = null;
const pen = { x: 0.5, y: 0.5, down: false, shown: false, held: new Set() }; // The pen of the keyboard.

function beginStroke(point) {
    stroke = [point];
    replace({ ...BLANK, strokes: [...drawing.strokes, stroke] }, { grew: !drawing.sample && !drawing.file });
}

function extend(points) {
    for (const [x, y] of points) {
        const last = stroke.at(-1);
        if (Math.hypot(x - last[0], y - last[1]) >= MIN_DISTANCE) stroke.push([x, y]);
    }
    changed({ grew: true });
}

function endStroke() {
    stroke = pointer = null;
    pen.down = false;
}

let frame = 0;
/** Paints the surface in the next frame. */
function paint() {
    frame ||= requestAnimationFrame(() => {
        frame = 0;
        const side = Math.round(surface.clientWidth * devicePixelRatio);
        if (surface.width !== side) surface.width = surface.height = side;
        const context = surface.getContext("2d");
        context.setTransform(side, 0, 0, side, 0, 0);
        context.clearRect(0, 0, 1, 1);
        Object.assign(context, { lineWidth: PEN, lineCap: "round", lineJoin: "round", strokeStyle: colour() });
        const bitmap = drawing.file?.bitmap;
        if (bitmap) context.drawImage(bitmap, ...fitted(bitmap));
        if (drawing.sample) context.drawImage(drawImage(imageOf(drawing.sample), colour()), 0, 0, 1, 1);
        for (const points of drawing.strokes) {
            context.beginPath();
            for (const [x, y] of [points[0], ...smooth(points)]) context.lineTo(x, y);
            context.stroke();
        }
        if (!pen.shown) return;
        const pixel = 1 / surface.clientWidth;
        context.beginPath();
        context.arc(pen.x, pen.y, PEN / 2 + 3 * pixel, 0, 2 * Math.PI);
        Object.assign(context, { lineWidth: 2 * pixel, strokeStyle: colour("--ember") });
        context.stroke();
    });
}

// Mouse, finger and pen.

const within = (value) => Math.min(1, Math.max(0, value));

function place({ clientX, clientY }) {
    const { left, top } = surface.getBoundingClientRect();
    const { clientLeft, clientTop, clientWidth, clientHeight } = surface;
    return [within((clientX - left - clientLeft) / clientWidth), within((clientY - top - clientTop) / clientHeight)];
}

surface.addEventListener("click", () => draws || element("file").click());
surface.addEventListener("pointerdown", (event) => {
    if (!draws || pointer !== null || event.button !== 0) return;
    endStroke();
    pointer = event.pointerId;
    surface.setPointerCapture(pointer);
    pen.shown = false;
    beginStroke(place(event));
});
surface.addEventListener("pointermove", (event) => {
    if (event.pointerId !== pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    extend((events.length ? events : [event]).map(place));
});
for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
    surface.addEventListener(end, (event) => event.pointerId === pointer && endStroke());
}

// Keyboard.

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function movePen(step) {
    for (const key of pen.held) {
        pen.x = within(pen.x + step * ARROWS[key][0]);
        pen.y = within(pen.y + step * ARROWS[key][1]);
    }
    if (pen.down) extend([[pen.x, pen.y]]);
}

function liftOrLowerPen() {
    if (pen.down) {
        endStroke();
    } else {
        beginStroke([pen.x, pen.y]);
        pen.down = true;
    }
    sayPen(pen.down);
}

surface.addEventListener("keydown", (event) => {
    if (!draws) return;
    const arrow = event.key in ARROWS;
    if (event.ctrlKey || event.metaKey || event.altKey || pointer !== null || !(arrow || event.key === " ")) return;
    event.preventDefault();
    pen.shown = true;
    if (arrow) {
        pen.held.add(event.key);
        movePen(event.shiftKey ? STEP.fine : STEP.coarse);
    } else if (!event.repeat) {
        liftOrLowerPen();
    }
    paint();
});
surface.addEventListener("keyup", (event) => pen.held.delete(event.key));
surface.addEventListener("focus", () => {
    pen.shown = draws && surface.matches(":focus-visible");
    paint();
});
surface.addEventListener("blur", () => {
    endStroke();
    pen.held.clear();
    pen.shown = false;
    paint();
});
document.addEventListener("keydown", (event) => {
    if (event.target.matches("input:not([type=file])") || event.altKey || event.shiftKey) return;
    const modified = event.ctrlKey || event.metaKey;
    if (modified && event.key === "z") undo();
    else if (!modified && (event.key === "Delete" || event.key === "Backspace")) clear();
    else return;
    event.preventDefault();
});

// Files.

listenForFiles(async (chosen) => {
    const file = await readFile(chosen);
    endStroke();
    if (file) replace({ ...BLANK, file });
    else showProblem(new Problem(`${chosen.name} cannot be read: choose an image file.`));
});

// Buttons, resizing and colour scheme.

element("undo").addEventListener("click", undo);
element("clear").addEventListener("click", clear);
element("access").addEventListener("submit", (event) => {
    event.preventDefault();
    useToken(element("token").value);
    element("token").value = "";
    notBefore = 0;
    requestSoon();
});
new ResizeObserver(paint).observe(surface);
addEventListener("resize", paint); // Also when the page moves to a screen of another pixel ratio.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    paint();
    offerSamples();
});
changed({ grew: false });
