//! Digits that kiln draws itself, for machines that cannot get MNIST.
//!
//! Each image starts from one of several ways to write its digit, with every point jittered; the digit is bent, slanted
//! and rotated, drawn with a pen of random width, and placed as MNIST's digits are: within 20x20 pixels, centred by
//! its centre of mass. Each image has its own random stream, so the result does not depend on the number of threads.
//! Only additions, multiplications, divisions and square roots are used, which IEEE 754 defines to the last bit, so
//! every machine draws the same.

use images::{BOX, ImageShape, Preparation};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;

use crate::dataset::{Dataset, digit_names};
use crate::examples::Examples;
use crate::glyphs::{GLYPHS, Stroke};
use crate::source::Source;

/// A point: `x` to the right, `y` down.
type Point = (f32, f32);

/// Shape of the images.
const SHAPE: ImageShape = ImageShape::DIGIT;
/// MNIST's numbers of images.
const N_TRAIN: usize = 60_000;
const N_TEST: usize = 10_000;

/// Straight segments between two knots of a stroke: at 20 pixels the curve looks smooth.
const SEGMENTS: usize = 6;
/// Standard deviation of the jitter of every knot, in the glyphs' units of 60x100.
const JITTER: f32 = 4.3;
/// Standard deviation of the bend of the whole digit at its edges, in the same units.
const BEND: f32 = 7.0;
/// Mean and standard deviation of the slant, as a slope; most writers slant to the right.
const SLANT: (f32, f32) = (0.14, 0.22);
/// Standard deviation of the rotation, as the tangent of half the angle: 9 degrees.
const ROTATION: f32 = 0.08;
/// Standard deviation of the relative change of the width.
const STRETCH: f32 = 0.2;
/// Smallest width, as a fraction of the original: a narrower 7 looks like a 1.
const NARROWEST: f32 = 0.65;
/// Radius of the pen in pixels: smallest, largest.
const RADIUS: (f32, f32) = (0.55, 1.8);
/// How much of its first and last segment a stroke may lack, as a fraction.
const SHORTENING: f32 = 0.45;
/// Largest slope of the ink's level across the digit, relative to full ink.
const DRY: f32 = 0.35;
/// Largest random loss of a pixel's level, relative to it.
const GRAIN: f32 = 0.12;
/// Factor of all levels; above 1 it saturates the middle of a stroke, as in MNIST.
const PRESSURE: f32 = 1.15;

/// Draws 60,000 training and 10,000 test images.
pub(crate) fn draw(seed: u32) -> Dataset {
    let train = examples(seed, 0, N_TRAIN);
    let test = examples(seed, N_TRAIN as u64, N_TEST);
    let name = "synthetic digits".to_owned();
    let classes = digit_names(10);
    Dataset::of_stored(name, Source::Synthetic, classes, Preparation::Digit, [train, test])
}

/// The images `first` to `first + n - 1` of a seed.
fn examples(seed: u32, first: u64, n: usize) -> Examples {
    let mut pixels = vec![0; n * SHAPE.size()];
    let labels = pixels
        .par_chunks_exact_mut(SHAPE.size())
        .enumerate()
        .map(|(index, pixels)| {
            let mut random = Random(ChaCha8Rng::seed_from_u64(u64::from(seed)));
            random.0.set_stream(first + index as u64);
            let label = random.below(GLYPHS.len());
            pixels.copy_from_slice(&write(label, &mut random));
            label as u16
        })
        .collect();
    Examples { shape: SHAPE, pixels, labels }
}

/// One image of a digit.
fn write(digit: usize, random: &mut Random) -> Vec<u8> {
    let glyph = GLYPHS[digit][random.below(GLYPHS[digit].len())];
    let mut strokes: Vec<Vec<Point>> = glyph.iter().map(|stroke| curve(stroke, random)).collect();
    deform(&mut strokes, random);
    let radius = random.between(RADIUS.0, RADIUS.1);
    fit(&mut strokes, radius);

    // The squared distance from every pixel's centre to the nearest stroke, if it is near.
    let mut distances = [f32::MAX; BOX * BOX];
    for stroke in &strokes {
        stroke.windows(2).for_each(|ends| approach(&mut distances, ends[0], ends[1], radius + 1.0));
    }
    // The level of the ink falls linearly across the digit, as if the pen ran dry.
    let (dry_x, dry_y) = (random.between(-DRY, DRY), random.between(-DRY, DRY));
    let mut ink = [0; BOX * BOX];
    for (index, (ink, distance)) in ink.iter_mut().zip(distances).enumerate() {
        let coverage = (radius + 0.5 - distance.sqrt()).clamp(0.0, 1.0);
        if coverage > 0.0 {
            let (x, y) = ((index % BOX) as f32 / BOX as f32, (index / BOX) as f32 / BOX as f32);
            let wet = (1.0 + dry_x * (x - 0.5) + dry_y * (y - 0.5)).min(1.0);
            let level = 255.0 * coverage * wet * (1.0 - GRAIN * random.unit());
            *ink = (PRESSURE * level).min(255.0) as u8;
        }
    }
    images::centre(&ink)
}

