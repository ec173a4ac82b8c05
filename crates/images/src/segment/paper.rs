//! The background: one level, or a surface that follows the light.

use super::plane::{Plane, border, quantile};

/// Side of the grid on which an uneven background is estimated, in cells.
const GRID: usize = 64;
/// Side of the window that a stroke must be narrower than, as a fraction of the image's longer side.
const WINDOW: f32 = 0.3;
/// How far light alone makes the edge differ from the inside, as a fraction of the brighter one.
const MAX_STEP: f32 = 0.4;

/// Paper darker than this level counts as if it had it: there noise would be a large fraction of the light.
const DARKEST: f32 = 96.0;

/// What lies under the ink.
#[derive(Clone, Debug)]
pub(super) enum Paper {
    /// One level.
    Flat(f32),
    /// A level for each cell of a coarser grid.
    Uneven(Plane),
}

impl Paper {
    /// The median of the border: strokes that touch it are in the minority.
    pub(super) fn flat(plane: &Plane) -> Self {
        let mut border = border(&plane.levels, plane.width);
        border.sort_unstable_by(f32::total_cmp);
        // The mean of the two middle levels if their number is even, so that an inverted image has the inverse.
        let (lower, upper) = (border[(border.len() - 1) / 2], border[border.len() / 2]);
        Self::Flat(lower / 2.0 + upper / 2.0)
    }

    /// The surface that remains when all that is narrower than a window is removed from the image: a morphological
    /// closing for dark ink, an opening for bright ink (Serra, "Image Analysis and Mathematical Morphology", 1982).
    /// Edges of wide shadows stay where they are.
    pub(super) fn uneven(plane: &Plane, sign: f32) -> Self {
        let longest = plane.width.max(plane.height);
        let factor = longest.div_ceil(GRID);
        let coarse = reduced(plane, factor);
        let radius = ((WINDOW * longest as f32 / factor as f32 / 2.0) as usize).max(1);
        // As if ink were dark.
        let dark = coarse.map(|_, _, level| -sign * level);
        let padded = extrapolated(&dark, radius);
        let closed = extreme(&extreme(&padded, radius, f32::max), radius, f32::min);
        let inner = Plane { levels: Vec::new(), ..coarse };
        let cut = (0..inner.height).flat_map(|y| (0..inner.width).map(move |x| (x, y)));
        let levels = cut
            .map(|(x, y)| -sign * closed.levels[(y + radius) * closed.width + x + radius])
            .collect();
        Self::Uneven(Plane { levels, ..inner }.smoothed())
    }

    /// The background's level at a place, in fractions of the image's sides.
    pub(super) fn level(&self, x: f32, y: f32) -> f32 {
        match self {
            Self::Flat(level) => *level,
            Self::Uneven(plane) => interpolated(plane, x, y),
        }
    }

    /// The contrast of `level` with the background at a place, ink positive: as grey levels on a flat background. On
    /// an uneven one dark ink counts by the fraction of the light that it takes away, in 255ths.
    pub(super) fn contrast(&self, level: f32, x: f32, y: f32, sign: f32) -> f32 {
        let paper = self.level(x, y);
        match self {
            Self::Uneven(_) if sign < 0.0 => 255.0 * (paper - level) / paper.max(DARKEST),
            _ => sign * (level - paper),
        }
    }
}

fn reduced(plane: &Plane, factor: usize) -> Plane {
    let (width, height) = (plane.width.div_ceil(factor), plane.height.div_ceil(factor));
    let empty = Plane { width, height, levels: vec![0.0; width * height] };
    empty.map(|x, y, _| {
        let (right, bottom) =
            (((x + 1) * factor).min(plane.width), ((y + 1) * factor).min(plane.height));
        let rows =
            (y * factor..bottom).map(|row| &plane.levels[row * plane.width..][x * factor..right]);
        let mut cells: Vec<f32> = rows.flatten().copied().collect();
        // The median: thin strokes and specks vanish before the window is applied.
        quantile(&mut cells, 0.5)
    })
}

/// The plane with `radius` more cells on each side, in which a gradient goes on: reflected at the edge's level. Ink that
/// touches the edge is mirrored instead, or it would go on beyond it.
fn extrapolated(plane: &Plane, radius: usize) -> Plane {
    let (width, height) = (plane.width + 2 * radius, plane.height + 2 * radius);
    let place = |position: usize, length: usize| {
        let position = position as isize - radius as isize;
        let last = length as isize - 1;
        let edge = position.clamp(0, last);
        (edge as usize, (2 * edge - position).clamp(0, last) as usize)
    };
    let at = |x: usize, y: usize| plane.levels[y * plane.width + x];
    let empty = Plane { width, height, levels: vec![0.0; width * height] };
    empty.map(|x, y, _| {
        let ((edge_x, mirror_x), (edge_y, mirror_y)) =
            (place(x, plane.width), place(y, plane.height));
        let (edge, mirror) = (at(edge_x, edge_y), at(mirror_x, mirror_y));
        if mirror - edge > MAX_STEP * mirror.abs().max(edge.abs()) {
            mirror
        } else {
            2.0 * edge - mirror
        }
    })
}

/// The extreme level within `radius` columns and rows of each cell.
fn extreme(plane: &Plane, radius: usize, choose: fn(f32, f32) -> f32) -> Plane {
    let window = |position: usize, length: usize| {
        position.saturating_sub(radius)..(position + radius + 1).min(length)
    };
    let at = |x: usize, y: usize| plane.levels[y * plane.width + x];
    let rows =
        plane.map(|x, y, level| window(x, plane.width).map(|near| at(near, y)).fold(level, choose));
    let at = |x: usize, y: usize| rows.levels[y * plane.width + x];
    rows.map(|x, y, level| window(y, plane.height).map(|near| at(x, near)).fold(level, choose))
}

/// Bilinear between the middles of the cells.
fn interpolated(plane: &Plane, x: f32, y: f32) -> f32 {
    let split = |fraction: f32, length: usize| {
        let position = (fraction * length as f32 - 0.5).clamp(0.0, (length - 1) as f32);
        let low = position as usize;
        (low, (low + 1).min(length - 1), position - low as f32)
    };
    let ((left, right, x), (top, bottom, y)) = (split(x, plane.width), split(y, plane.height));
    let at = |x: usize, y: usize| plane.levels[y * plane.width + x];
    let upper = at(left, top) * (1.0 - x) + at(right, top) * x;
    let lower = at(left, bottom) * (1.0 - x) + at(right, bottom) * x;
    upper * (1.0 - y) + lower * y
}
