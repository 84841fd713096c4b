//! An external merge sort: more rows than fit into memory are sorted in runs, which lie in scratch files and
//! are merged as they are read.
//!
//! The order of what comes out depends on the rows alone, never on the order they came in nor on how many
//! runs there were. Scratch files have no name, so that the operating system removes them however the process
//! ends.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Path, PathBuf};

use labelproof_artifact::fs::FsError;
use labelproof_artifact::{Reject, Split};

use crate::limits::Limits;

/// A row that can be sorted outside of memory.
pub(crate) trait Spill: Ord + Sized {
    /// About how many bytes the row takes in memory.
    fn size(&self) -> usize;
    /// Writes the row to a run.
    fn write(&self, run: &mut dyn Write) -> io::Result<()>;
    /// Reads a row back from a run.
    fn read(run: &mut dyn Read) -> io::Result<Self>;
}

/// Collects rows in any order, and writes a sorted run whenever they fill its memory.
pub(crate) struct Sorter<T> {
    folder: PathBuf,
    limits: Limits,
    pending: Vec<T>,
    pending_bytes: usize,
    runs: Vec<Run<T>>,
    len: u64,
}

impl<T: Spill> Sorter<T> {
    /// A sorter whose scratch files lie in `folder`.
    pub(crate) fn new(folder: &Path, limits: Limits) -> Self {
        Self {
            folder: folder.to_path_buf(),
            limits,
            pending: Vec::new(),
            pending_bytes: 0,
            runs: Vec::new(),
            len: 0,
        }
    }

    /// Adds a row, and writes a run if the memory is full.
    pub(crate) fn push(&mut self, row: T) -> Result<(), FsError> {
        self.len += 1;
        self.pending_bytes += row.size();
        self.pending.push(row);
        if self.pending_bytes >= self.limits.run_bytes {
            self.write_run()?;
        }
        Ok(())
    }

    /// The number of rows so far.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    fn write_run(&mut self) -> Result<(), FsError> {
        self.pending.sort_unstable();
        let mut writer = RunWriter::create(&self.folder)?;
        for row in self.pending.drain(..) {
            writer.push(&row)?;
        }
        self.pending_bytes = 0;
        self.runs.push(writer.finish()?);
        let merge_bytes: usize = self.runs.iter().map(|run| run.longest_bytes).sum();
        let is_full = self.runs.len() >= self.limits.open_runs || merge_bytes >= self.limits.merge_bytes;
        if is_full && self.runs.len() > 1 {
            let mut writer = RunWriter::create(&self.folder)?;
            for row in Merge::new(Vec::new(), std::mem::take(&mut self.runs))? {
                writer.push(&row?)?;
            }
            self.runs.push(writer.finish()?);
        }
        Ok(())
    }

    /// Merges the runs into one stream of all rows in order.
    pub(crate) fn finish(mut self) -> Result<Merge<T>, FsError> {
        self.pending.sort_unstable();
        Merge::new(self.pending, self.runs)
    }
}

/// Sorted rows, from memory and from runs.
pub(crate) struct Merge<T> {
    sources: Vec<Source<T>>,
    heads: BinaryHeap<Reverse<(T, usize)>>,
}

enum Source<T> {
    Memory(std::vec::IntoIter<T>),
    Run(Run<T>),
}

impl<T: Spill> Iterator for Source<T> {
    type Item = Result<T, FsError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Memory(rows) => rows.next().map(Ok),
            Self::Run(run) => run.next(),
        }
    }
}

impl<T: Spill> Merge<T> {
    fn new(memory: Vec<T>, runs: Vec<Run<T>>) -> Result<Self, FsError> {
        let sources = std::iter::once(Source::Memory(memory.into_iter()))
            .chain(runs.into_iter().map(Source::Run))
            .collect();
        let mut merge = Self {
            sources,
            heads: BinaryHeap::new(),
        };
        for index in 0..merge.sources.len() {
            merge.refill(index)?;
        }
        Ok(merge)
    }

    fn refill(&mut self, index: usize) -> Result<(), FsError> {
        if let Some(row) = self.sources[index].next() {
            self.heads.push(Reverse((row?, index)));
        }
        Ok(())
    }
}

impl<T: Spill> Iterator for Merge<T> {
    type Item = Result<T, FsError>;

    fn next(&mut self) -> Option<Self::Item> {
        let Reverse((row, index)) = self.heads.pop()?;
        Some(self.refill(index).map(|()| row))
    }
}

/// Writes rows to a scratch file in the order they come.
pub(crate) struct RunWriter<T> {
    folder: PathBuf,
    writer: BufWriter<File>,
    rows: u64,
    longest_bytes: usize,
    kind: std::marker::PhantomData<fn() -> T>,
}

