//! Word attributions of the mistakes with the highest loss.

use labelproof_artifact::{Attribution, Reporter};
use labelproof_metrics::{argmax, cross_entropy};
use labelproof_model::{Bundle, Logits};

use crate::error::Error;
use crate::rows::Rows;

/// Explains the wrongly classified rows of the highest loss, at most `count`, the highest first.
pub(crate) fn mistakes(
    bundle: &Bundle,
    scores: &Logits,
    rows: &Rows,
    count: usize,
    reporter: &dyn Reporter,
) -> Result<Vec<Attribution>, Error> {
    let mut chosen = worst(scores, &rows.labels);
    chosen.truncate(count);
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    reporter.started("explaining mistakes", Some(chosen.len() as u64));
    let mut explained = Vec::with_capacity(chosen.len());
    for Mistake {
        row,
        label,
        predicted,
    } in chosen
    {
        let explanation = bundle.explain(&rows.texts[row], predicted, label)?;
        explained.push(Attribution {
            id: rows.ids[row].clone(),
            label: bundle.labels.name(label).to_owned(),
            predicted: bundle.labels.name(predicted).to_owned(),
            pieces: explanation.pieces,
            weights: explanation.weights,
            margin: explanation.margin,
            reference_margin: explanation.reference_margin,
            steps: explanation.steps,
        });
        reporter.advance(1, "");
    }
    reporter.finished();
    Ok(explained)
}

#[derive(Debug, PartialEq)]
struct Mistake {
    row: usize,
    label: usize,
    predicted: usize,
}

/// Every wrongly classified row, the highest loss first; of equal losses the first row.
fn worst(scores: &Logits, labels: &[u32]) -> Vec<Mistake> {
    let mut mistakes: Vec<(f64, Mistake)> = scores
        .rows()
        .zip(labels)
        .enumerate()
        .filter_map(|(row, (logits, &label))| {
            let (label, predicted) = (label as usize, argmax(logits));
            let mistake = Mistake {
                row,
                label,
                predicted,
            };
            (label != predicted).then(|| (cross_entropy(logits, label), mistake))
        })
        .collect();
    mistakes.sort_by(|left, right| right.0.total_cmp(&left.0));
    mistakes.into_iter().map(|(_, mistake)| mistake).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_surest_mistakes_come_first_and_hits_never() {
        let scores = Logits {
            values: vec![
                9.0, 0.0, 0.0, // right
                0.0, 1.0, 0.0, // wrong
                0.0, 5.0, 0.0, // wrong and sure
                0.0, 1.0, 0.0, // as wrong as the second
            ],
            classes: 3,
        };
        let found: Vec<_> = worst(&scores, &[0, 0, 2, 2])
            .into_iter()
            .map(|mistake| (mistake.row, mistake.label, mistake.predicted))
            .collect();
        assert_eq!(found, [(2, 2, 1), (1, 0, 1), (3, 2, 1)]);
    }
}
