//! Digits on paper as people photograph and scan it: light, noise, specks, rules, borders, desks.

use anyhow::Context;
use fastrand::Rng;
use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};
use images::{Grey, Image};

use crate::drawing::CANVAS;

/// Quality of the JPEG files, out of 100: a phone's.
const QUALITY: u8 = 90;

/// A place on the paper.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// Column, in pixels.
    pub(crate) x: usize,
    /// Row, in pixels.
    pub(crate) y: usize,
    /// The pen's ink there, 0 to 1.
    pub(crate) ink: f32,
    /// Noise of mean 0 and deviation 1.
    pub(crate) noise: f32,
}

/// The grey level of the photograph at a place.
type Level = fn(Place) -> f32;

/// What the paper looks like: a name, whether the image is a JPEG, and its levels.
#[rustfmt::skip]
pub(crate) const CONDITIONS: [(&str, bool, Level); 22] = [
    ("clean paper", false, |p| pen(p, 255.0, 20.0)),
    ("one stray pixel", false, |p| if (p.x, p.y) == (40, 60) { 0.0 } else { pen(p, 255.0, 20.0) }),
    ("one black row", false, |p| if p.y == 0 { 0.0 } else { pen(p, 255.0, 20.0) }),
    ("a speck of 3x3", false, |p| if within(p, [12, 12, 15, 15]) { 90.0 } else { pen(p, 255.0, 20.0) }),
    ("a punched hole", false, |p| if within(p, [20, 290, 60, 330]) { 40.0 } else { pen(p, 255.0, 20.0) }),
    ("a hairline border", false, |p| if within(p, [1, 1, 639, 639]) { pen(p, 255.0, 20.0) } else { 128.0 }),
    ("a scanner's border", false, |p| if within(p, [9, 9, 631, 631]) { pen(p, 255.0, 20.0) } else { 0.0 }),
    ("a black strip", false, |p| if p.x >= 624 { 0.0 } else { pen(p, 255.0, 20.0) }),
    ("an underline", false, |p| if within(p, [20, 560, 620, 570]) { 60.0 } else { pen(p, 255.0, 20.0) }),
    ("a printed box", false, |p| {
        let line = within(p, [60, 60, 580, 580]) && !within(p, [64, 64, 576, 576]);
        if line { 30.0 } else { pen(p, 250.0, 20.0) }
    }),
    ("sensor noise", true, |p| pen(p, 215.0, 55.0) + 4.0 * p.noise),
    ("faint pencil", true, |p| pen(p, 225.0, 190.0) + 2.5 * p.noise),
    ("ruled paper", true, |p| rules(p, 190.0, false).min(pen(p, 240.0, 30.0)) + 2.0 * p.noise),
    ("darkly ruled paper", true, |p| rules(p, 90.0, false).min(pen(p, 240.0, 30.0)) + 2.0 * p.noise),
    ("squared paper", true, |p| rules(p, 190.0, true).min(pen(p, 240.0, 30.0)) + 2.0 * p.noise),
    ("a vignette", true, |p| pen(p, 235.0, 40.0) * (1.0 - 0.35 * eccentricity(p)) + 3.0 * p.noise),
    ("light from one side", true, |p| pen(p, 235.0, 40.0) * (1.0 - 0.55 * across(p)) + 3.0 * p.noise),
    ("a shadow over one half", true, |p| {
        let shadow = 1.0 / (1.0 + (-(p.x as f32 - 320.0) / 20.0).exp());
        pen(p, 235.0, 40.0) * (1.0 - 0.4 * shadow) + 3.0 * p.noise
    }),
    ("pencil in uneven light", true, |p| pen(p, 225.0, 170.0) * (1.0 - 0.4 * across(p)) + 2.0 * p.noise),
    ("a sheet on a desk", true, |p| {
        if within(p, [90, 70, 560, 590]) { pen(p, 225.0, 40.0) + 3.0 * p.noise } else { 70.0 + 8.0 * p.noise }
    }),
    ("a desk at two sides", true, |p| {
        if within(p, [0, 0, 540, 560]) { pen(p, 225.0, 40.0) + 3.0 * p.noise } else { 60.0 + 8.0 * p.noise }
    }),
    ("chalk on a board", true, |p| 45.0 + 170.0 * p.ink + 5.0 * p.noise),
];

/// Paper without a digit.
pub(crate) const BLANK: [(&str, Level); 5] = [
    ("white paper", |_| 255.0),
    ("an empty shaded sheet", |p| 235.0 * (1.0 - 0.5 * across(p)) + 3.0 * p.noise),
    ("an empty ruled sheet", |p| rules(p, 190.0, false).min(240.0) + 2.0 * p.noise),
    ("an empty sheet on a desk", |p| {
        if within(p, [90, 70, 560, 590]) { 225.0 + 3.0 * p.noise } else { 70.0 + 8.0 * p.noise }
    }),
    ("an empty vignette", |p| 220.0 * (1.0 - 0.5 * eccentricity(p)) + 5.0 * p.noise),
];

fn pen(place: Place, paper: f32, ink: f32) -> f32 {
    paper - (paper - ink) * place.ink
}

fn rules(place: Place, line: f32, squared: bool) -> f32 {
    let is_line = |at: usize| (20..23).contains(&(at % 70));
    if is_line(place.y) || (squared && is_line(place.x)) { line } else { 255.0 }
}

fn within(place: Place, [left, top, right, bottom]: [usize; 4]) -> bool {
    (left..right).contains(&place.x) && (top..bottom).contains(&place.y)
}

/// From 0 at the left edge to 1 at the right one.
fn across(place: Place) -> f32 {
    place.x as f32 / CANVAS as f32
}

/// The square of the distance from the middle: 0 there, 1 in the corners.
fn eccentricity(place: Place) -> f32 {
    let middle = CANVAS as f32 / 2.0;
    ((place.x as f32 - middle).powi(2) + (place.y as f32 - middle).powi(2))
        / (2.0 * middle * middle)
}

/// Photographs an enlarged digit of [`CANVAS`]x[`CANVAS`] levels, white ink on black.
pub(crate) fn photograph(
    digit: &[u8],
    lossy: bool,
    level: Level,
    random: &mut Rng,
) -> anyhow::Result<Image> {
    let at = |(index, &drawn): (usize, &u8)| {
        // A pen has a hard core and a soft edge.
        let ink = ((f32::from(drawn) / 255.0 - 0.35) / 0.3).clamp(0.0, 1.0);
        // The sum of four uniform numbers, of variance a third, is nearly normal.
        let normal =
            |random: &mut Rng| 3.0_f32.sqrt() * ((0..4).map(|_| random.f32()).sum::<f32>() - 2.0);
        let noise = if lossy { normal(random) } else { 0.0 };
        level(Place { x: index % CANVAS, y: index / CANVAS, ink, noise }).clamp(0.0, 255.0) as u8
    };
    let pixels: Vec<u8> = digit.iter().enumerate().map(at).collect();
    if !lossy {
        return Ok(Image::from_grey(Grey { width: CANVAS, height: CANVAS, pixels, lossy })?);
    }
    let (mut file, side) = (Vec::new(), CANVAS as u32);
    JpegEncoder::new_with_quality(&mut file, QUALITY)
        .write_image(&pixels, side, side, ExtendedColorType::L8)
        .context("cannot encode a JPEG")?;
    Ok(images::decode(&file)?)
}
