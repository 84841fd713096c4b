//! The model card: a `README.md` in the bundle that says what the model is, in the layout that Hugging Face
//! reads (front matter in YAML, then Markdown).
//!
//! Nothing reads it back: it is no part of what the bundle's digests cover, and whoever publishes the bundle
//! adds a licence, a language and a name. Figures are those of the validation rows; training has not seen the
//! test rows.

use askama::Template;
use labelproof_artifact::{Digest, HistoryRow};
use labelproof_settings::HeadKind;
use labelproof_settings::encoder_name::HubModel;
use labelproof_text::Preparation;
use serde::Serialize;

use crate::data::TrainingData;
use crate::params::Params;

/// The card's file in the bundle.
pub(crate) const FILE: &str = "README.md";

/// What the card describes.
pub(crate) struct Card<'a> {
    pub(crate) params: &'a Params,
    pub(crate) data: &'a TrainingData,
    pub(crate) preparation: &'a Preparation,
    pub(crate) encoder: &'a Digest,
    /// The model of the Hugging Face Hub that the encoder was, if it came from there.
    pub(crate) model: Option<&'a HubModel>,
    pub(crate) history: &'a [HistoryRow],
}

/// The card's text. Markdown has no escaping of askama's: what needs it is escaped by [`escape`].
#[derive(Template)]
#[template(path = "model_card.md", escape = "none")]
struct ModelCard<'a> {
    front_matter: String,
    labels: Vec<LabelCounts>,
    /// The number of training rows.
    train: usize,
    /// The number of validation rows.
    validation: usize,
    /// The epoch whose weights the bundle has.
    kept: Option<&'a HistoryRow>,
    /// The number of epochs that ran.
    epochs: usize,
    /// Names and values, escaped.
    parameters: Vec<(String, String)>,
    max_tokens: usize,
    /// Whether texts are cleaned before they are tokenised.
    is_cleaned: bool,
    /// Whether the head is that of the encoder's family.
    is_family: bool,
    /// Whether long texts are read in windows.
    has_windows: bool,
}

/// The rows of one label.
struct LabelCounts {
    /// The escaped name.
    name: String,
    train: usize,
    validation: usize,
}

/// The metadata that Hugging Face reads.
#[derive(Serialize)]
struct FrontMatter<'a> {
    pipeline_tag: &'a str,
    library_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_model: Option<&'a str>,
    tags: [&'a str; 3],
    metrics: [&'a str; 2],
    labels: &'a [String],
    #[serde(rename = "model-index")]
    model_index: [IndexEntry<'a>; 1],
}

#[derive(Serialize)]
struct IndexEntry<'a> {
    name: &'a str,
    results: [IndexResult<'a>; 1],
}

#[derive(Serialize)]
struct IndexResult<'a> {
    task: Named<'a>,
    dataset: Dataset<'a>,
    metrics: Vec<Metric<'a>>,
}

#[derive(Serialize)]
struct Named<'a> {
    r#type: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct Dataset<'a> {
    r#type: &'a str,
    name: &'a str,
    split: &'a str,
}

#[derive(Serialize)]
struct Metric<'a> {
    r#type: &'a str,
    name: &'a str,
    value: f64,
}

