//! The one interface to tables of every format.

use crate::ahead::Ahead;
use crate::batches::{BatchRows, Batches, InMemory};
use crate::column::{Column, Selection};
use crate::delimited::Delimited;
use crate::dialect::{Form, Format, Options};
use crate::error::Error;
use crate::features::ClassNames;
use crate::json::{Json, JsonRows, Shape, Unit};
use crate::lines::Lines;
use crate::numpy::{Numpy, NumpyRows};
use crate::parquet::Parquet;
use crate::row::Row;
use crate::source::{Input, Source};
use crate::sqlite::Sqlite;
use crate::workbook::Workbook;

/// A table of which no row has been read.
pub struct Table {
    name: String,
    reader: Opened,
}

enum Opened {
    Lines(Lines, [Column; 1]),
    Delimited(Box<Delimited>),
    Json(Json),
    Parquet(Parquet),
    InMemory(InMemory),
    Numpy(Numpy),
    Workbook(Box<Workbook>),
    Sqlite(Sqlite),
}

impl Table {
    /// Opens a source, and reads its header if it has one.
    pub fn open(source: Source, options: &Options<'_>) -> Result<Self, Error> {
        let name = source.name().to_owned();
        let Options { limits, settings, .. } = *options;
        let input = |source| Input::open_table(source, options.encoding, settings);
        let reader = match options.format {
            Format::Lines => {
                let column = Column::untyped("line".to_owned());
                let input = Input::open(source, options.encoding, settings)?;
                Opened::Lines(Lines::new(input, limits), [column])
            }
            Format::Delimited(dialect) => {
                let mut input = input(source)?;
                input.refuse_json(settings)?;
                Opened::Delimited(Box::new(Delimited::open(input, dialect, limits, settings)?))
            }
            Format::JsonLines => {
                Opened::Json(Json::open(input(source)?, Shape::Lines, Unit::Object, options)?)
            }
            Format::Json => Opened::Json(Json::open(input(source)?, Shape::Any, Unit::Object, options)?),
            Format::JsonArrays { has_header, is_lines } => {
                let unit = Unit::Array { has_header };
                Opened::Json(Json::open(
                    input(source)?,
                    Shape::of_arrays(is_lines),
                    unit,
                    options,
                )?)
            }
            Format::JsonValues { is_lines } => {
                let shape = Shape::of_arrays(is_lines);
                Opened::Json(Json::open(input(source)?, shape, Unit::Value, options)?)
            }
            Format::Parquet => Opened::Parquet(Parquet::open(&source, options.form, limits, settings)?),
            Format::Spreadsheet => Opened::Workbook(Box::new(Workbook::open(&source, options)?)),
            Format::Sqlite => Opened::Sqlite(Sqlite::open(&source, options)?),
            Format::Npz => Opened::Numpy(Numpy::open_npz(&source)?),
            Format::Npy => Opened::Numpy(Numpy::open_npy(&source)?),
        };
        Ok(Self { name, reader })
    }

    /// A table that is in memory, which messages call by this name.
    pub fn in_memory(name: impl Into<String>, table: Batches, form: Form) -> Self {
        let name = name.into();
        let reader = Opened::InMemory(InMemory::new(name.clone(), table, form));
        Self { name, reader }
    }

    /// The columns. In JSON they are the keys of the first object, those of objects in it included.
    pub fn columns(&mut self) -> Result<&[Column], Error> {
        match &mut self.reader {
            Opened::Lines(_, column) => Ok(column),
            Opened::Delimited(table) => Ok(table.columns()),
            Opened::Json(table) => table.columns(),
            Opened::Parquet(table) => Ok(table.columns()),
            Opened::InMemory(table) => Ok(table.columns()),
            Opened::Numpy(table) => Ok(table.columns()),
            Opened::Workbook(table) => Ok(table.columns()),
            Opened::Sqlite(table) => Ok(table.columns()),
        }
    }

    /// Calls the columns of a delimited table without a header so. `setting` is what names them.
    pub fn name_columns(&mut self, names: &[String], setting: &'static str) -> Result<(), Error> {
        let place = self.header_place();
        let Opened::Delimited(table) = &mut self.reader else {
            return Ok(());
        };
        table.name_columns(names, place, setting)
    }

    /// Where messages say that the columns are: the line of the header, or the whole file.
    pub fn header_place(&self) -> String {
        match &self.reader {
            Opened::Delimited(table) => table.header_place(),
            Opened::Json(table) => table.header_place(),
            Opened::Workbook(table) => table.header_place(),
            Opened::Lines(..)
            | Opened::Parquet(_)
            | Opened::InMemory(_)
            | Opened::Numpy(_)
            | Opened::Sqlite(_) => self.name.clone(),
        }
    }

