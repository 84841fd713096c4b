//! Servers that packages bring, each for one test.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server, which ends with this.
pub(crate) struct Server {
    child: Child,
    pub(crate) port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The time in which a server has to be there.
const PATIENCE: Duration = Duration::from_mins(1);

impl Server {
    /// Starts a server on a port that is free; `command` gets the port.
    pub(crate) fn start(command: impl FnOnce(u16) -> Command) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let child = command(port)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { child, port };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < PATIENCE, "the server does not listen");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Ends the server, as when a network goes away.
    pub(crate) fn stop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What `make test-remote` set up under an environment variable; says that a test skips without it.
#[expect(clippy::print_stdout, reason = "a test that skips says so")]
pub(crate) fn set_up(variable: &str) -> Option<PathBuf> {
    let place = std::env::var_os(variable).map(PathBuf::from);
    if place.is_none() {
        println!("skipped: {variable} is not set; run it with `make test-remote`");
    }
    place
}

/// Runs a script of Python, which has the clients of the clouds. Returns what it prints.
#[track_caller]
pub(crate) fn run_python(
    python: &PathBuf,
    script: &str,
    arguments: &[&str],
    folder: &std::path::Path,
) -> String {
    let output = Command::new(python)
        .args(["-c", script])
        .args(arguments)
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}
