//! Rows of NumPy's `.npz` and `.npy`.
//!
//! The container of `.npz` is read by the zip crate; the header of an array is our own, because npyz allocates and
//! multiplies whatever a header says. An array takes no more memory than the file has data for.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use half::f16;
use labelproof_artifact::fs::{self, FsError};
use labelproof_artifact::{Reporter, Split};
use zip::ZipArchive;
use zip::result::ZipError;

use super::error::Error;
use super::roles::{Columns, Role, Roles, ScoreColumns};
use super::table::{Builder, Cell, Table};

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
            return Cell::Numbers(&values[row * width..(row + 1) * width]);
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

    /// The class of each row, if each row has a single 1 and otherwise zeros.
    fn one_hot_classes(&self) -> Option<Self> {
        let (Some(width), Values::Numbers(values)) = (self.width, &self.values) else {
            return None;
        };
        let class = |row: &[f64]| {
            let is = |value: f64, wanted: f64| value.total_cmp(&wanted).is_eq();
            let one = row.iter().position(|value| is(*value, 1.0))?;
            let zeros = row.iter().filter(|value| is(**value, 0.0)).count();
            (zeros + 1 == row.len()).then(|| i64::try_from(one).ok())?
        };
        let classes: Option<Vec<i64>> = values.chunks_exact(width.max(1)).map(class).collect();
        Some(Self {
            rows: self.rows,
            width: None,
            values: Values::Integers(classes?),
        })
    }
}

/// Packed zeros take a thousandth of their size on the disk, and must not take the memory.
const MOST_BYTES: u64 = 8 << 30;

/// Reads the arrays of an `.npz`.
pub(super) fn read_npz(path: &Path, columns: &Columns, reporter: &dyn Reporter) -> Result<Table, Error> {
    let file = path.display().to_string();
    let opened = fs::open(path)?;
    if opened
        .metadata()
        .is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0)
    {
        return Err(Error::Empty {
            path: path.to_path_buf(),
        });
    }
    let mut archive = ZipArchive::new(BufReader::new(opened)).map_err(|error| zip_failed(path, error))?;
    // In the order of the file, which is that of `np.savez`'s arguments.
    let entries: Vec<String> = (0..archive.len())
        .map(|index| archive.by_index_raw(index).map(|entry| entry.name().to_owned()))
        .collect::<Result<_, _>>()
        .map_err(|error| zip_failed(path, error))?;
    let header: Vec<String> = entries
        .iter()
        .map(|name| name.strip_suffix(".npy").unwrap_or(name).to_owned())
        .collect();
    let mut roles = Roles::find(&header, columns, &file)?;
    roles.check(&header, columns, &file)?;
    roles.candidates.clear();
    let mut arrays = vec![None; header.len()];
    let singles = [roles.id, roles.text, roles.truth, roles.predicted, roles.group];
    let mut needed: Vec<usize> = singles.into_iter().flatten().collect();
    match &roles.scores {
        ScoreColumns::None => {}
        ScoreColumns::Each { places, .. } => needed.extend(places),
        ScoreColumns::One { place, .. } => needed.push(*place),
    }
    for place in needed {
        let entry = archive.by_index(place).map_err(|error| zip_failed(path, error))?;
        arrays[place] = Some(read_array(path, &header[place], entry)?);
    }
    settle(&mut roles, &mut arrays, &header, &file)?;
    build(path, &header, roles, &arrays, reporter)
}

/// Reads an `.npy`: scores if it has two dimensions, and otherwise predictions.
pub(super) fn read_npy(path: &Path, split: Split, reporter: &dyn Reporter) -> Result<Table, Error> {
    let file = path.display().to_string();
    let opened: File = fs::open(path)?;
    let mut roles = Roles::find(&[], &Columns::default(), &file)?;
    let array = read_array(path, "the array", BufReader::new(opened))?;
    let header = if array.width.is_some() {
        roles.scores = ScoreColumns::One {
            place: 0,
            class: None,
            logits: false,
        };
        ["scores".to_owned()]
    } else {
        roles.predicted = Some(0);
        ["predictions".to_owned()]
    };
    let (split, name) = (split.name(), &header[0]);
    reporter.message(&format!(
        "{file}: taken as {name} without true labels; for these give an .npz: \
         np.savez(\"{split}.npz\", y_true=labels, {name}={name})"
    ));
    build(path, &header, roles, &[Some(array)], reporter)
}

