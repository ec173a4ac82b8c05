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

mod comparison;
mod drawing;
mod error;
mod history;
mod html;
mod inputs;
mod live;
mod numbers;
mod page;
mod plots;
mod study;

pub use comparison::{ComparedRun, differing_settings, write_comparison};
pub use error::{Error, Result};
pub use inputs::{Augmented, Inputs, Original};
pub use live::{curves_svg, live_page};
pub use plots::calibration::expected_calibration_error;
pub use study::{StudyRecipe, StudyRun, write_study};

use std::path::{Path, PathBuf};

use run::{DatasetFacts, create_folder, write_atomically};

use crate::drawing::Plot;

/// File name of the page.
const PAGE: &str = "report.html";

/// Writes the plots `curves`, `grid`, `confusion`, `calibration` and `mistakes`, each as `.png` and `.svg`, `suspects`,
/// `originals`, `augmentation`, `filters` and `occlusion` where there is something to draw, and `report.html`, which holds them all and opens offline.
///
/// Returns the files it wrote, the page last. `directory` is made where it is missing; its parent has to exist. Files
/// of an earlier report are replaced one by one, each atomically.
///
/// # Errors
/// [`Error::Empty`] or [`Error::Mismatch`] where the inputs do not belong together, before anything is written;
/// [`Error::Draw`] naming the plot; [`Error::Run`] where a file cannot be written.
pub fn write(inputs: &Inputs, directory: &Path) -> Result<Vec<PathBuf>> {
    inputs.check()?;
    let plots = plots::all(inputs);
    write_files(&plots, Some((PAGE, page::html(inputs, &plots))), directory)
}

/// Writes `augmentation.png` and `augmentation.svg`: training images beside what augmentation makes of them. [`write()`] draws
/// the same among everything else; this needs no trained network.
///
/// # Errors
/// [`Error::Mismatch`] where an image does not fit to `facts`, before anything is written; [`Error::Draw`]; [`Error::Run`]
/// where a file cannot be written.
pub fn write_augmentation(
    run_name: &str,
    facts: &DatasetFacts,
    images: &[Augmented],
    directory: &Path,
) -> Result<Vec<PathBuf>> {
    inputs::check_augmented(facts, images)?;
    write_files(&[plots::augmentation(run_name, facts, images)], None, directory)
}

/// Writes the plots of an evaluation on other images, `confusion`, `calibration` and `mistakes`, as `.png` and `.svg`;
/// returns the files. As [`write()`] otherwise.
///
/// # Errors
/// As [`write()`].
pub fn write_evaluation(inputs: &Inputs, directory: &Path) -> Result<Vec<PathBuf>> {
    inputs.check()?;
    let of_answers = |plot: &Plot| ["confusion", "calibration", "mistakes"].contains(&plot.name);
    let plots: Vec<_> = plots::all(inputs).into_iter().filter(of_answers).collect();
    write_files(&plots, None, directory)
}

/// Writes plots as PNG and as SVG, then the page where there is one, each file atomically; returns their paths.
fn write_files(
    plots: &[Plot],
    page: Option<(&str, String)>,
    directory: &Path,
) -> Result<Vec<PathBuf>> {
    if !directory.exists() {
        create_folder(directory)?;
    }
    let mut written = Vec::new();
    let mut write = |name: &str, bytes: &[u8]| {
        written.push(directory.join(name));
        write_atomically(&directory.join(name), bytes)
    };
    for plot in plots {
        for (name, bytes) in plot.files()? {
            write(&name, &bytes)?;
        }
    }
    if let Some((name, page)) = page {
        write(name, page.as_bytes())?;
    }
    Ok(written)
}
