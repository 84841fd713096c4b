//! Rows of SQLite databases: of a table, of a view, or of what a statement selects.
//!
//! A database is read and never written: it is opened read-only, and with what another program has not yet
//! written into the file it is refused.

use std::path::{Path, PathBuf};
use std::time::Duration;

use labelproof_artifact::contained;
use labelproof_artifact::wording::nearest;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags, Statement};
use tempfile::TempPath;

use crate::ahead::{Ahead, OwnedCell, OwnedRow, Unwanted};
use crate::column::Column;
use crate::dialect::{Form, Format, Options, Part, Settings};
use crate::error::Error;
use crate::row::Place;
use crate::source::{Seekable, Source};

/// A database of which the columns of a table are known.
pub(crate) struct Sqlite {
    name: String,
    path: PathBuf,
    /// What keeps the file there, if it was packed.
    unpacked: Option<TempPath>,
    form: Form,
    row_bytes: usize,
    /// The statement that gives the rows.
    statement: String,
    columns: Vec<Column>,
}

impl Sqlite {
    pub(crate) fn open(source: &Source, options: &Options<'_>) -> Result<Self, Error> {
        // The library panics at the name of a column that is not UTF-8.
        contained(|| Self::open_any(source, options))
            .unwrap_or_else(|panicked| Err(gave_up(source.name(), panicked.to_string())))
    }

    fn open_any(source: &Source, options: &Options<'_>) -> Result<Self, Error> {
        let name = source.name().to_owned();
        let Seekable { path, unpacked, .. } = source.open_as(Format::Sqlite, "SQLite", options.settings)?;
        refuse_what_is_not_written(&name, &path)?;
        let connection = connect(&path, options.limits.row_bytes).map_err(|source| damaged(&name, source))?;
        let statement = match options.part {
            Part::Query(query) => query.to_owned(),
            part => choose(&connection, &name, part, options.settings)?,
        };
        let columns = {
            let prepared = prepare(&connection, &name, &statement, options)?;
            let names = prepared.column_names().map(str::to_owned);
            names.map(Column::untyped).collect()
        };
        Ok(Self {
            name,
            path,
            unpacked,
            form: options.form,
            row_bytes: options.limits.row_bytes,
            statement,
            columns,
        })
    }

    pub(crate) fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The rows, with a cell for each of these columns. Their numbers stand for lines.
    pub(crate) fn rows(self, places: &[usize]) -> Ahead {
        let places = places.to_vec();
        let (name, file) = (self.name.clone(), self.name.clone());
        let read = move |sink: &mut crate::ahead::Sink| {
            let at = |number: u64| {
                let name = self.name.clone();
                move |source| Error::BadDatabase {
                    place: Place::Row(number).within(&name),
                    source,
                }
            };
            // To the end of the rows.
            let _unpacked = self.unpacked;
            let connection = connect(&self.path, self.row_bytes).map_err(at(1))?;
            let mut statement = connection.prepare(&self.statement).map_err(at(1))?;
            let mut rows = statement.query([]).map_err(at(1))?;
            let mut number = 0;
            while let Some(row) = rows.next().map_err(at(number + 1))? {
                number += 1;
                let mut cells = Vec::with_capacity(places.len());
                for place in &places {
                    let value = row.get_ref(*place).map_err(at(number))?;
                    cells.push(cell(value, self.form));
                }
                let place = Place::Row(number);
                if let Err(Unwanted) = sink.push(OwnedRow { place, cells }) {
                    break;
                }
            }
            Ok(())
        };
        let panicked = move |message: String| gave_up(&file, message);
        Ahead::start(name, read, panicked)
    }
}

/// What a program that is at work with a database, or was interrupted, leaves beside it.
fn refuse_what_is_not_written(name: &str, path: &Path) -> Result<(), Error> {
    for ending in ["-wal", "-journal"] {
        let mut beside = path.as_os_str().to_owned();
        beside.push(ending);
        let beside = PathBuf::from(beside);
        if beside.metadata().is_ok_and(|metadata| metadata.len() > 0) {
            return Err(Error::DatabaseInUse {
                file: name.to_owned(),
                beside: format!("{name}{ending}"),
            });
        }
    }
    Ok(())
}

