//! The section `train` of `pipeline.yaml`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use labelproof_artifact::tokens::PREPARATION;
use labelproof_artifact::{Document, EncoderPart, LabelMap, Row, SplitRow, Stage, StageId, TokenRow};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{BatchNormalization, HeadKind, Pooling, Precision};

/// What the stage declares of itself.
pub const STAGE: Stage = Stage {
    id: StageId::Train,
    revision: 11,
    reads: &[
        Document::KIND,
        LabelMap::KIND,
        TokenRow::KIND,
        PREPARATION,
        SplitRow::KIND,
    ],
    encoder_files: &EncoderPart::ALL,
};

/// How the classifier is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// Which part of the encoder is trained: `none` (the encoder is frozen, and its features are computed
    /// once), `all`, or `last: n` layers. A frozen layer runs without dropout.
    pub trainable: Trainable,
    /// Trains low-rank adapters of the encoder's dense layers (LoRA) instead of the layers that `trainable` leaves
    /// frozen. The bundle has their product added to its weights, and beside them the adapter as PEFT reads it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lora: Option<Lora>,
    /// The dtype in which the encoder computes, in training and in every prediction of the bundle: `float32`,
    /// or `bfloat16`, which is faster and less exact. Devices without instructions for it, and `device:
    /// flex`, compute in `float32`.
    pub precision: Precision,
    /// How the hidden states of the tokens are pooled: `mean`, `max` or `cls`. Padding is never pooled.
    pub pooling: Pooling,
    /// What lies between the pooled vector and the logits: `linear`, one dense layer, or `family`, the layers
    /// that transformers has in `AutoModelForSequenceClassification` for the encoder's family. It then loads
    /// the bundle without code of ours. `family` wants `pooling: cls` (of ModernBERT `mean` too), and no batch
    /// normalisation.
    #[serde(skip_serializing_if = "HeadKind::is_linear")]
    pub head: HeadKind,
    /// The dropout probability of the pooled vector during training.
    pub dropout: f64,
    /// Batch normalisation after the dense layer: `none`, `trained`, or `frozen` (`trainable=False` in
    /// Keras).
    pub batch_normalization: BatchNormalization,
    /// The weights of the classes in the loss: `none`, `balanced` (rows / (classes × rows of the class)), or
    /// a map from every label to its weight.
    pub class_weights: ClassWeights,
    /// The share of the target that the loss spreads over all classes, such as 0.1 (label smoothing); none by
    /// default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_smoothing: Option<f64>,
    /// The γ of the focal loss, such as 2, which weighs rows less the surer the model is of them;
    /// cross-entropy by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub focal_gamma: Option<f64>,
    /// Which training rows an epoch has: all, once each, or, with `balanced`, as many rows drawn so that every class
    /// has equally many.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sampling: Option<Sampling>,
    /// The maximum number of epochs.
    pub epochs: u32,
    /// The number of rows per batch.
    pub batch_size: usize,
    /// The number of batches whose gradients are accumulated before a step.
    pub gradient_accumulation: usize,
    /// The optimiser: `adamw` (decoupled weight decay, except of biases and normalisations) or `adam`.
    pub optimizer: OptimizerKind,
    /// The peak learning rate.
    pub learning_rate: f64,
    /// The peak learning rate of the head, where the encoder is trained with it; that of the encoder by
    /// default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head_learning_rate: Option<f64>,
    /// The factor from the learning rate of a layer of the encoder to that of the layer below it, such as 0.9; the
    /// embeddings are below the lowest layer. All learn at the same rate by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub layer_learning_rate_decay: Option<f64>,
    /// The weight decay of `adamw`; 0.01 by default.
    pub weight_decay: Option<f64>,
    /// The learning rate schedule after warm-up: `constant`, or `linear` or `cosine` decay to zero.
    pub schedule: ScheduleKind,
    /// The share of all steps during which the learning rate rises linearly from zero.
    pub warmup: f64,
    /// The largest norm of the gradient over all weights, to which larger gradients are clipped; no clipping
    /// by default.
    pub gradient_clipping: Option<f64>,
    /// Early stopping. The weights of the best epoch are kept, not those of the last.
    pub early_stopping: EarlyStopping,
    /// The number of folds of a cross-validation over the training rows, 2 to 20: so many more models are trained, each
    /// without one fold, which it then predicts. None by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 20))]
    pub folds: Option<u32>,
    /// The number of trainings with different seeds, `seed` and those that follow it, 2 to 20: the first gives the
    /// bundle, and all are evaluated. One by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 2, max = 20))]
    pub repeats: Option<u32>,
    /// The seed of the head's initial weights, the order of the batches, and dropout.
    pub seed: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            trainable: Trainable::None,
            lora: None,
            precision: Precision::Float32,
            pooling: Pooling::Mean,
            head: HeadKind::Linear,
            dropout: 0.0,
            batch_normalization: BatchNormalization::None,
            class_weights: ClassWeights::None,
            label_smoothing: None,
            focal_gamma: None,
            sampling: None,
            epochs: 40,
            batch_size: 16,
            gradient_accumulation: 1,
            optimizer: OptimizerKind::Adamw,
            learning_rate: 1e-3,
            head_learning_rate: None,
            layer_learning_rate_decay: None,
            weight_decay: None,
            schedule: ScheduleKind::Constant,
            warmup: 0.0,
            gradient_clipping: None,
            early_stopping: EarlyStopping::default(),
            folds: None,
            repeats: None,
            seed: 10,
        }
    }
}

