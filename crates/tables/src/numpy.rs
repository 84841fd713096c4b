//! Rows of NumPy's `.npz` and `.npy`, in which an array is a column.
//!
//! The container of `.npz` is read by the zip crate; the header of an array is our own, because npyz
//! allocates and multiplies whatever a header says. An array takes no more memory than the file has data for.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek};

use half::f16;
use zip::ZipArchive;
use zip::result::ZipError;

use crate::column::{Column, ColumnKind, same_length};
use crate::error::Error;
use crate::row::{Cell, Place, Row};
use crate::source::{Source, unreadable};

/// An array of at most two dimensions.
#[derive(Debug, Clone, PartialEq)]
struct Array {
    /// The length of the first dimension.
    rows: usize,
    /// The length of the second; none in an array of one dimension.
    width: Option<usize>,
    values: Values,
}

/// Values in the order of the rows.
#[derive(Debug, Clone, PartialEq)]
enum Values {
    Integers(Vec<i64>),
    Numbers(Vec<f64>),
    Booleans(Vec<bool>),
    Texts(Vec<String>),
}

impl Array {
    fn cell(&self, row: usize) -> Cell<'_> {
        if let (Some(width), Values::Numbers(values)) = (self.width, &self.values) {
            return Cell::Numbers(Cow::Borrowed(&values[row * width..(row + 1) * width]));
        }
        match &self.values {
            Values::Integers(values) => Cell::Text(Cow::Owned(values[row].to_string())),
            Values::Numbers(values) => Cell::Number(values[row]),
            Values::Booleans(values) => Cell::Text(Cow::Borrowed(if values[row] { "True" } else { "False" })),
            Values::Texts(values) => Cell::Text(Cow::Borrowed(&values[row])),
        }
    }

    /// Integers and booleans of two dimensions as numbers, and a second dimension of 1 left out of labels.
    fn simplified(mut self) -> Self {
        if self.width == Some(1) {
            self.width = None;
        }
        if self.width.is_some() {
            self.values = match self.values {
                Values::Integers(values) => {
                    Values::Numbers(values.into_iter().map(|value| value as f64).collect())
                }
                Values::Booleans(values) => Values::Numbers(
                    values
                        .into_iter()
                        .map(|value| f64::from(u8::from(value)))
                        .collect(),
                ),
                values => values,
            };
        }
        self
    }
}

/// Packed zeros take a thousandth of their size on the disk, and must not take the memory.
const MOST_BYTES: u64 = 8 << 30;

/// An `.npz` or `.npy` whose headers have been read.
pub(crate) struct Numpy {
    name: String,
    columns: Vec<Column>,
    container: Container,
}

enum Container {
    /// An archive, in which a column is the entry of the same number.
    Npz(Box<ZipArchive<BufReader<File>>>),
    /// A single array, from its beginning.
    Npy(BufReader<File>),
}

/// What the array of an `.npy`, which has no name, is called in messages.
const NAMELESS: &str = "the array";

impl Numpy {
    /// Opens an archive. Its columns are in the order of the file, which is that of `np.savez`'s arguments.
    pub(crate) fn open_npz(source: &Source) -> Result<Self, Error> {
        let file = source.name();
        let opened = BufReader::new(source.open_seekable("NumPy")?.file);
        let mut archive = ZipArchive::new(opened).map_err(|error| zip_failed(file, error))?;
        let mut columns = Vec::with_capacity(archive.len());
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index);
            let name = entry.and_then(|entry| Ok(entry.name()?.into_owned()));
            let name = name.map_err(|error| zip_failed(file, error))?;
            let name = name.strip_suffix(".npy").unwrap_or(&name).to_owned();
            // An array that is damaged is an error only for a caller that wants it.
            let header = archive
                .by_index(index)
                .ok()
                .and_then(|mut entry| read_header(&mut entry).ok());
            columns.push(column(name, header.flatten().as_ref()));
        }
        Ok(Self {
            name: file.to_owned(),
            columns,
            container: Container::Npz(Box::new(archive)),
        })
    }

    /// Opens an array, which is the only column.
    pub(crate) fn open_npy(source: &Source) -> Result<Self, Error> {
        let failed = |error| damaged(source.name(), error);
        let mut file = BufReader::new(source.open_seekable("NumPy")?.file);
        let header = read_header(&mut file).map_err(failed)?;
        file.rewind().map_err(failed)?;
        Ok(Self {
            name: source.name().to_owned(),
            columns: vec![column(NAMELESS.to_owned(), header.as_ref())],
            container: Container::Npy(file),
        })
    }

    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Reads the arrays of these columns, which must be of one length.
    pub(crate) fn rows(self, places: &[usize]) -> Result<NumpyRows, Error> {
        let Self {
            name: file,
            columns,
            mut container,
        } = self;
        let mut arrays = Vec::with_capacity(places.len());
        for &place in places {
            let column = &columns[place].name;
            arrays.push(match &mut container {
                Container::Npz(archive) => {
                    let entry = archive
                        .by_index(place)
                        .map_err(|error| zip_failed(&file, error))?;
                    read_array(&file, column, entry)?
                }
                Container::Npy(input) => read_array(&file, column, input)?,
            });
        }
        let lengths = places
            .iter()
            .zip(&arrays)
            .map(|(place, array)| (&columns[*place].name, array.rows));
        let rows = same_length(&file, lengths)?;
        if rows == 0 {
            return Err(Error::Empty { file });
        }
        Ok(NumpyRows {
            arrays,
            rows,
            next: 0,
        })
    }
}

