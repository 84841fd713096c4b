//! The word attributions of the mistakes.

use std::collections::BTreeMap;

use labelproof_artifact::{Artifacts, Attribution, read_table};

use crate::Error;

/// A text in pieces, and how far each moved the decision.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Explanation {
    /// Words with the white space after them, and how far each moved the decision to the predicted class and
    /// away from the true one, in differences of logits.
    pub(crate) pieces: Vec<(String, f64)>,
    /// The logit of the predicted class less that of the true one.
    pub(crate) margin: f64,
    /// The margin of the reference, a text without information.
    pub(crate) reference_margin: f64,
}

/// Reads the attributions, by id.
pub(super) fn read(artifacts: Artifacts<'_>) -> Result<BTreeMap<String, Explanation>, Error> {
    let explanation = |row: Attribution| Explanation {
        pieces: row
            .pieces
            .into_iter()
            .zip(row.weights.into_iter().map(f64::from))
            .collect(),
        margin: f64::from(row.margin),
        reference_margin: f64::from(row.reference_margin),
    };
    let rows = read_table::<Attribution>(artifacts)?;
    Ok(rows
        .into_iter()
        .map(|row| (row.id.clone(), explanation(row)))
        .collect())
}
