// Turns strokes into the network's input of 28x28 pixels. Pure functions without a DOM: the image is computed here, not
// read back from a canvas, because browsers that guard against fingerprinting falsify what is read back.
//
// A stroke is a list of [x, y], in sides of the drawing surface, 0 to 1. An image is { width, height, pixels }, white
// ink on black.

/** Side of the network's input, in pixels. */
export const SIDE = 28;

// Constants of MNIST's preparation; the crate `images` has the same ones, with their reasons.
const BOX = 20;
const MIN_SQUARE = 10;
const CENTRE = 15;
const MIN_CONTRAST = 16;
const FAINTEST_INK = Math.fround(0.1);
const FAINTEST_CLEAN_INK = Math.fround(0.02);
const FRAME_FRACTION = Math.fround(0.9);
const FRAME_MARGIN = 1.25;
const SURE_INK = 0.5;

/** Pixels of the high-resolution image per pixel of the box: enough for an anti-aliased edge to average out. */
const SCALE = 8;
const MARGIN = 2 * SCALE;
const RASTER = BOX * SCALE + 2 * MARGIN;
/** Width of the pen in pixels of the box, for digits of any size: it leaves as much ink as MNIST's pens. */
const PEN = 2.6;
/** Strokes smaller than this, in sides of the surface, are a tap and not a digit. */
const SPECK = 0.04;

/** The smooth curve through the middles of the lines between `points`, as a finer list of points. */
export function smooth(points) {
    if (points.length < 3) return points;
    const middle = (a, b) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
    const curve = [points[0]];
    for (let i = 1; i < points.length - 1; i++) {
        const corner = points[i];
        const start = i === 1 ? points[0] : middle(points[i - 1], corner);
        const end = i === points.length - 2 ? points[i + 1] : middle(corner, points[i + 1]);
        const n = Math.min(8, Math.ceil(Math.hypot(end[0] - start[0], end[1] - start[1]) * 100)) || 1;
        for (let k = 1; k <= n; k++) {
            const t = k / n;
            const along = (axis) =>
                (1 - t) ** 2 * start[axis] + 2 * t * (1 - t) * corner[axis] + t ** 2 * end[axis];
            curve.push([along(0), along(1)]);
        }
    }
    return curve;
}

/** Draws `strokes` so large that their longer side fills the box, with a matching pen; null for nothing or a speck. */
export function rasterise(strokes) {
    const points = strokes.flat();
    const span = (axis) => points.reduce(
        ([low, high], point) => [Math.min(low, point[axis]), Math.max(high, point[axis])],
        [Infinity, -Infinity],
    );
    const [[left, right], [top, bottom]] = [span(0), span(1)];
    const extent = Math.max(right - left, bottom - top);
    if (!(extent >= SPECK)) return null;

    const scale = ((BOX - PEN) * SCALE) / extent;
    const place = ([x, y]) => [
        (x - (left + right) / 2) * scale + RASTER / 2,
        (y - (top + bottom) / 2) * scale + RASTER / 2,
    ];
    const pixels = new Uint8Array(RASTER * RASTER);
    for (const stroke of strokes) {
        const [first, ...rest] = smooth(stroke).map(place);
        let start = first;
        for (const end of rest.length ? rest : [first]) {
            // Lines shorter than a pixel are merged: a slow hand leaves thousands.
            if (end !== rest.at(-1) && end !== first && Math.hypot(end[0] - start[0], end[1] - start[1]) < 1) continue;
            draw(pixels, start, end);
            start = end;
        }
    }
    return { width: RASTER, height: RASTER, pixels };
}

/** Draws a line with round ends, anti-aliased by the distance of each pixel's middle. */
function draw(pixels, [ax, ay], [bx, by]) {
    const radius = (PEN * SCALE) / 2;
    const [dx, dy] = [bx - ax, by - ay];
    const square = dx * dx + dy * dy || 1;
    const from = (a, b) => Math.max(0, Math.floor(Math.min(a, b) - radius - 1));
    const to = (a, b) => Math.min(RASTER, Math.ceil(Math.max(a, b) + radius + 1));
    const [left, right, bottom] = [from(ax, bx), to(ax, bx), to(ay, by)];
    for (let y = from(ay, by); y < bottom; y++) {
        const py = y + 0.5 - ay;
        for (let x = left; x < right; x++) {
            const at = y * RASTER + x;
            if (pixels[at] === 255) continue; // The line before inked most of these pixels.
            const px = x + 0.5 - ax;
            const along = Math.min(1, Math.max(0, (px * dx + py * dy) / square));
            const distance = Math.sqrt((px - along * dx) ** 2 + (py - along * dy) ** 2);
            const level = Math.round(255 * Math.min(1, radius + 0.5 - distance));
            if (level > pixels[at]) pixels[at] = level;
        }
    }
}

