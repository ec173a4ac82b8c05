//! The contrast of an image with its background, and the thresholds above which it is ink.

use super::Foreground;
use super::clutter::Found;
use super::mask::Mask;
use super::paper::Paper;
use super::plane::{Plane, border, quantile};
use crate::raster::Grey;

/// Lowest contrast of a digit, in grey levels. JPEG leaves noise of up to about ten levels on blank paper; faint pencil
/// has a contrast of forty.
const MIN_CONTRAST: f32 = 16.0;
/// The same on an uneven background, where it is a fraction of the light, in 255ths.
const MIN_UNEVEN: f32 = 26.0;
/// Lowest contrast of a digit, in deviations of the noise: among 100,000 cells one exceeds 4.3.
const MIN_SIGNAL: f32 = 8.0;
/// The threshold is above this many deviations of the noise.
const NOISE_THRESHOLD: f32 = 4.5;
/// The highest threshold, as a fraction of the highest contrast, however uneven the background.
const MAX_THRESHOLD: f32 = 0.6;
/// The threshold is above this quantile of the border's contrast, with a margin because the background is more uneven
/// inside the image. The rest of the border is left to strokes that touch it.
const BORDER_QUANTILE: f32 = 0.9;
const BORDER_MARGIN: f32 = 1.25;
/// The highest unevenness of a background that is first taken for one level, as a fraction of the highest contrast.
const MAX_UNEVENNESS: f32 = 0.2;
/// The most cells of a digit for each that has half of the highest contrast: more of them are a stain or a shadow.
const MAX_HALO: f32 = 2.2;
/// Levels on one side of the median are ink's if those on the other side reach less than this fraction as far.
const ONE_SIDED: f32 = 0.25;
/// Cells around the digit whose pixels belong to it too: smoothing and reducing blur its edge.
const REACH: usize = 2;
/// The cells that may exceed the "highest" contrast of a noisy image: specks.
const OUTLIERS: f32 = 8.0;

/// A background, and the contrasts with it on the reduced image.
pub(super) struct Contrast {
    paper: Paper,
    /// -1 for dark ink, 1 for bright ink.
    sign: f32,
    /// Ink is positive.
    pub(super) plane: Plane,
    highest: f32,
    unevenness: f32,
    /// Whether one level describes the background badly: light differs to both sides of it, ink only to one.
    pub(super) uneven: bool,
    /// Standard deviation of the background.
    noise: f32,
}

impl Contrast {
    /// The contrast with the border's median, of the ink that differs most, dark or bright.
    pub(super) fn flat(plane: &Plane, noise: f32) -> Self {
        let [dark, bright] =
            [-1.0, 1.0].map(|sign| Self::new(plane, Paper::flat(plane), sign, noise));
        if dark.highest >= bright.highest { dark } else { bright }
    }

    /// The contrast with a surface that follows the light. Ink covers less than half of the image, so it is dark if
    /// the darkest cells differ most from the median. Where light reaches far to both sides of it, more than pencil
    /// does perhaps, the light's trend is taken off first.
    pub(super) fn uneven(plane: &Plane, noise: f32) -> Self {
        let mut around = around_median(&plane.levels);
        if around[0].min(around[1]) > ONE_SIDED * around[0].max(around[1]) {
            around = around_median(&plane.without_trend().levels);
        }
        let sign = if around[0] >= around[1] { -1.0 } else { 1.0 };
        Self::new(plane, Paper::uneven(plane, sign), sign, noise)
    }

