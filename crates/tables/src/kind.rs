//! What a file really is, told by its first bytes: for files that a reader of text cannot read, whatever
//! their name or a setting says of them.
//!
//! How packed files are unpacked is the affair of `packing`.

use crate::dialect::{Format, Settings};
use crate::encoding::{Encoding, Mark};
use crate::error::Error;
use crate::packing::Packing;

/// A kind of file that is no text, or no table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kind {
    /// With an article, such as "a PDF".
    pub(crate) name: &'static str,
    /// The format by which it can be read, if there is one.
    format: Option<Format>,
    /// What to do with it otherwise.
    hint: &'static str,
}

const SAVE_AS_CSV: &str = "save the sheet as CSV";
const EXPORT_AS_CSV: &str = "export its table as CSV";
const SAVE_AS_PARQUET: &str = "save it as Parquet";
const SAVE_AS_TEXT: &str = "save its text as a text file, or its table as CSV";
const UNPACK: &str = "unpack it, and name the files in it";
const UNPACK_ONCE: &str = "unpack it once";
const PICKLED: &str = "save what is in it as a table: pandas.DataFrame(...).to_csv(\"rows.csv\")";
const FROM_PANDAS: &str = "save it as CSV, for example with pandas: `DataFrame.to_csv`";
const NO_TEXT: &str = "save the texts and labels as CSV, JSON or Parquet";
const FETCH: &str =
    "fetch the file itself: what is there is the answer of a server, or a page about the file";
const PULL: &str = "fetch the file itself: `git lfs install` and `git lfs pull` in its repository";

const fn foreign(name: &'static str, hint: &'static str) -> Kind {
    Kind {
        name,
        format: None,
        hint,
    }
}

const fn readable(name: &'static str, format: Format, hint: &'static str) -> Kind {
    Kind {
        name,
        format: Some(format),
        hint,
    }
}

const PARQUET: Kind = readable(
    "Parquet",
    Format::Parquet,
    "give it a name that ends in `.parquet`",
);
const EXCEL: Kind = readable("an Excel workbook", Format::Spreadsheet, SAVE_AS_CSV);
const NPZ: Kind = readable("an archive of NumPy's arrays", Format::Npz, PICKLED);
const NPY: Kind = readable("an array of NumPy's", Format::Npy, PICKLED);

/// First bytes, and what they are of.
const BEGINNINGS: [(&[u8], Kind); 30] = [
    (b"PAR1", PARQUET),
    (b"\x93NUMPY", NPY),
    (
        b"SQLite format 3\0",
        readable("an SQLite database", Format::Sqlite, EXPORT_AS_CSV),
    ),
    (b"7z\xBC\xAF\x27\x1C", foreign("a 7-Zip archive", UNPACK)),
    (b"Rar!\x1A\x07", foreign("a RAR archive", UNPACK)),
    (b"LZIP", foreign("packed with lzip", "unpack it")),
    (b"\x04\x22\x4D\x18", foreign("packed with LZ4", "unpack it")),
    (
        b"\xFF\x06\x00\x00sNaPpY",
        foreign("packed with Snappy", "unpack it"),
    ),
    (b"\x1F\x9D", foreign("packed with compress", "unpack it")),
    (b"\x89HDF\r\n\x1A\n", foreign("an HDF5 file", PICKLED)),
    (b"CDF\x01", foreign("a NetCDF file", PICKLED)),
    (
        b"ARROW1",
        foreign(
            "an Arrow file",
            "save it as Parquet: pandas.read_feather(path).to_parquet(\"rows.parquet\")",
        ),
    ),
    (
        b"FEA1",
        foreign(
            "a Feather file of the first version",
            "save it as Parquet: pandas.read_feather(path).to_parquet(\"rows.parquet\")",
        ),
    ),
    (
        b"\xFF\xFF\xFF\xFF",
        foreign(
            "an Arrow stream, as `datasets` keeps its cache",
            "save it as Parquet: dataset.to_parquet(\"rows.parquet\")",
        ),
    ),
    (b"Obj\x01", foreign("an Avro file", SAVE_AS_PARQUET)),
    (b"ORC", foreign("an ORC file", SAVE_AS_PARQUET)),
    (
        b"SEQ\x06",
        foreign("a sequence file of Hadoop's", SAVE_AS_PARQUET),
    ),
    (
        b"RDX2\n",
        foreign(
            "what R's `save` writes",
            "save it as CSV: write.csv(rows, \"rows.csv\")",
        ),
    ),
    (
        b"RDX3\n",
        foreign(
            "what R's `save` writes",
            "save it as CSV: write.csv(rows, \"rows.csv\")",
        ),
    ),
    (
        b"X\n\0\0\0\x02",
        foreign(
            "what R's `saveRDS` writes",
            "save it as CSV: write.csv(rows, \"rows.csv\")",
        ),
    ),
    (
        b"X\n\0\0\0\x03",
        foreign(
            "what R's `saveRDS` writes",
            "save it as CSV: write.csv(rows, \"rows.csv\")",
        ),
    ),
    (
        b"MATLAB 5.0 MAT-file",
        foreign("a MAT-file of MATLAB's", FROM_PANDAS),
    ),
    (b"$FL2", foreign("an SPSS file", FROM_PANDAS)),
    (b"$FL3", foreign("an SPSS file", FROM_PANDAS)),
    (b"\x89PNG\r\n\x1A\n", foreign("a PNG image", NO_TEXT)),
    (b"\xFF\xD8\xFF", foreign("a JPEG image", NO_TEXT)),
    (b"GIF87a", foreign("a GIF image", NO_TEXT)),
    (b"GIF89a", foreign("a GIF image", NO_TEXT)),
    (b"\x7FELF", foreign("a program", NO_TEXT)),
    (b"\x00asm", foreign("a program", NO_TEXT)),
];

