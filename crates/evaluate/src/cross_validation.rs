//! The figures of the folds that train held out.

use std::collections::BTreeMap;

use labelproof_artifact::{Artifacts, FoldRow, LabelMap, Row, Split, TableReader};
use labelproof_metrics::{Confusion, CrossValidation, Spreads, argmax};

use crate::error::Error;

/// The figures of each fold; nothing where train was not asked for any.
pub(crate) fn figures(artifacts: Artifacts<'_>, labels: &LabelMap) -> Result<Option<CrossValidation>, Error> {
    if !artifacts.path(FoldRow::KIND).exists() {
        return Ok(None);
    }
    let classes = labels.len();
    let damaged = |problem| artifacts.damaged(FoldRow::KIND, problem);
    let mut rows = 0;
    let mut matrices: BTreeMap<u32, Vec<Vec<u64>>> = BTreeMap::new();
    for batch in TableReader::<FoldRow>::open(artifacts)? {
        for row in batch? {
            let FoldRow {
                id,
                label,
                fold,
                logits,
            } = row;
            let Some(label) = labels.index(&label) else {
                return Err(damaged(format!("label `{label}` of row `{id}` is not in the label map")).into());
            };
            if logits.len() != classes {
                let problem = format!("row `{id}` has {} logits for {classes} labels", logits.len());
                return Err(damaged(problem).into());
            }
            let matrix = matrices
                .entry(fold)
                .or_insert_with(|| vec![vec![0; classes]; classes]);
            matrix[label as usize][argmax(&logits)] += 1;
            rows += 1;
        }
    }
    let folds = matrices.values().map(|matrix| Confusion::from_matrix(matrix));
    let folds = folds
        .collect::<Result<Vec<_>, _>>()
        .map_err(|source| Error::Score {
            split: Split::Train,
            source,
        })?;
    Ok((rows > 0).then(|| CrossValidation {
        rows,
        folds: Spreads::of_models(&folds),
    }))
}
