//! Rows of a folder source: one text per file. Which folder is the label's is the layout's affair.

use std::borrow::Cow;
use std::collections::BTreeMap;

use labelproof_tables::{Cell, Encoding, Source, read_bytes};

use crate::error::Error;
use crate::intake::Intake;
use crate::layout::Layout;
use crate::limits::Limits;
use crate::rows::Fields;
use crate::settings::Settings;
use crate::share::Share;
use crate::sources::Found;

/// Reads every file into the intake.
pub(crate) fn read(
    sources: &[Found],
    share: &Share,
    layout: &Layout,
    encoding: Encoding,
    limits: Limits,
    intake: &mut Intake<'_>,
) -> Result<(), Error> {
    let settings = Settings::Pipeline.of_tables();
    let places = layout.places.iter();
    let named = sources.iter().zip(places).zip(ids(sources)).zip(0..);
    for (((found, place), id), source) in named.filter(|(_, source)| share.contains(*source)) {
        let file = Source::file(&found.file.name, &found.file.path);
        let label = place.label.as_deref();
        // A file in no label's folder need not be a text.
        let bytes = match label {
            Some(_) => read_bytes(file, encoding, settings, limits.tables.row_bytes)?,
            None => Vec::new(),
        };
        let fields = Fields {
            text: vec![Cell::Bytes(&bytes)],
            label: label.map_or(Cell::Missing, |label| Cell::Text(Cow::Borrowed(label))),
            id: Some(Cell::Text(Cow::Owned(id))),
            group: None,
            split: None,
            conditions: Vec::new(),
        };
        intake.row(source, None, fields)?;
    }
    Ok(())
}

/// An id for each file: `label/file` without the extension; with it where that is ambiguous; the whole name
/// where even that is, because it lies in another folder of `ingest.paths`.
fn ids(sources: &[Found]) -> Vec<String> {
    let forms = |found: &Found| {
        [
            stem(&found.inside).to_owned(),
            found.inside.clone(),
            found.file.name.clone(),
        ]
    };
    let mut levels = vec![0_usize; sources.len()];
    loop {
        let ids: Vec<String> = sources
            .iter()
            .zip(&levels)
            .map(|(found, level)| {
                let [stem, inside, name] = forms(found);
                match level {
                    0 => stem,
                    1 => inside,
                    _ => name,
                }
            })
            .collect();
        let mut by_id: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, id) in ids.iter().enumerate() {
            by_id.entry(id).or_default().push(index);
        }
        let mut has_changed = false;
        for ambiguous in by_id.into_values().filter(|indexes| indexes.len() > 1) {
            for index in ambiguous {
                if levels[index] < 2 {
                    levels[index] += 1;
                    has_changed = true;
                }
            }
        }
        if !has_changed {
            return ids;
        }
    }
}

/// A file's path without its extension, and without `.gz` behind it.
fn stem(inside: &str) -> &str {
    let inside = inside.strip_suffix(".gz").unwrap_or(inside);
    match inside.rfind(['.', '/']) {
        Some(index) if inside.as_bytes()[index] == b'.' && !inside[..index].ends_with('/') => {
            &inside[..index]
        }
        _ => inside,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::sources::SourceFile;

    #[track_caller]
    fn check(files: &[(&str, &str)], expected: &[&str]) {
        let sources: Vec<_> = files
            .iter()
            .map(|(root, inside)| Found {
                file: SourceFile {
                    name: format!("{root}/{inside}"),
                    path: PathBuf::new(),
                },
                inside: (*inside).to_owned(),
            })
            .collect();
        assert_eq!(ids(&sources), expected);
    }

    #[test]
    fn an_id_is_as_short_as_it_can_be() {
        check(
            &[
                ("d", "sport/001.txt"),
                ("d", "sport/a.b.txt.gz"),
                ("d", "tech/54473"),
                ("d", "tech/x/1.txt"),
            ],
            &["sport/001", "sport/a.b", "tech/54473", "tech/x/1"],
        );
        check(
            &[("d", "s/1.txt"), ("d", "s/1.md"), ("d", "s/2.md")],
            &["s/1.txt", "s/1.md", "s/2"],
        );
        check(
            &[("d", "s/1.txt"), ("d", "s/1.md"), ("d", "s/1.txt.bak")],
            &["d/s/1.txt", "s/1.md", "s/1.txt.bak"],
        );
        check(&[("a", "s/1.txt"), ("b", "s/1.txt")], &["a/s/1.txt", "b/s/1.txt"]);
    }
}