    /// What was decided of a sheet, in the words of a sentence that lists it.
    pub fn remarks(&self) -> &[String] {
        match &self.reader {
            Opened::Workbook(table) => table.remarks(),
            _ => &[],
        }
    }

    /// What a file has beside its table: the keys of an object of which the table is a part.
    pub fn left_aside(&self) -> &[String] {
        match &self.reader {
            Opened::Json(table) => table.left_aside(),
            _ => &[],
        }
    }

    /// Chooses columns by name. In JSON a column may be missing in any row, so that only [`Selection::check`]
    /// after the last table tells a wrong name; in other formats it is an error at once.
    pub fn rows_by_name(mut self, mut selection: Selection) -> Result<Rows, Error> {
        if let Opened::Json(table) = &mut self.reader {
            table.look_for_arrays(&selection)?;
            if table.is_of_objects()
                && let Opened::Json(table) = self.reader
            {
                let reader = Reading::Json(table.rows_by_name(&selection)?);
                return Ok(Rows { reader, selection });
            }
        }
        if let Opened::Parquet(table) = self.reader {
            let reader = Reading::Batches(table.rows_by_name(&mut selection)?);
            return Ok(Rows { reader, selection });
        }
        if let Opened::InMemory(table) = self.reader {
            let reader = Reading::Batches(table.rows_by_name(&mut selection)?);
            return Ok(Rows { reader, selection });
        }
        let place = self.header_place();
        let name = self.name.clone();
        let places = match selection.find(self.columns()?, &place, &name) {
            Ok(places) => places,
            Err(error) => return Err(self.explained(error, &selection)),
        };
        Ok(Rows {
            selection,
            ..self.rows_by_place(&places)?
        })
    }

    /// The error of a column that is not there, with what the rows say about the reason.
    fn explained(self, error: Error, selection: &Selection) -> Error {
        match self.reader {
            Opened::Delimited(table) => table.explained(error, selection.wanted()),
            _ => error,
        }
    }

    /// Chooses columns by their places in [`Self::columns`].
    pub fn rows_by_place(self, places: &[usize]) -> Result<Rows, Error> {
        let reader = match self.reader {
            Opened::Lines(lines, _) => Reading::Lines(lines),
            Opened::Delimited(table) => Reading::Delimited(table, places.to_vec()),
            Opened::Json(table) => Reading::Json(table.rows_by_place(places)?),
            Opened::Parquet(table) => Reading::Batches(table.rows(places)?),
            Opened::InMemory(table) => Reading::Batches(table.rows(places)),
            Opened::Numpy(table) => Reading::Numpy(table.rows(places)?),
            Opened::Workbook(table) => Reading::Ahead(table.rows(places)),
            Opened::Sqlite(table) => Reading::Ahead(table.rows(places)),
        };
        let selection = Selection::new(Vec::new());
        Ok(Rows { reader, selection })
    }
}

/// The rows of a table, in their order.
pub struct Rows {
    reader: Reading,
    selection: Selection,
}

enum Reading {
    Lines(Lines),
    Delimited(Box<Delimited>, Vec<usize>),
    Json(JsonRows),
    Batches(BatchRows),
    Numpy(NumpyRows),
    Ahead(Ahead),
}

impl Rows {
    /// Reads the next row; none after the last. After an error there is nothing to be read any more.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, Error> {
        match &mut self.reader {
            Reading::Lines(lines) => lines.next_row(),
            Reading::Delimited(table, places) => table.next_row(places),
            Reading::Json(rows) => rows.next_row(&mut self.selection),
            Reading::Batches(rows) => rows.next_row(&mut self.selection),
            Reading::Numpy(rows) => Ok(rows.next_row()),
            Reading::Ahead(rows) => rows.next_row(),
        }
    }

    /// The names that the file itself has for the numbers of some columns.
    pub fn class_names(&self) -> ClassNames {
        match &self.reader {
            Reading::Json(rows) => rows.class_names().clone(),
            Reading::Batches(rows) => rows.class_names().clone(),
            _ => ClassNames::new(),
        }
    }

    /// What a file has beside its table: the keys of an object of which the table is a part.
    pub fn left_aside(&self) -> &[String] {
        match &self.reader {
            Reading::Json(rows) => rows.left_aside(),
            _ => &[],
        }
    }

    /// The choice of columns, for the next table.
    pub fn into_selection(self) -> Selection {
        self.selection
    }
}
