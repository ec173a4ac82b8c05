//! Augmentation: small random changes to a training image, drawn anew each time it is shown.

use images::ImageShape;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use run::AugmentationSettings;

/// Control points of an elastic distortion along each side; between them displacements are interpolated.
const KNOTS: usize = 5;
/// Random 32-bit words reserved for an image: five numbers of two words, and two for each control point and axis.
const WORDS: u128 = 128;
/// Keeps augmentation's random numbers apart from those of shuffling and dropout; the value has no other meaning.
const AUGMENTATION: u64 = 0x6175_676D_656E_7431;

/// Rotates, shifts, zooms and distorts the image `from` into `to`, both `shape.size()` bytes. Beyond the edge of the
/// image is background, 0. Every channel is moved alike.
///
/// Each amount is uniform within its limit in `settings`; sampling is bilinear. Elastic displacements are normal, drawn
/// at 5x5 points and interpolated: a cheap form of the smoothed noise of Simard and others 2003. Nothing is mirrored,
/// since a mirrored 2 is not a digit.
///
/// The result depends on the arguments alone, so that it is the same for a resumed run and for any number of threads:
/// `seed` is the run's, `epoch` counts from 1, and `index` is the image's in its data set.
///
/// # Panics
/// If `from` or `to` does not have `shape.size()` bytes.
pub fn augment(
    settings: &AugmentationSettings,
    (seed, epoch, index): (u64, usize, u32),
    shape: ImageShape,
    from: &[u8],
    to: &mut [u8],
) {
    assert_eq!([from.len(), to.len()], [shape.size(); 2]);
    let ImageShape { height, width, .. } = shape;
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ AUGMENTATION);
    random.set_stream(epoch as u64);
    random.set_word_pos(u128::from(index) * WORDS);
    let map = Map::draw(settings, shape, &mut random);
    let elastic = settings.elastic;
    let displacements =
        (elastic > 0.0).then(|| Displacements::draw(elastic, shape, &mut random));
    for (row, column) in (0..height).flat_map(|row| (0..width).map(move |column| (row, column))) {
        let (x, y) = (column as f64, row as f64);
        let (mut from_x, mut from_y) = map.source(x, y);
        if let Some(displacements) = &displacements {
            let (dx, dy) = displacements.at(x, y);
            from_x += dx;
            from_y += dy;
        }
        let planes = from.chunks_exact(height * width).zip(to.chunks_exact_mut(height * width));
        for (from, to) in planes {
            to[row * width + column] = sample(from, (height, width), from_x, from_y);
        }
    }
}

/// An affine map from a pixel of the new image to its source in the old one.
struct Map {
    matrix: [f64; 4],
    shift: [f64; 2],
    /// The centre of the image, in pixels: the fixed point of rotation and zoom.
    centre: [f64; 2],
}

impl Map {
    fn draw(
        settings: &AugmentationSettings,
        shape: ImageShape,
        random: &mut ChaCha8Rng,
    ) -> Self {
        let mut within = |limit: f64| limit * (2.0 * uniform(random) - 1.0);
        let (sin, cos) = within(settings.rotation).to_radians().sin_cos();
        let shift = [within(settings.shift), within(settings.shift)];
        let zoom = [1.0 + within(settings.zoom), 1.0 + within(settings.zoom)];
        // The inverse of a zoom followed by a rotation.
        let matrix = [cos / zoom[0], sin / zoom[0], -sin / zoom[1], cos / zoom[1]];
        let centre = [shape.width, shape.height].map(|side| (side as f64 - 1.0) / 2.0);
        Self { matrix, shift, centre }
    }

    fn source(&self, x: f64, y: f64) -> (f64, f64) {
        let ([a, b, c, d], [centre_x, centre_y]) = (self.matrix, self.centre);
        let (x, y) = (x - centre_x - self.shift[0], y - centre_y - self.shift[1]);
        (centre_x + a * x + b * y, centre_y + c * x + d * y)
    }
}

/// Displacements along both axes, interpolated between control points.
struct Displacements {
    /// At the control points, row by row.
    knots: [[(f64, f64); KNOTS]; KNOTS],
    /// Pixels between two control points along x and y: the five span a side.
    spacing: [f64; 2],
}

