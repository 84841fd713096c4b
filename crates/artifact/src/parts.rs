//! Tables of many rows, as folders of part files, so that several machines can write one.
//!
//! A table of up to [`PART_ROWS`] rows is one file, `documents.parquet`; a longer one is a folder of this
//! name with the files `part-00000.parquet`, `part-00001.parquet` and so on, which most readers of Parquet
//! take as one table. How many parts there are follows from the number of rows ([`part_count`]), in which
//! part a row lies from its id ([`part_of`]), and within a part the rows are in the byte order of their ids:
//! the same rows give the same bytes, whoever writes the parts and in whichever order. Each part says which
//! one it is of how many, so that a missing part is noticed.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::fs;
use crate::table::{
    ArtifactError, BATCH_BYTES, BATCH_ROWS, FileReader, FileWriter, Row, TableReader, damaged,
};

/// The most rows of a table that is one file, and about as many as each part of a longer one has.
pub const PART_ROWS: u64 = 1 << 20;

/// The most parts that are written at once. Each keeps a batch of rows in memory.
const PARTS_AT_ONCE: u32 = 16;

/// The fewest rows that are read of a part at once, however many parts there are: reading takes longer in
/// smaller batches.
const FEWEST_ROWS_AT_ONCE: usize = 64;

/// How many parts a table of so many rows has.
pub fn part_count(rows: u64) -> u32 {
    part_count_of(rows, PART_ROWS)
}

/// [`part_count`] with another number of rows a part.
pub(crate) fn part_count_of(rows: u64, part_rows: u64) -> u32 {
    u32::try_from(rows.div_ceil(part_rows).max(1)).unwrap_or(u32::MAX)
}

/// The number by which rows are dealt to parts: the first four bytes of the id's BLAKE3 hash, the lowest
/// first. It fits into the signed numbers of 64 bits that are all that most engines have.
pub fn id_hash(id: &str) -> u32 {
    let hash = blake3::hash(id.as_bytes());
    u32::from_le_bytes(*hash.as_bytes().first_chunk().expect("a hash has 32 bytes"))
}

/// The part, from 0, in which the row of an id lies: its [`id_hash`] modulo the number of parts.
///
/// # Panics
///
/// If there are no parts.
pub fn part_of(id: &str, parts: u32) -> u32 {
    id_hash(id) % parts
}

/// The path of a part of a table: that of the table itself if it has one part.
pub fn path_of_part(table: &Path, part: u32, parts: u32) -> PathBuf {
    if parts == 1 {
        table.to_path_buf()
    } else {
        part_path(table, part)
    }
}

/// The path of a part in the folder of its table.
fn part_path(table: &Path, part: u32) -> PathBuf {
    table.join(format!("part-{part:05}.parquet"))
}

/// One part of a table of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Part {
    /// The part's number, from 0.
    number: u32,
    /// How many parts the table has.
    of: u32,
}

/// Written for people, who count from one: `3 of 12`.
impl fmt::Display for Part {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} of {}", u64::from(self.number) + 1, self.of)
    }
}

impl FromStr for Part {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.split_once(" of ").and_then(|(place, of)| {
            let (place, of) = (place.parse::<u32>().ok()?, of.parse().ok()?);
            let number = place.checked_sub(1)?;
            (number < of).then_some(Self { number, of })
        });
        parsed.ok_or_else(|| format!("it says that it is part `{text}`"))
    }
}

/// Writes one part of a table whose number of parts is known. It takes the rows of this part alone, in the
/// byte order of their ids.
pub struct PartWriter<R> {
    file: FileWriter<R>,
    part: Part,
    ascent: Ascent,
    id: fn(&R) -> &str,
}

impl<R: Row> PartWriter<R> {
    /// Starts the part of this number, from 0, of the table of this row type in a stage's output folder. The
    /// only part of a table is its file.
    ///
    /// # Panics
    ///
    /// If the number is none of a part, or the table of this row type is always one file.
    pub fn create(folder: &Path, number: u32, parts: u32) -> Result<Self, ArtifactError> {
        assert!(number < parts, "part {number} of {parts}, from 0");
        let id = R::DEALT_BY.expect("only a table whose rows are dealt by an id has parts");
        let part = Part { number, of: parts };
        let table = folder.join(R::KIND.file);
        let file = if parts == 1 {
            FileWriter::create(table, None)?
        } else {
            fs::create_dir_all(&table)?;
            FileWriter::create(part_path(&table, number), Some(part))?
        };
        Ok(Self {
            file,
            part,
            ascent: Ascent::default(),
            id,
        })
    }

