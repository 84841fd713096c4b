//! What a file is, told by its bytes: format, encoding, separator, header.
//!
//! Responsible for how people's tables are written when nobody has said it. The name of the file is a hint, and
//! what speaks against the name is said. Nothing is read here that a reader would not read again.

mod delimited;
mod json;

use std::path::Path;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};

use crate::dialect::{Format, Header, Settings};
use crate::encoding::{Encoding, Mark};
use crate::error::Error;
use crate::kind::{self, Kind};
use crate::source::{Input, Source};

/// What the caller knows of the tables it expects.
#[derive(Clone, Copy)]
pub struct Expected<'e> {
    /// Whether a cell of the first row is the name of a column.
    pub is_name: &'e dyn Fn(&str) -> bool,
    /// Whether the user says that there is no header.
    pub no_header: bool,
    /// What the caller's settings are called.
    pub settings: Settings,
}

/// What a file was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sniffed {
    /// The format, with the dialect of a delimited table.
    pub format: Format,
    /// The encoding.
    pub encoding: Encoding,
    /// Whether numbers are written with a comma, as `0,5`.
    pub has_decimal_commas: bool,
    /// What is unusual about the file, in the words of a sentence that lists it.
    pub remarks: Vec<String>,
}

impl Sniffed {
    fn plain(format: Format) -> Self {
        Self {
            format,
            encoding: Encoding::Utf8,
            has_decimal_commas: false,
            remarks: Vec::new(),
        }
    }
}

/// The bytes that are looked at.
const SAMPLE: usize = 1 << 18;
/// The bytes that tell one encoding from another.
const TELLING: usize = 1 << 20;

/// Fewer characters than this beyond ASCII do not tell one encoding of single bytes from another. Text in other
/// letters than Latin ones has more in its first words.
const FEW_CHARACTERS: usize = 10;

/// Looks at a file, which messages call by this name. An error if it cannot be read, or is no table.
pub fn sniff(name: &str, path: &Path, expected: Expected<'_>) -> Result<Sniffed, Error> {
    let named = Format::of_name(path);
    let source = || Source::file(name, path);
    let mut input = Input::open_raw(source(), expected.settings)?;
    let start = input.peek(SAMPLE)?;
    let kind = Kind::of(&start);
    let format = kind.and_then(Kind::format);
    // What the name promises is for its reader to deny.
    let promised = match (format, named) {
        (None | Some(Format::Npz), Some(Format::Parquet | Format::Npz | Format::Npy)) => named,
        _ => format,
    };
    if let Some(format) = promised {
        return Ok(Sniffed::plain(format));
    }
    if let Some(kind) = kind {
        return Err(kind.error(name, expected.settings));
    }
    let encoding = encoding(&mut input, &start)?;
    if encoding.is_of_single_bytes() && kind::is_binary(&start) {
        return Err(kind::BINARY.error(name, expected.settings));
    }
    let mut input = Input::open_table(source(), encoding, expected.settings)?;
    let sample = input.peek(SAMPLE)?;
    let is_whole = sample.len() < SAMPLE;
    let sample = String::from_utf8_lossy(&sample);
    let mut sniffed = of_text(&sample, is_whole, named, expected);
    sniffed.encoding = encoding;
    let is_utf16 = matches!(Mark::of(&start), Mark::Utf16Le | Mark::Utf16Be);
    if is_utf16 || encoding != Encoding::Utf8 {
        let encoding = if is_utf16 { "UTF-16" } else { encoding.name() };
        sniffed.remarks.insert(0, format!("encoded as {encoding}"));
    }
    Ok(sniffed)
}

