//! The stages of kiln as functions, from images to a verified model and its report.
//!
//! ```no_run
//! # fn main() -> pipeline::Result<()> {
//! use std::path::Path;
//! use std::sync::atomic::AtomicBool;
//!
//! let config = run::Config::default();
//! let session = pipeline::Session::create(Path::new("runs"), None, config, false, &mut |_| ())?;
//! pipeline::train(&session, None, &AtomicBool::new(false), &mut |_| ())?;
//! let evaluation = pipeline::evaluate(&session, &mut |_, _| ())?;
//! pipeline::export_onnx(&session.run, &session.run.onnx())?;
//! pipeline::verify(&session, &mut |_, _| ())?;
//! pipeline::report(&session)?;
//! # Ok(())
//! # }
//! ```
//!
//! Nothing here prints: what a front end may show is returned, or passed to a callback while a stage works.

mod comparison;
mod doubt;
mod error;
mod evaluation;
mod exporting;
mod folder_evaluation;
mod goal;
mod recipe;
mod reporting;
mod session;
mod shown_images;
mod study;
mod training;
mod verification;

pub use comparison::{Comparison, compare};
pub use error::{Error, Result};
pub use evaluation::evaluate;
pub use exporting::{Exported, export_onnx, export_repository};
pub use folder_evaluation::{FolderEvaluation, Mistake, evaluate_folder, is_labelled};
pub use goal::{GOAL, seconds_to_goal};
pub use recipe::{Settings, read_recipe, recipe_names};
pub use reporting::{curves_svg, live_page, report};
pub use session::{Images, Session, load, load_options};
pub use shown_images::{augmented, originals};
pub use study::{Study, StudyEvent, StudyOptions, study, study_config};
pub use training::{inherited, resume_point, train};
pub use verification::{TOLERANCE, verify};

use burn::tensor::Device;

/// Where every stage computes: the CPU, by Burn's flex backend.
#[must_use]
pub fn device() -> Device {
    Device::flex()
}
