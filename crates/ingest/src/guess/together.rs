//! How several tables go together: which of them are read as one, and what they do not share.
//!
//! One of them leads: the first whose columns tell the text and the label. What another one lacks of the
//! lead's columns decides whether it is read; whatever is decided is said.

use std::collections::{BTreeMap, BTreeSet};

use labelproof_artifact::wording::{listed, quoted};

use super::files::{self, File};
use super::looked::Looked;
use super::{SHOWN_ROWS, Said, Unclear, columns, profile};
use crate::error::Error;
use crate::params::{Columns, Format, Where};

/// The names of a message; the rest is counted.
const SHOWN: usize = SHOWN_ROWS;
/// Columns of more values than this are no labels that a message could compare.
const MOST_LABELS: usize = 100;

/// Several tables, of which one leads.
pub(super) struct Together {
    pub(super) lead: Looked,
    /// The place of the lead among the files.
    place: usize,
    briefs: Vec<Brief>,
}

/// What is remembered of a table.
struct Brief {
    file: String,
    format: Option<Format>,
    lacks_header: bool,
    separator: Option<char>,
    columns: Vec<String>,
    /// All values of the columns with few, where the table has no more rows than were looked at.
    values: BTreeMap<String, BTreeSet<String>>,
    /// Why its columns tell nothing by themselves.
    unclear: Option<Unclear>,
}

impl Together {
    /// Looks at all files, of which the first has been looked at already.
    pub(super) fn look(files: &[File], first: Looked, said: &Said) -> Result<Self, Error> {
        let mut briefs = vec![Brief::of(&first, said)];
        let mut lead = (0, first);
        let mut is_found = briefs[0].unclear.is_none();
        for (place, file) in files.iter().enumerate().skip(1) {
            let looked = Looked::at(file, said)?;
            let brief = Brief::of(&looked, said);
            if !is_found && brief.unclear.is_none() {
                is_found = true;
                lead = (place, looked);
            }
            briefs.push(brief);
        }
        let (place, lead) = lead;
        Ok(Self { lead, place, briefs })
    }

    /// Says that the texts are in one file and their labels in another, if no file has both.
    pub(super) fn check(&self) -> Result<(), Error> {
        let lacks = |why: Unclear| {
            self.briefs
                .iter()
                .find(|brief| brief.unclear == Some(why.clone()))
        };
        let is_clear = self.briefs.iter().any(|brief| brief.unclear.is_none());
        let (Some(texts), Some(labels)) = (lacks(Unclear::LabelNotFound), lacks(Unclear::TextNotFound))
        else {
            return Ok(());
        };
        let shared = texts
            .columns
            .iter()
            .find(|column| labels.columns.contains(column));
        match shared {
            Some(column) if !is_clear => Err(Error::TextsAndLabelsApart {
                texts: texts.file.clone(),
                labels: labels.file.clone(),
                column: column.clone(),
            }),
            _ => Ok(()),
        }
    }

    /// Which of the files are read with these columns of the lead. A column that can be done without, and
    /// that one of them lacks, is taken out of the choice.
    pub(super) fn settle(
        &self,
        columns: &mut Columns,
        conditions: &Where,
        remarks: &mut Vec<String>,
    ) -> Vec<bool> {
        if self.briefs.len() < 2 {
            return vec![true];
        }
        let lead = &self.briefs[self.place];
        let needed = || {
            let texts = columns.text.iter();
            texts.chain([&columns.label]).chain(conditions.keys())
        };
        let mut is_kept = Vec::new();
        for brief in &self.briefs {
            let why = brief.why_left_out(lead, needed(), &columns.label);
            is_kept.push(why.is_none());
            remarks.extend(why.map(|why| format!("`{}` is left out, because {why}", brief.file)));
        }
        let kept: Vec<&Brief> = self
            .briefs
            .iter()
            .zip(&is_kept)
            .filter_map(|(brief, is_kept)| is_kept.then_some(brief))
            .collect();
        let optional = [&mut columns.id, &mut columns.split];
        for column in optional {
            let Some(name) = column.clone() else { continue };
            let without = kept.iter().find(|brief| !brief.columns.contains(&name));
            if let Some(brief) = without {
                remarks.push(format!(
                    "`{name}` is not used, because `{}` has no such column",
                    brief.file
                ));
                *column = None;
            }
        }
        if kept.len() > 1 {
            remarks.push(of_columns(lead, &kept));
            remarks.extend(of_labels(&columns.label, &kept));
        }
        is_kept
    }

    /// The format that all the files have that are read.
    pub(super) fn format(&self, of_lead: Format, is_kept: &[bool]) -> Format {
        let mut kept = self.briefs.iter().zip(is_kept).filter(|(_, is_kept)| **is_kept);
        let differs = kept.any(|(brief, _)| brief.format != Some(of_lead));
        // What reads JSON of any shape reads an object on each line, too.
        if differs && is_json(Some(of_lead)) {
            Format::Json
        } else {
            of_lead
        }
    }
}

