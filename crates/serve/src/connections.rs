//! Connections: accepted, served, closed when their clients are too slow, and when others need their place.
//!
//! hyper speaks HTTP, and [`crate::routes`] answers. Here it is decided how long a client may take, how many there
//! may be, and how a stop goes.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};
use tower::ServiceExt;

use crate::Limits;
use crate::metrics::Metrics;
use crate::routes::{self, State};

/// What a connection keeps of a request's head at most; hyper's default is six times as much.
const HEAD_BYTES: usize = 64 * 1024;
/// How many connections fewer there may be than the system turned out to allow: files for everything else.
const SPARE_FILES: usize = 16;
/// How long to wait where nothing can be accepted, and no connection can be closed for it.
const PAUSE: Duration = Duration::from_millis(10);
/// How long a client may still take after the stop to send what it has begun.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The open connections.
pub(crate) struct Connections {
    open: Mutex<BTreeMap<u64, Open>>,
    metrics: Arc<Metrics>,
}

struct Open {
    task: AbortHandle,
    /// Since when the client is to do something; `None` while it waits for an answer.
    idle_since: Option<Instant>,
}

impl Connections {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Open>> {
        // Nothing in between can leave the map half changed.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn len(&self) -> usize {
        self.lock().len()
    }

    /// Closes the connection whose client has done nothing for the longest time. `false` if all wait for answers.
    fn close_idlest(&self) -> bool {
        let mut open = self.lock();
        let idle = open
            .iter()
            .filter_map(|(&number, connection)| Some((connection.idle_since?, number)));
        let Some((_, number)) = idle.min() else {
            return false;
        };
        if let Some(connection) = open.remove(&number) {
            connection.task.abort();
        }
        true
    }

    /// Closes all connections whose clients do nothing.
    fn close_idle(&self) {
        while self.close_idlest() {}
    }
}

/// The presence of a connection among the open ones, which ends with its task.
pub(crate) struct Presence {
    number: u64,
    connections: Arc<Connections>,
}

impl Presence {
    /// The request was read, and its client waits.
    pub(crate) fn is_answering(&self) {
        self.set(None);
    }

    fn is_idle(&self) {
        self.set(Some(Instant::now()));
    }

    fn set(&self, idle_since: Option<Instant>) {
        if let Some(connection) = self.connections.lock().get_mut(&self.number) {
            connection.idle_since = idle_since;
        }
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        self.connections.lock().remove(&self.number);
        self.connections.metrics.connections(-1);
    }
}

/// Accepts and serves connections until the stop, and then until all are answered, or for the time in which any
/// request has to be.
pub(crate) async fn accept(
    listener: TcpListener,
    state: Arc<State>,
    limits: Limits,
    mut stopping: watch::Receiver<bool>,
) {
    let connections = Arc::new(Connections {
        open: Mutex::default(),
        metrics: state.metrics(),
    });
    let (alive, mut all_gone) = mpsc::channel::<Infallible>(1);
    let router = routes::router(state);
    let mut most = limits.connections;
    for number in 0.. {
        let accepted = tokio::select! {
            biased;
            _ = stopping.wait_for(|stops| *stops) => break,
            accepted = next(&listener, &connections, &mut most) => accepted,
        };
        let presence = Arc::new(Presence {
            number,
            connections: Arc::clone(&connections),
        });
        connections.metrics.connections(1);
        let served = serve(
            accepted,
            router.clone(),
            presence,
            limits.sending,
            stopping.clone(),
        );
        let alive = alive.clone();
        // The task does not begin before this function waits for something: this runtime has one thread.
        let task = tokio::spawn(async move {
            served.await;
            drop(alive);
        });
        let open = Open {
            task: task.abort_handle(),
            idle_since: Some(Instant::now()),
        };
        connections.lock().insert(number, open);
    }
    drop(listener);
    drop(alive);
    let gone = async {
        if timeout(LAST_WORDS, all_gone.recv()).await.is_err() {
            connections.close_idle();
            all_gone.recv().await;
        }
    };
    if timeout(limits.answer, gone).await.is_err() {
        let left = connections.len();
        tracing::warn!(connections = left, "stopped before everything was answered");
    }
}

/// EMFILE of Unix: this process has as many files open as it may.
const TOO_MANY_OPEN_FILES: i32 = 24;

/// The next connection, for which others are closed where there are too many.
async fn next(listener: &TcpListener, connections: &Connections, most: &mut usize) -> TcpStream {
    loop {
        if connections.len() >= *most && !connections.close_idlest() {
            sleep(PAUSE).await;
            continue;
        }
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            // The client went away again.
            Err(error) if is_of_connection(&error) => {}
            Err(error) => {
                let open = connections.len();
                tracing::warn!(%error, connections = open, "cannot accept a connection");
                if error.raw_os_error() == Some(TOO_MANY_OPEN_FILES) {
                    // Less than the limit is possible here.
                    *most = (*most).min(open.saturating_sub(SPARE_FILES).max(1));
                    while connections.len() > *most && connections.close_idlest() {}
                }
                sleep(PAUSE).await;
            }
        }
    }
}

fn is_of_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

/// Serves a connection until one side closes it.
async fn serve(
    stream: TcpStream,
    router: axum::Router,
    presence: Arc<Presence>,
    patience: Duration,
    mut stopping: watch::Receiver<bool>,
) {
    // Answers are one piece: to wait for more would only delay them. Where that is impossible, they are slower.
    let _ = stream.set_nodelay(true);
    let of_requests = Arc::clone(&presence);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        let presence = Arc::clone(&of_requests);
        request.extensions_mut().insert(Arc::clone(&presence));
        let answer = router.clone().oneshot(request.map(Body::new));
        async move {
            let answer = answer.await;
            presence.is_idle();
            answer
        }
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(patience)
        .max_buf_size(HEAD_BYTES);
    let mut connection = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // What a client does to its connection is no news.
        _ = connection.as_mut() => return,
        _ = stopping.wait_for(|stops| *stops) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
    drop(presence);
}
