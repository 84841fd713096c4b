//! From `ingest.paths` to files, and from files to bytes of UTF-8: globs, gzip, encodings, byte order marks.
//!
//! What stands in the files is the readers' affair.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Component, Path, PathBuf};

use encoding_rs_io::DecodeReaderBytesBuilder;
use flate2::bufread::MultiGzDecoder;
use labelproof_artifact::fs::{self, FsError};

use crate::error::Error;
use crate::params::{Encoding, Format, Params};
use crate::settings::Settings;

/// A file that ingest reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// What it is called in messages and rejects: its path relative to the folder of `pipeline.yaml`, with `/`. Of a
    /// file that is named by an absolute path, only the last part, so that no machine's folders show in an artifact.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
}

/// A file, and for the format `folder` its place there.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) file: SourceFile,
    /// `label/file.txt`; only `file.txt` for a file that lies in no label's folder.
    pub(crate) inside: String,
}

/// The files that `ingest.paths` means, in the byte order of their names.
pub fn source_files(params: &Params, base: &Path) -> Result<Vec<SourceFile>, Error> {
    let found = find(params, base)?;
    Ok(found.into_iter().map(|found| found.file).collect())
}

/// The same, with what the format `folder` needs.
pub(crate) fn find(params: &Params, base: &Path) -> Result<Vec<Found>, Error> {
    // By path, because two globs may match the same file.
    let mut by_path: BTreeMap<PathBuf, Found> = BTreeMap::new();
    for pattern in &params.paths {
        for path in resolve(pattern, base)? {
            let found = if path.is_dir() {
                files_of_folder(&path, pattern, params.format, base)?
            } else {
                vec![single_file(&path, base)?]
            };
            for found in found {
                by_path.entry(found.file.path.clone()).or_insert(found);
            }
        }
    }
    let mut all: Vec<_> = by_path.into_values().collect();
    // Two absolute paths may end in the same name.
    let mut taken = BTreeSet::new();
    for found in &mut all {
        let mut name = found.file.name.clone();
        let mut number = 1;
        while !taken.insert(name.clone()) {
            number += 1;
            name = format!("{} ({number})", found.file.name);
        }
        found.file.name = name;
    }
    all.sort_by(|one, other| one.file.name.cmp(&other.file.name));
    Ok(all)
}

/// The files and folders that one entry of `ingest.paths` means. A name that is there means itself, even if it looks
/// like a glob.
fn resolve(pattern: &str, base: &Path) -> Result<Vec<PathBuf>, Error> {
    let literal = clean(&base.join(pattern));
    if literal.symlink_metadata().is_ok() {
        return Ok(vec![literal]);
    }
    if !pattern.contains(['*', '?', '[']) {
        return Err(Error::Missing {
            path: pattern.to_owned(),
        });
    }
    let absolute = if Path::new(pattern).is_absolute() {
        pattern.to_owned()
    } else {
        let base = base.to_str().ok_or_else(|| Error::BadName {
            path: base.to_path_buf(),
        })?;
        let joined = Path::new(&glob::Pattern::escape(base)).join(pattern);
        joined.to_string_lossy().into_owned()
    };
    let options = glob::MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let matches = glob::glob_with(&absolute, options).map_err(|source| Error::BadPattern {
        pattern: pattern.to_owned(),
        source,
    })?;
    let mut paths = Vec::new();
    for path in matches {
        let path = path.map_err(|error| {
            let path = error.path().to_path_buf();
            FsError::new("list", &path, error.into())
        })?;
        paths.push(clean(&path));
    }
    if paths.is_empty() {
        return Err(Error::NoMatch {
            pattern: pattern.to_owned(),
        });
    }
    Ok(paths)
}

/// The path without `.` parts, so that one file has one path.
fn clean(path: &Path) -> PathBuf {
    let cleaned: PathBuf = path
        .components()
        .filter(|component| !matches!(component, Component::CurDir))
        .collect();
    if cleaned.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        cleaned
    }
}

fn single_file(path: &Path, base: &Path) -> Result<Found, Error> {
    let name = shown_name(path, path, base)?;
    let parent = path.parent().and_then(Path::file_name).map(PathBuf::from);
    let inside = parent
        .unwrap_or_default()
        .join(path.file_name().unwrap_or_default());
    Ok(Found {
        file: SourceFile {
            name,
            path: path.to_path_buf(),
        },
        inside: slashed(&inside)?,
    })
}

