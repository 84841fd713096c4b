//! The cheap baseline: TF-IDF and multinomial logistic regression. A user must know when an encoder is not
//! worth it.
//!
//! This crate is responsible for the model alone: it reads no files and knows neither the encoder nor
//! LibTorch. The definitions are scikit-learn's `TfidfVectorizer(sublinear_tf=True, min_df=2)` and
//! `LogisticRegression(C=10)`, on the words of `labelproof_text::terms`. The loss is convex, so its minimum
//! does not depend on how it is found; it is found by L-BFGS (Liu and Nocedal 1989). Sums run in a fixed
//! order: the weights are the same with any number of threads.

use std::collections::HashMap;

use labelproof_metrics::softmax_in_place;
use labelproof_text::terms::words;
use rayon::prelude::*;

/// The name of the baseline in reports.
pub const NAME: &str = "TF-IDF + logistic regression";

/// The minimum document frequency: words of fewer training texts are left out.
const MINIMUM_DOCUMENTS: u32 = 2;
/// The size of the largest vocabulary; the words with the highest document frequency are kept.
const LARGEST_VOCABULARY: usize = 100_000;
/// The inverse strength of the L2 penalty, as in scikit-learn.
const INVERSE_PENALTY: f64 = 10.0;

/// The stopping criteria of the optimisation.
#[derive(Debug, Clone, Copy)]
struct Search {
    iterations: usize,
    /// The largest component of the gradient, per training row, at which it has converged.
    gradient_tolerance: f64,
}

/// The criteria for published figures: the minimum up to rounding.
const EXACT: Search = Search {
    iterations: 200,
    gradient_tolerance: 1e-7,
};

/// The criteria for comparisons of many models: a tenth of the time, and the same class for nearly every row.
const ROUGH: Search = Search {
    iterations: 25,
    gradient_tolerance: 1e-5,
};

/// A trained baseline model.
#[derive(Debug, Clone)]
pub struct Baseline {
    vocabulary: HashMap<String, u32>,
    /// The inverse document frequency of each word, `[vocabulary]`.
    inverse_document_frequencies: Vec<f64>,
    classes: usize,
    /// The coefficients, `[vocabulary + 1, classes]`, row-major; the last row is the intercepts. The classes
    /// of a word are adjacent, because every use of a word is a use of all its classes.
    coefficients: Vec<f64>,
}

/// The TF-IDF vector of a text: the numbers of its words in ascending order, with their weights.
type SparseRow = Vec<(u32, f64)>;

/// The word counts of some texts, made once for several models that are trained on parts of them.
#[derive(Debug, Clone)]
pub struct CountedTexts {
    /// The distinct words in byte order; the number of a word is its place.
    words: Vec<String>,
    /// The word counts of each text: numbers of words in ascending order, with their frequencies.
    rows: Vec<Vec<(u32, u32)>>,
}

impl CountedTexts {
    /// Counts the words of cleaned texts.
    pub fn new(texts: &[impl AsRef<str> + Sync]) -> Self {
        let counts: Vec<HashMap<String, u32>> =
            texts.par_iter().map(|text| count_words(text.as_ref())).collect();
        let mut words: Vec<&str> = counts
            .iter()
            .flat_map(|counts| counts.keys().map(String::as_str))
            .collect();
        words.par_sort_unstable();
        words.dedup();
        let numbers: HashMap<&str, u32> = words.iter().copied().zip(0..).collect();
        let rows = counts
            .par_iter()
            .map(|counts| {
                ascending(
                    counts
                        .iter()
                        .map(|(word, count)| (numbers[word.as_str()], *count)),
                )
            })
            .collect();
        Self {
            words: words.into_iter().map(str::to_owned).collect(),
            rows,
        }
    }
}

impl Baseline {
    /// Trains on cleaned texts and their classes.
    pub fn train(texts: &[impl AsRef<str> + Sync], labels: &[u32], classes: usize) -> Self {
        let rows: Vec<usize> = (0..texts.len()).collect();
        Self::search(&CountedTexts::new(texts), &rows, labels, classes, EXACT)
    }

    /// Trains on some rows of counted texts and the classes of these rows, in a tenth of the time, for
    /// comparisons of many models.
    pub fn train_roughly(texts: &CountedTexts, rows: &[usize], labels: &[u32], classes: usize) -> Self {
        Self::search(texts, rows, labels, classes, ROUGH)
    }

