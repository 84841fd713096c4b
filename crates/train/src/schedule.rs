//! The learning-rate schedule.
//!
//! A pure function of the step, and not one of burn's stateful schedulers: an interrupted training resumes at
//! any step without a scheduler's state.

use crate::params::{Params, ScheduleKind};

/// The learning rate of a step, counted from 0, out of `total` steps: a linear warm-up, then the schedule,
/// which ends in zero at `total`. The formulae are those of transformers' `get_linear_schedule_with_warmup`
/// and `get_cosine_schedule_with_warmup`.
pub(crate) fn learning_rate(params: &Params, step: u64, total: u64) -> f64 {
    let warmup = (params.warmup * total as f64).round();
    let step = step as f64;
    if step < warmup {
        return params.learning_rate * step / warmup;
    }
    let progress = (step - warmup) / (total as f64 - warmup).max(1.0);
    let factor = match params.schedule {
        ScheduleKind::Constant => 1.0,
        ScheduleKind::Linear => (1.0 - progress).max(0.0),
        ScheduleKind::Cosine => 0.5 * (1.0 + (std::f64::consts::PI * progress).cos()),
    };
    params.learning_rate * factor
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values of transformers 5.23:
    /// `get_{constant,linear,cosine}_schedule_with_warmup(optimizer, 10[, 100])`.
    #[track_caller]
    fn check(schedule: ScheduleKind, expected: [(u64, f64); 4]) {
        let params = Params {
            schedule,
            warmup: 0.1,
            learning_rate: 1.0,
            ..Params::default()
        };
        for (step, rate) in expected {
            let found = learning_rate(&params, step, 100);
            assert!(
                (found - rate).abs() < 1e-12,
                "step {step}: {found}, expected {rate}"
            );
        }
    }

    #[test]
    fn the_rate_rises_over_the_warm_up_and_falls_as_declared() {
        check(ScheduleKind::Constant, [(0, 0.0), (5, 0.5), (10, 1.0), (99, 1.0)]);
        check(
            ScheduleKind::Linear,
            [(0, 0.0), (5, 0.5), (55, 0.5), (99, 1.0 / 90.0)],
        );
        check(ScheduleKind::Cosine, [(0, 0.0), (10, 1.0), (55, 0.5), (40, 0.75)]);
    }
}
