//! Classifications as a CSV file, the least certain first.

use std::cmp::Ordering;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use atomic_write_file::AtomicWriteFile;

use crate::error::{Error, Result};
use crate::files::Classification;

/// The names of the columns.
const HEADER: [&str; 6] =
    ["path", "label", "probability", "second_label", "second_probability", "doubtful"];

/// A CSV file that appears complete, or not at all.
pub(crate) struct Table {
    path: PathBuf,
    file: AtomicWriteFile,
    rows: Vec<Row>,
}

/// An image's answer; classes are indices.
struct Row {
    path: String,
    best: (usize, f32),
    second: Option<(usize, f32)>,
    doubtful: Option<bool>,
}

impl Table {
    /// Begins a table that is to stand at `path`. What is there stays until [`write`](Self::write), but a folder that is
    /// missing is found here, before images are classified for nothing.
    ///
    /// # Errors
    /// [`Error::Write`], also where `path` is anything but a regular file; [`Error::OtherFile`].
    pub(crate) fn begin(path: &Path) -> Result<Self> {
        let refused = |source| Error::Write { path: path.to_owned(), source };
        if std::fs::metadata(path).is_ok_and(|there| !there.is_file()) {
            return Err(refused(io::Error::other("it is not a regular file")));
        }
        // A pattern such as `--csv *.png` names an image.
        if !is_table_or_empty(path).map_err(refused)? {
            return Err(Error::OtherFile { path: path.to_owned() });
        }
        let file = AtomicWriteFile::open(path).map_err(refused)?;
        Ok(Self { path: path.to_owned(), file, rows: Vec::new() })
    }

    /// Adds the images of one file.
    pub(crate) fn add(&mut self, file: &Path, images: &[Classification]) {
        let file = file.to_string_lossy();
        self.rows.extend(images.iter().map(|image| {
            let Classification { class, probabilities, .. } = image;
            let others = (0..probabilities.len()).filter(|other| other != class);
            let second = others.reduce(|second, other| {
                if probabilities[other] > probabilities[second] { other } else { second }
            });
            Row {
                path: image.index.map_or_else(|| file.to_string(), |i| format!("{file}[{i}]")),
                best: (*class, probabilities[*class]),
                second: second.map(|second| (second, probabilities[second])),
                doubtful: image.doubtful,
            }
        }));
    }

    /// Writes the table, in which class `i` is `classes[i]`; returns how many images it has, and how many are doubtful.
    ///
    /// # Errors
    /// [`Error::Write`].
    pub(crate) fn write(mut self, classes: &[String]) -> Result<(usize, usize)> {
        // Equally certain ones stay in the order of the files.
        self.rows.sort_by(|a, b| by_certainty(a.best.1, b.best.1));
        let Self { path, file, rows } = self;
        let refused = |source| Error::Write { path: path.clone(), source };
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut write = |fields: [&str; 6]| writer.write_record(fields).map_err(io::Error::from);
        write(HEADER).map_err(refused)?;
        for Row { path, best, second, doubtful } in &rows {
            let (second_class, second_probability) = match second {
                Some((class, probability)) => (classes[*class].as_str(), probability.to_string()),
                None => ("", String::new()),
            };
            let probability = best.1.to_string();
            let doubtful = doubtful.map(|doubtful| doubtful.to_string()).unwrap_or_default();
            let label = &classes[best.0];
            write([path, label, &probability, second_class, &second_probability, &doubtful])
                .map_err(refused)?;
        }
        let bytes =
            writer.into_inner().map_err(|error| refused(io::Error::other(error.to_string())))?;
        let commit = |mut file: AtomicWriteFile| {
            file.write_all(&bytes)?;
            file.commit()
        };
        commit(file).map_err(refused)?;
        Ok((rows.len(), rows.iter().filter(|row| row.doubtful == Some(true)).count()))
    }
}

/// Whether there is nothing at `path`, an empty file, or a table that was written before.
fn is_table_or_empty(path: &Path) -> io::Result<bool> {
    let mut start = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(HEADER[0].len() as u64).read_to_end(&mut start)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    Ok(start.is_empty() || start == HEADER[0].as_bytes())
}

/// The least certain first; a probability that is not a number before all.
fn by_certainty(a: f32, b: f32) -> Ordering {
    b.is_nan().cmp(&a.is_nan()).then(a.total_cmp(&b))
}
