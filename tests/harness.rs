//! How a test makes a corpus and an encoder, and runs the binary.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use tempfile::TempDir;

/// The binary `labelproof`. For the tests of its own package cargo names it. For those of `labelproof-torch` it lies
/// beside the other binary: `cargo test --workspace` builds both, `-p labelproof-torch` alone takes what is there.
pub(crate) fn labelproof() -> &'static Path {
    static BINARY: LazyLock<PathBuf> = LazyLock::new(|| {
        if let Some(binary) = option_env!("CARGO_BIN_EXE_labelproof") {
            return PathBuf::from(binary);
        }
        let tests = std::env::current_exe().unwrap();
        let binary = tests.ancestors().nth(2).unwrap().join("labelproof");
        assert!(
            binary.exists(),
            "`{}` is missing; build it: cargo build --bin labelproof",
            binary.display()
        );
        binary
    });
    &BINARY
}

/// A folder with a pipeline in it.
pub(crate) struct Project {
    folder: TempDir,
}

/// What a run of the binary gave.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    #[track_caller]
    pub(crate) fn expect_success(self) -> Self {
        assert_eq!(self.code, 0, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The exit code and the message of a run that wrote nothing to standard output.
    #[track_caller]
    pub(crate) fn expect_message(self) -> String {
        assert_eq!(self.stdout, "");
        format!("exit code {}\n{}", self.code, self.stderr)
    }
}

impl Project {
    /// An empty folder.
    pub(crate) fn empty() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// A small corpus of three labels, a tiny encoder, and a pipeline that trains on `device` in seconds.
    pub(crate) fn small(device: &str) -> Self {
        let project = Self::empty();
        project.write("texts.csv", &small_corpus());
        write_tiny_encoder(&project.path("encoder"));
        project.write("pipeline.yaml", &SMALL_PIPELINE.replace("DEVICE", device));
        project
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        labelproof_artifact::fs::create_dir_all(path.parent().unwrap()).unwrap();
        labelproof_artifact::fs::write_atomic(&path, text.as_bytes()).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        labelproof_artifact::fs::read_to_string(&self.path(name)).unwrap()
    }

    /// Runs `labelproof` in the folder.
    pub(crate) fn run(&self, arguments: &[&str]) -> Run {
        self.command(arguments, "")
    }

    /// Runs `labelproof` with something on its standard input.
    pub(crate) fn command(&self, arguments: &[&str], input: &str) -> Run {
        let mut command = Command::new(labelproof());
        command.args(arguments);
        self.finish(&mut command, input)
    }

    /// Runs a shell script in the folder; `$LABELPROOF` is the binary.
    pub(crate) fn shell(&self, script: &str) -> Run {
        let mut command = Command::new("sh");
        command.args(["-c", script]).env("LABELPROOF", labelproof());
        self.finish(&mut command, "")
    }

    fn finish(&self, command: &mut Command, input: &str) -> Run {
        use std::io::Write as _;
        let mut child = command
            .current_dir(self.folder.path())
            .env("NO_COLOR", "1")
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        // A program that does not read its input closes it: that is its right.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let Output {
            status,
            stdout,
            stderr,
        } = child.wait_with_output().unwrap();
        let text = |bytes: Vec<u8>| {
            let folder = self.folder.path().display().to_string();
            String::from_utf8(bytes).unwrap().replace(&folder, "[DIR]")
        };
        Run {
            code: status.code().unwrap_or(-1),
            stdout: text(stdout),
            stderr: text(stderr),
        }
    }

    /// Starts `labelproof` in the folder, and lets it run.
    pub(crate) fn start(&self, arguments: &[&str]) -> std::process::Child {
        Command::new(labelproof())
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap()
    }

    /// The bytes of everything the stages wrote, by path, without caches.
    pub(crate) fn artifacts(&self) -> Vec<(String, Vec<u8>)> {
        let root = self.path("artifacts");
        labelproof_artifact::fs::files_below(&root)
            .unwrap()
            .into_iter()
            .filter_map(|path| {
                let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                (!name.starts_with("cache") && !name.starts_with('.'))
                    .then(|| (name, labelproof_artifact::fs::read(&path).unwrap()))
            })
            .collect()
    }
}

/// `stage  what became of it`, without the time it took.
pub(crate) fn outcomes(stderr: &str) -> Vec<String> {
    stderr
        .lines()
        .filter(|line| !line.starts_with(' ') && (line.contains("up to date") || line.contains("ran in")))
        .map(|line| {
            let stage = line.split_whitespace().next().unwrap();
            format!(
                "{stage} {}",
                if line.contains("up to date") {
                    "up to date"
                } else {
                    "ran"
                }
            )
        })
        .collect()
}

const SMALL_PIPELINE: &str = "\
seed: 10
encoder: encoder
device: DEVICE
ingest:
  format: csv
  paths: [texts.csv]
  columns: { text: text, label: label, id: id }
  on_reject: continue
preprocess:
  clean: [html, lowercase, whitespace]
  max_tokens: 24
split: { test: 0.3, validation: 0.1 }
train:
  epochs: 60
  learning_rate: 0.05
  batch_size: 8
  dropout: 0.1
  early_stopping: { patience: 60 }
";

const LABELS: [&str; 3] = ["sport", "trade", "film"];
const OWN_WORDS: [[&str; 6]; 3] = [
    ["goal", "match", "team", "coach", "league", "win"],
    ["price", "market", "bank", "profit", "share", "tax"],
    ["actor", "scene", "camera", "director", "award", "role"],
];
const COMMON_WORDS: [&str; 8] = ["the", "a", "new", "said", "year", "people", "first", "today"];

/// 120 rows: words of their label among common ones, with an exact duplicate and an empty text.
pub(crate) fn small_corpus() -> String {
    let mut csv = String::from("id,text,label\n");
    let mut state = 1_u64;
    let mut next = |below: usize| {
        // Knuth's linear congruential generator: any fixed sequence will do.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % below
    };
    for row in 0..118 {
        let label = row % 3;
        let words: Vec<&str> = (0..6 + next(10))
            .map(|place| {
                if place % 2 == 0 {
                    OWN_WORDS[label][next(6)]
                } else {
                    COMMON_WORDS[next(8)]
                }
            })
            .collect();
        writeln!(csv, "row-{row:03},<p>{}</p>,{}", words.join(" "), LABELS[label]).unwrap();
    }
    csv.push_str("row-118,The Team said GOAL the goal match,sport\n");
    csv.push_str("row-119,the team  said goal the goal match,sport\n");
    csv.push_str("row-120,  ,sport\n");
    csv
}

/// An encoder whose tokenizer knows the words of the corpus.
pub(crate) fn write_tiny_encoder(folder: &Path) {
    let mut words = OWN_WORDS.concat();
    words.extend(COMMON_WORDS);
    labelproof_testkit::encoder::write(folder, &words);
}
