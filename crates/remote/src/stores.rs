//! Connections to the places where objects lie, with the settings and credentials that each cloud's own
//! environment variables hold. No credential is read from anywhere else, or written anywhere.

use std::sync::Arc;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::http::HttpBuilder;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};

use crate::address::{Address, Place};
use crate::error::Error;
use crate::hub;
use crate::watch::{SILENCE, WatchingConnector};

/// Requests that fail are made again a few times: those that read within seconds, because a transfer
/// that is cut is gone on with by `fetching`, as often as it gets further; those that send while a
/// server may be silent.
fn retry(silence: Duration) -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(200),
            max_backoff: Duration::from_secs(2),
            base: 2.0,
        },
        max_retries: 3,
        retry_timeout: if silence > SILENCE {
            silence
        } else {
            Duration::from_secs(12)
        },
    }
}

/// A connection to a bucket, container or server.
pub(crate) type Store = Arc<dyn ObjectStore>;

/// Connects to what an address of a cloud names, in order to read it.
pub(crate) fn of_cloud(address: &Address) -> Result<Store, Error> {
    connected(address, SILENCE)
}

/// The same in order to write there.
pub(crate) fn to_write_to(address: &Address) -> Result<Store, Error> {
    connected(address, SILENCE_WHILE_SENDING)
}

/// How long a server may be silent that is sent something: it answers when all of it has arrived.
const SILENCE_WHILE_SENDING: Duration = Duration::from_mins(5);

fn connected(address: &Address, silence: Duration) -> Result<Store, Error> {
    let store = match address.place {
        Place::S3 => s3(address, silence),
        Place::Google => google(address, silence),
        Place::Azure | Place::Web | Place::Hub => azure(address, silence),
    };
    store.map_err(|error| Error::setup(address, &error))
}

/// Which server an address means, of all that it may mean under other settings of the environment.
pub(crate) fn server(address: &Address) -> String {
    let settings: &[&str] = match address.place {
        Place::S3 => &S3_ENDPOINT,
        Place::Google => &GOOGLE_ENDPOINT,
        Place::Azure => &AZURE_ENDPOINT,
        Place::Hub => return hub::endpoint(),
        Place::Web => &[],
    };
    let account = match address.place {
        Place::Azure => first_set(&["AZURE_STORAGE_ACCOUNT_NAME"]),
        _ => None,
    };
    [first_set(settings), account]
        .into_iter()
        .flatten()
        .collect::<Vec<_>>()
        .join(" ")
}

const S3_ENDPOINT: [&str; 3] = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"];
const GOOGLE_ENDPOINT: [&str; 1] = ["GOOGLE_BASE_URL"];
const AZURE_ENDPOINT: [&str; 3] = [
    "AZURE_STORAGE_ENDPOINT",
    "AZURE_ENDPOINT",
    "AZURITE_BLOB_STORAGE_URL",
];

/// The first of these environment variables that is set.
fn first_set(names: &[&str]) -> Option<String> {
    names
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

/// Prepares the library of TLS, and watches. Plain HTTP is spoken where the user's own setting says so.
fn connector(endpoint: Option<&str>, silence: Duration) -> WatchingConnector {
    // Already there if this is not the first connection.
    let _ = rustls::crypto::ring::default_provider().install_default();
    WatchingConnector {
        allow_http: endpoint.is_some_and(|endpoint| endpoint.starts_with("http://")),
        silence,
    }
}

fn s3(address: &Address, silence: Duration) -> object_store::Result<Store> {
    let store = AmazonS3Builder::from_env()
        .with_bucket_name(&address.authority)
        .with_retry(retry(silence))
        .with_http_connector(connector(first_set(&S3_ENDPOINT).as_deref(), silence))
        .build()?;
    Ok(Arc::new(store))
}

fn google(address: &Address, silence: Duration) -> object_store::Result<Store> {
    let store = GoogleCloudStorageBuilder::from_env()
        .with_bucket_name(&address.authority)
        .with_retry(retry(silence))
        .with_http_connector(connector(first_set(&GOOGLE_ENDPOINT).as_deref(), silence))
        .build()?;
    Ok(Arc::new(store))
}

fn azure(address: &Address, silence: Duration) -> object_store::Result<Store> {
    let builder = MicrosoftAzureBuilder::from_env()
        .with_retry(retry(silence))
        .with_http_connector(connector(first_set(&AZURE_ENDPOINT).as_deref(), silence));
    // `abfss://container@account.dfs.core.windows.net/…` names the account, too.
    let builder = match address.authority.split_once('@') {
        Some(_) => builder.with_url(format!("abfss://{}/", address.authority)),
        None => builder.with_container_name(&address.authority),
    };
    Ok(Arc::new(builder.build()?))
}

/// Connects to a web server. What the address names is the empty path of the store; what lies below it has
/// longer ones.
pub(crate) fn of_web(url: &str, options: ClientOptions) -> object_store::Result<Store> {
    let store = HttpBuilder::new()
        .with_url(url)
        .with_client_options(options)
        .with_retry(retry(SILENCE))
        .with_http_connector(connector(Some(url), SILENCE))
        .build()?;
    Ok(Arc::new(store))
}