fn files_of_folder(root: &Path, pattern: &str, format: Format, base: &Path) -> Result<Vec<Found>, Error> {
    let mut files = Vec::new();
    walk(root, &mut Vec::new(), &mut files)?;
    let mut all = Vec::new();
    for path in files {
        if !has_extension(&path, format) {
            continue;
        }
        let inside = slashed(path.strip_prefix(root).unwrap_or(&path))?;
        all.push(Found {
            file: SourceFile {
                name: shown_name(&path, root, base)?,
                path,
            },
            inside,
        });
    }
    if all.is_empty() {
        let extensions: Vec<_> = format
            .extensions()
            .iter()
            .map(|extension| format!("`.{extension}`"))
            .collect();
        return Err(Error::NoFiles {
            path: pattern.to_owned(),
            wanted: if extensions.is_empty() {
                "file".to_owned()
            } else {
                format!("{} file", extensions.join(" or "))
            },
        });
    }
    Ok(all)
}

/// Whether a file in a folder is of the format. Beside the data there may be readme files and markers of whole writes.
fn has_extension(path: &Path, format: Format) -> bool {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let name = match format {
        Format::Parquet => name.as_str(),
        _ => name.strip_suffix(".gz").unwrap_or(&name),
    };
    let extensions = format.extensions();
    extensions.is_empty()
        || extensions.iter().any(|extension| {
            name.strip_suffix(extension)
                .is_some_and(|stem| stem.ends_with('.'))
        })
}

/// Every file below a folder that is not hidden. Links are followed, but not into a folder that is being walked
/// already.
fn walk(folder: &Path, above: &mut Vec<PathBuf>, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let list_error = |source| FsError::new("list", folder, source);
    let real = folder.canonicalize().map_err(list_error)?;
    if above.contains(&real) {
        return Ok(());
    }
    above.push(real);
    for entry in folder.read_dir().map_err(list_error)? {
        let entry = entry.map_err(list_error)?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        if path.is_dir() {
            walk(&path, above, files)?;
        } else {
            files.push(path);
        }
    }
    above.pop();
    Ok(())
}

/// The name for messages and rejects of a file below `root`, which `ingest.paths` names.
fn shown_name(path: &Path, root: &Path, base: &Path) -> Result<String, Error> {
    let base = clean(base);
    let relative = path
        .strip_prefix(&base)
        .ok()
        .filter(|relative| !relative.as_os_str().is_empty())
        .map(Path::to_path_buf);
    let relative = match relative {
        Some(relative) => relative,
        None if path.is_relative() => path.to_path_buf(),
        None => {
            let inside = path.strip_prefix(root).unwrap_or(Path::new(""));
            PathBuf::from(root.file_name().unwrap_or_default()).join(inside)
        }
    };
    slashed(&relative)
}

fn slashed(path: &Path) -> Result<String, Error> {
    let parts: Option<Vec<&str>> = path
        .components()
        .map(|component| component.as_os_str().to_str())
        .collect();
    let parts = parts.ok_or_else(|| Error::BadName {
        path: path.to_path_buf(),
    })?;
    Ok(parts.join("/"))
}

/// Opens a file for the Parquet reader, which needs to jump in it.
pub(crate) fn open_file(file: &SourceFile) -> Result<File, Error> {
    // Opening a named pipe would wait for somebody to write to it.
    let is_file = file.path.metadata().map(|metadata| metadata.is_file());
    match is_file {
        Ok(true) => fs::open(&file.path).map_err(|error| Error::Read {
            file: file.name.clone(),
            source: error.source,
        }),
        Ok(false) => Err(Error::NotAFile {
            file: file.name.clone(),
        }),
        Err(source) => Err(Error::Read {
            file: file.name.clone(),
            source,
        }),
    }
}

/// A file or standard input as a stream of UTF-8, or of what claims to be.
pub(crate) struct Input<'a> {
    name: &'a str,
    is_packed: bool,
    reader: Box<dyn BufRead>,
}

/// Bytes that are read at once.
const BUFFER: usize = 1 << 17;

impl<'a> Input<'a> {
    /// Opens a file, unpacks it if its name says so, and decodes it.
    pub(crate) fn open(file: &'a SourceFile, encoding: Encoding, settings: Settings) -> Result<Self, Error> {
        let plain = BufReader::with_capacity(BUFFER, open_file(file)?);
        let is_packed = is_gzip(&file.path);
        let reader: Box<dyn BufRead> = if is_packed {
            Box::new(BufReader::with_capacity(BUFFER, MultiGzDecoder::new(plain)))
        } else {
            Box::new(plain)
        };
        let input = Self {
            name: &file.name,
            is_packed,
            reader,
        };
        input.decoded(encoding, settings)
    }

    /// Takes a stream that is no file, and decodes it.
    pub(crate) fn of_stream(
        name: &'a str,
        stream: impl Read + 'static,
        encoding: Encoding,
        settings: Settings,
    ) -> Result<Self, Error> {
        let input = Self {
            name,
            is_packed: false,
            reader: Box::new(BufReader::with_capacity(BUFFER, stream)),
        };
        input.decoded(encoding, settings)
    }

