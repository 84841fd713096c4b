//! Whether leaving words out of all texts helps: the cheap baseline with them and without them.

use std::collections::BTreeSet;

use labelproof_artifact::Split;
use labelproof_baseline::{Baseline as TfIdf, CountedTexts};
use labelproof_text::terms::words;

use crate::evidence::{Evidence, Missing, Need, ScoreKind, Scores, argmax_rows};
use crate::measures::baseline::{Baseline, baseline_rows};
use crate::measures::sampling::sample;

/// Whether the cheap model is right on each validation row, trained with the words and without them.
pub fn ablate(
    evidence: &Evidence,
    baseline: &Baseline,
    words: &[String],
) -> Result<(Vec<bool>, Vec<bool>), Missing> {
    let (texts, labels) = evidence.labelled_texts(Split::Train)?;
    let (validation, truth) = evidence.labelled_texts(Split::Validation)?;
    let classes = evidence.dataset.labels.len();
    let with = baseline
        .hits(evidence, Split::Validation)
        .ok_or(Need::ValidationTexts)?;
    let removed: BTreeSet<&str> = words.iter().map(String::as_str).collect();
    // The rows that the cheap model with the words is trained on.
    let rows = sample(texts.len(), baseline_rows(classes), evidence.seed);
    let stripped: Vec<String> = rows.iter().map(|&row| without(&texts[row], &removed)).collect();
    let labels: Vec<u32> = rows.iter().map(|&row| labels[row]).collect();
    let all: Vec<usize> = (0..stripped.len()).collect();
    let counted = CountedTexts::new(&stripped);
    let model = TfIdf::train_roughly(&counted, &all, &labels, classes);
    let validation: Vec<String> = validation.iter().map(|text| without(text, &removed)).collect();
    let predictions = argmax_rows(&Scores {
        kind: ScoreKind::Probabilities,
        classes,
        values: model.predict(&validation),
    });
    let hits = predictions
        .iter()
        .zip(truth)
        .map(|(predicted, truth)| predicted == truth);
    Ok((with, hits.collect()))
}

/// A text without some of its words.
fn without(text: &str, removed: &BTreeSet<&str>) -> String {
    let kept: Vec<&str> = words(text)
        .filter(|word| !removed.contains(word.to_lowercase().as_str()))
        .collect();
    kept.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removed_words_leave_the_others() {
        let removed = BTreeSet::from(["contract"]);
        assert_eq!(without("The Contract, for roads", &removed), "The for roads");
    }
}
