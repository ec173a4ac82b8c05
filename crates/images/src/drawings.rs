//! Drawings for tests.

use crate::raster::Grey;

/// White strokes through `points`, in pixels, with a round pen of `radius`, anti-aliased.
pub(crate) fn draw(width: usize, height: usize, points: &[(f32, f32)], radius: f32) -> Grey {
    let level = |index: usize| {
        let (x, y) = ((index % width) as f32 + 0.5, (index / width) as f32 + 0.5);
        let distance = points.windows(2).map(|ends| distance((x, y), ends[0], ends[1]));
        (255.0 * (radius + 0.5 - distance.fold(f32::MAX, f32::min)).clamp(0.0, 1.0)) as u8
    };
    let pixels = (0..width * height).map(level).collect();
    Grey { width, height, pixels, lossy: false }
}

fn distance(point: (f32, f32), a: (f32, f32), b: (f32, f32)) -> f32 {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let along = ((point.0 - a.0) * dx + (point.1 - a.1) * dy) / (dx * dx + dy * dy).max(1e-9);
    let along = along.clamp(0.0, 1.0);
    (point.0 - a.0 - along * dx).hypot(point.1 - a.1 - along * dy)
}

/// A seven that starts at (x, y) and is `size` pixels high, with a pen of a tenth of that.
pub(crate) fn seven(side: usize, x: f32, y: f32, size: f32) -> Grey {
    let points = [(x, y), (x + 0.6 * size, y), (x + 0.2 * size, y + size)];
    draw(side, side, &points, size / 20.0)
}