/// The rows of arrays that lie in memory.
pub(crate) struct NumpyRows {
    arrays: Vec<Array>,
    rows: usize,
    next: usize,
}

impl NumpyRows {
    pub(crate) fn next_row(&mut self) -> Option<Row<'_>> {
        if self.next == self.rows {
            return None;
        }
        let row = self.next;
        self.next += 1;
        Some(Row {
            place: Place::Row(self.next as u64),
            cells: Ok(self.arrays.iter().map(|array| array.cell(row)).collect()),
        })
    }
}

/// What a header says of its column.
fn column(name: String, header: Option<&Header>) -> Column {
    let (kind, type_name) = match header {
        None => (ColumnKind::Unreadable, String::new()),
        Some(header) => match header.checked() {
            Err(found) => (ColumnKind::Unreadable, found),
            Ok((dtype, _, width)) => dtype.column_kind(width),
        },
    };
    Column {
        name,
        within: None,
        kind,
        type_name,
    }
}

fn zip_failed(file: &str, error: ZipError) -> Error {
    match error {
        ZipError::Io(source) => damaged(file, source),
        other => damaged(file, io::Error::new(io::ErrorKind::InvalidData, other)),
    }
}

fn damaged(file: &str, source: io::Error) -> Error {
    if source.raw_os_error().is_some() {
        return unreadable(file, source);
    }
    Error::BadNumpy {
        file: file.to_owned(),
        source,
    }
}

/// What the header of an array says.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Header {
    /// Such as `<f4`.
    descr: String,
    is_fortran: bool,
    shape: Vec<u64>,
}

impl Header {
    /// The type, the rows and the width of an array that can be read; what it is in words if it cannot.
    fn checked(&self) -> Result<(Type, u64, Option<u64>), String> {
        let dtype = Type::of(&self.descr).ok_or_else(|| {
            if self.descr.contains('O') {
                "an array of pickled objects".to_owned()
            } else {
                format!("an array of `{}`", self.descr)
            }
        })?;
        match self.shape.as_slice() {
            [_, 0] => Err("an array without columns".to_owned()),
            [rows] => Ok((dtype, *rows, None)),
            [rows, width] => Ok((dtype, *rows, Some(*width))),
            shape => Err(format!("an array of {} dimensions", shape.len())),
        }
    }
}

/// Reads an array of one or two dimensions.
fn read_array(file: &str, name: &str, mut input: impl Read) -> Result<Array, Error> {
    let failed = |source| damaged(file, source);
    let invalid = |what: &str| damaged(file, io::Error::new(io::ErrorKind::InvalidData, what));
    let header = read_header(&mut input).map_err(failed)?;
    let header = header.ok_or_else(|| invalid("an array has a header that NumPy does not write"))?;
    let (dtype, rows, width) = header.checked().map_err(|found| Error::ColumnType {
        file: file.to_owned(),
        setting: None,
        column: name.to_owned(),
        found,
        expected: "numbers, booleans or strings of one or two dimensions",
    })?;
    let size = |value: u64| usize::try_from(value).or(Err(invalid("an array is larger than the memory")));
    let (rows, width) = (size(rows)?, width.map(size).transpose()?);
    let count = rows.checked_mul(width.unwrap_or(1));
    let count = count.ok_or_else(|| invalid("an array is larger than the memory"))?;
    let bytes = count.saturating_mul(dtype.bytes()) as u64;
    if bytes > MOST_BYTES {
        return Err(Error::TooLarge {
            file: file.to_owned(),
            mebibytes: bytes >> 20,
            what: "NumPy array",
        });
    }
    let mut values = dtype.read(input, count).map_err(failed)?;
    if let Some(width) = width
        && header.is_fortran
    {
        values = values.transposed(rows, width);
    }
    Ok(Array { rows, width, values }.simplified())
}

