//! The order of class names where numbers are places among them and nothing but the alphabet tells which.
//!
//! Responsible for trying whether another order fits the rows, so that a list of classes that nobody gave is
//! not taken for mistakes of the model; what was found is said.

use labelproof_artifact::Reporter;
use labelproof_artifact::wording::quoted;

use crate::evidence::{Dataset, Fitted, Part};
use crate::measures::pairing::renaming;

/// The chance of so uneven an exchange of hits below which an order fits better than the alphabet's.
const NO_CHANCE: f64 = 1e-6;

/// How many rows the other order must make right for each that it makes wrong.
const LEAST_RATIO: u64 = 3;

/// Which columns of a part hold places among names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Places {
    pub(super) truth: bool,
    pub(super) predicted: bool,
    /// Scores whose columns have no names but numbers.
    pub(super) scores: bool,
}

/// Numbers the places of a data set anew if another order of the names makes most rows right.
pub(super) fn fit(dataset: &mut Dataset, places: [Places; 3], reporter: &dyn Reporter) {
    let classes = dataset.labels.len();
    let parts = || {
        [&dataset.train, &dataset.validation, &dataset.test]
            .into_iter()
            .zip(places)
    };
    let mut counts = vec![vec![0_u64; classes]; classes];
    let mut each: Vec<Vec<Vec<u64>>> = Vec::new();
    for (part, places) in parts() {
        let Some((part, (names, numbers))) = part
            .as_ref()
            .and_then(|part| Some((part, columns(part, places)?)))
        else {
            continue;
        };
        debug_assert_eq!(names.len(), part.rows);
        let mut own = vec![vec![0_u64; classes]; classes];
        for (name, number) in names.iter().zip(&numbers) {
            counts[*name as usize][*number as usize] += 1;
            own[*name as usize][*number as usize] += 1;
        }
        each.push(own);
    }
    let renaming = renaming(&counts);
    let (only_now, only_renamed) = renaming.exchanged;
    let rows: u64 = counts.iter().flatten().sum();
    let fits = renaming.p_value < NO_CHANCE
        && only_renamed >= LEAST_RATIO * only_now.max(1)
        && 2 * renaming.matched_hits >= rows
        && each
            .iter()
            .all(|counts| is_better(counts, &renaming.predicted_as));
    if !fits {
        return;
    }
    // The number that was taken for the place of class c belongs to the class whose numbers they are.
    let mut class_of = vec![0_u32; classes];
    for (class, place) in (0_u32..).zip(&renaming.predicted_as) {
        class_of[*place] = class;
    }
    let order: Vec<String> = class_of
        .iter()
        .map(|class| dataset.labels[*class as usize].clone())
        .collect();
    let alphabet = renaming.hits;
    for (part, places) in [&mut dataset.train, &mut dataset.validation, &mut dataset.test]
        .into_iter()
        .zip(places)
    {
        let Some(part) = part.as_mut().filter(|_| places != Places::default()) else {
            continue;
        };
        reporter.message(&format!(
            "{}: numbers are places in a list of classes that was not given; the order that fits the rows is {}",
            part.source,
            quoted(&order, 20)
        ));
        renumber(part, places, &class_of);
        part.fitted = Some(Fitted {
            order: order.clone(),
            hits: renaming.matched_hits,
            alphabet,
            rows,
        });
    }
}

/// Whether the order is better in this file as well: if it is in another one only, that one has the fault.
fn is_better(counts: &[Vec<u64>], predicted_as: &[usize]) -> bool {
    let hits = |place: &dyn Fn(usize) -> usize| -> u64 {
        (0..counts.len()).map(|class| counts[class][place(class)]).sum()
    };
    hits(&|class| predicted_as[class]) >= hits(&|class| class)
}

/// Classes that are names, and classes that are places, of rows that have both.
fn columns(part: &Part, places: Places) -> Option<(Vec<u32>, Vec<u32>)> {
    let truth = part.truth.clone()?;
    let by_place = if part.stored_predictions.is_some() {
        places.predicted
    } else {
        places.scores
    };
    let predictions = part.predictions()?.into_owned();
    match (places.truth, by_place) {
        (false, true) => Some((truth, predictions)),
        (true, false) => Some((predictions, truth)),
        _ => None,
    }
}

fn renumber(part: &mut Part, places: Places, class_of: &[u32]) {
    for (classes, is_place) in [
        (&mut part.truth, places.truth),
        (&mut part.stored_predictions, places.predicted),
    ] {
        for class in classes.iter_mut().flatten().filter(|_| is_place) {
            *class = class_of[*class as usize];
        }
    }
    if !places.scores {
        return;
    }
    for scores in [&mut part.scores, &mut part.normalized_scores]
        .into_iter()
        .flatten()
    {
        for row in scores.values.chunks_exact_mut(class_of.len()) {
            let before = row.to_vec();
            for (value, class) in before.into_iter().zip(class_of) {
                row[*class as usize] = value;
            }
        }
    }
}
