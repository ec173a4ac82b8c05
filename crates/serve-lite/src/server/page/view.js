// What the page shows beside the drawing: the model, its answer, problems, samples.

import { SIDE } from "./digit.js";
import { SAMPLES, levelsOf } from "./samples.js";
import { MODEL } from "./server.js";

/** Below this probability the answer counts as unsure: with kiln's own network that holds for nearly half of its errors
 *  on MNIST's test set and for 0.7 % of its right answers. What is above it leads the next class by at least 0.6. */
const SURE_FROM = 0.8;
/** When unsure, a class this probable is named too, up to three in all. */
const WORTH_NAMING = 0.1;
/** Milliseconds without a change after which a screen reader is told: not at every turn of a stroke. */
const REST = 600;
/** More classes than this are shown in columns. */
const MANY = 12;

const element = (id) => document.getElementById(id);

/** What the model is, and an empty bar for each of its classes. */
export function showModel(classes, properties) {
    const digits = classes.every((name) => /^\d$/.test(name));
    document.title = element("title").textContent = digits ? "Draw a digit" : "Draw one of these";
    const accuracy = Number.parseFloat(properties["kiln.test_accuracy"]);
    element("facts").textContent = [
        MODEL,
        properties["kiln.dataset"] && `trained on ${properties["kiln.dataset"]}`,
        accuracy && `${(100 * accuracy).toFixed(2)} % right on its test set`,
    ].filter(Boolean).join(" · ");
    const warning = element("warning");
    warning.hidden = properties["kiln.synthetic"] !== "true";
    warning.textContent = warning.hidden
        ? ""
        : "Trained on synthetic digits, not on handwriting: expect it to misread yours.";

    const bars = element("bars");
    bars.replaceChildren(...classes.map(bar));
    bars.classList.toggle("many", classes.length > MANY);
    const longest = Math.max(...classes.map((name) => name.length));
    bars.style.setProperty("--name", `${Math.min(8, 0.6 * longest)}rem`);
}

function bar(name) {
    const row = document.createElement("li");
    const [label, meter, value] = ["span", "div", "span"].map((tag) => document.createElement(tag));
    label.className = "name";
    label.textContent = label.title = name;
    value.className = "value";
    const attributes = { role: "meter", "aria-label": name, "aria-valuemin": 0, "aria-valuemax": 100 };
    Object.entries(attributes).forEach(([key, attribute]) => meter.setAttribute(key, attribute));
    row.append(label, meter, value);
    return row;
}

/** Bars, answer and verdict for one probability a class; for null, those of an empty surface. */
export function showAnswer(classes, probabilities) {
    const p = probabilities ?? classes.map(() => 0);
    const order = classes.map((_, i) => i).sort((a, b) => p[b] - p[a]);
    [...element("bars").children].forEach((row, i) => {
        const [, meter, value] = row.children;
        row.classList.toggle("best", Boolean(probabilities) && i === order[0]);
        meter.style.setProperty("--p", p[i].toFixed(4));
        meter.setAttribute("aria-valuenow", (100 * p[i]).toFixed(1));
        meter.setAttribute("aria-valuetext", percent(p[i]));
        value.textContent = probabilities ? percent(p[i]) : "";
    });
    let [answer, verdict, unsure] = ["", "", false];
    if (probabilities) {
        unsure = !(p[order[0]] >= SURE_FROM);
        const rivals = order.slice(1, 3).filter((i) => unsure && p[i] >= WORTH_NAMING);
        const names = [order[0], ...rivals].map((i) => classes[i]);
        answer = [names.slice(0, -1).join(", "), names.at(-1)].filter(Boolean).join(" or ");
        verdict = unsure ? "unsure" : percent(p[order[0]]);
    }
    document.body.classList.toggle("unsure", unsure);
    element("answer").textContent = element("answer").title = unsure ? `${answer}?` : answer;
    element("answer").classList.toggle("words", answer.length > 2);
    element("answer").classList.toggle("sentence", answer.length > 14);
    element("verdict").textContent = verdict;
    answered = answer && (unsure ? `Unsure: ${answer}` : `${answer}, ${verdict}`);
    say(answered);
}

/** Never 100 %: nothing is certain, and a probability that prints so is rounded. */
function percent(p) {
    if (p < 0.0005) return "0 %";
    return p >= 0.9995 ? "> 99.9 %" : `${(100 * p).toFixed(1)} %`;
}

/** How long the last answer took, in milliseconds; null for none. */
export function showLatency(milliseconds) {
    const text = milliseconds === null ? "" : `answered in ${Math.max(1, Math.round(milliseconds))} ms`;
    element("latency").textContent = text;
}

/** A problem in words, with the form for a token where one is asked for; null takes it away. */
export function showProblem(problem) {
    document.body.classList.toggle("stale", Boolean(problem));
    const [notice, access] = [element("notice"), element("access")];
    const text = problem ? problem.message + (problem.again ? " Trying again." : "") : "";
    if (notice.textContent !== text) notice.textContent = text;
    notice.hidden = !problem;
    const asked = access.hidden && problem?.access;
    access.hidden = !problem?.access;
    if (asked && document.activeElement === document.body) element("token").focus();
}

let [speech, answered] = [0, ""];
/** Has screen readers say where the pen is; lifted, it must not take the answer's place, which may have come before. */
export function sayPen(down) {
    say(down ? "Pen down" : ["Pen up", answered].filter(Boolean).join(". "));
}

/** Has screen readers say `text` once nothing else has come up for a while. */
function say(text) {
    clearTimeout(speech);
    speech = setTimeout(() => (element("spoken").textContent = text), REST);
}

/** What the network sees. */
export function showSeen(levels) {
    stencil(levels ?? [], "255 255 255", element("seen"));
    const what = levels ? "your digit in 28 by 28 pixels" : "nothing yet";
    element("seen").setAttribute("aria-label", `What the network sees: ${what}`);
}

/** Buttons for those samples that the model has classes for. */
export function showSamples(classes, colour, choose) {
    const samples = SAMPLES.filter(({ label }) => classes.includes(label));
    const buttons = samples.map((sample) => {
        const button = document.createElement("button");
        button.type = "button";
        button.sample = sample;
        button.setAttribute("aria-label", `A handwritten ${sample.label}${sample.hard ? ", hard to read" : ""}`);
        button.append(stencil(levelsOf(sample), colour));
        button.addEventListener("click", () => choose(sample));
        return button;
    });
    element("thumbnails").replaceChildren(...buttons);
    element("samples").hidden = !samples.length;
}

/** Marks the sample that lies on the surface, if one does. */
export function markSample(chosen) {
    for (const button of element("thumbnails").children) {
        button.setAttribute("aria-pressed", button.sample === chosen);
    }
}

/** 28x28 levels as ink of `colour` on nothing. */
export function stencil(levels, colour, canvas = document.createElement("canvas")) {
    canvas.width = canvas.height = SIDE;
    const context = canvas.getContext("2d");
    const image = context.createImageData(SIDE, SIDE);
    const rgb = colour.match(/[\d.]+/g).slice(0, 3).map(Number);
    levels.forEach((level, i) => image.data.set([...rgb, level], 4 * i));
    context.putImageData(image, 0, 0);
    return canvas;
}