impl Displacements {
    fn draw(deviation: f64, shape: ImageShape, random: &mut ChaCha8Rng) -> Self {
        let mut knots = [[(0.0, 0.0); KNOTS]; KNOTS];
        for knot in knots.iter_mut().flatten() {
            *knot = (deviation * normal(random), deviation * normal(random));
        }
        let spacing = [shape.width, shape.height].map(|side| side as f64 / (KNOTS - 1) as f64);
        Self { knots, spacing }
    }

    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let (x, y) = (x / self.spacing[0], y / self.spacing[1]);
        let (column, row) = (x as usize, y as usize);
        let (right, below) = (x - column as f64, y - row as f64);
        let [upper, lower] = [&self.knots[row], &self.knots[row + 1]];
        let mix = |of: fn(&(f64, f64)) -> f64| {
            let along = |row: &[(f64, f64); KNOTS]| {
                of(&row[column]) * (1.0 - right) + of(&row[column + 1]) * right
            };
            along(upper) * (1.0 - below) + along(lower) * below
        };
        (mix(|knot| knot.0), mix(|knot| knot.1))
    }
}

/// Bilinear interpolation between the four pixels around a point of one channel; beyond the image is background.
fn sample(plane: &[u8], (height, width): (usize, usize), x: f64, y: f64) -> u8 {
    let (left, top) = (x.floor(), y.floor());
    let (right, below) = ((x - left) as f32, (y - top) as f32);
    let (left, top) = (left as i32, top as i32);
    let (height, width) = (height as i32, width as i32);
    if left < -1 || top < -1 || left >= width || top >= height {
        return 0;
    }
    let level = |x: i32, y: i32| {
        let inside = x >= 0 && y >= 0 && x < width && y < height;
        if inside { f32::from(plane[(y * width + x) as usize]) } else { 0.0 }
    };
    let upper = level(left, top) * (1.0 - right) + level(left + 1, top) * right;
    let lower = level(left, top + 1) * (1.0 - right) + level(left + 1, top + 1) * right;
    (upper * (1.0 - below) + lower * below).round() as u8
}

/// A number in [0, 1).
fn uniform(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1u64 << 53) as f64
}

