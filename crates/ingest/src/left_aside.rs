//! What the layout of a folder of texts shows to be no text of a class: a readme or a list of addresses
//! beside the labels' folders, and a folder of texts without labels.
//!
//! Such a file is listed in `rejects.parquet` like every row that does not go on, and said, but it is no
//! reason to refuse the folder: there is nothing to mend.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use labelproof_artifact::Reject;
use labelproof_artifact::wording::{counted, quoted};
use labelproof_text::labels::{NoLabel, stands_for_none};
use serde::{Deserialize, Serialize};

use crate::params::{Format, Params};
use crate::rows::Reason;

/// The files that a message names; the rest is counted.
const SHOWN: usize = 5;

/// The files that are left aside.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct LeftAside {
    /// By the detail of their rejects.
    groups: BTreeMap<String, Group>,
}

/// Files that are left aside for one reason.
#[derive(Debug, Default, Clone, Serialize, Deserialize)]
struct Group {
    /// Where they lie, as a message says it.
    place: String,
    files: usize,
    first: Vec<String>,
}

/// Whether texts with this label are left aside: it is the name of a folder that says of itself that its
/// texts have none, whatever the other folders are called.
pub(crate) fn is_unlabelled_folder(params: &Params, label: &str) -> bool {
    params.format == Format::Folder && stands_for_none(label) == Some(NoLabel::Always)
}

impl LeftAside {
    /// Takes a file with the detail of its reject.
    pub(crate) fn add(&mut self, detail: &str, place: String, file: &str) {
        let group = self.groups.entry(detail.to_owned()).or_default();
        group.place = place;
        group.files += 1;
        if group.first.len() < SHOWN {
            group.first.push(file.to_owned());
        }
    }

    /// Adds the files of sources that come after these.
    pub(crate) fn merge(&mut self, other: Self) {
        for (detail, of_other) in other.groups {
            let group = self.groups.entry(detail).or_default();
            group.place = of_other.place;
            group.files += of_other.files;
            let room = SHOWN.saturating_sub(group.first.len());
            group.first.extend(of_other.first.into_iter().take(room));
        }
    }

    /// The number of the files.
    pub(crate) fn files(&self) -> usize {
        self.groups.values().map(|group| group.files).sum()
    }

    /// Whether a reject is one of them.
    pub(crate) fn contains(&self, reject: &Reject) -> bool {
        reject.reason == Reason::MissingLabel.name() && self.groups.contains_key(&reject.detail)
    }

    /// Adds a line for each reason.
    pub(crate) fn add_to(&self, text: &mut String) {
        for Group { place, files, first } in self.groups.values() {
            let names = quoted(first, SHOWN);
            let more = match files - first.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let files = counted(*files as u64, "file");
            let _ = write!(text, "\nleft aside: {files} {place}: {names}{more}");
        }
    }
}
