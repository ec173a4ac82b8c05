// Shows everything except the drawing: the model, its answer, problems, samples.

import { SAMPLES, imageOf } from "./samples.js";
import { MODEL } from "./server.js";

/** When unsure, further classes of at least this probability are named, up to three in all. */
const WORTH_NAMING = 0.1;
/** Milliseconds without a change until a screen reader speaks: not during a stroke. */
const SPEECH_DELAY = 600;
/** More classes than this are shown in columns. */
const MANY = 12;

const element = (id) => document.getElementById(id);

/** Shows the model's metadata, and an empty bar for each of its classes. */
export function showModel({ classes, draws, properties }) {
    const digits = classes.every((name) => /^\d$/.test(name));
    const title = draws ? (digits ? "Draw a digit" : "Draw one of these") : "Which one is it?";
    document.title = element("title").textContent = title;
    document.body.classList.toggle("draws", draws);
    const accuracy = Number.parseFloat(properties["kiln.test_accuracy"]);
    element("facts").textContent = [
        // The server's default name says nothing about a model that reads no digits.
        (draws || MODEL !== "mnist") && MODEL,
        properties["kiln.dataset"] && `trained on ${properties["kiln.dataset"]}`,
        accuracy && `${(100 * accuracy).toFixed(2)} % test accuracy`,
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

/** Shows bars, answer and verdict for the server's reply; for null, those of an empty surface. */
export function showAnswer(classes, reply) {
    const p = classes.map((name) => reply?.probabilities[name] ?? 0);
    const order = classes.map((_, i) => i).sort((a, b) => p[b] - p[a]);
    [...element("bars").children].forEach((row, i) => {
        const [, meter, value] = row.children;
        row.classList.toggle("best", Boolean(reply) && i === order[0]);
        meter.style.setProperty("--p", p[i].toFixed(4));
        meter.setAttribute("aria-valuenow", (100 * p[i]).toFixed(1));
        meter.setAttribute("aria-valuetext", percent(p[i]));
        value.textContent = reply ? percent(p[i]) : "";
    });
    let [answer, verdict, unsure] = ["", "", false];
    if (reply) {
        unsure = reply.doubtful;
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
    const reason = reply?.reason ?? "";
    element("reason").hidden = !reason;
    element("reason").textContent = reason && `${reason[0].toUpperCase()}${reason.slice(1)}`;
    answered = answer && (unsure ? [`Unsure: ${answer}`, reason].filter(Boolean).join(". ") : `${answer}, ${verdict}`);
    say(answered);
}

/** Never 100 %: such a probability would only be rounded. */
function percent(p) {
    if (p < 0.0005) return "0 %";
    return p >= 0.9995 ? "> 99.9 %" : `${(100 * p).toFixed(1)} %`;
}

/** Says in the surface what can be done with it; for an empty text nothing. */
export function showHint(text) {
    element("hint").hidden = !text;
    element("hint").textContent = text;
}

/** Shows the latency of the last answer in milliseconds; null for none. */
export function showLatency(milliseconds) {
    const text = milliseconds === null ? "" : `answered in ${Math.max(1, Math.round(milliseconds))} ms`;
    element("latency").textContent = text;
}

/** Shows a problem, with the form for a token if one is required; null removes it. */
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
/** Makes screen readers say whether the pen is down; after a lift also the answer, which may have arrived before. */
export function sayPen(down) {
    say(down ? "Pen down" : ["Pen up", answered].filter(Boolean).join(". "));
}

/** Makes screen readers say `text` after a delay without other messages. */
function say(text) {
    clearTimeout(speech);
    speech = setTimeout(() => (element("spoken").textContent = text), SPEECH_DELAY);
}

/** Shows the network's input, `shape` and `pixels` of the server's reply; null for none. */
export function showSeen(reply) {
    const [channels, height, width] = reply?.shape ?? [1, 1, 1];
    const canvas = Object.assign(element("seen"), { width, height });
    const context = canvas.getContext("2d");
    const seen = context.createImageData(width, height);
    const size = width * height;
    for (let i = 0; reply && i < size; i++) {
        const rgb = [0, 1, 2].map((channel) => reply.pixels[(channels === 3 ? channel : 0) * size + i]);
        seen.data.set([...rgb, 255], 4 * i);
    }
    context.putImageData(seen, 0, 0);
    const kind = document.body.classList.contains("draws") ? "drawing" : "image";
    const what = reply ? `your ${kind} in ${width} by ${height} pixels` : "nothing yet";
    canvas.setAttribute("aria-label", `What the network sees: ${what}`);
}

/** Shows buttons for the samples whose class the model has. */
export function showSamples(classes, colour, choose) {
    const samples = SAMPLES.filter(({ label }) => classes.includes(label));
    const buttons = samples.map((sample) => {
        const button = document.createElement("button");
        button.type = "button";
        button.sample = sample;
        button.setAttribute("aria-label", `A handwritten ${sample.label}${sample.hard ? ", hard to read" : ""}`);
        button.append(drawImage(imageOf(sample), colour));
        button.addEventListener("click", () => choose(sample));
        return button;
    });
    element("thumbnails").replaceChildren(...buttons);
    element("samples").hidden = !samples.length;
}

/** Marks the sample on the surface, if there is one. */
export function markSample(chosen) {
    for (const button of element("thumbnails").children) {
        button.setAttribute("aria-pressed", button.sample === chosen);
    }
}

/** Draws an image as ink of `colour` on a transparent canvas of its size. */
export function drawImage({ width, height, pixels }, colour, canvas = document.createElement("canvas")) {
    Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    const ink = context.createImageData(width, height);
    const rgb = colour.match(/[\d.]+/g).slice(0, 3).map(Number);
    pixels.forEach((level, i) => ink.data.set([...rgb, level], 4 * i));
    context.putImageData(ink, 0, 0);
    return canvas;
}