    fn decoded(self, encoding: Encoding, settings: Settings) -> Result<Self, Error> {
        let mut input = self;
        let start = input.peek(3)?;
        if encoding == Encoding::Utf8
            && (start.starts_with(&[0xFF, 0xFE]) || start.starts_with(&[0xFE, 0xFF]))
        {
            return Err(Error::Utf16 {
                file: input.name.to_owned(),
            });
        }
        if start == [0xEF, 0xBB, 0xBF] {
            if encoding != Encoding::Utf8 {
                return Err(Error::MarkedUtf8 {
                    file: input.name.to_owned(),
                    setting: settings.encoding(),
                    encoding: encoding.name(),
                });
            }
            input.reader.consume(3);
        }
        input.reader = match encoding {
            Encoding::Utf8 => input.reader,
            Encoding::Latin1 => Box::new(BufReader::with_capacity(BUFFER, Latin1::new(input.reader))),
            Encoding::Windows1252 => {
                let decoder = DecodeReaderBytesBuilder::new()
                    .encoding(Some(encoding_rs::WINDOWS_1252))
                    .bom_sniffing(false)
                    .build(input.reader);
                Box::new(BufReader::with_capacity(BUFFER, decoder))
            }
        };
        Ok(input)
    }

    /// The first bytes, which stay in the stream; fewer if there are fewer.
    fn peek(&mut self, count: usize) -> Result<Vec<u8>, Error> {
        let start = self.fill()?.get(..count).map(<[u8]>::to_vec);
        if let Some(start) = start {
            return Ok(start);
        }
        // A decoder may give less at first than there is.
        let mut start = Vec::with_capacity(count);
        let result = self.reader.by_ref().take(count as u64).read_to_end(&mut start);
        result.map_err(|source| self.failure(source))?;
        let rest = std::mem::replace(&mut self.reader, Box::new(io::empty()));
        self.reader = Box::new(BufReader::new(io::Cursor::new(start.clone()).chain(rest)));
        Ok(start)
    }

    /// What the file is called in messages.
    pub(crate) fn name(&self) -> &'a str {
        self.name
    }

    /// The next bytes; none at the end.
    pub(crate) fn fill(&mut self) -> Result<&[u8], Error> {
        let (name, is_packed) = (self.name, self.is_packed);
        self.reader
            .fill_buf()
            .map_err(|source| failure(name, is_packed, source))
    }

    /// Says how many of the bytes are done with.
    pub(crate) fn consume(&mut self, count: usize) {
        self.reader.consume(count);
    }

    /// Appends the bytes up to and with the next line feed, or so many at most.
    pub(crate) fn read_line(&mut self, line: &mut Vec<u8>, limit: usize) -> Result<usize, Error> {
        let result = self.reader.by_ref().take(limit as u64).read_until(b'\n', line);
        result.map_err(|source| self.failure(source))
    }

    /// Appends all bytes, or so many at most.
    pub(crate) fn read_all(&mut self, bytes: &mut Vec<u8>, limit: usize) -> Result<usize, Error> {
        let result = self.reader.by_ref().take(limit as u64).read_to_end(bytes);
        result.map_err(|source| self.failure(source))
    }

    fn failure(&self, source: io::Error) -> Error {
        failure(self.name, self.is_packed, source)
    }
}

/// What a failed read means, which for a packed file is more than the operating system says.
fn failure(name: &str, is_packed: bool, source: io::Error) -> Error {
    let file = name.to_owned();
    match source.kind() {
        io::ErrorKind::UnexpectedEof if is_packed => Error::CutGzip { file },
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData if is_packed => {
            Error::BadGzip { file, source }
        }
        _ => Error::Read { file, source },
    }
}

fn is_gzip(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("gz"))
}

/// Decodes ISO 8859-1. The Encoding Standard, and with it `encoding_rs`, takes that name for windows-1252.
struct Latin1<R> {
    reader: R,
    decoded: Vec<u8>,
    position: usize,
}

impl<R> Latin1<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            decoded: Vec::new(),
            position: 0,
        }
    }
}

impl<R: BufRead> Read for Latin1<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position == self.decoded.len() {
            let bytes = self.reader.fill_buf()?;
            let count = bytes.len();
            self.decoded.resize(count * 2, 0);
            let written = encoding_rs::mem::convert_latin1_to_utf8(bytes, &mut self.decoded);
            self.decoded.truncate(written);
            self.position = 0;
            self.reader.consume(count);
        }
        let rest = &self.decoded[self.position..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.position += count;
        Ok(count)
    }
}
