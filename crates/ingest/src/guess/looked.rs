//! The look at a file: its format, its columns, its first rows.

use labelproof_artifact::wording::{listed, one_line, quoted};
use labelproof_tables::{
    Accepts, Cell, Declared, Dialect, Encoding, Expected, Form, Format, Header, Options, Part, Selection,
    Sniffed, Source, Table, Wanted, Width, sniff, tell,
};

use super::columns::{self, Candidate};
use super::files::File;
use super::profile::{self, Profile};
use super::{SHOWN_ROWS, Said};
use crate::error::Error;
use crate::limits::Limits;
use crate::settings::Settings;

/// The first rows of a table.
pub(super) struct Looked {
    pub(super) file: String,
    pub(super) sniffed: Sniffed,
    /// The sheet or the table that was looked at, where the file has several.
    pub(super) part: Option<String>,
    /// The other sheets or tables.
    others: Vec<String>,
    pub(super) columns: Vec<Candidate>,
    /// Words with characters beyond ASCII, by which a person sees whether the encoding is right.
    telling: Vec<String>,
    /// The first of the rows, with a cell for each column.
    pub(super) first: Vec<Vec<String>>,
    pub(super) rows: usize,
}

impl Looked {
    /// Looks at a file. Of several sheets or tables, the first in which the columns can be told is taken, and
    /// the first of all if there is none.
    pub(super) fn at(file: &File, said: &Said) -> Result<Self, Error> {
        let expected = Expected {
            is_name: &super::names::is_name,
            no_header: false,
            settings: Settings::Pipeline.of_tables(),
        };
        let sniffed = sniff(&file.name, &file.path, expected)?;
        let parts = match Self::at_part(file, &sniffed, None) {
            Err(Error::Table(labelproof_tables::Error::SeveralParts { parts, .. })) => parts,
            other => return other,
        };
        let mut first = None;
        for part in &parts {
            let Ok(mut looked) = Self::at_part(file, &sniffed, Some(part)) else {
                continue;
            };
            let others: Vec<String> = parts.iter().filter(|other| *other != part).cloned().collect();
            looked.others = others;
            if columns::choose(&looked.columns, looked.rows, said).is_ok() {
                return Ok(looked);
            }
            first.get_or_insert(looked);
        }
        first.map_or_else(|| Self::at_part(file, &sniffed, None), Ok)
    }

    /// Looks at a sheet or a table of a file, or at its only one.
    fn at_part(file: &File, sniffed: &Sniffed, part: Option<&String>) -> Result<Self, Error> {
        let options = Options {
            format: sniffed.format,
            encoding: sniffed.encoding,
            part: match part {
                None => Part::Only,
                Some(name) if sniffed.format == Format::Sqlite => Part::Table(name),
                Some(name) => Part::Sheet(name),
            },
            form: Form::Text,
            limits: Limits::default().tables,
            settings: Settings::Pipeline.of_tables(),
        };
        let source = || Source::file(&file.name, &file.path);
        let options = Options {
            format: told(&source(), &options)?,
            ..options
        };
        let open = || Table::open(source(), &options);
        let mut columns: Vec<Candidate> = names(open()?, sniffed.format)?
            .into_iter()
            .map(|name| Candidate {
                name,
                profile: Profile::default(),
            })
            .collect();
        let mut reader = match sniffed.format {
            Format::Json | Format::JsonLines => open()?.rows_by_name(wanted(&columns))?,
            _ => open()?.rows_by_place(&(0..columns.len()).collect::<Vec<_>>())?,
        };
        let mut first = Vec::new();
        let mut telling = Vec::new();
        let mut rows = 0;
        while rows < profile::ROWS
            && let Some(row) = reader.next_row()?
        {
            let Ok(cells) = row.cells else { continue };
            rows += 1;
            for (column, cell) in columns.iter_mut().zip(&cells) {
                column.profile.push(cell);
                if sniffed.encoding != Encoding::Utf8 && telling.len() < SHOWN_ROWS {
                    telling.extend(word_beyond_ascii(cell));
                }
            }
            if first.len() < SHOWN_ROWS {
                first.push(cells.iter().map(shown).collect());
            }
        }
        Ok(Self {
            file: file.name.clone(),
            sniffed: sniffed.clone(),
            part: part.cloned(),
            others: Vec::new(),
            columns,
            telling,
            first,
            rows,
        })
    }
}

