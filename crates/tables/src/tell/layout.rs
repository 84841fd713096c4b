//! Where the header is and what separates the fields, told from the beginning of a file.
//!
//! The names that the caller wants decide: no two separators make the same names of a line. Without a header
//! the rows have to be of one length.

use std::io::Cursor;

use super::{Declared, File, Width};
use crate::delimited::Records;
use crate::dialect::{Dialect, Escape, Header, Quote, separator_name};
use crate::encoding::Encoding;
use crate::error::Error;
use crate::source::{Input, Source};

/// The bytes that are looked at.
pub(super) const SAMPLE: usize = 1 << 18;
/// The rows of these that are compared where there is no header.
const ROWS: usize = 500;
/// The lines before a header that may say something else.
const MOST_LINES: usize = 20;
/// What is tried behind the separator of the format.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// What the beginning of a file says.
pub(super) struct Layout {
    pub(super) separator: u8,
    preamble: usize,
    header: Header,
    /// Whether the file itself names its separator.
    is_declared_within: bool,
}

impl Layout {
    /// The dialect as far as it is known, with quotes and backslashes as they are declared.
    pub(super) fn dialect(&self, usual: Dialect, declared: &Declared) -> Dialect {
        Dialect {
            separator: self.separator,
            alternatives: b"",
            quote: declared.quote.unwrap_or(Quote::Double),
            escape: declared.escape.unwrap_or(Escape::None),
            comment: declared.comment,
            preamble: self.preamble,
            header: self.header,
            ..usual
        }
    }

    pub(super) fn remarks(&self, usual: Dialect, declared: &Declared) -> Vec<String> {
        let mut remarks = Vec::new();
        if declared.separator.is_none() && self.separator != usual.separator {
            remarks.push(format!("separated by {}", separator_name(self.separator)));
        }
        if declared.skip_lines.is_none() && !self.is_declared_within && self.preamble > 0 {
            remarks.push(match self.preamble {
                1 => "the first line is skipped".to_owned(),
                lines => format!("the first {lines} lines are skipped"),
            });
        }
        remarks
    }
}

/// Finds header and separator.
pub(super) fn find(
    file: &File<'_>,
    sample: &[u8],
    usual: Dialect,
    declared: &Declared,
    wanted: &[&str],
) -> Result<Layout, Error> {
    let within = declared_within(sample).filter(|_| declared.skip_lines.is_none());
    let separators = if let Some(separator) = declared.separator.or(within) {
        vec![separator]
    } else {
        let others = SEPARATORS.into_iter().filter(|other| *other != usual.separator);
        [usual.separator].into_iter().chain(others).collect()
    };
    let beginning = Beginning {
        sample,
        dialect: Dialect {
            quote: declared.quote.unwrap_or(Quote::Double),
            escape: declared.escape.unwrap_or(Escape::None),
            comment: declared.comment,
            preamble: declared.skip_lines.unwrap_or(usize::from(within.is_some())),
            ..usual
        },
        file,
    };
    let mut layout = match declared.no_header {
        Some(width) => beginning.without_header(&separators, width)?,
        None => beginning.with_header(&separators, wanted, declared.skip_lines.is_some()),
    };
    layout.is_declared_within = within.is_some();
    Ok(layout)
}

/// Excel's first line `sep=;`.
fn declared_within(sample: &[u8]) -> Option<u8> {
    let line = sample.split(|byte| *byte == b'\n' || *byte == b'\r').next()?;
    let line = line
        .strip_prefix(b"\"")
        .and_then(|line| line.strip_suffix(b"\""))
        .unwrap_or(line);
    match line.strip_prefix(b"sep=")? {
        [separator] if separator.is_ascii() && !separator.is_ascii_alphanumeric() => Some(*separator),
        _ => None,
    }
}

/// The beginning of a file.
struct Beginning<'b> {
    sample: &'b [u8],
    dialect: Dialect,
    file: &'b File<'b>,
}

