//! Which column of a file is what: by the names that people and libraries give, or by those of the command
//! line.
//!
//! Where names do not tell, the first rows do: a column whose values are those of the labels, columns that add
//! up to 1. What was decided so is said, and what could not be is a doubt that names the option.

mod finder;
mod names;
mod scores;

use super::error::Error;
use super::profile::Profile;
use finder::Finder;
use names::{Name, Surety};
pub(super) use scores::ScoreColumns;

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

impl Columns {
    /// Whether a column is named so.
    pub(super) fn name(&self, column: &str) -> bool {
        Role::ALL.into_iter().any(|role| role.named(self) == Some(column))
    }
}

/// Whether a cell of a first row is the name of a column.
pub(super) fn is_name(cell: &str) -> bool {
    Name::of(cell).is_known()
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

    /// How surely a name speaks for the role.
    fn surety(self, name: &Name) -> Option<Surety> {
        match self {
            Self::Id => name.row_id(),
            Self::Text => name.text(),
            Self::Truth => name.truth(),
            Self::Predicted => name.predicted(),
            // Authors and sources are only taken when they are named: a column `source` is often something
            // else.
            Self::Group => (name.plain == "group").then_some(Surety::Said),
        }
    }

    /// Whether the cells allow what the name only hints at.
    fn fits(self, profile: &Profile) -> bool {
        match self {
            Self::Truth | Self::Predicted => profile.is_label() || profile.several_labels(false).is_some(),
            Self::Text => profile.is_text(),
            Self::Id | Self::Group => true,
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

/// What a file of rows is given for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// True labels, and predictions beside them.
    Rows,
    /// True labels, while predictions are in a file of their own.
    Truth,
    /// Predictions of rows whose true labels are in another file.
    Predictions,
}

/// What is known of a table before its rows are gathered.
#[derive(Clone, Copy)]
pub(super) struct Look<'l> {
    pub(super) header: &'l [String],
    /// The first rows of each column; none of arrays.
    pub(super) profiles: &'l [Profile],
    /// Whether the columns have names.
    pub(super) is_named: bool,
    pub(super) purpose: Purpose,
    /// Where the header is.
    pub(super) place: &'l str,
}

impl Look<'_> {
    fn profile(&self, column: usize) -> Option<&Profile> {
        self.profiles.get(column).filter(|profile| profile.filled > 0)
    }
}

/// What the columns of a file are, by their places.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Roles {
    pub(super) id: Option<usize>,
    pub(super) text: Option<usize>,
    pub(super) truth: Option<usize>,
    pub(super) predicted: Option<usize>,
    pub(super) group: Option<usize>,
    /// True labels as one column of zeros and ones a class, and the classes.
    pub(super) one_hot: Option<(Vec<usize>, Vec<String>)>,
    pub(super) scores: ScoreColumns,
    /// Columns that may be named after the classes, which only the labels tell.
    pub(super) candidates: Vec<usize>,
    /// Whether the id is the nameless first column that pandas writes.
    pub(super) id_is_nameless: bool,
    /// Roles whose column the command line named, and this file has.
    pub(super) named: Vec<Role>,
    /// What was decided by more than a name, in sentences.
    pub(super) decisions: Vec<String>,
    /// What was not taken, and what would have it taken.
    pub(super) doubts: Vec<String>,
    /// Whether rows have several labels, which no check compares.
    pub(super) is_multi_label: bool,
}

impl Roles {
    /// Finds the columns.
    pub(super) fn find(look: Look<'_>, columns: &Columns) -> Result<Self, Error> {
        Finder::new(look, columns).find()
    }

    fn slot(&mut self, role: Role) -> &mut Option<usize> {
        match role {
            Role::Id => &mut self.id,
            Role::Text => &mut self.text,
            Role::Truth => &mut self.truth,
            Role::Predicted => &mut self.predicted,
            Role::Group => &mut self.group,
        }
    }

    /// An error if nothing that the audit could look at is there; `candidates` that hold numbers do not
    /// count.
    pub(super) fn check(&self, header: &[String], columns: &Columns, place: &str) -> Result<(), Error> {
        let nothing = self.text.is_none()
            && self.truth.is_none()
            && self.predicted.is_none()
            && self.one_hot.is_none()
            && !self.is_multi_label
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
                doubts: self.doubts.clone(),
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
