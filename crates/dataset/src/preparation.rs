//! What the network's input is, and how images become it, where the user leaves it open.

use images::{Grey, Image, ImageShape, Preparation, is_prepared, to_network};
use run::{DataSettings, Size};

use crate::error::{Error, Result};
use crate::event::Event;
use crate::examples::Examples;

/// Stored images that are looked at.
const SAMPLE: usize = 1000;
/// The fraction of them that must be digits as MNIST has them.
const PREPARED: f64 = 0.9;
/// From this fraction of images in colour on they are no scanned digits.
const COLOURED: f64 = 0.1;
/// The longest side, in pixels, where the images leave it open: of small ones, whose median side is [`SMALL`] at most, and
/// of others.
const DEFAULT_SIDES: [usize; 2] = [32, 64];
const SMALL: usize = 40;

/// What some of the images in files are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    /// Height and width of each, in pixels.
    pub(crate) sides: Vec<[usize; 2]>,
    /// How many have colours.
    pub(crate) n_coloured: usize,
}

impl Sample {
    /// As numbers of four bytes: how many have colours, then the sides.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let numbers = [self.n_coloured].into_iter().chain(self.sides.iter().flatten().copied());
        numbers.flat_map(|number| (number as u32).to_le_bytes()).collect()
    }

    /// What [`to_bytes`](Self::to_bytes) wrote.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (numbers, []) = bytes.as_chunks::<4>() else { return None };
        let mut numbers = numbers.iter().map(|bytes| u32::from_le_bytes(*bytes) as usize);
        let n_coloured = numbers.next()?;
        let numbers: Vec<usize> = numbers.collect();
        let (sides, []) = numbers.as_chunks::<2>() else { return None };
        Some(Self { sides: sides.to_vec(), n_coloured })
    }
}

/// Of image files: as digits, if the classes are digits and the images have no colours.
pub(crate) fn of_files(settings: &DataSettings, classes: &[&str], sample: &Sample) -> Preparation {
    let is_digit =
        |class: &&str| class.len() == 1 && class.bytes().all(|byte| byte.is_ascii_digit());
    let coloured = sample.n_coloured as f64 >= COLOURED * sample.sides.len().max(1) as f64;
    let asked = settings.size != Size::Auto || settings.color.channels().is_some();
    let digits = classes.iter().all(is_digit) && !coloured && !asked;
    settings.prepare.chosen().unwrap_or_else(|| named(digits))
}

/// Of images that are stored as the network takes them: as digits, if these are digits that were prepared already.
pub(crate) fn of_stored(settings: &DataSettings, train: &Examples) -> Preparation {
    settings.prepare.chosen().unwrap_or_else(|| {
        let images = || train.pixels.chunks_exact(train.shape.size()).take(SAMPLE);
        let n_prepared = images().filter(|image| is_prepared(image)).count();
        let fits = train.shape == ImageShape::DIGIT && settings.size == Size::Auto;
        named(fits && n_prepared as f64 >= PREPARED * images().len() as f64)
    })
}

const fn named(digits: bool) -> Preparation {
    if digits { Preparation::Digit } else { Preparation::Stretch }
}

