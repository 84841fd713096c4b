//! Rows of delimited tables: CSV, TSV and their kin.
//!
//! The splitter is our own because a row has the line that it starts on and a table must not end within
//! quotes: the csv crate counts lines wrongly after CRLF and empty lines, and takes the end of a file for the
//! closing quote. Apart from that both split alike, which a test compares.

use crate::column::Column;
use crate::dialect::{Dialect, Header, Settings, nameless};
use crate::error::Error;
use crate::limits::Limits;
use crate::row::{Cell, Place, Row, RowProblem};
use crate::source::Input;

/// A delimited table whose header has been read.
pub(crate) struct Delimited {
    records: Records,
    columns: Vec<Column>,
    header_line: u64,
    /// Whether the record at hand is a row that nobody has seen.
    has_row: bool,
    is_empty: bool,
}

impl Delimited {
    pub(crate) fn open(
        mut input: Input,
        dialect: Dialect,
        limits: Limits,
        settings: Settings,
    ) -> Result<Self, Error> {
        let separator = separator(&mut input, dialect)?;
        let dialect = Dialect { separator, ..dialect };
        let mut records = Records::new(input, dialect, limits.row_bytes);
        for _ in 0..=dialect.preamble {
            if !records.next()? {
                return Err(Error::Empty {
                    file: records.input.name().to_owned(),
                });
            }
        }
        let names = names(&records, dialect).ok_or_else(|| Error::BadHeader {
            file: records.input.name().to_owned(),
            line: records.start,
            setting: settings.encoding,
        })?;
        Ok(Self {
            header_line: records.start,
            records,
            columns: names.into_iter().map(Column::untyped).collect(),
            has_row: dialect.header == Header::None,
            is_empty: true,
        })
    }

    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Where the header is.
    pub(crate) fn header_place(&self) -> String {
        format!("{}:{}", self.records.input.name(), self.header_line)
    }

    /// The next row, with a cell for each of these columns.
    pub(crate) fn next_row(&mut self, places: &[usize]) -> Result<Option<Row<'_>>, Error> {
        if !std::mem::take(&mut self.has_row) && !self.records.next()? {
            if self.is_empty {
                let file = self.records.input.name().to_owned();
                return Err(Error::NoRecords { file });
            }
            return Ok(None);
        }
        self.is_empty = false;
        let (found, expected) = (self.records.len(), self.columns.len());
        let cells = if found == expected {
            let cell = |place: &usize| Cell::Bytes(self.records.field(*place));
            Ok(places.iter().map(cell).collect())
        } else {
            Err(RowProblem::Ragged { found, expected })
        };
        let place = Place::Line(self.records.start);
        Ok(Some(Row { place, cells }))
    }
}

/// The names of the columns; none if they are not UTF-8.
fn names(records: &Records, dialect: Dialect) -> Option<Vec<String>> {
    if dialect.header == Header::None {
        return Some((0..records.len()).map(nameless).collect());
    }
    let name = |index| String::from_utf8(records.field(index).to_vec()).ok();
    let mut names = (0..records.len()).map(name).collect::<Option<Vec<_>>>()?;
    match (dialect.header, names.first_mut()) {
        (Header::NamesButFirst, _) => names.insert(0, String::new()),
        (Header::Comment, Some(first)) => {
            *first = first.trim_start_matches('#').trim().to_owned();
            if first.is_empty() && dialect.is_merged {
                names.remove(0);
            }
        }
        _ => {}
    }
    Some(names)
}

/// The separator that the first line has, as far as the line is in the buffer.
fn separator(input: &mut Input, dialect: Dialect) -> Result<u8, Error> {
    let start = input.fill()?.trim_ascii_start();
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let mut separators = [dialect.separator]
        .into_iter()
        .chain(dialect.alternatives.iter().copied());
    let found = separators.find(|separator| line.contains(separator));
    Ok(found.unwrap_or(dialect.separator))
}

/// Where the splitter is.
#[derive(Clone, Copy)]
enum State {
    RecordStart,
    FieldStart,
    Plain,
    Quoted,
    /// After a quote within quotes: the closing one, or the first half of one that is meant.
    QuoteInQuoted,
}

