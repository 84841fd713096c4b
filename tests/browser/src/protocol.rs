//! Chromium and its own protocol: commands go down one pipe, answers and events come up another. Responsible
//! for the browser's process and for never waiting without end; what the commands mean is `browser`'s.
//!
//! No driver crate, as none fits. `headless_chrome` lets every command wait a tenth of a second for the lock
//! of its socket, and loses answers and events that do not fit its generated types; these tests give
//! thousands of commands. `chromiumoxide` brings an asynchronous runtime. `fantoccini` and `thirtyfour` need
//! a `chromedriver` of the browser's version, and `WebDriver` tells nothing of requests. Over pipes, the
//! protocol is no more than JSON that ends in a zero byte.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use serde_json::{Value, json};

/// How long an answer may take: long enough for a loaded machine, as a test that passes never waits so long.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// How often a browser is started for one test. Chromium itself crashes while it starts, once in a thousand
/// times or so, before it was shown a page; that says nothing of the pages. What happens after that is never
/// tried again.
const STARTS: u32 = 3;

const OPTIONS: [&str; 16] = [
    "--headless",
    "--remote-debugging-pipe",
    // The pages are this project's own, and containers often lack what the sandbox needs.
    "--no-sandbox",
    // Nor do they always have the shared memory.
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    // Should a page try to reach anything, it does not; nor does the browser itself.
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    "--no-first-run",
    // A page beside another one is as awake.
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
];

pub(crate) struct Connection {
    chromium: Child,
    commands: ChildStdin,
    messages: Receiver<Value>,
    last_command: u64,
    events: Vec<Value>,
    /// A folder of its own, as browsers that share one become one.
    profile: PathBuf,
}

impl Drop for Connection {
    fn drop(&mut self) {
        // A browser that is gone already needs no end, and what is left of its folder goes with the build.
        let _ = self.chromium.kill();
        let _ = self.chromium.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

impl Connection {
    #[track_caller]
    pub(crate) fn start() -> Self {
        for _ in 1..STARTS {
            let mut connection = Self::launch();
            if connection.opens_a_page() {
                return connection;
            }
        }
        Self::launch()
    }

    /// Whether the browser lives long enough to open an empty page, and close it.
    #[track_caller]
    fn opens_a_page(&mut self) -> bool {
        let number = self.send(None, "Target.createTarget", &json!({"url": "about:blank"}));
        loop {
            let Some(mut message) = self.receive("Target.createTarget") else {
                return false;
            };
            if message["id"] == number {
                let page = message["result"].take();
                self.send(None, "Target.closeTarget", &page);
                return true;
            }
        }
    }

    fn launch() -> Self {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let place = STARTED.fetch_add(1, Ordering::Relaxed);
        let profile =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("chromium-{}-{place}", std::process::id()));
        std::fs::create_dir_all(&profile).expect("a folder for the browser is made");
        let said = File::create(said_in(&profile)).expect("a file for what the browser says is made");
        let chromium = std::env::var_os("LABELPROOF_BROWSER_CHROMIUM").unwrap_or_else(|| "chromium".into());
        // Chromium reads commands from descriptor 3 and answers on 4. It ends when the pipes do, so that it
        // outlives no test.
        let mut chromium = Command::new("sh")
            .args(["-c", "exec \"$@\" 3<&0 4>&1 </dev/null >&2", "sh"])
            .arg(chromium)
            .args(OPTIONS)
            .arg(format!("--user-data-dir={}", profile.display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(said)
            .spawn()
            .expect("Chromium starts");
        let commands = chromium.stdin.take().expect("the pipe was asked for");
        let answers = chromium.stdout.take().expect("the pipe was asked for");
        Self {
            chromium,
            commands,
            messages: listen(answers),
            last_command: 0,
            events: Vec::new(),
            profile,
        }
    }

    /// What the browser answers, to itself or in the session of a page.
    #[track_caller]
    pub(crate) fn call(
        &mut self,
        session: Option<&str>,
        method: &str,
        parameters: &Value,
    ) -> Result<Value, String> {
        let number = self.send(session, method, parameters);
        loop {
            let Some(mut message) = self.receive(method) else {
                panic!("{method}: the browser is gone\n{}", self.said());
            };
            if message["id"] == number {
                return match message.get("error") {
                    Some(error) => Err(format!("{method}: {error}")),
                    None => Ok(message["result"].take()),
                };
            }
            self.note(message);
        }
    }

    /// Gives a command, and leaves its answer alone.
    pub(crate) fn send(&mut self, session: Option<&str>, method: &str, parameters: &Value) -> u64 {
        self.last_command += 1;
        let mut command = json!({"id": self.last_command, "method": method, "params": parameters});
        if let Some(session) = session {
            command["sessionId"] = session.into();
        }
        // Where the browser is gone, the pipe of the answers says so, and why.
        let _ = self.commands.write_all(format!("{command}\0").as_bytes());
        self.last_command
    }

    /// The next message; none from a browser that is gone.
    #[track_caller]
    fn receive(&self, method: &str) -> Option<Value> {
        match self.messages.recv_timeout(PATIENCE) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("{method}: no answer\n{}", self.said()),
        }
    }

    fn said(&self) -> String {
        let said = std::fs::read(said_in(&self.profile)).unwrap_or_default();
        String::from_utf8_lossy(&said).into_owned()
    }

    /// Keeps an event; answers to commands that nobody waits for are none.
    fn note(&mut self, event: Value) {
        if event["method"] == "Page.javascriptDialogOpening" {
            // At once: until then, the page answers nothing.
            let dismissal = json!({"accept": false});
            self.send(
                event["sessionId"].as_str(),
                "Page.handleJavaScriptDialog",
                &dismissal,
            );
        }
        if event.get("method").is_some() {
            self.events.push(event);
        }
    }

    /// The events of a session that came with the answers up to now. The browser sends them in order: what
    /// happened before an answer is here when the answer is.
    pub(crate) fn events(&self, session: &str) -> impl Iterator<Item = &Value> {
        self.events
            .iter()
            .filter(move |event| event["sessionId"] == session)
    }
}

fn said_in(profile: &Path) -> PathBuf {
    profile.join("said.txt")
}

/// All messages of the browser. From a thread of its own, as a pipe cannot be read for a limited time.
fn listen(answers: ChildStdout) -> Receiver<Value> {
    let (sender, messages) = channel();
    std::thread::spawn(move || {
        for message in BufReader::new(answers).split(0) {
            let Ok(message) = message else { break };
            let message = serde_json::from_slice(&message).expect("the browser speaks JSON");
            if sender.send(message).is_err() {
                break;
            }
        }
    });
    messages
}
