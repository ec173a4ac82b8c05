// Turns strokes into the image that the server prepares for the network. Pure functions without a DOM: the image is
// computed here, not read back from a canvas, because browsers that guard against fingerprinting falsify what is read
// back.
//
// A stroke is a list of [x, y], in sides of the drawing surface, 0 to 1. An image is { width, height, pixels }, white
// ink on black.

/** Side of the box into which MNIST's digits were scaled, in its pixels. */
const BOX = 20;
/** Pixels of the image per pixel of the box: enough for an anti-aliased edge to average out, and an image of 9 KB. */
const SCALE = 4;
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
