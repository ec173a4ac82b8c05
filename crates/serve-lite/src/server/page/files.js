// Image files: chosen, photographed, dropped or pasted. The server gets them as they are.

const element = (id) => document.getElementById(id);

/** The longest side of a preview, in pixels. */
const PREVIEW = 1024;

/** The bytes of a file, its name, and a preview, which is null where the browser cannot decode what the server may. Null
 *  for what cannot be read, such as a folder. */
export async function readFile(chosen) {
    try {
        const bytes = new Uint8Array(await chosen.arrayBuffer());
        return { bytes, name: chosen.name || "pasted", bitmap: await preview(chosen) };
    } catch {
        return null;
    }
}

async function preview(chosen) {
    try {
        const whole = await createImageBitmap(chosen);
        const scale = PREVIEW / Math.max(whole.width, whole.height);
        if (scale >= 1) return whole;
        const side = (length) => Math.max(1, Math.round(length * scale));
        const options = { resizeWidth: side(whole.width), resizeHeight: side(whole.height), resizeQuality: "medium" };
        const small = await createImageBitmap(whole, options);
        whole.close();
        return small;
    } catch {
        return null;
    }
}

/** Where a preview goes in a square of side 1: left, top, width and height. */
export function fitted({ width, height }) {
    const longest = Math.max(width, height);
    const [w, h] = [width / longest, height / longest];
    return [(1 - w) / 2, (1 - h) / 2, w, h];
}

/** Calls `take` with every file that a person gives the page. */
export function listenForFiles(take) {
    const first = (list) => {
        const files = [...(list ?? [])];
        const file = files.find(({ type }) => type.startsWith("image/")) ?? files[0];
        if (file) take(file);
        return Boolean(file);
    };
    for (const id of ["file", "camera"]) {
        element(id).addEventListener("change", ({ target }) => {
            first(target.files);
            target.value = ""; // So that the same file can be chosen again.
        });
    }
    const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
    let depth = 0; // Of elements that the pointer is in: leaving one for its child is not leaving the page.
    const show = (change) => {
        depth = Math.max(0, depth + change);
        document.body.classList.toggle("dropping", depth > 0);
    };
    addEventListener("dragenter", (event) => hasFiles(event) && show(1));
    addEventListener("dragleave", (event) => hasFiles(event) && show(-1));
    addEventListener("dragover", (event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = "copy";
    });
    addEventListener("drop", (event) => {
        if (!hasFiles(event)) return;
        event.preventDefault();
        show(-depth);
        first(event.dataTransfer.files);
    });
    addEventListener("paste", (event) => {
        if (first(event.clipboardData?.files)) event.preventDefault();
    });
}
