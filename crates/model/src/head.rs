//! The classification head: dropout, a dense layer from the pooled vector to the classes, and, where
//! configured, batch normalisation. It is trained in every case, and ends in logits: there is no softmax that
//! a loss could apply a second time.

use burn::module::{Module, Param, RunningState};
use burn::nn::{BatchNorm, BatchNormConfig, Dropout, DropoutConfig, Linear};
use burn::tensor::{Device, Tensor, TensorData};
use labelproof_kernels::random;
use labelproof_settings::BatchNormalization;
use serde::{Deserialize, Serialize};

use crate::weights::{NamedTensors, TensorSource};

/// The shape of a head.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadSettings {
    /// The width of the pooled vector.
    pub input: usize,
    /// The number of classes.
    pub classes: usize,
    /// The probability with which dropout drops a component of the pooled vector in training.
    pub dropout: f64,
    /// The batch normalisation behind the dense layer.
    pub batch_normalization: BatchNormalization,
}

/// The ε of Keras' batch normalisation.
const EPSILON: f64 = 1e-3;

/// A classification head, from a pooled vector to logits.
#[derive(Module, Debug)]
pub struct Head {
    dropout: Dropout,
    dense: Linear,
    normalization: Option<BatchNorm>,
}

impl Head {
    /// A new head. Its weights are uniform within ±1/√input, as PyTorch initialises its linear layers, and
    /// drawn here and not by the device, so that every backend starts from the same.
    pub fn new(settings: &HeadSettings, seed: u64, device: &Device) -> Self {
        let mut stream = random::stream("head", seed);
        let bound = 1.0 / (settings.input as f32).sqrt();
        let mut draw = |count: usize| -> Vec<f32> {
            (0..count)
                .map(|_| (2.0 * random::uniform(&mut stream) - 1.0) * bound)
                .collect()
        };
        let weight = TensorData::new(
            draw(settings.input * settings.classes),
            [settings.input, settings.classes],
        );
        let bias = TensorData::new(draw(settings.classes), [settings.classes]);
        Self {
            dropout: DropoutConfig::new(settings.dropout).init(),
            dense: Linear {
                weight: Param::from_data(weight, device),
                bias: Some(Param::from_data(bias, device)),
            },
            normalization: new_normalization(settings, device),
        }
    }

    /// Takes a head's tensors from a file.
    pub fn load(source: &mut TensorSource<'_>, settings: &HeadSettings, device: &Device) -> Self {
        let dense = source.linear("classifier", settings.input, settings.classes, true);
        let normalization = new_normalization(settings, device).map(|mut norm| {
            norm.gamma = source.vector("batch_normalization.weight", settings.classes);
            norm.beta = source.vector("batch_normalization.bias", settings.classes);
            // New running states, and not `update`: an update takes effect only with the next one.
            let mut state = |name| RunningState::new(source.vector(name, settings.classes).val());
            norm.running_mean = state("batch_normalization.running_mean");
            norm.running_var = state("batch_normalization.running_var");
            norm
        });
        Self {
            dropout: DropoutConfig::new(settings.dropout).init(),
            dense,
            normalization,
        }
    }

    /// The head's tensors, in PyTorch's names and layout.
    pub fn named_tensors(&self) -> NamedTensors {
        let mut tensors = NamedTensors::default();
        tensors.push_linear("classifier", &self.dense);
        if let Some(norm) = &self.normalization {
            tensors.push("batch_normalization.weight", norm.gamma.val());
            tensors.push("batch_normalization.bias", norm.beta.val());
            tensors.push("batch_normalization.running_mean", norm.running_mean.value_sync());
            tensors.push("batch_normalization.running_var", norm.running_var.value_sync());
        }
        tensors
    }

    /// Whether the running statistics of a trained batch normalisation have moved from their initial values,
    /// means of 0 and variances of 1. `None` without batch normalisation, and where it is frozen and meant to
    /// keep them.
    pub fn normalization_updated(&self, settings: &HeadSettings) -> Option<bool> {
        let norm = self.normalization.as_ref()?;
        let stays = |values: Tensor<1>, start: f32| {
            values
                .into_data()
                .iter::<f32>()
                .all(|value| value.to_bits() == start.to_bits())
        };
        (settings.batch_normalization == BatchNormalization::Trained).then(|| {
            !(stays(norm.running_mean.value_sync(), 0.0) && stays(norm.running_var.value_sync(), 1.0))
        })
    }

    /// The logits, `[batch, classes]`, of pooled vectors, `[batch, hidden]`.
    pub fn forward(&self, pooled: Tensor<2>) -> Tensor<2> {
        let logits = self.dense.forward(self.dropout.forward(pooled));
        match &self.normalization {
            Some(normalization) => normalization.forward(logits),
            None => logits,
        }
    }
}

fn new_normalization(settings: &HeadSettings, device: &Device) -> Option<BatchNorm> {
    let norm = || {
        BatchNormConfig::new(settings.classes)
            .with_epsilon(EPSILON)
            .init(device)
    };
    match settings.batch_normalization {
        BatchNormalization::None => None,
        BatchNormalization::Frozen => Some(norm().freeze()),
        BatchNormalization::Trained => Some(norm()),
    }
}

#[cfg(test)]
mod tests {
    use labelproof_artifact::fs;
    use labelproof_kernels::device;
    use labelproof_settings::DeviceChoice;

    use super::*;

    #[test]
    fn trained_statistics_survive_saving_and_loading() {
        for choice in [DeviceChoice::Cpu, DeviceChoice::Flex] {
            let device = device::open(choice).unwrap();
            let settings = HeadSettings {
                input: 2,
                classes: 3,
                dropout: 0.0,
                batch_normalization: BatchNormalization::Trained,
            };
            let training = Head::new(&settings, 10, &device).train();
            let rows =
                |device: &Device| Tensor::<2>::from_data([[5.0, 1.0], [3.0, -2.0], [4.0, 0.5]], device);
            for _ in 0..2 {
                let _ = training.forward(rows(&device.clone().autodiff()));
            }
            let trained = training.valid();
            let untouched = Head::new(&settings, 10, &device);
            let logits = |head: &Head| {
                head.forward(rows(&device))
                    .into_data()
                    .try_to_vec::<f32>()
                    .unwrap()
            };
            assert_ne!(
                logits(&trained),
                logits(&untouched),
                "training moves the statistics"
            );

            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("head.safetensors");
            trained.named_tensors().write(&path).unwrap();
            let bytes = fs::read(&path).unwrap();
            let mut source = TensorSource::new(&path, &bytes, &device).unwrap();
            let loaded = Head::load(&mut source, &settings, &device);
            source.finish().unwrap();
            assert_eq!(logits(&loaded), logits(&trained));
        }
    }
}
