//! From a file or a stream to bytes of UTF-8: compression, encodings, byte order marks.
//!
//! Rows and cells are the readers' affair.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};

use labelproof_artifact::fs::{self, FsError};
use tempfile::{NamedTempFile, TempPath};

use crate::archive;
use crate::dialect::{Format, Settings};
use crate::encoding::{Encoding, Malformed, Mark};
use crate::error::Error;
use crate::kind::{self, Kind};
use crate::packing::Packing;

/// Where the bytes of a table come from.
pub struct Source {
    name: String,
    origin: Origin,
}

enum Origin {
    File(PathBuf),
    Stream(Box<dyn Read>),
}

impl Source {
    /// A file, which messages call by this name. It is unpacked if its first bytes say that it is packed.
    pub fn file(name: impl Into<String>, path: impl Into<PathBuf>) -> Self {
        Self {
            name: name.into(),
            origin: Origin::File(path.into()),
        }
    }

    /// A stream, such as standard input, which messages call by this name.
    pub fn stream(name: impl Into<String>, stream: impl Read + 'static) -> Self {
        Self {
            name: name.into(),
            origin: Origin::Stream(Box::new(stream)),
        }
    }

    /// What messages call the source.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The same source, to be read once more; none for a stream, which comes once.
    pub fn again(&self) -> Option<Self> {
        let Origin::File(path) = &self.origin else {
            return None;
        };
        Some(Self::file(self.name.clone(), path.clone()))
    }

    /// Opens the file for a reader that has to seek in it, as a stream cannot. What is packed is unpacked
    /// into a temporary file. An empty file is an error.
    pub(crate) fn open_seekable(&self, format: &'static str) -> Result<Seekable, Error> {
        let Origin::File(path) = &self.origin else {
            return Err(Error::NotSeekable {
                name: self.name.clone(),
                format,
            });
        };
        let mut file = open_file(&self.name, path)?;
        if file.metadata().is_ok_and(|metadata| metadata.len() == 0) {
            let file = self.name.clone();
            return Err(Error::Empty { file });
        }
        if Packing::of(&self.start(&mut file)?).is_some() {
            let again = Self::file(self.name.clone(), path.clone());
            return unpacked(Input::open_raw(again, Settings::default())?, MOST_UNPACKED);
        }
        Ok(Seekable {
            file,
            path: path.clone(),
            unpacked: None,
        })
    }

    /// The same of a file that is to be of this format, which may be the only one of a ZIP archive. Another
    /// one is named, unless the caller's formats are told by names.
    pub(crate) fn open_as(
        &self,
        format: Format,
        called: &'static str,
        settings: Settings,
    ) -> Result<Seekable, Error> {
        let mut seekable = self.open_seekable(called)?;
        let mut start = self.start(&mut seekable.file)?;
        if Kind::of(&start) == Some(Kind::ZIP) && seekable.unpacked.is_none() {
            let again = Self::file(self.name.clone(), seekable.path.clone());
            // An archive of several files, or a damaged one, is for those to name who read archives.
            if let Ok(input) = Input::open_raw(again, settings) {
                seekable = unpacked(input, MOST_UNPACKED)?;
                start = self.start(&mut seekable.file)?;
            }
        }
        if settings.format.is_some() {
            match Kind::of(&start) {
                Some(kind) if kind.format() == Some(format) => {}
                Some(kind) => return Err(kind.error(&self.name, settings)),
                // What begins as Parquet is damaged.
                None if kind::is_text(&start) && !start.starts_with(b"PAR1") => {
                    return Err(kind::TEXT.error(&self.name, settings));
                }
                None => {}
            }
        }
        Ok(seekable)
    }

    /// The first bytes of a file, which is at its beginning before and after.
    fn start(&self, file: &mut File) -> Result<Vec<u8>, Error> {
        let mut start = Vec::new();
        let read = file.take(BUFFER as u64).read_to_end(&mut start);
        read.and_then(|_| file.rewind())
            .map_err(|source| unreadable(&self.name, source))?;
        Ok(start)
    }
}

/// A file that a reader seeks in.
pub(crate) struct Seekable {
    pub(crate) file: File,
    pub(crate) path: PathBuf,
    /// The temporary file with the content of a packed one, which is removed when this is dropped.
    pub(crate) unpacked: Option<TempPath>,
}

/// The bytes that a packed file may unfold to where its reader seeks in it.
const MOST_UNPACKED: u64 = 16 << 30;