/// Tells the encoding from all bytes: a single one at the end of a file may be the first that is no UTF-8.
fn encoding(input: &mut Input, start: &[u8]) -> Result<Encoding, Error> {
    if Mark::of(start) != Mark::None {
        return Ok(Encoding::Utf8);
    }
    if let Some(encoding) = kind::unmarked_utf16(start) {
        return Ok(encoding);
    }
    let mut scan = Scan::default();
    loop {
        let chunk = input.fill()?;
        if chunk.is_empty() {
            return Ok(scan.encoding());
        }
        let count = chunk.len();
        scan.take(chunk);
        input.consume(count);
    }
}

/// Looks for bytes that are no UTF-8.
#[derive(Default)]
struct Scan {
    /// The beginning of a character that a chunk ends with.
    rest: Vec<u8>,
    /// Bytes of characters that ASCII does not have.
    beyond_ascii: usize,
    /// Bytes that are no UTF-8.
    wrong: usize,
    /// What the detector is to see, from the first chunk with a wrong byte on.
    telling: Vec<u8>,
}

impl Scan {
    fn take(&mut self, chunk: &[u8]) {
        let mut joined = std::mem::take(&mut self.rest);
        let mut bytes = if joined.is_empty() {
            chunk
        } else {
            joined.extend_from_slice(chunk);
            joined.as_slice()
        };
        let wrong = self.wrong;
        loop {
            let (valid, error) = match std::str::from_utf8(bytes) {
                Ok(text) => (text.len(), None),
                Err(error) => (error.valid_up_to(), Some(error)),
            };
            if !bytes[..valid].is_ascii() {
                self.beyond_ascii += bytes[..valid].iter().filter(|byte| !byte.is_ascii()).count();
            }
            let Some(error) = error else { break };
            match error.error_len() {
                None => {
                    self.rest = bytes[valid..].to_vec();
                    break;
                }
                Some(length) => {
                    self.wrong += length;
                    bytes = &bytes[valid + length..];
                }
            }
        }
        if self.wrong > wrong && self.telling.len() < TELLING {
            self.telling.extend_from_slice(chunk);
        }
    }

    /// A file with a few wrong bytes among many right ones is damaged, and the row is named when it is read.
    fn encoding(self) -> Encoding {
        let wrong = self.wrong + self.rest.len();
        if wrong == 0 || self.beyond_ascii > 20 * wrong {
            return Encoding::Utf8;
        }
        let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
        detector.feed(&self.telling, true);
        let guess = detector.guess(None, Utf8Detection::Deny);
        // A few accents or signs of currency are in every western encoding, and tell no rarer one.
        let beyond_ascii = self.telling.iter().filter(|byte| !byte.is_ascii()).count();
        if beyond_ascii < FEW_CHARACTERS && guess.is_single_byte() {
            return Encoding::Windows1252;
        }
        Encoding::found(guess)
    }
}

/// What a text is. The beginning of it is enough unless it is whole.
fn of_text(text: &str, is_whole: bool, named: Option<Format>, expected: Expected<'_>) -> Sniffed {
    let is_delimited = matches!(named, Some(Format::Delimited(_)));
    if let Some(format) = json::format(text, is_whole, named, expected) {
        let mut sniffed = Sniffed::plain(format);
        if is_delimited {
            sniffed.remarks.push("JSON, whatever its name says".to_owned());
        }
        if let Format::JsonArrays {
            has_header: false, ..
        } = format
        {
            sniffed.remarks.push(NO_HEADER.to_owned());
        }
        return sniffed;
    }
    if named == Some(Format::Json) && !json::may_be_delimited(text) {
        return Sniffed::plain(Format::Json);
    }
    let mut sniffed = delimited::sniff(text, is_whole, named, expected);
    if named == Some(Format::Json) {
        sniffed
            .remarks
            .insert(0, "no JSON, whatever its name says".to_owned());
    }
    sniffed
}

/// What is said of a table whose first row is a row.
const NO_HEADER: &str = "without a header: its first row is a row";

