//! Checks the claims in the headers of a Parquet file before anything is decompressed.
//!
//! The library takes the headers' word for it: up to 2 GiB a page and 16 GiB a dictionary, in a file of a few
//! hundred bytes too, and it goes on for hours where the lists in a header claim to be longer than the file.
//! Headers are in Thrift's compact protocol; all that is needed of it is to read three numbers and to skip
//! the rest.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};

use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

/// The largest page, in bytes after decompression. Writers end a page after a megabyte or a row.
const LARGEST_PAGE: u64 = 512 << 20;

/// The size after decompression that a file of any size may have, in bytes.
const ALWAYS_FINE: u64 = 1 << 30;

/// The largest ratio of decompressed to compressed size beyond that. One word, repeated without end, reaches
/// 20,000.
const LARGEST_RATIO: u64 = 50_000;

/// The deepest nesting of structures in a header; the format nests some ten.
const DEEPEST: u8 = 32;

/// The bytes behind the footer: its length and the magic number.
const TAIL: u64 = 8;

fn untrue(problem: &str) -> ParquetError {
    ParquetError::General(problem.to_owned())
}

/// Fails if the footer of a file claims to hold more than it does. A file without a footer is left to the
/// library.
pub(crate) fn check_footer(file: &File) -> Result<(), ParquetError> {
    let length = file.metadata()?.len();
    let mut reader = BufReader::new(file.try_clone()?);
    let Some(tail) = length.checked_sub(TAIL) else {
        return Ok(());
    };
    reader.seek(SeekFrom::Start(tail))?;
    let mut footer_length = [0; 4];
    reader.read_exact(&mut footer_length)?;
    let Some(start) = tail.checked_sub(u64::from(u32::from_le_bytes(footer_length))) else {
        return Ok(());
    };
    reader.seek(SeekFrom::Start(start))?;
    let mut compact = Compact {
        reader: reader.take(tail - start),
        read: 0,
    };
    compact
        .skip(STRUCT, 0)
        .map_err(|error| untrue(&format!("its footer is cut off or damaged: {error}")))
}

