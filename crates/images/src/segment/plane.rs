//! A reduced image on which the digit is looked for.

use crate::raster::Grey;

/// Levels of an image that may have been reduced, row by row.
#[derive(Clone, Debug)]
pub(super) struct Plane {
    /// Width, in cells.
    pub(super) width: usize,
    /// Height, in cells.
    pub(super) height: usize,
    /// `width * height` levels.
    pub(super) levels: Vec<f32>,
}

impl Plane {
    /// The means of squares of `factor` pixels a side; those at the right and bottom edge may be smaller.
    pub(super) fn reduced(grey: &Grey, factor: usize) -> Self {
        let (width, height) = (grey.width.div_ceil(factor), grey.height.div_ceil(factor));
        let mut levels = Vec::with_capacity(width * height);
        for rows in grey.pixels.chunks(grey.width * factor) {
            let mut sums = vec![0_u32; width];
            for row in rows.chunks_exact(grey.width) {
                for (sum, pixels) in sums.iter_mut().zip(row.chunks(factor)) {
                    *sum += pixels.iter().map(|&pixel| u32::from(pixel)).sum::<u32>();
                }
            }
            let n_rows = rows.len() / grey.width;
            levels.extend(sums.iter().enumerate().map(|(x, &sum)| {
                let n_columns = factor.min(grey.width - x * factor);
                sum as f32 / (n_rows * n_columns) as f32
            }));
        }
        Self { width, height, levels }
    }

    /// Each level replaced by `level(x, y, old)`.
    pub(super) fn map(&self, level: impl Fn(usize, usize, f32) -> f32) -> Self {
        let at = |(index, &old): (usize, &f32)| level(index % self.width, index / self.width, old);
        Self { levels: self.levels.iter().enumerate().map(at).collect(), ..*self }
    }

    /// Smoothed by the binomial filter of 3x3 cells, which divides the deviation of white noise by 2.7.
    pub(super) fn smoothed(&self) -> Self {
        let (last_x, last_y) = (self.width - 1, self.height - 1);
        let at = |x: usize, y: usize| self.levels[y * self.width + x];
        let rows = self.map(|x, y, old| {
            (at(x.saturating_sub(1), y) + 2.0 * old + at((x + 1).min(last_x), y)) / 4.0
        });
        let at = |x: usize, y: usize| rows.levels[y * self.width + x];
        rows.map(|x, y, old| {
            (at(x, y.saturating_sub(1)) + 2.0 * old + at(x, (y + 1).min(last_y))) / 4.0
        })
    }

    /// The levels without a parabola along each axis, fitted by least squares: light from one side, or a vignette.
    pub(super) fn without_trend(&self) -> Self {
        let mut plane = self.clone();
        for axis in 0..2 {
            let length = [self.width, self.height][axis];
            for shape in trends(length) {
                let at = |x: usize, y: usize| shape[[x, y][axis]];
                let square: f32 = shape.iter().map(|value| value * value).sum();
                if square == 0.0 {
                    continue;
                }
                let levels = plane.levels.iter().enumerate();
                let sum: f64 = levels
                    .map(|(index, &level)| {
                        f64::from(level * at(index % self.width, index / self.width))
                    })
                    .sum();
                let factor = sum as f32 / (square * (plane.levels.len() / length) as f32);
                plane = plane.map(|x, y, level| level - factor * at(x, y));
            }
        }
        plane
    }

    /// Standard deviation of the noise, in levels: Immerkaer's filter, which ignores gradients ("Fast Noise Variance
    /// Estimation", 1996), and the median in place of the mean, which ignores strokes.
    pub(super) fn noise(&self) -> f32 {
        let Self { width, height, ref levels } = *self;
        if width < 3 || height < 3 {
            return 0.0;
        }
        let second = |x: usize, y: usize| {
            let row = &levels[y * width..];
            row[x - 1] - 2.0 * row[x] + row[x + 1]
        };
        let filtered = |x, y| second(x, y - 1) - 2.0 * second(x, y) + second(x, y + 1);
        let mut values: Vec<f32> = (1..height - 1)
            .flat_map(|y| (1..width - 1).map(move |x| (x, y)))
            .map(|(x, y): (usize, usize)| filtered(x, y).abs())
            .collect();
        // The filter's coefficients have a norm of 6; the median of |x| is 0.6745 deviations of a normal variable.
        quantile(&mut values, 0.5) / (6.0 * 0.6745)
    }
}

/// A line and a parabola over `length` places, orthogonal to each other and to a constant.
fn trends(length: usize) -> [Vec<f32>; 2] {
    let middle = (length - 1) as f32 / 2.0;
    let line: Vec<f32> = (0..length).map(|place| (place as f32 - middle) / length as f32).collect();
    let mean = line.iter().map(|value| value * value).sum::<f32>() / length as f32;
    let parabola = line.iter().map(|value| value * value - mean).collect();
    [line, parabola]
}

/// The outermost values of a grid with `width` columns.
pub(crate) fn border<T: Copy>(values: &[T], width: usize) -> Vec<T> {
    let last_row = values.len() - width;
    let top_and_bottom = values[..width].iter().chain(&values[last_row..]);
    let sides = values.chunks_exact(width).flat_map(|row| [&row[0], &row[width - 1]]);
    top_and_bottom.chain(sides).copied().collect()
}

/// The value below which `fraction` of `values` lie; `values` must not be empty, and is reordered.
pub(super) fn quantile(values: &mut [f32], fraction: f32) -> f32 {
    let index = ((values.len() - 1) as f32 * fraction) as usize;
    *values.select_nth_unstable_by(index, f32::total_cmp).1
}
