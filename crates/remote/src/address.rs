//! What an address says: which kind of place, which bucket, which object. Nothing here opens a connection.

use std::fmt;

use crate::error::Error;

/// Where the objects of an address lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Amazon S3, or a server that speaks its protocol.
    S3,
    /// Google Cloud Storage.
    Google,
    /// Azure Blob Storage.
    Azure,
    /// Any web server.
    Web,
    /// The Hugging Face Hub.
    Hub,
}

impl Place {
    /// What holds the objects there.
    pub(crate) fn bucket(self) -> &'static str {
        match self {
            Self::S3 | Self::Google => "bucket",
            Self::Azure => "container",
            Self::Web => "server",
            Self::Hub => "repository",
        }
    }

    /// What to do about credentials in order to read.
    pub(crate) fn credentials(self) -> String {
        let public = match self {
            Self::S3 => "AWS_SKIP_SIGNATURE",
            Self::Google => "GOOGLE_SKIP_SIGNATURE",
            Self::Azure => "AZURE_SKIP_SIGNATURE",
            Self::Web => return "is the address still valid? A signed one is for some time only".to_owned(),
            Self::Hub => {
                return "does it exist? A private or gated data set needs HF_TOKEN, or `hf auth login`, of \
                        somebody to whom its page gives access"
                    .to_owned();
            }
        };
        let own = self.own_credentials("read");
        let set = if self == Self::Google { "set " } else { "" };
        format!("{own}, or {set}{public}=true for what everybody may read")
    }

    /// What to do about credentials in order to write.
    pub(crate) fn credentials_to_write(self) -> String {
        self.own_credentials("write")
    }

    /// Whose credentials a cloud takes from where, to read or write.
    fn own_credentials(self, action: &str) -> String {
        match self {
            Self::S3 => format!(
                "set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN to those of somebody who \
                 may {action} it (`eval \"$(aws configure export-credentials --format env)\"` takes them from \
                 a profile)"
            ),
            Self::Google => format!(
                "set GOOGLE_APPLICATION_CREDENTIALS to the key file of an account that may {action} it, or \
                 run `gcloud auth application-default login`"
            ),
            Self::Azure | Self::Web | Self::Hub => format!(
                "set AZURE_STORAGE_ACCOUNT_NAME, and AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN of \
                 an account that may {action} it"
            ),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::S3 => "S3",
            Self::Google => "Google Cloud Storage",
            Self::Azure => "Azure",
            Self::Web => "this server",
            Self::Hub => "the Hub",
        })
    }
}

/// The address of a source.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    pub(crate) place: Place,
    scheme: String,
    /// The bucket, container or web server; of the Hub nothing.
    pub(crate) authority: String,
    /// What stands behind it, without the first `/`.
    pub(crate) path: String,
    /// The query of a web address with its `?`, or nothing.
    query: String,
}

/// What is supported, for messages.
pub(crate) const SCHEMES: &str = "s3://, gs://, az://, abfs://, https://, http:// and hf://datasets/";

