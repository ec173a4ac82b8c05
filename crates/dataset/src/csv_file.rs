//! CSV files: which of them list images, and reading them within bounds.
//!
//! Two kinds are known: paths with labels, and labels with pixels, as Kaggle has them. Both have a header.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use csv::Position;

use crate::error::{Error, Result};
use crate::event::Event;
use crate::layout::{Layout, entries, list, notify_skipped};

/// The longest line that is read, in bytes: a row of 128x128 pixels in three channels has a fifth of it.
const LONGEST_LINE: usize = 1 << 20;
/// Names of the columns, in any case.
const PATH: [&str; 4] = ["path", "file", "filename", "image"];
const LABEL: [&str; 2] = ["label", "class"];
const PART: [&str; 2] = ["split", "part"];
const PIXEL: &str = "pixel";

/// What the header of a CSV says about its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Columns {
    /// A path and a label; with a column that says which part an image belongs to.
    Labels { path: usize, label: usize, part: Option<usize> },
    /// A label where there is one, and pixels, row by row: the column of each.
    Pixels { label: Option<usize>, pixels: Vec<usize> },
}

/// An open CSV.
pub(crate) struct CsvFile {
    pub(crate) path: PathBuf,
    pub(crate) columns: Columns,
    /// At least as many as there are rows below the header.
    pub(crate) most_rows: usize,
    pub(crate) reader: csv::Reader<File>,
}

/// The error of a row, whose line is counted from 1.
pub(crate) fn wrong(path: &Path, line: u64, reason: impl Into<String>) -> Error {
    Error::Csv { path: path.to_owned(), line, reason: reason.into() }
}

/// The line of a row, from 1. The reader says where the row before it ended; empty lines follow.
pub(crate) fn line(path: &Path, place: &Position) -> u64 {
    let skipped = || -> std::io::Result<usize> {
        let mut file = File::open(path)?;
        file.seek(SeekFrom::Start(place.byte()))?;
        let bytes = BufReader::new(file).bytes().map_while(std::io::Result::ok);
        let empty = bytes.take_while(|byte| matches!(byte, b'\r' | b'\n'));
        Ok(empty.filter(|&byte| byte == b'\n').count())
    };
    place.line() + skipped().unwrap_or(0) as u64
}

/// Opens a CSV whose header is known.
///
/// # Errors
/// [`Error::Read`]; [`Error::Csv`] where the header is not known, or a line is too long to be one of such a file.
pub(crate) fn open(path: &Path) -> Result<CsvFile> {
    let unreadable = |source| Error::Read { path: path.to_owned(), source };
    let header = header(path).map_err(unreadable)?;
    let columns = columns(&header).map_err(|reason| wrong(path, 1, reason))?;
    let most_rows = count_lines(path)?.saturating_sub(1);
    let reader = csv::ReaderBuilder::new()
        .delimiter(delimiter(&header))
        .trim(csv::Trim::All)
        .from_path(path)
        .map_err(|error| unreadable(error.into()))?;
    Ok(CsvFile { path: path.to_owned(), columns, most_rows, reader })
}

impl CsvFile {
    /// Reads the next row into `row`; where it begins, or none at the end.
    ///
    /// # Errors
    /// [`Error::Csv`] where it has more or fewer fields than the header; [`Error::Read`].
    pub(crate) fn next(&mut self, row: &mut csv::ByteRecord) -> Result<Option<Position>> {
        let read = self.reader.read_byte_record(row).map_err(|error| match error.kind() {
            csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
                let line = pos.as_ref().map_or(0, |place| line(&self.path, place));
                let reason = format!("it has {len} fields, the header {expected_len}: correct it");
                wrong(&self.path, line, reason)
            }
            _ => Error::Read { path: self.path.clone(), source: error.into() },
        })?;
        Ok(read.then(|| row.position().cloned().unwrap_or_else(Position::new)))
    }
}

/// The list of images in `folder`, where there is one. A notice names what is not used.
///
/// # Errors
/// [`Error::SeveralSets`] where there are several lists.
pub(crate) fn find(folder: &Path, on_event: &mut dyn FnMut(Event<'_>)) -> Result<Option<Layout>> {
    let (mut labels, mut pixels, mut unlabelled) = (Vec::new(), Vec::new(), Vec::new());
    for entry in entries(folder).unwrap_or_default() {
        let path = entry.path();
        let is_csv = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("csv"));
        if !is_csv || !path.is_file() {
            continue;
        }
        match header(&path).ok().and_then(|header| columns(&header).ok()) {
            Some(Columns::Labels { .. }) => labels.push(path),
            Some(Columns::Pixels { label: Some(_), .. }) => pixels.push(path),
            Some(Columns::Pixels { label: None, .. }) => unlabelled.push(path),
            None => {}
        }
    }
    let is_named = |path: &Path, word: &str| {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase();
        name.contains(word)
    };
    let layout = match (&mut labels[..], &mut pixels[..]) {
        ([], []) => return Ok(None),
        ([one], []) => Layout::Labels(one.clone()),
        ([], [one]) => Layout::Pixels { train: one.clone(), test: None },
        ([], [a, b]) if is_named(a, "test") && is_named(b, "train") => {
            Layout::Pixels { train: b.clone(), test: Some(a.clone()) }
        }
        _ => {
            let all: Vec<_> = labels.iter().chain(&pixels).collect();
            let names: Vec<_> = all.iter().map(|path| path.display().to_string()).collect();
            return Err(Error::SeveralSets { path: folder.to_owned(), sets: list(&names) });
        }
    };
    notify_skipped("of images without labels", &unlabelled, on_event);
    Ok(Some(layout))
}