/// The header, if it is one; the stream is then at the data.
fn read_header(input: &mut impl Read) -> io::Result<Option<Header>> {
    /// NumPy itself refuses longer ones.
    const MOST_BYTES: u64 = 1 << 16;
    let mut magic = [0; 8];
    input.read_exact(&mut magic)?;
    if !magic.starts_with(b"\x93NUMPY") {
        return Ok(None);
    }
    let length = if magic[6] == 1 {
        let mut length = [0; 2];
        input.read_exact(&mut length)?;
        u64::from(u16::from_le_bytes(length))
    } else {
        let mut length = [0; 4];
        input.read_exact(&mut length)?;
        u64::from(u32::from_le_bytes(length))
    };
    if length > MOST_BYTES {
        return Ok(None);
    }
    let mut text = Vec::new();
    input.take(length).read_to_end(&mut text)?;
    Ok(std::str::from_utf8(&text).ok().and_then(parse_header))
}

/// `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }`
fn parse_header(text: &str) -> Option<Header> {
    let after = |key: &str| {
        let rest = text.split_once(&format!("'{key}':"))?.1;
        Some(rest.trim_start())
    };
    let descr = after("descr")?;
    // A list of fields, which no caller reads, stays whole for the message.
    let descr = match descr.strip_prefix('\'') {
        Some(rest) => rest.split('\'').next()?,
        None => descr.split(']').next()?,
    };
    let shape = after("shape")?.strip_prefix('(')?.split(')').next()?;
    let shape = shape
        .split(',')
        .map(str::trim)
        .filter(|length| !length.is_empty())
        .map(|length| length.trim_end_matches('L').parse().ok())
        .collect::<Option<_>>()?;
    Some(Header {
        descr: descr.to_owned(),
        is_fortran: after("fortran_order")?.starts_with("True"),
        shape,
    })
}

/// The type of an array's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Type {
    is_big_endian: bool,
    kind: char,
    /// Bytes of a value; of a string characters.
    size: usize,
}

impl Type {
    fn of(descr: &str) -> Option<Self> {
        let mut characters = descr.chars();
        let order = characters.next()?;
        let kind = characters.next()?;
        let size: usize = characters.as_str().parse().ok()?;
        let is_known = match kind {
            'b' => size == 1,
            'i' | 'u' => matches!(size, 1 | 2 | 4 | 8),
            'f' => matches!(size, 2 | 4 | 8),
            'U' | 'S' => size <= 1 << 24,
            _ => false,
        };
        (is_known && "<>|=".contains(order)).then_some(Self {
            is_big_endian: order == '>',
            kind,
            size,
        })
    }

    /// What an array of this type holds in each row.
    fn column_kind(self, width: Option<u64>) -> (ColumnKind, String) {
        let is_list = width.is_some_and(|width| width > 1);
        match (self.kind, is_list) {
            ('U' | 'S', false) => (ColumnKind::Text, "an array of strings".to_owned()),
            ('b', false) => (ColumnKind::Boolean, "an array of booleans".to_owned()),
            (_, false) => (ColumnKind::Number, "an array of numbers".to_owned()),
            ('U' | 'S', true) => (ColumnKind::Other, "an array of two dimensions".to_owned()),
            (_, true) => (ColumnKind::NumberList, "an array of two dimensions".to_owned()),
        }
    }

    fn bytes(self) -> usize {
        if self.kind == 'U' {
            4 * self.size
        } else {
            self.size
        }
    }

