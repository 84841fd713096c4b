//! The classification heads of the families, as transformers has them in `…ForSequenceClassification`: which
//! layers there are, and how checkpoints call them.

use labelproof_settings::encoder::{Activation, EncoderConfig, Family};
use labelproof_settings::{HeadKind, Pooling};

/// The beginnings of the names of every head's tensors.
pub(crate) const TENSORS: [&str; 5] = [
    "classifier.",
    "pre_classifier.",
    "pooler.",
    "head.",
    "batch_normalization.",
];

/// The layers of a head and their names.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadLayout {
    /// What comes before the dense layer that gives the logits.
    pub(crate) projection: Option<ProjectionLayout>,
    /// The name of the dense layer that gives the logits.
    pub(crate) output: &'static str,
}

/// A dense layer from the pooled vector to one of the same width, with its activation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ProjectionLayout {
    /// The name of the dense layer.
    pub(crate) dense: &'static str,
    /// What stands before that name in a checkpoint: the layer may be a part of the encoder's class.
    pub(crate) prefix: &'static str,
    pub(crate) has_bias: bool,
    pub(crate) activation: Activation,
    /// The layer normalisation behind the activation.
    pub(crate) norm: Option<NormLayout>,
    /// Whether dropout comes before the dense layer too.
    pub(crate) drops_input: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct NormLayout {
    pub(crate) name: &'static str,
    pub(crate) epsilon: f64,
    pub(crate) has_bias: bool,
}

impl HeadLayout {
    /// One dense layer.
    pub const LINEAR: Self = Self {
        projection: None,
        output: "classifier",
    };

    /// The layers of a head of a kind on an encoder.
    pub fn new(kind: HeadKind, encoder: &EncoderConfig) -> Self {
        match kind {
            HeadKind::Linear => Self::LINEAR,
            HeadKind::Family => Self::of_family(encoder),
        }
    }

    /// The names of the tensors, without the prefix of the encoder's class.
    pub(crate) fn tensors(&self) -> Vec<String> {
        let of_dense = |name: &str, has_bias: bool| {
            let bias = has_bias.then(|| format!("{name}.bias"));
            [Some(format!("{name}.weight")), bias].into_iter().flatten()
        };
        let projection = self.projection.into_iter();
        projection
            .flat_map(|projection| {
                let norm = projection.norm.into_iter();
                of_dense(projection.dense, projection.has_bias)
                    .chain(norm.flat_map(move |norm| of_dense(norm.name, norm.has_bias)))
            })
            .chain(of_dense(self.output, true))
            .collect()
    }

    fn of_family(encoder: &EncoderConfig) -> Self {
        let projection = |dense, activation| ProjectionLayout {
            dense,
            prefix: "",
            has_bias: true,
            activation,
            norm: None,
            drops_input: false,
        };
        // The layer that pre-training called the pooler.
        let pooler = |dense, prefix| ProjectionLayout {
            prefix,
            ..projection(dense, Activation::Tanh)
        };
        let head = |projection, output| Self {
            projection: Some(projection),
            output,
        };
        let of_roberta = |activation| {
            let dense = ProjectionLayout {
                drops_input: true,
                ..projection("classifier.dense", activation)
            };
            head(dense, "classifier.out_proj")
        };
        match &encoder.family {
            Family::Bert => head(pooler("pooler.dense", "bert."), "classifier"),
            Family::Albert { .. } => head(pooler("pooler", "albert."), "classifier"),
            Family::Roberta | Family::Mpnet { .. } => of_roberta(Activation::Tanh),
            Family::Electra => of_roberta(Activation::Gelu),
            Family::DistilBert => head(projection("pre_classifier", Activation::Relu), "classifier"),
            Family::DebertaV2(deberta) => head(
                projection("pooler.dense", deberta.pooler_activation),
                "classifier",
            ),
            Family::ModernBert(modern) => head(
                ProjectionLayout {
                    has_bias: modern.classifier_bias,
                    norm: Some(NormLayout {
                        name: "head.norm",
                        epsilon: encoder.layer_norm_eps,
                        has_bias: modern.norm_bias,
                    }),
                    ..projection("head.dense", modern.classifier_activation)
                },
                "classifier",
            ),
        }
    }
}

/// Whether transformers' class for the family can pool so.
pub fn family_pools_by(encoder: &EncoderConfig, pooling: Pooling) -> bool {
    match pooling {
        Pooling::Cls => true,
        Pooling::Mean => matches!(encoder.family, Family::ModernBert(_)),
        Pooling::Max => false,
    }
}
