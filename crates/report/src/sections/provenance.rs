//! The section on provenance: parameters and digests, by which the figures can be reproduced.

use std::collections::BTreeMap;

use askama::Template;
use askama::filters::HtmlSafe;
use labelproof_artifact::{Digest, StageId, StageLock};

use crate::facts::Facts;
use crate::format::{count, more};
use crate::{Params, STAGE, text};

/// The most files that are listed a stage.
const FILES_SHOWN: usize = 40;

/// The most lines of parameters that are shown a stage.
const LINES_SHOWN: usize = 200;

struct File {
    name: String,
    digest: String,
}

struct Files {
    shown: Vec<File>,
    left_out: String,
}

struct Stage {
    name: &'static str,
    revision: String,
    /// The model of the Hub that the encoder was; empty where it was none.
    encoder: String,
    params: String,
    inputs: Files,
    outputs: Files,
    /// Whether the stage's lock could be read.
    known: bool,
}

/// The stages with their parameters and digests.
#[derive(Template)]
#[template(path = "provenance.html", whitespace = "minimize")]
pub(crate) struct Provenance {
    stages: Vec<Stage>,
}

impl HtmlSafe for Provenance {}

impl Provenance {
    /// Lists the locks, and what this stage itself knows: its own lock is written after the page.
    pub(crate) fn new(params: &Params, facts: &Facts) -> Self {
        let mut stages: Vec<_> = facts
            .locks
            .iter()
            .map(|(stage, lock)| match lock {
                Some(lock) => of_lock(lock),
                None => unknown(*stage),
            })
            .collect();
        let own = serde_json::to_value(params).unwrap_or_default();
        stages.push(Stage {
            revision: STAGE.revision.to_string(),
            params: pretty(&own),
            known: true,
            ..unknown(StageId::Report)
        });
        Self { stages }
    }
}

fn of_lock(lock: &StageLock) -> Stage {
    Stage {
        name: lock.stage.name(),
        revision: lock.revision.to_string(),
        encoder: text::name(lock.encoder.as_deref().unwrap_or_default()),
        params: pretty(&lock.params),
        inputs: files(&lock.inputs),
        outputs: files(&lock.outputs),
        known: true,
    }
}

fn unknown(stage: StageId) -> Stage {
    Stage {
        name: stage.name(),
        revision: String::new(),
        encoder: String::new(),
        params: String::new(),
        inputs: files(&BTreeMap::new()),
        outputs: files(&BTreeMap::new()),
        known: false,
    }
}

fn files(digests: &BTreeMap<String, Digest>) -> Files {
    let left_out = digests.len().saturating_sub(FILES_SHOWN);
    Files {
        shown: digests
            .iter()
            .take(FILES_SHOWN)
            .map(|(name, digest)| File {
                name: text::name(name),
                digest: text::name(digest.short()),
            })
            .collect(),
        left_out: more(left_out as u64, "file"),
    }
}

/// Parameters as indented JSON, in lines of bounded length and number.
fn pretty(params: &serde_json::Value) -> String {
    let json = serde_json::to_string_pretty(params).unwrap_or_default();
    let lines: Vec<_> = json.lines().collect();
    let mut shown: Vec<_> = lines
        .iter()
        .take(LINES_SHOWN)
        .map(|line| text::line(line))
        .collect();
    if lines.len() > LINES_SHOWN {
        shown.push(format!(
            "… {} more lines",
            count((lines.len() - LINES_SHOWN) as u64)
        ));
    }
    shown.join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_page_names_the_model_that_the_encoder_was() {
        let mut lock = StageLock::new(StageId::Train, 1, json!({"seed": 1}), BTreeMap::new());
        let page = |lock: &StageLock| {
            let stages = vec![of_lock(lock)];
            Provenance { stages }.render().unwrap()
        };
        assert!(!page(&lock).contains("encoder"));
        lock.encoder = Some("owner/name@86b5e0934494bd15c9632b12f734a8a67f723594".to_owned());
        let page = page(&lock);
        assert!(
            page.contains("<code>owner/name@86b5e0934494bd15c9632b12f734a8a67f723594</code>"),
            "{page}"
        );
    }
}
