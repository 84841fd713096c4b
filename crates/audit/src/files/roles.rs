//! Which column of a file is what: by the names that people and libraries give, or by those of the command
//! line.
//!
//! Not responsible for what the cells hold.

use super::error::Error;

/// Columns named on the command line; they win over names that are recognised.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Columns {
    /// The column of the id.
    pub id: Option<String>,
    /// The column of the text.
    pub text: Option<String>,
    /// The column of the true label.
    pub label: Option<String>,
    /// The column of the predicted label.
    pub predicted: Option<String>,
    /// The column of the author, thread or source.
    pub group: Option<String>,
}

/// What a column that holds one thing a row can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The row's id.
    Id,
    /// The row's text.
    Text,
    /// The true label.
    Truth,
    /// The predicted label.
    Predicted,
    /// The author, thread or source.
    Group,
}

impl Role {
    pub(super) const ALL: [Self; 5] = [Self::Id, Self::Text, Self::Truth, Self::Predicted, Self::Group];

    /// The option that names the column.
    pub fn flag(self) -> &'static str {
        match self {
            Self::Id => "--id",
            Self::Text => "--text",
            Self::Truth => "--label",
            Self::Predicted => "--predicted",
            Self::Group => "--group",
        }
    }

    /// The role in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Id => "the id",
            Self::Text => "the text",
            Self::Truth => "the true label",
            Self::Predicted => "the predicted label",
            Self::Group => "the group",
        }
    }

    /// What the column holds, in words.
    pub(super) fn plural(self) -> &'static str {
        match self {
            Self::Id => "ids",
            Self::Text => "texts",
            Self::Truth => "true labels",
            Self::Predicted => "predicted labels",
            Self::Group => "groups",
        }
    }

    /// Names that are recognised, in the form of [`plain`].
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Id => &["id", "ids", "row_id", "index", "idx", "key", "uid"],
            Self::Text => &[
                "text", "texts", "sentence", "document", "content", "body", "review", "tweet", "message",
                "input",
            ],
            Self::Truth => &[
                "label",
                "labels",
                "label_id",
                "label_ids",
                "true",
                "y_true",
                "target",
                "gold",
                "truth",
                "true_label",
                "class",
                "category",
                "ground_truth",
            ],
            Self::Predicted => &[
                "predicted",
                "prediction",
                "pred",
                "preds",
                "y_pred",
                "predicted_label",
                "predictions",
                "pred_label",
            ],
            // Authors and sources are only taken when they are named: a column `source` is often something
            // else.
            Self::Group => &["group"],
        }
    }

    fn named(self, columns: &Columns) -> Option<&str> {
        match self {
            Self::Id => columns.id.as_deref(),
            Self::Text => columns.text.as_deref(),
            Self::Truth => columns.label.as_deref(),
            Self::Predicted => columns.predicted.as_deref(),
            Self::Group => columns.group.as_deref(),
        }
    }
}

/// One column a class, with the class's name behind it. Of several families the first is taken.
const PREFIXES: [(&str, bool); 9] = [
    ("probability of ", false),
    ("probability_of_", false),
    ("probability_", false),
    ("prob_", false),
    ("proba_", false),
    ("p_", false),
    ("logit_", true),
    ("logits_", true),
    ("score_", false),
];

/// One column with the scores of all classes, or of the positive one. Of several the first is taken.
const LISTS: [(&str, bool); 14] = [
    ("probabilities", false),
    ("probs", false),
    ("proba", false),
    ("y_proba", false),
    ("y_prob", false),
    ("logits", true),
    ("scores", false),
    ("y_score", false),
    ("y_scores", false),
    ("probability", false),
    ("prob", false),
    ("score", false),
    ("logit", true),
    ("confidence", false),
];

/// Where the scores are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ScoreColumns {
    None,
    /// One column a class.
    Each {
        places: Vec<usize>,
        names: Vec<String>,
        logits: bool,
    },
    /// One column: a list, or a single number; then `class` may say whose score it is.
    One {
        place: usize,
        class: Option<String>,
        logits: bool,
    },
}

