//! Chromium, and a page in it. Responsible for commands, waiting, and what the browser says meanwhile; judges nothing.
//!
//! The driver is `headless_chrome`. It speaks Chromium's own protocol, so that console messages, requests, dialogs, media, sizes,
//! keys and the accessibility tree are all at hand, and its calls wait for their answer, as tests do. `chromiumoxide` can do the
//! same, but brings an asynchronous runtime and was released less recently; `fantoccini` and `thirtyfour` need a `chromedriver` of
//! the browser's version, and WebDriver tells nothing of requests. Its generated types are the one weakness: an answer or event
//! of a newer browser that does not fit them is lost. Commands are therefore plain JSON here, and `controls` sees that the events
//! that tests rely on arrive.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use headless_chrome::protocol::cdp::types::{Event, Method};
use headless_chrome::{LaunchOptions, Tab};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// How long a condition may take to come true: long enough for a loaded machine, as a test that passes never waits so long.
const PATIENCE: Duration = Duration::from_secs(60);
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// The commands of the protocol that the tests send, with their parameters as JSON.
macro_rules! commands {
    ($($command:ident = $name:literal;)*) => {$(
        #[derive(Debug, serde::Serialize)]
        struct $command(Value);

        impl Method for $command {
            const NAME: &'static str = $name;
            type ReturnObject = Value;
        }
    )*};
}

commands! {
    AccessibilityNode = "Accessibility.getPartialAXTree";
    AccessibilityTree = "Accessibility.getFullAXTree";
    CaptureScreenshot = "Page.captureScreenshot";
    DisableScripts = "Emulation.setScriptExecutionDisabled";
    Enable = "Runtime.enable";
    EnableLog = "Log.enable";
    EnableNetwork = "Network.enable";
    Evaluate = "Runtime.evaluate";
    Media = "Emulation.setEmulatedMedia";
    Metrics = "Emulation.setDeviceMetricsOverride";
    Navigate = "Page.navigate";
    PrintToPdf = "Page.printToPDF";
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    Light,
    Dark,
}

impl Theme {
    pub(crate) const BOTH: [Self; 2] = [Self::Light, Self::Dark];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// What the browser said of a page so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seen {
    /// Console messages of the levels warning and error, uncaught exceptions, and the browser's own complaints.
    pub(crate) complaints: Vec<String>,
    /// The addresses of all requests, whether they were let through or not.
    pub(crate) requests: Vec<String>,
    /// What dialogs said.
    pub(crate) dialogs: Vec<String>,
    markers: Vec<String>,
}

pub(crate) struct Browser(headless_chrome::Browser);

impl Browser {
    pub(crate) fn start() -> Self {
        let options = LaunchOptions {
            // The pages are this project's own, and containers often lack what the sandbox needs.
            sandbox: false,
            path: std::env::var_os("LABELPROOF_BROWSER_CHROMIUM").map(PathBuf::from),
            idle_browser_timeout: 4 * PATIENCE,
            args: [
                "--hide-scrollbars",
                // Should a page try to reach anything, it does not.
                "--host-resolver-rules=MAP * ~NOTFOUND",
            ]
            .map(OsStr::new)
            .to_vec(),
            ..LaunchOptions::default()
        };
        Self(headless_chrome::Browser::new(options).expect("Chromium starts"))
    }

    /// The page of this file, loaded, 1000 pixels wide and light.
    pub(crate) fn open(&self, file: &Path) -> Page {
        let page = self.blank();
        page.load(file);
        page
    }

    /// The same where no script runs.
    pub(crate) fn open_without_scripts(&self, file: &Path) -> Page {
        let page = self.blank();
        page.call(DisableScripts(json!({"value": true})));
        page.load(file);
        page
    }

    /// An empty page.
    pub(crate) fn blank(&self) -> Page {
        // The driver waits less long for a tab than a loaded machine may need.
        let tab = (0..6).find_map(|_| self.0.new_tab().ok()).expect("a tab opens");
        let seen = Arc::new(Mutex::new(Seen::default()));
        let listener = Arc::clone(&seen);
        let weak = Arc::downgrade(&tab);
        tab.add_event_listener(Arc::new(move |event: &Event| {
            note(event, &mut listener.lock().unwrap());
            if let (Event::PageJavascriptDialogOpening(_), Some(tab)) = (event, weak.upgrade()) {
                // Not from this thread: the answer would come in on it.
                std::thread::spawn(move || tab.get_dialog().dismiss());
            }
        }))
        .expect("a listener is added");
        let page = Page {
            tab,
            seen,
            markers: AtomicUsize::new(0),
        };
        page.call(Enable(json!({})));
        page.call(EnableLog(json!({})));
        page.call(EnableNetwork(json!({})));
        page.view(1000, Theme::Light);
        page
    }
}

