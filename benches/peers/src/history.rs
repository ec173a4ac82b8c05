//! The history that a training script prints: CSV with Keras's column names.

use std::io::Read;

use csv::{ByteRecord, ReaderBuilder};
use serde::Deserialize;

/// One epoch: training, then validation.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub(crate) struct Epoch {
    /// Mean cross-entropy of the validation images, in nats.
    pub(crate) val_loss: f64,
    /// Fraction of the validation images classified correctly, in [0, 1].
    pub(crate) val_accuracy: f64,
    /// Wall time of training and validation.
    pub(crate) seconds: f64,
}

/// The epochs in the output of a script, each as soon as its row arrives. Lines before the header are skipped.
///
/// An item is an error where a column is missing or not a number.
pub(crate) fn read(output: impl Read) -> impl Iterator<Item = csv::Result<Epoch>> {
    let mut reader = ReaderBuilder::new();
    // Warnings that a script prints first may hold any number of commas and quotes.
    let reader = reader.has_headers(false).flexible(true).quoting(false).from_reader(output);
    let is_header = |record: &ByteRecord| record.get(0) == Some(b"epoch");
    let mut records = reader.into_byte_records();
    let header = records.by_ref().map_while(Result::ok).find(is_header);
    records.map(move |record| record?.deserialize(header.as_ref()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_history_is_read_by_its_column_names() {
        let text = "some \"noise, here\nepoch,val_accuracy,val_loss,x,seconds\n1,0.9,0.25,9,3.5\n2,0.8,0.125,9,3\n";
        let epochs: Vec<_> = read(text.as_bytes()).collect::<Result<_, _>>().unwrap();
        let epoch = |val_loss, val_accuracy, seconds| Epoch { val_loss, val_accuracy, seconds };
        assert_eq!(epochs, [epoch(0.25, 0.9, 3.5), epoch(0.125, 0.8, 3.0)]);
        assert_eq!(read("noise\n".as_bytes()).count(), 0);
        for bad in ["epoch,loss\n1,2\n", "epoch,val_accuracy,val_loss,seconds\n1,0.9,x,2\n"] {
            assert!(read(bad.as_bytes()).next().unwrap().is_err(), "{bad}");
        }
    }

    /// The pipe of a script that is still at work.
    struct Pending;

    impl Read for Pending {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::WouldBlock.into())
        }
    }

    #[test]
    fn a_row_is_delivered_before_the_next_one_is_written() {
        let text = "epoch,val_accuracy,val_loss,seconds\n1,0.9,0.25,3.5\n";
        let mut epochs = read(text.as_bytes().chain(Pending));
        assert_eq!(epochs.next().unwrap().unwrap().seconds, 3.5);
        assert!(epochs.next().unwrap().is_err());
    }
}
