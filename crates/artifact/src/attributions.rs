//! What evaluate writes: which words of a wrongly classified text moved the decision.

use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, RecordBatch, UInt32Array};
use arrow::datatypes::{DataType, Field, Float32Type, Schema, UInt32Type};

use crate::stage::{Kind, StageId};
use crate::table::{
    Row, list_column, list_of, number_lists, numbers, string_column, string_list_column, string_lists,
    strings,
};

/// How the words of one text moved the decision between two classes.
///
/// The weights sum to `margin` − `reference_margin`, but for the error of an integral over finitely many steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribution {
    /// The document's id.
    pub id: String,
    /// The true class.
    pub label: String,
    /// The class of the highest logit.
    pub predicted: String,
    /// The cleaned text, as far as the model read it, in words with the white space that follows each: joined they are
    /// that text.
    pub pieces: Vec<String>,
    /// One a piece, in logits: how far it moved the decision towards `predicted` and away from `label`.
    pub weights: Vec<f32>,
    /// logit(`predicted`) − logit(`label`) of the text.
    pub margin: f32,
    /// The same of the reference, a text of as many tokens that say nothing.
    pub reference_margin: f32,
    /// Steps of the integral.
    pub steps: u32,
}

impl Row for Attribution {
    const KIND: Kind = Kind {
        stage: StageId::Evaluate,
        file: "attributions.parquet",
        format: 1,
    };

    fn schema() -> Schema {
        Schema::new(vec![
            Field::new("id", DataType::Utf8, false),
            Field::new("label", DataType::Utf8, false),
            Field::new("predicted", DataType::Utf8, false),
            Field::new("pieces", list_of(DataType::Utf8), true),
            Field::new("weights", list_of(DataType::Float32), true),
            Field::new("margin", DataType::Float32, false),
            Field::new("reference_margin", DataType::Float32, false),
            Field::new("steps", DataType::UInt32, false),
        ])
    }

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        let floats = |read: fn(&Self) -> f32| Arc::new(Float32Array::from_iter_values(rows.iter().map(read)));
        vec![
            string_column(rows.iter().map(|row| row.id.as_str())),
            string_column(rows.iter().map(|row| row.label.as_str())),
            string_column(rows.iter().map(|row| row.predicted.as_str())),
            string_list_column(rows.iter().map(|row| row.pieces.as_slice())),
            list_column::<Float32Type>(rows.iter().map(|row| row.weights.clone())),
            floats(|row| row.margin),
            floats(|row| row.reference_margin),
            Arc::new(UInt32Array::from_iter_values(rows.iter().map(|row| row.steps))),
        ]
    }

    fn rows(batch: &RecordBatch) -> Result<Vec<Self>, String> {
        let (ids, labels, predicted) = (strings(batch, 0), strings(batch, 1), strings(batch, 2));
        let (pieces, weights) = (string_lists(batch, 3), number_lists::<Float32Type>(batch, 4));
        let margins = numbers::<Float32Type>(batch, 5);
        let reference_margins = numbers::<Float32Type>(batch, 6);
        let steps = numbers::<UInt32Type>(batch, 7);
        (0..batch.num_rows())
            .map(|row| {
                let (pieces, weights) = (pieces[row].clone(), weights[row].clone());
                if pieces.len() != weights.len() {
                    let (id, pieces, weights) = (&ids[row], pieces.len(), weights.len());
                    return Err(format!("row `{id}` has {pieces} pieces and {weights} weights"));
                }
                Ok(Self {
                    id: ids[row].clone(),
                    label: labels[row].clone(),
                    predicted: predicted[row].clone(),
                    pieces,
                    weights,
                    margin: margins[row],
                    reference_margin: reference_margins[row],
                    steps: steps[row],
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifacts::Artifacts;
    use crate::table::{ArtifactError, read_table, write_table};

    fn attribution(id: &str, pieces: &[&str], weights: &[f32]) -> Attribution {
        Attribution {
            id: id.to_owned(),
            label: "sport".to_owned(),
            predicted: "business".to_owned(),
            pieces: pieces.iter().map(|&piece| piece.to_owned()).collect(),
            weights: weights.to_vec(),
            margin: 1.5,
            reference_margin: -0.25,
            steps: 32,
        }
    }

    fn written(rows: &[Attribution]) -> Result<Vec<Attribution>, ArtifactError> {
        let artifacts = tempfile::tempdir().unwrap();
        let folder = artifacts.path().join("evaluate");
        crate::fs::create_dir_all(&folder).unwrap();
        write_table(&folder, rows.to_vec()).unwrap();
        read_table(Artifacts::all(artifacts.path()))
    }

    #[test]
    fn rows_come_back_also_those_without_pieces() {
        let rows = [
            attribution("a", &["Shares ", "fell.\n", "東"], &[0.5, 1.25, -0.125]),
            attribution("b", &[], &[]),
            attribution("c", &["", "x"], &[0.0, 1.0]),
        ];
        assert_eq!(written(&rows).unwrap(), rows);
        assert_eq!(written(&[]).unwrap(), []);
    }

    #[test]
    fn a_piece_without_a_weight_is_damage() {
        let problem = written(&[attribution("a", &["one ", "two"], &[1.0])]).unwrap_err();
        assert!(
            problem
                .to_string()
                .ends_with("row `a` has 2 pieces and 1 weights"),
            "{problem}"
        );
    }
}
