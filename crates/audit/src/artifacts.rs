//! Evidence from a pipeline's artifacts: what the stages before the audit wrote.

use std::collections::BTreeMap;
use std::path::Path;

use crate::params::STAGE;
use labelproof_artifact::encoder_files::TOKENIZER_FILE;
use labelproof_artifact::tokens::PREPARATION;
use labelproof_artifact::{
    Artifacts, BUNDLE, Digest, Document, FoldRow, HistoryRow, LabelMap, Prediction, Row, Split, StageId,
    StageLock, TableReader, TokenRow, fs, json, read_table,
};
use labelproof_metrics::Evaluation;
use labelproof_text::Preparation;
use labelproof_text::cleaning::Cleaner;
use labelproof_text::tokenizer::Tokenizer;

use crate::error::Error;
use crate::evidence::log::{Epoch, Figures, Log};
use crate::evidence::{BundleFacts, Dataset, Evidence, Part, PipelineFacts, ScoreKind, Scores};

/// Reads the rows of all splits, with their predictions.
pub fn read_dataset(folder: &Path) -> Result<Dataset, Error> {
    let artifacts = Artifacts::for_stage(folder, &STAGE);
    let labels = LabelMap::read(artifacts)?;
    let mut parts = read_parts(artifacts, &labels)?;
    Ok(Dataset {
        labels: labels.names().to_vec(),
        train: parts.remove(&Split::Train),
        validation: parts.remove(&Split::Validation),
        test: parts.remove(&Split::Test),
        readings: Vec::new(),
    })
}

/// Reads whatever else the artifacts tell, and joins it with the rows and with what running the bundle told.
pub fn read_evidence(
    folder: &Path,
    dataset: Dataset,
    bundle: Option<BundleFacts>,
    seed: u64,
) -> Result<Evidence, Error> {
    let artifacts = Artifacts::for_stage(folder, &STAGE);
    let mut evaluation = Evaluation::read(artifacts)?;
    let published = evaluation.splits.remove(&Split::Test);
    Ok(Evidence {
        dataset,
        confusion: published.map(|metrics| metrics.confusion),
        confusion_labels: Some(evaluation.labels),
        log: Some(read_log(artifacts)?),
        bundle,
        pipeline: Some(read_facts(artifacts, stale_files(folder))?),
        seed,
        ..Evidence::default()
    })
}

/// A document's texts and group.
struct Source {
    raw: String,
    cleaned: String,
    group: Option<String>,
}

fn read_parts(artifacts: Artifacts<'_>, labels: &LabelMap) -> Result<BTreeMap<Split, Part>, Error> {
    let mut sources: BTreeMap<String, Source> = BTreeMap::new();
    for batch in TableReader::<TokenRow>::open(artifacts)? {
        for row in batch? {
            let source = Source {
                raw: String::new(),
                cleaned: row.text,
                group: row.group,
            };
            sources.insert(row.id, source);
        }
    }
    for batch in TableReader::<Document>::open(artifacts)? {
        for document in batch? {
            if let Some(source) = sources.get_mut(&document.id) {
                source.raw = document.text;
            }
        }
    }
    let mut parts: BTreeMap<Split, Part> = BTreeMap::new();
    for batch in TableReader::<Prediction>::open(artifacts)? {
        for row in batch? {
            let part = parts
                .entry(row.split)
                .or_insert_with(|| empty_part(row.split, labels));
            add(part, row, &mut sources, labels, artifacts)?;
        }
    }
    if let Some(train) = parts.get_mut(&Split::Train) {
        train.held_out_scores = read_held_out(train, labels, artifacts)?;
    }
    for part in parts.values_mut() {
        let without_groups = part
            .groups
            .as_ref()
            .is_some_and(|groups| groups.iter().all(String::is_empty));
        if without_groups {
            part.groups = None;
        }
        let mut spellings: Vec<String> = part
            .truth
            .iter()
            .flatten()
            .map(|&class| labels.name(class as usize).to_owned())
            .collect();
        spellings.sort_unstable();
        spellings.dedup();
        part.spellings = spellings;
    }
    Ok(parts)
}