    fn new(plane: &Plane, paper: Paper, sign: f32, noise: f32) -> Self {
        let at = |position: usize, length: usize| (position as f32 + 0.5) / length as f32;
        let contrast =
            |x, y, level| paper.contrast(level, at(x, plane.width), at(y, plane.height), sign);
        let plane = plane.map(contrast);
        let outliers = if noise > 0.0 { OUTLIERS / plane.levels.len() as f32 } else { 0.0 };
        let highest = quantile(&mut plane.levels.clone(), 1.0 - outliers.min(0.1));
        // JPEG leaves little of the finest noise, so the background's own spread counts too: that of its lower part,
        // which ink does not reach. These quantiles of a normal distribution are 1.12 deviations apart.
        let mut levels = plane.levels.clone();
        let spread = quantile(&mut levels, 0.3) - quantile(&mut levels, 0.05);
        let noise = noise.max(spread / 1.12);
        let mut border = border(&plane.levels, plane.width);
        let unevenness = BORDER_MARGIN * quantile(&mut border, BORDER_QUANTILE);
        let brighter = -BORDER_MARGIN * quantile(&mut border, 1.0 - BORDER_QUANTILE);
        let uneven = unevenness.min(brighter) > MAX_UNEVENNESS * highest;
        Self { paper, sign, plane, highest, unevenness, uneven, noise }
    }

    /// Whether nothing stands out from light and noise.
    pub(super) fn is_blank(&self) -> bool {
        let lowest = if matches!(self.paper, Paper::Flat(_)) { MIN_CONTRAST } else { MIN_UNEVEN };
        self.highest < lowest.max(MIN_SIGNAL * self.noise)
    }

    /// The contrast from which a cell is ink: `fraction` of the highest one, but above noise and unevenness.
    pub(super) fn threshold(&self, fraction: f32) -> f32 {
        let lowest = (NOISE_THRESHOLD * self.noise).max(self.unevenness);
        lowest.max(fraction * self.highest).min(MAX_THRESHOLD * self.highest)
    }

    /// The cells with at least that contrast.
    pub(super) fn mask(&self, threshold: f32) -> Mask {
        let Plane { width, height, ref levels } = self.plane;
        Mask { width, height, cells: levels.iter().map(|&level| level >= threshold).collect() }
    }

    /// The cells with at least half of the highest contrast.
    pub(super) fn core(&self) -> Mask {
        self.mask(self.highest / 2.0)
    }

    /// Whether most of what was found is as dark, or as bright, as ink.
    pub(super) fn is_crisp(&self, found: &Found) -> bool {
        let core = self.core();
        let count =
            |cells: &mut dyn Iterator<Item = bool>| cells.filter(|&cell| cell).count() as f32;
        let all = count(&mut found.mask.cells.iter().copied());
        let core =
            count(&mut found.mask.cells.iter().zip(&core.cells).map(|(&cell, &core)| cell && core));
        all < MAX_HALO * core
    }

    /// The contrasts of the image's own pixels, near the cells that were taken for the digit and nowhere else.
    pub(super) fn foreground(
        &self,
        grey: &Grey,
        factor: usize,
        threshold: f32,
        found: &Found,
    ) -> Foreground {
        let near = found.mask.dilated(REACH);
        let [first, last] = found.bounds;
        let [left, top] = first.map(|cell| cell.saturating_sub(REACH) * factor);
        let [right, bottom] = last.map(|cell| (cell + REACH + 1) * factor);
        let (right, bottom) = (right.min(grey.width), bottom.min(grey.height));
        let at = |position: usize, length: usize| (position as f32 + 0.5) / length as f32;
        let contrast = |x: usize, y: usize| {
            if !near.cells[y / factor * near.width + x / factor] {
                return 0.0;
            }
            let level = f32::from(grey.pixels[y * grey.width + x]);
            let (x, y) = (at(x, grey.width), at(y, grey.height));
            let contrast = self.paper.contrast(level, x, y, self.sign);
            if contrast < threshold { 0.0 } else { contrast.min(self.highest) }
        };
        let places = (top..bottom).flat_map(|y| (left..right).map(move |x| (x, y)));
        let contrasts = places.map(|(x, y)| contrast(x, y)).collect();
        Foreground { width: right - left, contrasts, several: found.several }
    }
}

/// How far the darkest and the brightest levels are from the median, but for a few cells.
fn around_median(levels: &[f32]) -> [f32; 2] {
    let mut levels = levels.to_vec();
    let [dark, middle, bright] =
        [0.002, 0.5, 0.998].map(|fraction| quantile(&mut levels, fraction));
    [middle - dark, bright - middle]
}
