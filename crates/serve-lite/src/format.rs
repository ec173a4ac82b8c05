//! Predictions as lines of text, as JSON, and as pictures made of characters.

use std::io::{self, Write};
use std::path::Path;

use images::SIDE;
use serde::{Serialize, Serializer};

use crate::predict::Prediction;

/// ECMA-48 "select graphic rendition": bold, and back. Give the formatter a stream that strips it
/// where it cannot be shown, such as anstream's.
const BOLD: &str = "\x1b[1m";
const RESET: &str = "\x1b[0m";
/// From paper to full ink.
const ASCII_SHADES: &[u8] = b" .:-=+*#%@";
/// The 24 greys of the 256-colour palette, from near black to near white, begin here.
const FIRST_GREY: usize = 232;
const N_GREYS: usize = 24;

/// How predictions are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// One JSON object a line in place of text, with all probabilities; `show` is then ignored.
    pub json: bool,
    /// Classes on a line, the best first; at least 1.
    pub top: usize,
    /// Whether and how the 28x28 pixels that the network saw are drawn below the line.
    pub show: Option<Shades>,
}

/// What a picture is drawn with; either way it is 14 lines high, since characters are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shades {
    /// Half blocks in 24 greys, two pixels a character: for a terminal with UTF-8 and colours.
    HalfBlocks,
    /// Ten plain characters, from blank for paper to `@` for ink: for anything else.
    Ascii,
}

/// Writes the predictions for the pictures of one file, a line each.
///
/// Class `i` is called `classes[i]`. Names of pictures are padded to at least `name_width`
/// characters, so that the lines of several files align.
///
/// # Errors
/// If `out` cannot be written to.
pub fn write_predictions(
    out: &mut dyn Write,
    file: &Path,
    predictions: &[Prediction],
    classes: &[String],
    format: &Format,
    name_width: usize,
) -> io::Result<()> {
    let file = file.to_string_lossy();
    let name = |prediction: &Prediction| match prediction.index {
        Some(index) => printable(&format!("{file}[{index}]")),
        None => printable(&file),
    };
    // The last index is the longest.
    let longest = predictions.last().map_or(0, |last| name(last).chars().count());
    for prediction in predictions {
        if format.json {
            write_json(out, &file, prediction, classes)?;
            continue;
        }
        let width = name_width.max(longest);
        write_line(out, &name(prediction), prediction, classes, format.top, width)?;
        match format.show {
            Some(Shades::HalfBlocks) => draw_half_blocks(out, &prediction.pixels)?,
            Some(Shades::Ascii) => draw_ascii(out, &prediction.pixels)?,
            None => {}
        }
    }
    Ok(())
}

/// The text with every control character replaced, so that no name of a file or class can steer the
/// terminal.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// `3.png  7   99.8 %  (then 1 0.1 %)`
fn write_line(
    out: &mut dyn Write,
    name: &str,
    prediction: &Prediction,
    classes: &[String],
    top: usize,
    name_width: usize,
) -> io::Result<()> {
    let Prediction { class, probabilities, .. } = prediction;
    let label_width = classes.iter().map(|class| class.chars().count()).max().unwrap_or(0);
    let percent = |class: usize| 100.0 * probabilities[class];
    let label = &classes[*class];
    write!(
        out,
        "{name:<name_width$}  {BOLD}{label:<label_width$}{RESET}  {:5.1} %",
        percent(*class)
    )?;
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
    probabilities: ByClass<'a>,
}

/// Probabilities by class name, in the order of the classes.
pub(crate) struct ByClass<'a>(pub(crate) &'a [String], pub(crate) &'a [f32]);

impl Serialize for ByClass<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().zip(self.1))
    }
}

fn write_json(
    out: &mut dyn Write,
    file: &str,
    prediction: &Prediction,
    classes: &[String],
) -> io::Result<()> {
    let Prediction { index, class, probabilities, .. } = prediction;
    let line = JsonLine {
        file,
        index: *index,
        label: &classes[*class],
        probability: probabilities[*class],
        probabilities: ByClass(classes, probabilities),
    };
    serde_json::to_writer(&mut *out, &line)?;
    writeln!(out)
}

/// The upper half of a block in one row's grey, on the grey of the row below.
fn draw_half_blocks(out: &mut dyn Write, pixels: &[u8]) -> io::Result<()> {
    let grey = |level: u8| FIRST_GREY + usize::from(level) * (N_GREYS - 1) / usize::from(u8::MAX);
    for rows in pixels.chunks_exact(2 * SIDE) {
        let (upper, lower) = rows.split_at(SIDE);
        for (&upper, &lower) in upper.iter().zip(lower) {
            write!(out, "\x1b[38;5;{};48;5;{}m▀", grey(upper), grey(lower))?;
        }
        writeln!(out, "{RESET}")?;
    }
    Ok(())
}

