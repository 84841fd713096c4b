//! Temperature scaling (Guo and others 2017, *On Calibration of Modern Neural Networks*, arXiv:1706.04599):
//! `softmax(logits / T)` with the `T` that has the least loss on the validation rows. It changes no label.

use crate::logits::softmax_in_place;

/// The range in which a temperature is sought.
pub const TEMPERATURES: (f64, f64) = (0.05, 20.0);

/// Rows that a temperature is fitted on at most: its error is then far below what matters.
const MOST_ROWS: usize = 20_000;

/// The width, in the logarithm of the temperature, at which the search ends.
const TOLERANCE: f64 = 1e-9;

/// The temperature with the least mean cross-entropy, of rows of logits `[classes]` with their true classes.
/// It is an end of [`TEMPERATURES`] where the loss falls up to there: the rows settle no temperature. That is
/// so where all rows are right, and where logits say nothing of the labels.
pub fn fit_temperature(rows: &[(Vec<f64>, usize)]) -> f64 {
    // The loss is convex in the inverse temperature: its slope has one zero, between two signs.
    let (mut low, mut high) = ((1.0 / TEMPERATURES.1).ln(), (1.0 / TEMPERATURES.0).ln());
    while high - low > TOLERANCE {
        let middle = f64::midpoint(low, high);
        if slope(rows, middle.exp()) < 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    let inverse = f64::midpoint(low, high);
    (-inverse).exp().clamp(TEMPERATURES.0, TEMPERATURES.1)
}

/// The slope of the summed cross-entropy over the inverse temperature: `Σ (Σ_k p_k z_k − z_label)`, with the
/// softmax `p` of the logits `z` times `inverse`.
fn slope(rows: &[(Vec<f64>, usize)], inverse: f64) -> f64 {
    let mut probabilities = Vec::new();
    let mut sum = 0.0;
    for (logits, label) in rows {
        probabilities.clear();
        probabilities.extend(logits.iter().map(|logit| logit * inverse));
        softmax_in_place(&mut probabilities);
        let mean: f64 = probabilities
            .iter()
            .zip(logits)
            // A class without any probability has none however low its logit is.
            .filter(|(probability, _)| **probability > 0.0)
            .map(|(probability, logit)| probability * logit)
            .sum();
        sum += mean - logits[*label];
    }
    sum
}

/// The temperature of some rows' logits `[rows, classes]`, row-major, with the least cross-entropy; `None`
/// where the rows settle none within [`TEMPERATURES`]. Of many rows, 20,000 at even distances are taken.
pub fn temperature_of_logits(logits: &[f32], classes: usize, labels: &[u32]) -> Option<f64> {
    let step = labels.len().div_ceil(MOST_ROWS).max(1);
    let rows: Vec<(Vec<f64>, usize)> = logits
        .chunks_exact(classes)
        .zip(labels)
        .step_by(step)
        .map(|(logits, &label)| {
            let logits = logits.iter().map(|&logit| f64::from(logit)).collect();
            (logits, label as usize)
        })
        .collect();
    let temperature = fit_temperature(&rows);
    let (lowest, highest) = TEMPERATURES;
    // The search ends within its tolerance of an end that it runs to.
    let is_within = temperature > lowest * 1.001 && temperature < highest / 1.001;
    is_within.then_some(temperature)
}

/// The softmax of one row's logits `[classes]` divided by a temperature: its calibrated probabilities.
pub fn softmax_at(logits: &[f32], temperature: f64) -> Vec<f64> {
    let mut scores: Vec<f64> = logits
        .iter()
        .map(|&logit| f64::from(logit) / temperature)
        .collect();
    softmax_in_place(&mut scores);
    scores
}

/// The cross-entropy of one row in nats, from its logits divided by a temperature.
pub(super) fn loss_at(logits: &[f32], label: usize, temperature: f64) -> f64 {
    let largest = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let scaled = |logit: f32| (f64::from(logit) - largest) / temperature;
    let total: f64 = logits.iter().map(|&logit| scaled(logit).exp()).sum();
    total.ln() - scaled(logits[label])
}