/// The logits of the training rows by the models of a cross-validation, in the order of the rows; none where train was
/// not asked for folds.
fn read_held_out(train: &Part, labels: &LabelMap, artifacts: Artifacts<'_>) -> Result<Option<Scores>, Error> {
    if !artifacts.path(FoldRow::KIND).exists() {
        return Ok(None);
    }
    let rows = read_table::<FoldRow>(artifacts)?;
    let logits: BTreeMap<&str, &[f32]> = rows
        .iter()
        .map(|row| (row.id.as_str(), row.logits.as_slice()))
        .collect();
    let mut values = Vec::new();
    for id in train.ids.iter().flatten() {
        match logits.get(id.as_str()) {
            Some(logits) if logits.len() == labels.len() => {
                values.extend(logits.iter().map(|&logit| f64::from(logit)));
            }
            _ => {
                let problem = format!("row `{id}` has no logit for each of {} labels", labels.len());
                return Err(artifacts.damaged(FoldRow::KIND, problem).into());
            }
        }
    }
    Ok(Some(Scores {
        kind: ScoreKind::Logits,
        classes: labels.len(),
        values,
    }))
}

fn empty_part(split: Split, labels: &LabelMap) -> Part {
    Part {
        source: split.name().to_owned(),
        ids: Some(Vec::new()),
        texts: Some(Vec::new()),
        raw_texts: Some(Vec::new()),
        truth: Some(Vec::new()),
        stored_predictions: Some(Vec::new()),
        groups: Some(Vec::new()),
        scores: Some(Scores {
            kind: ScoreKind::Logits,
            classes: labels.len(),
            values: Vec::new(),
        }),
        ..Part::default()
    }
}

fn add(
    part: &mut Part,
    row: Prediction,
    sources: &mut BTreeMap<String, Source>,
    labels: &LabelMap,
    artifacts: Artifacts<'_>,
) -> Result<(), Error> {
    let class = |name: &str| {
        labels.index(name).ok_or_else(|| {
            artifacts.damaged(
                Prediction::KIND,
                format!("label `{name}` is not in the label map"),
            )
        })
    };
    let source = sources.remove(&row.id).ok_or_else(|| {
        artifacts.damaged(
            Prediction::KIND,
            format!("row `{}` is no document, or is there twice", row.id),
        )
    })?;
    let (truth, predicted) = (class(&row.label)?, class(&row.predicted)?);
    if row.logits.len() != labels.len() {
        let problem = format!(
            "row `{}` has {} logits for {} labels",
            row.id,
            row.logits.len(),
            labels.len()
        );
        return Err(artifacts.damaged(Prediction::KIND, problem).into());
    }
    part.rows += 1;
    part.ids.get_or_insert_default().push(row.id);
    part.texts.get_or_insert_default().push(source.cleaned);
    part.raw_texts.get_or_insert_default().push(source.raw);
    part.groups
        .get_or_insert_default()
        .push(source.group.unwrap_or_default());
    part.truth.get_or_insert_default().push(truth);
    part.stored_predictions.get_or_insert_default().push(predicted);
    if let Some(scores) = &mut part.scores {
        scores
            .values
            .extend(row.logits.iter().map(|&logit| f64::from(logit)));
    }
    Ok(())
}

fn read_log(artifacts: Artifacts<'_>) -> Result<Log, Error> {
    let rows = read_table::<HistoryRow>(artifacts)?;
    let epochs = rows.iter().map(|row| Epoch {
        train: Figures {
            loss: Some(row.train_loss),
            accuracy: Some(row.train_accuracy),
            ..Figures::default()
        },
        validation: Figures {
            loss: Some(row.validation_loss),
            accuracy: Some(row.validation_accuracy),
            f1: Some(row.validation_f1_macro),
            ..Figures::default()
        },
        learning_rate: Some(row.learning_rate),
        number: Some(f64::from(row.epoch)),
        ..Epoch::default()
    });
    Ok(Log {
        source: HistoryRow::KIND.file.to_owned(),
        epochs: epochs.collect(),
        kept: rows.iter().position(|row| row.best),
        ..Log::default()
    })
}

/// Documents that are cleaned and tokenised again.
const RECHECKED: usize = 64;