/// What the first of some rows is. `None` too where the user says so.
fn header(rows: &[Vec<String>], expected: Expected<'_>) -> Header {
    let [first, rest @ ..] = rows else {
        return Header::Names;
    };
    if expected.no_header {
        return Header::None;
    }
    if !rest.is_empty() && rest.iter().all(|row| row.len() == first.len() + 1) {
        return Header::NamesButFirst;
    }
    if first.first().is_some_and(|name| name.starts_with('#'))
        && first.iter().all(|name| number(name).is_none())
    {
        return Header::Comment;
    }
    let column = |place: usize| rest.iter().filter_map(move |row| row.get(place));
    let recurs = |(place, value): (usize, &String)| {
        let same = column(place).filter(|other| *other == value).count();
        let mut different: Vec<&String> = column(place).collect();
        different.sort_unstable();
        different.dedup();
        // An id, or a text that occurs twice, does not tell; a label of a few does.
        same > 0 && different.len() <= (rest.len() / 3).max(2) && number(value).is_none() && !value.is_empty()
    };
    let is_name = |cell: (usize, &String)| (expected.is_name)(cell.1) && !recurs(cell);
    if first.iter().enumerate().any(is_name) {
        return Header::Names;
    }
    let all_numbers = |place: usize| {
        let mut cells = column(place).filter(|cell| !cell.trim().is_empty()).peekable();
        cells.peek().is_some() && cells.all(|cell| number(cell).is_some())
    };
    let is_number = |(place, value): (usize, &String)| number(value).is_some() && all_numbers(place);
    if counts(first, rest) {
        return Header::Names;
    }
    // A text where others have texts, in a table too narrow to be a questionnaire.
    let is_text = |cell: &str| cell.split_whitespace().count() > 3;
    let is_text_among_texts = |(place, value): (usize, &String)| {
        first.len() <= 3 && is_text(value) && !rest.is_empty() && column(place).all(|cell| is_text(cell))
    };
    if first.iter().enumerate().any(is_text_among_texts) {
        return Header::None;
    }
    let alone = rest.is_empty() && first.iter().all(|cell| number(cell).is_some());
    if alone || first.iter().enumerate().any(is_number) || first.iter().enumerate().any(recurs) {
        return Header::None;
    }
    Header::Names
}

/// Whether the first of some rows is a row like the others and names no column.
pub(crate) fn is_without_header(rows: &[Vec<String>]) -> bool {
    let expected = Expected {
        is_name: &|_| false,
        no_header: false,
        settings: Settings::default(),
    };
    header(rows, expected) == Header::None
}

/// Whether the first row counts the columns, as pandas names those of an array, and other rows have something
/// else than whole numbers.
fn counts(first: &[String], rest: &[Vec<String>]) -> bool {
    let names = first
        .iter()
        .skip(usize::from(first.first().is_some_and(String::is_empty)));
    let names: Option<Vec<u64>> = names.map(|name| name.trim().parse().ok()).collect();
    let Some(names) = names.filter(|names| !names.is_empty()) else {
        return false;
    };
    let counted = (names[0]..).zip(&names).all(|(expected, name)| expected == *name);
    let others = rest
        .iter()
        .flatten()
        .any(|cell| cell.trim().parse::<i64>().is_err());
    names[0] <= 1 && counted && (names.len() > 2 || others)
}

/// A number as tables have it, with a comma or a point.
fn number(cell: &str) -> Option<f64> {
    let cell = cell.trim();
    let starts = cell.starts_with(|first: char| first.is_ascii_digit() || "+-.,".contains(first));
    if !starts {
        return None;
    }
    cell.parse().ok().or_else(|| decimal_comma(cell))
}

/// A number that is written with a comma.
fn decimal_comma(cell: &str) -> Option<f64> {
    let cell = cell.trim();
    let is_written_so = cell.matches(',').count() == 1 && !cell.contains('.');
    is_written_so.then(|| cell.replace(',', ".").parse().ok())?
}

#[cfg(test)]
mod tests;