/// Writes the bytes of an input into a temporary file, if there are no more than so many.
fn unpacked(mut input: Input, most: u64) -> Result<Seekable, Error> {
    let folder = std::env::temp_dir();
    let failed = |source| FsError::new("write a temporary file in", &folder, source);
    let (mut file, path) = NamedTempFile::new().map_err(failed)?.into_parts();
    let mut total = 0;
    loop {
        let chunk = input.fill()?;
        if chunk.is_empty() {
            break;
        }
        let count = chunk.len();
        total += count as u64;
        if total > most {
            return Err(Error::LargeArchive {
                file: input.name,
                limit: format!("{} MiB", most >> 20),
            });
        }
        file.write_all(chunk).map_err(failed)?;
        input.consume(count);
    }
    if total == 0 {
        return Err(Error::Empty { file: input.name });
    }
    file.rewind().map_err(failed)?;
    Ok(Seekable {
        file,
        path: path.to_path_buf(),
        unpacked: Some(path),
    })
}

impl fmt::Debug for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Source")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Reads the whole of a source, decoded, if it is not longer than `most_bytes`.
pub fn read_bytes(
    source: Source,
    encoding: Encoding,
    settings: Settings,
    most_bytes: usize,
) -> Result<Vec<u8>, Error> {
    let mut input = Input::open(source, encoding, settings)?;
    let mut bytes = Vec::new();
    let result = input
        .reader
        .by_ref()
        .take(most_bytes as u64 + 1)
        .read_to_end(&mut bytes);
    result.map_err(|source| input.failure(source))?;
    if bytes.len() > most_bytes {
        return Err(Error::TooLong {
            place: input.name,
            limit_mib: most_bytes >> 20,
        });
    }
    Ok(bytes)
}

/// Reads the whole of a source that is text, such as a log, if it is not longer than any such file is. `what`
/// it is stands in the error of one that is longer.
pub fn read_text(
    source: Source,
    encoding: Encoding,
    settings: Settings,
    what: &'static str,
) -> Result<String, Error> {
    const MOST_BYTES: usize = 256 << 20;
    let file = source.name().to_owned();
    let bytes = read_bytes(source, encoding, settings, MOST_BYTES).map_err(|error| match error {
        Error::TooLong { place, .. } => Error::TooLarge {
            file: place,
            mebibytes: (MOST_BYTES as u64 >> 20) + 1,
            what,
        },
        other => other,
    })?;
    if bytes.is_empty() {
        return Err(Error::Empty { file });
    }
    String::from_utf8(bytes).map_err(|_not_utf8| Error::NotUtf8 { file })
}

fn open_file(name: &str, path: &Path) -> Result<File, Error> {
    // Opening a named pipe would wait for somebody to write to it.
    let file = || name.to_owned();
    match path.metadata() {
        Ok(metadata) if metadata.is_file() => fs::open(path).map_err(|error| unreadable(name, error.source)),
        Ok(metadata) if metadata.is_dir() => Err(Error::AFolder { file: file() }),
        Ok(_) => Err(Error::NotAFile { file: file() }),
        Err(source) => Err(unreadable(name, source)),
    }
}

/// What the operating system says of a source, which messages call by its name and not by its path.
pub(crate) fn unreadable(name: &str, source: io::Error) -> Error {
    FsError::new("read", Path::new(name), source).into()
}

/// A source as a stream of UTF-8, or of what claims to be UTF-8.
pub(crate) struct Input {
    name: String,
    packing: Option<Packing>,
    is_stream: bool,
    reader: Box<dyn BufRead>,
}

/// The bytes that are read at once.
const BUFFER: usize = 1 << 17;

impl Input {
    /// Opens a source, unpacks it if it is packed, and decodes it. What is no text is an error that says what
    /// it is.
    pub(crate) fn open(source: Source, encoding: Encoding, settings: Settings) -> Result<Self, Error> {
        let mut input = Self::open_raw(source, settings)?;
        input.refuse_what_is_no_text(encoding, settings)?;
        input.decoded(encoding, settings)
    }

    /// The same of a source that is to be a table, which a page of markup is not.
    pub(crate) fn open_table(source: Source, encoding: Encoding, settings: Settings) -> Result<Self, Error> {
        let mut input = Self::open(source, encoding, settings)?;
        match Kind::of_markup(input.fill()?) {
            Some(kind) => Err(kind.error(&input.name, settings)),
            None => Ok(input),
        }
    }

