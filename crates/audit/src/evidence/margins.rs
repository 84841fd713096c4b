//! The margins of a confusion matrix: what a classification report tells, within its rounding.

use labelproof_artifact::Split;
use labelproof_metrics::Totals;

/// A count of rows that a rounded figure leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The least count that gives the figure.
    pub least: u64,
    /// The most.
    pub most: u64,
    /// The one that fits all figures best.
    pub likely: u64,
}

impl Bounds {
    /// Whether a count is one of those left open.
    pub fn holds(&self, count: u64) -> bool {
        (self.least..=self.most).contains(&count)
    }

    /// Whether there is one such count only.
    pub fn is_exact(&self) -> bool {
        self.least == self.most
    }
}

/// Rows, hits and predictions of each class, as far as rounded precision and recall tell them.
#[derive(Debug, Clone, PartialEq)]
pub struct Margins {
    /// What the report is called in messages.
    pub source: String,
    /// The rows that it is of.
    pub split: Split,
    /// The classes in the order of the report.
    pub names: Vec<String>,
    /// Rows of each true class.
    pub support: Vec<u64>,
    /// Rows of each class for which it was also predicted.
    pub hits: Vec<Bounds>,
    /// Rows that each class was predicted for.
    pub predicted: Vec<Bounds>,
    /// All hits. Tighter than the sum of those of the classes where the accuracy is printed.
    pub all_hits: Bounds,
    /// Whether every row has one true and one predicted class, both of them in the report. Otherwise there is
    /// no accuracy: several labels a row, or the report leaves classes out.
    pub is_whole: bool,
    /// What in the report cannot be true together, in sentences.
    pub contradictions: Vec<String>,
}

impl Margins {
    /// All rows.
    pub fn rows(&self) -> u64 {
        self.support.iter().sum()
    }

    /// The sums of the confusion matrix that fits the report best, where there is one.
    pub fn totals(&self) -> Option<Totals> {
        let likely = |counts: &[Bounds]| counts.iter().map(|bounds| bounds.likely).collect::<Vec<_>>();
        self.is_whole.then(|| Totals {
            rows: self.rows(),
            hits: self.all_hits.likely,
            support: self.support.clone(),
            predicted: likely(&self.predicted),
            class_hits: likely(&self.hits),
        })
    }

    /// The confusion matrix that fits the report best. With two classes the margins leave nothing open.
    pub fn matrix(&self) -> Option<Vec<Vec<u64>>> {
        let ([first, second], [first_hits, second_hits]) = (self.support.as_slice(), self.hits.as_slice())
        else {
            return None;
        };
        self.is_whole.then(|| {
            vec![
                vec![first_hits.likely, first.saturating_sub(first_hits.likely)],
                vec![second.saturating_sub(second_hits.likely), second_hits.likely],
            ]
        })
    }
}
