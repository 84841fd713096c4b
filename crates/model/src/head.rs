//! The classification head: dropout, a dense layer from the pooled vector to the classes, and, where
//! configured, batch normalisation; or the head that the encoder's family has in transformers (`layout`), which
//! has one more dense layer. It is trained in every case, and ends in logits: there is no softmax that a loss
//! could apply a second time.

mod layout;

use burn::module::{Module, Param, RunningState};
use burn::nn::{BatchNorm, BatchNormConfig, Dropout, DropoutConfig, LayerNorm, LayerNormConfig, Linear};
use burn::tensor::{Device, Tensor, TensorData};
use labelproof_kernels::random;
use labelproof_settings::{BatchNormalization, HeadKind};
use serde::{Deserialize, Serialize};

pub(crate) use self::layout::TENSORS;
pub use self::layout::{HeadLayout, family_pools_by};
use self::layout::{NormLayout, ProjectionLayout};
use crate::dense::activate;
use crate::weights::{NamedTensors, TensorSource};

/// The shape of a head.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeadSettings {
    /// The width of the pooled vector.
    pub input: usize,
    /// The number of classes.
    pub classes: usize,
    /// The probability with which dropout drops a component in training.
    pub dropout: f64,
    /// The batch normalisation behind the dense layer.
    pub batch_normalization: BatchNormalization,
    /// What lies between the pooled vector and the logits; not written where it is one dense layer.
    #[serde(default, skip_serializing_if = "HeadKind::is_linear")]
    pub kind: HeadKind,
}

/// The ε of Keras' batch normalisation.
pub(crate) const BATCH_NORMALIZATION_EPSILON: f64 = 1e-3;

/// The standard deviation of the initial weights of a family's head: `initializer_range` in transformers.
const INITIALIZER_RANGE: f32 = 0.02;

/// The standard deviation of the standard normal distribution between -2 and 2.
const CUT_OFF_DEVIATION: f32 = 0.879_63;

/// A classification head, from a pooled vector to logits.
#[derive(Module, Debug)]
pub struct Head {
    projection: Option<Projection>,
    dropout: Dropout,
    dense: Linear,
    normalization: Option<BatchNorm>,
    #[module(skip)]
    layout: HeadLayout,
}

/// The dense layer before the one that gives the logits, its activation and its layer normalisation.
#[derive(Module, Debug)]
struct Projection {
    dense: Linear,
    norm: Option<LayerNorm>,
    #[module(skip)]
    layout: ProjectionLayout,
}

impl Head {
    /// A new head. The weights of a linear one are uniform within ±1/√input, as PyTorch initialises its linear
    /// layers; those of a family's head are normally distributed, as transformers initialises them. They are
    /// drawn here and not by the device, so that every backend starts from the same.
    pub fn new(settings: &HeadSettings, layout: HeadLayout, seed: u64, device: &Device) -> Self {
        let mut stream = random::stream("head", seed);
        let bound = 1.0 / (settings.input as f32).sqrt();
        let mut draw = |count: usize| -> Vec<f32> {
            let draw = || match settings.kind {
                HeadKind::Linear => (2.0 * random::uniform(&mut stream) - 1.0) * bound,
                HeadKind::Family => INITIALIZER_RANGE * random::normal(&mut stream),
            };
            std::iter::repeat_with(draw).take(count).collect()
        };
        let mut dense = |input: usize, output: usize| {
            let weight = TensorData::new(draw(input * output), [input, output]);
            Linear {
                weight: Param::from_data(weight, device),
                bias: None,
            }
        };
        let (input, classes) = (settings.input, settings.classes);
        let projection = layout.projection.map(|layout| {
            let bias = Tensor::zeros([input], device);
            Projection {
                dense: Linear {
                    bias: layout.has_bias.then(|| Param::from_tensor(bias)),
                    ..dense(input, input)
                },
                norm: layout.norm.map(|norm| norm.config(input).init(device)),
                layout,
            }
        });
        let output = dense(input, classes);
        let bias = match settings.kind {
            HeadKind::Linear => draw(classes),
            HeadKind::Family => vec![0.0; classes],
        };
        Self {
            projection,
            dropout: DropoutConfig::new(settings.dropout).init(),
            dense: Linear {
                bias: Some(Param::from_data(TensorData::new(bias, [classes]), device)),
                ..output
            },
            normalization: new_normalization(settings, device),
            layout,
        }
    }

    /// The same head, whose first dense layer is the encoder's pooler where the encoder was pre-trained with
    /// one.
    pub fn with_pooler(mut self, pre_training: &NamedTensors, device: &Device) -> Self {
        if let Some(projection) = &mut self.projection
            && !projection.layout.prefix.is_empty()
            && let Some(pooler) = pre_training.linear(projection.layout.dense, device)
            && pooler.weight.dims() == projection.dense.weight.dims()
        {
            projection.dense = pooler;
        }
        self
    }