impl<T: Spill> RunWriter<T> {
    /// Starts a scratch file in `folder`.
    pub(crate) fn create(folder: &Path) -> Result<Self, FsError> {
        let file = tempfile::tempfile_in(folder)
            .map_err(|source| FsError::new("create a scratch file in", folder, source))?;
        Ok(Self {
            folder: folder.to_path_buf(),
            writer: BufWriter::with_capacity(1 << 18, file),
            rows: 0,
            longest_bytes: 0,
            kind: std::marker::PhantomData,
        })
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, row: &T) -> Result<(), FsError> {
        self.rows += 1;
        self.longest_bytes = self.longest_bytes.max(row.size());
        row.write(&mut self.writer)
            .map_err(|source| FsError::new("write a scratch file in", &self.folder, source))
    }

    /// Ends the run, which can then be read.
    pub(crate) fn finish(self) -> Result<Run<T>, FsError> {
        let Self {
            folder,
            writer,
            rows,
            longest_bytes,
            ..
        } = self;
        let file = writer
            .into_inner()
            .map_err(io::IntoInnerError::into_error)
            .and_then(|mut file| file.rewind().map(|()| file))
            .map_err(|source| FsError::new("write a scratch file in", &folder, source))?;
        Ok(Run {
            folder,
            reader: BufReader::with_capacity(1 << 16, file),
            rows,
            longest_bytes,
            kind: std::marker::PhantomData,
        })
    }
}

/// Rows of a scratch file, in the order they were written.
pub(crate) struct Run<T> {
    folder: PathBuf,
    reader: BufReader<File>,
    rows: u64,
    longest_bytes: usize,
    kind: std::marker::PhantomData<fn() -> T>,
}

impl<T: Spill> Iterator for Run<T> {
    type Item = Result<T, FsError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.rows = self.rows.checked_sub(1)?;
        Some(
            T::read(&mut self.reader)
                .map_err(|source| FsError::new("read a scratch file in", &self.folder, source)),
        )
    }
}

/// A row on its way to a document. The order of the fields is the order of the rows: by id, then by content;
/// where a row came from only decides which of two equal rows is called the repeated one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Candidate {
    /// The id of the source, or the digest of what the row says.
    pub id: String,
    /// The text.
    pub text: String,
    /// The label, renamed where the settings say so.
    pub label: String,
    /// The group that the source gives.
    pub group: Option<String>,
    /// The split that the source gives.
    pub split: Option<Split>,
    /// The place of its file in the list of sources.
    pub source: u32,
    /// The line, from 1; none of a file that is one text.
    pub line: Option<u64>,
}

impl Spill for Candidate {
    fn size(&self) -> usize {
        let group = self.group.as_ref().map_or(0, String::len);
        size_of::<Self>() + self.id.len() + self.text.len() + self.label.len() + group
    }

    fn write(&self, run: &mut dyn Write) -> io::Result<()> {
        write_string(run, &self.id)?;
        write_string(run, &self.text)?;
        write_string(run, &self.label)?;
        write_optional_string(run, self.group.as_deref())?;
        let split = self.split.map_or(0, |split| match split {
            Split::Train => 1,
            Split::Validation => 2,
            Split::Test => 3,
        });
        run.write_all(&[split])?;
        run.write_all(&self.source.to_le_bytes())?;
        write_optional_number(run, self.line)
    }

    fn read(run: &mut dyn Read) -> io::Result<Self> {
        Ok(Self {
            id: read_string(run)?,
            text: read_string(run)?,
            label: read_string(run)?,
            group: read_optional_string(run)?,
            split: match read_bytes::<1>(run)? {
                [1] => Some(Split::Train),
                [2] => Some(Split::Validation),
                [3] => Some(Split::Test),
                _ => None,
            },
            source: u32::from_le_bytes(read_bytes(run)?),
            line: read_optional_number(run)?,
        })
    }
}

impl Spill for Reject {
    fn size(&self) -> usize {
        let id = self.id.as_ref().map_or(0, String::len);
        size_of::<Self>() + self.source.len() + id + self.reason.len() + self.detail.len()
    }

    fn write(&self, run: &mut dyn Write) -> io::Result<()> {
        write_string(run, &self.source)?;
        write_optional_number(run, self.line)?;
        write_optional_string(run, self.id.as_deref())?;
        write_string(run, &self.reason)?;
        write_string(run, &self.detail)
    }

    fn read(run: &mut dyn Read) -> io::Result<Self> {
        Ok(Self {
            source: read_string(run)?,
            line: read_optional_number(run)?,
            id: read_optional_string(run)?,
            reason: read_string(run)?,
            detail: read_string(run)?,
        })
    }
}