/// What the CSV that a user named contains.
///
/// # Errors
/// [`Error::Read`]; [`Error::Csv`] where its header is not known.
pub(crate) fn layout(path: &Path) -> Result<Layout> {
    let unreadable = |source| Error::Read { path: path.to_owned(), source };
    let header = header(path).map_err(unreadable)?;
    Ok(match columns(&header).map_err(|reason| wrong(path, 1, reason))? {
        Columns::Labels { .. } => Layout::Labels(path.to_owned()),
        Columns::Pixels { .. } => Layout::Pixels { train: path.to_owned(), test: None },
    })
}

/// The first line, without a byte order mark.
fn header(path: &Path) -> std::io::Result<String> {
    let mut line = Vec::new();
    let file = File::open(path)?.take(LONGEST_LINE as u64);
    BufReader::new(file).read_until(b'\n', &mut line)?;
    let text = String::from_utf8_lossy(&line);
    Ok(text.trim_start_matches('\u{feff}').trim_end().to_owned())
}

/// Comma, or what a spreadsheet writes where commas are decimal points.
fn delimiter(header: &str) -> u8 {
    let found = [b',', b';', b'\t'].into_iter().find(|byte| header.as_bytes().contains(byte));
    found.unwrap_or(b',')
}

/// What a header says, or what is wrong with it.
fn columns(header: &str) -> std::result::Result<Columns, String> {
    let delimiter = char::from(delimiter(header));
    let name = |field: &str| field.trim().trim_matches('"').trim().to_lowercase();
    let names: Vec<String> = header.split(delimiter).map(name).collect();
    let of = |known: &[&str]| names.iter().position(|name| known.contains(&name.as_str()));
    let label = of(&LABEL);
    if let (Some(path), Some(label)) = (of(&PATH), label) {
        return Ok(Columns::Labels { path, label, part: of(&PART) });
    }
    let number = |name: &String| name.strip_prefix(PIXEL)?.parse::<u32>().ok();
    let mut numbered: Vec<(u32, usize)> = Vec::new();
    numbered.extend(names.iter().enumerate().filter_map(|(at, name)| Some((number(name)?, at))));
    numbered.sort_unstable();
    if numbered.is_empty() {
        return Err(format!(
            "the header has no column for the path ({}) and the label ({}), and none for pixels (label,pixel0,pixel1 \
             and so on): name its columns so",
            PATH.join(", "),
            LABEL.join(", ")
        ));
    }
    let first = numbered[0].0;
    let gap = numbered.iter().zip(first..).find(|((number, _), expected)| number != expected);
    if let Some((_, expected)) = gap {
        return Err(format!("the header has no column pixel{expected}, or twice: correct it"));
    }
    let pixels: Vec<usize> = numbered.into_iter().map(|(_, at)| at).collect();
    if pixels.len().isqrt().pow(2) != pixels.len() {
        let n = pixels.len();
        return Err(format!("{n} pixels are no square image: provide the images as files"));
    }
    Ok(Columns::Pixels { label, pixels })
}

/// The number of lines; refuses a file with a line that no such file has.
fn count_lines(path: &Path) -> Result<usize> {
    let unreadable = |source| Error::Read { path: path.to_owned(), source };
    let mut file = BufReader::with_capacity(1 << 18, File::open(path).map_err(unreadable)?);
    let (mut lines, mut length) = (0, 0);
    loop {
        let block = file.fill_buf().map_err(unreadable)?;
        if block.is_empty() {
            return Ok(lines + usize::from(length > 0));
        }
        let mut pieces = block.split(|&byte| byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            length += piece.len();
            if length > LONGEST_LINE {
                let reason = format!(
                    "it is longer than {LONGEST_LINE} bytes: check that the file is a CSV of images"
                );
                return Err(wrong(path, lines as u64 + 1, reason));
            }
            if pieces.peek().is_some() {
                lines += 1;
                length = 0;
            }
        }
        let read = block.len();
        file.consume(read);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_header_says_what_the_rows_are() {
        let labels = |path, label, part| Ok(Columns::Labels { path, label, part });
        assert_eq!(columns("path,label"), labels(0, 1, None));
        assert_eq!(columns("id;Class;\"Image\";split"), labels(2, 1, Some(3)));
        let pixels =
            |label, pixels: &[usize]| Ok(Columns::Pixels { label, pixels: pixels.to_vec() });
        assert_eq!(columns("label,pixel0,pixel1,pixel2,pixel3"), pixels(Some(0), &[1, 2, 3, 4]));
        assert_eq!(columns("pixel2,pixel1,pixel4,pixel3"), pixels(None, &[1, 0, 3, 2]));
        for (header, words) in [
            ("ImageId,Label", "no column"),
            ("label,pixel0,pixel2,pixel3,pixel4", "pixel1"),
            ("label,pixel0,pixel0", "twice"),
            ("label,pixel0,pixel1", "no square"),
            ("", "no column"),
        ] {
            let reason = columns(header).unwrap_err();
            assert!(reason.contains(words), "{header}: {reason}");
        }
    }

    #[test]
    fn lines_are_counted_and_one_without_end_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        for (text, lines) in [("", 0), ("a", 1), ("a\n", 1), ("a\nb", 2), ("\n\n", 2)] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(count_lines(&path).unwrap(), lines, "{text:?}");
        }
        std::fs::write(&path, [b"path,label\n".to_vec(), vec![b'x'; LONGEST_LINE + 1]].concat())
            .unwrap();
        let error = open(&path).err().unwrap();
        assert!(matches!(error, Error::Csv { line: 2, .. }), "{error}");
    }
}
