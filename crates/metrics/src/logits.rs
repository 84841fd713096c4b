//! Softmax, cross-entropy and argmax of one row's logits, computed in 64 bits.

/// `ln Σ exp(logits)`, computed around the largest logit, so that nothing overflows.
fn log_sum_exp(logits: &[f32]) -> f64 {
    let largest = f64::from(logits.iter().copied().fold(f32::NEG_INFINITY, f32::max));
    let exponentials = logits.iter().map(|&logit| (f64::from(logit) - largest).exp());
    largest + exponentials.sum::<f64>().ln()
}

/// The softmax of one row's logits: its probabilities `[classes]`.
pub fn softmax(logits: &[f32]) -> Vec<f64> {
    let total = log_sum_exp(logits);
    let probability = |&logit| (f64::from(logit) - total).exp();
    logits.iter().map(probability).collect()
}

/// Turns one row's scores into their softmax.
pub fn softmax_in_place(scores: &mut [f64]) {
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    for score in &mut *scores {
        *score = (*score - largest).exp();
    }
    let total: f64 = scores.iter().sum();
    for score in scores {
        *score /= total;
    }
}

/// The cross-entropy of one row in nats, from its logits.
pub fn cross_entropy(logits: &[f32], label: usize) -> f64 {
    log_sum_exp(logits) - f64::from(logits[label])
}

/// The place of the largest value, the first of equal ones, as `numpy.argmax`.
pub fn argmax<T: PartialOrd>(values: &[T]) -> usize {
    let mut best = 0;
    for (place, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = place;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_and_loss_survive_extreme_logits() {
        let logits = [1000.0, 999.0, -1000.0];
        let mut scores = logits.map(f64::from);
        softmax_in_place(&mut scores);
        for found in [softmax(&logits)[0], scores[0]] {
            // softmax([1, 0]) = 1 / (1 + e^-1)
            // The sum is near 1000, so that its logarithm is right to 1e-13.
            assert!((found - 0.731_058_578_630_004_9).abs() < 1e-12);
        }
        assert!((cross_entropy(&logits, 2) - 2_000.313_261_687_518_3).abs() < 1e-9);
        assert_eq!(argmax(&[1.0, 3.0, 3.0_f32]), 1);
    }
}