    /// Opens a source, and leaves it packed.
    pub(crate) fn open_packed(source: Source) -> Result<Self, Error> {
        let Source { name, origin } = source;
        let is_stream = matches!(origin, Origin::Stream(_));
        let reader: Box<dyn Read> = match origin {
            Origin::Stream(stream) => stream,
            Origin::File(path) => Box::new(open_file(&name, &path)?),
        };
        Ok(Self {
            name,
            packing: None,
            is_stream,
            reader: Box::new(BufReader::with_capacity(BUFFER, reader)),
        })
    }

    /// Says so of a table that is to have separators, and is JSON.
    pub(crate) fn refuse_json(&mut self, settings: Settings) -> Result<(), Error> {
        match (settings.format, kind::json(self.fill()?)) {
            (Some(prefix), Some(shape)) => Err(shape.error(&self.name, prefix, settings)),
            _ => Ok(()),
        }
    }

    /// Opens a source, and unpacks it if its first bytes say that it is packed.
    pub(crate) fn open_raw(source: Source, settings: Settings) -> Result<Self, Error> {
        let path = match &source.origin {
            Origin::Stream(_) => None,
            Origin::File(path) => Some(path.clone()),
        };
        let named = path.as_deref().and_then(Packing::of_name);
        let mut input = Self::open_packed(source)?;
        let Some(packing) = input.find_packing()? else {
            if let Some(path) = path.filter(|_| input.begins_as(Kind::ZIP)) {
                let only = archive::only_file(&input.name, &path)?;
                input.reader = Box::new(BufReader::with_capacity(BUFFER, only));
                input.packing = Some(Packing::Zip);
                return Ok(input);
            }
            return match named {
                Some(packing) => input.denied(packing, settings),
                None => Ok(input),
            };
        };
        let packed = std::mem::replace(&mut input.reader, Box::new(io::empty()));
        let unpacked = packing.unpacked(packed);
        let unpacked = unpacked.map_err(|source| failure(&input.name, Some(packing), source))?;
        input.reader = Box::new(BufReader::with_capacity(BUFFER, unpacked));
        input.packing = Some(packing);
        Ok(input)
    }

    fn begins_as(&mut self, kind: Kind) -> bool {
        self.fill().is_ok_and(|start| Kind::of(start) == Some(kind))
    }

    /// How the bytes are packed.
    fn find_packing(&mut self) -> Result<Option<Packing>, Error> {
        let first = self.fill()?.first().copied();
        if !first.is_some_and(Packing::may_begin_with) {
            return Ok(None);
        }
        Ok(Packing::of(&self.peek(Packing::LONGEST)?))
    }

    /// What is said of a file whose name says that it is packed, and that is not.
    fn denied(mut self, packing: Packing, settings: Settings) -> Result<Self, Error> {
        let start = self.fill()?;
        let kind = Kind::of(start).or_else(|| Kind::of_markup(start));
        let is_empty = start.is_empty();
        let file = self.name;
        Err(match kind {
            Some(kind) => kind.error(&file, settings),
            None if is_empty => Error::Empty { file },
            None => Error::NotPacked { file, packing },
        })
    }

    fn refuse_what_is_no_text(&mut self, encoding: Encoding, settings: Settings) -> Result<(), Error> {
        // What is there already: a stream is not waited for.
        let start = self.fill()?;
        if let Some(kind) = Kind::of(start) {
            return Err(kind.error(&self.name, settings));
        }
        if !encoding.is_of_single_bytes() {
            return Ok(());
        }
        if let Some(encoding) = kind::unmarked_utf16(start) {
            return Err(Error::UnmarkedUtf16 {
                file: self.name.clone(),
                encoding: encoding.name(),
                setting: settings.encoding,
            });
        }
        if kind::is_binary(start) {
            return Err(kind::BINARY.error(&self.name, settings));
        }
        Ok(())
    }

    fn decoded(mut self, encoding: Encoding, settings: Settings) -> Result<Self, Error> {
        let first = self.fill()?.first().copied();
        let mark = match first {
            Some(first) if Mark::may_begin_with(first) => Mark::of(&self.peek(Mark::LONGEST)?),
            _ => Mark::None,
        };
        if encoding.is_marked_by(mark) {
            self.reader.consume(mark.len());
        } else if mark != Mark::None {
            return Err(Error::Marked {
                file: self.name,
                mark: mark.name(),
                setting: settings.encoding.unwrap_or_default(),
                encoding: encoding.name(),
            });
        }
        self.reader = encoding.decode(self.reader, mark, BUFFER);
        Ok(self)
    }

