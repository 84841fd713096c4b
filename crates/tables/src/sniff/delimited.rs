//! The dialect of a delimited table: separator, quotes, header, decimal commas.

use std::io::Cursor;

use super::{Expected, NO_HEADER, Sniffed, decimal_comma, header, number};
use crate::delimited::Records;
use crate::dialect::{Dialect, Format, Header, Quote, Settings, separator_name};
use crate::encoding::Encoding;
use crate::source::{Input, Source};

/// The rows that are looked at.
const ROWS: usize = 1_000;

/// What separates fields, in the order in which it is tried behind what the name of the file says. Spaces come
/// last, because texts have them.
const SEPARATORS: [u8; 5] = [b',', b';', b'\t', b'|', b' '];

/// Finds out how a text is written as a table.
pub(super) fn sniff(text: &str, is_whole: bool, named: Option<Format>, expected: Expected<'_>) -> Sniffed {
    let by_name = match named {
        Some(Format::Delimited(dialect)) => Some(dialect),
        _ => None,
    };
    let declared = declared_separator(text);
    let plain = Dialect {
        alternatives: b"",
        preamble: usize::from(declared.is_some()),
        ..by_name.unwrap_or(Dialect::CSV)
    };
    let found = match declared {
        Some(separator) => Split::best_quotes(text, is_whole, Dialect { separator, ..plain }),
        None => best(text, is_whole, plain, expected),
    };
    let split = found.unwrap_or_else(|| {
        // Nothing fits: read as the name says, so that the first row that does not fit is named.
        let separator = by_first_line(text, by_name.unwrap_or(Dialect::CSV));
        Split::new(text, is_whole, Dialect { separator, ..plain })
    });
    let mut dialect = split.dialect;
    dialect.header = header(&split.rows, expected);
    let mut remarks = Vec::new();
    if by_name.is_none_or(|by_name| by_name.separator != dialect.separator) && split.width() > 1 {
        remarks.push(format!("separated by {}", separator_name(dialect.separator)));
    }
    if dialect.quote == Quote::None {
        remarks.push("with quotation marks that are text".to_owned());
    }
    match dialect.header {
        Header::Names | Header::Comment => {}
        Header::NamesButFirst => remarks.push("with row names that the header does not name".to_owned()),
        Header::None => remarks.push(NO_HEADER.to_owned()),
    }
    let has_decimal_commas = split.has_decimal_commas(dialect.header);
    if has_decimal_commas {
        remarks.push("with decimal commas".to_owned());
    }
    Sniffed {
        format: Format::Delimited(dialect),
        encoding: Encoding::Utf8,
        has_decimal_commas,
        remarks,
    }
}

/// Excel's first line `sep=;`.
fn declared_separator(text: &str) -> Option<u8> {
    let line = text.lines().next()?.trim_end_matches('\r').trim_matches('"');
    match line.strip_prefix("sep=")?.as_bytes() {
        [separator] if separator.is_ascii() => Some(*separator),
        _ => None,
    }
}

/// The separator that the first line has.
fn by_first_line(text: &str, dialect: Dialect) -> u8 {
    let line = text.trim_start().lines().next().unwrap_or_default().as_bytes();
    let mut separators = [dialect.separator]
        .into_iter()
        .chain(dialect.alternatives.iter().copied());
    separators
        .find(|separator| line.contains(separator))
        .unwrap_or(dialect.separator)
}

/// The split that gives rows of one length, the most cells that are numbers, and the separator of the name.
fn best(text: &str, is_whole: bool, plain: Dialect, expected: Expected<'_>) -> Option<Split> {
    let mut separators = vec![plain.separator];
    separators.extend(
        SEPARATORS
            .iter()
            .filter(|separator| **separator != plain.separator),
    );
    let mut best: Option<Split> = None;
    for separator in separators {
        let dialect = Dialect {
            separator,
            is_merged: separator == b' ',
            ..plain
        };
        let Some(split) = Split::best_quotes(text, is_whole, dialect) else {
            continue;
        };
        // Texts of one number of words are no columns.
        let names = split.rows.first().map(Vec::as_slice).unwrap_or_default();
        let has_columns = split.has_number_column() || names.iter().all(|name| (expected.is_name)(name));
        if separator == b' ' && (best.is_some() || !has_columns) {
            continue;
        }
        let is_better = best
            .as_ref()
            .is_none_or(|best| split.typed_share() > best.typed_share() + 0.2);
        if is_better {
            best = Some(split);
        }
    }
    best
}

/// The rows that a dialect makes of a text.
struct Split {
    dialect: Dialect,
    rows: Vec<Vec<String>>,
    /// Whether a quote never closes, or a quoted field holds what looks like the end of a row.
    swallows: bool,
    /// Whether some field is quoted.
    has_quoted: bool,
}