    /// Adds a row. Fails if it belongs to another part, or its id does not come behind that of the row
    /// before.
    pub fn push(&mut self, row: R) -> Result<(), ArtifactError> {
        let id = (self.id)(&row);
        let number = part_of(id, self.part.of);
        let problem = if number != self.part.number {
            let own = Part { number, ..self.part };
            format!("row `{id}` belongs to part {own}, and not to {}", self.part)
        } else if let Err(problem) = self.ascent.take(id) {
            problem
        } else {
            return self.file.push(row);
        };
        Err(ArtifactError::Misplaced {
            path: self.file.path.clone(),
            problem,
        })
    }

    /// Writes the pending rows and the footer.
    pub fn finish(self) -> Result<(), ArtifactError> {
        self.file.finish()
    }
}

/// Whether ids ascend: each comes once, and behind those that are less.
#[derive(Debug, Default)]
struct Ascent {
    last: Option<String>,
}

impl Ascent {
    /// Takes the next id; an error says why it cannot be the next.
    fn take(&mut self, id: &str) -> Result<(), String> {
        match self
            .last
            .as_deref()
            .map_or(Ordering::Greater, |last| id.cmp(last))
        {
            Ordering::Greater => {}
            Ordering::Equal => return Err(format!("row `{id}` is there twice")),
            Ordering::Less => return Err(format!("row `{id}` is not where the order of ids has it")),
        }
        // Its memory is used again: there are as many ids as rows.
        let last = self.last.get_or_insert_default();
        last.clear();
        last.push_str(id);
        Ok(())
    }
}

/// Makes parts of a table that was written as one file, which is removed.
pub(crate) fn deal<R: Row>(folder: &Path, parts: u32) -> Result<(), ArtifactError> {
    let whole = folder.join(format!(".tmp-{}", R::KIND.file));
    fs::rename(&folder.join(R::KIND.file), &whole)?;
    let mut dealt = 0;
    while dealt < parts {
        let next = dealt..parts.min(dealt + PARTS_AT_ONCE);
        dealt = next.end;
        deal_some::<R>(&whole, folder, next, parts)?;
    }
    Ok(fs::remove(&whole)?)
}

/// Reads the whole table, and writes those of its parts.
fn deal_some<R: Row>(
    whole: &Path,
    folder: &Path,
    numbers: Range<u32>,
    parts: u32,
) -> Result<(), ArtifactError> {
    let id = R::DEALT_BY.expect("only a table whose rows are dealt by an id has parts");
    let create = |number| PartWriter::create(folder, number, parts);
    let mut writers: Vec<PartWriter<R>> = numbers.clone().map(create).collect::<Result<_, _>>()?;
    for rows in TableReader::<R>::open_file(whole)? {
        for row in rows? {
            let part = part_of(id(&row), parts);
            if numbers.contains(&part) {
                writers[(part - numbers.start) as usize].push(row)?;
            }
        }
    }
    writers.into_iter().try_for_each(PartWriter::finish)
}

/// Reads the parts of a table as one, in the byte order of ids.
pub(crate) struct MergedParts<R> {
    /// The folder of the table.
    path: PathBuf,
    parts: Vec<FileReader<R>>,
    /// The next row of every part that has one.
    heads: BinaryHeap<Head<R>>,
    /// Whether the first rows of the parts were read.
    started: bool,
    ascent: Ascent,
    id: fn(&R) -> &str,
}

