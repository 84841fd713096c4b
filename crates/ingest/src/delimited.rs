//! Rows of CSV and TSV files.
//!
//! The splitter is our own because rejects need the line that a row starts on and a source must not end within quotes:
//! the csv crate counts lines wrongly after CRLF and empty lines, and takes the end of a file for the closing quote.
//! Apart from that both split alike, which a test compares.

use crate::columns::{Places, Wanted};
use crate::error::Error;
use crate::limits::Limits;
use crate::rows::{Fields, Problem, Reason, RowSink, Value};
use crate::sources::Input;
use labelproof_artifact::wording::counted;

/// Reads a table with a header into the sink.
pub(crate) fn read<S: RowSink>(
    input: Input<'_>,
    source: u32,
    separator: u8,
    wanted: &Wanted<'_>,
    limits: Limits,
    sink: &mut S,
) -> Result<(), S::Stop> {
    let file = input.name();
    let mut records = Records::new(input, separator, limits.row_bytes);
    if !records.next()? {
        let file = file.to_owned();
        return Err(Error::Empty { file }.into());
    }
    let header: Option<Vec<String>> = (0..records.len())
        .map(|index| String::from_utf8(records.field(index).to_vec()).ok())
        .collect();
    let header = header.ok_or_else(|| Error::BadHeader {
        file: file.to_owned(),
        line: records.start,
        setting: wanted.settings.encoding(),
    })?;
    let places = Places::find(wanted, &header, &format!("{file}:{}", records.start))?;
    let mut is_empty = true;
    while records.next()? {
        is_empty = false;
        let line = Some(records.start);
        if records.len() == header.len() {
            let value = |index: usize| Value::Bytes(records.field(index));
            let fields = Fields {
                text: places.text.iter().copied().map(value).collect(),
                label: places.label.map_or(Value::Missing, value),
                id: places.id.map(value),
                group: places.group.map(value),
                split: places.split.map(value),
            };
            sink.row(source, line, fields)?;
        } else {
            let count = records.len();
            let detail = format!("{}, the header has {}", counted(count, "field"), header.len());
            sink.problem(source, line, Problem::new(Reason::RaggedRow, detail))?;
        }
    }
    if is_empty {
        let file = file.to_owned();
        return Err(Error::NoRecords { file }.into());
    }
    Ok(())
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
struct Records<'a> {
    input: Input<'a>,
    separator: u8,
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

impl<'a> Records<'a> {
    fn new(input: Input<'a>, separator: u8, limit: usize) -> Self {
        Self {
            input,
            separator,
            limit,
            bytes: Vec::new(),
            ends: Vec::new(),
            start: 1,
            line: 1,
            after_return: false,
        }
    }

    fn len(&self) -> usize {
        self.ends.len()
    }

    fn field(&self, index: usize) -> &[u8] {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[index]]
    }

    /// Goes to the next record; says whether there is one.
    fn next(&mut self) -> Result<bool, Error> {
        self.bytes.clear();
        self.ends.clear();
        let mut state = State::RecordStart;
        let mut quote_line = self.line;
        loop {
            let separator = self.separator;
            let chunk = self.input.fill()?;
            if chunk.is_empty() {
                return match state {
                    State::RecordStart => Ok(false),
                    State::Quoted => Err(Error::UnclosedQuote {
                        file: self.input.name().to_owned(),
                        line: quote_line,
                    }),
                    State::FieldStart | State::Plain | State::QuoteInQuoted => {
                        self.ends.push(self.bytes.len());
                        Ok(true)
                    }
                };
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
                    (State::FieldStart, b'"') => {
                        quote_line = self.line;
                        state = State::Quoted;
                        used += 1;
                    }
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
            if self.bytes.len() > self.limit {
                return Err(Error::TooLong {
                    place: format!("{}:{}", self.input.name(), self.start),
                    limit_mib: self.limit >> 20,
                });
            }
            if is_complete {
                return Ok(true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Error, Input, Records};
    use crate::params::Encoding;
    use crate::settings::Settings;
    use crate::sources::SourceFile;

    type Fields = Vec<Vec<u8>>;

    /// Each record's line and fields.
    fn split(text: &[u8], separator: u8) -> Result<Vec<(u64, Fields)>, Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        labelproof_artifact::fs::write_atomic(&path, text).unwrap();
        let file = SourceFile {
            name: "a.csv".to_owned(),
            path,
        };
        let mut records = Records::new(
            Input::open(&file, Encoding::Utf8, Settings::Pipeline)?,
            separator,
            1 << 20,
        );
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
