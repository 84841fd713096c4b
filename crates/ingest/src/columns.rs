//! The columns that a table must have, and what each of their cells is for.

use labelproof_tables::{Accepts, Cell, Selection, Wanted};

use crate::params::{Columns, Where};
use crate::rows::Fields;
use crate::settings::Settings;

/// The names of the columns that are read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names<'a> {
    pub(crate) text: &'a [String],
    /// None where texts are read to be labelled.
    pub(crate) label: Option<&'a str>,
    pub(crate) id: Option<&'a str>,
    pub(crate) group: Option<&'a str>,
    pub(crate) split: Option<&'a str>,
    /// Which rows are taken, by what other columns hold.
    pub(crate) conditions: Option<&'a Where>,
}

impl Names<'_> {
    /// The choice of these columns, whose names come from `settings`. Text columns come first.
    pub(crate) fn selection(&self, settings: Settings) -> Selection {
        let optional = [
            ("label", self.label, Accepts::Scalars),
            ("id", self.id, Accepts::Scalars),
            ("group", self.group, Accepts::Scalars),
            ("split", self.split, Accepts::Text),
        ];
        let texts = self
            .text
            .iter()
            .map(|name| ("text", name.as_str(), Accepts::Text));
        let optional = optional
            .into_iter()
            .filter_map(|(key, name, accepts)| Some((key, name?, accepts)));
        let wanted = texts.chain(optional).map(|(key, name, accepts)| Wanted {
            setting: settings.column(key),
            column: name.to_owned(),
            accepts,
        });
        let conditions = self.conditions.into_iter().flat_map(Where::keys);
        let conditions = conditions.map(|name| Wanted {
            setting: "ingest.where".to_owned(),
            column: name.clone(),
            accepts: Accepts::Scalars,
        });
        Selection::new(wanted.chain(conditions).collect())
    }

    /// The names of all columns that are read.
    pub(crate) fn all(&self) -> Vec<&str> {
        let others = [self.label, self.id, self.group, self.split];
        let texts = self.text.iter().map(String::as_str);
        let conditions = self
            .conditions
            .into_iter()
            .flat_map(Where::keys)
            .map(String::as_str);
        texts
            .chain(others.into_iter().flatten())
            .chain(conditions)
            .collect()
    }

    /// The cells of a row of that choice as fields.
    pub(crate) fn fields<'c>(&self, cells: Vec<Cell<'c>>) -> Fields<'c> {
        let mut cells = cells.into_iter();
        let text = cells.by_ref().take(self.text.len()).collect();
        let mut next = |name: Option<&str>| name.and_then(|_| cells.next());
        Fields {
            text,
            label: next(self.label).unwrap_or(Cell::Missing),
            id: next(self.id),
            group: next(self.group),
            split: next(self.split),
            conditions: cells.collect(),
        }
    }
}

impl<'a> Names<'a> {
    /// The columns that the parameters name.
    pub(crate) fn of(columns: &'a Columns, conditions: &'a Where) -> Self {
        Self {
            text: &columns.text,
            label: Some(&columns.label),
            id: columns.id.as_deref(),
            group: columns.group.as_deref(),
            split: columns.split.as_deref(),
            conditions: Some(conditions),
        }
    }
}