/// The most folds of a cross-validation, and the most trainings with different seeds: more add trainings, and little to
/// what is known of the spread.
const MOST_MODELS: u32 = 20;

/// The largest rank of an adapter: a larger one has more numbers than what it adapts.
const MOST_RANK: usize = 1024;

impl Params {
    /// Whether anything of the encoder is trained.
    pub fn trains_encoder(&self) -> bool {
        self.trainable != Trainable::None || self.lora.is_some()
    }

    /// The problems of the parameters, each with its key.
    pub fn check(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut require = |fine: bool, key: &str, rule: &str, found: &dyn fmt::Display| {
            if !fine {
                problems.push(format!("train.{key}: must be {rule}, got {found}"));
            }
        };
        self.check_loop(&mut require);
        self.check_optimizer(&mut require);
        self.check_encoder(&mut require);
        self.check_loss(&mut require);
        problems
    }

    fn check_loop(&self, require: Require<'_>) {
        require(
            share(self.dropout),
            "dropout",
            "at least 0 and below 1",
            &self.dropout,
        );
        require(
            share(self.warmup),
            "warmup",
            "at least 0 and below 1",
            &self.warmup,
        );
        if self.head == HeadKind::Family {
            let fits = self.batch_normalization == BatchNormalization::None;
            require(
                fits,
                "batch_normalization",
                "none with `head: family`",
                &"another one",
            );
            let fits = self.pooling != Pooling::Max;
            require(
                fits,
                "pooling",
                "cls with `head: family`, or mean with ModernBERT",
                &"max",
            );
        }
        require(self.epochs > 0, "epochs", "at least 1", &self.epochs);
        require(self.batch_size > 0, "batch_size", "at least 1", &self.batch_size);
        require(
            self.gradient_accumulation > 0,
            "gradient_accumulation",
            "at least 1",
            &self.gradient_accumulation,
        );
        require(
            positive(self.learning_rate),
            "learning_rate",
            "positive",
            &self.learning_rate,
        );
        require(
            self.early_stopping.patience > 0,
            "early_stopping.patience",
            "at least 1",
            &0,
        );
        for (key, models) in [("folds", self.folds), ("repeats", self.repeats)] {
            if let Some(models) = models {
                require((2..=MOST_MODELS).contains(&models), key, "2 to 20", &models);
            }
        }
    }

    fn check_optimizer(&self, require: Require<'_>) {
        if let Some(rate) = self.head_learning_rate {
            require(positive(rate), "head_learning_rate", "positive", &rate);
            require(
                self.trains_encoder(),
                "head_learning_rate",
                "absent with `trainable: none`, where `learning_rate` is the head's",
                &rate,
            );
        }
        if let Some(decay) = self.layer_learning_rate_decay {
            require(
                decay > 0.0 && decay <= 1.0,
                "layer_learning_rate_decay",
                "above 0 and at most 1",
                &decay,
            );
            require(
                self.trains_encoder(),
                "layer_learning_rate_decay",
                "absent with `trainable: none`, where no layer is trained",
                &decay,
            );
        }
        if let Some(decay) = self.weight_decay {
            require(
                decay.is_finite() && decay >= 0.0,
                "weight_decay",
                "0 or more",
                &decay,
            );
            let fits = self.optimizer == OptimizerKind::Adamw;
            require(fits, "weight_decay", "absent with `optimizer: adam`", &decay);
        }
        if let Some(norm) = self.gradient_clipping {
            require(positive(norm), "gradient_clipping", "positive", &norm);
        }
    }

