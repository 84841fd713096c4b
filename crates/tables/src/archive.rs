//! Archives of files: zip, and tar packed or not, unpacked into a folder.
//!
//! Which of the files are read, and as what, is the caller's affair. The files get numbers for names, so that
//! no name in an archive leads anywhere.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use flate2::Crc;
use flate2::read::DeflateDecoder;
use labelproof_artifact::{contained, fs};
use tar::EntryType;
use zip::result::ZipError;
use zip::{CompressionMethod, ZipArchive};

use crate::dialect::Settings;
use crate::error::Error;
use crate::kind::Kind;
use crate::source::{Input, Source, unreadable};

/// A file of an archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// What it is called in the archive, with `/` between folders.
    pub name: String,
    /// Where it is unpacked.
    pub path: PathBuf,
}

/// What an archive may unfold to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The bytes of all files together.
    pub bytes: u64,
    /// The number of the files.
    pub files: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            bytes: 64 << 30,
            files: 2_000_000,
        }
    }
}

/// Unpacks a file that is an archive into a folder, which is made for it; none for a file of another kind.
/// Hidden files, and those that macOS adds, are left out.
pub fn unpack(
    name: &str,
    path: &Path,
    folder: &Path,
    bounds: Bounds,
    settings: Settings,
) -> Result<Option<Vec<Member>>, Error> {
    let Some((input, kind)) = open(name, path, settings) else {
        return Ok(None);
    };
    fs::create_dir_all(folder)?;
    let mut writer = Writer {
        archive: name,
        folder,
        bounds,
        bytes: 0,
        members: Vec::new(),
    };
    let damaged = |problem: String| Error::BadArchive {
        file: name.to_owned(),
        problem,
    };
    let result = if kind == Kind::TAR {
        contained(|| writer.unpack_tar(&mut tar::Archive::new(input)))
    } else {
        let file = BufReader::new(fs::open(path).map_err(|error| unreadable(name, error.source))?);
        contained(|| writer.unpack_zip(file))
    };
    result.unwrap_or_else(|panicked| Err(damaged(panicked.to_string())))?;
    let Writer { mut members, .. } = writer;
    members.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(Some(members))
}

/// Opens a file that is an archive. One that cannot be read is for its reader to name.
fn open(name: &str, path: &Path, settings: Settings) -> Option<(Input, Kind)> {
    let mut input = Input::open_packed(Source::file(name, path)).ok()?;
    let kind = Kind::of(input.fill().ok()?)?;
    if kind == Kind::ZIP {
        return Some((input, kind));
    }
    let mut input = Input::open_raw(Source::file(name, path), settings).ok()?;
    let kind = Kind::of(input.fill().ok()?)?;
    (kind == Kind::TAR).then_some((input, kind))
}

/// The only file of a ZIP archive. It is read where it lies.
pub(crate) fn only_file(name: &str, path: &Path) -> Result<Box<dyn Read>, Error> {
    let damaged = |problem: String| Error::BadArchive {
        file: name.to_owned(),
        problem,
    };
    contained(|| find_only_file(name, path)).unwrap_or_else(|panicked| Err(damaged(panicked.to_string())))
}

fn find_only_file(name: &str, path: &Path) -> Result<Box<dyn Read>, Error> {
    let writer = Writer {
        archive: name,
        folder: path,
        bounds: Bounds::default(),
        bytes: 0,
        members: Vec::new(),
    };
    let file = fs::open(path).map_err(|error| unreadable(name, error.source))?;
    let mut archive = ZipArchive::new(BufReader::new(file)).map_err(|error| writer.bad_zip(error))?;
    let mut found = Vec::new();
    for index in 0..archive.len() {
        let entry = archive
            .by_index_raw(index)
            .map_err(|error| writer.bad_zip(error))?;
        if !entry.is_dir() {
            let shown = writer.visible(&entry.name().map_err(|error| writer.bad_zip(error))?)?;
            found.extend(shown.map(|shown| (index, shown)));
        }
    }
    let &[(index, _)] = found.as_slice() else {
        if found.is_empty() {
            return Err(Error::Empty {
                file: name.to_owned(),
            });
        }
        return Err(Error::SeveralParts {
            file: name.to_owned(),
            what: "files",
            parts: found.into_iter().map(|(_, shown)| shown).collect(),
            setting: None,
        });
    };
    let entry = archive.by_index(index).map_err(|error| match error {
        ZipError::UnsupportedArchive(ZipError::PASSWORD_REQUIRED) => Error::LockedArchive {
            file: name.to_owned(),
        },
        error => writer.bad_zip(error),
    })?;
    let (start, size, crc) = (entry.data_start(), entry.compressed_size(), entry.crc32());
    let method = entry.compression();
    drop(entry);
    let mut file = archive.into_inner();
    file.seek(SeekFrom::Start(start.unwrap_or_default()))
        .map_err(|source| unreadable(name, source))?;
    let packed = file.take(size);
    let reader: Box<dyn Read> = if method == CompressionMethod::Stored {
        Box::new(packed)
    } else {
        Box::new(DeflateDecoder::new(packed))
    };
    Ok(Box::new(Checked {
        reader,
        found: Crc::new(),
        expected: crc,
    }))
}