    /// The first bytes, which stay in the stream; fewer if there are fewer.
    pub(crate) fn peek(&mut self, count: usize) -> Result<Vec<u8>, Error> {
        let start = self.fill()?.get(..count).map(<[u8]>::to_vec);
        if let Some(start) = start {
            return Ok(start);
        }
        // A decoder may give less at first than there is.
        let mut start = Vec::with_capacity(count);
        let result = self.reader.by_ref().take(count as u64).read_to_end(&mut start);
        result.map_err(|source| self.failure(source))?;
        let rest = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        self.reader = Box::new(BufReader::with_capacity(
            BUFFER,
            io::Cursor::new(start.clone()).chain(rest),
        ));
        Ok(start)
    }

    /// What messages call the source.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether the bytes come as somebody writes them, so that looking ahead would wait.
    pub(crate) fn is_stream(&self) -> bool {
        self.is_stream
    }

    /// The next bytes; none at the end.
    pub(crate) fn fill(&mut self) -> Result<&[u8], Error> {
        let (name, packing) = (&self.name, self.packing);
        self.reader
            .fill_buf()
            .map_err(|source| failure(name, packing, source))
    }

    /// Says how many of the bytes are done with.
    pub(crate) fn consume(&mut self, count: usize) {
        self.reader.consume(count);
    }

    /// Replaces `line` by the bytes up to and with the next line feed; false at the end. `number` is the
    /// line's, for the error of a line that is longer than `limit`.
    pub(crate) fn read_line(&mut self, line: &mut Vec<u8>, number: u64, limit: usize) -> Result<bool, Error> {
        line.clear();
        let result = self
            .reader
            .by_ref()
            .take(limit as u64 + 1)
            .read_until(b'\n', line);
        result.map_err(|source| self.failure(source))?;
        if line.len() > limit {
            return Err(Error::TooLong {
                place: format!("{}:{number}", self.name),
                limit_mib: limit >> 20,
            });
        }
        Ok(!line.is_empty())
    }

    fn failure(&self, source: io::Error) -> Error {
        failure(&self.name, self.packing, source)
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer)
    }
}

/// What a failed read means, which for a packed file is more than the operating system says.
fn failure(name: &str, packing: Option<Packing>, source: io::Error) -> Error {
    let file = name.to_owned();
    if let Some(error) = source.get_ref()
        && let Some(Malformed { encoding }) = error.downcast_ref()
    {
        return Error::BadCharacters { file, encoding };
    }
    match (source.kind(), packing) {
        (io::ErrorKind::UnexpectedEof, Some(packing)) => Error::CutPacked { file, packing },
        // The operating system's own errors have a number.
        (_, Some(packing)) if source.raw_os_error().is_none() => Error::BadPacked {
            file,
            packing,
            source,
        },
        _ => unreadable(name, source),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::testing::{fixture, options, said};
    use crate::{Part, Table};

    /// The number of rows of a table.
    fn rows(path: &Path, format: Format, part: Part<'_>) -> usize {
        let mut table = Table::open(Source::file("a", path), &options(format, part)).unwrap();
        let places: Vec<usize> = (0..table.columns().unwrap().len()).collect();
        let mut rows = table.rows_by_place(&places).unwrap();
        let mut count = 0;
        while rows.next_row().unwrap().is_some() {
            count += 1;
        }
        count
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zip(name: &str, bytes: &[u8]) -> Vec<u8> {
        let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
        writer
            .start_file(name, zip::write::SimpleFileOptions::default())
            .unwrap();
        writer.write_all(bytes).unwrap();
        writer.finish().unwrap().into_inner()
    }

    #[test]
    fn what_a_reader_seeks_in_may_be_packed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("packed");
        for (name, format, part) in [
            ("odf.ods", Format::Spreadsheet, Part::Only),
            ("xlwt.xls", Format::Spreadsheet, Part::Only),
            ("python.db", Format::Sqlite, Part::Table("posts")),
        ] {
            let expected = rows(&fixture(name), format, part);
            let bytes = fs::read(&fixture(name)).unwrap();
            for packed in [gzip(&bytes), zip(name, &bytes)] {
                fs::write_atomic(&path, &packed).unwrap();
                assert_eq!(rows(&path, format, part), expected, "{name}");
            }
        }
    }

    #[test]
    fn what_unfolds_beyond_the_bound_is_refused() {
        let input =
            || Input::open_packed(Source::stream("rows.gz", Cursor::new(vec![b'x'; 3 << 20]))).unwrap();
        assert!(unpacked(input(), 3 << 20).is_ok());
        assert_eq!(
            said(unpacked(input(), 2 << 20)),
            "`rows.gz` unfolds to more than 2 MiB / unpack it where there is room, and name the folder"
        );
    }
}
