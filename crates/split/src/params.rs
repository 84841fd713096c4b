//! The `split` section of `pipeline.yaml`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How rows are divided into train, validation and test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// The share of all rows to test on, above 0 and below 1. Where the split is given with a test part, not
    /// used; where it is given without one, this share of all rows is drawn from its train part.
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
    pub test: f64,
    /// The share of all rows to choose the epoch by, above 0 and below 1. Where the split is given with a
    /// validation part, not used; where it is given without one, this share of all rows is drawn from its
    /// train part.
    #[schemars(extend("exclusiveMinimum" = 0, "exclusiveMaximum" = 1))]
    pub validation: f64,
    /// Give every part the same mix of labels, to within one row a label.
    pub stratify: bool,
    /// Keep exact and near duplicates in one part: a copy of a training row in the test part is no test.
    pub keep_duplicates_together: bool,
    /// Whether to take the split that comes with the data, in a column or by the names of files and folders,
    /// instead of drawing one. Left out, it is taken wherever there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub use_given: Option<bool>,
    /// What the draw depends on, beside ids, labels and groups.
    pub seed: u64,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            test: 0.30,
            validation: 0.07,
            stratify: true,
            keep_duplicates_together: true,
            use_given: None,
            seed: 10,
        }
    }
}

impl Params {
    /// What is wrong with the values, each problem starting with the path of its key.
    pub fn check(&self) -> Vec<String> {
        let shares = [("split.test", self.test), ("split.validation", self.validation)];
        let mut problems: Vec<_> = shares
            .iter()
            .filter(|(_, share)| !(*share > 0.0 && *share < 1.0))
            .map(|(key, share)| format!("{key}: {share} is no share; expected a number above 0 and below 1"))
            .collect();
        // A hair below 1 so that shares which leave train nothing but a rounding error are caught as well.
        if problems.is_empty() && self.test + self.validation > 1.0 - 1e-9 {
            problems.push(format!(
                "split.test: {} and split.validation: {} leave nothing to train on; their sum must be below \
                 1",
                self.test, self.validation
            ));
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(yaml: &str, expected: &[&str]) {
        let params: Params = serde_yaml::from_str(yaml).unwrap();
        assert_eq!(params.check(), expected);
    }

    #[test]
    fn the_defaults_hold_and_an_empty_section_is_them() {
        check("{}", &[]);
        assert_eq!(serde_yaml::from_str::<Params>("{}").unwrap(), Params::default());
    }

    #[test]
    fn every_bad_share_is_named_by_its_key() {
        check(
            "{test: 0, validation: 1.5}",
            &[
                "split.test: 0 is no share; expected a number above 0 and below 1",
                "split.validation: 1.5 is no share; expected a number above 0 and below 1",
            ],
        );
        check(
            "{test: .nan}",
            &["split.test: NaN is no share; expected a number above 0 and below 1"],
        );
        check(
            "{test: 0.7, validation: 0.3}",
            &[
                "split.test: 0.7 and split.validation: 0.3 leave nothing to train on; their sum must be \
                 below 1",
            ],
        );
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(serde_yaml::from_str::<Params>("tset: 0.3").is_err());
    }
}
