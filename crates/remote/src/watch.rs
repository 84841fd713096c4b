//! Watches what servers answer. The errors of `object_store` are words, which may hold an address with its
//! signature; here the status, the server's own code and the cause are noted as they are.

use std::cell::RefCell;
use std::error::Error as _;
use std::time::Duration;

use async_trait::async_trait;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
    ReqwestConnector,
};
use object_store::{ClientOptions, HeaderValue};

/// What a server, or the way to it, refused last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    /// The server, with its port if that is not the usual one.
    pub(crate) host: String,
    /// The status of its answer; none if there was no answer.
    pub(crate) status: Option<u16>,
    /// The server's own word for what is wrong (`NoSuchBucket`), or the cause for which there is no answer.
    pub(crate) code: String,
}

tokio::task_local! {
    static LAST: RefCell<Option<Refusal>>;
}

/// Runs some work; [`last`] says in it what was refused.
pub(crate) async fn watched<T>(work: impl Future<Output = T>) -> T {
    LAST.scope(RefCell::new(None), work).await
}

/// The refusal of the last request in the [`watched`] work that this is called from; none if it was answered.
pub(crate) fn last() -> Option<Refusal> {
    LAST.try_with(|last| last.borrow().clone()).ok().flatten()
}

fn note(refusal: Option<Refusal>) {
    // A request outside of `watched` work has nobody who asks.
    let _ = LAST.try_with(|last| *last.borrow_mut() = refusal);
}

/// How long a server may be silent within an answer.
pub(crate) const SILENCE: Duration = Duration::from_secs(20);

/// The length that stands for one that the server does not tell. `object_store` insists on one.
pub(crate) const UNKNOWN_LENGTH: u64 = i64::MAX as u64;

/// Connects as `object_store` does, and watches.
#[derive(Debug)]
pub(crate) struct WatchingConnector {
    /// Whether the user's own address or setting begins with `http://`.
    pub(crate) allow_http: bool,
    /// How long a server may be silent.
    pub(crate) silence: Duration,
}

impl HttpConnector for WatchingConnector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        // A whole transfer may take hours; silence within one may not.
        let mut options = options
            .clone()
            .with_timeout_disabled()
            .with_read_timeout(self.silence)
            .with_user_agent(HeaderValue::from_static(concat!(
                "labelproof/",
                env!("CARGO_PKG_VERSION")
            )));
        if self.allow_http {
            options = options.with_allow_http(true);
        }
        let client = ReqwestConnector::default().connect(&options)?;
        Ok(HttpClient::new(Watching(client)))
    }
}

#[derive(Debug)]
struct Watching(HttpClient);

#[async_trait]
impl HttpService for Watching {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        // The authority as a whole may hold a password.
        let mut host = request.uri().host().unwrap_or_default().to_owned();
        if let Some(port) = request.uri().port() {
            host.push_str(&format!(":{port}"));
        }
        let response = match self.0.execute(request).await {
            Ok(response) => response,
            Err(error) => {
                note(Some(Refusal {
                    host,
                    status: None,
                    code: deepest(&error),
                }));
                return Err(error);
            }
        };
        if response.status().is_success() {
            note(None);
            return Ok(with_length(response));
        }
        let (parts, body) = response.into_parts();
        let body = body.bytes().await.unwrap_or_default();
        let header = ["x-ms-error-code", "x-error-code"]
            .iter()
            .find_map(|name| parts.headers.get(*name)?.to_str().ok());
        let code = header.map_or_else(|| code_of(&String::from_utf8_lossy(&body)), str::to_owned);
        note(Some(Refusal {
            host,
            status: Some(parts.status.as_u16()),
            code,
        }));
        Ok(HttpResponse::from_parts(parts, HttpResponseBody::from(body)))
    }
}

/// Gives an answer that is made as it goes a length, because its end shows in another way: a chunked body
/// says where it ends, and so does a stream of HTTP/2.
fn with_length(mut response: HttpResponse) -> HttpResponse {
    let says_its_end = response.headers().contains_key("transfer-encoding");
    if says_its_end && !response.headers().contains_key("content-length") {
        let headers = response.headers_mut();
        headers.insert("content-length", HeaderValue::from(UNKNOWN_LENGTH));
    }
    response
}

/// The code in the answer of a server that speaks the protocol of S3: `<Code>NoSuchBucket</Code>`.
fn code_of(body: &str) -> String {
    let code = body
        .split_once("<Code>")
        .and_then(|(_, rest)| rest.split_once("</Code>"));
    code.map_or_else(String::new, |(code, _)| code.trim().to_owned())
}

/// The cause of a failed request: the innermost one says most.
fn deepest(error: &HttpError) -> String {
    let mut innermost = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        innermost = error.to_string();
        source = error.source();
    }
    innermost
}
