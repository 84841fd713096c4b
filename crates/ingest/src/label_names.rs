//! The names of labels that a source has as numbers, where the source itself knows them: files of the Hub.

use std::path::{Path, PathBuf};

use labelproof_artifact::fs;
use labelproof_artifact::wording::one_line;
use labelproof_tables::ClassNames;

use crate::rows::{Problem, Reason};

/// Files that the library `datasets` puts beside the tables of a data set.
const BESIDE: [&str; 2] = ["dataset_info.json", "dataset_infos.json"];
/// A longer file describes no features.
const MOST_BYTES: u64 = 16 << 20;
/// Names that a message lists.
const SHOWN: usize = 10;

/// The files beside a table that may describe it.
pub(crate) fn files_beside(table: &Path) -> impl Iterator<Item = PathBuf> {
    let folder = table.parent().map(Path::to_path_buf).unwrap_or_default();
    let files = BESIDE.into_iter().map(move |name| folder.join(name));
    files.filter(|path| {
        path.metadata()
            .is_ok_and(|file| file.is_file() && file.len() <= MOST_BYTES)
    })
}

/// The names of a column's labels, with what has them: the table itself, or a file beside it.
pub(crate) fn find(own: &ClassNames, table: &Path, column: &str) -> Option<LabelNames> {
    let of_file = |path: PathBuf| {
        let json = fs::read_to_string(&path).ok()?;
        let names = of_column(&labelproof_tables::class_names(&json), column)?;
        let file = path.file_name()?.to_string_lossy().into_owned();
        Some(LabelNames {
            names,
            file: Some(file),
        })
    };
    match of_column(own, column) {
        Some(names) => Some(LabelNames { names, file: None }),
        None => files_beside(table).find_map(of_file),
    }
}

/// The names of a column, or of the list that it is an item of.
fn of_column(names: &ClassNames, column: &str) -> Option<Vec<String>> {
    let is_key = |part: &&str| part.parse::<usize>().is_err();
    let path: Vec<&str> = column.split('.').filter(is_key).collect();
    names.get(column).or_else(|| names.get(&path.join("."))).cloned()
}

/// Whether a number that may have a name is the one that the Hub gives to a label that is kept back.
pub(crate) fn is_kept_back(label: &str) -> bool {
    label.trim() == "-1"
}

/// The names of the numbers of labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LabelNames {
    names: Vec<String>,
    /// The file beside the table that has the names; none if the table has them.
    file: Option<String>,
}

impl LabelNames {
    /// The name of a label, which is the label itself if it is no number. `name` is what messages call the
    /// column.
    pub(crate) fn of(&self, label: &str, name: &str) -> Result<String, Problem> {
        let Ok(number) = label.trim().parse::<i64>() else {
            return Ok(label.to_owned());
        };
        if is_kept_back(label) {
            let detail = format!("{name} is -1, which stands for a label that is kept back");
            return Err(Problem::new(Reason::MissingLabel, detail));
        }
        let found = usize::try_from(number)
            .ok()
            .and_then(|place| self.names.get(place));
        found.cloned().ok_or_else(|| {
            let last = self.names.len().saturating_sub(1);
            let detail = format!("{name} is {number}, and the names of labels are those of 0 to {last}");
            Problem::new(Reason::WrongType, detail)
        })
    }

    /// What is said of the names. `column` has the numbers, and `table` is the source.
    pub(crate) fn message(&self, column: &str, table: &str) -> String {
        let mut names: Vec<String> = (0..)
            .zip(&self.names)
            .take(SHOWN)
            .map(|(number, name)| format!("{number} is `{}`", one_line(name)))
            .collect();
        if self.names.len() > SHOWN {
            names.push("…".to_owned());
        }
        let file = self
            .file
            .as_deref()
            .map_or(table.to_owned(), |file| format!("{file}` beside `{table}"));
        format!(
            "the names of the numbers in `{column}` are those of `{file}`: {}",
            names.join(", ")
        )
    }
}