fn write_string(run: &mut dyn Write, text: &str) -> io::Result<()> {
    run.write_all(&(text.len() as u64).to_le_bytes())?;
    run.write_all(text.as_bytes())
}

fn write_optional_string(run: &mut dyn Write, text: Option<&str>) -> io::Result<()> {
    run.write_all(&[u8::from(text.is_some())])?;
    text.map_or(Ok(()), |text| write_string(run, text))
}

fn write_optional_number(run: &mut dyn Write, number: Option<u64>) -> io::Result<()> {
    run.write_all(&[u8::from(number.is_some())])?;
    number.map_or(Ok(()), |number| run.write_all(&number.to_le_bytes()))
}

fn read_bytes<const N: usize>(run: &mut dyn Read) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    run.read_exact(&mut bytes).map(|()| bytes)
}

fn read_string(run: &mut dyn Read) -> io::Result<String> {
    let length = u64::from_le_bytes(read_bytes(run)?);
    let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
    run.read_exact(&mut bytes)?;
    String::from_utf8(bytes).map_err(io::Error::other)
}

fn read_optional_string(run: &mut dyn Read) -> io::Result<Option<String>> {
    match read_bytes(run)? {
        [0] => Ok(None),
        [_] => read_string(run).map(Some),
    }
}

fn read_optional_number(run: &mut dyn Read) -> io::Result<Option<u64>> {
    match read_bytes(run)? {
        [0] => Ok(None),
        [_] => read_bytes(run).map(u64::from_le_bytes).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates() -> Vec<Candidate> {
        (0_u32..500)
            .map(|number| {
                // Spread, with repeats, so that no order is there already.
                let spread = number.wrapping_mul(2_654_435_761) % 211;
                Candidate {
                    id: format!("id {spread}"),
                    text: format!("text {}\n", number % 7).repeat(spread as usize % 5 + 1),
                    label: "é".to_owned(),
                    group: (number % 3 == 0).then(|| format!("group {number}")),
                    split: [
                        None,
                        Some(Split::Train),
                        Some(Split::Validation),
                        Some(Split::Test),
                    ][number as usize % 4],
                    source: number % 2,
                    line: (number % 5 != 0).then_some(u64::from(number)),
                }
            })
            .collect()
    }

    #[test]
    fn tiny_runs_merged_often_give_what_sorting_in_memory_gives() {
        let folder = tempfile::tempdir().unwrap();
        let mut expected = candidates();
        expected.sort();
        for (run_bytes, open_runs, merge_bytes) in [
            (1, 2, 1 << 30),
            (1000, 3, 1 << 30),
            (1000, 400, 500),
            (5000, 400, 1 << 30),
            (1 << 30, 400, 1 << 30),
        ] {
            let limits = Limits {
                run_bytes,
                open_runs,
                merge_bytes,
                ..Limits::default()
            };
            let mut sorter = Sorter::new(folder.path(), limits);
            for candidate in candidates() {
                sorter.push(candidate).unwrap();
            }
            assert_eq!(sorter.len(), 500);
            let sorted: Vec<_> = sorter.finish().unwrap().collect::<Result<_, _>>().unwrap();
            assert_eq!(sorted, expected, "runs of {run_bytes} bytes");
        }
        assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    }

    #[test]
    fn rejects_come_back_as_they_went_in() {
        let folder = tempfile::tempdir().unwrap();
        let limits = Limits {
            run_bytes: 1,
            open_runs: 2,
            ..Limits::default()
        };
        let mut sorter = Sorter::new(folder.path(), limits);
        let reject = |line: Option<u64>, id: Option<&str>| Reject {
            source: "a.csv".to_owned(),
            line,
            id: id.map(str::to_owned),
            reason: "empty text".to_owned(),
            detail: "détail".to_owned(),
        };
        let rejects = [
            reject(Some(9), Some("x")),
            reject(None, None),
            reject(Some(10), None),
        ];
        for reject in rejects.clone() {
            sorter.push(reject).unwrap();
        }
        let sorted: Vec<_> = sorter.finish().unwrap().collect::<Result<_, _>>().unwrap();
        assert_eq!(
            sorted,
            [rejects[1].clone(), rejects[0].clone(), rejects[2].clone()]
        );
    }

    #[test]
    fn a_scratch_folder_that_is_not_there_is_named() {
        let error = RunWriter::<Candidate>::create(Path::new("/no/such/folder"))
            .err()
            .unwrap();
        assert_eq!(
            error.to_string(),
            "cannot create a scratch file in `/no/such/folder`"
        );
    }
}