    fn check_encoder(&self, require: Require<'_>) {
        if let Some(lora) = &self.lora {
            let fits = self.trainable != Trainable::All;
            let rule = "absent with `trainable: all`, which leaves no layer to adapt";
            require(fits, "lora", rule, &format_args!("rank {}", lora.rank));
            require(lora.rank > 0, "lora.rank", "at least 1", &lora.rank);
            require(lora.rank <= MOST_RANK, "lora.rank", "at most 1024", &lora.rank);
            require(positive(lora.alpha), "lora.alpha", "positive", &lora.alpha);
            require(
                share(lora.dropout),
                "lora.dropout",
                "at least 0 and below 1",
                &lora.dropout,
            );
            require(
                !lora.targets.is_empty(),
                "lora.targets",
                "at least one dense layer",
                &"none",
            );
        }
        if let Trainable::Last(layers) = self.trainable {
            require(
                layers > 0,
                "trainable.last",
                "at least 1 (`none` trains no layer)",
                &layers,
            );
        }
    }

    fn check_loss(&self, require: Require<'_>) {
        if let Some(smoothing) = self.label_smoothing {
            require(
                share(smoothing),
                "label_smoothing",
                "at least 0 and below 1",
                &smoothing,
            );
        }
        if let Some(gamma) = self.focal_gamma {
            require(
                gamma.is_finite() && gamma >= 0.0,
                "focal_gamma",
                "0 or more",
                &gamma,
            );
            let fits = self.label_smoothing.is_none();
            require(fits, "focal_gamma", "absent with `label_smoothing`", &gamma);
        }
        if self.sampling == Some(Sampling::Balanced) {
            require(
                self.class_weights != ClassWeights::Balanced,
                "sampling",
                "absent with `class_weights: balanced`, which corrects for rare classes already",
                &"balanced",
            );
        }
        if let ClassWeights::Given(weights) = &self.class_weights {
            for (label, &weight) in weights {
                require(
                    positive(weight),
                    &format!("class_weights.{label}"),
                    "positive",
                    &weight,
                );
            }
        }
    }
}

/// Notes a problem unless something is fine; gets its key, the rule, and what was found.
type Require<'a> = &'a mut dyn FnMut(bool, &str, &str, &dyn fmt::Display);

/// Whether a value is at least 0 and below 1.
fn share(value: f64) -> bool {
    (0.0..1.0).contains(&value)
}

fn positive(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

/// Which part of the encoder is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trainable {
    /// The encoder is frozen.
    None,
    /// This many layers, the last ones.
    Last(usize),
    /// The whole encoder.
    All,
}

impl Trainable {
    /// The number of the encoder's last layers that are trained.
    pub fn last(self) -> usize {
        match self {
            Self::None => 0,
            Self::Last(layers) => layers,
            Self::All => usize::MAX,
        }
    }
}

impl Serialize for Trainable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_str("none"),
            Self::All => serializer.serialize_str("all"),
            Self::Last(layers) => {
                let mut map = serializer.serialize_map(Some(1))?;
                map.serialize_entry("last", layers)?;
                map.end()
            }
        }
    }
}

