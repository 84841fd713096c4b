//! Files that are no text, by their first bytes.

use crate::dialect::Format;
use crate::encoding::Mark;
use crate::error::Error;

/// First bytes, what they are of, and what to do with such a file.
const FOREIGN: [(&[u8], &str, &str); 12] = [
    (b"\xD0\xCF\x11\xE0", "an Excel workbook", SAVE_AS_CSV),
    (
        b"SQLite format 3",
        "an SQLite database",
        "export its table as CSV",
    ),
    (b"BZh", "packed with bzip2", UNPACK),
    (b"\xFD7zXZ", "packed with xz", UNPACK),
    (b"\x28\xB5\x2F\xFD", "packed with Zstandard", UNPACK),
    (b"7z\xBC\xAF", "a 7-Zip archive", UNPACK),
    (b"%PDF", "a PDF", "export its table as CSV"),
    (b"\x89HDF", "an HDF5 file", PICKLED),
    (
        b"ARROW1",
        "an Arrow file",
        "save it as Parquet: pandas.read_feather(path).to_parquet(\"rows.parquet\")",
    ),
    (
        b"\xFF\xFF\xFF\xFF",
        "an Arrow stream, as `datasets` keeps its cache",
        "save it as Parquet: dataset.to_parquet(\"rows.parquet\")",
    ),
    (b"Obj\x01", "an Avro file", "save it as Parquet"),
    (b"ORC", "an ORC file", "save it as Parquet"),
];

const SAVE_AS_CSV: &str = "save the sheet as CSV";
const UNPACK: &str = "unpack it, or pack it with gzip as `.gz`";
const PICKLED: &str = "save what is in it as a table: pandas.DataFrame(...).to_csv(\"rows.csv\")";

/// The format of a binary file; none if the file is text. An error if it is no table that is read.
pub(super) fn binary(start: &[u8], named: Option<Format>, file: &str) -> Result<Option<Format>, Error> {
    let foreign = |kind, hint| {
        Err(Error::Foreign {
            file: file.to_owned(),
            kind,
            hint,
        })
    };
    if start.starts_with(b"PAR1") {
        return Ok(Some(Format::Parquet));
    }
    if start.starts_with(b"\x93NUMPY") {
        return Ok(Some(Format::Npy));
    }
    // What the name promises is for its reader to deny.
    if let Some(Format::Parquet | Format::Npz | Format::Npy) = named {
        return Ok(named);
    }
    if start.starts_with(b"PK\x03\x04") {
        let has = |part: &[u8]| start.windows(part.len()).any(|bytes| bytes == part);
        return if has(b"xl/") || has(b"[Content_Types].xml") {
            foreign("an Excel workbook", SAVE_AS_CSV)
        } else if has(b"opendocument.spreadsheet") {
            foreign("a spreadsheet", SAVE_AS_CSV)
        } else if has(b"data.pkl") {
            foreign("what torch.save writes", PICKLED)
        } else if has(b".npy") {
            Ok(Some(Format::Npz))
        } else {
            foreign("a ZIP archive", UNPACK)
        };
    }
    if let Some((_, kind, hint)) = FOREIGN.iter().find(|(magic, ..)| start.starts_with(magic)) {
        return foreign(kind, hint);
    }
    if let [0x80, 2..=5, ..] = start {
        return foreign("a Python pickle", PICKLED);
    }
    if start.starts_with(b"\x1F\x8B") {
        return foreign(
            "packed with gzip, and its name does not say so",
            "give it a name that ends in `.gz`",
        );
    }
    Ok(None)
}

/// Whether bytes that should be text have more control characters than any text.
pub(super) fn is_binary(start: &[u8]) -> bool {
    if Mark::of(start) != Mark::None {
        return false;
    }
    let is_control = |byte: &&u8| **byte < 0x20 && !b"\t\n\r\x0C\x1B".contains(byte);
    start.iter().filter(is_control).count() * 50 > start.len()
}