/// Splits a stream into records and fields.
pub(crate) struct Records {
    input: Input,
    dialect: Dialect,
    limit: usize,
    /// The fields of the record, without quotes, one behind the other.
    bytes: Vec<u8>,
    /// Where each field ends.
    ends: Vec<usize>,
    /// The line the record starts on, from 1.
    start: u64,
    /// The line of the next byte.
    line: u64,
    /// Whether a line feed that comes next belongs to the carriage return before it.
    after_return: bool,
}

impl Records {
    pub(crate) fn new(input: Input, dialect: Dialect, limit: usize) -> Self {
        Self {
            input,
            dialect,
            limit,
            bytes: Vec::new(),
            ends: Vec::new(),
            start: 1,
            line: 1,
            after_return: false,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn field(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[index]]
    }

    /// Ends a record at the end of the stream; says whether there is one.
    fn end(&mut self, state: State, quote_line: u64) -> Result<bool, Error> {
        match state {
            State::RecordStart => Ok(false),
            State::Quoted => Err(Error::UnclosedQuote {
                file: self.input.name().to_owned(),
                line: quote_line,
            }),
            State::FieldStart if self.dialect.is_merged => Ok(!self.ends.is_empty()),
            State::FieldStart | State::Plain | State::QuoteInQuoted => {
                self.ends.push(self.bytes.len());
                Ok(true)
            }
        }
    }

    fn check_length(&self) -> Result<(), Error> {
        if self.bytes.len() <= self.limit {
            return Ok(());
        }
        Err(Error::TooLong {
            place: format!("{}:{}", self.input.name(), self.start),
            limit_mib: self.limit >> 20,
        })
    }

    /// Goes to the next record; says whether there is one.
    pub(crate) fn next(&mut self) -> Result<bool, Error> {
        let Dialect {
            separator,
            is_merged,
            has_quotes,
            ..
        } = self.dialect;
        self.bytes.clear();
        self.ends.clear();
        let mut state = State::RecordStart;
        let mut quote_line = self.line;
        loop {
            let chunk = self.input.fill()?;
            if chunk.is_empty() {
                return self.end(state, quote_line);
            }
            let mut used = 0;
            let mut is_complete = false;
            while let Some(&byte) = chunk.get(used) {
                match (state, byte) {
                    (State::RecordStart, b'\n') if self.after_return => {
                        self.after_return = false;
                        used += 1;
                    }
                    (State::RecordStart, b'\n' | b'\r') => {
                        self.line += 1;
                        self.after_return = byte == b'\r';
                        used += 1;
                    }
                    (State::RecordStart, _) => {
                        self.after_return = false;
                        self.start = self.line;
                        state = State::FieldStart;
                    }
                    (State::FieldStart, b'"') if has_quotes => {
                        quote_line = self.line;
                        state = State::Quoted;
                        used += 1;
                    }
                    (State::FieldStart, b'\n' | b'\r') if is_merged => {
                        // Spaces at the end of a line, or on it alone.
                        self.line += 1;
                        self.after_return = byte == b'\r';
                        used += 1;
                        if self.ends.is_empty() {
                            state = State::RecordStart;
                        } else {
                            is_complete = true;
                            break;
                        }
                    }
                    (State::FieldStart, _) if is_merged && byte == separator => used += 1,
                    (State::FieldStart | State::QuoteInQuoted | State::Plain, b'\n' | b'\r') => {
                        self.ends.push(self.bytes.len());
                        self.line += 1;
                        self.after_return = byte == b'\r';
                        used += 1;
                        is_complete = true;
                        break;
                    }
                    (State::FieldStart | State::QuoteInQuoted | State::Plain, _) if byte == separator => {
                        self.ends.push(self.bytes.len());
                        state = State::FieldStart;
                        used += 1;
                    }
                    (State::QuoteInQuoted, b'"') => {
                        self.bytes.push(b'"');
                        state = State::Quoted;
                        used += 1;
                    }
                    (State::FieldStart | State::QuoteInQuoted | State::Plain, _) => {
                        let rest = &chunk[used..];
                        let ends_plain = |byte: &u8| *byte == separator || *byte == b'\n' || *byte == b'\r';
                        let count = rest.iter().position(ends_plain).unwrap_or(rest.len());
                        self.bytes.extend_from_slice(&rest[..count]);
                        state = State::Plain;
                        used += count;
                    }
                    (State::Quoted, b'"') => {
                        state = State::QuoteInQuoted;
                        used += 1;
                    }
                    (State::Quoted, _) => {
                        let rest = &chunk[used..];
                        let count = rest.iter().position(|byte| *byte == b'"').unwrap_or(rest.len());
                        let part = &rest[..count];
                        self.bytes.extend_from_slice(part);
                        self.line += part.iter().map(|byte| u64::from(*byte == b'\n')).sum::<u64>();
                        used += count;
                    }
                }
            }
            self.input.consume(used);
            self.check_length()?;
            if is_complete {
                return Ok(true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Dialect, Error, Input, Records, Settings};
    use crate::encoding::Encoding;
    use crate::source::Source;

    type Fields = Vec<Vec<u8>>;

    /// Each record's line and fields.
    fn split(text: &[u8], separator: u8) -> Result<Vec<(u64, Fields)>, Error> {
        let settings = Settings {
            encoding: None,
            format: None,
            sheet: None,
            table: None,
            json_lines: "",
            json: "",
        };
        let source = Source::stream("a.csv", std::io::Cursor::new(text.to_vec()));
        let input = Input::open(source, Encoding::Utf8, settings)?;
        let dialect = Dialect {
            separator,
            ..Dialect::CSV
        };
        let mut records = Records::new(input, dialect, 1 << 20);
        let mut all = Vec::new();
        while records.next()? {
            let fields = (0..records.len())
                .map(|index| records.field(index).to_vec())
                .collect();
            all.push((records.start, fields));
        }
        Ok(all)
    }

    #[track_caller]
    fn check(text: &str, expected: &[(u64, &[&str])]) {
        let found: Vec<(u64, Vec<String>)> = split(text.as_bytes(), b',')
            .unwrap()
            .into_iter()
            .map(|(line, fields)| {
                let fields = fields.into_iter().map(|field| String::from_utf8(field).unwrap());
                (line, fields.collect())
            })
            .collect();
        let expected: Vec<(u64, Vec<String>)> = expected
            .iter()
            .map(|(line, fields)| (*line, fields.iter().map(|field| (*field).to_owned()).collect()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn a_record_has_the_line_it_starts_on() {
        check("a,b\n1,2\n", &[(1, &["a", "b"]), (2, &["1", "2"])]);
        check(
            "a,b\r\n1,2\r\n3,4",
            &[(1, &["a", "b"]), (2, &["1", "2"]), (3, &["3", "4"])],
        );
        check("\n\r\na\n\n\nb\n", &[(3, &["a"]), (6, &["b"])]);
        check("a\rb\r", &[(1, &["a"]), (2, &["b"])]);
        check(
            "\"x\r\ny\n\",1\r\nz,\"\"\"q\"\"\"\r\nw,\r\n",
            &[(1, &["x\r\ny\n", "1"]), (4, &["z", "\"q\""]), (5, &["w", ""])],
        );
        check("\u{feff}a,b\n", &[(1, &["a", "b"])]);
        check(",\n\"\"", &[(1, &["", ""]), (2, &[""])]);
        check("a \"b\" c,\"d\"e\"f\n", &[(1, &["a \"b\" c", "de\"f"])]);
        check("", &[]);
    }

    #[test]
    fn a_quote_that_never_closes_is_an_error_on_its_line() {
        let error = split(b"a,b\n1,\"x\ny\n2,3\n", b',').unwrap_err();
        assert_eq!(error.to_string(), "a.csv:2: a quote opens here and never closes");
    }

    proptest! {
        #[test]
        fn splits_as_the_csv_crate_does(bytes in "[ab,\"\r\n\t]{0,60}", separator in prop_oneof![Just(b','), Just(b'\t')]) {
            let Ok(found) = split(bytes.as_bytes(), separator) else { return Ok(()) };
            let mut reader = csv::ReaderBuilder::new()
                .has_headers(false)
                .flexible(true)
                .delimiter(separator)
                .from_reader(bytes.as_bytes());
            let expected: Vec<Fields> = reader
                .byte_records()
                .map(|record| record.unwrap().iter().map(<[u8]>::to_vec).collect())
                .collect();
            let found: Vec<_> = found.into_iter().map(|(_, fields)| fields).collect();
            prop_assert_eq!(found, expected);
        }
    }
}
