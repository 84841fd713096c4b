//! The optimiser: Adam and AdamW for burn's modules, with the fused step of `labelproof_kernels::adamw`.
//!
//! Responsible for the hyperparameters and for which parameters decay; burn keeps the state of each
//! parameter.

use burn::module::ParamGroup;
use burn::optim::{AdaptiveMomentumState, LearningRate, ModuleOptimizer, Optimizer};
use burn::tensor::{Device, Tensor};
use labelproof_kernels::adamw::{AdamwStep, ParameterState};

use crate::params::{OptimizerKind, Params};

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
/// The ε of PyTorch and transformers. burn's default is a thousand times larger.
const EPSILON: f64 = 1e-8;
const DEFAULT_WEIGHT_DECAY: f64 = 0.01;

/// The parameters without weight decay: biases and layer normalisations, as in BERT's own training.
const NOT_DECAYED: [&str; 3] = ["bias", "gamma", "beta"];

/// A classifier's head, and what of the head has no weight decay.
const HEAD: [&str; 1] = ["head."];
const HEAD_NOT_DECAYED: [&str; 6] = [
    "head.dense.bias",
    "head.projection.dense.bias",
    "head.projection.norm.gamma",
    "head.projection.norm.beta",
    "head.normalization.gamma",
    "head.normalization.beta",
];

/// The embeddings of a classifier's encoder. The relative positions are those of all layers.
const EMBEDDINGS: &str = r"^encoder\.(embeddings|layers\.\w+\.(relative_bias|disentangled))\.";

/// The optimiser that the parameters of the stage ask for, for an encoder of so many layers.
pub fn build(params: &Params, layers: usize) -> ModuleOptimizer {
    let group = |names: &[&'static str], weight_decay: f64, rate_factor: f64| {
        let group = ParamGroup::from_any_predicates(names.to_vec());
        let optimizer = Adamw {
            weight_decay,
            rate_factor,
        };
        (group, optimizer)
    };
    let all = Adamw {
        weight_decay: weight_decay(params),
        rate_factor: 1.0,
    };
    // Where a parameter is in several groups, the last one counts.
    let mut groups = vec![group(&NOT_DECAYED, 0.0, 1.0)];
    if params.layer_learning_rate_decay.is_some() {
        groups.extend(groups_of_layers(params, layers));
    }
    if let Some(rate) = params.head_learning_rate {
        let factor = rate / params.learning_rate;
        groups.push(group(&HEAD, weight_decay(params), factor));
        groups.push(group(&HEAD_NOT_DECAYED, 0.0, factor));
    }
    groups
        .into_iter()
        .fold(ModuleOptimizer::from(all), |optimizer, (group, of_group)| {
            optimizer.with_group(group, of_group, None)
        })
}

/// The groups of the embeddings and of each layer, whose learning rates differ.
fn groups_of_layers(params: &Params, layers: usize) -> Vec<(ParamGroup, Adamw)> {
    let of_layers = (0..layers).map(|layer| {
        (
            format!(r"^encoder\.layers\.\w+\.layers\.{layer}\."),
            layers - 1 - layer,
        )
    });
    let parts = [(EMBEDDINGS.to_owned(), layers)].into_iter().chain(of_layers);
    let without_decay = NOT_DECAYED.join("|");
    let mut groups = Vec::new();
    for (pattern, layers_above) in parts {
        let rate_factor = rate_factor(params, layers_above);
        let mut push = |patterns: Vec<&str>, weight_decay: f64| {
            let group = ParamGroup::from_regexes(patterns).expect("the patterns are regular expressions");
            let optimizer = Adamw {
                weight_decay,
                rate_factor,
            };
            groups.push((group, optimizer));
        };
        push(vec![&pattern], weight_decay(params));
        push(vec![&pattern, &without_decay], 0.0);
    }
    groups
}

/// What the learning rate of a part of the encoder that has so many layers above it is multiplied with (Howard
/// and Ruder 2018, arXiv:1801.06146; Clark et al. 2020, arXiv:2003.10555).
fn rate_factor(params: &Params, layers_above: usize) -> f64 {
    let layers_above = i32::try_from(layers_above).unwrap_or(i32::MAX);
    let decay = params.layer_learning_rate_decay.unwrap_or(1.0);
    decay.powi(layers_above)
}

/// The step that this optimiser takes with the table of word embeddings below so many layers. `number` counts
/// from 1.
pub fn embedding_step(params: &Params, layers: usize, rate: LearningRate, number: usize) -> AdamwStep {
    Adamw {
        weight_decay: weight_decay(params),
        rate_factor: rate_factor(params, layers),
    }
    .numbered(rate, number)
}

fn weight_decay(params: &Params) -> f64 {
    match params.optimizer {
        OptimizerKind::Adam => 0.0,
        OptimizerKind::Adamw => params.weight_decay.unwrap_or(DEFAULT_WEIGHT_DECAY),
    }
}

/// AdamW, which without weight decay is Adam.
#[derive(Debug, Clone)]
struct Adamw {
    weight_decay: f64,
    /// What the learning rate is multiplied with.
    rate_factor: f64,
}

impl Adamw {
    fn numbered(&self, rate: LearningRate, number: usize) -> AdamwStep {
        AdamwStep {
            learning_rate: rate * self.rate_factor,
            beta_1: BETA_1,
            beta_2: BETA_2,
            epsilon: EPSILON,
            weight_decay: self.weight_decay,
            number,
        }
    }
}

impl Optimizer for Adamw {
    type State<const D: usize> = AdaptiveMomentumState<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        parameter: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let (before, number) = match state {
            Some(state) => (
                ParameterState {
                    parameter,
                    first_moment: state.moment_1,
                    second_moment: state.moment_2,
                },
                state.time + 1,
            ),
            None => (ParameterState::new(parameter), 1),
        };
        let after = before.step(gradient, self.numbered(rate, number));
        let state = AdaptiveMomentumState::new(number, after.first_moment, after.second_moment);
        (after.parameter, Some(state))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        state.to_device(device)
    }
}

#[cfg(test)]
mod tests;
