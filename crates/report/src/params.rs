//! The `report` section of `pipeline.yaml`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The most mistakes that can be asked for: more than anyone reads, and few enough to fit on the page.
const MOST_MISTAKES: usize = 1000;

/// What the report is called and how much of it is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Params {
    /// The heading of the page. "Labelproof report", if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How many wrongly classified test rows to show in full, the most confident mistakes first; at most
    /// 1000.
    #[schemars(range(min = 0, max = 1000))]
    pub worst_mistakes: usize,
}

impl Default for Params {
    fn default() -> Self {
        Self {
            title: None,
            worst_mistakes: 30,
        }
    }
}

impl Params {
    /// What is wrong with the values, each problem starting with the path of its key.
    pub fn check(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if self.title.as_ref().is_some_and(|title| title.trim().is_empty()) {
            problems.push("report.title: is empty; expected a heading, or no key at all".to_owned());
        }
        if self.worst_mistakes > MOST_MISTAKES {
            problems.push(format!(
                "report.worst_mistakes: {} is too many; expected at most {MOST_MISTAKES}",
                self.worst_mistakes
            ));
        }
        problems
    }

    /// The heading of the page.
    pub(crate) fn heading(&self) -> &str {
        self.title.as_deref().unwrap_or("Labelproof report")
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
        assert_eq!(Params::default().heading(), "Labelproof report");
    }

    #[test]
    fn every_bad_value_is_named_by_its_key() {
        check(
            "{title: ' ', worst_mistakes: 1001}",
            &[
                "report.title: is empty; expected a heading, or no key at all",
                "report.worst_mistakes: 1001 is too many; expected at most 1000",
            ],
        );
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(serde_yaml::from_str::<Params>("worst_mistake: 3").is_err());
    }
}
