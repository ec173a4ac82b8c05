// The page's client of the server: the description of the model, and inference.

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

/** Why there is no answer, as text. `again`: seconds until a retry, 0 for none. `access`: a token is needed. */
export class Problem extends Error {
    constructor(message, { again = 0, access = false } = {}) {
        super(message);
        Object.assign(this, { again, access });
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
    throw new Problem(`The server refuses (${reply.status}): ${reason(body) || reply.statusText}`);
}

function reason(body) {
    try {
        return JSON.parse(new TextDecoder().decode(body)).error;
    } catch {
        return "";
    }
}

/** Classifies 784 pixels in the protocol's raw form: the request is only the bytes, the reply is binary tensors. */
export async function infer(levels, signal) {
    const { body, headers } = await send(`${path}/infer`, {
        method: "POST",
        headers: { "Content-Type": "application/octet-stream", "Inference-Header-Content-Length": "0" },
        body: levels,
        signal,
    });
    let start = Number(headers.get("Inference-Header-Content-Length"));
    const header = JSON.parse(new TextDecoder().decode(body.slice(0, start)));
    for (const { name, parameters } of header.outputs) {
        const end = start + parameters.binary_data_size;
        if (name === "probabilities") {
            const view = new DataView(body, start, end - start);
            const probabilities = Array.from({ length: view.byteLength / 4 }, (_, i) => view.getFloat32(4 * i, true));
            return { probabilities, version: header.model_version };
        }
        start = end;
    }
    throw new Problem("The server's answer has no probabilities.");
}

/** The served model: the names of its classes, its version, and its metadata. */
export async function describe(signal) {
    const { body } = await send(path, { signal });
    const { properties, versions = [] } = JSON.parse(new TextDecoder().decode(body));
    return { classes: JSON.parse(properties["kiln.classes"]), version: versions.at(-1), properties };
}