/** The same as `images::to_network` with `Preparation::Digit` for white ink on black: 784 pixels, or null if blank. */
export function toNetwork(image) {
    const levels = ink(image);
    const digit = levels && normalise(levels, image.width);
    return digit && centre(digit);
}

/** Separates ink and paper: 0 for paper, else the contrast with it. */
function ink({ width, height, pixels }) {
    const frame = [...pixels.subarray(0, width), ...pixels.subarray((height - 1) * width)];
    for (let y = 0; y < height; y++) frame.push(pixels[y * width], pixels[(y + 1) * width - 1]);
    frame.sort((a, b) => a - b);
    const n = frame.length;
    const paper = (frame[(n - 1) >> 1] + frame[n >> 1]) / 2;
    let most = -paper;
    for (const level of pixels) most = Math.max(most, level - paper);
    if (most < MIN_CONTRAST) return null;
    // Rust computes these in 32 bits, and a level that equals the threshold is ink.
    const uneven = FRAME_MARGIN * (frame[Math.floor(Math.fround((n - 1) * FRAME_FRACTION))] - paper);
    const clean = frame[0] === frame[frame.length - 1];
    const fraction = clean ? FAINTEST_CLEAN_INK : FAINTEST_INK;
    const faintest = Math.min(Math.max(uneven, Math.fround(fraction * most)), SURE_INK * most);
    const levels = new Float32Array(pixels.length);
    for (let i = 0; i < pixels.length; i++) if (pixels[i] - paper >= faintest) levels[i] = pixels[i] - paper;
    return levels;
}

/** Scales the ink to the box by area averages, in units in which the grids of source and box are whole numbers. */
function normalise(levels, width) {
    let [left, right, top, bottom] = [Infinity, 0, Infinity, 0];
    levels.forEach((level, i) => {
        if (level <= 0) return;
        const [x, y] = [i % width, Math.floor(i / width)];
        [left, right] = [Math.min(left, x), Math.max(right, x + 1)];
        [top, bottom] = [Math.min(top, y), Math.max(bottom, y + 1)];
    });
    if (bottom === 0) return null;
    const side = Math.max(right - left, bottom - top, MIN_SQUARE);
    const columns = overlaps(left, right, side);
    const rows = overlaps(top, bottom, side);
    const cells = new Float64Array(BOX * BOX);
    for (const [y, cellY, weightY] of rows) {
        for (const [x, cellX, weightX] of columns) {
            cells[cellY * BOX + cellX] += levels[y * width + x] * weightX * weightY;
        }
    }
    const max = cells.reduce((a, b) => Math.max(a, b), 0);
    return Uint8Array.from(cells, (cell) => Math.round((255 * cell) / max));
}

/** Which source pixels from `first` up to `last` overlap which of the box's cells, and how far. */
function overlaps(first, last, side) {
    const margin = Math.floor((side - (last - first)) / 2);
    const found = [];
    for (let source = first; source < last; source++) {
        const start = (source - first + margin) * BOX;
        const end = start + BOX;
        for (let cell = Math.floor(start / side); cell < Math.ceil(end / side); cell++) {
            found.push([source, cell, Math.min(end, (cell + 1) * side) - Math.max(start, cell * side)]);
        }
    }
    return found;
}

/** Pastes the box into the image so that its centre of mass is where MNIST's is, as far as the frame allows. */
function centre(digit) {
    let [mass, momentX, momentY] = [0, 0, 0];
    digit.forEach((level, i) => {
        mass += level;
        momentX += level * ((i % BOX) + 0.5);
        momentY += level * (Math.floor(i / BOX) + 0.5);
    });
    const offset = (moment) => Math.floor(Math.min(SIDE - BOX, Math.max(0, CENTRE - moment / mass)));
    const [x, y] = [offset(momentX), offset(momentY)];
    const image = new Uint8Array(SIDE * SIDE);
    for (let row = 0; row < BOX; row++) {
        image.set(digit.subarray(row * BOX, (row + 1) * BOX), (y + row) * SIDE + x);
    }
    return image;
}