/// A reader that compares the checksum of what it has read with the one that is said.
struct Checked {
    reader: Box<dyn Read>,
    found: Crc,
    expected: u32,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.reader.read(buffer)?;
        self.found.update(&buffer[..count]);
        if count == 0 && !buffer.is_empty() && self.found.sum() != self.expected {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the checksum is another one",
            ));
        }
        Ok(count)
    }
}

/// Puts the files of an archive down.
struct Writer<'w> {
    archive: &'w str,
    folder: &'w Path,
    bounds: Bounds,
    /// The bytes of all files so far.
    bytes: u64,
    members: Vec<Member>,
}

impl Writer<'_> {
    fn unpack_zip(&mut self, file: BufReader<File>) -> Result<(), Error> {
        let mut archive = ZipArchive::new(file).map_err(|error| self.bad_zip(error))?;
        for index in 0..archive.len() {
            let entry = archive.by_index_raw(index).map_err(|error| self.bad_zip(error))?;
            let name = entry.name().map_err(|error| self.bad_zip(error))?.into_owned();
            if entry.is_dir() {
                continue;
            }
            let Some(name) = self.visible(&name)? else {
                continue;
            };
            if entry.is_symlink() {
                return Err(self.link(name));
            }
            if entry.encrypted() {
                return Err(Error::LockedArchive {
                    file: self.archive.to_owned(),
                });
            }
            drop(entry);
            let entry = archive.by_index(index).map_err(|error| self.bad_zip(error))?;
            self.write(name, entry)?;
        }
        Ok(())
    }

    fn unpack_tar(&mut self, archive: &mut tar::Archive<Input>) -> Result<(), Error> {
        for entry in archive.entries().map_err(|error| self.bad(&error))? {
            let entry = entry.map_err(|error| self.bad(&error))?;
            let kind = entry.header().entry_type();
            if matches!(kind, EntryType::Directory | EntryType::XGlobalHeader) {
                continue;
            }
            let name = String::from_utf8(entry.path_bytes().into_owned());
            let name = name.map_err(|_not_utf8| self.bad(&"the name of a file is not UTF-8"))?;
            let Some(name) = self.visible(&name)? else {
                continue;
            };
            match kind {
                EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                    self.write(name, entry)?;
                }
                EntryType::Link | EntryType::Symlink => return Err(self.link(name)),
                _ => return Err(self.bad(&format!("`{name}` is a device or the like"))),
            }
        }
        Ok(())
    }

    /// A file's name as it is shown; none for a file that nobody sees.
    fn visible(&self, name: &str) -> Result<Option<String>, Error> {
        let name = name.replace('\\', "/");
        let mut parts = Vec::new();
        for part in name.split('/') {
            match part {
                "" | "." => {}
                ".." => return Err(self.bad(&format!("`{name}` leads out of it"))),
                "__MACOSX" => return Ok(None),
                part if part.starts_with('.') => return Ok(None),
                part => parts.push(part),
            }
        }
        if name.contains('\0') {
            return Err(self.bad(&"the name of a file has a nul byte"));
        }
        Ok((!parts.is_empty()).then(|| parts.join("/")))
    }

    fn write(&mut self, name: String, mut content: impl Read) -> Result<(), Error> {
        if self.members.len() == self.bounds.files {
            return Err(Error::LargeArchive {
                file: self.archive.to_owned(),
                limit: format!("{} files", self.bounds.files),
            });
        }
        let path = self.folder.join(self.members.len().to_string());
        let mut file = fs::create(&path)?;
        let mut buffer = vec![0; 1 << 16];
        loop {
            let count = match content.read(&mut buffer) {
                Ok(0) => break,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(self.bad(&format!("`{name}`: {error}"))),
            };
            self.bytes += count as u64;
            if self.bytes > self.bounds.bytes {
                return Err(Error::LargeArchive {
                    file: self.archive.to_owned(),
                    limit: format!("{} MiB", self.bounds.bytes >> 20),
                });
            }
            file.write_all(&buffer[..count])
                .map_err(|source| fs::FsError::new("write", &path, source))?;
        }
        self.members.push(Member { name, path });
        Ok(())
    }

    fn link(&self, name: String) -> Error {
        Error::LinkInArchive {
            file: self.archive.to_owned(),
            link: name,
        }
    }

    fn bad_zip(&self, error: ZipError) -> Error {
        match error {
            ZipError::CompressionMethodNotSupported(_) => {
                self.bad(&"its files are packed in a way that few programs know")
            }
            error => self.bad(&error),
        }
    }

    fn bad(&self, problem: &dyn std::fmt::Display) -> Error {
        Error::BadArchive {
            file: self.archive.to_owned(),
            problem: problem.to_string(),
        }
    }
}

#[cfg(test)]
mod tests;
