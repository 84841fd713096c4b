//! The model card: a `README.md` in the bundle that says what the model is, in the layout that Hugging Face reads (front
//! matter in YAML, then Markdown).
//!
//! Nothing reads it back: it is no part of what the bundle's digests cover, and whoever publishes the bundle adds a
//! licence, a language and a name. Figures are those of the validation rows; training has not seen the test rows.

use std::fmt::Write;

use labelproof_artifact::{Digest, HistoryRow};
use labelproof_text::Preparation;
use serde::Serialize;

use crate::data::TrainingData;
use crate::params::Params;

/// The card's file in the bundle.
pub(crate) const FILE: &str = "README.md";

/// What the card speaks of.
pub(crate) struct Card<'a> {
    pub(crate) params: &'a Params,
    pub(crate) data: &'a TrainingData,
    pub(crate) preparation: &'a Preparation,
    pub(crate) encoder: &'a Digest,
    pub(crate) history: &'a [HistoryRow],
}

#[derive(Serialize)]
struct FrontMatter<'a> {
    pipeline_tag: &'a str,
    library_name: &'a str,
    tags: [&'a str; 3],
    metrics: [&'a str; 2],
    labels: &'a [String],
    #[serde(rename = "model-index")]
    model_index: [Model<'a>; 1],
}

#[derive(Serialize)]
struct Model<'a> {
    name: &'a str,
    results: [Outcome<'a>; 1],
}

#[derive(Serialize)]
struct Outcome<'a> {
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
        let mut text = format!("---\n{}---\n\n", self.front_matter());
        self.describe(&mut text)
            .expect("writing into a string cannot fail");
        text
    }

    fn kept(&self) -> Option<&HistoryRow> {
        self.history.iter().find(|row| row.best)
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
            library_name: "labelproof",
            tags: ["text-classification", "bert", "labelproof"],
            metrics: ["accuracy", "f1"],
            labels: self.data.labels.names(),
            model_index: [Model {
                name: "text-classifier",
                results: [Outcome {
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

    fn describe(&self, text: &mut String) -> std::fmt::Result {
        let (train, validation) = (&self.data.train, &self.data.validation);
        let labels = self.data.labels.names();
        writeln!(text, "# Text classifier for {} labels\n", labels.len())?;
        writeln!(
            text,
            "Trained by Labelproof. It gives a text one of these labels, with a probability for each:\n"
        )?;
        writeln!(
            text,
            "| label | training rows | validation rows |\n| --- | ---: | ---: |"
        )?;
        for (number, label) in (0_u32..).zip(labels) {
            let count = |of: &[u32]| of.iter().filter(|&&other| other == number).count();
            let (name, own) = (escape(label), count(&train.labels));
            writeln!(text, "| {name} | {own} | {} |", count(&validation.labels))?;
        }
        let rows = (train.ids.len(), validation.ids.len());
        writeln!(text, "\n## Training data\n")?;
        writeln!(
            text,
            "{} rows were learned from, and {} chose the epoch that was kept. Test rows were not read.",
            rows.0, rows.1
        )?;
        writeln!(text, "\n## Figures\n")?;
        if let Some(kept) = self.kept() {
            writeln!(
                text,
                "On the *validation* rows, after epoch {} of {}: accuracy {:.4}, macro F1 {:.4}, loss {:.4}. The epoch was \
                 chosen by these rows, which flatters it. The figures on the test rows, with intervals, stand in the \
                 report of the pipeline that trained this model.",
                kept.epoch,
                self.history.len(),
                kept.validation_accuracy,
                kept.validation_f1_macro,
                kept.validation_loss
            )?;
        }
        writeln!(text, "\n## How it was trained\n")?;
        self.parameters(text)?;
        writeln!(text, "\n## Use\n")?;
        writeln!(text, "The folder of this file is the bundle:\n")?;
        writeln!(
            text,
            "    labelproof predict --bundle . --input new.csv --text body --output labels.csv\n"
        )?;
        writeln!(
            text,
            "Cleaning and tokenising are part of it: give it texts as they are."
        )?;
        writeln!(text, "\n## Limits\n")?;
        writeln!(
            text,
            "- Every text gets one of the labels above, also one that none of them fits."
        )?;
        writeln!(
            text,
            "- It knows the language and the kind of text that it was trained on, and no other."
        )?;
        writeln!(
            text,
            "- Of a long text it reads {} tokens; what comes after does not count.",
            self.preparation.max_tokens
        )?;
        writeln!(text, "\n## Files\n")?;
        for (file, what) in [
            ("config.json", "the encoder's shape"),
            (
                "model.safetensors",
                "the encoder's weights, in Hugging Face's layout",
            ),
            ("tokenizer.json", "the tokenizer"),
            (
                "head.safetensors",
                "the dense layer from the pooled vector to the labels",
            ),
            (
                "labelproof.json",
                "labels, cleaning, pooling, digests, and texts with the logits they must give",
            ),
        ] {
            writeln!(text, "- `{file}`: {what}")?;
        }
        Ok(())
    }

    fn parameters(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "| parameter | value |\n| --- | --- |")?;
        let mut row = |name: &str, value: &str| writeln!(text, "| {} | {} |", escape(name), escape(value));
        row("encoder (digest of its files)", self.encoder.as_str())?;
        row("epochs that ran", &self.history.len().to_string())?;
        row(
            "longest input in tokens",
            &self.preparation.max_tokens.to_string(),
        )?;
        let json = |value: &serde_json::Value| match value {
            serde_json::Value::String(word) => word.clone(),
            other => other.to_string(),
        };
        let steps = serde_json::to_value(&self.preparation.clean).expect("steps have string keys only");
        row("cleaning", &json(&steps))?;
        let params = serde_json::to_value(self.params).expect("parameters have string keys only");
        for (name, value) in params.as_object().into_iter().flatten() {
            row(name, &json(value))?;
        }
        Ok(())
    }
}

/// Text that Markdown and HTML show as it is, in one line and in a cell of a table.
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
        }
    }

    fn card() -> String {
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
            },
            encoder: &Digest::of_bytes(b"encoder"),
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
}
