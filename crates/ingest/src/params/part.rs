//! Which table of a file is read, where its format has several: `ingest.sheet`, `ingest.table` and
//! `ingest.query`.

use labelproof_tables::Part;

use super::{Format, Params};

impl Params {
    /// The table that is meant.
    pub(crate) fn part(&self) -> Part<'_> {
        if let Some(query) = &self.query {
            Part::Query(query)
        } else if let Some(table) = &self.table {
            Part::Table(table)
        } else if let Some(sheet) = &self.sheet {
            Part::Sheet(sheet)
        } else {
            Part::Only
        }
    }

    pub(super) fn check_part(&self, problems: &mut Vec<String>) {
        let keys = [
            ("sheet", &self.sheet, Format::Spreadsheet),
            ("table", &self.table, Format::Sqlite),
            ("query", &self.query, Format::Sqlite),
        ];
        for (key, value, format) in keys {
            let Some(value) = value else { continue };
            if self.format != format {
                problems.push(format!(
                    "ingest.{key}: only the format `{}` has it, remove it, or set `ingest.format: {0}`",
                    format.name()
                ));
            } else if value.trim().is_empty() {
                problems.push(format!("ingest.{key}: it is empty"));
            }
        }
        if self.table.is_some() && self.query.is_some() {
            problems.push(
                "ingest.table: `ingest.query` says already what is read, remove one of them".to_owned(),
            );
        }
    }
}
