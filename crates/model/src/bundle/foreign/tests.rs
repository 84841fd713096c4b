//! Classifiers of every family against the logits that transformers gives with them.
//!
//! `tests/fixtures/heads/` is made by `tests/fixtures/make_heads.py`.

use std::collections::HashMap;
use std::path::PathBuf;

use labelproof_kernels::device;
use safetensors::SafeTensors;
use serde::Deserialize;

use super::*;
use crate::pretrained::Pretrained;
use crate::testing::{assert_close, tensors};
use crate::{DeviceChoice, bundle};

const FAMILIES: [&str; 12] = [
    "bert",
    "roberta",
    "xlm-roberta",
    "distilbert",
    "electra",
    "albert",
    "mpnet",
    "modernbert",
    "modernbert-biased",
    "modernbert-mean",
    "deberta-v3",
    "deberta-v2",
];

fn folder(family: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/fixtures/heads")
        .join(family)
}

#[derive(Deserialize)]
struct Expected {
    rows: Vec<Vec<u32>>,
    logits: Vec<Vec<f32>>,
}

impl Expected {
    fn read(family: &str) -> Self {
        serde_json::from_slice(&fs::read(&folder(family).join("expected.json")).unwrap()).unwrap()
    }
}

fn check_logits(choice: DeviceChoice) {
    let device = device::open(choice).unwrap();
    for family in FAMILIES {
        let bundle = Bundle::load(&folder(family), &device).unwrap();
        assert!(
            bundle.is_foreign() && !bundle.classifier.head.is_initial(),
            "{family}"
        );
        assert_eq!(bundle.labels.names(), ["sport", "world", "business"]);
        assert_eq!(bundle.description.max_tokens, 80, "what the tokenizer cuts to");
        let expected = Expected::read(family);
        let logits = expected.logits.concat();
        assert_close(&bundle.predict_padded(&expected.rows).values, &logits, family);
        assert_close(&bundle.predict_alone(&expected.rows).values, &logits, family);
    }
}

#[test]
fn logits_are_those_of_transformers_on_libtorch() {
    check_logits(DeviceChoice::Cpu);
}

#[test]
fn logits_are_those_of_transformers_on_flex() {
    check_logits(DeviceChoice::Flex);
}

