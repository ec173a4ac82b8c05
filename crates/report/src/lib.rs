//! Metrics and predictions become pictures and one HTML page.
//!
//! Everything here is drawn from the records of a run alone: this crate knows neither Burn nor
//! tract, reads no file, and can be run again on a finished run as often as one likes. Equal inputs
//! give equal bytes.

mod bitmap;
mod confusion;
mod curves;
mod error;
mod gallery;
mod inputs;
mod page;
mod palette;
mod picture;
mod text;
mod ticks;

pub use error::{Error, Result};
pub use inputs::Inputs;

use std::path::{Path, PathBuf};

use run::write_atomically;

use crate::picture::Picture;

/// File name of the page.
const PAGE: &str = "report.html";

/// Draws `curves`, `grid`, `confusion` and `mistakes`, each as `.png` and `.svg`, and
/// `report.html`, which holds them all and opens without a network.
///
/// Returns the files it wrote, the page last. `directory` is created where it is missing; files of
/// an earlier report are replaced one by one, each of them whole.
///
/// # Errors
/// [`Error::Empty`], [`Error::Mismatch`] or [`Error::Label`] where the inputs do not belong
/// together, before anything is written; [`Error::Draw`] naming the picture; [`Error::Run`] where a
/// file cannot be written.
pub fn write(inputs: &Inputs, directory: &Path) -> Result<Vec<PathBuf>> {
    inputs.check()?;
    let mut written = Vec::new();
    let mut keep = |name: String, bytes: &[u8]| -> Result<()> {
        let path = directory.join(name);
        write_atomically(&path, bytes)?;
        written.push(path);
        Ok(())
    };
    for picture in Picture::FILES {
        keep(format!("{}.png", picture.name()), &picture::png(picture, inputs)?)?;
        keep(format!("{}.svg", picture.name()), picture::svg_file(picture, inputs)?.as_bytes())?;
    }
    keep(PAGE.to_owned(), page::html(inputs)?.as_bytes())?;
    Ok(written)
}
