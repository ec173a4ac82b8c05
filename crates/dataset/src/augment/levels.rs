//! Changes of an image's levels: brightness, contrast, saturation, and an erased square.

use images::ImageShape;
use rand_chacha::ChaCha8Rng;
use run::AugmentationSettings;

use super::uniform;

/// The parts of red, green and blue in the grey level (Rec. 709).
const LUMA: [f32; 3] = [0.2126, 0.7152, 0.0722];

/// Changes brightness, contrast and saturation.
pub(super) fn change(
    settings: &AugmentationSettings,
    shape: ImageShape,
    random: &mut ChaCha8Rng,
    image: &mut [u8],
) {
    let mut within = |limit: f64| (limit * (2.0 * uniform(random) - 1.0)) as f32;
    let brightness = 255.0 * within(settings.brightness);
    let contrast = 1.0 + within(settings.contrast);
    let saturation = 1.0 + within(settings.saturation);
    let plane = shape.size() / shape.channels;
    let mean = image.iter().map(|&level| f32::from(level)).sum::<f32>() / image.len() as f32;
    let changed = |level: f32| (mean + (level - mean) * contrast + brightness).round() as u8;
    for at in 0..plane {
        let grey = match shape.channels {
            3 => (0..3).map(|channel| LUMA[channel] * f32::from(image[channel * plane + at])).sum(),
            _ => f32::from(image[at]),
        };
        for channel in 0..shape.channels {
            let level = &mut image[channel * plane + at];
            *level = changed(grey + (f32::from(*level) - grey) * saturation);
        }
    }
}

/// Sets a square of `fraction` of the shorter side to the mean of each channel. Its middle is anywhere in the image, so
/// part of it may lie outside.
pub(super) fn erase(fraction: f64, shape: ImageShape, random: &mut ChaCha8Rng, image: &mut [u8]) {
    let ImageShape { height, width, .. } = shape;
    let side = (fraction * height.min(width) as f64).round();
    let mut span = |length: usize| {
        let first = (uniform(random) * length as f64 - side / 2.0).round();
        let [first, last] = [first, first + side].map(|end| end.clamp(0.0, length as f64) as usize);
        first..last
    };
    let (columns, rows) = (span(width), span(height));
    for plane in image.chunks_exact_mut(height * width) {
        let sum: u64 = plane.iter().map(|&level| u64::from(level)).sum();
        let mean = (sum as f64 / plane.len() as f64).round() as u8;
        for row in rows.clone() {
            plane[row * width..][columns.clone()].fill(mean);
        }
    }
}
