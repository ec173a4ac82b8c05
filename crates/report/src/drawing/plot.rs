//! A plot as a value, and the forms it takes: an SVG file, a PNG file, and a figure of a page.

use super::canvas::{Canvas, png};
use super::text::{BOLD_TEXT, MUTED_TEXT, Style, clean, escape};
use crate::error::{Error, Result};

/// Empty units around every file.
const MARGIN: i32 = 40;
/// From one panel to the next.
const GAP: i32 = 70;
/// Height of title and subtitle with the space below them.
const HEADER: i32 = 100;
/// Distance of two lines of a note.
const LINE: i32 = 36;
/// The smallest width of a file without its margins: room for a title.
const SMALLEST_WIDTH: i32 = 860;
/// Widest panel in units that a phone shows whole; wider ones scroll on it.
const PHONE: i32 = 1000;

const TITLE: Style = Style { size: 36, ..BOLD_TEXT };

/// One plot of a report: what the page and the files show.
#[derive(Clone, Debug, Default)]
pub(crate) struct Plot {
    /// Name of its files without the extension, and of its section of the page.
    pub(crate) name: &'static str,
    /// What is shown.
    pub(crate) title: String,
    /// The run and its data; shown in files only.
    pub(crate) subtitle: String,
    /// Whether all of it is about synthetic data, which its title then says.
    pub(crate) synthetic: bool,
    /// How it is read, in one paragraph.
    pub(crate) note: String,
    /// The drawings, beside each other in a file and as the width allows on a page.
    pub(crate) panels: Vec<Canvas>,
    /// HTML that a page shows below the plot: the numbers behind it.
    pub(crate) table: String,
}

impl Plot {
    /// A plot of one drawing, which its note describes; without the drawing where there is nothing to draw.
    pub(crate) fn new(
        name: &'static str,
        title: String,
        note: String,
        canvas: Option<Canvas>,
    ) -> Self {
        let panels = canvas.map(|canvas| canvas.described(note.clone())).into_iter().collect();
        Self { name, title, note, panels, ..Self::default() }
    }

    /// The plot as the bytes of its SVG and of its PNG file: title and subtitle, the panels side by side, the note.
    ///
    /// # Errors
    /// [`Error::Draw`] where it is too large.
    pub(crate) fn files(&self) -> Result<[(String, Vec<u8>); 2]> {
        let canvas = self.canvas();
        let (width, height) = (canvas.width / 2, canvas.height / 2);
        let attributes =
            format!(r#" xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}""#);
        let svg = canvas.svg(&attributes);
        let [png_name, svg_name] = ["png", "svg"].map(|kind| format!("{}.{kind}", self.name));
        let fail = |source| Error::Draw { file: png_name.clone(), source };
        let image = canvas.image().ok_or_else(|| fail("it is too large".into()))?;
        let png = png(&image).map_err(|error| fail(error.into()))?;
        Ok([(png_name, png), (svg_name, svg.into_bytes())])
    }

    /// The plot as a figure of a page.
    pub(crate) fn figure(&self) -> String {
        let panel = |panel: &Canvas| {
            let width = panel.width;
            // From its natural width down to that at which its letters can still be read.
            let readable = width * 2 / 5;
            let narrowest = if width <= PHONE { 0 } else { readable };
            let sides = format!(r#" style="min-width:{narrowest}px;max-width:{}px""#, width / 2);
            format!(
                "<div class=\"scroll\" style=\"flex-basis:{readable}px\" tabindex=\"0\">{}</div>\n",
                panel.svg(&sides)
            )
        };
        let panels: String = self.panels.iter().map(panel).collect();
        let note = escape(&clean(&self.note));
        format!(
            "<figure><div class=\"panels\">\n{panels}</div>\n<figcaption>{note}</figcaption></figure>\n{}",
            self.table
        )
    }

    fn full_title(&self) -> String {
        let synthetic = if self.synthetic { " (synthetic data)" } else { "" };
        format!("{}{synthetic}", self.title)
    }

    fn canvas(&self) -> Canvas {
        let widths = self.panels.iter().map(|panel| panel.width + GAP).sum::<i32>() - GAP;
        let room = even(widths.max(SMALLEST_WIDTH));
        let note = MUTED_TEXT.wrap(&self.note, room);
        let heights = self.panels.iter().map(|panel| panel.height + 30);
        let (top, below) = (MARGIN + HEADER, MARGIN + HEADER + heights.max().unwrap_or(0));
        let height = even(below + note.len() as i32 * LINE + MARGIN);
        let mut canvas = Canvas::new(room + 2 * MARGIN, height);
        canvas.alt = self.full_title();
        canvas.text(&TITLE.fit(&self.full_title(), room), (MARGIN, MARGIN), TITLE);
        let subtitle = MUTED_TEXT.fit(&self.subtitle, room);
        canvas.text(&subtitle, (MARGIN, MARGIN + TITLE.size + 12), MUTED_TEXT);
        let mut left = MARGIN;
        for panel in &self.panels {
            canvas.alt += &format!(". {}", panel.alt);
            canvas.place(panel, (left, top));
            left += panel.width + GAP;
        }
        for (line, y) in note.iter().zip((below..).step_by(LINE as usize)) {
            canvas.text(line, (MARGIN, y), MUTED_TEXT);
        }
        canvas
    }
}

/// An SVG shows two units in one CSS pixel, so a file has an even number of them.
const fn even(units: i32) -> i32 {
    units + units % 2
}