impl<R: Row> MergedParts<R> {
    /// Opens all parts of a table, and checks that none is missing and none is of another table.
    pub(crate) fn open(path: &Path) -> Result<Self, ArtifactError> {
        let damaged = |problem: String| damaged::<R>(path, problem);
        let Some(id) = R::DEALT_BY else {
            return Err(damaged("it is a folder, expected a file".to_owned()));
        };
        let first = open_part(path, 0)?;
        let Some(Part { of: count, .. }) = first.part else {
            return Err(damaged(
                "`part-00000.parquet` does not say of how many parts".to_owned(),
            ));
        };
        let mut parts = vec![first];
        for number in 1..count {
            parts.push(open_part(path, number)?);
        }
        for (number, part) in (0..).zip(&parts) {
            let expected = Part { number, of: count };
            if part.part != Some(expected) {
                let found = part
                    .part
                    .map_or_else(|| "no part".to_owned(), |part| format!("part {part}"));
                return Err(damaged(format!(
                    "`part-{number:05}.parquet` says that it is {found}, expected part {expected}"
                )));
            }
        }
        let expected: Vec<PathBuf> = (0..count).map(|number| part_path(path, number)).collect();
        let foreign = fs::files_below(path)?
            .into_iter()
            .find(|file| !expected.contains(file));
        if let Some(file) = foreign {
            let name = file.strip_prefix(path).unwrap_or(&file).display();
            return Err(damaged(format!("`{name}` is none of its {count} parts")));
        }
        // All parts together have about as many rows in memory as one file has.
        let batch_rows = (BATCH_ROWS / parts.len()).max(FEWEST_ROWS_AT_ONCE);
        for part in &mut parts {
            part.batch_rows = batch_rows;
        }
        Ok(Self {
            path: path.to_path_buf(),
            parts,
            heads: BinaryHeap::new(),
            started: false,
            ascent: Ascent::default(),
            id,
        })
    }

    /// The number of rows of all parts.
    pub(crate) fn row_count(&self) -> u64 {
        self.parts.iter().map(|part| part.row_count).sum()
    }

    /// The next rows of all parts, at most a batch.
    fn next_rows(&mut self) -> Result<Vec<R>, ArtifactError> {
        if !self.started {
            self.started = true;
            for part in 0..self.parts.len() {
                self.add_head(part)?;
            }
        }
        let (mut rows, mut bytes) = (Vec::new(), 0);
        while rows.len() < BATCH_ROWS && bytes < BATCH_BYTES {
            let Some(row) = self.next_row()? else {
                break;
            };
            bytes += row.bytes();
            rows.push(row);
        }
        Ok(rows)
    }

    /// The least of the parts' next rows.
    fn next_row(&mut self) -> Result<Option<R>, ArtifactError> {
        let Some(mut head) = self.heads.peek_mut() else {
            return Ok(None);
        };
        let row = if let Some(next) = head.batch.next() {
            std::mem::replace(&mut head.row, next)
        } else {
            let Head { row, part, .. } = PeekMut::pop(head);
            self.add_head(part)?;
            row
        };
        let taken = self.ascent.take((self.id)(&row));
        taken.map_err(|problem| damaged::<R>(&self.path, problem))?;
        Ok(Some(row))
    }

    /// Reads the next batch of a part, if it has one.
    fn add_head(&mut self, part: usize) -> Result<(), ArtifactError> {
        for rows in &mut self.parts[part] {
            let mut batch = rows?.into_iter();
            if let Some(row) = batch.next() {
                let id = self.id;
                self.heads.push(Head { row, batch, part, id });
                break;
            }
        }
        Ok(())
    }
}

/// Opens a part of a table.
fn open_part<R: Row>(table: &Path, number: u32) -> Result<FileReader<R>, ArtifactError> {
    let path = part_path(table, number);
    if path.exists() {
        FileReader::open(&path)
    } else {
        Err(damaged::<R>(
            table,
            format!("`part-{number:05}.parquet` is missing"),
        ))
    }
}

impl<R: Row> Iterator for MergedParts<R> {
    type Item = Result<Vec<R>, ArtifactError>;

    fn next(&mut self) -> Option<Self::Item> {
        let rows = self.next_rows();
        if rows.is_err() {
            // What comes after damage cannot be trusted, and a caller that goes on must come to an end.
            self.heads.clear();
        }
        rows.map(|rows| (!rows.is_empty()).then_some(rows)).transpose()
    }
}

/// The next row of a part, and those behind it that were read with it. The greatest of them, as a heap has
/// it, is the one with the least id.
struct Head<R> {
    row: R,
    batch: std::vec::IntoIter<R>,
    part: usize,
    id: fn(&R) -> &str,
}

impl<R> Ord for Head<R> {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.id)(&other.row).cmp((self.id)(&self.row))
    }
}

impl<R> PartialOrd for Head<R> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<R> PartialEq for Head<R> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<R> Eq for Head<R> {}

#[cfg(test)]
mod tests;