fn read_facts(artifacts: Artifacts<'_>, stale: Vec<String>) -> Result<PipelineFacts, Error> {
    let model = artifacts.path(BUNDLE);
    let train = artifacts.lock(StageId::Train);
    let mut facts = PipelineFacts {
        stale,
        encoder_frozen: train.as_ref().is_some_and(|lock| {
            let trainable = lock.params.get("trainable").and_then(|value| value.as_str());
            trainable == Some("none") && lock.params.get("lora").is_none()
        }),
        encoder_unchanged: encoder_unchanged(&model),
        ..PipelineFacts::default()
    };
    recheck(artifacts, &model, &mut facts)?;
    Ok(facts)
}

/// Whether the encoder in a bundle has the weights that training started from, which the bundle's description
/// has digests of.
fn encoder_unchanged(model: &Path) -> Option<bool> {
    let text = fs::read_to_string(&model.join(DESCRIPTION_FILE)).ok()?;
    let description: serde_json::Value = serde_json::from_str(&text).ok()?;
    let digest = |when: &str| description["encoder"][when].as_str();
    Some(digest("pretrained")? == digest("trained")?)
}

/// The description of a bundle.
const DESCRIPTION_FILE: &str = "labelproof.json";

/// Files that a stage read in another version than the one there is, and files that were changed after they
/// had been written. Looks at digests alone, of every file, whether this stage declares it or not.
fn stale_files(artifacts: &Path) -> Vec<String> {
    let mut stale = Vec::new();
    for stage in StageId::ALL
        .into_iter()
        .take_while(|stage| *stage != StageId::Audit)
    {
        let folder = artifacts.join(stage.name());
        let Some(lock) = StageLock::read(&folder) else {
            stale.push(format!("{stage} did not run to its end"));
            continue;
        };
        let own = lock
            .outputs
            .iter()
            .map(|(file, digest)| (folder.join(file), digest));
        for (path, digest) in own {
            if digest_of(&path).as_ref() != Some(digest) {
                stale.push(format!(
                    "{} was changed after {stage} had written it",
                    shown(&path, artifacts)
                ));
            }
        }
        // Sources and encoder lie elsewhere; whether they changed is `labelproof status`' business.
        let from_stages = lock.inputs.iter().filter(|(name, _)| {
            StageId::ALL
                .iter()
                .any(|stage| name.starts_with(&format!("{stage}/")))
        });
        for (name, digest) in from_stages {
            if digest_of(&artifacts.join(name)).as_ref() != Some(digest) {
                stale.push(format!("{name} is not the one that {stage} read"));
            }
        }
    }
    stale
}

fn digest_of(path: &Path) -> Option<Digest> {
    if path.is_dir() {
        Digest::of_folder(path).ok()
    } else {
        Digest::of_file(path).ok()
    }
}

fn shown(path: &Path, artifacts: &Path) -> String {
    path.strip_prefix(artifacts).unwrap_or(path).display().to_string()
}

/// Cleans and tokenises some documents again; looks at the first and last token of all rows.
fn recheck(artifacts: Artifacts<'_>, model: &Path, facts: &mut PipelineFacts) -> Result<(), Error> {
    let preparation: Preparation = json::read_artifact(PREPARATION, artifacts)?;
    let cleaner = Cleaner::new(&preparation.clean)?;
    let tokenizer = Tokenizer::from_file(model.join(TOKENIZER_FILE))?;
    let rows = read_table::<TokenRow>(artifacts)?;
    facts.rows = rows.len();
    if tokenizer.special_tokens_count() > 0
        && let Some(first) = rows.first()
    {
        let ends = |row: &TokenRow| (row.tokens.first().copied(), row.tokens.last().copied());
        facts.rows_without_special_tokens = rows.iter().filter(|row| ends(row) != ends(first)).count();
    }
    let step = rows.len().div_ceil(RECHECKED).max(1);
    let chosen: BTreeMap<&str, &TokenRow> = rows
        .iter()
        .step_by(step)
        .map(|row| (row.id.as_str(), row))
        .collect();
    for batch in TableReader::<Document>::open(artifacts)? {
        for document in batch? {
            let Some(row) = chosen.get(document.id.as_str()) else {
                continue;
            };
            facts.rechecked += 1;
            let cleaned = cleaner.clean(&document.text);
            facts.recleaned_differently += usize::from(cleaned != row.text);
            let tokens = tokenizer.encode(&cleaned, preparation.max_tokens)?.ids;
            facts.retokenized_differently += usize::from(tokens != row.tokens);
        }
    }
    Ok(())
}
