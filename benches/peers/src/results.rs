//! The results of all measurements.

use statrs::statistics::{Data, OrderStatistics};

use crate::console;
use crate::end_to_end::EndToEnd;
use crate::inference::Inference;
use crate::time_to_accuracy::TimeToAccuracy;
use crate::training::{self, Training};

/// A measurement, or the reason why there is none.
pub(crate) type Measured<T> = Result<T, String>;

/// A system and its measurement.
pub(crate) struct Row<T> {
    pub(crate) name: &'static str,
    pub(crate) measured: Measured<T>,
}

/// Everything that was measured. A part that was skipped has no rows.
pub(crate) struct Results {
    /// The day on which it was measured, as YYYY-MM-DD in UTC.
    pub(crate) date: String,
    /// Command, machine and versions: names and values.
    pub(crate) conditions: Vec<(&'static str, String)>,
    pub(crate) training: Vec<Row<Training>>,
    pub(crate) end_to_end: Vec<Row<EndToEnd>>,
    pub(crate) time_to_accuracy: Vec<Row<TimeToAccuracy>>,
    pub(crate) inference: Vec<Row<Inference>>,
}

impl<T> Row<T> {
    /// A row, printed as well: `text` of the measurement, or the reason why there is none.
    pub(crate) fn print(
        name: &'static str,
        measured: Measured<T>,
        text: impl FnOnce(&T) -> String,
    ) -> Self {
        match &measured {
            Ok(found) => console::line(&format!("{name}: {}", text(found))),
            Err(reason) => console::notice(&format!("{name}: {reason}")),
        }
        Self { name, measured }
    }

    /// A figure of the measurement; none where there is no measurement.
    pub(crate) fn figure<F>(&self, figure: impl FnOnce(&T) -> Option<F>) -> Option<F> {
        self.measured.as_ref().ok().and_then(figure)
    }
}

impl Results {
    /// Whether all systems that were measured compute the same.
    pub(crate) fn agree(&self) -> bool {
        let inference =
            self.inference.iter().map(|row| row.figure(|found| Some(found.agreement.holds())));
        let training = self.training.iter().map(|row| training::agrees(row, &self.training));
        inference.chain(training).all(|agrees| agrees != Some(false))
    }
}

/// The median; none of no values.
pub(crate) fn median(values: Vec<f64>) -> Option<f64> {
    if values.is_empty() { None } else { Some(Data::new(values).median()) }
}