/// What the dimensions say: predictions of two dimensions are scores, true labels of two are one-hot.
fn settle(
    roles: &mut Roles,
    arrays: &mut [Option<Array>],
    header: &[String],
    file: &str,
) -> Result<(), Error> {
    let has_two = |arrays: &[Option<Array>], place: usize| {
        arrays[place].as_ref().is_some_and(|array| array.width.is_some())
    };
    let wrong = |place: usize, expected| Error::ColumnType {
        place: file.to_owned(),
        column: header[place].clone(),
        found: "an array of two dimensions".to_owned(),
        expected,
    };
    if let Some(place) = roles.predicted
        && has_two(arrays, place)
    {
        roles.predicted = None;
        roles.named.retain(|role| *role != Role::Predicted);
        // Hugging Face's Trainer calls its logits `predictions`.
        if roles.scores == ScoreColumns::None {
            roles.scores = ScoreColumns::One {
                place,
                class: None,
                logits: false,
            };
        }
    }
    if let Some(place) = roles.truth
        && has_two(arrays, place)
    {
        let labels = arrays[place].as_ref().and_then(Array::one_hot_classes);
        arrays[place] = Some(labels.ok_or_else(|| wrong(place, "a label a row, or a single 1 in each row"))?);
    }
    for place in [roles.id, roles.text, roles.group].into_iter().flatten() {
        if has_two(arrays, place) {
            return Err(wrong(place, "one dimension"));
        }
    }
    Ok(())
}

fn build(
    path: &Path,
    header: &[String],
    roles: Roles,
    arrays: &[Option<Array>],
    reporter: &dyn Reporter,
) -> Result<Table, Error> {
    let file = path.display().to_string();
    let lengths: Vec<(&String, usize)> = header
        .iter()
        .zip(arrays)
        .filter_map(|(name, array)| Some((name, array.as_ref()?.rows)))
        .collect();
    let (first, rows) = lengths[0];
    if let Some((second, second_rows)) = lengths.iter().find(|(_, length)| *length != rows) {
        return Err(Error::ArrayLengths {
            place: file,
            first: first.clone(),
            first_rows: rows,
            second: (*second).clone(),
            second_rows: *second_rows,
        });
    }
    if rows == 0 {
        return Err(Error::Empty {
            path: path.to_path_buf(),
        });
    }
    let mut builder = Builder::new(file.clone(), header, roles);
    for row in 0..rows {
        let cell = |place: usize| {
            arrays[place]
                .as_ref()
                .map_or(Cell::Missing, |array| array.cell(row))
        };
        if let Err(stop) = builder.push(cell) {
            return Err(stop.at(&file, || format!("{file}: row {}", row + 1)));
        }
    }
    reporter.advance(rows as u64, "");
    Ok(builder.finish())
}

fn zip_failed(path: &Path, error: ZipError) -> Error {
    let source = match error {
        ZipError::Io(source) if source.raw_os_error().is_some() => {
            return FsError::new("read", path, source).into();
        }
        ZipError::Io(source) => source,
        other => io::Error::new(io::ErrorKind::InvalidData, other),
    };
    damaged(path, source)
}

fn damaged(path: &Path, source: io::Error) -> Error {
    if source.raw_os_error().is_some() {
        return FsError::new("read", path, source).into();
    }
    Error::Damaged {
        path: path.to_path_buf(),
        format: "NumPy",
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

/// Reads an array of one or two dimensions.
fn read_array(path: &Path, name: &str, mut input: impl Read) -> Result<Array, Error> {
    let failed = |source| damaged(path, source);
    let invalid = |what: &str| damaged(path, io::Error::new(io::ErrorKind::InvalidData, what));
    let header = read_header(&mut input).map_err(failed)?;
    let header = header.ok_or_else(|| invalid("an array has a header that NumPy does not write"))?;
    let wrong = |found: String| Error::ColumnType {
        place: path.display().to_string(),
        column: name.to_owned(),
        found,
        expected: "numbers, booleans or strings of one or two dimensions",
    };
    let dtype = Type::of(&header.descr).ok_or_else(|| {
        wrong(if header.descr.contains('O') {
            "an array of pickled objects".to_owned()
        } else {
            format!("an array of `{}`", header.descr)
        })
    })?;
    let (rows, width) = match header.shape.as_slice() {
        [rows] => (*rows, None),
        [rows, width] => (*rows, Some(*width)),
        shape => return Err(wrong(format!("an array of {} dimensions", shape.len()))),
    };
    let size = |value: u64| usize::try_from(value).or(Err(invalid("an array is larger than the memory")));
    let (rows, width) = (size(rows)?, width.map(size).transpose()?);
    let count = rows.checked_mul(width.unwrap_or(1));
    let count = count.ok_or_else(|| invalid("an array is larger than the memory"))?;
    if width == Some(0) {
        return Err(wrong("an array without columns".to_owned()));
    }
    let bytes = count.saturating_mul(dtype.bytes()) as u64;
    if bytes > MOST_BYTES {
        return Err(Error::TooLarge {
            path: path.to_path_buf(),
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
            let error = read_array(Path::new("a.npy"), "a", bytes.as_slice()).unwrap_err();
            error.to_string()
        };
        let damaged = "`a.npy` is damaged or no NumPy file";
        assert_eq!(read("(18446744073709551615, 4)"), damaged);
        assert_eq!(read("(100000000,)"), damaged);
        let too_large = "`a.npy` has 68719476735 MiB, more than the audit reads of a NumPy array";
        assert_eq!(read("(9007199254740991, 1)"), too_large);
        assert!(read("(9007199254740991, 0)").contains("an array without columns"));
    }
}
