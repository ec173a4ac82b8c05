//! Mirrored images, and random crops of an image with a mirrored border.

use images::ImageShape;
use rand_chacha::ChaCha8Rng;

use super::uniform;

/// Whether an image is mirrored in an epoch: in every second one, from the first or the second on.
pub(super) fn is_mirrored(seed: u64, epoch: usize, index: u32) -> bool {
    // The finaliser of SplitMix64 (Steele, Lea and Flood 2014): a bit for each image.
    let mut bits = seed.wrapping_add(u64::from(index).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((bits ^ (bits >> 31)) & 1 == 1) ^ epoch.is_multiple_of(2)
}

/// Shifts an image by up to `fraction` of each side, in whole pixels, what comes in being mirrored at the border; and
/// mirrors all of it from left to right if `mirrored`.
pub(super) fn crop(
    fraction: f64,
    mirrored: bool,
    shape: ImageShape,
    random: &mut ChaCha8Rng,
    image: &mut [u8],
) {
    let ImageShape { height, width, .. } = shape;
    let mut shift = |side: usize| match fraction > 0.0 {
        true => (fraction * side as f64 * (2.0 * uniform(random) - 1.0)).round(),
        false => 0.0,
    };
    let (dx, dy) = (shift(width), shift(height));
    let source = |place: usize, by: f64, side: usize| within(place as f64 + by, side) as usize;
    let column = |x: usize| source(if mirrored { width - 1 - x } else { x }, dx, width);
    let columns: Vec<usize> = (0..width).map(column).collect();
    let before = image.to_vec();
    for (plane, before) in
        image.chunks_exact_mut(height * width).zip(before.chunks_exact(height * width))
    {
        for (y, row) in plane.chunks_exact_mut(width).enumerate() {
            let before = &before[source(y, dy, height) * width..][..width];
            row.iter_mut().zip(&columns).for_each(|(level, &column)| *level = before[column]);
        }
    }
}

/// A place along a side, mirrored at its first and its last pixel until it lies between them.
pub(super) fn within(place: f64, side: usize) -> f64 {
    let last = (side - 1) as f64;
    if last == 0.0 {
        return 0.0;
    }
    let folded = place.rem_euclid(2.0 * last);
    if folded > last { 2.0 * last - folded } else { folded }
}
