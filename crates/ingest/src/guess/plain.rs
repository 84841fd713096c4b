//! Files of lines without columns: fastText's, two parallel files of texts and labels, and one file a label.

use labelproof_artifact::wording::one_line;
use labelproof_tables::{Cell, Encoding, Form, Format, Options, Part, Source, Table};

use super::files::File;
use super::profile::{self, Profile};
use super::{FirstRows, SHOWN_ROWS};
use crate::error::Error;
use crate::fasttext::PREFIX;
use crate::limits::Limits;
use crate::settings::Settings;

/// What lines without columns are.
pub(super) enum Plain {
    /// A label and a text on each line.
    Fasttext,
    /// Texts in the file at the first place, and their labels in that at the second.
    Parallel(usize, usize),
    /// Texts, with their label in the name of each file.
    LabelInName,
}

/// The lines of a file.
struct Lines {
    profile: Profile,
    /// Lines that begin with a label as fastText writes it.
    labelled: usize,
    first: Vec<String>,
    rows: u64,
}

impl Lines {
    /// Reads all of a file, of which only so many lines are looked at as of a table.
    fn of(file: &File) -> Result<Self, Error> {
        let options = Options {
            format: Format::Lines,
            encoding: Encoding::Utf8,
            part: Part::Only,
            form: Form::Text,
            limits: Limits::default().tables,
            settings: Settings::Pipeline.of_tables(),
        };
        let mut rows = Table::open(Source::file(&file.name, &file.path), &options)?.rows_by_place(&[0])?;
        let mut lines = Self {
            profile: Profile::default(),
            labelled: 0,
            first: Vec::new(),
            rows: 0,
        };
        while let Some(row) = rows.next_row()? {
            lines.rows += 1;
            let Ok(cells) = row.cells else { continue };
            let Some(cell) = cells.first().filter(|_| lines.rows <= profile::ROWS as u64) else {
                continue;
            };
            lines.profile.push(cell);
            let text = match cell {
                Cell::Text(text) => text.as_ref(),
                Cell::Bytes(bytes) => std::str::from_utf8(bytes).unwrap_or_default(),
                _ => "",
            };
            lines.labelled += usize::from(text.trim_start().starts_with(PREFIX));
            if lines.first.len() < SHOWN_ROWS {
                lines.first.push(text.to_owned());
            }
        }
        Ok(lines)
    }
}

/// What files of lines are, with their first rows; none if they are none, or of one file that says no labels.
pub(super) fn look(files: &[File], has_columns: bool) -> Result<Option<(Plain, FirstRows)>, Error> {
    let Some(first) = files.first() else {
        return Ok(None);
    };
    let Ok(lines) = Lines::of(first) else {
        return Ok(None);
    };
    if lines.labelled > 0 && lines.labelled * 10 >= lines.profile.filled * 9 {
        let rows = lines.first.iter().map(|line| {
            let (label, text) = line.trim_start().split_once(' ').unwrap_or((line, ""));
            (one_line(label.trim_start_matches(PREFIX)), one_line(text))
        });
        return Ok(Some((Plain::Fasttext, rows.collect())));
    }
    let [one, other] = files else {
        let is_of_names = files.len() > 2 && !has_columns;
        return Ok(is_of_names.then_some((Plain::LabelInName, Vec::new())));
    };
    if has_columns {
        return Ok(None);
    }
    let (lines, others) = (Lines::of(one)?, Lines::of(other)?);
    for (texts, labels, text, label) in [(&lines, &others, 0, 1), (&others, &lines, 1, 0)] {
        if texts.rows == labels.rows && labels.profile.may_be_label(false) && texts.profile.may_be_text() {
            let rows = texts.first.iter().zip(&labels.first);
            let rows = rows.map(|(text, label)| (one_line(label), one_line(text)));
            return Ok(Some((Plain::Parallel(text, label), rows.collect())));
        }
    }
    Ok(Some((Plain::LabelInName, Vec::new())))
}