    /// Takes a head's tensors from a file, whose names have lost the prefix of the encoder's class.
    pub fn load(
        source: &mut TensorSource<'_>,
        settings: &HeadSettings,
        layout: HeadLayout,
        device: &Device,
    ) -> Self {
        let (input, classes) = (settings.input, settings.classes);
        let projection = layout.projection.map(|layout| Projection {
            dense: source.linear(layout.dense, input, input, layout.has_bias),
            norm: layout
                .norm
                .map(|norm| source.layer_norm(norm.name, input, norm.epsilon, norm.has_bias)),
            layout,
        });
        let dense = source.linear(layout.output, input, classes, true);
        let normalization = new_normalization(settings, device).map(|mut norm| {
            norm.gamma = source.vector("batch_normalization.weight", classes);
            norm.beta = source.vector("batch_normalization.bias", classes);
            // New running states, and not `update`: an update takes effect only with the next one.
            let mut state = |name| RunningState::new(source.vector(name, classes).val());
            norm.running_mean = state("batch_normalization.running_mean");
            norm.running_var = state("batch_normalization.running_var");
            norm
        });
        Self {
            projection,
            dropout: DropoutConfig::new(settings.dropout).init(),
            dense,
            normalization,
            layout,
        }
    }

    /// The head's tensors, in PyTorch's names and layout.
    pub fn named_tensors(&self) -> NamedTensors {
        let mut tensors = NamedTensors::default();
        if let Some(Projection { dense, norm, layout }) = &self.projection {
            tensors.push_linear(&format!("{}{}", layout.prefix, layout.dense), dense);
            if let (Some(layout), Some(norm)) = (layout.norm, norm) {
                tensors.push_layer_norm(layout.name, norm);
            }
        }
        tensors.push_linear(self.layout.output, &self.dense);
        if let Some(norm) = &self.normalization {
            tensors.push("batch_normalization.weight", norm.gamma.val());
            tensors.push("batch_normalization.bias", norm.beta.val());
            tensors.push("batch_normalization.running_mean", norm.running_mean.value_sync());
            tensors.push("batch_normalization.running_var", norm.running_var.value_sync());
        }
        tensors
    }

    /// Whether the dense layer that gives the logits is as transformers initialises it by default: a bias of zeros,
    /// which the first step of any training changes, and weights of the standard deviation `initializer_range`, or, in
    /// ModernBERT, of a normal distribution that is cut off at twice its standard deviation, 1/√input.
    pub fn is_initial(&self) -> bool {
        let numbers = |data: TensorData| data.iter::<f32>().collect::<Vec<_>>();
        let bias = self
            .dense
            .bias
            .as_ref()
            .map(|bias| numbers(bias.val().into_data()));
        bias.is_none_or(|bias| bias.iter().all(|&value| value == 0.0)) && {
            let weights = numbers(self.dense.weight.val().into_data());
            let squares: f32 = weights.iter().map(|weight| weight * weight).sum();
            let deviation = (squares / weights.len() as f32).sqrt();
            // The standard deviation of so many draws is within a few times 1 / √(2 n) of its expectation.
            let tolerance = 5.0 / (2.0 * weights.len() as f32).sqrt();
            let is_modern = self
                .projection
                .as_ref()
                .is_some_and(|projection| projection.norm.is_some());
            let [input, _] = self.dense.weight.dims();
            let expected = if is_modern && self.layout.output == "classifier" {
                CUT_OFF_DEVIATION / (input as f32).sqrt()
            } else {
                INITIALIZER_RANGE
            };
            let is_near = |expected: f32| (deviation / expected - 1.0).abs() < tolerance;
            is_near(expected) || is_near(INITIALIZER_RANGE)
        }
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
        let projected = match &self.projection {
            Some(projection) if projection.layout.drops_input => {
                projection.forward(self.dropout.forward(pooled))
            }
            Some(projection) => projection.forward(pooled),
            None => pooled,
        };
        let logits = self.dense.forward(self.dropout.forward(projected));
        match &self.normalization {
            Some(normalization) => normalization.forward(logits),
            None => logits,
        }
    }
}

impl Projection {
    fn forward(&self, pooled: Tensor<2>) -> Tensor<2> {
        let projected = activate(self.dense.forward(pooled), self.layout.activation);
        match &self.norm {
            Some(norm) => norm.forward(projected),
            None => projected,
        }
    }
}

impl NormLayout {
    fn config(self, width: usize) -> LayerNormConfig {
        LayerNormConfig::new(width)
            .with_epsilon(self.epsilon)
            .with_bias(self.has_bias)
    }
}

fn new_normalization(settings: &HeadSettings, device: &Device) -> Option<BatchNorm> {
    let norm = || {
        BatchNormConfig::new(settings.classes)
            .with_epsilon(BATCH_NORMALIZATION_EPSILON)
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
                kind: HeadKind::Linear,
            };
            let training = Head::new(&settings, HeadLayout::LINEAR, 10, &device).train();
            let rows =
                |device: &Device| Tensor::<2>::from_data([[5.0, 1.0], [3.0, -2.0], [4.0, 0.5]], device);
            for _ in 0..2 {
                let _ = training.forward(rows(&device.clone().autodiff()));
            }
            let trained = training.valid();
            let untouched = Head::new(&settings, HeadLayout::LINEAR, 10, &device);
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
            let loaded = Head::load(&mut source, &settings, HeadLayout::LINEAR, &device);
            source.finish().unwrap();
            assert_eq!(logits(&loaded), logits(&trained));
        }
    }
}