/// The same of files that begin as a text does.
const TEXTUAL: [(&[u8], Kind); 5] = [
    (b"%PDF-", foreign("a PDF", SAVE_AS_TEXT)),
    (b"%!PS-Adobe", foreign("a PostScript file", SAVE_AS_TEXT)),
    (b"{\\rtf", foreign("a document in Rich Text Format", SAVE_AS_TEXT)),
    (b"<stata_dta>", foreign("a Stata file", FROM_PANDAS)),
    (
        b"version https://git-lfs.github.com/spec/",
        foreign("a pointer of Git LFS, and not the file itself", PULL),
    ),
];

impl Kind {
    /// An archive of files.
    pub(crate) const ZIP: Self = foreign("a ZIP archive", UNPACK);
    /// The same.
    pub(crate) const TAR: Self = foreign("a tar archive", UNPACK);

    /// What the beginning of a file is of; none if it may be text.
    pub(crate) fn of(start: &[u8]) -> Option<Self> {
        // Some begin with letters that a text may begin with as well.
        let is_binary = || start.iter().take(1024).any(|byte| *byte < b'\t');
        let found = BEGINNINGS.iter().find(|(magic, _)| {
            start.starts_with(magic) && (!magic.iter().all(u8::is_ascii_graphic) || is_binary())
        });
        let found = found.or_else(|| TEXTUAL.iter().find(|(magic, _)| start.starts_with(magic)));
        if let Some((_, kind)) = found {
            return Some(*kind);
        }
        match start {
            [b'P', b'K', 3, 4, ..] => Some(Self::of_zip(start)),
            // An archive without files.
            [b'P', b'K', 5, 6, ..] => Some(foreign("a ZIP archive without files", UNPACK)),
            [0x80, 2..=5, ..] => Some(foreign("a Python pickle", PICKLED)),
            [0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1, ..] => Some(Self::of_compound_file(start)),
            _ if start.get(257..262) == Some(b"ustar") => Some(Self::TAR),
            _ => Packing::of(start).map(Self::packed_twice),
        }
    }

