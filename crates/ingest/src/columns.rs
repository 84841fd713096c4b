//! The columns that a source must have, and where its header has them.

use crate::error::Error;
use crate::params::Columns;
use crate::settings::Settings;
use labelproof_artifact::wording::nearest;

/// The names of the columns that a reader picks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) text: &'a [String],
    /// None where texts are read to be labelled.
    pub(crate) label: Option<&'a str>,
    pub(crate) id: Option<&'a str>,
    pub(crate) group: Option<&'a str>,
    pub(crate) split: Option<&'a str>,
    /// Where the names come from.
    pub(crate) settings: Settings,
}

impl<'a> Wanted<'a> {
    /// Every name with the key that names it; text columns first.
    pub(crate) fn named(&self) -> Vec<(&'static str, &'a str)> {
        let optional = [
            ("label", self.label),
            ("id", self.id),
            ("group", self.group),
            ("split", self.split),
        ];
        self.text
            .iter()
            .map(|name| ("text", name.as_str()))
            .chain(optional.into_iter().filter_map(|(key, name)| Some((key, name?))))
            .collect()
    }
}

impl<'a> From<&'a Columns> for Wanted<'a> {
    fn from(columns: &'a Columns) -> Self {
        Self {
            text: &columns.text,
            label: Some(&columns.label),
            id: columns.id.as_deref(),
            group: columns.group.as_deref(),
            split: columns.split.as_deref(),
            settings: Settings::Pipeline,
        }
    }
}

/// Where the named columns are, counted from 0.
#[derive(Debug)]
pub(crate) struct Places {
    pub(crate) text: Vec<usize>,
    pub(crate) label: Option<usize>,
    pub(crate) id: Option<usize>,
    pub(crate) group: Option<usize>,
    pub(crate) split: Option<usize>,
}

impl Places {
    /// Finds the columns; `place` says where the header is.
    pub(crate) fn find(wanted: &Wanted<'_>, header: &[String], place: &str) -> Result<Self, Error> {
        let find = |key: &'static str, column: &str| {
            let mut matches = header.iter().enumerate().filter(|(_, name)| *name == column);
            match (matches.next(), matches.next()) {
                (Some((index, _)), None) => Ok(index),
                (Some(_), Some(_)) => Err(Error::RepeatedColumn {
                    place: place.to_owned(),
                    setting: wanted.settings.column(key),
                    column: column.to_owned(),
                }),
                (None, _) => Err(Error::NoSuchColumn {
                    place: place.to_owned(),
                    setting: wanted.settings.column(key),
                    column: column.to_owned(),
                    columns: header.to_vec(),
                    nearest: nearest(column, header).map(str::to_owned),
                }),
            }
        };
        let optional = |key, column: Option<&str>| column.map(|column| find(key, column)).transpose();
        Ok(Self {
            text: wanted
                .text
                .iter()
                .map(|column| find("text", column))
                .collect::<Result<_, _>>()?,
            label: optional("label", wanted.label)?,
            id: optional("id", wanted.id)?,
            group: optional("group", wanted.group)?,
            split: optional("split", wanted.split)?,
        })
    }
}
