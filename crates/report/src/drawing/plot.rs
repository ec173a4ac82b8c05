//! A plot as a value, and the forms it takes: an SVG file, a PNG file, and a figure of a page.

use super::canvas::Canvas;
use super::raster;
use super::svg::svg;
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
    pub(crate) panels: Vec<Panel>,
    /// HTML that a page shows below the plot: the numbers behind it.
    pub(crate) table: String,
}

/// One drawing of a plot.
#[derive(Clone, Debug)]
pub(crate) struct Panel {
    /// What the drawing shows, for readers who do not see it.
    pub(crate) alt: String,
    pub(crate) canvas: Canvas,
}

impl Plot {
    /// The plot as a file: title and subtitle, the panels side by side, the note.
    pub(crate) fn svg(&self) -> String {
        let canvas = self.canvas();
        let (width, height) = (canvas.width, canvas.height);
        let attributes = format!(
            r#" xmlns="http://www.w3.org/2000/svg" width="{}" height="{}""#,
            width / 2,
            height / 2
        );
        svg(&canvas, &attributes, &self.alt())
    }

    /// The plot as a PNG file, drawn like the SVG file.
    ///
    /// # Errors
    /// [`Error::Draw`] where it is too large.
    pub(crate) fn png(&self) -> Result<Vec<u8>> {
        let fail = |source| Error::Draw { file: format!("{}.png", self.name), source };
        let bitmap =
            raster::bitmap(&self.canvas()).ok_or_else(|| fail("it is too large".into()))?;
        bitmap.png().map_err(|error| fail(error.into()))
    }

    /// The plot as a figure of a page.
    pub(crate) fn figure(&self) -> String {
        let panel = |panel: &Panel| {
            let width = panel.canvas.width;
            // From its natural width down to that at which its letters can still be read.
            let readable = width * 2 / 5;
            let narrowest = if width <= PHONE { 0 } else { readable };
            let sides = format!(r#" style="min-width:{narrowest}px;max-width:{}px""#, width / 2);
            format!(
                "<div class=\"scroll\" style=\"flex-basis:{readable}px\" tabindex=\"0\">{}</div>\n",
                svg(&panel.canvas, &sides, &panel.alt)
            )
        };
        let panels: String = self.panels.iter().map(panel).collect();
        let note = escape(&clean(&self.note));
        format!(
            "<figure><div class=\"panels\">\n{panels}</div>\n<figcaption>{note}</figcaption></figure>\n{}",
            self.table
        )
    }

    fn alt(&self) -> String {
        let panels = self.panels.iter().map(|panel| panel.alt.as_str());
        [&*self.full_title()].into_iter().chain(panels).collect::<Vec<_>>().join(". ")
    }

    fn full_title(&self) -> String {
        let synthetic = if self.synthetic { " (synthetic data)" } else { "" };
        format!("{}{synthetic}", self.title)
    }

    fn canvas(&self) -> Canvas {
        let gaps = GAP * (self.panels.len().max(1) - 1) as i32;
        let panels = self.panels.iter().map(|panel| panel.canvas.width).sum::<i32>() + gaps;
        let room = even(panels.max(SMALLEST_WIDTH));
        let mut canvas = Canvas::new(room + 2 * MARGIN, 0);
        canvas.text(&TITLE.fit(&self.full_title(), room), (MARGIN, MARGIN), TITLE);
        let subtitle = MUTED_TEXT.fit(&self.subtitle, room);
        canvas.text(&subtitle, (MARGIN, MARGIN + TITLE.size + 12), MUTED_TEXT);
        let top = MARGIN + HEADER;
        let (mut left, mut bottom) = (MARGIN, top);
        for Panel { canvas: panel, .. } in &self.panels {
            canvas.place(panel, (left, top));
            left += panel.width + GAP;
            bottom = bottom.max(top + panel.height + 30);
        }
        for line in MUTED_TEXT.wrap(&self.note, room) {
            canvas.text(&line, (MARGIN, bottom), MUTED_TEXT);
            bottom += LINE;
        }
        canvas.height = even(bottom + MARGIN);
        canvas
    }
}

/// An SVG shows two units in one CSS pixel, so a file has an even number of them.
const fn even(units: i32) -> i32 {
    units + units % 2
}
