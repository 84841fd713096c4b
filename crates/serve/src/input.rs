//! What a request asks: texts, and how to answer.
//!
//! The shapes are those of text-embeddings-inference. In its `/predict` a list of two texts is a pair, which a model
//! reads as one input; a batch is a list of lists of one text each.

use serde::Deserialize;
use serde_json::Value;

use crate::refusal::Refusal;

/// The body of a request. Fields that other servers know are ignored, as they are there.
#[derive(Debug, Deserialize)]
pub(crate) struct Request {
    inputs: Value,
    /// Whether longer texts are cut; else they are refused. `None` leaves it to the server, which cuts.
    truncate: Option<bool>,
    truncation_direction: Option<Direction>,
    /// Whether scores are logits.
    #[serde(default)]
    raw_scores: bool,
}

/// The end at which longer texts are cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Direction {
    #[serde(alias = "left")]
    Left,
    #[serde(alias = "right")]
    Right,
}

/// The texts of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) texts: Vec<String>,
    /// Whether the answer is a list with an element for each text.
    pub(crate) is_batch: bool,
    pub(crate) options: Options,
}

/// How to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) raw_scores: bool,
    /// Whether texts that are longer than the model reads are cut.
    pub(crate) truncate: bool,
    /// Where they are to be cut: `left` or `right`; `None` for where the model was trained to.
    pub(crate) truncation_side: Option<&'static str>,
}

impl Request {
    /// Reads a body.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, Refusal> {
        serde_json::from_slice(body).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => Refusal::shape(error.to_string()),
            _ => Refusal::validation(axum::http::StatusCode::BAD_REQUEST, error.to_string()),
        })
    }

    /// The texts of a request to `/predict`.
    pub(crate) fn predict(self) -> Result<Asked, Refusal> {
        let options = self.options();
        match self.inputs {
            Value::String(text) => Ok(Asked::single(text, options)),
            Value::Array(mut items) => match items.first() {
                None => Err(Refusal::shape(EXPECTED)),
                Some(Value::String(_)) => match items.len() {
                    1 => Ok(Asked::single(text_of(items.remove(0))?, options)),
                    2 => Err(Refusal::shape(PAIR)),
                    _ => Err(Refusal::shape(EXPECTED)),
                },
                Some(_) => Ok(Asked {
                    texts: items.into_iter().map(sole_text).collect::<Result<_, _>>()?,
                    is_batch: true,
                    options,
                }),
            },
            _ => Err(Refusal::shape(EXPECTED)),
        }
    }

    /// The texts of a request to `/classify`, where a list is a batch.
    pub(crate) fn classify(self) -> Result<Asked, Refusal> {
        let options = self.options();
        match self.inputs {
            Value::String(text) => Ok(Asked::single(text, options)),
            Value::Array(items) if !items.is_empty() => Ok(Asked {
                texts: items.into_iter().map(text_of).collect::<Result<_, _>>()?,
                is_batch: true,
                options,
            }),
            _ => Err(Refusal::shape(EXPECTED_TEXTS)),
        }
    }

    fn options(&self) -> Options {
        Options {
            raw_scores: self.raw_scores,
            truncate: self.truncate.unwrap_or(true),
            truncation_side: self.truncation_direction.map(|direction| match direction {
                Direction::Left => "left",
                Direction::Right => "right",
            }),
        }
    }
}

const EXPECTED: &str = "`inputs` must be a text, or a batch of texts: [[\"one\"], [\"another\"]]";
const EXPECTED_TEXTS: &str = "`inputs` must be a text, or a list of texts: [\"one\", \"another\"]";
const PAIR: &str = "`inputs` has a pair of texts, and this model reads single ones; a batch is [[\"one\"], [\"another\"]], \
                    and POST /classify takes [\"one\", \"another\"]";

impl Asked {
    fn single(text: String, options: Options) -> Self {
        Self {
            texts: vec![text],
            is_batch: false,
            options,
        }
    }
}

fn text_of(value: Value) -> Result<String, Refusal> {
    match value {
        Value::String(text) => Ok(text),
        _ => Err(Refusal::shape(EXPECTED_TEXTS)),
    }
}

/// The text of an element of a batch.
fn sole_text(value: Value) -> Result<String, Refusal> {
    match value {
        Value::Array(mut texts) if texts.len() == 1 => match texts.remove(0) {
            Value::String(text) => Ok(text),
            _ => Err(Refusal::shape(EXPECTED)),
        },
        Value::Array(texts) if texts.len() == 2 => Err(Refusal::shape(PAIR)),
        _ => Err(Refusal::shape(EXPECTED)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predict(inputs: &str) -> Result<(Vec<String>, bool), u16> {
        let body = format!(r#"{{"inputs": {inputs}, "truncate": true, "unknown": 1}}"#);
        let asked = Request::parse(body.as_bytes()).and_then(Request::predict);
        asked
            .map(|asked| (asked.texts, asked.is_batch))
            .map_err(|refusal| refusal.status.as_u16())
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    #[test]
    fn texts_batches_and_pairs_are_told_apart_as_text_embeddings_inference_does() {
        assert_eq!(predict(r#""a""#), Ok((texts(&["a"]), false)));
        assert_eq!(predict(r#"["a"]"#), Ok((texts(&["a"]), false)));
        assert_eq!(predict(r#"[["a"]]"#), Ok((texts(&["a"]), true)));
        assert_eq!(predict(r#"[["a"], ["b"]]"#), Ok((texts(&["a", "b"]), true)));
        for refused in [
            r#"["a", "b"]"#,
            r#"[["a", "b"]]"#,
            r#"[["a"], ["a", "b"]]"#,
            r#"["a", "b", "c"]"#,
            r#"["a", ["b"]]"#,
            r#"[["a"], "b"]"#,
            "[]",
            "[[]]",
            "[1]",
            "1",
            "null",
            r#"{"a": 1}"#,
        ] {
            assert_eq!(predict(refused), Err(422), "{refused}");
        }
    }

    #[test]
    fn a_list_of_texts_is_a_batch_of_classify() {
        let asked = |body: &str| Request::parse(body.as_bytes()).and_then(Request::classify);
        let batch = asked(r#"{"inputs": ["a", "b"], "truncation_direction": "Left"}"#).unwrap();
        assert_eq!((batch.texts, batch.is_batch), (texts(&["a", "b"]), true));
        assert_eq!(batch.options.truncation_side, Some("left"));
        assert!(batch.options.truncate && !batch.options.raw_scores);
        assert!(!asked(r#"{"inputs": "a"}"#).unwrap().is_batch);
        for refused in [
            r#"{"inputs": []}"#,
            r#"{"inputs": [["a"]]}"#,
            r#"{"texts": "a"}"#,
            "{}",
        ] {
            assert_eq!(asked(refused).unwrap_err().status.as_u16(), 422, "{refused}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused_in_another_way() {
        let deep = format!(r#"{{"inputs": {}"#, "[".repeat(100_000));
        for broken in ["", "{", r#"{"inputs": "a""#, "\u{0}", &deep] {
            assert_eq!(
                Request::parse(broken.as_bytes()).unwrap_err().status.as_u16(),
                400
            );
        }
        assert_eq!(
            Request::parse(b"{\"inputs\": \"\xff\"}")
                .unwrap_err()
                .status
                .as_u16(),
            400
        );
    }
}
