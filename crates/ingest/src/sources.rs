//! From `ingest.paths` to files: globs, folders, addresses, and the names that messages call the files by.
//!
//! What stands in the files is the readers' affair.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};

use labelproof_artifact::fs::FsError;
use labelproof_artifact::{Reporter, Silent};
use labelproof_remote::Address;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::label_names;
use crate::params::{Format, Params};
use crate::standard_input;

/// A file that ingest reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// What it is called in messages and rejects: its path relative to the folder of `pipeline.yaml`, with
    /// `/`. Of a file that is named by an absolute path, only the last part, so that no machine's folders
    /// show in an artifact. Of an object in the network its address.
    pub name: String,
    /// The path that the file is opened by.
    pub path: PathBuf,
}

/// A file, and for the format `folder` its place there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Found {
    pub(crate) file: SourceFile,
    /// `label/file.txt`; only `file.txt` for a file that lies in no label's folder.
    pub(crate) inside: String,
}

/// What the source of this number is called.
pub(crate) fn name(sources: &[Found], number: u32) -> &str {
    let index = usize::try_from(number).unwrap_or(usize::MAX);
    sources.get(index).map_or("", |found| found.file.name.as_str())
}

/// The files that `ingest.paths` means, in the byte order of their names. What lies in the network is
/// fetched.
pub fn source_files(params: &Params, base: &Path, reporter: &dyn Reporter) -> Result<Vec<SourceFile>, Error> {
    let found = find(params, base, reporter)?;
    let mut files: Vec<SourceFile> = found.into_iter().map(|found| found.file).collect();
    // What is said beside a table changes what becomes of it.
    let beside = |file: &SourceFile| {
        let name = |path: PathBuf| SourceFile {
            name: format!(
                "{} beside {}",
                path.file_name().unwrap_or_default().to_string_lossy(),
                file.name
            ),
            path,
        };
        label_names::files_beside(&file.path)
            .map(name)
            .collect::<Vec<_>>()
    };
    if !params.label_paths.is_empty() {
        let labels = Params {
            paths: params.label_paths.clone(),
            ..params.clone()
        };
        files.extend(find(&labels, base, reporter)?.into_iter().map(|found| found.file));
    }
    if params.columns.is_some() {
        let mut paths: BTreeSet<PathBuf> = files.iter().map(|file| file.path.clone()).collect();
        let mut beside: Vec<SourceFile> = files.iter().flat_map(beside).collect();
        beside.retain(|file| paths.insert(file.path.clone()));
        files.extend(beside);
    }
    Ok(files)
}

/// The same, with what the format `folder` needs.
pub(crate) fn find(params: &Params, base: &Path, reporter: &dyn Reporter) -> Result<Vec<Found>, Error> {
    // By path, because two globs may match the same file.
    let mut by_path: BTreeMap<PathBuf, Found> = BTreeMap::new();
    for pattern in &params.paths {
        if pattern == standard_input::ENTRY {
            let path = standard_input::path()?;
            let file = SourceFile {
                name: standard_input::NAME.to_owned(),
                path: path.clone(),
            };
            let inside = file.name.clone();
            by_path.insert(path, Found { file, inside });
            continue;
        }
        if let Some(address) = Address::parse(pattern) {
            for (identity, found) in objects_of_address(&address?, params.format, reporter)? {
                by_path.entry(identity).or_insert(found);
            }
            continue;
        }
        for path in resolve(pattern, base)? {
            let found = if path.is_dir() {
                files_of_folder(&path, pattern, params.format, base)?
            } else {
                vec![single_file(&path, base)?]
            };
            for found in found {
                by_path.entry(found.file.path.clone()).or_insert(found);
            }
        }
    }
    let mut all: Vec<_> = by_path.into_values().collect();
    // Two absolute paths may end in the same name.
    let mut taken = BTreeSet::new();
    for found in &mut all {
        let mut name = found.file.name.clone();
        let mut number = 1;
        while !taken.insert(name.clone()) {
            number += 1;
            name = format!("{} ({number})", found.file.name);
        }
        found.file.name = name;
    }
    all.sort_by(|one, other| one.file.name.cmp(&other.file.name));
    Ok(all)
}

/// The files and folders that one entry of `ingest.paths` means. A name that is there means itself, even if
/// it looks like a glob.
fn resolve(pattern: &str, base: &Path) -> Result<Vec<PathBuf>, Error> {
    let literal = clean(&base.join(pattern));
    if literal.symlink_metadata().is_ok() {
        return Ok(vec![literal]);
    }
    if pattern.starts_with('~') {
        return Err(Error::Home {
            path: pattern.to_owned(),
            home: std::env::var("HOME").ok(),
        });
    }
    if !pattern.contains(['*', '?', '[']) {
        return Err(Error::Missing {
            path: pattern.to_owned(),
        });
    }
    let absolute = if Path::new(pattern).is_absolute() {
        pattern.to_owned()
    } else {
        let base = base.to_str().ok_or_else(|| Error::BadName {
            path: base.to_path_buf(),
        })?;
        let joined = Path::new(&glob::Pattern::escape(base)).join(pattern);
        joined.to_string_lossy().into_owned()
    };
    let options = glob::MatchOptions {
        case_sensitive: true,
        require_literal_separator: true,
        require_literal_leading_dot: true,
    };
    let matches = glob::glob_with(&absolute, options).map_err(|source| Error::BadPattern {
        pattern: pattern.to_owned(),
        source,
    })?;
    let mut paths = Vec::new();
    for path in matches {
        let path = path.map_err(|error| {
            let path = error.path().to_path_buf();
            FsError::new("list", &path, error.into())
        })?;
        paths.push(clean(&path));
    }
    if paths.is_empty() {
        return Err(Error::NoMatch {
            pattern: pattern.to_owned(),
        });
    }
    Ok(paths)
}