fn draw_ascii(out: &mut dyn Write, pixels: &[u8]) -> io::Result<()> {
    let steps = ASCII_SHADES.len() - 1;
    for rows in pixels.chunks_exact(2 * SIDE) {
        let (upper, lower) = rows.split_at(SIDE);
        let shade = |(&upper, &lower): (&u8, &u8)| {
            let ink = usize::from(upper) + usize::from(lower);
            // Rounded up: the faintest ink is still seen.
            ASCII_SHADES[(ink * steps).div_ceil(2 * usize::from(u8::MAX))]
        };
        let mut line: Vec<u8> = upper.iter().zip(lower).map(shade).collect();
        line.push(b'\n');
        out.write_all(&line)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const TEXT: Format = Format { json: false, top: 2, show: None };

    fn prediction() -> Prediction {
        let pixels = vec![0; SIDE * SIDE];
        Prediction { index: None, class: 1, probabilities: vec![0.002, 0.998, 0.0], pixels }
    }

    fn written(file: &str, prediction: Prediction, format: &Format) -> String {
        let classes = ["zero", "one", "1\n0"].map(String::from);
        let mut out = Vec::new();
        write_predictions(&mut out, Path::new(file), &[prediction], &classes, format, 8).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_line_is_aligned_and_names_the_runner_up() {
        let line = written("a.png", prediction(), &TEXT);
        assert_eq!(line, "a.png     \x1b[1mone \x1b[0m   99.8 %  (then zero 0.2 %)\n");
        let line = written("a.png", prediction(), &Format { top: 1, ..TEXT });
        assert_eq!(line, "a.png     \x1b[1mone \x1b[0m   99.8 %\n");
    }

    #[test]
    fn a_line_of_an_idx_file_has_the_index() {
        let line = written("idx", Prediction { index: Some(12), ..prediction() }, &TEXT);
        assert!(line.starts_with("idx[12]   "), "{line}");
    }

    #[test]
    fn lines_of_an_idx_file_align_from_the_first_to_the_last() {
        let rows: Vec<_> = (0..11).map(|i| Prediction { index: Some(i), ..prediction() }).collect();
        let classes = ["zero", "one", "two"].map(String::from);
        let mut out = Vec::new();
        write_predictions(&mut out, Path::new("idx"), &rows, &classes, &TEXT, 3).unwrap();
        let text = String::from_utf8(out).unwrap();
        let columns: Vec<_> = text.lines().map(|line| line.find("one")).collect();
        assert_eq!(columns, [columns[0]; 11]);
    }

    #[test]
    fn names_cannot_steer_the_terminal() {
        assert_eq!(printable("a\x1b[31m\r\u{9b}"), "a\u{fffd}[31m\u{fffd}\u{fffd}");
        assert!(!written("\x07.png", prediction(), &TEXT).contains('\x07'));
    }

    #[test]
    fn json_keeps_the_order_of_the_classes_and_escapes() {
        let json = Format { json: true, ..TEXT };
        let line = written("a\".png", prediction(), &json);
        let expected = [
            r#"{"file":"a\".png","label":"one","probability":0.998,"#,
            r#""probabilities":{"zero":0.002,"one":0.998,"1\n0":0.0}}"#,
            "\n",
        ];
        assert_eq!(line, expected.concat());
        let line = written("idx", Prediction { index: Some(3), ..prediction() }, &json);
        assert!(line.starts_with(r#"{"file":"idx","index":3,"label":"one""#), "{line}");
    }

    #[test]
    fn a_picture_is_drawn_in_fourteen_lines_with_its_ink_in_place() {
        let mut one_dot = prediction();
        one_dot.pixels[2 * SIDE + 5] = 255;
        let show = |shades| Format { show: Some(shades), ..TEXT };
        let ascii = written("a", one_dot.clone(), &show(Shades::Ascii));
        let lines: Vec<_> = ascii.lines().skip(1).collect();
        assert_eq!(lines.len(), SIDE / 2);
        assert!(lines.iter().all(|line| line.len() == SIDE));
        assert_eq!(lines[1].trim_end(), "     +");
        assert!(lines[0].trim().is_empty());
        let blocks = written("a", one_dot, &show(Shades::HalfBlocks));
        let lines: Vec<_> = blocks.lines().skip(1).collect();
        assert_eq!(lines.len(), SIDE / 2);
        assert!(lines.iter().all(|line| line.matches('▀').count() == SIDE));
        assert_eq!(blocks.matches("38;5;255;48;5;232").count(), 1);
    }

    #[test]
    fn full_ink_and_bare_paper_are_the_ends_of_the_ascii_shades() {
        let mut out = Vec::new();
        draw_ascii(&mut out, &[255; SIDE * SIDE]).unwrap();
        assert!(out.starts_with(b"@@@@"));
    }
}