/// The format with the dialect that all of a delimited file tells, and not its beginning alone.
fn told(source: &Source, options: &Options<'_>) -> Result<Format, Error> {
    let Format::Delimited(dialect) = options.format else {
        return Ok(options.format);
    };
    if dialect.is_merged {
        return Ok(options.format);
    }
    let declared = Declared {
        separator: Some(dialect.separator),
        no_header: (dialect.header == Header::None).then_some(Width::AtLeast(1)),
        ..Declared::default()
    };
    let usual = if dialect.separator == b'\t' {
        Dialect::TSV
    } else {
        Dialect::CSV
    };
    let options = Options {
        format: Format::Delimited(usual),
        ..*options
    };
    Ok(Format::Delimited(tell(source, &options, &declared, &[])?.dialect))
}

/// What the columns of a table are called, those of objects in others included.
fn names(mut table: Table, format: Format) -> Result<Vec<String>, Error> {
    if !matches!(format, Format::Json | Format::JsonLines) {
        return Ok(table
            .columns()?
            .iter()
            .map(|column| column.name.clone())
            .collect());
    }
    let mut reader = table.rows_by_name(Selection::listing())?;
    let mut rows = 0;
    while rows < profile::ROWS && reader.next_row()?.is_some() {
        rows += 1;
    }
    Ok(reader.into_selection().names().cloned().collect())
}

/// The choice of all these columns.
fn wanted(columns: &[Candidate]) -> Selection {
    let wanted = columns.iter().map(|column| Wanted {
        setting: String::new(),
        column: column.name.clone(),
        accepts: Accepts::Scalars,
    });
    Selection::new(wanted.collect())
}

fn word_beyond_ascii(cell: &Cell<'_>) -> Option<String> {
    let text = match cell {
        Cell::Text(text) => text.as_ref(),
        Cell::Bytes(bytes) => std::str::from_utf8(bytes).ok()?,
        _ => return None,
    };
    let word = text.split_whitespace().find(|word| !word.is_ascii())?;
    Some(one_line(word))
}

fn shown(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Text(text) => one_line(text),
        Cell::Bytes(bytes) => one_line(&String::from_utf8_lossy(bytes)),
        Cell::Number(number) => number.to_string(),
        Cell::Missing | Cell::Absent => String::new(),
        Cell::Other(what) => format!("({what})"),
        Cell::Boolean(value) => value.to_string(),
        Cell::List(items) | Cell::Each(items) if items.len() == 1 => items.iter().map(shown).collect(),
        Cell::Numbers(_) | Cell::List(_) | Cell::Each(_) | Cell::Nested(_) => "(a list)".to_owned(),
    }
}

impl Looked {
    /// Whether there are columns, and not words of lines that happen to have the same number of them.
    pub(super) fn has_columns(&self) -> bool {
        let is_of_words = matches!(self.sniffed.format, Format::Delimited(dialect) if dialect.is_merged);
        self.columns.len() > 1 && !is_of_words
    }

    /// The separator of a delimited file that is not the usual one of its format.
    pub(super) fn separator(&self) -> Option<char> {
        match self.sniffed.format {
            Format::Delimited(dialect) if !b",\t".contains(&dialect.separator) => {
                Some(char::from(dialect.separator))
            }
            _ => None,
        }
    }

    /// Whether the first row of a delimited file is a row.
    pub(super) fn lacks_header(&self) -> bool {
        matches!(self.sniffed.format, Format::Delimited(dialect) if dialect.header == Header::None)
    }

    /// What is unusual about the file, in a sentence.
    pub(super) fn said(&self) -> Option<String> {
        let mut remarks = self.sniffed.remarks.clone();
        if let Some(part) = &self.part {
            let others = quoted(&self.others, SHOWN_ROWS);
            remarks.push(format!("`{part}` is read of it, and not {others}"));
        }
        if !self.telling.is_empty() {
            let words = quoted(&self.telling, SHOWN_ROWS);
            remarks.push(format!(
                "with {words} in it: if that looks wrong, set another `encoding`"
            ));
        }
        (!remarks.is_empty()).then(|| format!("{}: {}", self.file, listed(&remarks)))
    }

    /// A line for each column: its name and what it looks like.
    pub(super) fn described(&self) -> Vec<String> {
        let line =
            |column: &Candidate| format!("`{}`: {}", one_line(&column.name), column.profile.examples());
        self.columns.iter().map(line).collect()
    }
}