    fn search(texts: &CountedTexts, rows: &[usize], labels: &[u32], classes: usize, search: Search) -> Self {
        let (vocabulary, inverse_document_frequencies) = build_vocabulary(texts, rows);
        let mut baseline = Self {
            vocabulary,
            inverse_document_frequencies,
            classes,
            coefficients: Vec::new(),
        };
        let weighed = baseline.weigh_counted(texts, rows);
        let problem = Problem::new(
            &weighed,
            labels,
            classes,
            baseline.inverse_document_frequencies.len(),
        );
        baseline.coefficients = minimize(&problem, search);
        baseline
    }

    /// The probabilities of each class, `[rows, classes]`, row-major.
    pub fn predict(&self, texts: &[impl AsRef<str> + Sync]) -> Vec<f64> {
        let rows: Vec<SparseRow> = texts
            .par_iter()
            .map(|text| {
                let counts = count_words(text.as_ref());
                let known = counts
                    .iter()
                    .filter_map(|(word, &count)| Some((*self.vocabulary.get(word)?, count)));
                self.weigh(ascending(known).into_iter())
            })
            .collect();
        self.probabilities(&rows)
    }

    /// The probabilities of each class for some rows of counted texts, `[rows, classes]`, row-major.
    pub fn predict_counted(&self, texts: &CountedTexts, rows: &[usize]) -> Vec<f64> {
        self.probabilities(&self.weigh_counted(texts, rows))
    }

    /// The number of words in the vocabulary.
    pub fn vocabulary_size(&self) -> usize {
        self.vocabulary.len()
    }

    fn probabilities(&self, rows: &[SparseRow]) -> Vec<f64> {
        let mut probabilities = vec![0.0; rows.len() * self.classes];
        probabilities
            .par_chunks_mut(self.classes.max(1))
            .zip(rows)
            .for_each(|(slot, row)| {
                score(&self.coefficients, row, slot);
                softmax_in_place(slot);
            });
        probabilities
    }

    fn weigh_counted(&self, texts: &CountedTexts, rows: &[usize]) -> Vec<SparseRow> {
        let terms: Vec<Option<u32>> = texts
            .words
            .par_iter()
            .map(|word| self.vocabulary.get(word).copied())
            .collect();
        rows.par_iter()
            .map(|&row| {
                let counts = texts.rows[row].iter();
                self.weigh(counts.filter_map(|&(word, count)| Some((terms[word as usize]?, count))))
            })
            .collect()
    }

    /// The TF-IDF vector of word counts in ascending order: sublinear term frequency times inverse document
    /// frequency, scaled to length 1.
    fn weigh(&self, counts: impl Iterator<Item = (u32, u32)>) -> SparseRow {
        let mut row: SparseRow = counts
            .map(|(term, count)| {
                (
                    term,
                    (1.0 + f64::from(count).ln()) * self.inverse_document_frequencies[term as usize],
                )
            })
            .collect();
        let length = row.iter().map(|(_, weight)| weight * weight).sum::<f64>().sqrt();
        if length > 0.0 {
            for (_, weight) in &mut row {
                *weight /= length;
            }
        }
        row
    }
}

/// Counts the lower-case words of two characters and more, as scikit-learn does.
fn count_words(text: &str) -> HashMap<String, u32> {
    let mut counts = HashMap::new();
    for word in words(text) {
        if word.chars().nth(1).is_some() {
            *counts.entry(word.to_lowercase()).or_insert(0) += 1;
        }
    }
    counts
}

/// Sorts word counts, which a hash map yields in any order, by the numbers of the words.
fn ascending(counts: impl Iterator<Item = (u32, u32)>) -> Vec<(u32, u32)> {
    let mut counts: Vec<(u32, u32)> = counts.collect();
    counts.sort_unstable();
    counts
}

/// The vocabulary with words numbered in byte order, and `ln((1 + n) / (1 + document frequency)) + 1` of
/// each.
fn build_vocabulary(texts: &CountedTexts, rows: &[usize]) -> (HashMap<String, u32>, Vec<f64>) {
    let mut documents = vec![0_u32; texts.words.len()];
    for (word, _) in rows.iter().flat_map(|&row| &texts.rows[row]) {
        documents[*word as usize] += 1;
    }
    let mut kept: Vec<(&str, u32)> = texts
        .words
        .iter()
        .map(String::as_str)
        .zip(documents)
        .filter(|(_, count)| *count >= MINIMUM_DOCUMENTS)
        .collect();
    if kept.len() > LARGEST_VOCABULARY {
        kept.sort_by(|(a, a_count), (b, b_count)| b_count.cmp(a_count).then(a.cmp(b)));
        kept.truncate(LARGEST_VOCABULARY);
        kept.sort_unstable();
    }
    let total = rows.len() as f64;
    let weights = kept
        .iter()
        .map(|(_, count)| ((1.0 + total) / (1.0 + f64::from(*count))).ln() + 1.0)
        .collect();
    let vocabulary = kept
        .into_iter()
        .zip(0..)
        .map(|((word, _), number)| (word.to_owned(), number))
        .collect();
    (vocabulary, weights)
}

