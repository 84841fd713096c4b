//! Which files somebody means by what was named: tables of one format, or folders of text files.

use std::path::{Path, PathBuf};

use labelproof_artifact::fs::FsError;

use crate::error::Error;
use crate::params::Format;
use crate::sources;

/// What was named, told by names alone.
pub(super) struct Named {
    /// The tables, in the order of their names; empty if these are folders of texts.
    pub(super) tables: Vec<PathBuf>,
    /// Files that were left aside because they are no tables, in folders that have tables.
    pub(super) left_aside: Vec<String>,
}

/// Looks at what was named.
pub(super) fn look(paths: &[PathBuf]) -> Result<Named, Error> {
    let mut files = Vec::new();
    let mut inside = Vec::new();
    for path in paths {
        let is_folder = path
            .metadata()
            .map_err(|error| FsError::new("read", path, error))?
            .is_dir();
        if is_folder {
            sources::walk(path, &mut Vec::new(), &mut inside)?;
        } else {
            files.push(path.clone());
        }
    }
    inside.sort();
    let (tables, others): (Vec<_>, Vec<_>) = inside.into_iter().partition(|path| is_table(path));
    // A folder of texts may have a table beside them, such as a list of addresses; a folder of tables may have
    // a readme.
    let is_of_texts = tables.len() * 10 < others.len();
    let left_aside = if is_of_texts {
        Vec::new()
    } else {
        files.extend(tables);
        others.iter().map(|path| path.display().to_string()).collect()
    };
    Ok(Named {
        tables: files,
        left_aside,
    })
}

fn is_table(path: &Path) -> bool {
    labelproof_tables::Format::of_name(path).is_some()
}

/// The format of `pipeline.yaml` that reads what a table was found to be.
pub(super) fn format_of(format: labelproof_tables::Format) -> Option<Format> {
    use labelproof_tables::Format as Found;
    match format {
        Found::Delimited(dialect) if dialect.separator == b'\t' => Some(Format::Tsv),
        Found::Delimited(_) => Some(Format::Csv),
        Found::JsonLines => Some(Format::JsonLines),
        Found::Json => Some(Format::Json),
        Found::Parquet => Some(Format::Parquet),
        Found::Spreadsheet => Some(Format::Spreadsheet),
        Found::Sqlite => Some(Format::Sqlite),
        _ => None,
    }
}