fn note(event: &Event, seen: &mut Seen) {
    match event {
        Event::RuntimeConsoleAPICalled(event) => {
            let said: Vec<_> = event
                .params
                .args
                .iter()
                .map(|argument| match &argument.value {
                    Some(Value::String(text)) => text.clone(),
                    Some(value) => value.to_string(),
                    None => argument.description.clone().unwrap_or_default(),
                })
                .collect();
            let (level, said) = (format!("{:?}", event.params.Type), said.join(" "));
            match level.as_str() {
                "Error" | "Warning" | "Assert" => seen.complaints.push(format!("console {level}: {said}")),
                "Debug" => seen.markers.push(said),
                _ => {}
            }
        }
        Event::RuntimeExceptionThrown(event) => {
            let details = &event.params.exception_details;
            let exception = details
                .exception
                .as_ref()
                .and_then(|exception| exception.description.as_ref());
            let exception = exception.map(String::as_str).unwrap_or_default();
            seen.complaints
                .push(format!("uncaught: {} {exception}", details.text));
        }
        Event::LogEntryAdded(event) => {
            let entry = &event.params.entry;
            seen.complaints
                .push(format!("{:?} {:?}: {}", entry.source, entry.level, entry.text));
        }
        Event::NetworkRequestWillBeSent(event) => seen.requests.push(event.params.request.url.clone()),
        Event::NetworkWebSocketCreated(event) => seen.requests.push(event.params.url.clone()),
        Event::PageJavascriptDialogOpening(event) => seen.dialogs.push(event.params.message.clone()),
        _ => {}
    }
}

pub(crate) struct Page {
    tab: Arc<Tab>,
    seen: Arc<Mutex<Seen>>,
    markers: AtomicUsize,
}

impl Drop for Page {
    fn drop(&mut self) {
        // A browser that is gone already has no tab to close.
        let _ = self.tab.close(false);
    }
}

impl Page {
    #[track_caller]
    fn call<C: Method<ReturnObject = Value> + serde::Serialize>(&self, command: C) -> Value {
        self.tab
            .call_method(command)
            .unwrap_or_else(|error| panic!("{}: {error:#}", C::NAME))
    }

    #[track_caller]
    pub(crate) fn load(&self, file: &Path) {
        let path = file.canonicalize().expect("the page is there");
        let address = format!("file://{}", path.display());
        let answer = self.call(Navigate(json!({"url": address})));
        assert!(answer.get("errorText").is_none(), "{address}: {answer}");
        self.until(
            "the page is loaded",
            "location.protocol === 'file:' && document.readyState === 'complete' && document.fonts.status === 'loaded'",
        );
    }

