//! How a test makes a corpus and an encoder, and runs the binary.

use std::collections::HashMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use safetensors::Dtype;
use safetensors::tensor::TensorView;
use tempfile::TempDir;

/// The binary `labelproof`. Cargo builds it beside the folder of the test binaries, but not for the tests of
/// `labelproof-torch` alone: a binary that is missing or older than its sources fails the tests.
pub(crate) fn labelproof() -> &'static Path {
    static BINARY: LazyLock<PathBuf> = LazyLock::new(|| {
        let tests = std::env::current_exe().unwrap();
        let binary = tests.ancestors().nth(2).unwrap().join("labelproof");
        assert!(
            is_current(&binary),
            "`{}` is missing or older than its sources; build it: cargo build --bin labelproof",
            binary.display()
        );
        binary
    });
    &BINARY
}

/// Whether a binary is newer than every source that cargo's dependency file lists for it.
fn is_current(binary: &Path) -> bool {
    let modified = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).ok();
    let (Some(built), Ok(sources)) = (
        modified(binary),
        labelproof_artifact::fs::read_to_string(&binary.with_extension("d")),
    ) else {
        return false;
    };
    let sources = sources.split_whitespace().skip(1);
    sources
        .map(Path::new)
        .all(|source| modified(source) <= Some(built))
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

/// A BERT of two layers whose weights are fixed noise, and a tokenizer of the corpus' words.
pub(crate) fn write_tiny_encoder(folder: &Path) {
    labelproof_artifact::fs::create_dir_all(folder).unwrap();
    let write =
        |name: &str, bytes: &[u8]| labelproof_artifact::fs::write_atomic(&folder.join(name), bytes).unwrap();
    let mut vocabulary = vec!["[PAD]", "[UNK]", "[CLS]", "[SEP]"];
    vocabulary.extend(OWN_WORDS.concat());
    vocabulary.extend(COMMON_WORDS);
    let entries: Vec<String> = vocabulary
        .iter()
        .enumerate()
        .map(|(id, word)| format!("\"{word}\": {id}"))
        .collect();
    write(
        "tokenizer.json",
        TOKENIZER.replace("VOCABULARY", &entries.join(", ")).as_bytes(),
    );
    let (width, inner, layers, positions) = (16, 32, 2, 32);
    let config = format!(
        r#"{{"model_type": "bert", "vocab_size": {}, "hidden_size": {width}, "num_hidden_layers": {layers},
        "num_attention_heads": 2, "intermediate_size": {inner}, "max_position_embeddings": {positions}}}"#,
        vocabulary.len()
    );
    write("config.json", config.as_bytes());

    let mut shapes: Vec<(String, Vec<usize>)> = vec![
        (
            "embeddings.word_embeddings.weight".into(),
            vec![vocabulary.len(), width],
        ),
        (
            "embeddings.position_embeddings.weight".into(),
            vec![positions, width],
        ),
        ("embeddings.token_type_embeddings.weight".into(), vec![2, width]),
        ("embeddings.LayerNorm.weight".into(), vec![width]),
        ("embeddings.LayerNorm.bias".into(), vec![width]),
    ];
    for layer in 0..layers {
        let linear = [
            ("attention.self.query", width, width),
            ("attention.self.key", width, width),
            ("attention.self.value", width, width),
            ("attention.output.dense", width, width),
            ("intermediate.dense", inner, width),
            ("output.dense", width, inner),
        ];
        for (name, output, input) in linear {
            shapes.push((
                format!("encoder.layer.{layer}.{name}.weight"),
                vec![output, input],
            ));
            shapes.push((format!("encoder.layer.{layer}.{name}.bias"), vec![output]));
        }
        for name in ["attention.output.LayerNorm", "output.LayerNorm"] {
            shapes.push((format!("encoder.layer.{layer}.{name}.weight"), vec![width]));
            shapes.push((format!("encoder.layer.{layer}.{name}.bias"), vec![width]));
        }
    }
    let mut state = 7_u64;
    let data: Vec<Vec<u8>> = shapes
        .iter()
        .map(|(name, shape)| {
            let gain = if name.ends_with("LayerNorm.weight") {
                1.0
            } else {
                0.0
            };
            (0..shape.iter().product::<usize>())
                .flat_map(|_| {
                    state = state
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    let uniform = f32::from(u16::try_from(state >> 48).unwrap()) / 65536.0 - 0.5;
                    (gain + 0.6 * uniform).to_le_bytes()
                })
                .collect()
        })
        .collect();
    let views = shapes
        .iter()
        .zip(&data)
        .map(|((name, shape), data)| (name, TensorView::new(Dtype::F32, shape.clone(), data).unwrap()));
    let metadata = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    write(
        "model.safetensors",
        &safetensors::serialize(views, Some(metadata)).unwrap(),
    );
}

const TOKENIZER: &str = r###"{
  "version": "1.0", "truncation": null, "padding": null,
  "added_tokens": [
    {"id": 0, "content": "[PAD]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true},
    {"id": 1, "content": "[UNK]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true},
    {"id": 2, "content": "[CLS]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true},
    {"id": 3, "content": "[SEP]", "single_word": false, "lstrip": false, "rstrip": false, "normalized": false, "special": true}
  ],
  "normalizer": {"type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true},
  "pre_tokenizer": {"type": "BertPreTokenizer"},
  "post_processor": {"type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}],
    "pair": [{"SpecialToken": {"id": "[CLS]", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "[SEP]", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}, {"SpecialToken": {"id": "[SEP]", "type_id": 1}}],
    "special_tokens": {"[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]}, "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]}}},
  "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
  "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": {VOCABULARY}}
}
"###;