impl Brief {
    fn of(looked: &Looked, said: &Said) -> Self {
        let is_whole = looked.rows < profile::ROWS;
        let values = looked.columns.iter().filter(|_| is_whole).filter_map(|column| {
            let values = column.profile.all_values(MOST_LABELS)?;
            Some((column.name.clone(), values))
        });
        Self {
            file: looked.file.clone(),
            format: files::format_of(looked.sniffed.format),
            lacks_header: looked.lacks_header(),
            separator: looked.separator(),
            columns: looked.columns.iter().map(|column| column.name.clone()).collect(),
            values: values.collect(),
            unclear: columns::choose(&looked.columns, looked.rows, said).err(),
        }
    }

    /// Why this file is not read with the lead's columns, of which it needs some; none if it is.
    fn why_left_out<'n>(
        &self,
        lead: &Self,
        needed: impl Iterator<Item = &'n String>,
        label: &str,
    ) -> Option<String> {
        let is_json_too = is_json(self.format) && is_json(lead.format);
        if self.format != lead.format && !is_json_too {
            let name = |format: Option<Format>| format.map_or("lines", Format::name);
            return Some(format!(
                "it is read with `format: {}`, and `{}` with `format: {}`",
                name(self.format),
                lead.file,
                name(lead.format)
            ));
        }
        if (self.lacks_header, self.separator) != (lead.lacks_header, lead.separator) {
            return Some(format!(
                "its header or its separator is not that of `{}`, and one dialect reads all files",
                lead.file
            ));
        }
        let missing: Vec<String> = needed
            .filter(|column| !self.columns.contains(column))
            .cloned()
            .collect();
        if missing.is_empty() {
            return None;
        }
        let has = quoted(&self.columns, SHOWN);
        let hint = if missing == [label] {
            format!(
                "; once there is a model, `labelproof predict --input {}` gives it labels",
                self.file
            )
        } else {
            String::new()
        };
        Some(format!(
            "it has no column {}; there are: {has}{hint}",
            quoted(&missing, SHOWN)
        ))
    }
}

fn is_json(format: Option<Format>) -> bool {
    matches!(format, Some(Format::Json | Format::JsonLines))
}

/// What is said of the columns of the files that are read.
fn of_columns(lead: &Brief, kept: &[&Brief]) -> String {
    let names: Vec<String> = kept.iter().map(|brief| brief.file.clone()).collect();
    let set = |brief: &Brief| brief.columns.iter().cloned().collect::<BTreeSet<String>>();
    let of_lead = set(lead);
    let mut differing = Vec::new();
    for brief in kept {
        let own = set(brief);
        let parts = [("lacks", &of_lead, &own), ("also has", &own, &of_lead)];
        let parts: Vec<String> = parts
            .into_iter()
            .filter_map(|(verb, one, other)| {
                let columns: Vec<String> = one.difference(other).cloned().collect();
                (!columns.is_empty()).then(|| format!("{verb} {}", quoted(&columns, SHOWN)))
            })
            .collect();
        if !parts.is_empty() && differing.len() < SHOWN {
            differing.push(format!("`{}` {}", brief.file, listed(&parts)));
        }
    }
    let columns = if differing.is_empty() {
        "they have the same columns".to_owned()
    } else {
        format!("beside `{}`, {}", lead.file, differing.join("; "))
    };
    format!("read together: {}; {columns}", quoted(&names, SHOWN))
}

/// What is said of labels that only some of a few files have, as far as all their rows were looked at.
fn of_labels(label: &str, kept: &[&Brief]) -> Option<String> {
    let sets: Vec<&BTreeSet<String>> = kept
        .iter()
        .map(|brief| brief.values.get(label))
        .collect::<Option<_>>()?;
    if kept.len() > SHOWN {
        return None;
    }
    let all: BTreeSet<&String> = sets.iter().flat_map(|set| set.iter()).collect();
    let partly: Vec<String> = all
        .into_iter()
        .filter_map(|name| {
            let without: Vec<String> = kept
                .iter()
                .zip(&sets)
                .filter(|(_, set)| !set.contains(name))
                .map(|(brief, _)| brief.file.clone())
                .collect();
            (!without.is_empty()).then(|| format!("`{name}` (not in {})", quoted(&without, SHOWN)))
        })
        .collect();
    let more = partly.len().saturating_sub(SHOWN);
    let shown = &partly[..partly.len() - more];
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    (!shown.is_empty()).then(|| format!("labels that not every file has: {}{more}", shown.join(", ")))
}
