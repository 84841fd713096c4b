//! What `pipeline.yaml` says about training.

use std::collections::BTreeMap;
use std::fmt;

use labelproof_artifact::tokens::PREPARATION;
use labelproof_artifact::{Document, LabelMap, Row, SplitRow, Stage, StageId, TokenRow};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{BatchNormalization, Pooling, Precision, encoder};

/// What the stage declares of itself.
pub const STAGE: Stage = Stage {
    id: StageId::Train,
    revision: 8,
    reads: &[
        Document::KIND,
        LabelMap::KIND,
        TokenRow::KIND,
        PREPARATION,
        SplitRow::KIND,
    ],
    encoder_files: &encoder::FILES,
};

/// How the classifier is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Params {
    /// Which part of the encoder learns: `none` (only the head; the encoder's features are computed once), `all`, or
    /// `last: n` layers. What does not learn runs without dropout.
    pub trainable: Trainable,
    /// Numbers in which the encoder computes, while training and whenever the bundle predicts: `float32`, or `bfloat16`, which is
    /// faster and less exact. Devices without instructions for it, and `device: flex`, compute in `float32` all the same.
    pub precision: Precision,
    /// How the tokens' vectors become a text's: `mean`, `max` or `cls`. Padding is never pooled.
    pub pooling: Pooling,
    /// Share of the pooled vector's components that is dropped while training.
    pub dropout: f64,
    /// Behind the dense layer: `none`, `trained`, or `frozen` (Keras' `trainable=False`).
    pub batch_normalization: BatchNormalization,
    /// Weights of the classes in the loss: `none`, `balanced` (rows / (classes × rows of the class)), or a list of
    /// every label with its weight.
    pub class_weights: ClassWeights,
    /// Most passes over the training rows.
    pub epochs: u32,
    /// Rows a batch.
    pub batch_size: usize,
    /// Batches whose gradients are added up before a step.
    pub gradient_accumulation: usize,
    /// `adamw` (decoupled weight decay; none for biases and normalisations) or `adam`.
    pub optimizer: OptimizerKind,
    /// The highest learning rate.
    pub learning_rate: f64,
    /// Weight decay of `adamw`; 0.01 unless given.
    pub weight_decay: Option<f64>,
    /// The course of the learning rate after warm-up: `constant`, `linear` or `cosine` down to zero.
    pub schedule: ScheduleKind,
    /// Share of all steps during which the rate rises from zero.
    pub warmup: f64,
    /// Gradients whose norm over all weights is larger are scaled down to it; absent: never.
    pub gradient_clipping: Option<f64>,
    /// Which epoch is kept, and when to stop before the last. The kept epoch is always the best, not the last.
    pub early_stopping: EarlyStopping,
    /// Of the head's first weights, the order of the batches, and dropout.
    pub seed: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            trainable: Trainable::None,
            precision: Precision::Float32,
            pooling: Pooling::Mean,
            dropout: 0.0,
            batch_normalization: BatchNormalization::None,
            class_weights: ClassWeights::None,
            epochs: 40,
            batch_size: 16,
            gradient_accumulation: 1,
            optimizer: OptimizerKind::Adamw,
            learning_rate: 1e-3,
            weight_decay: None,
            schedule: ScheduleKind::Constant,
            warmup: 0.0,
            gradient_clipping: None,
            early_stopping: EarlyStopping::default(),
            seed: 10,
        }
    }
}

impl Params {
    /// Everything that is out of range, each with its key.
    pub fn check(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut require = |fine: bool, key: &str, rule: &str, found: &dyn fmt::Display| {
            if !fine {
                problems.push(format!("train.{key}: must be {rule}, got {found}"));
            }
        };
        let share = |value: f64| (0.0..1.0).contains(&value);
        let positive = |value: f64| value.is_finite() && value > 0.0;
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
        if let Trainable::Last(layers) = self.trainable {
            require(
                layers > 0,
                "trainable.last",
                "at least 1 (`none` trains no layer)",
                &layers,
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
        problems
    }
}

/// Which part of the encoder learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trainable {
    /// Nothing of the encoder.
    None,
    /// The last layers, this many.
    Last(usize),
    /// All of the encoder.
    All,
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

/// Weights of the classes in the loss.
#[derive(Debug, Clone, PartialEq)]
pub enum ClassWeights {
    /// All 1.
    None,
    /// Rows / (classes × rows of the class), on the training rows.
    Balanced,
    /// A weight for every label.
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

/// The optimiser.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OptimizerKind {
    /// Adam (Kingma and Ba 2015).
    Adam,
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    Adamw,
}

/// The course of the learning rate after warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ScheduleKind {
    /// Stays.
    Constant,
    /// Falls to zero in a line.
    Linear,
    /// Falls to zero in half a cosine.
    Cosine,
}

/// Which epoch is kept, and when to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EarlyStopping {
    /// Of the validation rows: `loss`, `accuracy` or `f1_macro`. The earliest of equal epochs is kept.
    pub metric: SelectionMetric,
    /// Epochs without a better one before training stops.
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

/// What the best epoch is best at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SelectionMetric {
    /// The lowest cross-entropy.
    Loss,
    /// The highest share of right rows.
    Accuracy,
    /// The highest mean of the classes' F1.
    F1Macro,
}
