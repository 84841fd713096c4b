//! How far figures of several models of one kind lie apart: those of the folds of a cross-validation, or of
//! several seeds.

use serde::{Deserialize, Serialize};

use crate::{Confusion, Totals, macro_average};

/// The values of one metric for several models, their mean and their standard deviation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spread {
    /// The mean of the values.
    pub mean: f64,
    /// The standard deviation of the values, of a sample (divided by their number less 1); 0 for one value.
    pub standard_deviation: f64,
    /// The values, one of each model.
    pub values: Vec<f64>,
}

impl Spread {
    /// The spread of some values, of which there is one at least.
    pub fn of(values: Vec<f64>) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self {
            mean,
            standard_deviation: (squares / (count - 1.0).max(1.0)).sqrt(),
            values,
        }
    }
}

/// The accuracy and the macro F1 of several models.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spreads {
    /// The share of rows classified rightly.
    pub accuracy: Spread,
    /// F1, every label counting the same.
    pub f1_macro: Spread,
}

impl Spreads {
    /// The spreads over models, each of which has predicted some rows.
    pub fn of_models(models: &[Confusion]) -> Self {
        let totals: Vec<_> = models.iter().map(Confusion::totals).collect();
        let accuracy = |totals: &Totals| totals.hits as f64 / totals.rows as f64;
        let f1_macro = |totals: &Totals| macro_average(totals).map_or(0.0, |average| average.f1);
        Self {
            accuracy: Spread::of(totals.iter().map(accuracy).collect()),
            f1_macro: Spread::of(totals.iter().map(f1_macro).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mean_and_standard_deviation_are_those_of_numpy() {
        // numpy.mean and numpy.std(ddof=1).
        let spread = Spread::of(vec![0.91, 0.94, 0.89, 0.95]);
        assert!((spread.mean - 0.9225).abs() < 1e-15);
        assert!((spread.standard_deviation - 0.027_537_852_736_430_474).abs() < 1e-15);
        let one = Spread::of(vec![0.5]);
        assert_eq!((one.mean, one.standard_deviation), (0.5, 0.0));
    }

    #[test]
    fn each_model_is_scored_on_its_own_rows() {
        let models = [[[2, 1], [0, 1]], [[1, 0], [0, 1]]];
        let confusion = |matrix: [[u64; 2]; 2]| Confusion::from_matrix(&matrix.map(Vec::from)).unwrap();
        let spreads = Spreads::of_models(&models.map(confusion));
        assert_eq!(spreads.accuracy.values, [0.75, 1.0]);
        // sklearn.metrics.f1_score([0, 0, 1, 0], [0, 0, 1, 1], average="macro")
        assert!((spreads.f1_macro.values[0] - 0.733_333_333_333_333_4).abs() < 1e-15);
    }
}
