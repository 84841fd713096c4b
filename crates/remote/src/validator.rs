//! What tells one state of an object from another without its content.

use std::time::{Duration, SystemTime};

use object_store::{GetOptions, ObjectMeta};
use serde::{Deserialize, Serialize};

/// What a server says of an object's state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Validator {
    /// The entity tag, as it was sent.
    tag: Option<String>,
    /// When it was changed last, in seconds since 1970.
    modified: Option<i64>,
    /// The length in bytes, where the server tells.
    pub(crate) length: Option<u64>,
}

impl Validator {
    pub(crate) fn of(meta: &ObjectMeta, length: Option<u64>) -> Self {
        // The crate's word for a server that does not tell.
        let modified = Some(meta.last_modified.timestamp()).filter(|modified| *modified != 0);
        Self {
            tag: meta.e_tag.clone(),
            modified,
            length,
        }
    }

    /// Whether both are of one state of the object for certain.
    pub(crate) fn agrees(&self, other: &Self) -> bool {
        if let (Some(one), Some(other)) = (self.length, other.length)
            && one != other
        {
            return false;
        }
        match (&self.tag, &other.tag) {
            (Some(one), Some(other)) => bare(one) == bare(other),
            _ => self.modified.is_some() && self.modified == other.modified,
        }
    }

    /// Whether a later request can be sure to get the rest of the same bytes.
    pub(crate) fn is_strong(&self) -> bool {
        self.tag.as_ref().is_some_and(|tag| !tag.starts_with("W/"))
    }

    /// Asks for the object only if it is in another state by now.
    pub(crate) fn unless_unchanged(&self) -> GetOptions {
        let options = GetOptions::new();
        match (&self.tag, self.modified) {
            (Some(tag), _) => options.with_if_none_match(Some(tag)),
            (None, Some(modified)) => {
                let since_1970 = Duration::from_secs(modified.unsigned_abs());
                options.with_if_modified_since(SystemTime::UNIX_EPOCH.checked_add(since_1970))
            }
            (None, None) => options,
        }
    }

    /// Asks for what follows the first bytes, if the object is still in this state.
    pub(crate) fn from(&self, start: u64) -> GetOptions {
        GetOptions::new()
            .with_range(Some(start..))
            .with_if_match(self.tag.as_ref())
    }
}

/// A tag without its quotes, which listings leave away.
fn bare(tag: &str) -> &str {
    tag.trim_start_matches("W/").trim_matches('"')
}