/// What the columns of a file are, by their places.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Roles {
    pub(super) id: Option<usize>,
    pub(super) text: Option<usize>,
    pub(super) truth: Option<usize>,
    pub(super) predicted: Option<usize>,
    pub(super) group: Option<usize>,
    pub(super) scores: ScoreColumns,
    /// Columns that may be named after the classes, which only the labels tell.
    pub(super) candidates: Vec<usize>,
    /// Whether the id is the nameless first column that pandas writes.
    pub(super) id_is_nameless: bool,
    /// Roles whose column the command line named, and this file has.
    pub(super) named: Vec<Role>,
}

/// More columns than this are no scores.
const MOST_CANDIDATES: usize = 2_000;

impl Roles {
    /// Finds the columns; `place` says where the header is.
    pub(super) fn find(header: &[String], columns: &Columns, place: &str) -> Result<Self, Error> {
        let plain: Vec<String> = header.iter().map(|name| self::plain(name)).collect();
        // What `labelproof predict` writes: there `label` is the prediction.
        let is_own_output = header.iter().any(|name| name.starts_with("probability of "))
            && plain.iter().any(|name| name == "probability")
            && !plain
                .iter()
                .any(|name| Role::Predicted.names().contains(&name.as_str()));
        let mut taken = vec![false; header.len()];
        let mut places = [None; 5];
        let mut named = Vec::new();
        for (slot, role) in places.iter_mut().zip(Role::ALL) {
            if let Some(wanted) = role.named(columns)
                && let Some(found) = named_column(header, wanted)
            {
                *slot = Some(found);
                taken[found] = true;
                named.push(role);
            }
        }
        for (slot, role) in places.iter_mut().zip(Role::ALL) {
            if slot.is_some() {
                continue;
            }
            let mut matching = (0..header.len()).filter(|&column| {
                let name = plain[column].as_str();
                let is_moved = is_own_output && name == "label";
                !taken[column]
                    && match role {
                        Role::Truth if is_moved => false,
                        Role::Predicted if is_moved => true,
                        _ => role.names().contains(&name),
                    }
            });
            let first = matching.next();
            if let (Some(first), Some(second)) = (first, matching.next()) {
                return Err(Error::TwoColumns {
                    place: place.to_owned(),
                    role,
                    first: header[first].clone(),
                    second: header[second].clone(),
                });
            }
            *slot = first;
            if let Some(first) = first {
                taken[first] = true;
            }
        }
        let [mut id, text, truth, predicted, group] = places;
        let nameless = plain
            .first()
            .is_some_and(|name| name.is_empty() || name == "unnamed:_0");
        let id_is_nameless = id.is_none() && nameless && !taken[0];
        if id_is_nameless {
            id = Some(0);
            taken[0] = true;
        }
        let scores = scores(header, &plain, &taken);
        let candidates = match &scores {
            ScoreColumns::Each { .. } => Vec::new(),
            _ => (0..header.len()).filter(|column| !taken[*column]).collect(),
        };
        Ok(Self {
            id,
            text,
            truth,
            predicted,
            group,
            scores,
            candidates: if candidates.len() > MOST_CANDIDATES {
                Vec::new()
            } else {
                candidates
            },
            id_is_nameless,
            named,
        })
    }

    /// An error if nothing that the audit could look at is there; `candidates` that hold numbers do not
    /// count.
    pub(super) fn check(&self, header: &[String], columns: &Columns, place: &str) -> Result<(), Error> {
        let nothing = self.text.is_none()
            && self.truth.is_none()
            && self.predicted.is_none()
            && self.scores == ScoreColumns::None;
        let mut not_found = Role::ALL.into_iter().filter(|role| !self.named.contains(role));
        let not_found = not_found.find_map(|role| Some((role, role.named(columns)?)));
        if let (true, Some((role, column))) = (nothing, not_found) {
            return Err(Error::NoSuchColumn {
                place: place.to_owned(),
                role,
                column: column.to_owned(),
                columns: header.to_vec(),
            });
        }
        if nothing {
            return Err(Error::NothingRecognised {
                place: place.to_owned(),
                columns: header.to_vec(),
            });
        }
        Ok(())
    }
}