impl Card<'_> {
    /// The whole file.
    pub(crate) fn text(&self) -> String {
        let (train, validation) = (&self.data.train, &self.data.validation);
        let count = |rows: &[u32], label: u32| rows.iter().filter(|&&row| row == label).count();
        let labels = (0..).zip(self.data.labels.names());
        let labels = labels.map(|(number, name)| LabelCounts {
            name: escape(name),
            train: count(&train.labels, number),
            validation: count(&validation.labels, number),
        });
        let card = ModelCard {
            front_matter: self.front_matter(),
            labels: labels.collect(),
            train: train.ids.len(),
            validation: validation.ids.len(),
            kept: self.kept(),
            epochs: self.history.len(),
            parameters: self.parameters(),
            max_tokens: self.preparation.max_tokens,
            is_cleaned: !self.preparation.clean.is_empty(),
            is_family: self.params.head == HeadKind::Family,
            has_windows: self.preparation.windows.is_some(),
        };
        let mut text = card.render().expect("writing into a string cannot fail");
        // askama drops the last newline of a template.
        text.push('\n');
        text
    }

    fn kept(&self) -> Option<&HistoryRow> {
        self.history.iter().find(|row| row.best)
    }

    /// The encoder's name without its commit: another commit with the same files gives the same bundle, which the
    /// stage's lock tells apart.
    fn model_name(&self) -> Option<&str> {
        self.model.map(|model| model.repository.as_str())
    }

    fn front_matter(&self) -> String {
        let metrics = self.kept().map_or_else(Vec::new, |row| {
            [
                ("accuracy", "Accuracy (validation)", row.validation_accuracy),
                ("f1", "Macro F1 (validation)", row.validation_f1_macro),
                ("loss", "Cross-entropy in nats (validation)", row.validation_loss),
            ]
            .map(|(r#type, name, value)| Metric { r#type, name, value })
            .into()
        });
        let matter = FrontMatter {
            pipeline_tag: "text-classification",
            // Who only has transformers gets our predictions where nothing is cleaned, texts are read at once, and no
            // code is ours.
            library_name: if self.params.head == HeadKind::Family
                && self.preparation.clean.is_empty()
                && self.preparation.windows.is_none()
            {
                "transformers"
            } else {
                "labelproof"
            },
            base_model: self.model_name(),
            tags: ["text-classification", "bert", "labelproof"],
            metrics: ["accuracy", "f1"],
            labels: self.data.labels.names(),
            model_index: [IndexEntry {
                name: "text-classifier",
                results: [IndexResult {
                    task: Named {
                        r#type: "text-classification",
                        name: "Text classification",
                    },
                    dataset: Dataset {
                        r#type: "own-data",
                        name: "The validation rows, by which the epoch was chosen",
                        split: "validation",
                    },
                    metrics,
                }],
            }],
        };
        serde_yaml::to_string(&matter).expect("the front matter has string keys only")
    }

    fn parameters(&self) -> Vec<(String, String)> {
        let json = |value: &serde_json::Value| match value {
            serde_json::Value::String(word) => word.clone(),
            other => other.to_string(),
        };
        let steps = serde_json::to_value(&self.preparation.clean).expect("steps have string keys only");
        let params = serde_json::to_value(self.params).expect("parameters have string keys only");
        let name = self
            .model_name()
            .map(|name| ("encoder".to_owned(), name.to_owned()));
        let mut rows: Vec<(String, String)> = name.into_iter().collect();
        rows.extend([
            (
                "encoder (digest of its files)".to_owned(),
                self.encoder.as_str().to_owned(),
            ),
            ("epochs that ran".to_owned(), self.history.len().to_string()),
            (
                "longest input in tokens".to_owned(),
                self.preparation.max_tokens.to_string(),
            ),
            ("cleaning".to_owned(), json(&steps)),
        ]);
        if let Some(windows) = &self.preparation.windows {
            let windows = serde_json::to_string(windows).expect("windows have string keys only");
            rows.push(("windows over longer texts".to_owned(), windows));
        }
        let params = params.as_object().into_iter().flatten();
        rows.extend(params.map(|(name, value)| (name.clone(), json(value))));
        let escaped = rows
            .into_iter()
            .map(|(name, value)| (escape(&name), escape(&value)));
        escaped.collect()
    }
}

/// Escapes a text so that Markdown and HTML show it as it is, in one line and in a cell of a table.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            letter if letter.is_whitespace() || letter.is_control() => escaped.push(' '),
            // Underscores and hyphens within words stay as they are, but nobody can tell here.
            letter if letter.is_ascii_punctuation() && !",.-".contains(letter) => {
                escaped.push('\\');
                escaped.push(letter);
            }
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use labelproof_artifact::LabelMap;
    use serde_yaml::Value;

    use super::*;
    use crate::data::Rows;

    const ODD: [&str; 6] = [
        "a: b",
        "\"quoted\" 'twice'",
        "one|two",
        "two\nlines ---",
        "<b>bold</b>",
        "null",
    ];

    fn rows(labels: &[u32]) -> Rows {
        Rows {
            ids: labels.iter().map(|label| format!("row {label}")).collect(),
            labels: labels.to_vec(),
            tokens: vec![vec![1, 2]; labels.len()],
            groups: vec![String::new(); labels.len()],
        }
    }

    fn card() -> String {
        card_of(None)
    }

    fn card_of(model: Option<&HubModel>) -> String {
        let data = TrainingData {
            labels: LabelMap::new(ODD.map(str::to_owned).to_vec()),
            train: rows(&[0, 0, 0, 1, 2, 3, 4, 5]),
            validation: rows(&[0, 1]),
        };
        let epoch = |epoch: u32, best: bool| HistoryRow {
            epoch,
            learning_rate: 0.1,
            train_loss: 0.5,
            train_accuracy: 0.5,
            validation_loss: 0.25 * f64::from(epoch),
            validation_accuracy: 0.5,
            validation_f1_macro: 0.375,
            best,
        };
        Card {
            params: &Params::default(),
            data: &data,
            preparation: &Preparation {
                clean: Vec::new(),
                max_tokens: 77,
                windows: None,
            },
            encoder: &Digest::of_bytes(b"encoder"),
            model,
            history: &[epoch(1, true), epoch(2, false)],
        }
        .text()
    }

    #[test]
    fn the_front_matter_is_yaml_with_the_labels_as_they_are_and_the_kept_epoch() {
        let card = card();
        let matter = card.strip_prefix("---\n").unwrap();
        let (matter, body) = matter.split_once("\n---\n").unwrap();
        let matter: Value = serde_yaml::from_str(matter).unwrap();
        let labels: Vec<&str> = matter["labels"]
            .as_sequence()
            .unwrap()
            .iter()
            .filter_map(Value::as_str)
            .collect();
        assert_eq!(labels, ODD);
        assert_eq!(matter["pipeline_tag"].as_str(), Some("text-classification"));
        let result = &matter["model-index"][0]["results"][0];
        assert_eq!(result["dataset"]["split"].as_str(), Some("validation"));
        let metrics: Vec<(&str, f64)> = result["metrics"]
            .as_sequence()
            .unwrap()
            .iter()
            .map(|metric| {
                (
                    metric["type"].as_str().unwrap(),
                    metric["value"].as_f64().unwrap(),
                )
            })
            .collect();
        assert_eq!(metrics, [("accuracy", 0.5), ("f1", 0.375), ("loss", 0.25)]);
        assert!(body.contains("| a\\: b | 3 | 1 |"), "{body}");
        assert!(body.contains("| one\\|two | 1 | 0 |"), "{body}");
        assert!(body.contains("| two lines --- | 1 | 0 |"), "{body}");
        assert!(!body.contains("<b>"), "{body}");
        assert!(body.contains("reads 77 tokens"), "{body}");
    }

    #[test]
    fn the_card_names_the_model_of_the_hub_as_the_hub_reads_it() {
        let card = card_of(Some(&HubModel {
            repository: "owner/name".to_owned(),
            commit: "86b5e0934494bd15c9632b12f734a8a67f723594".to_owned(),
        }));
        assert!(card.contains("\nbase_model: owner/name\n"), "{card}");
        assert!(card.contains("\n| encoder | owner\\/name |\n"), "{card}");
        assert!(!card.contains("86b5e09"), "{card}");
    }

    #[test]
    fn the_card_says_what_was_trained_on_what_and_how() {
        let card = card();
        let (_, body) = card.split_once("\n---\n\n").unwrap();
        let one_sentence_a_line = body.replace(". ", ".\n");
        insta::assert_snapshot!(one_sentence_a_line, @r###"
    # Text classifier for 6 labels

    Trained by Labelproof.
    It gives a text one of these labels, with a probability for each:

    | label | training rows | validation rows |
    | --- | ---: | ---: |
    | a\: b | 3 | 1 |
    | \"quoted\" \'twice\' | 1 | 1 |
    | one\|two | 1 | 0 |
    | two lines --- | 1 | 0 |
    | &lt;b&gt;bold&lt;\/b&gt; | 1 | 0 |
    | null | 1 | 0 |

    ## Training data

    8 rows were learned from, and 2 chose the epoch that was kept.
    Test rows were not read.

    ## Figures

    On the *validation* rows, after epoch 1 of 2: accuracy 0.5000, macro F1 0.3750, loss 0.2500.
    The epoch was chosen by these rows, which flatters it.
    The figures on the test rows, with intervals, stand in the report of the pipeline that trained this model.

    ## How it was trained

    | parameter | value |
    | --- | --- |
    | encoder \(digest of its files\) | abcf6e3db261fb6442097d41ee17792cc32651bcc900e48ace746dd8ddae2e63 |
    | epochs that ran | 2 |
    | longest input in tokens | 77 |
    | cleaning | \[\] |
    | batch\_normalization | none |
    | batch\_size | 16 |
    | class\_weights | none |
    | dropout | 0.0 |
    | early\_stopping | \{\"metric\"\:\"loss\",\"patience\"\:5\} |
    | epochs | 40 |
    | gradient\_accumulation | 1 |
    | gradient\_clipping | null |
    | learning\_rate | 0.001 |
    | optimizer | adamw |
    | pooling | mean |
    | precision | float32 |
    | schedule | constant |
    | seed | 10 |
    | trainable | none |
    | warmup | 0.0 |
    | weight\_decay | null |

    ## Use

    The folder of this file is the bundle:

        labelproof predict --bundle .
    --input new.csv --text body --output labels.csv

    Cleaning and tokenising are part of it: give it texts as they are.

    With transformers, cut off at 77 tokens as in training:

        from transformers import pipeline
        classify = pipeline("text-classification", model=".", trust_remote_code=True)
        classify(["..."], truncation=True, top_k=None)

    ## Limits

    - Every text gets one of the labels above, also one that none of them fits.
    - It knows the language and the kind of text that it was trained on, and no other.
    - Of a long text it reads 77 tokens; what comes after does not count.

    ## Files

    - `model.safetensors`: the weights of encoder and head
    - `config.json`: their shape, and the labels
    - `tokenizer.json`, `tokenizer_config.json`: the tokenizer
    - `modeling_labelproof.py`: the network for transformers, which has no class with this head
    - `calibration.parquet`: what `--abstain` and `--conformal` choose on, of the validation rows
    - `labelproof.json`: labels, cleaning, temperature, digests, and texts with the logits they must give
    "###);
    }
}