    /// What a ZIP archive holds, by the names of its first files.
    fn of_zip(start: &[u8]) -> Self {
        let names = names_in_zip(start);
        let has = |part: &str| names.iter().any(|name| name.starts_with(part.as_bytes()));
        let ends = |part: &str| names.iter().any(|name| name.ends_with(part.as_bytes()));
        // The first file of an OpenDocument says what it is, and is not packed.
        let mime =
            |kind: &str| has("mimetype") && start.windows(kind.len()).any(|bytes| bytes == kind.as_bytes());
        if has("word/") || mime("opendocument.text") {
            foreign("a text document", SAVE_AS_TEXT)
        } else if has("ppt/") || mime("opendocument.presentation") {
            foreign("a presentation", SAVE_AS_TEXT)
        } else if mime("application/epub") {
            foreign("a book in EPUB", SAVE_AS_TEXT)
        } else if has("xl/") || has("[Content_Types].xml") {
            EXCEL
        } else if mime("opendocument.spreadsheet") {
            readable("a spreadsheet", Format::Spreadsheet, SAVE_AS_CSV)
        } else if ends("data.pkl") {
            foreign("what torch.save writes", PICKLED)
        } else if ends(".npy") {
            NPZ
        } else {
            Self::ZIP
        }
    }

    /// What one of the older formats of Microsoft's Office is, by the names of its parts.
    fn of_compound_file(start: &[u8]) -> Self {
        let has = |part: &str| {
            let part: Vec<u8> = part.encode_utf16().flat_map(u16::to_le_bytes).collect();
            start.windows(part.len()).any(|bytes| bytes == part)
        };
        if has("EncryptedPackage") {
            foreign(
                "a document that a password protects",
                "save it without a password",
            )
        } else if has("WordDocument") {
            foreign("a text document", SAVE_AS_TEXT)
        } else if has("PowerPoint Document") {
            foreign("a presentation", SAVE_AS_TEXT)
        } else if has("__substg1.0_") {
            foreign("a message of Outlook's", SAVE_AS_TEXT)
        } else {
            EXCEL
        }
    }

    fn packed_twice(packing: Packing) -> Self {
        match packing {
            Packing::Gzip => foreign("packed twice, with gzip inside", UNPACK_ONCE),
            Packing::Bzip2 => foreign("packed twice, with bzip2 inside", UNPACK_ONCE),
            Packing::Xz => foreign("packed twice, with xz inside", UNPACK_ONCE),
            Packing::Zstandard => foreign("packed twice, with Zstandard inside", UNPACK_ONCE),
            Packing::Zip => Self::ZIP,
        }
    }

    /// What a text is that is no table, such as the page that a server sends in place of a file.
    pub(crate) fn of_markup(start: &[u8]) -> Option<Self> {
        let start = start.get(Mark::of(start).len()..)?.trim_ascii_start();
        let begins = |tag: &str| {
            start
                .get(..tag.len())
                .is_some_and(|begin| begin.eq_ignore_ascii_case(tag.as_bytes()))
        };
        if begins("<!doctype html") || begins("<html") {
            return Some(foreign("an HTML page", FETCH));
        }
        if begins("<?xml") {
            return Some(foreign("XML", EXPORT_AS_CSV));
        }
        None
    }

    /// The format by which the file can be read.
    pub(crate) fn format(self) -> Option<Format> {
        self.format
    }

    /// Says that a file is of this kind, and how it can be read.
    pub(crate) fn error(self, file: &str, settings: Settings) -> Error {
        let hint = match (settings.format, self.format.and_then(Format::setting)) {
            (Some(prefix), Some(format)) => format!("set `{prefix}{format}`"),
            _ => self.hint.to_owned(),
        };
        Error::Foreign {
            file: file.to_owned(),
            kind: self.name,
            hint,
        }
    }
}

/// The names of the files of a ZIP archive, as far as their headers are in its beginning.
fn names_in_zip(start: &[u8]) -> Vec<&[u8]> {
    const HEADER: usize = 30;
    let mut names = Vec::new();
    let mut place = 0;
    while let Some(header) = start.get(place..place + HEADER) {
        if header.starts_with(b"PK\x03\x04") {
            let length = usize::from(u16::from_le_bytes([header[26], header[27]]));
            let name = place + HEADER;
            names.extend(start.get(name..name + length));
            place += HEADER + length;
        } else {
            place += 1;
        }
    }
    names
}