// Written by hand, because a derived one would want `!last 2` in YAML.
impl<'de> Deserialize<'de> for Trainable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TrainableVisitor;

        impl<'de> Visitor<'de> for TrainableVisitor {
            type Value = Trainable;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("`none`, `all` or `last: <number of layers>`")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Trainable, E> {
                match word {
                    "none" => Ok(Trainable::None),
                    "all" => Ok(Trainable::All),
                    _ => Err(E::invalid_value(de::Unexpected::Str(word), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Trainable, A::Error> {
                let Some((key, layers)) = map.next_entry::<String, usize>()? else {
                    return Err(de::Error::invalid_value(de::Unexpected::Map, &self));
                };
                if key != "last" || map.next_key::<String>()?.is_some() {
                    return Err(de::Error::invalid_value(de::Unexpected::Str(&key), &self));
                }
                Ok(Trainable::Last(layers))
            }
        }

        deserializer.deserialize_any(TrainableVisitor)
    }
}

impl JsonSchema for Trainable {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Trainable".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "oneOf": [
                { "enum": ["none", "all"] },
                {
                    "type": "object",
                    "properties": { "last": { "type": "integer", "minimum": 1 } },
                    "required": ["last"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

/// The weights of the classes in the loss.
#[derive(Debug, Clone, PartialEq)]
pub enum ClassWeights {
    /// Every class has weight 1.
    None,
    /// The training rows / (classes × training rows of the class).
    Balanced,
    /// A weight for each label.
    Given(BTreeMap<String, f64>),
}

impl Serialize for ClassWeights {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::None => serializer.serialize_str("none"),
            Self::Balanced => serializer.serialize_str("balanced"),
            Self::Given(weights) => weights.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ClassWeights {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WeightsVisitor;

        impl<'de> Visitor<'de> for WeightsVisitor {
            type Value = ClassWeights;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("`none`, `balanced` or a weight for every label")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<ClassWeights, E> {
                match word {
                    "none" => Ok(ClassWeights::None),
                    "balanced" => Ok(ClassWeights::Balanced),
                    _ => Err(E::invalid_value(de::Unexpected::Str(word), &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ClassWeights, A::Error> {
                let mut weights = BTreeMap::new();
                while let Some((label, weight)) = map.next_entry()? {
                    weights.insert(label, weight);
                }
                Ok(ClassWeights::Given(weights))
            }
        }

        deserializer.deserialize_any(WeightsVisitor)
    }
}

impl JsonSchema for ClassWeights {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ClassWeights".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "oneOf": [
                { "enum": ["none", "balanced"] },
                { "type": "object", "additionalProperties": { "type": "number", "exclusiveMinimum": 0 } }
            ]
        })
    }
}

/// Low-rank adapters (LoRA; Hu et al. 2021, arXiv:2106.09685): to a dense layer with the weight `W` the product `A B`
/// of two narrow matrices is added, and these alone are trained. The names of the keys are PEFT's, without `lora_`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Lora {
    /// The number of columns of `A` and of rows of `B`.
    pub rank: usize,
    /// The product is multiplied with `alpha / rank`.
    pub alpha: f64,
    /// The dropout probability of the input of `A` during training.
    pub dropout: f64,
    /// Which dense layers of each layer of the encoder have an adapter: `query`, `key`, `value`,
    /// `attention_output`, `intermediate` and `output` (of the feed-forward sub-layer).
    pub targets: BTreeSet<LoraTarget>,
}

impl Default for Lora {
    fn default() -> Self {
        Self {
            rank: 8,
            alpha: 16.0,
            dropout: 0.0,
            targets: BTreeSet::from([LoraTarget::Query, LoraTarget::Value]),
        }
    }
}

/// A dense layer that an adapter may be added to, in each layer of an encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoraTarget {
    /// The projection to the queries of attention.
    Query,
    /// The projection to the keys.
    Key,
    /// The projection to the values.
    Value,
    /// The dense layer behind attention.
    AttentionOutput,
    /// The first dense layer of the feed-forward sub-layer.
    Intermediate,
    /// Its last dense layer.
    Output,
}

impl LoraTarget {
    /// Its name in `pipeline.yaml`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Key => "key",
            Self::Value => "value",
            Self::AttentionOutput => "attention_output",
            Self::Intermediate => "intermediate",
            Self::Output => "output",
        }
    }
}

/// Which training rows an epoch has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Sampling {
    /// As many rows as there are, of every class equally many, drawn anew for each epoch. A row of a class with
    /// fewer rows than that is there several times.
    Balanced,
}

/// The optimiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Adam (Kingma and Ba 2015).
    Adam,
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    Adamw,
}

/// The learning rate schedule after warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ScheduleKind {
    /// The learning rate stays constant.
    Constant,
    /// Linear decay to zero.
    Linear,
    /// Cosine decay to zero.
    Cosine,
}

/// Which epoch is the best, and when to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EarlyStopping {
    /// The metric on the validation rows: `loss`, `accuracy` or `f1_macro`. Of epochs that are equal in it, the
    /// one with the lowest loss is the best.
    pub metric: SelectionMetric,
    /// The number of epochs without a better one after which training stops.
    pub patience: u32,
}

impl Default for EarlyStopping {
    fn default() -> Self {
        Self {
            metric: SelectionMetric::Loss,
            patience: 5,
        }
    }
}

/// The metric that the best epoch is best in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SelectionMetric {
    /// The lowest cross-entropy.
    Loss,
    /// The highest accuracy.
    Accuracy,
    /// The highest macro F1.
    F1Macro,
}
