//! CSV files of labels and pixels, `label,pixel0,pixel1,...`, as Kaggle has them: square images of grey levels.

use std::path::Path;

use images::ImageShape;
use run::DataSettings;

use crate::class_list::ClassList;
use crate::csv_file::{self, Columns, line, wrong};
use crate::dataset::{Dataset, stem};
use crate::error::{Error, Result};
use crate::event::Event;
use crate::examples::Examples;
use crate::progress::Progress;
use crate::source::Source;
use crate::{memory, preparation, test_part};

/// Images of a file.
const MAX_IMAGES: usize = 4_000_000;

/// Loads the images in `train` and, where there is one, in `test`; else test images are split off. `path` is what the user
/// named.
///
/// # Errors
/// [`Error::Csv`] with the line of what is wrong; [`Error::Classes`], [`Error::Memory`], [`Error::Read`].
pub(crate) fn load(
    path: &Path,
    train: &Path,
    test: Option<&Path>,
    settings: &DataSettings,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Dataset> {
    let mut classes = ClassList::default();
    let mut learned = read(train, &mut |name| classes.label(name), on_event)?;
    let known = |name: &str| {
        classes
            .known(name)
            .ok_or_else(|| format!("'{name}' is no label in {}: remove the row", train.display()))
    };
    let mut tested = test.map(|test| read(test, &mut |name| known(name), on_event)).transpose()?;
    if let (Some(tested), Some(path)) = (&tested, test)
        && tested.shape != learned.shape
    {
        let (found, expected) = (tested.shape, learned.shape);
        let sides = |shape: ImageShape| [shape.height, shape.width];
        let (found, expected) = (sides(found), sides(expected));
        return Err(Error::ShapesDiffer { path: path.to_owned(), found, expected });
    }
    let (classes, numbers) = classes.finish(train)?;
    for examples in [Some(&mut learned), tested.as_mut()].into_iter().flatten() {
        examples.labels.iter_mut().for_each(|label| *label = numbers[usize::from(*label)]);
    }
    let preparation = preparation::of_stored(settings, &learned);
    let shape = preparation::shape_of_stored(settings, &learned, preparation, on_event)?;
    learned = preparation::fitted(learned, shape, preparation)?;
    let (train, test) = match tested {
        Some(tested) => (learned, preparation::fitted(tested, shape, preparation)?),
        None => {
            let parts = test_part::split_off(learned, Vec::new(), 0, settings.split_seed);
            test_part::notify(train, &parts, on_event);
            (parts.train, parts.test)
        }
    };
    let source = Source::Directory(path.to_owned());
    Ok(Dataset::of_stored(stem(path), source, classes, preparation, [train, test]))
}

/// The rows of a file; `label_of` gives the label of a name, or says what is wrong with it.
fn read(
    path: &Path,
    label_of: &mut dyn FnMut(&str) -> std::result::Result<u16, String>,
    on_event: &mut dyn FnMut(Event<'_>),
) -> Result<Examples> {
    let mut file = csv_file::open(path)?;
    let Columns::Pixels { label: Some(label_at), pixels: pixels_at } = file.columns.clone() else {
        let reason = "the header has no column label: name a file of training images";
        return Err(wrong(path, 1, reason));
    };
    let side = pixels_at.len().isqrt();
    let shape = ImageShape { channels: 1, height: side, width: side };
    if file.most_rows > MAX_IMAGES {
        let reason = format!("there are more than {MAX_IMAGES} rows: remove some");
        return Err(wrong(path, MAX_IMAGES as u64 + 1, reason));
    }
    memory::check(file.most_rows, shape, true)?;
    let mut pixels = Vec::with_capacity(file.most_rows * shape.size());
    let mut labels = Vec::with_capacity(file.most_rows);
    let mut progress = Progress::new(file.most_rows);
    let mut row = csv::ByteRecord::new();
    while let Some(place) = file.next(&mut row)? {
        let wrong = |reason: String| wrong(path, line(path, &place), reason);
        let text = |at: usize| row.get(at).and_then(|field| std::str::from_utf8(field).ok());
        let name = text(label_at).filter(|name| !name.is_empty());
        let name =
            name.ok_or_else(|| wrong("it has no label: add it, or remove the row".into()))?;
        labels.push(label_of(name).map_err(wrong)?);
        for (number, &at) in pixels_at.iter().enumerate() {
            let level = text(at).and_then(|text| text.parse::<u8>().ok()).ok_or_else(|| {
                let found = text(at).unwrap_or("?");
                wrong(format!(
                    "its pixel {number} is '{found}', no level from 0 to 255: correct it"
                ))
            })?;
            pixels.push(level);
        }
        progress.show(labels.len(), on_event);
    }
    progress.end(on_event);
    if labels.is_empty() {
        return Err(Error::Empty { path: path.to_owned() });
    }
    Ok(Examples { shape, pixels, labels })
}
