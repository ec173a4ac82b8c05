//! The learning rate of every step.

use std::f64::consts::PI;

use run::{Config, Schedule};

/// Fraction of the highest learning rate at which a one-cycle schedule starts (Smith and Topin 2018; PyTorch's
/// default).
const START: f64 = 1.0 / 25.0;

/// The learning rate of `step`, counted from 0 over the whole run, where an epoch has `n_steps`.
///
/// A schedule is read at the beginning of a step, so the last step of a falling one is slightly above the final value.
pub(crate) fn learning_rate(config: &Config, step: usize, n_steps: usize) -> f64 {
    let settings = &config.optimizer;
    let (step, all) = (step as f64, (config.training.epochs * n_steps) as f64);
    let warmup = settings.warmup_epochs * n_steps as f64;
    // Half a cosine, from 1 at 0 to 0 at 1.
    let cosine = |fraction: f64| 0.5 * (1.0 + (PI * fraction).cos());
    let floor = settings.learning_rate_floor;
    let factor = if step < warmup {
        match settings.schedule {
            Schedule::Constant | Schedule::Cosine => (step + 1.0) / warmup.max(1.0),
            Schedule::OneCycle => START + (1.0 - START) * (1.0 - cosine(step / warmup)),
        }
    } else {
        match settings.schedule {
            Schedule::Constant => 1.0,
            Schedule::Cosine | Schedule::OneCycle => {
                floor + (1.0 - floor) * cosine((step - warmup) / (all - warmup))
            }
        }
    };
    settings.learning_rate * factor.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(schedule: Schedule, warmup_epochs: f64) -> Config {
        let mut config = Config::default();
        config.training.epochs = 4;
        let settings = &mut config.optimizer;
        (settings.schedule, settings.learning_rate) = (schedule, 0.5);
        settings.warmup_epochs = warmup_epochs;
        config
    }

    /// The learning rates of a run of four epochs of ten steps.
    fn rates(schedule: Schedule, warmup_epochs: f64) -> Vec<f64> {
        let config = config(schedule, warmup_epochs);
        (0..40).map(|step| learning_rate(&config, step, 10)).collect()
    }

    #[test]
    fn a_constant_one_does_not_change_after_its_warm_up() {
        assert_eq!(rates(Schedule::Constant, 0.0), [0.5; 40]);
        let warm = rates(Schedule::Constant, 0.5);
        for (step, expected) in [0.1, 0.2, 0.3, 0.4, 0.5, 0.5].into_iter().enumerate() {
            assert!((warm[step] - expected).abs() < 1e-12, "{warm:?}");
        }
    }

    #[test]
    fn a_cosine_falls_by_half_in_the_middle_and_to_almost_nothing() {
        let rates = rates(Schedule::Cosine, 0.0);
        assert_eq!(rates[0], 0.5);
        assert!((rates[20] - 0.25).abs() < 1e-12);
        // 0.5 * (1 + cos(39/40 pi)) / 2
        assert!((rates[39] - 7.71e-4).abs() < 1e-6, "{}", rates[39]);
        assert!(rates.is_sorted_by(|a, b| a > b));
    }

    #[test]
    fn with_a_floor_it_ends_there() {
        for schedule in [Schedule::Cosine, Schedule::OneCycle] {
            let mut config = config(schedule, 1.0);
            config.optimizer.learning_rate_floor = 0.2;
            let rate = |step| learning_rate(&config, step, 10);
            assert_eq!(rate(10), 0.5);
            // Halfway between the highest and its fifth, and almost at the fifth in the last step.
            assert!((rate(25) - 0.3).abs() < 1e-12, "{}", rate(25));
            assert!(rate(39) > 0.1 && rate(39) < 0.102, "{}", rate(39));
        }
        let mut constant = config(Schedule::Constant, 0.0);
        constant.optimizer.learning_rate_floor = 0.2;
        assert_eq!(learning_rate(&constant, 39, 10), 0.5);
    }

    #[test]
    fn one_cycle_rises_to_its_highest_and_falls() {
        let rates = rates(Schedule::OneCycle, 1.0);
        assert!((rates[0] - 0.02).abs() < 1e-12);
        assert!((rates[5] - (0.02 + 0.24)).abs() < 1e-12, "{}", rates[5]);
        assert_eq!(rates[10], 0.5);
        assert!((rates[25] - 0.25).abs() < 1e-12, "{}", rates[25]);
        assert!(rates[..11].is_sorted() && rates[10..].is_sorted_by(|a, b| a > b));
    }
}