impl Beginning<'_> {
    fn with_header(&self, separators: &[u8], wanted: &[&str], is_exact: bool) -> Layout {
        let first = self.dialect.preamble;
        let most = if is_exact { first } else { first + MOST_LINES };
        let mut best: Option<(usize, Layout)> = None;
        for preamble in first..=most {
            for separator in separators.iter().copied() {
                let Some(names) = self.rows(separator, preamble, 1, self.dialect.quote).pop() else {
                    continue;
                };
                let header = match names.first() {
                    Some(name) if name.starts_with('#') && !wanted.contains(&name.as_str()) => {
                        Header::Comment
                    }
                    _ => Header::Names,
                };
                let found = found(&names, header, wanted);
                let is_better = match &best {
                    None => found > 0 && preamble == first,
                    Some((most, _)) => found > *most && preamble == first,
                };
                let is_whole = found == wanted.len() && found > 0;
                let is_passed = || self.are_no_rows(first, preamble, separator, names.len());
                if is_better || is_whole && preamble > first && is_passed() {
                    best = Some((
                        found,
                        Layout {
                            separator,
                            preamble,
                            header,
                            is_declared_within: false,
                        },
                    ));
                }
                if is_whole && best.is_some() {
                    break;
                }
            }
            if best.as_ref().is_some_and(|(found, _)| *found == wanted.len()) {
                break;
            }
        }
        best.map_or_else(
            || self.by_first_line(separators, Header::Names),
            |(_, layout)| layout,
        )
    }

    /// Whether the lines before a header have another number of fields than it, or begin with `#`.
    fn are_no_rows(&self, first: usize, preamble: usize, separator: u8, width: usize) -> bool {
        (first..preamble).all(|line| {
            let row = self.rows(separator, line, 1, Quote::None).pop();
            row.is_none_or(|row| row.len() != width || row[0].starts_with('#'))
        })
    }

    fn without_header(&self, separators: &[u8], width: Width) -> Result<Layout, Error> {
        let fits = |row: &Vec<String>, first: usize| match width {
            Width::Exactly(width) => row.len() == width,
            Width::AtLeast(least) => row.len() >= least.max(2) && row.len() == first,
        };
        let is_even = |separator: &u8| {
            [self.dialect.quote, Quote::None].into_iter().any(|quote| {
                let rows = self.rows(*separator, self.dialect.preamble, ROWS, quote);
                let first = rows.first().map_or(0, Vec::len);
                !rows.is_empty() && rows.iter().all(|row| fits(row, first))
            })
        };
        let is_of_one = matches!(width, Width::Exactly(1));
        let even: Vec<u8> = separators
            .iter()
            .copied()
            .filter(|separator| !is_of_one && is_even(separator))
            .collect();
        match even[..] {
            [] => Ok(self.by_first_line(separators, Header::None)),
            [separator] => Ok(self.layout(separator, Header::None)),
            [one, other, ..] => Err(Error::AmbiguousDialect {
                file: self.file.name().to_owned(),
                line: 1,
                question: format!(
                    "the fields may be separated by {} or by {}, and the file fits both",
                    separator_name(one),
                    separator_name(other)
                ),
                hint: self
                    .file
                    .options
                    .settings
                    .dialect_key("separator", &format!("\"{}\"", char::from(one)))
                    .map_or_else(
                        || "write the file with a header".to_owned(),
                        |key| format!("say which one it is, such as {key}"),
                    ),
            }),
        }
    }

    fn layout(&self, separator: u8, header: Header) -> Layout {
        Layout {
            separator,
            preamble: self.dialect.preamble,
            header,
            is_declared_within: false,
        }
    }

    /// The first separator that the first line has.
    fn by_first_line(&self, separators: &[u8], header: Header) -> Layout {
        let has = |separator: &&u8| {
            let row = self
                .rows(**separator, self.dialect.preamble, 1, self.dialect.quote)
                .pop();
            row.is_some_and(|row| row.len() > 1)
        };
        let separator = separators.iter().find(has).or(separators.first());
        self.layout(separator.copied().unwrap_or(self.dialect.separator), header)
    }

    /// The first rows that a separator makes, as far as they can be split.
    fn rows(&self, separator: u8, preamble: usize, most: usize, quote: Quote) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        let options = self.file.options;
        // The row that the sample cuts off is none.
        let is_whole = self.sample.len() < SAMPLE;
        let source = Source::stream("", Cursor::new(self.sample.to_vec()));
        let Ok(input) = Input::open(source, Encoding::Utf8, options.settings) else {
            return rows;
        };
        let dialect = Dialect {
            separator,
            quote,
            ..self.dialect
        };
        let mut records = Records::new(input, dialect, SAMPLE, options.settings);
        if records.skip_lines(preamble).is_err() {
            return rows;
        }
        while rows.len() <= most && records.next().unwrap_or(false) {
            let text = |index| String::from_utf8_lossy(records.field(index)).into_owned();
            rows.push((0..records.len()).map(text).collect());
        }
        if rows.len() > most || !is_whole && rows.len() > 1 {
            rows.pop();
        }
        rows
    }
}

/// How many of the wanted names a header has.
pub(super) fn found(names: &[String], header: Header, wanted: &[&str]) -> usize {
    let bare = |name: &String| name.trim_start_matches('#').trim().to_owned();
    let first = names.first().filter(|_| header == Header::Comment).map(bare);
    let has = |wanted: &&&str| {
        names.iter().any(|name| name.as_str() == **wanted) || first.as_deref() == Some(**wanted)
    };
    wanted.iter().filter(has).count()
}