/// Opens a file that nobody changes while it is read.
fn connect(path: &Path, row_bytes: usize) -> rusqlite::Result<Connection> {
    let mut address = String::from("file:");
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                address.push(char::from(*byte));
            }
            _ => address.push_str(&format!("%{byte:02X}")),
        }
    }
    // Immutable: otherwise SQLite would want to write beside a file in write-ahead mode.
    address.push_str("?mode=ro&immutable=1");
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(address, flags)?;
    connection.busy_timeout(Duration::ZERO)?;
    // What a file from elsewhere brings along, such as the functions that a view calls, is not trusted.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_limit(
        Limit::SQLITE_LIMIT_LENGTH,
        i32::try_from(row_bytes).unwrap_or(i32::MAX),
    )?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    Ok(connection)
}

/// The statement for a table.
fn choose(connection: &Connection, name: &str, part: Part<'_>, settings: Settings) -> Result<String, Error> {
    let tables = tables(connection).map_err(|source| damaged(name, source))?;
    let chosen = match part {
        Part::Table(wanted) => {
            tables
                .iter()
                .position(|table| table == wanted)
                .ok_or_else(|| Error::NoSuchPart {
                    file: name.to_owned(),
                    what: "table",
                    wanted: wanted.to_owned(),
                    nearest: nearest(wanted, &tables).map(str::to_owned),
                    parts: tables.clone(),
                })?
        }
        _ if tables.is_empty() => {
            return Err(Error::Empty {
                file: name.to_owned(),
            });
        }
        _ if tables.len() > 1 => {
            return Err(Error::SeveralParts {
                file: name.to_owned(),
                what: "tables",
                parts: tables,
                setting: settings.table,
            });
        }
        _ => 0,
    };
    Ok(format!(
        "SELECT * FROM \"{}\"",
        tables[chosen].replace('"', "\"\"")
    ))
}

/// The tables and views, without those of SQLite's own.
fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(
        "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND substr(name, 1, 7) <> 'sqlite_' \
         ORDER BY name",
    )?;
    statement.query_map([], |row| row.get(0))?.collect()
}

/// A statement that only reads, and gives rows.
fn prepare<'c>(
    connection: &'c Connection,
    name: &str,
    statement: &str,
    options: &Options<'_>,
) -> Result<Statement<'c>, Error> {
    let failed = |problem: String| Error::BadQuery {
        file: name.to_owned(),
        query: statement.to_owned(),
        problem,
    };
    let prepared = connection
        .prepare(statement)
        .map_err(|source| match (options.part, source) {
            (Part::Query(_), rusqlite::Error::MultipleStatement) => {
                failed("it is more than one statement".to_owned())
            }
            (Part::Query(_), rusqlite::Error::SqlInputError { msg, offset, .. }) => {
                failed(format!("{msg}, at character {}", offset + 1))
            }
            (Part::Query(_), rusqlite::Error::SqliteFailure(_, Some(message))) => failed(message),
            (Part::Query(query), _) if query.trim().is_empty() => failed("it is empty".to_owned()),
            (_, source) => damaged(name, source),
        })?;
    if prepared.column_count() == 0 || !prepared.readonly() {
        return Err(failed("it selects no rows".to_owned()));
    }
    if prepared.parameter_count() > 0 {
        return Err(failed(
            "it has parameters, for which there are no values".to_owned(),
        ));
    }
    Ok(prepared)
}

fn cell(value: ValueRef<'_>, form: Form) -> OwnedCell {
    match value {
        ValueRef::Null => OwnedCell::Missing,
        ValueRef::Integer(number) => OwnedCell::Text(number.to_string()),
        ValueRef::Real(number) if form == Form::Typed => OwnedCell::Number(number),
        // As SQLite prints it: 1.0 is not 1.
        ValueRef::Real(number) => OwnedCell::Text(format!("{number:?}")),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => OwnedCell::Text(text.to_owned()),
            Err(_) => OwnedCell::Bytes(text.to_vec()),
        },
        ValueRef::Blob(_) => OwnedCell::Other("a BLOB"),
    }
}

/// What is said of a file at which the library panicked.
fn gave_up(name: &str, message: String) -> Error {
    damaged(name, rusqlite::Error::ToSqlConversionFailure(message.into()))
}

fn damaged(name: &str, source: rusqlite::Error) -> Error {
    Error::BadDatabase {
        place: name.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests;
