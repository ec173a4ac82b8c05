//! Each effect alone, its limits, channels, and reproducibility.

use super::*;

const NONE: AugmentationSettings = AugmentationSettings {
    rotation: 0.0,
    shift: 0.0,
    zoom: 0.0,
    elastic: 0.0,
    flip: false,
    crop: 0.0,
    brightness: 0.0,
    contrast: 0.0,
    saturation: 0.0,
    erase: 0.0,
};
const ALL: AugmentationSettings =
    AugmentationSettings { rotation: 10.0, shift: 2.0, zoom: 0.1, elastic: 0.5, ..NONE };
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
        for (sum, value) in sums.iter_mut().zip([ink, ink * x, ink * y, ink * x * x, ink * y * y]) {
            *sum += value;
        }
    }
    let [ink, x, y, xx, yy] = sums;
    let (x, y) = (x / ink, y / ink);
    [ink, x, y, xx / ink - x * x, yy / ink - y * y]
}

#[test]
fn limits_of_zero_leave_an_image_unchanged() {
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
    assert_eq!(
        crate::hash::sha256(&[&all]),
        "b1f0d3419db79660f88e49dddfb576c1eb51aba5c03398fc536098494a48053a"
    );
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
        // The bar is 2 pixels from the centre, so a hundredth of a pixel is a third of a degree.
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

#[test]
fn an_image_is_mirrored_in_every_second_epoch() {
    let flip = AugmentationSettings { flip: true, ..NONE };
    let mirrored: Vec<u8> =
        bar().chunks_exact(SHAPE.width).flat_map(|row| row.iter().rev().copied()).collect();
    let mut n_first = 0;
    for index in 0..200 {
        let [first, second] = [1, 2].map(|epoch| augmented(flip, (1, epoch, index)) == mirrored);
        assert_ne!(first, second);
        assert_eq!(first, augmented(flip, (1, 3, index)) == mirrored);
        n_first += usize::from(first);
    }
    assert!((70..=130).contains(&n_first), "{n_first} of 200");
}

#[test]
fn a_crop_shifts_by_whole_pixels_and_mirrors_the_border() {
    let crop = AugmentationSettings { crop: 0.125, ..NONE };
    let ramp: Vec<u8> = (0..28 * 40).map(|at| (at % 40 * 6) as u8).collect();
    let (mut least, mut most) = (0, 0);
    for index in 0..100 {
        let mut to = vec![0; SHAPE.size()];
        augment(&crop, (1, 1, index), SHAPE, &ramp, &mut to);
        let by = i32::from(to[20] / 6) - 20;
        (least, most) = (least.min(by), most.max(by));
        for (column, level) in (0..).zip(&to[..40]) {
            let from: i32 = (column + by).abs();
            assert_eq!(i32::from(*level), 6 * if from > 39 { 78 - from } else { from }, "{by}");
        }
    }
    assert_eq!((least, most), (-5, 5));
}

#[test]
fn levels_change_within_their_limits_and_channels_keep_their_order() {
    let shape = ImageShape { channels: 3, height: 8, width: 8 };
    let from = [[90; 64], [120; 64], [150; 64]].concat();
    let change = |settings: AugmentationSettings, index| {
        let mut to = vec![0; 192];
        augment(&settings, (1, 1, index), shape, &from, &mut to);
        [to[0], to[64], to[128]].map(i32::from)
    };
    let settings = |brightness, contrast, saturation| AugmentationSettings {
        brightness,
        contrast,
        saturation,
        ..NONE
    };
    let all: Vec<_> = (0..50).map(|index| change(settings(0.1, 0.0, 0.0), index)).collect();
    assert!(all.iter().all(|[r, g, b]| (g - r, b - g) == (30, 30) && (r - 90).abs() <= 26));
    assert!(all.iter().any(|[r, ..]| r - 90 > 15) && all.iter().any(|[r, ..]| r - 90 < -15));
    for [r, g, b] in (0..50).map(|index| change(settings(0.0, 0.5, 0.5), index)) {
        assert!(r < g && g < b, "{r} {g} {b}");
    }
    let spread = |[r, _, b]: [i32; 3]| b - r;
    let spreads = (0..50).map(|index| spread(change(settings(0.0, 0.0, 0.5), index)));
    let (least, most) = spreads.fold((999, 0), |(l, m), spread| (l.min(spread), m.max(spread)));
    assert!((30..45).contains(&least) && (75..=90).contains(&most), "{least} {most}");
}

#[test]
fn a_square_is_erased_somewhere() {
    let erase = AugmentationSettings { erase: 0.25, ..NONE };
    let from: Vec<u8> = (0..SHAPE.size()).map(|at| (at % 2 * 200) as u8).collect();
    let mut whole = 0;
    for index in 0..50 {
        let mut to = vec![0; SHAPE.size()];
        augment(&erase, (1, 1, index), SHAPE, &from, &mut to);
        // A quarter of 28 pixels; at the edge a part of it lies outside.
        let erased = to.iter().filter(|&&level| level == 100).count();
        assert!((1..=49).contains(&erased), "{erased}");
        whole += usize::from(erased == 49);
    }
    assert!(whole > 20, "{whole} of 50");
}
