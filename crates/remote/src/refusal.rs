//! What the refusal of a server means.

use std::error::Error as _;

use crate::address::{Address, Place};
use crate::error::Error;
use crate::watch::Refusal;

/// Where the machines of the clouds ask for the credentials of their own account; nobody answers elsewhere.
const METADATA_HOSTS: [&str; 5] = [
    "169.254.169.254",
    "169.254.170.2",
    "metadata.google.internal",
    "metadata",
    "[fd00:ec2::254]",
];

impl Error {
    /// A connection cannot be prepared: a setting is missing or makes no sense.
    pub(crate) fn setup(address: &Address, error: &object_store::Error) -> Self {
        // The error around it only names the crate's own type of store.
        let problem = error
            .source()
            .map_or_else(|| error.to_string(), ToString::to_string);
        Self::Setup {
            problem: without_secrets(address, &problem),
            address: address.shown(),
            place: address.place,
        }
    }

    /// A request failed; `object` is the address of what was asked for.
    pub(crate) fn refused(
        address: &Address,
        object: &str,
        refusal: Option<Refusal>,
        error: &object_store::Error,
    ) -> Self {
        let Some(Refusal { host, status, code }) = refusal else {
            return Self::setup(address, error);
        };
        let (place, address) = (address.place, object.to_owned());
        if gives_credentials(&host) {
            return Self::NoCredentials { address, place };
        }
        let Some(status) = status else {
            return Self::Unreachable {
                address,
                host,
                cause: code,
            };
        };
        match (status, code.as_str()) {
            (404, "NoSuchBucket" | "ContainerNotFound" | "RepoNotFound") => Self::NoBucket { address, place },
            (404, "ResourceNotFound") if place == Place::Azure => Self::NoBucket { address, place },
            (404 | 410, _) => Self::NotFound {
                address,
                nearest: None,
            },
            (301 | 307, _) | (400, "AuthorizationHeaderMalformed") if place == Place::S3 => {
                Self::OtherRegion { address }
            }
            (401 | 403, _) | (400, "ExpiredToken" | "InvalidToken") => Self::Denied {
                address,
                place,
                host,
                status,
                code,
            },
            (412, _) => Self::Changed { address },
            _ => Self::Refused {
                address,
                host,
                status,
                code,
            },
        }
    }
}

impl Error {
    /// The same of a request that was to write.
    pub(crate) fn while_writing(self) -> Self {
        match self {
            Self::Denied {
                address,
                place,
                host,
                status,
                code,
            } => Self::WriteDenied {
                address,
                place,
                host,
                status,
                code,
            },
            Self::Refused {
                address,
                host,
                status,
                code,
            } => Self::WriteRefused {
                address,
                host,
                status,
                code,
            },
            other => other,
        }
    }
}

/// Whether a server is one that the machines of a cloud ask for credentials.
fn gives_credentials(host: &str) -> bool {
    let without_port = |host: &str| match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => name.to_owned(),
        _ => host.to_owned(),
    };
    let host = without_port(host);
    let is_set = |variable| {
        let set = std::env::var(variable).unwrap_or_default();
        let server = set.split_once("://").and_then(|(_, rest)| rest.split('/').next());
        server.map(without_port) == Some(host.clone())
    };
    METADATA_HOSTS.contains(&host.as_str()) || is_set("AWS_METADATA_ENDPOINT") || is_set("IDENTITY_ENDPOINT")
}

/// The words of a library, which may repeat an address.
fn without_secrets(address: &Address, problem: &str) -> String {
    problem.replace(&address.exact(), &address.shown())
}
