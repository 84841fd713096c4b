//! A scratch file of texts, which are read back by row number.
//!
//! Near duplicates are confirmed on the texts themselves, a few thousand at a time and in no order known
//! before; the table of documents can only be read from its beginning.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use labelproof_artifact::fs::FsError;

/// Collects texts in a scratch file without a name, which vanishes with the process.
pub(crate) struct TextWriter {
    folder: PathBuf,
    writer: BufWriter<File>,
    /// The end of each text in the file, in bytes.
    ends: Vec<u64>,
}

impl TextWriter {
    /// Starts a scratch file in `folder`.
    pub(crate) fn create(folder: &Path) -> Result<Self, FsError> {
        let file = tempfile::tempfile_in(folder)
            .map_err(|source| FsError::new("create a scratch file in", folder, source))?;
        Ok(Self {
            folder: folder.to_path_buf(),
            writer: BufWriter::with_capacity(1 << 18, file),
            ends: Vec::new(),
        })
    }

    /// Adds the text of the next row.
    pub(crate) fn push(&mut self, text: &str) -> Result<(), FsError> {
        let start = self.ends.last().copied().unwrap_or(0);
        self.ends.push(start + text.len() as u64);
        self.writer
            .write_all(text.as_bytes())
            .map_err(|source| FsError::new("write a scratch file in", &self.folder, source))
    }

    /// Ends writing, and gives access to the texts.
    pub(crate) fn finish(self) -> Result<Texts, FsError> {
        let Self { folder, writer, ends } = self;
        let file = writer
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
            .map_err(|source| FsError::new("write a scratch file in", &folder, source))?;
        Ok(Texts { folder, file, ends })
    }
}

/// Texts in a scratch file, which can be read by row number.
pub(crate) struct Texts {
    folder: PathBuf,
    file: File,
    ends: Vec<u64>,
}

impl Texts {
    /// The texts of some rows, in the order of `rows`.
    pub(crate) fn read(&mut self, rows: &[usize]) -> Result<Vec<String>, FsError> {
        rows.iter()
            .map(|&row| self.read_one(row))
            .collect::<io::Result<_>>()
            .map_err(|source| FsError::new("read a scratch file in", &self.folder, source))
    }

    fn read_one(&mut self, row: usize) -> io::Result<String> {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        let length = usize::try_from(self.ends[row] - start).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        self.file.seek(SeekFrom::Start(start))?;
        self.file.read_exact(&mut bytes)?;
        String::from_utf8(bytes).map_err(io::Error::other)
    }
}
