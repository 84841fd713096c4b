//! From a file or a stream to bytes of UTF-8: compression, encodings, byte order marks.
//!
//! Rows and cells are the readers' affair.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use labelproof_artifact::fs::{self, FsError};

use crate::dialect::Settings;
use crate::encoding::{Encoding, Malformed, Mark};
use crate::error::Error;

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
    /// A file, which messages call by this name. It is unpacked if its path ends in `.gz`.
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

    /// Opens the file for a reader that has to seek in it, as a stream cannot. An empty file is an error.
    pub(crate) fn open_seekable(&self, format: &'static str) -> Result<File, Error> {
        let Origin::File(path) = &self.origin else {
            return Err(Error::NotSeekable {
                name: self.name.clone(),
                format,
            });
        };
        let file = open_file(&self.name, path)?;
        if file.metadata().is_ok_and(|metadata| metadata.len() == 0) {
            let file = self.name.clone();
            return Err(Error::Empty { file });
        }
        Ok(file)
    }
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
    match path.metadata().map(|metadata| metadata.is_file()) {
        Ok(true) => fs::open(path).map_err(|error| unreadable(name, error.source)),
        Ok(false) => Err(Error::NotAFile {
            file: name.to_owned(),
        }),
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
    is_packed: bool,
    reader: Box<dyn BufRead>,
}

/// The bytes that are read at once.
const BUFFER: usize = 1 << 17;

impl Input {
    /// Opens a source, unpacks it if its name says so, and decodes it.
    pub(crate) fn open(source: Source, encoding: Encoding, settings: Settings) -> Result<Self, Error> {
        Self::open_raw(source)?.decoded(encoding, settings)
    }

    /// Opens a source, and unpacks it if its name says so.
    pub(crate) fn open_raw(source: Source) -> Result<Self, Error> {
        let Source { name, origin } = source;
        let (reader, is_packed): (Box<dyn BufRead>, bool) = match origin {
            Origin::Stream(stream) => (Box::new(BufReader::with_capacity(BUFFER, stream)), false),
            Origin::File(path) => {
                let plain = BufReader::with_capacity(BUFFER, open_file(&name, &path)?);
                if is_gzip(&path) {
                    let unpacked = MultiGzDecoder::new(plain);
                    (Box::new(BufReader::with_capacity(BUFFER, unpacked)), true)
                } else {
                    (Box::new(plain), false)
                }
            }
        };
        Ok(Self {
            name,
            is_packed,
            reader,
        })
    }

    fn decoded(mut self, encoding: Encoding, settings: Settings) -> Result<Self, Error> {
        let mark = Mark::of(&self.peek(Mark::LONGEST)?);
        if encoding == Encoding::Utf8 {
            self.reader.consume(mark.len());
        } else if mark == Mark::Utf8 {
            return Err(Error::MarkedUtf8 {
                file: self.name,
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

    /// The next bytes; none at the end.
    pub(crate) fn fill(&mut self) -> Result<&[u8], Error> {
        let (name, is_packed) = (&self.name, self.is_packed);
        self.reader
            .fill_buf()
            .map_err(|source| failure(name, is_packed, source))
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
        failure(&self.name, self.is_packed, source)
    }
}

/// What a failed read means, which for a packed file is more than the operating system says.
fn failure(name: &str, is_packed: bool, source: io::Error) -> Error {
    let file = name.to_owned();
    if let Some(error) = source.get_ref()
        && let Some(Malformed { encoding }) = error.downcast_ref()
    {
        return Error::BadCharacters { file, encoding };
    }
    match source.kind() {
        io::ErrorKind::UnexpectedEof if is_packed => Error::CutGzip { file },
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData if is_packed => {
            Error::BadGzip { file, source }
        }
        _ => unreadable(name, source),
    }
}

fn is_gzip(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("gz"))
}
