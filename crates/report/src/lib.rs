//! Metrics and predictions become plots and HTML pages: the report of one run, the comparison of several, and the plot
//! of a study.
//!
//! Everything is drawn from the records of runs alone: this crate knows neither Burn nor tract, reads no file, and can
//! be run again on a finished run at any time. Equal inputs give equal bytes.
//!
//! Every plot is a function from records to a value that the page and the files show:
//!
//! ```text
//! Inputs -> plots::all -> [Plot] -> name.svg, name.png, report.html
//! ```

mod calibration;
mod comparison;
mod drawing;
mod error;
mod html;
mod inputs;
mod numbers;
mod page;
mod plots;
mod quantity;
mod study;

pub use calibration::expected_calibration_error;
pub use comparison::{ComparedRun, differing_settings, write_comparison};
pub use error::{Error, Result};
pub use inputs::Inputs;
pub use study::{StudyRecipe, StudyRun, write_study};

use std::path::{Path, PathBuf};

use run::write_atomically;

use crate::drawing::Plot;

/// File name of the page.
const PAGE: &str = "report.html";

/// Writes the plots `curves`, `grid`, `confusion`, `calibration` and `mistakes`, each as `.png` and `.svg`, `filters`
/// and `occlusion` where there are explanations, and `report.html`, which holds them all and opens offline.
///
/// Returns the files it wrote, the page last. `directory` is created where it is missing; files of an earlier report
/// are replaced one by one, each atomically.
///
/// # Errors
/// [`Error::Empty`], [`Error::Mismatch`], [`Error::Label`] or [`Error::Explained`] where the inputs do not belong
/// together, before anything is written; [`Error::Draw`] naming the plot; [`Error::Run`] where a file cannot be
/// written.
pub fn write(inputs: &Inputs, directory: &Path) -> Result<Vec<PathBuf>> {
    inputs.check()?;
    let plots = plots::all(inputs);
    let mut written = Vec::new();
    for plot in &plots {
        written.extend(write_plot(plot, directory)?);
    }
    written.push(write_file(directory, PAGE, page::html(inputs, &plots).as_bytes())?);
    Ok(written)
}

/// Writes a plot as PNG and as SVG, and returns both paths.
fn write_plot(plot: &Plot, directory: &Path) -> Result<[PathBuf; 2]> {
    let name = plot.name;
    Ok([
        write_file(directory, &format!("{name}.png"), &plot.png()?)?,
        write_file(directory, &format!("{name}.svg"), plot.svg().as_bytes())?,
    ])
}

/// Writes a file atomically, and returns its path.
fn write_file(directory: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf> {
    let path = directory.join(name);
    write_atomically(&path, bytes)?;
    Ok(path)
}