/// What is said of bytes that are of no known kind.
pub(crate) const BINARY: Kind = foreign(
    "a binary file, and none that rows are read from",
    "save the rows as CSV, JSON or Parquet, or as arrays of NumPy",
);

/// Whether bytes that should be text have more control characters than any text.
pub(crate) fn is_binary(start: &[u8]) -> bool {
    if Mark::of(start) != Mark::None {
        return false;
    }
    // Backspaces are what a console printed: a bar that moves.
    let is_control = |byte: &&u8| **byte < 0x20 && !b"\t\n\r\x08\x0C\x1B".contains(byte);
    let controls = start.iter().filter(is_control).count();
    // A few are damage, of which the readers say in which row it is.
    controls > 3 && controls * 50 > start.len()
}

/// The encoding of a text that is UTF-16 and has no mark that says so: every other byte of its Latin
/// characters is zero.
pub(crate) fn unmarked_utf16(start: &[u8]) -> Option<Encoding> {
    if Mark::of(start) != Mark::None {
        return None;
    }
    let zeros = |parity: usize| {
        let half = start.iter().skip(parity).step_by(2);
        half.filter(|byte| **byte == 0).count()
    };
    let (even, odd) = (zeros(0), zeros(1));
    // A few zeros are damage.
    let least = (start.len() / 40).max(2);
    if odd >= least && odd > 10 * even {
        return Some(Encoding::UTF_16LE);
    }
    if even >= least && even > 10 * odd {
        return Some(Encoding::UTF_16BE);
    }
    None
}

/// What is said of a text that is to be of a binary format.
pub(crate) const TEXT: Kind = foreign(
    "a text file",
    "set the format to what it is: CSV, TSV, JSON or JSON lines",
);

/// Whether bytes are text, as far as they go.
pub(crate) fn is_text(start: &[u8]) -> bool {
    let is_utf8 = match std::str::from_utf8(start) {
        Ok(_) => true,
        // The last character may be cut off.
        Err(error) => error.error_len().is_none(),
    };
    is_utf8 && start.len() > 16 && !is_binary(start)
}

/// How JSON is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JsonShape {
    /// An object on each line.
    Lines,
    /// Otherwise.
    Other,
}

impl JsonShape {
    /// Says that a file is JSON. `prefix` stands before the names of formats.
    pub(crate) fn error(self, file: &str, prefix: &str, settings: Settings) -> Error {
        let format = match self {
            Self::Lines => settings.json_lines,
            Self::Other => settings.json,
        };
        let format = format.strip_prefix(prefix).unwrap_or(format);
        Error::Foreign {
            file: file.to_owned(),
            kind: "JSON",
            hint: format!("set `{prefix}{format}`"),
        }
    }
}

/// Whether a text that is to be a table with separators is JSON. A cell of such a table may be JSON as well.
pub(crate) fn json(start: &[u8]) -> Option<JsonShape> {
    let text = match std::str::from_utf8(start) {
        Ok(text) => text,
        Err(error) => std::str::from_utf8(&start[..error.valid_up_to()]).unwrap_or_default(),
    };
    let text = text.trim_start();
    if let Some(rest) = text.strip_prefix('[') {
        let rest = rest.trim_start();
        return (rest.starts_with('{') && !rest.starts_with("{}")).then_some(JsonShape::Other);
    }
    if !text.starts_with('{') {
        return None;
    }
    let mut values =
        serde_json::Deserializer::from_str(text).into_iter::<serde_json::Map<_, serde_json::Value>>();
    match values.next() {
        Some(Ok(object)) if !object.is_empty() => {
            let end = values.byte_offset();
            let behind = text[end..].trim_start_matches([' ', '\t', '\r']);
            let is_line = !text[..end].contains('\n');
            match behind.as_bytes() {
                [] | [b'\n', ..] if is_line => Some(JsonShape::Lines),
                [] | [b'\n' | b'{', ..] => Some(JsonShape::Other),
                _ => None,
            }
        }
        // Longer than the beginning that is looked at.
        Some(Err(error)) if error.is_eof() && text.len() > 1000 => Some(JsonShape::Other),
        _ => None,
    }
}
