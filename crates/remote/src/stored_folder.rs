//! A folder in object storage that is read and written: several machines share it as they would share a
//! folder of a file system.
//!
//! Nothing here knows what the files are. An object is whole or not there, and [`StoredFolder::write`]
//! replaces one at once; what else readers may rely on is agreed by the names that the caller gives.

use std::path::PathBuf;

use labelproof_artifact::{Digest, Reporter};

use crate::address::{Address, Place};
use crate::error::Error;

/// A folder at `s3://`, `gs://` or `az://`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFolder {
    pub(crate) address: Address,
    /// A build without the network has no such folder.
    #[cfg(not(feature = "network"))]
    never: std::convert::Infallible,
}

/// A file of this machine, and the object that it is or shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// The file.
    pub path: PathBuf,
    /// The path of the object below the folder. An object of another content has another one.
    pub name: String,
    /// The digest of the content.
    pub digest: Digest,
}

impl StoredFolder {
    /// The folder of an address. Web servers and the Hub take no files, and neither does a glob.
    pub fn of(address: &Address) -> Result<Self, Error> {
        if matches!(address.place, Place::Web | Place::Hub) {
            return Err(Error::ReadOnly {
                address: address.shown(),
            });
        }
        if address.path.contains(['*', '?', '[']) {
            return Err(address.bad("a folder to write to has no `*`, `?` or `[` in its name"));
        }
        #[cfg(feature = "network")]
        return Ok(Self {
            address: address.clone(),
        });
        #[cfg(not(feature = "network"))]
        Err(Error::NoWriting {
            address: address.shown(),
        })
    }

    /// The address of an object, or of a folder, below this one.
    pub fn address_of(&self, name: &str) -> String {
        format!("{}/{name}", self.shown())
    }

    /// The address, without a `/` at its end.
    pub fn shown(&self) -> String {
        self.address.shown().trim_end_matches('/').to_owned()
    }

    /// Where the user's cache has a copy: the same folder for the same address at the same server.
    pub fn copy(&self) -> Result<PathBuf, Error> {
        #[cfg(feature = "network")]
        return self.copy_in_cache();
        #[cfg(not(feature = "network"))]
        match self.never {}
    }

    /// The content of a small object; none if there is no such object.
    pub fn read(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        #[cfg(feature = "network")]
        return self.read_object(name);
        #[cfg(not(feature = "network"))]
        {
            let _ = name;
            match self.never {}
        }
    }

    /// Puts a small object in its place, over what is there: readers see one or the other.
    pub fn write(&self, name: &str, content: Vec<u8>) -> Result<(), Error> {
        #[cfg(feature = "network")]
        return self.write_object(name, content);
        #[cfg(not(feature = "network"))]
        {
            let _ = (name, content);
            match self.never {}
        }
    }

    /// Puts files in their places, but for those that are there.
    pub fn upload(&self, files: &[StoredFile], reporter: &dyn Reporter) -> Result<(), Error> {
        #[cfg(feature = "network")]
        return self.upload_files(files, reporter);
        #[cfg(not(feature = "network"))]
        {
            let _ = (files, reporter);
            match self.never {}
        }
    }

    /// Makes sure that there are objects of these names.
    pub fn check(&self, names: &[String]) -> Result<(), Error> {
        #[cfg(feature = "network")]
        return self.check_objects(names);
        #[cfg(not(feature = "network"))]
        {
            let _ = names;
            match self.never {}
        }
    }

    /// Fetches files, on from where an earlier attempt was cut, and checks their digests. A file that is
    /// there with the right content is not fetched.
    pub fn download(&self, files: &[StoredFile], reporter: &dyn Reporter) -> Result<(), Error> {
        #[cfg(feature = "network")]
        return self.download_files(files, reporter);
        #[cfg(not(feature = "network"))]
        {
            let _ = (files, reporter);
            match self.never {}
        }
    }

    /// Removes objects. One that cannot be removed stays, and takes up room: nobody reads it.
    pub fn remove(&self, names: &[String]) {
        #[cfg(feature = "network")]
        self.remove_objects(names);
        #[cfg(not(feature = "network"))]
        {
            let _ = names;
            match self.never {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        let address = Address::parse(text).unwrap().unwrap();
        let folder = StoredFolder::of(&address);
        folder.map_or_else(|error| error.to_string(), |folder| folder.shown())
    }

    #[test]
    fn what_takes_no_files_is_refused() {
        for address in ["https://host/a", "http://host/a", "hf://datasets/a/b"] {
            let problem = format!("nothing can be written to `{address}`");
            assert_eq!(refusal(address), problem);
        }
        assert_eq!(
            refusal("az://container/runs?sv=2024&sig=secret"),
            "`az://container/runs` is no address: a folder to write to has no `*`, `?` or `[` in its name"
        );
        assert_eq!(
            refusal("s3://bucket/a*"),
            "`s3://bucket/a*` is no address: a folder to write to has no `*`, `?` or `[` in its name"
        );
    }

    #[test]
    #[cfg(feature = "network")]
    fn the_address_of_an_object_follows_from_that_of_the_folder() {
        for (address, object) in [
            ("s3://bucket/runs/one/", "s3://bucket/runs/one/train"),
            ("gs://bucket", "gs://bucket/train"),
            ("az://container/runs", "az://container/runs/train"),
        ] {
            let address = Address::parse(address).unwrap().unwrap();
            assert_eq!(StoredFolder::of(&address).unwrap().address_of("train"), object);
        }
    }
}
