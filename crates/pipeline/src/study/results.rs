//! The results of a study's runs.

use report::StudyRun;
use run::{Config, EpochMetrics, Evaluation, Selection, lowest};

use crate::goal::{GOAL, seconds_to_goal};

/// The runs of one recipe, in the order of their seeds.
pub(super) struct RecipeResults {
    pub(super) name: String,
    pub(super) runs: Vec<RunResult>,
}

/// The result of one run.
pub(super) struct RunResult {
    pub(super) seed: u64,
    pub(super) synthetic: bool,
    pub(super) n_test: usize,
    pub(super) epochs: Vec<EpochMetrics>,
    pub(super) checkpoint: Selection,
    /// None where the study leaves the test set alone.
    pub(super) evaluation: Option<Evaluation>,
    /// Wall time of the training process, in seconds, loading included; none where it was interrupted.
    pub(super) seconds: Option<f64>,
}

impl RecipeResults {
    pub(super) fn of(config: &Config) -> Self {
        Self { name: config.recipe.clone(), runs: Vec::new() }
    }

    pub(super) fn synthetic(&self) -> bool {
        self.runs.iter().any(|run| run.synthetic)
    }

    /// What the plot shows of the runs.
    pub(super) fn plotted(&self) -> Vec<StudyRun> {
        let plotted = |run: &RunResult| {
            let evaluation = run.evaluation.as_ref()?;
            Some(StudyRun {
                seed: run.seed,
                n_test: run.n_test,
                errors: evaluation.errors,
                val_accuracy: run.validated().and_then(|row| row.val_accuracy),
                train_loss: evaluation.train.loss,
                val_loss: evaluation.val.map(|val| val.loss),
                seconds: run.training_seconds(),
                seconds_to_99: run.seconds_to_goal(),
            })
        };
        self.runs.iter().filter_map(plotted).collect()
    }
}

impl RunResult {
    /// The row of the epoch whose weights count.
    pub(super) fn validated(&self) -> Option<&EpochMetrics> {
        match self.checkpoint {
            Selection::Last => self.epochs.last(),
            Selection::Best => lowest(&self.epochs).map(|(row, _)| row),
        }
    }

    /// Wall time of the training process, or of its epochs where it was interrupted.
    pub(super) fn training_seconds(&self) -> f64 {
        self.seconds.unwrap_or_else(|| self.epochs.iter().map(|row| row.seconds).sum())
    }

    /// Time to 99 %: from the start of the process to the end of the first epoch with that validation accuracy.
    ///
    /// Without validation it is the whole time, if the finished network has that accuracy on the test set, which is only
    /// scored once training is over.
    pub(super) fn seconds_to_goal(&self) -> Option<f64> {
        let validates = self.epochs.iter().any(|row| row.val_accuracy.is_some());
        if !validates {
            let reached = self.evaluation.as_ref().is_some_and(|e| e.accuracy >= GOAL);
            return reached.then(|| self.training_seconds());
        }
        seconds_to_goal(&self.epochs, self.training_seconds()).map(|(_, seconds)| seconds)
    }

    /// The figures as text.
    pub(super) fn figures(&self) -> String {
        let seconds = self.training_seconds();
        match (&self.evaluation, self.validated()) {
            (Some(e), _) => format!(
                "test accuracy {:.2} %, {} errors, {seconds:.1} s",
                e.accuracy * 100.0,
                e.errors
            ),
            (
                None,
                Some(EpochMetrics { val_loss: Some(loss), val_accuracy: Some(accuracy), .. }),
            ) => {
                format!(
                    "validation loss {loss:.4}, accuracy {:.2} %, {seconds:.1} s",
                    accuracy * 100.0
                )
            }
            (None, _) => format!("{seconds:.1} s"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(epoch: usize, val: Option<(f64, f64)>) -> EpochMetrics {
        EpochMetrics {
            epoch,
            loss: 0.1,
            accuracy: 0.9,
            val_loss: val.map(|(loss, _)| loss),
            val_accuracy: val.map(|(_, accuracy)| accuracy),
            learning_rate: 1e-3,
            seconds: 10.0,
            images_per_second: 1.0,
        }
    }

    fn result(epochs: Vec<EpochMetrics>, checkpoint: Selection) -> RunResult {
        RunResult {
            seed: 1,
            synthetic: false,
            n_test: 10,
            epochs,
            checkpoint,
            evaluation: None,
            seconds: Some(33.0),
        }
    }

    #[test]
    fn the_goal_is_reached_by_the_first_epoch_that_validates_it_and_loading_counts() {
        let rows = [0.98, 0.99, 0.985].map(|accuracy| Some((1.0 - accuracy, accuracy)));
        let rows = rows.into_iter().zip(1..).map(|(val, n)| epoch(n, val)).collect::<Vec<_>>();
        let mut run = result(rows, Selection::Best);
        assert_eq!(run.seconds_to_goal(), Some(3.0 + 20.0));
        assert_eq!(run.validated().map(|row| row.epoch), Some(2));
        run.checkpoint = Selection::Last;
        assert_eq!(run.validated().map(|row| row.epoch), Some(3));
        run.epochs.truncate(1);
        assert_eq!(run.seconds_to_goal(), None);
    }

    #[test]
    fn without_validation_only_a_test_can_tell() {
        let run = result(vec![epoch(1, None)], Selection::Last);
        assert_eq!(run.seconds_to_goal(), None);
    }
}