    pub(crate) fn view(&self, width: u32, theme: Theme) {
        self.call(Metrics(
            json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false}),
        ));
        self.media("screen", theme);
    }

    pub(crate) fn print(&self) {
        self.media("print", Theme::Light);
    }

    fn media(&self, medium: &str, theme: Theme) {
        self.call(Media(json!({
            "media": medium,
            "features": [
                {"name": "prefers-color-scheme", "value": theme.name()},
                // Nothing is under way while a test looks.
                {"name": "prefers-reduced-motion", "value": "reduce"},
            ],
        })));
    }

    /// The value of an expression, or of what it promises. It runs by the debugger, whatever the page's policy says.
    #[track_caller]
    pub(crate) fn ask<T: DeserializeOwned>(&self, expression: &str) -> T {
        match self.try_ask(expression) {
            Ok(value) => serde_json::from_value(value).expect("an answer of the expected type"),
            Err(problem) => panic!("{problem}\nin: {}", &expression[..expression.len().min(2000)]),
        }
    }

    /// Runs a script for what it does; what it gives is left alone.
    #[track_caller]
    pub(crate) fn run(&self, script: &str) {
        self.ask::<Value>(&format!("{script};\nnull"));
    }

    fn try_ask(&self, expression: &str) -> Result<Value, String> {
        let mut answer = self.call(Evaluate(json!({
            "expression": expression,
            "returnByValue": true,
            "awaitPromise": true,
            "userGesture": true,
        })));
        if let Some(exception) = answer.get("exceptionDetails") {
            let description = exception["exception"]["description"].as_str();
            return Err(description.map_or_else(|| exception.to_string(), str::to_owned));
        }
        Ok(answer["result"]["value"].take())
    }

    /// Waits until an expression is true.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, expression: &str) {
        assert!(
            self.comes_true(expression, PATIENCE),
            "never: {what} ({expression})"
        );
    }

    /// Whether an expression comes true within a moment that is long for a page, and bearable for a test that fails.
    pub(crate) fn soon(&self, expression: &str) -> bool {
        self.comes_true(expression, PATIENCE / 12)
    }

    fn comes_true(&self, expression: &str, patience: Duration) -> bool {
        let start = Instant::now();
        loop {
            // While a page is replaced by the next one, there is nothing to ask.
            if self.try_ask(expression) == Ok(Value::Bool(true)) {
                return true;
            }
            if start.elapsed() > patience {
                return false;
            }
            std::thread::sleep(BETWEEN_LOOKS);
        }
    }

    /// A key, held and let go: `Tab`, `Enter`, `ArrowDown`, `a`.
    #[track_caller]
    pub(crate) fn press(&self, key: &str) {
        self.tab
            .press_key(key)
            .unwrap_or_else(|error| panic!("{key}: {error:#}"));
    }

    #[track_caller]
    pub(crate) fn type_text(&self, text: &str) {
        self.tab.send_character(text).expect("text is typed");
    }

    /// Role and name of the focused element.
    #[track_caller]
    pub(crate) fn focused(&self) -> (String, String) {
        let element = self.call(Evaluate(json!({"expression": "document.activeElement"})));
        let id = &element["result"]["objectId"];
        let tree = self.call(AccessibilityNode(
            json!({"objectId": id, "fetchRelatives": false}),
        ));
        role_and_name(&tree["nodes"][0])
    }

    /// Role and name of everything that can be focused, the page and its main part left out.
    #[track_caller]
    pub(crate) fn focusable(&self) -> Vec<(String, String)> {
        let tree = self.call(AccessibilityTree(json!({})));
        let nodes = tree["nodes"].as_array().expect("a list of nodes");
        let focusable = nodes.iter().filter(|node| {
            let properties = node["properties"].as_array();
            properties.is_some_and(|all| {
                all.iter()
                    .any(|one| one["name"] == "focusable" && one["value"]["value"] == true)
            })
        });
        focusable
            .map(role_and_name)
            .filter(|(role, _)| role != "RootWebArea" && role != "main")
            .collect()
    }

    /// What the browser said up to now.
    pub(crate) fn seen(&self) -> Seen {
        // Events come in order: when this one is there, so is all before it.
        let marker = format!("seen so far {}", self.markers.fetch_add(1, Ordering::Relaxed));
        // Two frames, so that what loading began has been tried.
        self.ask::<Value>(&format!(
            "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => {{ console.debug('{marker}'); done(null); }})))"
        ));
        let start = Instant::now();
        loop {
            let seen = self.seen.lock().unwrap().clone();
            if seen.markers.contains(&marker) {
                return seen;
            }
            assert!(start.elapsed() < PATIENCE, "the browser's events do not arrive");
            std::thread::sleep(BETWEEN_LOOKS);
        }
    }

    /// The bytes of the printed page.
    #[track_caller]
    pub(crate) fn pdf(&self) -> Vec<u8> {
        decode(&self.call(PrintToPdf(json!({"printBackground": true})))["data"])
    }

    /// A PNG of the page from its top, no higher than `most_pixels`.
    #[track_caller]
    pub(crate) fn picture(&self, most_pixels: u32) -> Vec<u8> {
        let [width, height]: [u32; 2] =
            self.ask("[innerWidth, Math.ceil(document.documentElement.getBoundingClientRect().height)]");
        let clip = json!({"x": 0, "y": 0, "width": width, "height": height.min(most_pixels), "scale": 1});
        let options =
            json!({"format": "png", "clip": clip, "captureBeyondViewport": true, "optimizeForSpeed": true});
        decode(&self.call(CaptureScreenshot(options))["data"])
    }
}

fn role_and_name(node: &Value) -> (String, String) {
    let text = |part: &str| node[part]["value"].as_str().unwrap_or_default().to_owned();
    (text("role"), text("name"))
}

#[track_caller]
fn decode(data: &Value) -> Vec<u8> {
    let data = data.as_str().expect("data in base64");
    base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data).expect("data in base64")
}
