//! A plot as a value, and the forms it takes: an SVG file, a PNG file, and a figure of a page.

use std::collections::BTreeSet;

use super::canvas::{Canvas, png};
use super::fonts;
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

/// The most missing letters that a note names.
const MOST_MISSING: usize = 8;

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
    /// Small drawings of equal size, in rows of `columns` in a file above the panels; a page puts as many into a row as its
    /// width allows.
    pub(crate) tiles: Vec<Canvas>,
    /// Tiles in a row of a file and, at the most, of a page.
    pub(crate) columns: usize,
    /// HTML that a page shows below the plot: the numbers behind it.
    pub(crate) table: String,
}

impl Plot {
    /// A plot of one drawing, which its note describes.
    pub(crate) fn new(name: &'static str, title: String, note: String, canvas: Canvas) -> Self {
        let panels = vec![canvas.described(note.clone())];
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
            "<figure>{}<div class=\"panels\">\n{panels}</div>\n<figcaption>{note}</figcaption></figure>\n{}",
            self.tiles_of_page(),
            self.table
        )
    }

    /// The tiles as cells of a grid, whose columns are as many as fit.
    fn tiles_of_page(&self) -> String {
        let Some(first) = self.tiles.first() else { return String::new() };
        let tiles: String =
            self.tiles.iter().map(|tile| format!("<div>{}</div>\n", tile.svg(""))).collect();
        format!(
            "<div class=\"tiles\" style=\"--least:{}px;--columns:{}\">\n{tiles}</div>\n",
            first.width * 2 / 5,
            self.columns
        )
    }

    fn full_title(&self) -> String {
        let synthetic = if self.synthetic { " (synthetic data)" } else { "" };
        format!("{}{synthetic}", self.title)
    }

    fn canvas(&self) -> Canvas {
        let widths = self.panels.iter().map(|panel| panel.width + GAP).sum::<i32>() - GAP;
        let (tile_width, tile_height) =
            self.tiles.first().map_or((0, 0), |tile| (tile.width, tile.height));
        let columns = self.columns.max(1);
        let row = columns as i32 * tile_width;
        let room = even(widths.max(row).max(SMALLEST_WIDTH));
        let note = MUTED_TEXT.wrap(&(self.note.clone() + &self.missing()), room);
        let top = MARGIN + HEADER;
        let below_tiles = top + self.tiles.len().div_ceil(columns) as i32 * tile_height;
        let heights = self.panels.iter().map(|panel| panel.height + 30);
        let below = below_tiles + heights.max().unwrap_or(0);
        let height = even(below + note.len() as i32 * LINE + MARGIN);
        let mut canvas = Canvas::new(room + 2 * MARGIN, height);
        canvas.alt = self.full_title();
        canvas.text(&TITLE.fit(&self.full_title(), room), (MARGIN, MARGIN), TITLE);
        let subtitle = MUTED_TEXT.fit(&self.subtitle, room);
        canvas.text(&subtitle, (MARGIN, MARGIN + TITLE.size + 12), MUTED_TEXT);
        for (position, tile) in self.tiles.iter().enumerate() {
            let (column, row) = ((position % columns) as i32, (position / columns) as i32);
            canvas.place(tile, (MARGIN + column * tile_width, top + row * tile_height));
        }
        let mut left = MARGIN;
        for panel in &self.panels {
            canvas.alt += &format!(". {}", panel.alt);
            canvas.place(panel, (left, below_tiles));
            left += panel.width + GAP;
        }
        for (line, y) in note.iter().zip((below..).step_by(LINE as usize)) {
            canvas.text(line, (MARGIN, y), MUTED_TEXT);
        }
        canvas
    }

    /// Says which letters a PNG of the plot lacks, if any.
    fn missing(&self) -> String {
        let mut missing: BTreeSet<char> = self
            .tiles
            .iter()
            .chain(&self.panels)
            .flat_map(|canvas| &canvas.missing)
            .copied()
            .collect();
        let texts = [&self.title, &self.subtitle, &self.note];
        let texts = texts.into_iter().flat_map(|text| clean(text).chars().collect::<Vec<_>>());
        missing.extend(texts.filter(|&character| fonts::is_missing(character)));
        if missing.is_empty() {
            return String::new();
        }
        let codes = missing.iter().take(MOST_MISSING).map(|c| format!("U+{:04X}", u32::from(*c)));
        let codes = codes.collect::<Vec<_>>().join(", ");
        let more = if missing.len() > MOST_MISSING { " and others" } else { "" };
        format!(
            " Boxes in the PNG are letters that no font of this machine has ({codes}{more}): install one, such as Noto, \
             or open the report, where the browser draws them."
        )
    }
}

/// An SVG shows two units in one CSS pixel, so a file has an even number of them.
const fn even(units: i32) -> i32 {
    units + units % 2
}