impl Split {
    fn new(text: &str, is_whole: bool, dialect: Dialect) -> Self {
        let mut split = Self {
            dialect,
            rows: Vec::new(),
            swallows: false,
            has_quoted: false,
        };
        let settings = Settings::default();
        let source = Source::stream("", Cursor::new(text.to_owned().into_bytes()));
        let Ok(input) = Input::open(source, Encoding::Utf8, settings) else {
            return split;
        };
        let separator = char::from(dialect.separator);
        let mut records = Records::new(input, dialect, text.len().max(1), settings);
        if records.skip_lines(dialect.preamble).is_err() {
            return split;
        }
        loop {
            match records.next() {
                Ok(true) if split.rows.len() <= ROWS => {
                    let field = |index| String::from_utf8_lossy(records.field(index)).into_owned();
                    let row: Vec<String> = (0..records.len()).map(field).collect();
                    split.swallows |= row
                        .iter()
                        .any(|cell| cell.contains('\n') && cell.contains(separator));
                    split.rows.push(row);
                }
                Ok(_) => break,
                Err(_) => {
                    split.swallows |= is_whole;
                    break;
                }
            }
        }
        if !is_whole && split.rows.len() <= ROWS {
            // The row that the sample cuts off.
            split.rows.pop();
        }
        let quoted = format!("{separator}\"");
        let closed = format!("\"{separator}");
        split.has_quoted = text.lines().take(ROWS).any(|line| {
            let closes = line.contains(&closed) || line.trim_end_matches('\r').ends_with('"');
            closes && (line.contains(&quoted) || line.starts_with('"'))
        });
        split
    }

    /// The split with quotes that quote, or that are text, if the rows have one length then.
    fn best_quotes(text: &str, is_whole: bool, dialect: Dialect) -> Option<Self> {
        let quoted = Self::new(text, is_whole, dialect);
        if !text.contains('"') {
            return quoted.is_even().then_some(quoted);
        }
        let is_doubtful =
            quoted.swallows || !quoted.is_even() || (dialect.separator == b'\t' && !quoted.has_quoted);
        if is_doubtful {
            let plain = Self::new(
                text,
                is_whole,
                Dialect {
                    quote: Quote::None,
                    ..dialect
                },
            );
            if plain.is_even() {
                return Some(plain);
            }
        }
        quoted.is_even().then_some(quoted)
    }

    fn width(&self) -> usize {
        self.rows.first().map_or(0, Vec::len)
    }

    /// Whether all rows have one length, of two at least. The header may lack the name of the row names.
    fn is_even(&self) -> bool {
        let Some((first, rest)) = self.rows.split_first() else {
            return false;
        };
        let width = rest.first().unwrap_or(first).len();
        let heads = first.len() == width
            || first.len() > 1 && first.len() + 1 == width
            || self.dialect.is_merged && first.len() == width + 1 && first[0] == "#";
        width >= 2 && heads && rest.iter().all(|row| row.len() == width)
    }

    fn cells(&self, column: usize) -> impl Iterator<Item = &str> {
        let rest = self.rows.iter().skip(1);
        let cells = rest
            .filter_map(move |row| row.get(column))
            .map(|cell| cell.trim());
        cells.filter(|cell| !cell.is_empty())
    }

    fn columns(&self) -> usize {
        self.rows.get(1).map_or_else(|| self.width(), Vec::len)
    }

    fn is_number(&self, cell: &str) -> bool {
        if self.dialect.separator == b',' {
            cell.parse::<f64>().is_ok()
        } else {
            number(cell).is_some()
        }
    }

    /// The share of columns that hold numbers and nothing else.
    fn typed_share(&self) -> f64 {
        let is_typed = |column: &usize| {
            let mut cells = self.cells(*column).peekable();
            cells.peek().is_some() && cells.all(|cell| self.is_number(cell))
        };
        let typed = (0..self.columns()).filter(is_typed).count();
        typed as f64 / self.columns().max(1) as f64
    }

    fn has_number_column(&self) -> bool {
        self.typed_share() > 0.0
    }

    /// Whether some column has numbers with a comma, and no number with a point.
    fn has_decimal_commas(&self, header: Header) -> bool {
        let first = (header == Header::None).then(|| self.rows.first()).flatten();
        (0..self.columns()).any(|column| {
            let first = first.and_then(|row| row.get(column)).map(String::as_str);
            let cells: Vec<&str> = first.into_iter().chain(self.cells(column)).collect();
            let has_comma = cells.iter().any(|cell| decimal_comma(cell).is_some());
            has_comma
                && cells
                    .iter()
                    .all(|cell| number(cell).is_some() && !cell.contains('.'))
        })
    }
}
