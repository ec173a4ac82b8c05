// The page's client of the server: the description of the model, and its answers.

/** Milliseconds until a request times out. */
const REQUEST_TIMEOUT = 10_000;
/** Seconds until a retry if the server does not send Retry-After. */
const RETRY_AFTER = 1;

/** The model's name, which the server writes into the page. */
export const MODEL = document.querySelector("meta[name=model]").content;
const path = `v2/models/${encodeURIComponent(MODEL)}`;

/** Only kept in memory, until the page is closed. */
let token = "";
export const useToken = (text) => (token = text);

/** Why there is no answer, as text. `again`: seconds until a retry, 0 for none. `access`: a token is needed.
 *  `status`: HTTP's, of a refusal. */
export class Problem extends Error {
    constructor(message, { again = 0, access = false, status = 0 } = {}) {
        super(message);
        Object.assign(this, { again, access, status });
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
    throw new Problem(`The server refuses (${status}): ${reason(body) || statusText}`, { status });
}

function reason(body) {
    try {
        return JSON.parse(new TextDecoder().decode(body)).error;
    } catch {
        return "";
    }
}

/** Classifies an image: the server's reply, whose `pixels` are the network's input; null if the image is blank. */
export async function predict({ width, height, pixels }, signal) {
    const file = new Uint8Array([...new TextEncoder().encode(`P5 ${width} ${height} 255\n`), ...pixels]);
    const headers = { "Content-Type": "image/x-portable-graymap" };
    try {
        const { body } = await send("v1/predict", { method: "POST", headers, body: file, signal });
        return JSON.parse(new TextDecoder().decode(body));
    } catch (problem) {
        if (problem.status === 400 && problem.message.includes("it is blank")) return null;
        throw problem;
    }
}

/** The served model: the names of its classes, its version, the sides of its input, and its metadata. */
export async function describe(signal) {
    const { body } = await send(path, { signal });
    const { properties, versions = [], inputs } = JSON.parse(new TextDecoder().decode(body));
    const [height, width] = inputs[0].shape.slice(-2);
    return { classes: JSON.parse(properties["kiln.classes"]), version: versions.at(-1), width, height, properties };
}
