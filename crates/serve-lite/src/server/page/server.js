// The page's client of the server: the description of the model, and its answers.

/** Milliseconds until a request times out. */
const REQUEST_TIMEOUT = 10_000;
/** Seconds until a retry if the server does not send Retry-After. */
const RETRY_AFTER = 1;

/** How the server's refusals of an image begin. */
const UNUSABLE = "the image cannot be used";

/** The model's name, which the server writes into the page. */
export const MODEL = document.querySelector("meta[name=model]").content;
const path = `v2/models/${encodeURIComponent(MODEL)}`;

/** Only kept in memory, until the page is closed. */
let token = "";
export const useToken = (text) => (token = text);

/** Why there is no answer, as text. `again`: seconds until a retry, 0 for none. `access`: a token is needed.
 *  `status`: HTTP's, of a refusal. `unusable`: it is the image's fault. */
export class Problem extends Error {
    constructor(message, { again = 0, access = false, status = 0, unusable = false } = {}) {
        super(message);
        Object.assign(this, { again, access, status, unusable });
    }
}

/** Sends a request. Any failure becomes a Problem, except that a request canceled by `signal` remains an AbortError. */
async function send(where, { signal, ...request } = {}) {
    const headers = { ...request.headers, ...(token && { Authorization: `Bearer ${token}` }) };
    const timeout = AbortSignal.timeout(REQUEST_TIMEOUT);
    const end = new AbortController();
    for (const other of [timeout, signal]) other?.addEventListener("abort", () => end.abort());
    let reply, body;
    try {
        reply = await fetch(where, { ...request, headers, cache: "no-store", signal: end.signal });
        body = await reply.arrayBuffer();
    } catch (error) {
        if (signal?.aborted) throw error;
        throw new Problem(
            timeout.aborted ? "The server does not answer." : "The server cannot be reached.",
            { again: RETRY_AFTER },
        );
    }
    if (reply.ok) return { body, headers: reply.headers };
    if (reply.status === 401) {
        throw new Problem(
            token ? "The server does not accept this token." : "This server asks for an access token.",
            { access: true },
        );
    }
    if (reply.status === 503 || reply.status === 429) {
        const again = Number(reply.headers.get("Retry-After")) || RETRY_AFTER;
        throw new Problem("The server is busy.", { again });
    }
    const { status, statusText } = reply;
    const why = reason(body);
    if (why?.startsWith(UNUSABLE)) throw new Problem(`T${why.slice(1)}.`, { status, unusable: true });
    throw new Problem(`The server refuses (${status}): ${why || statusText}`, { status });
}

function reason(body) {
    try {
        return JSON.parse(new TextDecoder().decode(body)).error;
    } catch {
        return "";
    }
}

/** Classifies an image, a file as it is: the server's reply, whose `pixels` are the network's input; null if it is a
 *  blank drawing. */
export async function predict(image, signal) {
    const isFile = image instanceof Uint8Array;
    const body = isFile ? image : graymap(image);
    const headers = { "Content-Type": isFile ? "application/octet-stream" : "image/x-portable-graymap" };
    try {
        const { body: reply } = await send("v1/predict", { method: "POST", headers, body, signal });
        return JSON.parse(new TextDecoder().decode(reply));
    } catch (problem) {
        if (!isFile && problem.status === 400 && problem.message.includes("it is blank")) return null;
        throw problem;
    }
}

/** A drawing as a PGM file. */
function graymap({ width, height, pixels }) {
    return new Uint8Array([...new TextEncoder().encode(`P5 ${width} ${height} 255\n`), ...pixels]);
}

/** The served model: the names of its classes, its version, the shape of its input, its metadata, and whether it reads drawings of digits. */
export async function describe(signal) {
    const { body } = await send(path, { signal });
    const { properties, versions = [], inputs, parameters } = JSON.parse(new TextDecoder().decode(body));
    const shape = inputs[0].shape.slice(1);
    const draws = (parameters?.prepare ?? "digit") === "digit" && shape[0] === 1;
    return { classes: JSON.parse(properties["kiln.classes"]), version: versions.at(-1), shape, draws, properties };
}