#[test]
fn an_adapter_that_brings_a_head_gives_the_logits_of_peft() {
    let device = device::open(DeviceChoice::Flex).unwrap();
    let adapter = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/classifier-adapter");
    let expected: Expected =
        serde_json::from_slice(&fs::read(&adapter.join("expected.json")).unwrap()).unwrap();
    let base = Bundle::load(&folder("bert"), &device).unwrap();
    let adapted = Bundle::load_adapted(&folder("bert"), &adapter, &device).unwrap();
    assert_eq!(adapted.labels, base.labels);
    let found = adapted.predict_padded(&expected.rows).values;
    assert_close(&found, &expected.logits.concat(), "adapted");
    assert_ne!(found, base.predict_padded(&expected.rows).values);
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_bundle_with_the_familys_head_has_the_files_that_transformers_writes() {
    let device = device::open(DeviceChoice::Cpu).unwrap();
    for family in FAMILIES {
        let theirs = folder(family);
        let foreign = Bundle::load(&theirs, &device).unwrap();
        let pretrained = Pretrained::load(&theirs, &device).unwrap();
        let ours = tempfile::tempdir().unwrap();
        let texts = ["w4 w5 w29".to_owned(), "w7".to_owned()];
        let saved = bundle::save(
            ours.path(),
            &pretrained,
            &foreign.classifier,
            foreign.description.clone(),
            &texts,
            &device,
        )
        .unwrap();
        let expected = Expected::read(family);
        assert_close(
            &saved.predict_padded(&expected.rows).values,
            &expected.logits.concat(),
            family,
        );
        let [ours, theirs] = [ours.path(), &theirs];
        assert_eq!(
            tensors(&ours.join("model.safetensors")),
            tensors(&theirs.join("model.safetensors")),
            "{family}"
        );
        let [mut found, mut expected] = [ours, theirs].map(|folder| json(&folder.join("config.json")));
        // Ours are said where transformers leaves them to defaults.
        for key in [
            "problem_type",
            "classifier_dropout",
            "classifier_dropout_prob",
            "seq_classif_dropout",
            "cls_dropout",
        ] {
            for config in [&mut found, &mut expected] {
                config.as_object_mut().unwrap().remove(key);
            }
        }
        assert_eq!(found, expected, "{family}");
        assert!(!ours.join("modeling_labelproof.py").exists());
    }
}

/// A copy of the classifier of BERT with some of its tensors, and another configuration.
fn copy(keep: impl Fn(&str) -> bool, change: impl Fn(&mut Value)) -> tempfile::TempDir {
    let copied = tempfile::tempdir().unwrap();
    for file in ["tokenizer.json", "tokenizer_config.json"] {
        fs::copy(&folder("bert").join(file), &copied.path().join(file)).unwrap();
    }
    let mut config = json(&folder("bert").join("config.json"));
    change(&mut config);
    fs::write_atomic(&copied.path().join("config.json"), config.to_string().as_bytes()).unwrap();
    let bytes = fs::read(&folder("bert").join("model.safetensors")).unwrap();
    let parsed = SafeTensors::deserialize(&bytes).unwrap();
    let kept = parsed.tensors().into_iter().filter(|(name, _)| keep(name));
    let written = safetensors::serialize(kept, None::<HashMap<String, String>>).unwrap();
    fs::write_atomic(&copied.path().join("model.safetensors"), &written).unwrap();
    copied
}

#[test]
fn a_classifier_without_a_head_is_refused() {
    let device = device::open(DeviceChoice::Cpu).unwrap();
    let without = copy(|name| !name.starts_with("classifier."), |_| ());
    let error = Bundle::load(without.path(), &device).unwrap_err().to_string();
    assert_eq!(
        error,
        format!(
            "`{}` has no classification head: its weights lack `classifier.weight`, `classifier.bias`. \
             transformers would put random numbers there",
            without.path().display()
        )
    );
    // As an encoder to train, both are usable: the head is left aside.
    Pretrained::load(without.path(), &device).unwrap();
    Pretrained::load(&folder("bert"), &device).unwrap();
}

#[test]
fn a_head_that_was_never_trained_is_told_by_its_weights() {
    let device = device::open(DeviceChoice::Cpu).unwrap();
    let pretrained = Pretrained::load(&folder("bert"), &device).unwrap();
    for (classes, seed) in [(2, 1), (5, 2), (150, 3)] {
        let settings = HeadSettings {
            input: 8,
            classes,
            dropout: 0.1,
            batch_normalization: BatchNormalization::None,
            kind: HeadKind::Family,
        };
        assert!(
            pretrained.new_head(&settings, seed, &device).is_initial(),
            "{classes}"
        );
    }
}

#[test]
fn what_is_no_classification_of_single_labels_is_refused() {
    let device = device::open(DeviceChoice::Cpu).unwrap();
    let problem = |change: &dyn Fn(&mut Value)| {
        let folder = copy(|_| true, change);
        let error = Bundle::load(folder.path(), &device).unwrap_err().to_string();
        let (_, problem) = error.split_once("is no classifier that can be used: ").unwrap();
        problem.to_owned()
    };
    assert_eq!(
        problem(&|config| config["problem_type"] = "multi_label_classification".into()),
        "its `problem_type` is `multi_label_classification`, only `single_label_classification` is supported"
    );
    assert_eq!(
        problem(&|config| config["id2label"] = serde_json::json!({"0": "score"})),
        "it has one output, which is a regression and no classification"
    );
    assert_eq!(
        problem(&|config| config["id2label"] = serde_json::json!({"1": "a", "2": "b"})),
        "the keys of its `id2label` are not the numbers from 0"
    );
    assert_eq!(
        problem(&|config| config["id2label"] = serde_json::json!({"0": "a", "1": "b", "2": "a"})),
        "its `id2label` has the label `a` twice"
    );
}