/// Writes the logits of a row into `slot`, `[classes]`.
fn score(coefficients: &[f64], row: &SparseRow, slot: &mut [f64]) {
    let classes = slot.len();
    let (words, intercepts) = coefficients.split_at(coefficients.len() - classes);
    slot.fill(0.0);
    for &(term, weight) in row {
        let of_term = &words[term as usize * classes..][..classes];
        for (score, coefficient) in slot.iter_mut().zip(of_term) {
            *score += coefficient * weight;
        }
    }
    for (score, intercept) in slot.iter_mut().zip(intercepts) {
        *score += intercept;
    }
}

/// The optimisation problem of multinomial logistic regression.
struct Problem<'a> {
    rows: &'a [SparseRow],
    /// The transposed rows: for each word the rows that contain it, in order, with its weight there.
    columns: Vec<Vec<(u32, f64)>>,
    labels: &'a [u32],
    classes: usize,
}

impl<'a> Problem<'a> {
    fn new(rows: &'a [SparseRow], labels: &'a [u32], classes: usize, words: usize) -> Self {
        let mut columns = vec![Vec::new(); words];
        for (number, row) in (0..).zip(rows) {
            for &(term, weight) in row {
                columns[term as usize].push((number, weight));
            }
        }
        Self {
            rows,
            columns,
            labels,
            classes,
        }
    }

    /// The number of coefficients, those of the words and the intercepts.
    fn size(&self) -> usize {
        (self.columns.len() + 1) * self.classes
    }

    /// The loss, which is the summed cross-entropy plus `|w|² / 2C` over all but the intercepts, and its
    /// gradient.
    ///
    /// Every sum runs over rows or words in their order and belongs to one thread, so that none depends on
    /// how many threads there are.
    fn value_and_gradient(&self, coefficients: &[f64]) -> (f64, Vec<f64>) {
        let classes = self.classes;
        // `[rows, classes]`: the probabilities, less 1 at the true class.
        let mut residuals = vec![0.0; self.rows.len() * classes];
        let losses: Vec<f64> = residuals
            .par_chunks_mut(classes)
            .zip(self.rows)
            .zip(self.labels)
            .map(|((slot, row), &label)| {
                score(coefficients, row, slot);
                softmax_in_place(slot);
                let probability = &mut slot[label as usize];
                let loss = -probability.max(f64::MIN_POSITIVE).ln();
                *probability -= 1.0;
                loss
            })
            .collect();
        let (words, _) = coefficients.split_at(self.columns.len() * classes);
        let penalty = dot(words, words) / (2.0 * INVERSE_PENALTY);
        let mut gradient = vec![0.0; self.size()];
        let (of_words, of_intercepts) = gradient.split_at_mut(words.len());
        of_words
            .par_chunks_mut(classes)
            .zip(words.par_chunks(classes))
            .zip(&self.columns)
            .for_each(|((slot, weights), column)| {
                for &(row, weight) in column {
                    let residual = &residuals[row as usize * classes..][..classes];
                    for (sum, residual) in slot.iter_mut().zip(residual) {
                        *sum += residual * weight;
                    }
                }
                for (sum, weight) in slot.iter_mut().zip(weights) {
                    *sum += weight / INVERSE_PENALTY;
                }
            });
        for residual in residuals.chunks_exact(classes) {
            for (sum, residual) in of_intercepts.iter_mut().zip(residual) {
                *sum += residual;
            }
        }
        (losses.iter().sum::<f64>() + penalty, gradient)
    }
}

/// The dot product, in eight independent partial sums; always the same eight, whatever the machine.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    const LANES: usize = 8;
    let (a_blocks, b_blocks) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = a_blocks.remainder().iter().zip(b_blocks.remainder());
    let rest: f64 = rest.map(|(a, b)| a * b).sum();
    let mut sums = [0.0; LANES];
    for (a, b) in a_blocks.zip(b_blocks) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f64>() + rest
}

/// The number of steps that L-BFGS keeps.
const MEMORY: usize = 10;

