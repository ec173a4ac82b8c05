//! The progress of training: a bar for the whole run, and one line an epoch.

use run::EpochMetrics;

use super::Bar;
use crate::console::{self, columns, fitting};

/// Time of a training image, by that of a validation image, which has no backward pass.
const TRAINING: f64 = 3.0;

/// Shows the events of training.
pub(crate) struct Training {
    bar: Bar,
    n_epochs: usize,
    /// The fraction of an epoch's time that training takes; validation takes the rest.
    training: f64,
}

impl Training {
    /// For so many epochs of `n_train` training and `n_val` validation images.
    pub(crate) fn new(n_epochs: usize, n_train: usize, n_val: usize) -> Self {
        let training = TRAINING * n_train as f64;
        Self { bar: Bar::new(), n_epochs, training: training / (training + n_val as f64) }
    }

    pub(crate) fn show(&mut self, event: &train::Event) {
        let n_epochs = self.n_epochs;
        match *event {
            train::Event::Step { epoch, step, n_steps, loss, .. } => {
                let done = self.training * step as f64 / n_steps as f64;
                let loss = format!("loss {loss:.4}");
                self.bar.show(&format!("epoch {epoch}/{n_epochs}"), self.done(epoch, done), &loss);
            }
            train::Event::Validation { epoch, done, total } => {
                let done = self.training + (1.0 - self.training) * done as f64 / total as f64;
                let name = format!("validation {epoch}/{n_epochs}");
                self.bar.show(&name, self.done(epoch, done), "");
            }
            train::Event::Epoch { metrics, best } => {
                self.bar.clear();
                console::row(fitting(&epoch_line(metrics, n_epochs, best), columns()));
            }
        }
    }

    /// The fraction of the run that is done after so much of an epoch.
    fn done(&self, epoch: usize, of_epoch: f64) -> f64 {
        ((epoch - 1) as f64 + of_epoch) / self.n_epochs as f64
    }
}

/// The line of an epoch: the whole, and shorter ones for narrow terminals.
fn epoch_line(row: &EpochMetrics, n_epochs: usize, best: bool) -> [String; 3] {
    let digits = n_epochs.to_string().len();
    let epoch = format!("{:>digits$}/{n_epochs}", row.epoch);
    let train = format!("{:.4}, {:.2} %", row.loss, row.accuracy * 100.0);
    let validation = |name: &str| match (row.val_loss, row.val_accuracy) {
        (Some(loss), Some(accuracy)) => format!("  {name} {loss:.4}, {:.2} %", accuracy * 100.0),
        _ => String::new(),
    };
    let decimals = usize::from(row.seconds < 100.0);
    let seconds = format!("{:.decimals$} s", row.seconds);
    let best = if best { "  lowest" } else { "" };
    let whole = validation("validation");
    [
        format!("epoch {epoch}  loss {train}{whole}  {seconds}{best}"),
        format!("{epoch}  {train}{whole}{best}"),
        format!("{epoch}  {train}{}", validation("val.")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(epoch: usize, seconds: f64) -> EpochMetrics {
        EpochMetrics {
            epoch,
            loss: 0.0253,
            accuracy: 0.9921,
            val_loss: Some(0.0371),
            val_accuracy: Some(0.9898),
            learning_rate: 1e-3,
            seconds,
            images_per_second: 3000.0,
        }
    }

    #[test]
    fn the_line_of_an_epoch_fits_eighty_columns_and_shortens_at_sixty() {
        let lines = epoch_line(&row(10, 14.1), 20, true);
        let expected =
            "epoch 10/20  loss 0.0253, 99.21 %  validation 0.0371, 98.98 %  14.1 s  lowest";
        assert_eq!(fitting(&lines, 80), expected);
        assert_eq!(
            fitting(&lines, 60),
            "10/20  0.0253, 99.21 %  validation 0.0371, 98.98 %  lowest"
        );
        for (n_epochs, seconds) in [(1, 0.1), (20, 99.94), (20, 1414.0)] {
            for columns in [80, 60] {
                let lines = epoch_line(&row(n_epochs, seconds), n_epochs, true);
                let line = fitting(&lines, columns);
                assert!(line.chars().count() + 2 <= columns, "{line}");
            }
        }
    }

    #[test]
    fn the_run_and_not_the_epoch_is_what_is_left() {
        let training = Training::new(4, 100, 60);
        assert_eq!(training.done(1, 0.0), 0.0);
        assert_eq!(training.done(3, 0.5), 0.625);
        assert_eq!(training.done(4, 1.0), 1.0);
        assert!((training.training - 300.0 / 360.0).abs() < 1e-12);
    }
}
