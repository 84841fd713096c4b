//! The errors in labels, probabilities and counts that callers hand in.

/// Why labels, probabilities or counts cannot be turned into metrics.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant names its fields")]
pub enum Error {
    /// A classifier without classes has nothing to predict.
    #[error("cannot compute metrics for zero classes")]
    NoClasses,
    /// Two inputs that describe the same rows differ in length.
    #[error("expected {expected} {what}, found {found}")]
    Length {
        /// What was counted, as a plural noun.
        what: &'static str,
        expected: usize,
        found: usize,
    },
    /// A row's label is not one of the classes.
    #[error("row {row}: label {label} is out of range, labels run from 0 to {}", classes.saturating_sub(1))]
    LabelOutOfRange {
        /// The row, counted from 0.
        row: usize,
        label: u32,
        classes: usize,
    },
    /// A probability is `NaN` or infinite.
    #[error("row {row}: the probability of class {class} is {value}, not a finite number")]
    BadProbability {
        /// The row, counted from 0.
        row: usize,
        /// The class, counted from 0.
        class: usize,
        value: f64,
    },
    /// A loss is `NaN` or infinite.
    #[error(
        "row {row}: the loss is {value}, not a finite number (clip the probability before taking its \
         logarithm)"
    )]
    BadLoss {
        /// The row, counted from 0.
        row: usize,
        value: f64,
    },
    /// A row of a bundle's table has a label that the bundle does not have.
    #[error("row {row}: label `{label}` is none of the bundle's")]
    UnknownLabel {
        /// The row, counted from 0.
        row: usize,
        label: String,
    },
    /// There are more rows or classes than a `u32` can number.
    #[error("{found} {what} are too many, at most {} are supported", u32::MAX)]
    TooMany {
        /// What was counted, as a plural noun.
        what: &'static str,
        found: usize,
    },
}
