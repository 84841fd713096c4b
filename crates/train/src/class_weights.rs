//! The weights of the classes in the loss.

use crate::data::TrainingData;
use crate::error::Error;
use crate::params::ClassWeights;

/// The weight of each class in the loss, in the order of the label map.
pub(crate) fn class_weights(weights: &ClassWeights, data: &TrainingData) -> Result<Option<Vec<f32>>, Error> {
    #[expect(clippy::cast_possible_truncation, reason = "the loss is computed in float32")]
    let to_f32 = |weights: Vec<f64>| Some(weights.into_iter().map(|weight| weight as f32).collect());
    match weights {
        ClassWeights::None => Ok(None),
        ClassWeights::Balanced => {
            let mut counts = vec![0_u64; data.labels.len()];
            for &label in &data.train.labels {
                counts[label as usize] += 1;
            }
            let rows = data.train.labels.len() as f64;
            let classes = counts.len() as f64;
            // Split guarantees a training row for every class.
            Ok(to_f32(
                counts
                    .iter()
                    .map(|&count| rows / (classes * count.max(1) as f64))
                    .collect(),
            ))
        }
        ClassWeights::Given(given) => {
            let names: Vec<&String> = given.keys().collect();
            let mut expected: Vec<&String> = data.labels.names().iter().collect();
            expected.sort_unstable();
            if names != expected {
                let list = |names: &[&String]| {
                    names
                        .iter()
                        .map(|name| format!("`{name}`"))
                        .collect::<Vec<_>>()
                        .join(", ")
                };
                return Err(Error::ClassWeights {
                    found: list(&names),
                    expected: list(&expected),
                });
            }
            Ok(to_f32(
                data.labels.names().iter().map(|name| given[name]).collect(),
            ))
        }
    }
}
