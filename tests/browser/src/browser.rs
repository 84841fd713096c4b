//! A browser, and a page in it. Responsible for what is done to a page, for waiting, and for what the browser
//! says meanwhile; judges nothing. How commands get to the browser is `protocol`'s.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::protocol::{Connection, PATIENCE};

const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Theme {
    Light,
    Dark,
}

impl Theme {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// What the browser said of a page so far.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Console messages of the levels warning and error, uncaught exceptions, and the browser's own
    /// complaints.
    pub(crate) complaints: Vec<String>,
    /// The addresses of all requests, whether they were let through or not.
    pub(crate) requests: Vec<String>,
    /// What dialogs said.
    pub(crate) dialogs: Vec<String>,
}

impl Seen {
    fn note(&mut self, event: &Value) {
        let details = &event["params"];
        match event["method"].as_str().unwrap_or_default() {
            "Runtime.consoleAPICalled"
                if matches!(details["type"].as_str(), Some("error" | "warning" | "assert")) =>
            {
                let arguments = details["args"].as_array().map(Vec::as_slice).unwrap_or_default();
                let said: Vec<_> = arguments.iter().map(said).collect();
                self.complaints
                    .push(format!("console {}: {}", text(&details["type"]), said.join(" ")));
            }
            "Runtime.exceptionThrown" => {
                let details = &details["exceptionDetails"];
                let exception = text(&details["exception"]["description"]);
                self.complaints
                    .push(format!("uncaught: {} {exception}", text(&details["text"])));
            }
            "Log.entryAdded" => {
                let entry = &details["entry"];
                let [source, level, said] = ["source", "level", "text"].map(|part| text(&entry[part]));
                self.complaints.push(format!("{source} {level}: {said}"));
            }
            "Network.requestWillBeSent" => self.requests.push(text(&details["request"]["url"])),
            "Network.webSocketCreated" => self.requests.push(text(&details["url"])),
            "Page.javascriptDialogOpening" => self.dialogs.push(text(&details["message"])),
            _ => {}
        }
    }
}

