//! Cross-validation over the training rows: which fold each row belongs to, and what models that were trained
//! without a row's fold predict for it.
//!
//! Responsible for the folds and for what is kept between them; how a model is trained is `fit`'s business.

use std::path::{Path, PathBuf};

use labelproof_artifact::{Digest, FoldRow, MessageKeeper, fs};
use labelproof_kernels::random;
use serde::{Deserialize, Serialize};

use crate::class_weights::class_weights;
use crate::data::{Rows, TrainingData};
use crate::error::Error;
use crate::training::{Course, Training};

/// The rows of a cross-validation with one fold left out.
pub(crate) struct Fold {
    /// The rows that a model is trained on.
    pub(crate) others: Vec<usize>,
    /// The rows that it predicts.
    pub(crate) held_out: Vec<usize>,
}

/// Trains a model without each fold in turn, and predicts the fold with it: a row for each training row, in their
/// order. `predict` trains on the rows of a fold, and gives the logits of those held out, `[rows, classes]`.
///
/// Every model is trained for as many epochs as the kept one, whatever the held-out rows say: an epoch that is chosen
/// on the rows which are measured makes them look better than others will be.
pub(crate) fn cross_validate(
    training: &Training<'_>,
    folds: u32,
    epochs: u32,
    predict: impl Fn(&Training<'_>, &Fold) -> Result<Vec<f32>, Error>,
) -> Result<Vec<FoldRow>, Error> {
    let data = training.data;
    let of_row = folds_of(&data.train, data.labels.len(), folds, training.params.seed)?;
    let mut logits: Vec<Vec<f32>> = vec![Vec::new(); of_row.len()];
    for number in 0..folds {
        let (held_out, others) = (0..of_row.len()).partition(|&row| of_row[row] == number as usize);
        let fold = Fold { others, held_out };
        let values = held_out_logits(training, &fold, (number, folds, epochs), &predict)?;
        for (&row, values) in fold.held_out.iter().zip(values.chunks_exact(data.labels.len())) {
            logits[row] = values.to_vec();
        }
    }
    let rows = logits.into_iter().enumerate().map(|(row, logits)| FoldRow {
        id: data.train.ids[row].clone(),
        label: data.labels.name(data.train.labels[row] as usize).to_owned(),
        fold: u32::try_from(of_row[row]).unwrap_or(u32::MAX) + 1,
        logits,
    });
    Ok(rows.collect())
}

/// The logits of one fold: those that an interrupted run has finished, or those of a new training.
fn held_out_logits(
    training: &Training<'_>,
    fold: &Fold,
    (number, folds, epochs): (u32, u32, u32),
    predict: impl Fn(&Training<'_>, &Fold) -> Result<Vec<f32>, Error>,
) -> Result<Vec<f32>, Error> {
    let checkpoints = training.checkpoints.join(format!("folds/{}", number + 1));
    let finished = Finished::read(&checkpoints, fold.held_out.len() * training.data.labels.len());
    training.workers.agree(
        "start",
        "fold",
        if finished.is_some() { "finished" } else { "open" },
    )?;
    if let Some(finished) = finished {
        return Ok(finished);
    }
    let data = TrainingData {
        labels: training.data.labels.clone(),
        train: training.data.train.pick(&fold.others),
        validation: training.data.train.pick(&fold.held_out),
    };
    // What a fold's epochs come to is told by evaluate, for all folds together.
    let reporter = MessageKeeper::hiding(training.reporter);
    let training = Training {
        data: &data,
        class_weights: class_weights(&training.params.class_weights, &data)?,
        checkpoints: &checkpoints,
        reporter: &reporter,
        course: Course {
            name: Some(format!("without fold {} of {folds}", number + 1)),
            epochs: Some(epochs),
        },
        ..*training
    };
    let logits = predict(&training, fold)?;
    if training.workers.is_first() {
        // Nothing reads it unless something interrupts the folds after this one.
        let _ = Finished::write(&checkpoints, &logits);
    }
    Ok(logits)
}

/// What a fold gave, which takes the place of its checkpoint: a fold that is finished is not trained again.
#[derive(Serialize, Deserialize)]
struct Finished {
    /// The bits of the logits, so that they are read as they were.
    logits: Vec<u32>,
    digest: Digest,
}

impl Finished {
    fn path(checkpoints: &Path) -> PathBuf {
        checkpoints.with_extension("json")
    }

    fn digest(logits: &[u32]) -> Digest {
        let bytes: Vec<u8> = logits.iter().flat_map(|bits| bits.to_le_bytes()).collect();
        Digest::of_bytes(&bytes)
    }

    /// The logits, if there are so many and they are undamaged.
    fn read(checkpoints: &Path, count: usize) -> Option<Vec<f32>> {
        let Self { logits, digest } =
            serde_json::from_slice(&fs::read(&Self::path(checkpoints)).ok()?).ok()?;
        let is_whole = logits.len() == count && Self::digest(&logits) == digest;
        is_whole.then(|| logits.into_iter().map(f32::from_bits).collect())
    }

    fn write(checkpoints: &Path, logits: &[f32]) -> Result<(), fs::FsError> {
        let logits: Vec<u32> = logits.iter().map(|logit| logit.to_bits()).collect();
        let digest = Self::digest(&logits);
        let text = serde_json::to_string(&Self { logits, digest }).expect("logits have no keys");
        fs::create_dir_all(checkpoints.parent().unwrap_or(checkpoints))?;
        fs::write_atomic(&Self::path(checkpoints), text.as_bytes())?;
        fs::remove(checkpoints)
    }
}

/// The fold of each row, from 0. Rows that had to stay together when the data were split stay together here.
fn folds_of(rows: &Rows, classes: usize, folds: u32, seed: u64) -> Result<Vec<usize>, Error> {
    let mut sets: Vec<&str> = rows.groups.iter().map(String::as_str).collect();
    sets.sort_unstable();
    sets.dedup();
    // Which of equally large sets comes first is left to chance.
    let mut places: Vec<usize> = (0..sets.len()).collect();
    random::shuffle(&mut places, &mut random::stream("folds", seed));
    let place = |group: &String| {
        let set = sets.binary_search(&group.as_str());
        places[set.expect("every group is among the sets")]
    };
    let groups: Vec<usize> = rows.groups.iter().map(place).collect();
    let of_row = assign(&rows.labels, &groups, classes, folds as usize);
    let is_filled = |fold: usize| of_row.contains(&fold);
    if (0..folds as usize).all(is_filled) {
        return Ok(of_row);
    }
    Err(Error::EmptyFold {
        folds,
        sets: sets.len(),
    })
}

/// The fold of each row, such that no group is in two folds and the folds have the classes in about equal shares: the
/// greedy algorithm of scikit-learn's `StratifiedGroupKFold`. Groups are numbered from 0, and of equal ones the one
/// with the smaller number comes first.
fn assign(labels: &[u32], groups: &[usize], classes: usize, folds: usize) -> Vec<usize> {
    let mut members = vec![vec![0; classes]; groups.iter().max().map_or(0, |group| group + 1)];
    for (&label, &group) in labels.iter().zip(groups) {
        members[group][label as usize] += 1;
    }
    let mut order: Vec<usize> = (0..members.len()).collect();
    // The most uneven groups first, while there is room to make up for them.
    order.sort_by_key(|&group| std::cmp::Reverse(unevenness(&members[group])));
    let mut balance = Balance::new(labels, classes, folds);
    let mut of_group = vec![0; members.len()];
    for group in order {
        of_group[group] = balance.place(&members[group]);
    }
    groups.iter().map(|&group| of_group[group]).collect()
}

/// The variance of some counts, times the square of their number, which keeps it whole.
fn unevenness(counts: &[u64]) -> u64 {
    let sum: u64 = counts.iter().sum();
    let squares: u64 = counts.iter().map(|count| count * count).sum();
    counts.len() as u64 * squares - sum * sum
}

/// How evenly the rows of each class are spread over the folds so far.
struct Balance {
    /// `[folds][classes]`.
    counts: Vec<Vec<u64>>,
    /// The number of rows of each class.
    totals: Vec<u64>,
    /// The standard deviation over folds of the share of each class.
    deviations: Vec<f64>,
}

impl Balance {
    fn new(labels: &[u32], classes: usize, folds: usize) -> Self {
        let mut totals = vec![0; classes];
        for &label in labels {
            totals[label as usize] += 1;
        }
        Self {
            counts: vec![vec![0; classes]; folds],
            totals,
            deviations: vec![0.0; classes],
        }
    }

    /// Puts a group into the fold where it leaves the classes most evenly spread, of folds that are as good the one
    /// with the fewest rows; returns it.
    fn place(&mut self, members: &[u64]) -> usize {
        let mut best: Option<(usize, f64, u64)> = None;
        for fold in 0..self.counts.len() {
            let deviation = self.deviation_with(fold, members);
            let rows: u64 = self.counts[fold].iter().sum();
            let is_better = best.is_none_or(|(_, least, fewest)| {
                deviation < least || (is_close(deviation, least) && rows < fewest)
            });
            if is_better {
                best = Some((fold, deviation, rows));
            }
        }
        let fold = best.map_or(0, |(fold, _, _)| fold);
        for (class, &added) in members.iter().enumerate().filter(|(_, added)| **added > 0) {
            self.deviations[class] = self.class_deviation(class, fold, added);
            self.counts[fold][class] += added;
        }
        fold
    }

    /// The mean over classes of the standard deviation of their shares, if a group were in a fold.
    fn deviation_with(&self, fold: usize, members: &[u64]) -> f64 {
        let classes = members.iter().enumerate().map(|(class, &added)| match added {
            0 => self.deviations[class],
            _ => self.class_deviation(class, fold, added),
        });
        classes.sum::<f64>() / members.len() as f64
    }

    /// The standard deviation over folds of a class's share, if so many rows more were in a fold. From whole numbers,
    /// so that equal spreads are equal to the last bit.
    fn class_deviation(&self, class: usize, fold: usize, added: u64) -> f64 {
        let (mut sum, mut squares) = (0, 0);
        for (number, counts) in self.counts.iter().enumerate() {
            let count = counts[class] + if number == fold { added } else { 0 };
            sum += count;
            squares += count * count;
        }
        let folds = self.counts.len() as u64;
        let variance = folds * squares - sum * sum;
        (variance as f64).sqrt() / (folds * self.totals[class]) as f64
    }
}

/// Whether two numbers are close, as `numpy.isclose` has it.
fn is_close(value: f64, reference: f64) -> bool {
    (value - reference).abs() <= 1e-8 + 1e-5 * reference.abs()
}

#[cfg(test)]
mod tests;
