//! `metrics.csv`: one row an epoch, synced to disk.

use std::fs::File;
use std::path::{Path, PathBuf};

use run::{EpochMetrics, write_atomically};

use crate::error::Result;

/// The open `metrics.csv` of a run in training.
pub(crate) struct MetricsFile {
    writer: csv::Writer<File>,
    path: PathBuf,
}

impl MetricsFile {
    /// Starts the file with the rows of the finished epochs, whatever it held before.
    ///
    /// A killed run may have left a row more than its checkpoint has, or half a row. The checkpoint decides, so that
    /// the file always matches the weights.
    pub(crate) fn start(path: &Path, rows: &[EpochMetrics]) -> Result<Self> {
        let mut text = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
        let write = |source| run::Error::Write { path: path.to_owned(), source };
        text.write_record(HEADER).map_err(|error| write(error.into()))?;
        for row in rows {
            text.serialize(row).map_err(|error| write(error.into()))?;
        }
        let bytes = text.into_inner().map_err(|error| write(error.into_error()))?;
        write_atomically(path, &bytes)?;
        let file = File::options().append(true).open(path).map_err(write)?;
        let writer = csv::WriterBuilder::new().has_headers(false).from_writer(file);
        Ok(Self { writer, path: path.to_owned() })
    }

    /// Adds a row and returns once it is on the disk.
    pub(crate) fn append(&mut self, row: &EpochMetrics) -> Result<()> {
        let write = |source| run::Error::Write { path: self.path.clone(), source };
        self.writer.serialize(row).map_err(|error| write(error.into()))?;
        self.writer.flush().map_err(write)?;
        self.writer.get_ref().sync_data().map_err(write)?;
        Ok(())
    }
}

/// The columns, in the order of [`EpochMetrics`].
const HEADER: [&str; 8] = [
    "epoch",
    "loss",
    "accuracy",
    "val_loss",
    "val_accuracy",
    "learning_rate",
    "seconds",
    "images_per_second",
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn row(epoch: usize) -> EpochMetrics {
        EpochMetrics {
            epoch,
            loss: 0.1 + 0.2,
            accuracy: 0.5,
            val_loss: (epoch > 1).then_some(1.0 / 3.0),
            val_accuracy: Some(1.0),
            learning_rate: 1e-3,
            seconds: 2.5,
            images_per_second: 1e4,
        }
    }

    #[test]
    fn rows_are_read_back_unchanged_under_the_documented_header() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.csv");
        let mut file = MetricsFile::start(&path, &[row(1)]).unwrap();
        file.append(&row(2)).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let header =
            "epoch,loss,accuracy,val_loss,val_accuracy,learning_rate,seconds,images_per_second";
        assert_eq!(text.lines().next(), Some(header));
        assert_eq!(run::read_metrics(&path).unwrap(), [row(1), row(2)]);
    }

    #[test]
    fn half_a_row_of_a_killed_run_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.csv");
        let mut file = MetricsFile::start(&path, &[]).unwrap();
        file.append(&row(1)).unwrap();
        std::fs::write(&path, std::fs::read_to_string(&path).unwrap() + "2,0.1,0").unwrap();
        MetricsFile::start(&path, &[row(1)]).unwrap();
        assert_eq!(run::read_metrics(&path).unwrap(), [row(1)]);
    }
}