/// The shape of the network's input: what the settings say, else what the images are. A notice says what was chosen where
/// the images leave it open.
///
/// # Errors
/// [`Error::Input`] where the settings ask for what the digit preparation does not give.
pub(crate) fn shape(
    settings: &DataSettings,
    sample: &Sample,
    preparation: Preparation,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<ImageShape> {
    let digits = preparation == Preparation::Digit;
    let channels = match settings.color.channels() {
        Some(channels) => channels,
        None if digits || sample.n_coloured == 0 => 1,
        None => 3,
    };
    let [height, width] = match settings.size {
        Size::Sides { height, width } => [height, width],
        Size::Auto if digits => [ImageShape::DIGIT.height, ImageShape::DIGIT.width],
        Size::Auto => sides(sample, preparation, on_event),
    };
    let shape = ImageShape { channels, height, width };
    if digits && shape != ImageShape::DIGIT {
        return Err(Error::Input { shape });
    }
    Ok(shape)
}

/// The images' own sides where all have the same and a network takes them, else a default.
fn sides(
    sample: &Sample,
    preparation: Preparation,
    on_event: &mut dyn FnMut(Event<'_>),
) -> [usize; 2] {
    let mut sizes = sample.sides.clone();
    sizes.sort_unstable();
    let mut longest: Vec<usize> = sizes.iter().map(|sides| sides[0].max(sides[1])).collect();
    longest.sort_unstable();
    let median = longest.get(longest.len() / 2).copied().unwrap_or(SMALL);
    let (smallest, largest) = (sizes.first().copied(), sizes.last().copied());
    sizes.dedup();
    let default = DEFAULT_SIDES[usize::from(median > SMALL)];
    let (found, [height, width]) = match sizes[..] {
        [sides] if sides.iter().all(|side| Size::SIDES.contains(side)) => return sides,
        [[height, width]] => {
            let longest = height.max(width) as f64;
            let scaled = |side: usize| (side as f64 / longest * default as f64).round() as usize;
            let sides = [height, width].map(|side| scaled(side).max(*Size::SIDES.start()));
            (format!("images of {width}x{height} pixels"), sides)
        }
        _ => {
            let text = |sides: Option<[usize; 2]>| {
                sides.map_or_else(String::new, |[height, width]| format!("{width}x{height}"))
            };
            let range = format!("from {} to {} pixels", text(smallest), text(largest));
            (format!("images of {} sizes, {range}", sizes.len()), [default; 2])
        }
    };
    on_event(Event::Notice(&format!(
        "{found}: each becomes {width}x{height} pixels (--size HEIGHTxWIDTH, 8 to 128 a side) by \"{}\" (--prepare)",
        preparation.name()
    )));
    [height, width]
}

/// [`shape`] for images that are stored in one size and in grey levels.
pub(crate) fn shape_of_stored(
    settings: &DataSettings,
    train: &Examples,
    preparation: Preparation,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<ImageShape> {
    let ImageShape { height, width, .. } = train.shape;
    // Stored digits are taken as they are.
    let (sides, preparation) = match (train.shape, preparation) {
        (ImageShape::DIGIT, _) => (vec![[height, width]], Preparation::Stretch),
        _ => (vec![[height, width]], preparation),
    };
    shape(settings, &Sample { sides, n_coloured: 0 }, preparation, on_event)
}

/// Stored images in another shape; those that have it already are taken as they are.
///
/// # Errors
/// [`Error::Prepare`] for the first that cannot be prepared.
pub(crate) fn fitted(
    examples: Examples,
    shape: ImageShape,
    preparation: Preparation,
) -> Result<Examples> {
    if examples.shape == shape {
        return Ok(examples);
    }
    let ImageShape { height, width, .. } = examples.shape;
    let Examples { shape: stored, mut pixels, labels } = examples;
    let (from, to) = (stored.size(), shape.size());
    // In place, so that the images are in memory once: from the last one on where they grow.
    let n = labels.len();
    pixels.reserve_exact(n * to.saturating_sub(from));
    pixels.resize(n * from.max(to), 0);
    for step in 0..n {
        let index = if to > from { n - 1 - step } else { step };
        let levels = pixels[index * from..][..from].to_vec();
        let image = Image::from_grey(Grey { width, height, pixels: levels, lossy: false });
        let prepared = image.and_then(|image| to_network(&image, shape, preparation));
        let unusable = |source| Error::Prepare { index, source: Box::new(source) };
        pixels[index * to..][..to].copy_from_slice(&prepared.map_err(unusable)?.pixels);
    }
    pixels.truncate(n * to);
    pixels.shrink_to_fit();
    Ok(Examples { shape, pixels, labels })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    /// The shape and the notices for images of these sides.
    fn chosen(
        settings: &DataSettings,
        sides: &[[usize; 2]],
        n_coloured: usize,
    ) -> (ImageShape, usize) {
        let sample = Sample { sides: sides.to_vec(), n_coloured };
        let mut notices = 0;
        let found = shape(settings, &sample, Preparation::Stretch, &mut |_| notices += 1);
        (found.unwrap(), notices)
    }

    #[test]
    fn images_of_one_size_keep_it_and_others_get_a_default() {
        let auto = run::Config::default().data;
        let shape = |channels, height, width| ImageShape { channels, height, width };
        assert_eq!(chosen(&auto, &[[32, 20]; 3], 0), (shape(1, 32, 20), 0));
        assert_eq!(chosen(&auto, &[[32, 20]; 3], 1), (shape(3, 32, 20), 0));
        assert_eq!(chosen(&auto, &[[600, 300]; 3], 0), (shape(1, 64, 32), 1));
        assert_eq!(chosen(&auto, &[[30, 40], [40, 30]], 3), (shape(3, 32, 32), 1));
        assert_eq!(chosen(&auto, &[[300, 400], [40, 30], [90, 90]], 0), (shape(1, 64, 64), 1));
        let size = "16x24".parse().unwrap();
        let given = DataSettings { size, color: run::Color::Rgb, ..auto.clone() };
        assert_eq!(chosen(&given, &[[300, 400], [40, 30]], 0), (shape(3, 16, 24), 0));
    }

    #[test]
    fn digits_have_one_shape() {
        let auto = run::Config::default().data;
        let sample = Sample { sides: vec![[100, 100]], n_coloured: 1 };
        let digit = |settings| super::shape(settings, &sample, Preparation::Digit, &mut |_| ());
        assert_eq!(digit(&auto).unwrap(), ImageShape::DIGIT);
        let wrong = DataSettings { size: "32".parse().unwrap(), ..auto.clone() };
        assert!(matches!(digit(&wrong), Err(Error::Input { .. })));
    }

    #[test]
    fn digits_without_colours_are_prepared_as_digits() {
        let auto = run::Config::default().data;
        let of = |classes: &[&str], n_coloured| {
            of_files(&auto, classes, &Sample { sides: vec![[9, 9]; 100], n_coloured })
        };
        assert_eq!(of(&["0", "1"], 5), Preparation::Digit);
        assert_eq!(of(&["0", "1"], 50), Preparation::Stretch);
        assert_eq!(of(&["0", "x"], 0), Preparation::Stretch);
    }
}
