//! The table of word attributions that evaluate writes: which words of a wrongly classified text moved the
//! decision.

use crate::column::columns;
use crate::stage::{Kind, StageId};
use crate::table::Row;

/// The attributions of one text's words (integrated gradients): how they moved the decision between two
/// classes.
///
/// The weights sum to `margin` − `reference_margin`, but for the error of an integral over finitely many
/// steps.
#[derive(Debug, Clone, PartialEq)]
pub struct Attribution {
    /// The document's id.
    pub id: String,
    /// The true class.
    pub label: String,
    /// The class of the highest logit.
    pub predicted: String,
    /// The cleaned text, as far as the model read it, in words with the white space that follows each: joined
    /// they are that text.
    pub pieces: Vec<String>,
    /// The attribution of each piece, in logits: how far it moved the decision towards `predicted` and away
    /// from `label`.
    pub weights: Vec<f32>,
    /// logit(`predicted`) − logit(`label`) of the text.
    pub margin: f32,
    /// logit(`predicted`) − logit(`label`) of the reference, a text of as many tokens that carry no
    /// information.
    pub reference_margin: f32,
    /// The number of steps that approximate the integral.
    pub steps: u32,
}

impl Row for Attribution {
    const KIND: Kind = Kind {
        stage: StageId::Evaluate,
        file: "attributions.parquet",
        format: 1,
    };

    columns! { id, label, predicted, pieces, weights, margin, reference_margin, steps }

    fn check(&self) -> Result<(), String> {
        let (id, pieces, weights) = (&self.id, self.pieces.len(), self.weights.len());
        if pieces == weights {
            return Ok(());
        }
        Err(format!("row `{id}` has {pieces} pieces and {weights} weights"))
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