/// Fails if the pages of a file together unpack to absurdly more than the file has.
pub(crate) fn check(file: &File, metadata: &ParquetMetaData) -> Result<(), ParquetError> {
    let length = file.metadata()?.len();
    let most = ALWAYS_FINE.saturating_add(length.saturating_mul(LARGEST_RATIO));
    let mut reader = BufReader::with_capacity(4096, file.try_clone()?);
    let mut total = 0_u64;
    for group in metadata.row_groups() {
        for column in group.columns() {
            let first = column
                .dictionary_page_offset()
                .unwrap_or_else(|| column.data_page_offset());
            let packed = u64::try_from(column.compressed_size()).unwrap_or(0);
            let mut place = u64::try_from(first).unwrap_or(u64::MAX);
            let end = place.saturating_add(packed).min(length);
            while place < end {
                let page = read_header(&mut reader, place).map_err(|error| {
                    untrue(&format!("the header of a page is cut off or damaged: {error}"))
                })?;
                // The shortest values of a dictionary take four bytes; truth values have none.
                if page.dictionary_values > page.unpacked {
                    return Err(untrue("a dictionary claims more values than it has bytes"));
                }
                total = total.saturating_add(page.unpacked);
                if page.unpacked > LARGEST_PAGE {
                    return Err(ParquetError::General(format!(
                        "a page claims to unpack to {} bytes, more than {LARGEST_PAGE}",
                        page.unpacked
                    )));
                }
                if total > most {
                    return Err(ParquetError::General(format!(
                        "its {length} bytes claim to unpack to more than {most}"
                    )));
                }
                place = place.saturating_add(page.header).saturating_add(page.packed);
            }
        }
    }
    Ok(())
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Page {
    /// The size of the header, in bytes.
    header: u64,
    /// The size of the compressed page, in bytes.
    packed: u64,
    /// The size of the decompressed page, in bytes.
    unpacked: u64,
    /// The number of values of a dictionary page; 0 for data pages.
    dictionary_values: u64,
}

/// Reads the header of the page at `place`.
fn read_header(reader: &mut BufReader<File>, place: u64) -> io::Result<Page> {
    reader.seek(SeekFrom::Start(place))?;
    let mut compact = Compact { reader, read: 0 };
    let mut page = Page::default();
    let mut field = 0;
    while let Some((id, kind)) = compact.field(field)? {
        field = id;
        match (id, kind) {
            (2, I32) => page.unpacked = compact.size()?,
            (3, I32) => page.packed = compact.size()?,
            (7, STRUCT) => page.dictionary_values = compact.first_size()?,
            (_, kind) => compact.skip(kind, 0)?,
        }
    }
    page.header = compact.read;
    Ok(page)
}

// The types of the compact protocol.
const TRUE: u8 = 1;
const FALSE: u8 = 2;
const BYTE: u8 = 3;
const I16: u8 = 4;
const I32: u8 = 5;
const I64: u8 = 6;
const DOUBLE: u8 = 7;
const BINARY: u8 = 8;
const LIST: u8 = 9;
const SET: u8 = 10;
const STRUCT: u8 = 12;

struct Compact<R> {
    reader: R,
    /// The number of bytes that were read.
    read: u64,
}

impl<R: BufRead> Compact<R> {
    fn byte(&mut self) -> io::Result<u8> {
        let mut byte = [0];
        self.reader.read_exact(&mut byte)?;
        self.read += 1;
        Ok(byte[0])
    }

    fn variable(&mut self) -> io::Result<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(io::ErrorKind::InvalidData.into())
    }

    /// A number that is no less than 0.
    fn size(&mut self) -> io::Result<u64> {
        let zigzag = self.variable()?;
        if zigzag % 2 == 0 {
            Ok(zigzag / 2)
        } else {
            Err(io::ErrorKind::InvalidData.into())
        }
    }

    /// The first field of a structure, a number, and the structure's end.
    fn first_size(&mut self) -> io::Result<u64> {
        let (mut field, mut first) = (0, 0);
        while let Some((id, kind)) = self.field(field)? {
            field = id;
            match (id, kind) {
                (1, I32) => first = self.size()?,
                (_, kind) => self.skip(kind, 1)?,
            }
        }
        Ok(first)
    }

    /// Number and type of the next field, after the field `before`; nothing at the end of the structure.
    fn field(&mut self, before: u64) -> io::Result<Option<(u64, u8)>> {
        let head = self.byte()?;
        if head == 0 {
            return Ok(None);
        }
        let id = match head >> 4 {
            0 => self.size()?,
            step => before.saturating_add(u64::from(step)),
        };
        Ok(Some((id, head & 0x0f)))
    }

    fn skip_bytes(&mut self, count: u64) -> io::Result<()> {
        let skipped = io::copy(&mut self.reader.by_ref().take(count), &mut io::sink())?;
        self.read += skipped;
        if skipped == count {
            Ok(())
        } else {
            Err(io::ErrorKind::UnexpectedEof.into())
        }
    }

    fn skip(&mut self, kind: u8, depth: u8) -> io::Result<()> {
        if depth > DEEPEST {
            return Err(io::ErrorKind::InvalidData.into());
        }
        match kind {
            TRUE | FALSE => Ok(()),
            BYTE => self.skip_bytes(1),
            I16 | I32 | I64 => self.variable().map(drop),
            DOUBLE => self.skip_bytes(8),
            BINARY => {
                let length = self.variable()?;
                self.skip_bytes(length)
            }
            LIST | SET => {
                let head = self.byte()?;
                let count = match head >> 4 {
                    15 => self.variable()?,
                    count => u64::from(count),
                };
                for _ in 0..count {
                    match head & 0x0f {
                        // Within a list a truth value has a byte of its own.
                        TRUE | FALSE => self.skip_bytes(1)?,
                        kind => self.skip(kind, depth + 1)?,
                    }
                }
                Ok(())
            }
            STRUCT => {
                let mut field = 0;
                while let Some((id, kind)) = self.field(field)? {
                    field = id;
                    self.skip(kind, depth + 1)?;
                }
                Ok(())
            }
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the files are of this test alone")]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, RecordBatch, StringArray};
    use parquet::arrow::ArrowWriter;
    use parquet::basic::Compression;
    use parquet::file::properties::WriterProperties;
    use parquet::file::reader::FileReader;
    use parquet::file::serialized_reader::SerializedFileReader;

    use super::*;

    /// A file of texts that are all alike, in pages of about a hundred rows.
    fn write(path: &std::path::Path) -> ParquetMetaData {
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["the same text again"; 2000]));
        let batch = RecordBatch::try_from_iter([("text", texts)]).unwrap();
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_dictionary_enabled(false)
            .set_write_batch_size(100)
            .set_data_page_row_count_limit(100)
            .build();
        let file = File::create(path).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap()
    }

    #[test]
    fn headers_are_read_as_the_library_writes_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("texts.parquet");
        let metadata = write(&path);
        let column = metadata.row_group(0).column(0);
        let mut reader = BufReader::new(File::open(&path).unwrap());
        let (mut place, mut unpacked, mut pages) = (u64::try_from(column.data_page_offset()).unwrap(), 0, 0);
        let end = place + u64::try_from(column.compressed_size()).unwrap();
        while place < end {
            let page = read_header(&mut reader, place).unwrap();
            place += page.header + page.packed;
            // The library counts the headers in, too.
            unpacked += page.header + page.unpacked;
            pages += 1;
        }
        assert_eq!(place, end, "the pages follow each other without a gap");
        assert_eq!(unpacked, u64::try_from(column.uncompressed_size()).unwrap());
        assert_eq!(pages, 20);
        check(&File::open(&path).unwrap(), &metadata).unwrap();
    }

    #[test]
    fn a_footer_that_claims_a_longer_list_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("texts.parquet");
        write(&path);
        check_footer(&File::open(&path).unwrap()).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let length = bytes.len();
        let footer =
            length - 8 - u32::from_le_bytes(bytes[length - 8..length - 4].try_into().unwrap()) as usize;
        // The version of the format, then the list of columns with its length in the upper half of a byte.
        assert_eq!(bytes[footer + 2], 0x19);
        bytes[footer + 3] |= 0xe0;
        std::fs::write(&path, &bytes).unwrap();
        let error = check_footer(&File::open(&path).unwrap()).unwrap_err().to_string();
        assert!(error.contains("its footer is cut off or damaged"), "{error}");
    }

    #[test]
    fn a_page_that_claims_two_gigabytes_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("texts.parquet");
        let metadata = write(&path);
        let mut bytes = std::fs::read(&path).unwrap();
        // Type, then the size unpacked: a field of type i32 one further, and a number of two bytes here.
        let place = usize::try_from(metadata.row_group(0).column(0).data_page_offset()).unwrap();
        assert_eq!(bytes[place + 2], 0x15);
        let claimed = [0xfe, 0xff, 0xff, 0xff, 0x0f];
        bytes.splice(place + 3..place + 5, claimed);
        std::fs::write(&path, &bytes).unwrap();
        let error = check(&File::open(&path).unwrap(), &metadata)
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("a page claims to unpack to 2147483647 bytes"),
            "{error}"
        );
        assert!(
            SerializedFileReader::new(File::open(&path).unwrap())
                .is_ok_and(|reader| reader.num_row_groups() == 1)
        );
    }
}