/// The objects that an address means, fetched. They are not told apart by their place in the cache, where two
/// objects of the same content are one.
fn objects_of_address(
    address: &Address,
    format: Format,
    reporter: &dyn Reporter,
) -> Result<Vec<(PathBuf, Found)>, Error> {
    let wanted = |name: &str| is_of_format(Path::new(name), format);
    let files = labelproof_remote::fetch(address, &wanted, reporter)?;
    let found = files.into_iter().map(|file| {
        let found = Found {
            file: SourceFile {
                name: file.name,
                path: file.path,
            },
            inside: file.inside,
        };
        (PathBuf::from(file.identity), found)
    });
    Ok(found.collect())
}

/// The path without `.` parts, so that one file has one path.
fn clean(path: &Path) -> PathBuf {
    let cleaned: PathBuf = path
        .components()
        .filter(|component| !matches!(component, Component::CurDir))
        .collect();
    if cleaned.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        cleaned
    }
}

fn single_file(path: &Path, base: &Path) -> Result<Found, Error> {
    let name = shown_name(path, path, base)?;
    let parent = path.parent().and_then(Path::file_name).map(PathBuf::from);
    let inside = parent
        .unwrap_or_default()
        .join(path.file_name().unwrap_or_default());
    Ok(Found {
        file: SourceFile {
            name,
            path: path.to_path_buf(),
        },
        inside: slashed(&inside)?,
    })
}

fn files_of_folder(root: &Path, pattern: &str, format: Format, base: &Path) -> Result<Vec<Found>, Error> {
    let mut files = Vec::new();
    walk(root, &mut Vec::new(), &mut files)?;
    let mut all = Vec::new();
    for path in files {
        if !is_of_format(&path, format) {
            continue;
        }
        let inside = slashed(path.strip_prefix(root).unwrap_or(&path))?;
        all.push(Found {
            file: SourceFile {
                name: shown_name(&path, root, base)?,
                path,
            },
            inside,
        });
    }
    if all.is_empty() {
        return Err(no_files(pattern, format));
    }
    Ok(all)
}

/// Says that a folder, or an archive, holds no file of the format.
pub(crate) fn no_files(path: &str, format: Format) -> Error {
    let extensions = format.table().map_or(&[][..], |format| format.extensions());
    let extensions: Vec<_> = extensions
        .iter()
        .map(|extension| format!("`.{extension}`"))
        .collect();
    Error::NoFiles {
        path: path.to_owned(),
        wanted: if extensions.is_empty() {
            "file".to_owned()
        } else {
            format!("{} file", extensions.join(" or "))
        },
    }
}

/// Whether a file in a folder is of the format. Beside the data there may be readme files and markers of
/// whole writes.
pub(crate) fn is_of_format(path: &Path, format: Format) -> bool {
    format.table().is_none_or(|format| format.is_named(path))
}

/// Every file below a folder that is not hidden. Links are followed, but not into a folder that is being
/// walked already.
pub(crate) fn walk(folder: &Path, above: &mut Vec<PathBuf>, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let list_error = |source| FsError::new("list", folder, source);
    let real = folder.canonicalize().map_err(list_error)?;
    if above.contains(&real) {
        return Ok(());
    }
    above.push(real);
    for entry in folder.read_dir().map_err(list_error)? {
        let entry = entry.map_err(list_error)?;
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = entry.path();
        if path.is_dir() {
            walk(&path, above, files)?;
        } else {
            files.push(path);
        }
    }
    above.pop();
    Ok(())
}

/// The name for messages and rejects of a file below `root`, which `ingest.paths` names.
fn shown_name(path: &Path, root: &Path, base: &Path) -> Result<String, Error> {
    let base = clean(base);
    let relative = path
        .strip_prefix(&base)
        .ok()
        .filter(|relative| !relative.as_os_str().is_empty())
        .map(Path::to_path_buf);
    let relative = match relative {
        Some(relative) => relative,
        None if path.is_relative() => path.to_path_buf(),
        None => {
            let inside = path.strip_prefix(root).unwrap_or(Path::new(""));
            PathBuf::from(root.file_name().unwrap_or_default()).join(inside)
        }
    };
    slashed(&relative)
}

fn slashed(path: &Path) -> Result<String, Error> {
    let parts: Option<Vec<&str>> = path
        .components()
        .map(|component| component.as_os_str().to_str())
        .collect();
    let parts = parts.ok_or_else(|| Error::BadName {
        path: path.to_path_buf(),
    })?;
    Ok(parts.join("/"))
}

/// The one file that an argument of the command line means, fetched if it lies in the network.
pub(crate) fn one_file(path: &Path) -> Result<SourceFile, Error> {
    let Some(address) = path.to_str().and_then(Address::parse) else {
        return Ok(SourceFile {
            name: path.display().to_string(),
            path: path.to_path_buf(),
        });
    };
    let file = labelproof_remote::fetch_one(&address?, &Silent)?;
    Ok(SourceFile {
        name: file.name,
        path: file.path,
    })
}

/// An entry of `ingest.paths` as locks and messages show it: an address without what may be secret.
pub fn shown_entry(entry: &str) -> String {
    match Address::parse(entry) {
        Some(Ok(address)) => address.shown(),
        Some(Err(_)) | None => entry.to_owned(),
    }
}