    /// Reads so many values. The memory grows with the data that come, not with what the header promises.
    fn read(self, mut input: impl Read, count: usize) -> io::Result<Values> {
        let bytes = self.bytes();
        // A buffer of whole values.
        let a_step = ((1 << 16) / bytes.max(1)).max(1);
        let mut buffer = vec![0; a_step * bytes];
        let mut values = match self.kind {
            'b' => Values::Booleans(Vec::new()),
            'i' | 'u' => Values::Integers(Vec::new()),
            'f' => Values::Numbers(Vec::new()),
            _ => Values::Texts(Vec::new()),
        };
        if bytes == 0 && count > 0 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "an array of strings without characters",
            ));
        }
        let mut left = count;
        while left > 0 {
            let now = left.min(a_step);
            let chunk = &mut buffer[..now * bytes];
            input.read_exact(chunk)?;
            for value in chunk.chunks_exact_mut(bytes) {
                if self.is_big_endian {
                    let unit = if self.kind == 'U' { 4 } else { bytes };
                    if self.kind != 'S' {
                        value.chunks_exact_mut(unit).for_each(<[u8]>::reverse);
                    }
                }
                self.push(&mut values, value)?;
            }
            left -= now;
        }
        Ok(values)
    }

    /// Adds a value whose bytes are in little-endian order.
    fn push(self, values: &mut Values, bytes: &[u8]) -> io::Result<()> {
        let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what);
        match values {
            Values::Booleans(values) => values.push(bytes[0] != 0),
            Values::Integers(values) => {
                let is_negative = self.kind == 'i' && bytes[bytes.len() - 1] & 0x80 != 0;
                let mut whole = [if is_negative { 0xff } else { 0 }; 8];
                whole[..bytes.len()].copy_from_slice(bytes);
                let value = i64::from_le_bytes(whole);
                if self.kind == 'u' && value < 0 {
                    return Err(invalid("a number beyond 2^63"));
                }
                values.push(value);
            }
            Values::Numbers(values) => values.push(match *bytes {
                [a, b] => f16::from_le_bytes([a, b]).to_f64(),
                [a, b, c, d] => f64::from(f32::from_le_bytes([a, b, c, d])),
                _ => {
                    let whole = bytes.first_chunk::<8>().copied().map(f64::from_le_bytes);
                    whole.ok_or_else(|| invalid("a number of another size"))?
                }
            }),
            Values::Texts(values) => {
                let text = if self.kind == 'U' {
                    let codes = bytes.chunks_exact(4);
                    let codes = codes.map(|code| u32::from_le_bytes([code[0], code[1], code[2], code[3]]));
                    codes.map(char::from_u32).collect::<Option<String>>()
                } else {
                    String::from_utf8(bytes.to_vec()).ok()
                };
                let text = text.ok_or_else(|| invalid("a string that is not UTF-8"))?;
                values.push(text.trim_end_matches('\0').to_owned());
            }
        }
        Ok(())
    }
}

impl Values {
    /// Column by column to row by row.
    fn transposed(self, rows: usize, width: usize) -> Self {
        fn turn<T: Clone>(values: &[T], rows: usize, width: usize) -> Vec<T> {
            (0..rows)
                .flat_map(|row| (0..width).map(move |column| column * rows + row))
                .map(|place| values[place].clone())
                .collect()
        }
        match self {
            Self::Integers(values) => Self::Integers(turn(&values, rows, width)),
            Self::Numbers(values) => Self::Numbers(turn(&values, rows, width)),
            Self::Booleans(values) => Self::Booleans(turn(&values, rows, width)),
            Self::Texts(values) => Self::Texts(turn(&values, rows, width)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_promises_more_than_there_is_takes_no_memory() {
        let read = |shape: &str| {
            let text = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}");
            let mut bytes = b"\x93NUMPY\x01\x00\x76\x00".to_vec();
            bytes.extend(format!("{text:<118}").as_bytes());
            bytes.extend([0; 64]);
            let error = read_array("a.npy", "a", bytes.as_slice()).unwrap_err();
            error.to_string()
        };
        let damaged = "`a.npy` is damaged or no NumPy file";
        assert_eq!(read("(18446744073709551615, 4)"), damaged);
        assert_eq!(read("(100000000,)"), damaged);
        let too_large = "`a.npy` has 68719476735 MiB, more than Labelproof reads of a NumPy array";
        assert_eq!(read("(9007199254740991, 1)"), too_large);
        assert!(read("(9007199254740991, 0)").contains("an array without columns"));
    }
}
