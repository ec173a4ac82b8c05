//! Classifications as lines of text or JSON.

use std::io::{self, Write};
use std::path::Path;

use serde::{Serialize, Serializer};

use crate::doubt::Doubt;
use crate::drawing::{Shades, draw};
use crate::files::Classification;
use crate::text::printable;

/// ECMA-48 "select graphic rendition": bold, and back to normal. Write to a stream that strips it where it cannot be
/// shown, such as anstream's.
const BOLD: &str = "\x1b[1m";
const RESET: &str = "\x1b[0m";

/// How classifications are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// One JSON object a line instead of text, with all probabilities; `show` is then ignored.
    pub json: bool,
    /// Classes on a line, the most probable first; at least 1.
    pub top: usize,
    /// The characters that draw the network's input below each line; `None` leaves the drawing out.
    pub show: Option<Shades>,
}

/// Writes the classifications of one file's images, a line each.
///
/// Class `i` is called `classes[i]`. Names of images are padded to at least `name_width` characters, so that the
/// lines of several files align.
///
/// # Errors
/// If `out` cannot be written to.
pub(crate) fn write_classifications(
    out: &mut dyn Write,
    file: &Path,
    rows: &[Classification],
    classes: &[String],
    format: &Format,
    name_width: usize,
) -> io::Result<()> {
    let file = file.to_string_lossy();
    let name = |row: &Classification| match row.index {
        Some(index) => printable(&format!("{file}[{index}]")),
        None => printable(&file),
    };
    // The last index is the longest.
    let longest = rows.last().map_or(0, |last| name(last).chars().count());
    for row in rows {
        if format.json {
            write_json(out, &file, row, classes)?;
            continue;
        }
        write_line(out, &name(row), row, classes, format.top, name_width.max(longest))?;
        if let Some(shades) = format.show {
            draw(out, shades, &row.pixels, row.shape.width)?;
        }
    }
    Ok(())
}

/// `3.png  7   99.8 %  (then 1 0.1 %)`
fn write_line(
    out: &mut dyn Write,
    name: &str,
    row: &Classification,
    classes: &[String],
    top: usize,
    name_width: usize,
) -> io::Result<()> {
    let Classification { class, probabilities, .. } = row;
    let label_width = classes.iter().map(|class| class.chars().count()).max().unwrap_or(0);
    let percent = |class: usize| 100.0 * probabilities[class];
    let label = &classes[*class];
    write!(
        out,
        "{name:<name_width$}  {BOLD}{label:<label_width$}{RESET}  {:5.1} %",
        percent(*class)
    )?;
    if let Some(doubt) = row.doubt {
        write!(out, "  doubtful")?;
        doubt.reason().map_or(Ok(()), |reason| write!(out, " ({reason})"))?;
    }
    let mut others: Vec<usize> = (0..classes.len()).filter(|other| other != class).collect();
    others.sort_by(|&a, &b| probabilities[b].total_cmp(&probabilities[a]));
    others.truncate(top.saturating_sub(1));
    if !others.is_empty() {
        let others =
            others.iter().map(|&other| format!("{} {:.1} %", classes[other], percent(other)));
        write!(out, "  (then {})", others.collect::<Vec<_>>().join(", "))?;
    }
    writeln!(out)
}

#[derive(Serialize)]
struct JsonLine<'a> {
    file: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    label: &'a str,
    probability: f32,
    /// `null` where the model does not say from which probability on.
    doubtful: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    probabilities: ByClass<'a>,
}

/// Class names and their probabilities as a JSON object, in the order of the classes.
pub(crate) struct ByClass<'a>(pub(crate) &'a [String], pub(crate) &'a [f32]);

impl Serialize for ByClass<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().zip(self.1))
    }
}

fn write_json(
    out: &mut dyn Write,
    file: &str,
    row: &Classification,
    classes: &[String],
) -> io::Result<()> {
    let Classification { index, class, doubt, doubtful, probabilities, .. } = row;
    let line = JsonLine {
        file,
        index: *index,
        label: &classes[*class],
        probability: probabilities[*class],
        doubtful: *doubtful,
        reason: doubt.and_then(Doubt::reason),
        probabilities: ByClass(classes, probabilities),
    };
    serde_json::to_writer(&mut *out, &line)?;
    writeln!(out)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use images::ImageShape;

    use super::*;

    const TEXT: Format = Format { json: false, top: 2, show: None };

    fn classification() -> Classification {
        let shape = ImageShape::DIGIT;
        let pixels = vec![0; shape.size()];
        Classification {
            index: None,
            class: 1,
            doubt: None,
            doubtful: Some(false),
            probabilities: vec![0.002, 0.998, 0.0],
            pixels,
            shape,
        }
    }

    fn written(file: &str, row: Classification, format: &Format) -> String {
        let classes = ["zero", "one", "1\n0"].map(String::from);
        let mut out = Vec::new();
        write_classifications(&mut out, Path::new(file), &[row], &classes, format, 8).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_is_aligned_and_names_the_second_class() {
        let line = written("a.png", classification(), &TEXT);
        assert_eq!(line, "a.png     \x1b[1mone \x1b[0m   99.8 %  (then zero 0.2 %)\n");
        let line = written(
            "a.png",
            Classification { doubt: Some(Doubt::Improbable), ..classification() },
            &TEXT,
        );
        assert_eq!(line, "a.png     \x1b[1mone \x1b[0m   99.8 %  doubtful  (then zero 0.2 %)\n");
        let line = written("a.png", classification(), &Format { top: 1, ..TEXT });
        assert_eq!(line, "a.png     \x1b[1mone \x1b[0m   99.8 %\n");
    }

    #[test]
    fn a_line_of_an_idx_file_has_the_index() {
        let line = written("idx", Classification { index: Some(12), ..classification() }, &TEXT);
        assert!(line.starts_with("idx[12]   "), "{line}");
    }

    #[test]
    fn lines_of_an_idx_file_align_from_the_first_to_the_last() {
        let rows: Vec<_> =
            (0..11).map(|i| Classification { index: Some(i), ..classification() }).collect();
        let classes = ["zero", "one", "two"].map(String::from);
        let mut out = Vec::new();
        write_classifications(&mut out, Path::new("idx"), &rows, &classes, &TEXT, 3).unwrap();
        let text = String::from_utf8(out).unwrap();
        let columns: Vec<_> = text.lines().map(|line| line.find("one")).collect();
        assert_eq!(columns, [columns[0]; 11]);
    }

    #[test]
    fn names_cannot_control_the_terminal() {
        assert!(!written("\x07.png", classification(), &TEXT).contains('\x07'));
    }

    #[test]
    fn json_keeps_the_order_of_the_classes_and_escapes() {
        let json = Format { json: true, ..TEXT };
        let line = written("a\".png", classification(), &json);
        let expected = [
            r#"{"file":"a\".png","label":"one","probability":0.998,"doubtful":false,"#,
            r#""probabilities":{"zero":0.002,"one":0.998,"1\n0":0.0}}"#,
            "\n",
        ];
        assert_eq!(line, expected.concat());
        let line = written("idx", Classification { index: Some(3), ..classification() }, &json);
        assert!(line.starts_with(r#"{"file":"idx","index":3,"label":"one""#), "{line}");
    }

    #[test]
    fn the_network_s_input_is_drawn_below_the_line() {
        for shades in [Shades::Ascii, Shades::HalfBlocks] {
            let text = written("a", classification(), &Format { show: Some(shades), ..TEXT });
            assert_eq!(text.lines().count(), 1 + 14);
        }
    }
}
