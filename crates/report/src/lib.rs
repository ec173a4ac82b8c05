//! Metrics and predictions become pictures and HTML pages: the report of one run, the comparison of
//! several, and the picture of a study.
//!
//! Everything here is drawn from the records of runs alone: this crate knows neither Burn nor
//! tract, reads no file, and can be run again on a finished run as often as one likes. Equal inputs
//! give equal bytes.

mod bitmap;
mod calibration;
mod comparison;
mod confusion;
mod curves;
mod diverging;
mod error;
mod filters;
mod frame;
mod gallery;
mod html;
mod inputs;
mod marks;
mod misses;
mod occlusion;
mod page;
mod palette;
mod picture;
mod plot;
mod reliability;
mod render;
mod study;
mod text;
mod ticks;

pub use calibration::expected_calibration_error;
pub use comparison::{ComparedRun, differing_settings, write_comparison};
pub use error::{Error, Result};
pub use inputs::Inputs;
pub use study::{StudyRecipe, StudyRun, write_study};

use std::path::{Path, PathBuf};

use run::write_atomically;

use crate::picture::Picture;
use crate::render::{Drawing, png, svg_file};

/// File name of the page.
const PAGE: &str = "report.html";

/// Draws `curves`, `grid`, `confusion`, `calibration` and `mistakes`, each as `.png` and `.svg`,
/// `filters` and `occlusion` where there are explanations, and `report.html`, which holds them all
/// and opens without a network.
///
/// Returns the files it wrote, the page last. `directory` is created where it is missing; files of
/// an earlier report are replaced one by one, each of them whole.
///
/// # Errors
/// [`Error::Empty`], [`Error::Mismatch`], [`Error::Label`] or [`Error::Explained`] where the inputs
/// do not belong together, before anything is written; [`Error::Draw`] naming the picture;
/// [`Error::Run`] where a file cannot be written.
pub fn write(inputs: &Inputs, directory: &Path) -> Result<Vec<PathBuf>> {
    inputs.check()?;
    let mut written = Vec::new();
    for kind in picture::files(inputs) {
        written.extend(write_picture(&Picture { kind, inputs }, directory)?);
    }
    written.push(write_file(directory, PAGE, page::html(inputs)?.as_bytes())?);
    Ok(written)
}

/// Writes a picture as PNG and as SVG, and returns both paths.
fn write_picture(drawing: &impl Drawing, directory: &Path) -> Result<[PathBuf; 2]> {
    let name = drawing.name();
    Ok([
        write_file(directory, &format!("{name}.png"), &png(drawing)?)?,
        write_file(directory, &format!("{name}.svg"), svg_file(drawing)?.as_bytes())?,
    ])
}

/// Writes a file whole or not at all, and returns its path.
fn write_file(directory: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf> {
    let path = directory.join(name);
    write_atomically(&path, bytes)?;
    Ok(path)
}
