//! Reads the rows of anyone's tables, one at a time and in bounded memory: plain lines, CSV, TSV, JSON,
//! Parquet, NumPy, spreadsheets, SQLite.
//!
//! [`Table::open`] reads as much of a [`Source`] as says which columns it has. [`Table::rows_by_name`] and
//! [`Table::rows_by_place`] then choose columns, and [`Rows::next_row`] gives their cells. A row knows the
//! line that it starts on; one that cannot be read is a [`RowProblem`] at its place, after which reading goes
//! on, while damage to the whole file is an [`Error`].
//!
//! What a column means is the caller's affair: this crate knows neither labels nor documents.
//!
//! | where | what there is, and what would be added there |
//! | --- | --- |
//! | `source` | files and streams, the whole of a small file |
//! | `kind` | what a file is that is no text, told by its bytes |
//! | `packing`, `archive` | compression; archives of files, unpacked |
//! | `encoding` | character encodings and byte order marks |
//! | `tell` | how a delimited table is written, told from all of its bytes |
//! | `sniff` | what a file is, told by its bytes |
//! | `dialect` | formats, what a file's name says, separators |
//! | `batches` | record batches: those of Parquet files, and of tables in memory |
//! | `lines`, `delimited`, `json`, `parquet`, `numpy`, `workbook`, `sqlite` | one reader for each family of formats |
//! | `ahead` | rows that a thread reads, where a library lends them out |
//! | `table` | the interface that is the same for all of them |
//! | `row`, `column` | cells, and the choice of columns by name |
//! | `features` | the names that the Hub's files have for the numbers of a column |
//! | `limits`, `error` | bounds on memory; what is wrong, said once |

mod ahead;
mod archive;
mod batches;
mod column;
mod delimited;
mod dialect;
mod encoding;
mod error;
mod features;
mod json;
mod kind;
mod limits;
mod lines;
mod numpy;
mod packing;
mod parquet;
mod row;
mod sniff;
mod source;
mod sqlite;
mod table;
mod tell;
mod workbook;

pub use archive::{Bounds, Member, unpack};
pub use batches::Batches;
pub use column::{Accepts, Column, ColumnKind, SeenColumns, Selection, Wanted};
pub use dialect::{Dialect, Escape, Form, Format, Header, LineEnds, Options, Part, Quote, Settings};
pub use encoding::{Charset, Encoding};
pub use error::Error;
pub use features::{ClassNames, class_names};
pub use limits::Limits;
pub use packing::Packing;
pub use row::{Cell, Place, Row, RowProblem};
pub use sniff::{Expected, Sniffed, sniff};
pub use source::{Source, read_bytes, read_text};
pub use table::{Rows, Table};
pub use tell::{Declared, Told, Width, tell};

#[cfg(test)]
mod testing;