/// A stroke as straight segments, with every knot jittered and the ends shortened.
fn curve(stroke: Stroke, random: &mut Random) -> Vec<Point> {
    let mut points: Vec<Point> = Vec::with_capacity(stroke.len());
    for (index, &knot) in stroke.iter().enumerate() {
        let corner = index > 0 && stroke[index - 1] == knot;
        points.push(match points.last() {
            Some(&same) if corner => same,
            _ => {
                let (x, y) = (f32::from(knot.0), f32::from(knot.1));
                (x + JITTER * random.normal(), y + JITTER * random.normal())
            }
        });
    }
    let last = points.len() - 1;
    let (start, end) = (SHORTENING * random.unit(), SHORTENING * random.unit());
    let mut curve = Vec::with_capacity(last * SEGMENTS + 1);
    for knot in 0..last {
        let around = [knot.saturating_sub(1), knot, knot + 1, (knot + 2).min(last)];
        let from = if knot == 0 { start } else { 0.0 };
        let to = if knot + 1 == last { 1.0 - end } else { 1.0 };
        for segment in 0..=SEGMENTS {
            let along = from + (to - from) * segment as f32 / SEGMENTS as f32;
            curve.push(catmull_rom(around.map(|index| points[index]), along));
        }
    }
    curve
}

/// The Catmull-Rom spline through the two middle points (Catmull and Rom, 1974), `along` in [0, 1].
fn catmull_rom(points: [Point; 4], along: f32) -> Point {
    let at = |a: f32, b: f32, c: f32, d: f32| {
        let (linear, square, cube) =
            (c - a, 2.0 * a - 5.0 * b + 4.0 * c - d, 3.0 * (b - c) + d - a);
        b + 0.5 * along * (linear + along * (square + along * cube))
    };
    let [a, b, c, d] = points;
    (at(a.0, b.0, c.0, d.0), at(a.1, b.1, c.1, d.1))
}

/// Bends, stretches, slants and rotates the whole digit.
fn deform(strokes: &mut [Vec<Point>], random: &mut Random) {
    let (bend_x, bend_y) = (BEND * random.normal(), BEND * random.normal());
    let stretch = (1.0 + STRETCH * random.normal()).max(NARROWEST);
    let slant = SLANT.0 + SLANT.1 * random.normal();
    let half = ROTATION * random.normal();
    // Sine and cosine from the tangent of half the angle.
    let (sine, cosine) =
        (2.0 * half / (1.0 + half * half), (1.0 - half * half) / (1.0 + half * half));
    for (x, y) in strokes.iter_mut().flatten() {
        let (u, v) = ((*x - 30.0) / 30.0, (*y - 50.0) / 50.0);
        let bent = (30.0 * u + bend_x * v * v, 50.0 * v + bend_y * u * u);
        let (x_upright, y_upright) = (stretch * bent.0 - slant * bent.1, bent.1);
        *x = cosine * x_upright - sine * y_upright;
        *y = sine * x_upright + cosine * y_upright;
    }
}

/// Scales and moves the strokes so that the bounding box of the ink of a pen of `radius` is centred in the 20x20 box
/// and its longer side fills it.
fn fit(strokes: &mut [Vec<Point>], radius: f32) {
    let range = |coordinate: fn(&Point) -> f32| {
        let values = || strokes.iter().flatten().map(coordinate);
        (values().fold(f32::MAX, f32::min), values().fold(f32::MIN, f32::max))
    };
    let ((left, right), (top, bottom)) = (range(|point| point.0), range(|point| point.1));
    let scale = (BOX as f32 - 2.0 * radius) / (right - left).max(bottom - top);
    let middle = BOX as f32 / 2.0;
    for (x, y) in strokes.iter_mut().flatten() {
        *x = middle + scale * (*x - (left + right) / 2.0);
        *y = middle + scale * (*y - (top + bottom) / 2.0);
    }
}

/// Lowers the squared distances of the pixels within `reach` of the segment from `a` to `b`.
fn approach(distances: &mut [f32; BOX * BOX], a: Point, b: Point, reach: f32) {
    let (dx, dy) = (b.0 - a.0, b.1 - a.1);
    let length = (dx * dx + dy * dy).max(1e-6);
    let cells = |a: f32, b: f32| {
        let from = (a.min(b) - reach).max(0.0) as usize;
        from..((a.max(b) + reach) as usize + 1).min(BOX)
    };
    for row in cells(a.1, b.1) {
        for column in cells(a.0, b.0) {
            let (x, y) = (column as f32 + 0.5 - a.0, row as f32 + 0.5 - a.1);
            let along = ((x * dx + y * dy) / length).clamp(0.0, 1.0);
            let (x, y) = (x - along * dx, y - along * dy);
            let distance = &mut distances[row * BOX + column];
            *distance = distance.min(x * x + y * y);
        }
    }
}

/// The random numbers of an image.
struct Random(ChaCha8Rng);

impl Random {
    /// Uniform in [0, 1): 24 bits, as many as an `f32` holds.
    fn unit(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / (1 << 24) as f32
    }

    fn between(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.unit()
    }

    /// Uniform in `0..n`; the bias of the product is below 1e-8.
    fn below(&mut self, n: usize) -> usize {
        ((u64::from(self.0.next_u32()) * n as u64) >> 32) as usize
    }

    /// Mean 0, standard deviation 1, approximately normal and within 3, since outliers would be unreadable. The sum of
    /// three uniform numbers (Irwin-Hall distribution) has a variance of a quarter.
    fn normal(&mut self) -> f32 {
        2.0 * (self.unit() + self.unit() + self.unit() - 1.5)
    }
}

#[cfg(test)]
mod tests;