/// A name without what people vary: case, spaces around it, and what joins the words.
fn plain(name: &str) -> String {
    name.trim().to_lowercase().replace([' ', '-'], "_")
}

/// The column of exactly this name, or else of this name in another case.
fn named_column(header: &[String], wanted: &str) -> Option<usize> {
    let exact = header.iter().position(|name| name == wanted);
    exact.or_else(|| {
        let wanted = wanted.to_lowercase();
        header.iter().position(|name| name.to_lowercase() == wanted)
    })
}

fn scores(header: &[String], plain: &[String], taken: &[bool]) -> ScoreColumns {
    let free = || (0..header.len()).filter(|column| !taken[*column]);
    let mut alone = None;
    for (prefix, logits) in PREFIXES {
        let matching: Vec<(usize, String)> = free()
            .filter_map(|column| {
                let name = header[column].trim();
                let start = name.get(..prefix.len())?;
                let class = &name[prefix.len()..];
                (start.eq_ignore_ascii_case(prefix) && !class.is_empty()).then(|| (column, class.to_owned()))
            })
            .collect();
        match matching.as_slice() {
            [] => {}
            // `p_value` and `score_total` are no scores of a class.
            [_] if prefix == "p_" || prefix == "score_" => {}
            [(place, class)] => {
                alone.get_or_insert(ScoreColumns::One {
                    place: *place,
                    class: Some(class.clone()),
                    logits,
                });
            }
            _ => {
                let (places, names) = matching.into_iter().unzip();
                return ScoreColumns::Each {
                    places,
                    names,
                    logits,
                };
            }
        }
    }
    let list = LISTS.iter().find_map(|(name, logits)| {
        let place = free().find(|column| plain[*column] == *name)?;
        Some(ScoreColumns::One {
            place,
            class: None,
            logits: *logits,
        })
    });
    alone.or(list).unwrap_or(ScoreColumns::None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(header: &[&str], columns: &Columns) -> Result<Roles, Error> {
        let header: Vec<String> = header.iter().map(ToString::to_string).collect();
        Roles::find(&header, columns, "rows.csv:1")
    }

    #[test]
    fn names_that_libraries_write_are_recognised() {
        let roles = find(
            &["", "Review", "True Label", "y_pred", "prob_a", "prob_b"],
            &Columns::default(),
        )
        .unwrap();
        assert_eq!((roles.id, roles.id_is_nameless), (Some(0), true));
        assert_eq!(
            (roles.text, roles.truth, roles.predicted),
            (Some(1), Some(2), Some(3))
        );
        let expected = ScoreColumns::Each {
            places: vec![4, 5],
            names: vec!["a".into(), "b".into()],
            logits: false,
        };
        assert_eq!(roles.scores, expected);
    }

    #[test]
    fn two_columns_for_one_role_are_an_error_until_one_is_named() {
        let header = ["label", "class", "p_value"];
        let error = find(&header, &Columns::default()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "rows.csv:1: both `label` and `class` could be the true label"
        );
        let columns = Columns {
            label: Some("Class".into()),
            ..Columns::default()
        };
        // The other one is then no label either, and a lone p-value is no score.
        let roles = find(&header, &columns).unwrap();
        assert_eq!((roles.truth, roles.predicted), (Some(1), None));
        assert_eq!(roles.scores, ScoreColumns::None);
    }

    #[test]
    fn the_label_that_predict_writes_is_a_prediction() {
        let header = [
            "id",
            "label",
            "probability",
            "probability of a",
            "probability of b",
            "truth",
        ];
        let roles = find(&header, &Columns::default()).unwrap();
        assert_eq!((roles.truth, roles.predicted), (Some(5), Some(1)));
    }
}
