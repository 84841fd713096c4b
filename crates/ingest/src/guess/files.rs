//! Which files somebody means by what was named: tables of one format, or folders of text files.

use std::path::{Path, PathBuf};

use labelproof_artifact::fs::FsError;
use labelproof_tables::{Bounds, Packing, unpack};
use tempfile::TempDir;

use super::relative;
use crate::error::Error;
use crate::params::Format;
use crate::settings::Settings;
use crate::sources;

/// What was named, told by names alone.
pub(super) struct Named {
    /// The tables, in the order of their names; empty if these are folders of texts.
    pub(super) tables: Vec<File>,
    /// Files that were left aside because they are no tables, in folders that have tables.
    pub(super) left_aside: Vec<String>,
    /// Where the files of archives lie.
    _scratch: Vec<TempDir>,
}

/// A file, and what it is called in messages.
pub(super) struct File {
    pub(super) name: String,
    pub(super) path: PathBuf,
    /// Whether it lies in an archive, so that it cannot be named by itself.
    pub(super) is_member: bool,
}

/// Looks at what was named. Names are relative to `base`.
pub(super) fn look(paths: &[PathBuf], base: &Path) -> Result<Named, Error> {
    let mut tables = Vec::new();
    let mut inside = Vec::new();
    let mut scratch = Vec::new();
    for path in paths {
        let name = relative(path, base);
        let is_folder = path
            .metadata()
            .map_err(|error| FsError::new("read", path, error))?
            .is_dir();
        if is_folder {
            let mut files = Vec::new();
            sources::walk(path, &mut Vec::new(), &mut files)?;
            inside.extend(files.into_iter().map(|path| File {
                name: relative(&path, base),
                path,
                is_member: false,
            }));
        } else if let Some((folder, files)) = unpacked(&name, path)? {
            scratch.push(folder);
            inside.extend(files);
        } else {
            let path = path.clone();
            tables.push(File {
                name,
                path,
                is_member: false,
            });
        }
    }
    inside.sort_by(|one, other| one.name.cmp(&other.name));
    let (named_tables, others): (Vec<File>, Vec<File>) = inside.into_iter().partition(is_table);
    // A folder of texts may have a table beside them, such as a list of addresses; a folder of tables may have
    // a readme.
    let mut left_aside = Vec::new();
    let is_only = named_tables.is_empty() && others.len() == 1;
    if is_only {
        tables.extend(others);
    } else if named_tables.len() * 10 >= others.len() {
        tables.extend(named_tables);
        left_aside = others.into_iter().map(|file| file.name).collect();
    }
    Ok(Named {
        tables,
        left_aside,
        _scratch: scratch,
    })
}

fn is_table(file: &File) -> bool {
    labelproof_tables::Format::of_name(Path::new(&file.name)).is_some()
}

/// The files of an archive; none if this is another file, or a table that happens to be an archive inside.
fn unpacked(name: &str, path: &Path) -> Result<Option<(TempDir, Vec<File>)>, Error> {
    let is_table = labelproof_tables::Format::of_name(path).is_some();
    if is_table && Packing::of_name(path) != Some(Packing::Zip) {
        return Ok(None);
    }
    let folder = super::scratch()?;
    let settings = Settings::Pipeline.of_tables();
    let members = unpack(name, path, &folder.path().join("0"), Bounds::default(), settings)?;
    Ok(members.map(|members| {
        let files = members.into_iter().map(|member| File {
            name: format!("{name}/{}", member.name),
            path: member.path,
            is_member: true,
        });
        (folder, files.collect())
    }))
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