/// Minimises the loss by L-BFGS with a backtracking line search, starting from zero.
fn minimize(problem: &Problem<'_>, search: Search) -> Vec<f64> {
    let mut point = vec![0.0; problem.size()];
    let (mut value, mut gradient) = problem.value_and_gradient(&point);
    let tolerance = search.gradient_tolerance * problem.rows.len() as f64;
    let mut history: Vec<(Vec<f64>, Vec<f64>)> = Vec::new();
    for _ in 0..search.iterations {
        if gradient.iter().all(|component| component.abs() <= tolerance) {
            break;
        }
        let direction = descent_direction(&gradient, &history);
        let slope = dot(&gradient, &direction);
        // The first step has no curvature to go by: its length is 1 instead.
        let mut step = if history.is_empty() {
            1.0 / dot(&gradient, &gradient).sqrt()
        } else {
            1.0
        };
        let accepted = loop {
            let candidate: Vec<f64> = point
                .iter()
                .zip(&direction)
                .map(|(at, towards)| at + step * towards)
                .collect();
            let (candidate_value, candidate_gradient) = problem.value_and_gradient(&candidate);
            // Armijo's condition: a fair share of the promised decrease.
            if candidate_value <= value + 1e-4 * step * slope {
                break Some((candidate, candidate_value, candidate_gradient));
            }
            step /= 2.0;
            if step < 1e-12 {
                break None;
            }
        };
        // No step decreases the loss any more: rounding is all that is left.
        let Some((candidate, candidate_value, candidate_gradient)) = accepted else {
            break;
        };
        let moved: Vec<f64> = candidate.iter().zip(&point).map(|(new, old)| new - old).collect();
        let changed: Vec<f64> = candidate_gradient
            .iter()
            .zip(&gradient)
            .map(|(new, old)| new - old)
            .collect();
        if dot(&moved, &changed) > 0.0 {
            if history.len() == MEMORY {
                history.remove(0);
            }
            history.push((moved, changed));
        }
        (point, value, gradient) = (candidate, candidate_value, candidate_gradient);
    }
    point
}

/// The two-loop recursion: the negative gradient times the estimate of the inverse Hessian.
fn descent_direction(gradient: &[f64], history: &[(Vec<f64>, Vec<f64>)]) -> Vec<f64> {
    let mut direction: Vec<f64> = gradient.iter().map(|component| -component).collect();
    let mut factors = Vec::with_capacity(history.len());
    for (moved, changed) in history.iter().rev() {
        let factor = dot(moved, &direction) / dot(moved, changed);
        direction
            .iter_mut()
            .zip(changed)
            .for_each(|(slot, change)| *slot -= factor * change);
        factors.push(factor);
    }
    if let Some((moved, changed)) = history.last() {
        let scale = dot(moved, changed) / dot(changed, changed);
        for slot in &mut direction {
            *slot *= scale;
        }
    }
    for ((moved, changed), factor) in history.iter().zip(factors.into_iter().rev()) {
        let correction = factor - dot(changed, &direction) / dot(moved, changed);
        direction
            .iter_mut()
            .zip(moved)
            .for_each(|(slot, step)| *slot += correction * step);
    }
    direction
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    /// The values that scikit-learn computes, made by `tests/fixtures/make_baseline.py`.
    #[derive(Deserialize)]
    struct Reference {
        train: Vec<String>,
        labels: Vec<u32>,
        test: Vec<String>,
        vocabulary: usize,
        probabilities: Vec<Vec<f64>>,
    }

    fn reference() -> Reference {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/baseline.json");
        serde_json::from_slice(&labelproof_artifact::fs::read(path.as_ref()).unwrap()).unwrap()
    }

    #[test]
    fn probabilities_are_those_of_scikit_learn() {
        let reference = reference();
        let baseline = Baseline::train(&reference.train, &reference.labels, 3);
        assert_eq!(baseline.vocabulary_size(), reference.vocabulary);
        let found = baseline.predict(&reference.test);
        for (found, expected) in found.iter().zip(reference.probabilities.concat()) {
            // Both stop where the gradient is nearly zero, not at the minimum itself.
            assert!((found - expected).abs() < 1e-5, "{found}, expected {expected}");
        }
    }

    #[test]
    fn any_number_of_threads_gives_the_same_bits() {
        let reference = reference();
        let train = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| Baseline::train(&reference.train, &reference.labels, 3).coefficients)
        };
        let once = train(1);
        assert_eq!(once, train(2));
        assert_eq!(once, train(7));
    }

    #[test]
    fn a_text_without_a_known_word_gets_the_shares_of_the_intercepts() {
        let baseline = Baseline::train(
            &["good film", "good film", "bad trade", "bad trade"],
            &[0, 0, 1, 1],
            2,
        );
        let found = baseline.predict(&["unheard of"]);
        assert!((found[0] - 0.5).abs() < 1e-6, "{found:?}");
    }
}