/// A number with mean 0 and variance 1, approximately normal and within 3.5: the sum of four uniform ones.
fn normal(random: &mut ChaCha8Rng) -> f64 {
    let bits = random.next_u64();
    let sum: u64 = (0..4).map(|i| bits >> (16 * i) & 0xFFFF).sum();
    // Each has mean 1/2 and variance 1/12.
    (sum as f64 / 65536.0 - 2.0) * 3f64.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: AugmentationSettings =
        AugmentationSettings { rotation: 0.0, shift: 0.0, zoom: 0.0, elastic: 0.0 };
    const ALL: AugmentationSettings =
        AugmentationSettings { rotation: 10.0, shift: 2.0, zoom: 0.1, elastic: 0.5 };
    const DRAW: (u64, usize, u32) = (1, 1, 0);
    /// Every test of a single effect uses an image that is not square.
    const SHAPE: ImageShape = ImageShape { channels: 1, height: 28, width: 40 };
    const CENTRE: (f64, f64) = (19.5, 13.5);

    /// A bar of ink, off the centre and taller than wide.
    fn bar() -> Vec<u8> {
        let inked = |row, column| (8..20).contains(&row) && (16..20).contains(&column);
        let level = |row, column| if inked(row, column) { 200 } else { 0 };
        (0..28).flat_map(|row| (0..40).map(move |column| level(row, column))).collect()
    }

    fn augmented(settings: AugmentationSettings, draw: (u64, usize, u32)) -> Vec<u8> {
        let mut to = vec![7; SHAPE.size()];
        augment(&settings, draw, SHAPE, &bar(), &mut to);
        to
    }

    /// Sum of the ink, and its mean and variance along both axes.
    fn moments(image: &[u8]) -> [f64; 5] {
        let mut sums = [0.0; 5];
        for (at, &level) in image.iter().enumerate() {
            let (ink, x, y) = (f64::from(level), (at % 40) as f64, (at / 40) as f64);
            for (sum, value) in
                sums.iter_mut().zip([ink, ink * x, ink * y, ink * x * x, ink * y * y])
            {
                *sum += value;
            }
        }
        let [ink, x, y, xx, yy] = sums;
        let (x, y) = (x / ink, y / ink);
        [ink, x, y, xx / ink - x * x, yy / ink - y * y]
    }

    #[test]
    fn limits_of_zero_leave_an_image_unaugmented() {
        assert!(NONE.is_none());
        assert_eq!(augmented(NONE, DRAW), bar());
    }

    #[test]
    fn every_channel_is_moved_as_a_single_one() {
        let noise: Vec<u8> = (0..SHAPE.size()).map(|at| (at * at % 251) as u8).collect();
        let planes = [bar(), noise, bar().iter().map(|level| 255 - level).collect()];
        let shape = ImageShape { channels: 3, ..SHAPE };
        let mut together = vec![7; shape.size()];
        augment(&ALL, DRAW, shape, &planes.concat(), &mut together);
        let alone = planes.map(|plane| {
            let mut to = vec![7; SHAPE.size()];
            augment(&ALL, DRAW, SHAPE, &plane, &mut to);
            to
        });
        assert_eq!(together, alone.concat());
        assert_ne!(alone[0], bar());
    }

    /// SHA-256 of what earlier versions made of the same MNIST-sized image: runs must be reproducible.
    #[test]
    fn a_digit_is_augmented_to_the_same_bytes_as_ever() {
        let shape = ImageShape::DIGIT;
        let from: Vec<u8> = (0..shape.size()).map(|at| (at * at * 7 % 253) as u8).collect();
        let mut all = Vec::new();
        for draw in [(1, 1, 0), (42, 3, 59_999), (u64::MAX, 20, u32::MAX)] {
            let mut to = vec![7; shape.size()];
            augment(&ALL, draw, shape, &from, &mut to);
            all.extend(to);
        }
        assert_eq!(crate::hash::sha256(&[&all]), "TODO");
    }

    #[test]
    fn a_shift_moves_the_ink_within_its_limit_and_nothing_else() {
        let limit = 3.0;
        let [ink, x, y, across, down] = moments(&bar());
        let mut farthest: f64 = 0.0;
        for index in 0..200 {
            let settings = AugmentationSettings { shift: limit, ..NONE };
            let moved = moments(&augmented(settings, (1, 1, index)));
            let (dx, dy) = (moved[1] - x, moved[2] - y);
            assert!(dx.abs() < limit + 0.05 && dy.abs() < limit + 0.05, "{dx} {dy}");
            assert!((moved[0] / ink - 1.0).abs() < 0.01, "{moved:?}");
            // Interpolation spreads an edge by less than a quarter of a pixel squared.
            assert!((moved[3] - across).abs() < 0.3 && (moved[4] - down).abs() < 0.3, "{moved:?}");
            farthest = farthest.max(dx.abs());
        }
        assert!(farthest > 0.9 * limit, "{farthest}");
    }

    #[test]
    fn a_rotation_turns_about_the_centre_within_its_limit() {
        let angle = |image: &[u8]| {
            let [_, x, y, ..] = moments(image);
            (y - CENTRE.1).atan2(x - CENTRE.0).to_degrees()
        };
        let (before, mut farthest): (f64, f64) = (angle(&bar()), 0.0);
        for index in 0..200 {
            let settings = AugmentationSettings { rotation: 30.0, ..NONE };
            let turned = augmented(settings, (1, 1, index));
            // The bar lies 1.58 pixels from the centre, so a hundredth of a pixel is a third of a degree.
            let by = (angle(&turned) - before + 540.0).rem_euclid(360.0) - 180.0;
            assert!(by.abs() < 31.0, "{by}");
            farthest = farthest.max(by.abs());
        }
        assert!(farthest > 27.0, "{farthest}");
    }

    #[test]
    fn a_zoom_scales_each_side_within_its_limit() {
        let [ink, ..] = moments(&bar());
        let ratios: Vec<f64> = (0..200)
            .map(|index| {
                let settings = AugmentationSettings { zoom: 0.2, ..NONE };
                moments(&augmented(settings, (1, 1, index)))[0] / ink
            })
            .collect();
        let (least, most) =
            ratios.iter().fold((9.0, 0.0), |(a, b): (f64, f64), &r| (a.min(r), b.max(r)));
        assert!(least > 0.62 && least < 0.75 && most < 1.46 && most > 1.3, "{least} {most}");
    }

    #[test]
    fn an_elastic_distortion_displaces_by_its_deviation() {
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let (mut sum, mut squares, n) = (0.0, 0.0, 2000 * KNOTS * KNOTS);
        for _ in 0..2000 {
            for (dx, _) in Displacements::draw(1.5, SHAPE, &mut random).knots.into_iter().flatten() {
                sum += dx;
                squares += dx * dx;
            }
        }
        let deviation = (squares / n as f64).sqrt();
        assert!((deviation - 1.5).abs() < 0.02 && (sum / n as f64).abs() < 0.02, "{deviation}");
        let distorted = augmented(AugmentationSettings { elastic: 1.5, ..NONE }, DRAW);
        assert_ne!(distorted, bar());
        let [ink, ..] = moments(&bar());
        assert!((moments(&distorted)[0] / ink - 1.0).abs() < 0.5);
    }

    #[test]
    fn seed_epoch_and_index_each_change_the_result() {
        let once = augmented(ALL, DRAW);
        assert_eq!(once, augmented(ALL, DRAW));
        for other in [(2, 1, 0), (1, 2, 0), (1, 1, 1), (1, 1, u32::MAX)] {
            assert_ne!(once, augmented(ALL, other), "{other:?}");
        }
    }
}