impl Address {
    /// Reads an entry of `ingest.paths` as an address. None for a path: an address begins with a scheme and
    /// `://`.
    pub fn parse(text: &str) -> Option<Result<Self, Error>> {
        let (scheme, rest) = text.split_once("://")?;
        let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|each| each.is_ascii_alphanumeric() || matches!(each, '+' | '-' | '.'));
        is_scheme.then(|| Self::of(scheme.to_ascii_lowercase(), rest))
    }

    fn of(scheme: String, rest: &str) -> Result<Self, Error> {
        let place = match scheme.as_str() {
            "s3" | "s3a" | "s3n" => Place::S3,
            "gs" | "gcs" => Place::Google,
            "az" | "abfs" | "abfss" | "adl" | "azure" => Place::Azure,
            "http" | "https" => Place::Web,
            "hf" => Place::Hub,
            _ => {
                let without_query = rest.split(['?', '#']).next().unwrap_or_default();
                return Err(Error::UnknownScheme {
                    address: format!("{scheme}://{}", without_user(without_query)),
                    scheme,
                });
            }
        };
        // Elsewhere than on the web, `?` and `#` are parts of names and of globs.
        let (rest, query) = match place {
            Place::Web => split_query(rest),
            _ => (rest, ""),
        };
        let (authority, path) = match place {
            Place::Hub => ("", rest),
            _ => rest.split_once('/').unwrap_or((rest, "")),
        };
        let address = Self {
            place,
            scheme,
            authority: authority.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
        };
        if address.authority.is_empty() && place != Place::Hub {
            let problem = match place {
                Place::Web => "it names no server",
                Place::Azure => "it names no container",
                _ => "it names no bucket",
            };
            return Err(address.bad(problem));
        }
        Ok(address)
    }

    /// The address for messages and artifacts: without the query of a web address and without a user, which
    /// may be secrets.
    pub fn shown(&self) -> String {
        let authority = match self.place {
            // `container@account.dfs.core.windows.net` names the account.
            Place::Azure => &self.authority,
            _ => without_user(&self.authority),
        };
        match self.place {
            Place::Hub => format!("{}://{}", self.scheme, self.path),
            _ => format!("{}://{authority}/{}", self.scheme, self.path),
        }
    }

    /// The address as it was given, secrets included.
    #[cfg(feature = "network")]
    pub(crate) fn exact(&self) -> String {
        match self.place {
            Place::Hub => self.shown(),
            _ => format!("{}://{}/{}{}", self.scheme, self.authority, self.path, self.query),
        }
    }

    /// What stands before the path: scheme and bucket.
    #[cfg(feature = "network")]
    pub(crate) fn root(&self) -> String {
        format!("{}://{}/", self.scheme, self.authority)
    }

    /// Whether the path holds a wildcard. A web server lists no files, so that its addresses are taken as
    /// they are.
    #[cfg(feature = "network")]
    pub(crate) fn is_glob(&self) -> bool {
        self.place != Place::Web && self.path.contains(['*', '?', '['])
    }

    pub(crate) fn bad(&self, problem: &str) -> Error {
        let shown = self.shown();
        // What is signed like a web address is none, and its signature a secret all the same.
        let signed = shown.split_once('?').filter(|(_, query)| query.contains('='));
        let address = signed.map_or(shown.as_str(), |(before, _)| before).to_owned();
        Error::BadAddress {
            address,
            problem: problem.to_owned(),
        }
    }
}

/// Splits what a server is asked for from the rest; what follows `#` is for browsers.
fn split_query(rest: &str) -> (&str, &str) {
    let rest = rest.split('#').next().unwrap_or_default();
    rest.find('?').map_or((rest, ""), |place| rest.split_at(place))
}

fn without_user(authority: &str) -> &str {
    let host = authority.find('/').unwrap_or(authority.len());
    authority[..host]
        .rfind('@')
        .map_or(authority, |place| &authority[place + 1..])
}

/// Shows no secret.
impl fmt::Debug for Address {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.shown())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match Address::parse(text) {
            None => "a path".to_owned(),
            Some(Ok(address)) => address.shown(),
            Some(Err(error)) => error.to_string(),
        }
    }

    #[test]
    fn an_address_is_told_apart_from_a_path() {
        for path in [
            "data/a.csv",
            "/data",
            "a:b.csv",
            "c:/x",
            "://x",
            "1s://x",
            "a b://x",
        ] {
            assert_eq!(shown(path), "a path", "{path}");
        }
        for address in [
            "s3://bucket/a/*.csv",
            "hf://datasets/a/b@main/c.csv",
            "az://box/a?.csv",
        ] {
            assert_eq!(shown(address), address);
        }
        assert_eq!(shown("S3://bucket"), "s3://bucket/");
    }

    #[test]
    fn no_secret_of_a_web_address_is_shown() {
        let address = "https://me:pass@host:8080/a%20b.csv?X-Amz-Signature=secret#top";
        assert_eq!(shown(address), "https://host:8080/a%20b.csv");
        let address = Address::parse(address).unwrap().unwrap();
        assert_eq!(format!("{address:?}"), "https://host:8080/a%20b.csv");
        assert_eq!(
            shown("ftp://me:pass@host/a.csv?key=secret"),
            "`ftp://host/a.csv` cannot be fetched: `ftp` is no scheme that is known here"
        );
    }

    #[test]
    fn an_address_without_a_bucket_is_refused() {
        assert_eq!(
            shown("s3:///a.csv"),
            "`s3:///a.csv` is no address: it names no bucket"
        );
        assert_eq!(shown("https://"), "`https:///` is no address: it names no server");
    }
}