/// An argument of a message of the console.
fn said(argument: &Value) -> String {
    match &argument["value"] {
        Value::Null => text(&argument["description"]),
        Value::String(text) => text.clone(),
        value => value.to_string(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

pub(crate) struct Browser(Rc<RefCell<Connection>>);

impl Browser {
    #[track_caller]
    pub(crate) fn start() -> Self {
        Self(Rc::new(RefCell::new(Connection::start())))
    }

    /// The page of this file, loaded, 1000 pixels wide and light.
    #[track_caller]
    pub(crate) fn open(&self, file: &Path) -> Page {
        let page = self.blank();
        page.load(file);
        page
    }

    /// The same where no script runs.
    #[track_caller]
    pub(crate) fn open_without_scripts(&self, file: &Path) -> Page {
        let page = self.blank();
        page.scripts(false);
        page.load(file);
        page
    }

    #[track_caller]
    fn blank(&self) -> Page {
        let call = |method, parameters| {
            let answer = self.0.borrow_mut().call(None, method, &parameters);
            answer.unwrap_or_else(|problem| panic!("{problem}"))
        };
        let target = text(&call("Target.createTarget", json!({"url": "about:blank"}))["targetId"]);
        let attached = call(
            "Target.attachToTarget",
            json!({"targetId": target, "flatten": true}),
        );
        let page = Page {
            connection: Rc::clone(&self.0),
            session: text(&attached["sessionId"]),
            target,
        };
        for domain in ["Runtime", "Log", "Network", "Page"] {
            page.call(&format!("{domain}.enable"), &json!({}));
        }
        page.view(1000, Theme::Light);
        page
    }
}

pub(crate) struct Page {
    connection: Rc<RefCell<Connection>>,
    session: String,
    target: String,
}

impl Drop for Page {
    fn drop(&mut self) {
        let target = json!({"targetId": self.target});
        self.connection
            .borrow_mut()
            .send(None, "Target.closeTarget", &target);
    }
}

impl Page {
    #[track_caller]
    fn try_call(&self, method: &str, parameters: &Value) -> Result<Value, String> {
        self.connection
            .borrow_mut()
            .call(Some(&self.session), method, parameters)
    }

    #[track_caller]
    fn call(&self, method: &str, parameters: &Value) -> Value {
        self.try_call(method, parameters)
            .unwrap_or_else(|problem| panic!("{problem}"))
    }

    fn scripts(&self, run: bool) {
        self.call("Emulation.setScriptExecutionDisabled", &json!({"value": !run}));
    }

    #[track_caller]
    pub(crate) fn load(&self, file: &Path) {
        let path = file.canonicalize().expect("the page is there");
        let address = format!("file://{}", path.display());
        let answer = self.call("Page.navigate", &json!({"url": address}));
        assert!(answer.get("errorText").is_none(), "{address}: {answer}");
        self.until(
            "the page is loaded",
            "location.protocol === 'file:' && document.readyState === 'complete' && document.fonts.status === 'loaded'",
        );
    }

    pub(crate) fn view(&self, width: u32, theme: Theme) {
        self.call(
            "Emulation.setDeviceMetricsOverride",
            &json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false}),
        );
        self.media("screen", theme);
    }

    pub(crate) fn print(&self) {
        self.media("print", Theme::Light);
    }

    fn media(&self, medium: &str, theme: Theme) {
        self.call(
            "Emulation.setEmulatedMedia",
            &json!({
                "media": medium,
                "features": [
                    {"name": "prefers-color-scheme", "value": theme.name()},
                    // Nothing is under way while a test looks.
                    {"name": "prefers-reduced-motion", "value": "reduce"},
                ],
            }),
        );
    }

    /// The value of an expression, or of what it promises. It runs by the debugger, whatever the page's
    /// policy says.
    #[track_caller]
    pub(crate) fn ask<T: DeserializeOwned>(&self, expression: &str) -> T {
        match self.try_ask(expression) {
            Ok(value) => serde_json::from_value(value).expect("an answer of the expected type"),
            Err(problem) => panic!(
                "{problem}\nin: {}",
                expression.chars().take(2000).collect::<String>()
            ),
        }
    }

    /// Runs a script for what it does; what it gives is left alone.
    #[track_caller]
    pub(crate) fn run(&self, script: &str) {
        self.ask::<Value>(&format!("{script};\nnull"));
    }

    fn try_ask(&self, expression: &str) -> Result<Value, String> {
        let mut answer = self.try_call(
            "Runtime.evaluate",
            &json!({
                "expression": expression,
                "returnByValue": true,
                "awaitPromise": true,
                "userGesture": true,
            }),
        )?;
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

    /// Whether an expression comes true within a moment that is long for a page, and bearable for a test that
    /// fails.
    pub(crate) fn soon(&self, expression: &str) -> bool {
        self.comes_true(expression, PATIENCE / 4)
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

    /// A key, held and let go.
    #[track_caller]
    pub(crate) fn press(&self, key: &str) {
        // The number that Windows gave it: the browser goes by that.
        let (code, number, text) = match key {
            "Tab" => (key, 9, None),
            "Enter" => (key, 13, Some("\r")),
            "Escape" => (key, 27, None),
            " " => ("Space", 32, Some(" ")),
            "End" => (key, 35, None),
            "Home" => (key, 36, None),
            "ArrowLeft" => (key, 37, None),
            "ArrowUp" => (key, 38, None),
            "ArrowRight" => (key, 39, None),
            "ArrowDown" => (key, 40, None),
            "Delete" => (key, 46, None),
            _ => panic!("`{key}` is no key that these tests know"),
        };
        let down = if text.is_some() { "keyDown" } else { "rawKeyDown" };
        for event in [down, "keyUp"] {
            let text = text.filter(|_| event == down).unwrap_or_default();
            self.call(
                "Input.dispatchKeyEvent",
                &json!({"type": event, "key": key, "code": code, "windowsVirtualKeyCode": number, "text": text}),
            );
        }
    }

    #[track_caller]
    pub(crate) fn type_text(&self, text: &str) {
        self.call("Input.insertText", &json!({"text": text}));
    }

    /// Role and name of the focused element.
    #[track_caller]
    pub(crate) fn focused(&self) -> (String, String) {
        let element = self.call(
            "Runtime.evaluate",
            &json!({"expression": "document.activeElement"}),
        );
        let id = &element["result"]["objectId"];
        let tree = self.call(
            "Accessibility.getPartialAXTree",
            &json!({"objectId": id, "fetchRelatives": false}),
        );
        role_and_name(&tree["nodes"][0])
    }

    /// Role and name of everything that can be focused, the page and its main part left out.
    #[track_caller]
    pub(crate) fn focusable(&self) -> Vec<(String, String)> {
        let tree = self.call("Accessibility.getFullAXTree", &json!({}));
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
    #[track_caller]
    pub(crate) fn seen(&self) -> Seen {
        // Where scripts may not run, no frame calls back; those of the page had their time.
        self.scripts(true);
        // Two frames, so that what loading began has been tried.
        self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(null))))");
        let mut seen = Seen::default();
        for event in self.connection.borrow().events(&self.session) {
            seen.note(event);
        }
        seen
    }

    /// The bytes of the printed page.
    #[track_caller]
    pub(crate) fn pdf(&self) -> Vec<u8> {
        decode(&self.call("Page.printToPDF", &json!({"printBackground": true}))["data"])
    }

    /// A PNG of the page from its top, no higher than `most_pixels`.
    #[track_caller]
    pub(crate) fn picture(&self, most_pixels: u32) -> Vec<u8> {
        let [width, height]: [u32; 2] =
            self.ask("[innerWidth, Math.ceil(document.documentElement.getBoundingClientRect().height)]");
        let clip = json!({"x": 0, "y": 0, "width": width, "height": height.min(most_pixels), "scale": 1});
        let options =
            json!({"format": "png", "clip": clip, "captureBeyondViewport": true, "optimizeForSpeed": true});
        decode(&self.call("Page.captureScreenshot", &options)["data"])
    }
}

fn role_and_name(node: &Value) -> (String, String) {
    (text(&node["role"]["value"]), text(&node["name"]["value"]))
}

#[track_caller]
fn decode(data: &Value) -> Vec<u8> {
    let data = data.as_str().expect("data in base64");
    base64::Engine::decode(&base64::engine::general_purpose::STANDARD, data).expect("data in base64")
}
