// The server as the page knows it: what is served, and what it answers.

/** Milliseconds until a question without an answer is given up. */
const PATIENCE = 10_000;
/** Seconds until another try where the server does not say itself. */
const AGAIN = 1;

/** The model's name, which the server wrote into the page. */
export const MODEL = document.querySelector("meta[name=model]").content;
const path = `v2/models/${encodeURIComponent(MODEL)}`;

/** Kept here and nowhere else, so it is gone with the page. */
let token = "";
export const useToken = (text) => (token = text);

/** Why there is no answer, in words. `again`: seconds until it is worth another try. */
export class Problem extends Error {
    constructor(message, { again = 0, access = false } = {}) {
        super(message);
        Object.assign(this, { again, access });
    }
}

/** Asks the server; what is not a good answer becomes a Problem, but what `signal` ended stays an AbortError. */
async function ask(where, { signal, ...request } = {}) {
    const headers = { ...request.headers, ...(token && { Authorization: `Bearer ${token}` }) };
    const giveUp = AbortSignal.timeout(PATIENCE);
    const end = new AbortController();
    for (const other of [giveUp, signal]) other?.addEventListener("abort", () => end.abort());
    let reply, body;
    try {
        reply = await fetch(where, { ...request, headers, cache: "no-store", signal: end.signal });
        body = await reply.arrayBuffer();
    } catch (error) {
        if (signal?.aborted) throw error;
        throw new Problem(
            giveUp.aborted ? "The server does not answer." : "The server cannot be reached.",
            { again: AGAIN },
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
        const again = Number(reply.headers.get("Retry-After")) || AGAIN;
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

/** Classifies 784 levels in the protocol's raw form: nothing but the bytes goes there, numbers come back. */
export async function infer(levels, signal) {
    const { body, headers } = await ask(`${path}/infer`, {
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
    throw new Problem("The server's answer holds no probabilities.");
}

/** What is served: the names of its classes, its version, and what its file says about itself. */
export async function describe(signal) {
    const { body } = await ask(path, { signal });
    const { properties, versions = [] } = JSON.parse(new TextDecoder().decode(body));
    return { classes: JSON.parse(properties["kiln.classes"]), version: versions.at(-1), properties };
}
