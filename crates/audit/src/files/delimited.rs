//! Rows of CSV and TSV files, plain or packed with gzip.
//!
//! Splitting is the csv crate's. Its count of lines goes astray after CRLF and empty lines, so that the line of an
//! error is counted in the file.

use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use csv::{ByteRecord, ReaderBuilder};
use flate2::bufread::MultiGzDecoder;
use labelproof_artifact::Reporter;
use labelproof_artifact::fs::{self, FsError};

use super::error::{Error, RowProblem};
use super::roles::{Columns, Roles};
use super::table::{Builder, Cell, Table};
use super::{ROWS_A_STEP, is_packed};

/// Reads a table with a header. Where `separator` is the comma, a header without any may use `;` or tabs.
pub(super) fn read(
    path: &Path,
    separator: u8,
    columns: &Columns,
    reporter: &dyn Reporter,
) -> Result<Table, Error> {
    let file = path.display().to_string();
    let mut input = open(path)?;
    let separator = choose_separator(path, &mut input, separator)?;
    let mut reader = ReaderBuilder::new()
        .delimiter(separator)
        .flexible(true)
        .has_headers(false)
        .from_reader(input);
    let mut record = ByteRecord::new();
    let read_failed = |error: csv::Error| match error.into_kind() {
        csv::ErrorKind::Io(source) => unreadable(path, source),
        _ => Error::Row {
            place: file.clone(),
            problem: RowProblem::Csv,
        },
    };
    if !reader.read_byte_record(&mut record).map_err(read_failed)? {
        return Err(Error::Empty {
            path: path.to_path_buf(),
        });
    }
    let place = format!("{file}:{}", line_at(path, record.position())?);
    let header: Option<Vec<String>> = record
        .iter()
        .map(|name| String::from_utf8(name.to_vec()).ok())
        .collect();
    let header = header.ok_or_else(|| Error::BadHeader { place: place.clone() })?;
    let roles = Roles::find(&header, columns, &place)?;
    roles.check(&header, columns, &place)?;
    let mut builder = Builder::new(file.clone(), &header, roles);
    while reader.read_byte_record(&mut record).map_err(read_failed)? {
        let pushed = if record.len() == header.len() {
            builder.push(|place| Cell::Bytes(&record[place]))
        } else {
            Err(RowProblem::Ragged {
                found: record.len(),
                expected: header.len(),
            }
            .into())
        };
        if let Err(stop) = pushed {
            let line = line_at(path, record.position())?;
            return Err(stop.at(&file, || format!("{file}:{line}")));
        }
        if builder.rows().is_multiple_of(ROWS_A_STEP) {
            reporter.advance(ROWS_A_STEP as u64, "");
        }
    }
    if builder.rows() == 0 {
        return Err(Error::NoRows {
            path: path.to_path_buf(),
        });
    }
    Ok(builder.finish())
}

/// The bytes of a file, unpacked.
pub(super) fn open(path: &Path) -> Result<Box<dyn BufRead>, Error> {
    const BUFFER: usize = 1 << 17;
    let file = BufReader::with_capacity(BUFFER, fs::open(path)?);
    let mut input: Box<dyn BufRead> = if is_packed(path) {
        Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(file)))
    } else {
        Box::new(file)
    };
    let start = input.fill_buf().map_err(|source| unreadable(path, source))?;
    if start.is_empty() {
        return Err(Error::Empty {
            path: path.to_path_buf(),
        });
    }
    if start.starts_with(b"\xff\xfe") || start.starts_with(b"\xfe\xff") {
        return Err(Error::Utf16 {
            path: path.to_path_buf(),
        });
    }
    Ok(input)
}

/// The error of a stream: the operating system's, or that of damaged gzip data.
pub(super) fn unreadable(path: &Path, source: io::Error) -> Error {
    if is_packed(path) && source.raw_os_error().is_none() {
        Error::Damaged {
            path: path.to_path_buf(),
            format: "gzip",
            source,
        }
    } else {
        FsError::new("read", path, source).into()
    }
}

/// Looks at the first line, as far as it is in the buffer.
fn choose_separator(path: &Path, input: &mut Box<dyn BufRead>, wanted: u8) -> Result<u8, Error> {
    let start = input.fill_buf().map_err(|source| unreadable(path, source))?;
    let line = start.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if wanted != b',' || line.contains(&b',') {
        return Ok(wanted);
    }
    let other = [b';', b'\t'].into_iter().find(|byte| line.contains(byte));
    Ok(other.unwrap_or(wanted))
}

/// The line, from 1, that the record at this position starts on.
fn line_at(path: &Path, position: Option<&csv::Position>) -> Result<u64, Error> {
    let mut before = position.map_or(0, csv::Position::byte);
    let mut input = open(path)?;
    let mut line = 1;
    loop {
        let chunk = input.fill_buf().map_err(|source| unreadable(path, source))?;
        if chunk.is_empty() {
            return Ok(line);
        }
        let length = chunk.len().min(usize::try_from(before).unwrap_or(usize::MAX));
        if length == 0 {
            // The end of the line before, and empty lines, are skipped together with the record.
            let skipped = chunk.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
            return Ok(line + skipped.filter(|byte| **byte == b'\n').count() as u64);
        }
        line += chunk[..length].split(|byte| *byte == b'\n').count() as u64 - 1;
        before -= length as u64;
        input.consume(length);
    }
}

/// The whole of a small file as text.
pub(super) fn read_small(path: &Path, what: &'static str) -> Result<String, Error> {
    const MOST_BYTES: u64 = 256 << 20;
    let mut bytes = Vec::new();
    let input = open(path)?;
    let read = input.take(MOST_BYTES + 1).read_to_end(&mut bytes);
    read.map_err(|source| unreadable(path, source))?;
    if bytes.len() as u64 > MOST_BYTES {
        return Err(Error::TooLarge {
            path: path.to_path_buf(),
            mebibytes: bytes.len() as u64 >> 20,
            what,
        });
    }
    let text = String::from_utf8(bytes).map_err(|_not_utf8| Error::NotUtf8 {
        path: path.to_path_buf(),
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}
