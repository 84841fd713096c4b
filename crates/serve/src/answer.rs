//! The bodies of answers.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::{ModelFacts, Prediction};

/// The score of a class, in the shape of text-embeddings-inference.
#[derive(Debug, Serialize)]
#[expect(clippy::struct_field_names, reason = "the names are the interface's")]
pub(crate) struct Score<'a> {
    score: f64,
    label: &'a str,
    /// What is decided stands beside the predicted label alone, which is the first.
    #[serde(flatten)]
    decision: Decision<'a>,
}

/// What is decided of a text, as far as that was asked when the server was started.
#[derive(Debug, Default, Serialize)]
struct Decision<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    abstained: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    set: Option<Vec<&'a str>>,
}

impl<'a> Decision<'a> {
    fn of(prediction: &Prediction, facts: &'a ModelFacts) -> Self {
        let set = prediction.set.as_ref();
        Self {
            abstained: prediction.abstained,
            threshold: threshold(prediction, facts),
            set: set.map(|set| set.iter().map(|&class| facts.labels[class].as_str()).collect()),
        }
    }
}

/// The confidence from which a prediction of the same label is kept.
fn threshold(prediction: &Prediction, facts: &ModelFacts) -> Option<f64> {
    facts
        .thresholds
        .as_ref()
        .and_then(|thresholds| thresholds[prediction.class])
}

/// The scores of all classes, the highest first: probabilities, or logits.
pub(crate) fn scores<'a>(prediction: &Prediction, facts: &'a ModelFacts, raw: bool) -> Vec<Score<'a>> {
    let logits = &prediction.logits;
    let mut order: Vec<usize> = (0..logits.len()).collect();
    order.sort_by(|&one, &other| logits[other].total_cmp(&logits[one]));
    let score = |(place, class): (usize, usize)| Score {
        score: if raw {
            shortest(logits[class])
        } else {
            prediction.probabilities[class]
        },
        label: &facts.labels[class],
        decision: if place == 0 {
            Decision::of(prediction, facts)
        } else {
            Decision::default()
        },
    };
    order.into_iter().enumerate().map(score).collect()
}

/// The float64 that is written with the digits of a float32, not with those of its exact value.
fn shortest(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| f64::from(value))
}

/// A row of what `labelproof predict` writes as JSON lines, without its id.
pub(crate) fn row(prediction: &Prediction, facts: &ModelFacts) -> Value {
    let named = facts.labels.iter().zip(&prediction.probabilities);
    let probabilities: Map<String, Value> = named
        .map(|(label, &probability)| (label.clone(), probability.into()))
        .collect();
    let mut row = json!({
        "label": facts.labels[prediction.class],
        "probability": prediction.probabilities[prediction.class],
        "probabilities": probabilities,
    });
    let decision = Decision::of(prediction, facts);
    if let Some(abstained) = decision.abstained {
        row["abstained"] = abstained.into();
        row["threshold"] = decision.threshold.into();
    }
    if let Some(set) = decision.set {
        row["set"] = set.into();
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::facts;

    fn prediction() -> Prediction {
        Prediction {
            class: 1,
            logits: vec![0.1, 2.5, -1.0],
            probabilities: vec![0.081_2, 0.895_1, 0.027],
            abstained: None,
            set: None,
        }
    }

    #[test]
    fn scores_are_those_of_text_embeddings_inference_unless_something_is_decided() {
        let written = |prediction: &Prediction, facts: &ModelFacts, raw| {
            serde_json::to_string(&scores(prediction, facts, raw)).unwrap()
        };
        let mut facts = facts();
        assert_eq!(
            written(&prediction(), &facts, false),
            r#"[{"score":0.8951,"label":"b"},{"score":0.0812,"label":"a"},{"score":0.027,"label":"c"}]"#
        );
        assert_eq!(
            written(&prediction(), &facts, true),
            r#"[{"score":2.5,"label":"b"},{"score":0.1,"label":"a"},{"score":-1.0,"label":"c"}]"#
        );
        facts.thresholds = Some(vec![Some(0.5), Some(0.9), None]);
        let decided = Prediction {
            abstained: Some(true),
            set: Some(vec![0, 1]),
            ..prediction()
        };
        let text = written(&decided, &facts, false);
        let first =
            r#"[{"score":0.8951,"label":"b","abstained":true,"threshold":0.9,"set":["a","b"]},{"score":"#;
        assert!(text.starts_with(first), "{text}");
        assert_eq!(
            row(&decided, &facts).to_string(),
            r#"{"abstained":true,"label":"b","probabilities":{"a":0.0812,"b":0.8951,"c":0.027},"probability":0.8951,"set":["a","b"],"threshold":0.9}"#
        );
    }
}
