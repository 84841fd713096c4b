//! Archives among the sources: zip, and tar packed or not, whose files are read as those of a folder are.
//!
//! They are unpacked into a scratch folder below the stage's own, which is removed when the stage is done.
//! How they are unpacked, and with what bounds, is the affair of the crate `tables`.

use std::path::Path;

use labelproof_artifact::fs::FsError;
use labelproof_tables::{Bounds, Member, unpack};
use tempfile::TempDir;

use crate::error::Error;
use crate::params::{Format, Params};
use crate::settings::Settings;
use crate::sources::{Found, SourceFile, is_of_format, no_files};

/// The sources with the files of archives in place of the archives.
#[derive(Debug)]
pub(crate) struct Expanded {
    pub(crate) sources: Vec<Found>,
    /// Where the files of archives lie, until this is dropped.
    _scratch: Option<TempDir>,
}

/// Unpacks the archives among the sources into a scratch folder below `out`.
pub(crate) fn expand(params: &Params, found: Vec<Found>, out: &Path) -> Result<Expanded, Error> {
    let mut scratch = None;
    let mut sources = Vec::with_capacity(found.len());
    for (number, found) in found.into_iter().enumerate() {
        if !may_be_archive(&found, params.format) {
            sources.push(found);
            continue;
        }
        let folder = match &scratch {
            Some(folder) => folder,
            None => scratch.insert(
                TempDir::with_prefix_in(".unpacked-", out)
                    .map_err(|source| FsError::new("create a folder in", out, source))?,
            ),
        };
        let folder = folder.path().join(number.to_string());
        let settings = Settings::Pipeline.of_tables();
        match unpack(
            &found.file.name,
            &found.file.path,
            &folder,
            Bounds::default(),
            settings,
        )? {
            Some(members) => sources.extend(chosen(&found, members, params.format)?),
            None => sources.push(found),
        }
    }
    sources.sort_by(|one, other| one.file.name.cmp(&other.file.name));
    Ok(Expanded {
        sources,
        _scratch: scratch,
    })
}

/// Whether a look into a source is worth it. A folder of texts has many files, and what is not called an
/// archive there is a text.
fn may_be_archive(found: &Found, format: Format) -> bool {
    const ENDINGS: [&str; 11] = [
        ".zip", ".tar", ".tgz", ".tbz", ".tbz2", ".txz", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst",
        ".tzst",
    ];
    let name = found.file.name.to_lowercase();
    format != Format::Folder || ENDINGS.iter().any(|ending| name.ends_with(ending))
}

/// The bytes that the names of all files begin with for the one folder that was packed, if it holds folders.
fn only_folder(members: &[Member]) -> usize {
    let top = members.first().and_then(|member| member.name.split_once('/'));
    let Some((top, _)) = top else {
        return 0;
    };
    let prefix = format!("{top}/");
    let mut holds_folders = false;
    for member in members {
        match member.name.strip_prefix(&prefix) {
            Some(inside) => holds_folders |= inside.contains('/'),
            None => return 0,
        }
    }
    if holds_folders { prefix.len() } else { 0 }
}

/// The files of an archive that are read: those that are named as the format's are, or the only one.
fn chosen(archive: &Found, members: Vec<Member>, format: Format) -> Result<Vec<Found>, Error> {
    let is_only = members.len() == 1;
    let top = only_folder(&members);
    let found: Vec<Found> = members
        .into_iter()
        .filter(|member| is_only || is_of_format(Path::new(&member.name), format))
        .map(|member| Found {
            file: SourceFile {
                name: format!("{}/{}", archive.file.name, member.name),
                path: member.path,
            },
            inside: member.name[top..].to_owned(),
        })
        .collect();
    if found.is_empty() {
        return Err(no_files(&archive.file.name, format));
    }
    Ok(found)
}
