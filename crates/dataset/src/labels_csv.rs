//! A CSV of paths and labels, and of parts where it has such a column.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::class_list::ClassList;
use crate::csv_file::{self, Columns, line, wrong};
use crate::error::Result;
use crate::event::Event;
use crate::folder::{PARTS, count_images};
use crate::listing::{Listing, Part};

/// The files that a CSV lists, in its order; paths are relative to the CSV.
///
/// # Errors
/// [`Error::Csv`](crate::Error::Csv) with the line of what is wrong; [`Error::Classes`](crate::Error::Classes),
/// [`Error::Read`](crate::Error::Read).
pub(crate) fn listing(path: &Path) -> Result<Listing> {
    let mut file = csv_file::open(path)?;
    let Columns::Labels { path: path_at, label: label_at, part: part_at } = file.columns else {
        return Err(wrong(path, 1, "it lists pixels, not paths"));
    };
    let root = path.parent().unwrap_or(Path::new("")).to_owned();
    let mut classes = ClassList::default();
    let mut parts = [const { Vec::<(PathBuf, u16)>::new() }; 3];
    let mut lines: HashMap<PathBuf, csv::Position> = HashMap::new();
    let mut row = csv::ByteRecord::new();
    while let Some(place) = file.next(&mut row)? {
        let wrong = |reason: String| wrong(path, line(path, &place), reason);
        let text = |at: usize, what: &str| match row.get(at).map(std::str::from_utf8) {
            Some(Ok(text)) if !text.is_empty() => Ok(text),
            Some(Ok(_)) | None => {
                Err(wrong(format!("it has no {what}: add it, or remove the row")))
            }
            Some(Err(_)) => Err(wrong(format!("its {what} is not UTF-8: save the file as UTF-8"))),
        };
        // `./x.png` is `x.png`.
        let image: PathBuf = Path::new(text(path_at, "path")?).components().collect();
        let image: PathBuf = image.strip_prefix(".").map(Path::to_owned).unwrap_or(image);
        let label = classes.label(text(label_at, "label")?).map_err(wrong)?;
        let part = match part_at {
            Some(at) => part(text(at, "part")?).map_err(wrong)?,
            None => 0,
        };
        if !root.join(&image).is_file() {
            return Err(wrong(format!(
                "there is no file {}: correct the path, which is relative to {}, or remove the row",
                image.display(),
                if root.as_os_str().is_empty() { Path::new(".") } else { &root }.display()
            )));
        }
        if let Some(first) = lines.insert(image.clone(), place.clone()) {
            let (image, first) = (image.display(), line(path, &first));
            return Err(wrong(format!(
                "{image} is listed in line {first} too: remove one of them"
            )));
        }
        parts[part].push((image, label));
    }
    let (classes, numbers) = classes.finish(path)?;
    let make = |files: Vec<(PathBuf, u16)>| {
        let mut part = Part { place: path.to_owned(), ..Part::default() };
        for (path, label) in files {
            part.paths.push(path);
            part.labels.push(numbers[usize::from(label)]);
        }
        part.check_count().map(|()| part)
    };
    let [mut train, val, test] = parts.map(make);
    let all = (0..classes.len() as u16).map(|label| (label, path.to_owned()));
    if let Ok(train) = &mut train {
        train.classes.extend(all.clone());
    }
    let some = |part: Result<Part>| part.map(|part| (!part.paths.is_empty()).then_some(part));
    let mut test = some(test)?;
    if let Some(test) = &mut test {
        test.classes.extend(all);
    }
    Ok(Listing { root, classes, train: train?, val: some(val)?, test })
}

/// Says how many images there are beside and below the list that are not in it.
pub(crate) fn notify_unlisted(listing: &Listing, on_event: &mut dyn FnMut(Event<'_>)) {
    let parts = [Some(&listing.train), listing.val.as_ref(), listing.test.as_ref()];
    let listed: usize = parts.into_iter().flatten().map(|part| part.paths.len()).sum();
    let unlisted = count_images(&listing.root).saturating_sub(listed);
    if unlisted > 0 {
        on_event(Event::Notice(&format!(
            "images that the list does not name are not used: there are {unlisted}"
        )));
    }
}

/// The index of a part in [`PARTS`].
fn part(text: &str) -> std::result::Result<usize, String> {
    let is_it = |names: &&[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(text));
    PARTS
        .iter()
        .position(is_it)
        .ok_or_else(|| format!("'{text}' is no part of a data set: write train, val or test"))
}
