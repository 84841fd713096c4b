//! The parts of the address of a data set of the Hugging Face Hub.

use crate::address::Address;
use crate::error::Error;

/// The parts of `hf://datasets/owner/name@revision/path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DataSet {
    /// `owner/name`.
    pub(crate) repository: String,
    pub(crate) revision: String,
    /// The address up to the path, with its `/`.
    pub(crate) prefix: String,
    /// A file, folder or glob.
    pub(crate) path: String,
}

impl DataSet {
    pub(crate) fn of(address: &Address) -> Result<Self, Error> {
        let form = "write hf://datasets/owner/name/path, or hf://datasets/owner/name@revision/path";
        let rest = address
            .path
            .strip_prefix("datasets/")
            .ok_or_else(|| address.bad(form))?;
        let (owner, rest) = rest.split_once('/').ok_or_else(|| address.bad(form))?;
        let at = rest.find(['@', '/']).unwrap_or(rest.len());
        let (name, rest) = rest.split_at(at);
        let (revision, path) = match rest.strip_prefix('@') {
            Some(rest) => split_revision(rest),
            None => ("main".to_owned(), rest.trim_start_matches('/')),
        };
        if owner.is_empty() || name.is_empty() || revision.is_empty() {
            return Err(address.bad(form));
        }
        let shown = address.shown();
        let prefix = shown.strip_suffix(path).unwrap_or(&shown);
        Ok(Self {
            repository: format!("{owner}/{name}"),
            revision,
            prefix: format!("{}/", prefix.trim_end_matches('/')),
            path: path.to_owned(),
        })
    }
}

/// The revision before a path. That of the Hub's own Parquet files and of a pull request hold `/`.
fn split_revision(rest: &str) -> (String, &str) {
    let parts = if rest.starts_with("refs/") { 3 } else { 1 };
    let end = rest
        .match_indices('/')
        .nth(parts - 1)
        .map_or(rest.len(), |(place, _)| place);
    let (revision, path) = rest.split_at(end);
    let revision = match revision.strip_prefix('~') {
        Some(conversion) => format!("refs/convert/{conversion}"),
        None => revision.replace("%2F", "/").replace("%2f", "/"),
    };
    (revision, path.trim_start_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data_set(address: &str) -> Result<DataSet, String> {
        let address = Address::parse(address).unwrap().unwrap();
        DataSet::of(&address).map_err(|error| error.to_string())
    }

    #[test]
    fn the_parts_of_an_address_of_the_hub_are_told_apart() {
        let check = |address: &str, revision: &str, path: &str| {
            let found = data_set(address).unwrap();
            assert_eq!(found.repository, "owner/name", "{address}");
            assert_eq!(
                (found.revision.as_str(), found.path.as_str()),
                (revision, path),
                "{address}"
            );
        };
        check("hf://datasets/owner/name", "main", "");
        check("hf://datasets/owner/name/data/*.csv", "main", "data/*.csv");
        check("hf://datasets/owner/name@v1.0/a.csv", "v1.0", "a.csv");
        check(
            "hf://datasets/owner/name@~parquet/default/train/0.parquet",
            "refs/convert/parquet",
            "default/train/0.parquet",
        );
        check("hf://datasets/owner/name@refs/pr/3/a.csv", "refs/pr/3", "a.csv");
        check(
            "hf://datasets/owner/name@refs%2Fconvert%2Fparquet/a@b.csv",
            "refs/convert/parquet",
            "a@b.csv",
        );
        for bad in [
            "hf://owner/name/a.csv",
            "hf://datasets/name",
            "hf://datasets/owner/@v1/a",
        ] {
            assert!(
                data_set(bad)
                    .unwrap_err()
                    .contains("hf://datasets/owner/name/path"),
                "{bad}"
            );
        }
    }
}
