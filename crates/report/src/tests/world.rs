//! A synthetic folder of artifacts, written with the same writers as the stages use.

use std::collections::BTreeMap;
use std::path::Path;

use labelproof_artifact::findings::{
    Account, Confidence, Effect, Family, FamilyRuling, Figure, Finding, Gap, Ruling, Severity, Statistic,
    Status, Step, Verdict,
};
use labelproof_artifact::{
    Attribution, Digest, Document, Findings, HistoryRow, LabelMap, MapPoint, Prediction, Reject, Split,
    SplitRow, StageId, StageLock, TokenRow, fs, write_table,
};
use labelproof_metrics::decisions::{CalibratedRow, DecisionFigures, Questions};
use labelproof_metrics::{
    BaselineEvaluation, Bootstrap, Evaluation, Scored, SplitMetrics, argmax, softmax, summarize,
};
use labelproof_testkit::Random;
use serde_json::json;

/// Where texts are cut.
const MAX_TOKENS: u32 = 256;

/// Sentences that could stand in a newspaper of 2004, by section.
const SENTENCES: [(&str, &[&str]); 5] = [
    (
        "business",
        &[
            "Shares in the carmaker fell by 4% after it cut its profit forecast for the second time this \
             year.",
            "The central bank left interest rates on hold, citing slower growth and a stronger currency.",
            "Analysts had expected quarterly earnings of 38 cents a share, against 41 cents a year before.",
            "The takeover, worth £1.2bn, still needs the approval of regulators in Brussels.",
            "Oil prices rose above $50 a barrel as cold weather drove up demand for heating fuel.",
            "The ministry said the fund would be floated next spring, and that small savers would come \
             first.",
        ],
    ),
    (
        "entertainment",
        &[
            "The film took £9m in its opening weekend, the best start of the year for a British comedy.",
            "The band will headline the second night of the festival, organisers said on Tuesday.",
            "She was nominated for three awards, among them best actress and best original song.",
            "Critics praised the staging but found the third act slow and the ending sentimental.",
            "The broadcaster confirmed that the sitcom would not return for a fourth series.",
            "The singer's new album went straight to number one, helped by downloads of the single.",
        ],
    ),
    (
        "politics",
        &[
            "The prime minister rejected calls for an inquiry and said the matter was closed.",
            "MPs voted by 309 to 233 in favour of the bill, which now goes to the House of Lords.",
            "The chancellor promised to raise the threshold for stamp duty before the election.",
            "Opposition leaders accused the government of hiding the true cost of the scheme.",
            "A spokesman for the Home Office said the figures had been misunderstood.",
            "Council tax could rise by more than inflation in several counties, the party warned.",
        ],
    ),
    (
        "sport",
        &[
            "The champions came from two goals down to win 3-2 and stay five points clear at the top.",
            "He will miss the rest of the season with a knee injury suffered in training on Friday.",
            "The second seed won in straight sets and meets the defending champion in the final.",
            "England's captain said the side had let themselves down in the second half in Cardiff.",
            "She set a personal best of 7.09 seconds in the 60m and is the favourite in Madrid.",
            "The club denied that an offer of £12m had been made for the young midfielder.",
        ],
    ),
    (
        "tech",
        &[
            "Users are urged to install the patch, which closes a hole that lets worms spread by e-mail.",
            "The handset has a one-megapixel camera, plays MP3 files and costs £249 without a contract.",
            "More than half of households with the net now have broadband, a survey suggests.",
            "The games maker sold a million copies of the sequel in its first week on the console.",
            "Spam makes up 70% of all messages, and filters catch ever fewer of them, researchers said.",
            "The search firm will let people look through the text of library books on the web.",
        ],
    ),
];

/// How sure and how right a synthetic classifier is.
#[derive(Clone, Copy)]
pub(crate) struct Skill {
    /// By how many spreads the right class lies above the others.
    pub(crate) margin: f64,
    /// What logits are multiplied by; large is sure.
    pub(crate) sharpness: f64,
}

/// Rows of every table, to be changed before they are written.
pub(crate) struct World {
    pub(crate) labels: Vec<String>,
    pub(crate) documents: Vec<Document>,
    pub(crate) tokens: Vec<TokenRow>,
    pub(crate) splits: Vec<SplitRow>,
    pub(crate) predictions: Vec<Prediction>,
    pub(crate) history: Vec<HistoryRow>,
    pub(crate) ingest_rejects: Vec<Reject>,
    pub(crate) preprocess_rejects: Vec<Reject>,
    pub(crate) findings: Findings,
    pub(crate) resamples: usize,
    pub(crate) attributions: Vec<Attribution>,
    pub(crate) map: Vec<MapPoint>,
}

impl World {
    /// Five sections of a newspaper, classified about as well as BERT does.
    pub(crate) fn news() -> Self {
        let labels: Vec<_> = SENTENCES.iter().map(|(label, _)| *label).collect();
        let model = Skill {
            margin: 3.4,
            sharpness: 2.4,
        };
        let mut world = Self::new(&labels, [1401, 156, 668], model);
        world.add_duplicates();
        world.history = news_history();
        world.ingest_rejects = rejects("ingest");
        world.preprocess_rejects = rejects("preprocess");
        world.findings = with_reservations();
        world.resamples = 1000;
        world.explain(5);
        world.draw_map();
        world
    }

    /// Rows of these labels in turn, in parts of these sizes.
    pub(crate) fn new(labels: &[&str], parts: [usize; 3], skill: Skill) -> Self {
        let mut world = Self {
            labels: labels.iter().map(|&label| label.to_owned()).collect(),
            documents: Vec::new(),
            tokens: Vec::new(),
            splits: Vec::new(),
            predictions: Vec::new(),
            history: vec![epoch(1, 0.4, 0.35, true)],
            ingest_rejects: Vec::new(),
            preprocess_rejects: Vec::new(),
            findings: sound(),
            resamples: 20,
            attributions: Vec::new(),
            map: Vec::new(),
        };
        let mut random = Random::new(11);
        let rows: usize = parts.iter().sum();
        for row in 0..rows {
            let split = if row < parts[0] {
                Split::Train
            } else if row < parts[0] + parts[1] {
                Split::Validation
            } else {
                Split::Test
            };
            world.add_row(row, split, skill, &mut random);
        }
        world
    }

    fn add_row(&mut self, row: usize, split: Split, skill: Skill, random: &mut Random) {
        let class = row % self.labels.len();
        let label = self.labels[class].clone();
        let id = format!("{row:06} {label}/{:03}.txt", row / self.labels.len() + 1);
        let text = text(class, random);
        let full_length = u32::try_from(text.len() / 5 + 2).unwrap();
        self.documents.push(Document {
            id: id.clone(),
            text: text.clone(),
            label: label.clone(),
            group: None,
            split: None,
        });
        self.tokens.push(TokenRow {
            id: id.clone(),
            label: label.clone(),
            text,
            tokens: (0..full_length.min(MAX_TOKENS)).collect(),
            full_length,
            duplicate_group: id.clone(),
            group: None,
            split: None,
        });
        self.splits.push(SplitRow {
            id: id.clone(),
            label: label.clone(),
            split,
            group: id.clone(),
        });
        self.predictions
            .push(self.predict(id, split, class, skill, random));
    }

    fn predict(
        &self,
        id: String,
        split: Split,
        class: usize,
        skill: Skill,
        random: &mut Random,
    ) -> Prediction {
        let classes = self.labels.len();
        let better = if split == Split::Train { 0.5 } else { 0.0 };
        let logits = logits(class, classes, skill.margin + better, skill.sharpness, random);
        let probabilities = softmax(&logits);
        let baseline = softmax(&logits_of_baseline(class, classes, random));
        Prediction {
            id,
            split,
            label: self.labels[class].clone(),
            predicted: self.labels[argmax(&probabilities)].clone(),
            loss: -probabilities[class].max(1e-300).ln(),
            logits,
            baseline_predicted: self.labels[argmax(&baseline)].clone(),
            baseline_probabilities: baseline,
            probabilities,
        }
    }

    /// Explains so many of the test rows that are wrong: words of five letters spoke for the mistake, those
    /// of four against it.
    pub(crate) fn explain(&mut self, most: usize) {
        let wrong = self
            .predictions
            .iter()
            .filter(|row| row.split == Split::Test && row.predicted != row.label);
        let mut wrong: Vec<&Prediction> = wrong.collect();
        wrong.sort_by(|one, other| other.loss.total_cmp(&one.loss));
        let texts: BTreeMap<&str, &str> = self
            .tokens
            .iter()
            .map(|row| (row.id.as_str(), row.text.as_str()))
            .collect();
        self.attributions = wrong
            .into_iter()
            .take(most)
            .map(|row| {
                let pieces: Vec<String> = texts[row.id.as_str()]
                    .split_inclusive(' ')
                    .map(str::to_owned)
                    .collect();
                let weights: Vec<f32> = pieces
                    .iter()
                    .map(|piece| match piece.trim().len() {
                        5 => 0.5,
                        4 => -0.2,
                        _ => 0.01,
                    })
                    .collect();
                Attribution {
                    id: row.id.clone(),
                    label: row.label.clone(),
                    predicted: row.predicted.clone(),
                    margin: weights.iter().sum(),
                    reference_margin: 0.0,
                    steps: 16,
                    pieces,
                    weights,
                }
            })
            .collect();
    }

    /// Puts the test rows of each label around a place of its own.
    pub(crate) fn draw_map(&mut self) {
        let mut random = Random::new(5);
        let labels = &self.labels;
        self.map = self
            .predictions
            .iter()
            .filter(|row| row.split == Split::Test)
            .take(2_000)
            .map(|row| {
                let class = labels.iter().position(|label| *label == row.label).unwrap();
                let angle = std::f64::consts::TAU * class as f64 / labels.len() as f64;
                let mut at = |centre: f64| {
                    #[expect(clippy::cast_possible_truncation, reason = "points are stored as f32")]
                    let value = (0.5 + 0.35 * centre + 0.04 * random.normal()) as f32;
                    value
                };
                MapPoint {
                    id: row.id.clone(),
                    x: at(angle.cos()),
                    y: at(angle.sin()),
                }
            })
            .collect();
    }

    /// Makes some rows copies of rows of the same part.
    fn add_duplicates(&mut self) {
        for row in (10..1400).step_by(29) {
            self.tokens[row].duplicate_group = self.tokens[row - 5].id.clone();
        }
    }

    /// Writes all files that the report reads below `artifacts`.
    pub(crate) fn write(&self, artifacts: &Path) {
        let folder = |stage: StageId| {
            let folder = artifacts.join(stage.name());
            fs::create_dir_all(&folder).unwrap();
            folder
        };
        let ingest = folder(StageId::Ingest);
        write_table(&ingest, self.documents.iter().cloned()).unwrap();
        write_table(&ingest, self.ingest_rejects.iter().cloned()).unwrap();
        LabelMap::new(self.labels.clone()).write(&ingest).unwrap();
        let preprocess = folder(StageId::Preprocess);
        write_table(&preprocess, self.tokens.iter().cloned()).unwrap();
        write_table(&preprocess, self.preprocess_rejects.iter().cloned()).unwrap();
        write_table(&folder(StageId::Split), self.splits.iter().cloned()).unwrap();
        write_table(&folder(StageId::Train), self.history.iter().cloned()).unwrap();
        let evaluate = folder(StageId::Evaluate);
        write_table(&evaluate, self.predictions.iter().cloned()).unwrap();
        write_table(&evaluate, self.attributions.iter().cloned()).unwrap();
        write_table(&evaluate, self.map.iter().cloned()).unwrap();
        self.evaluation().write(&evaluate).unwrap();
        self.findings.write(&folder(StageId::Audit)).unwrap();
        write_locks(artifacts);
    }

    /// The figures of the predictions.
    pub(crate) fn evaluation(&self) -> Evaluation {
        let of_all = |probabilities: fn(&Prediction) -> &[f64]| -> BTreeMap<Split, SplitMetrics> {
            let splits = Split::ALL.into_iter();
            splits
                .map(|split| (split, self.metrics(split, probabilities)))
                .collect()
        };
        Evaluation {
            labels: self.labels.clone(),
            splits: of_all(|row| &row.probabilities),
            baseline: BaselineEvaluation {
                name: "TF-IDF + logistic regression".to_owned(),
                splits: of_all(|row| &row.baseline_probabilities),
            },
            decisions: self.decisions(),
            int8: None,
            cross_validation: None,
            repeats: None,
        }
    }

    /// The decisions with a temperature of 1.5.
    fn decisions(&self) -> DecisionFigures {
        let map = LabelMap::new(self.labels.clone());
        let rows = |split| {
            let rows = self.predictions.iter().filter(move |row| row.split == split);
            rows.map(|row| (row.logits.as_slice(), map.index(&row.label).unwrap()))
        };
        let validation: Vec<CalibratedRow> = rows(Split::Validation)
            .map(|(logits, label)| CalibratedRow::of_logits(logits, label as usize, 1.5))
            .collect();
        let (logits, labels): (Vec<&[f32]>, Vec<u32>) = rows(Split::Test).unzip();
        let questions = Questions {
            precisions: &[0.9, 0.95, 0.99],
            coverages: &[0.8],
            conformal_levels: &[0.9],
        };
        let bootstrap = Bootstrap {
            seed: 1,
            resamples: self.resamples,
        };
        DecisionFigures::measure(questions, 1.5, &validation, (&logits, &labels), &map, bootstrap).unwrap()
    }

    fn metrics(&self, split: Split, read: fn(&Prediction) -> &[f64]) -> SplitMetrics {
        let bootstrap = Bootstrap {
            seed: 1,
            resamples: self.resamples,
        };
        self.scored(split, read, |scored| summarize(scored, &self.labels, bootstrap))
    }

    fn scored<T>(
        &self,
        split: Split,
        read: fn(&Prediction) -> &[f64],
        score: impl FnOnce(&Scored<'_>) -> T,
    ) -> T {
        let map = LabelMap::new(self.labels.clone());
        let rows = || self.predictions.iter().filter(|row| row.split == split);
        let labels: Vec<u32> = rows().map(|row| map.index(&row.label).unwrap()).collect();
        let probabilities: Vec<f64> = rows().flat_map(read).copied().collect();
        let losses: Vec<f64> = rows()
            .zip(&labels)
            .map(|(row, &label)| -read(row)[label as usize].max(1e-300).ln())
            .collect();
        score(&Scored::new(&labels, &probabilities, &losses, self.labels.len()).unwrap())
    }
}

fn text(class: usize, random: &mut Random) -> String {
    let sentences = SENTENCES[class % SENTENCES.len()].1;
    let length = 4 + random.below(6) + random.below(8);
    let chosen: Vec<_> = (0..length)
        .map(|_| sentences[random.below(sentences.len())])
        .collect();
    chosen.join(" ")
}

/// Only a few labels compete with the right one, or many labels would drown it.
fn logits(class: usize, classes: usize, margin: f64, sharpness: f64, random: &mut Random) -> Vec<f32> {
    (0..classes)
        .map(|other| {
            let own = if other == class { margin } else { 0.0 };
            #[expect(clippy::cast_possible_truncation, reason = "logits are stored as f32")]
            let logit = ((own + random.normal()) * sharpness) as f32;
            logit
        })
        .collect()
}

fn logits_of_baseline(class: usize, classes: usize, random: &mut Random) -> Vec<f32> {
    logits(class, classes, 3.4, 0.8, random)
}

fn epoch(epoch: u32, train_loss: f64, validation_loss: f64, best: bool) -> HistoryRow {
    HistoryRow {
        epoch,
        learning_rate: 4e-5 / f64::from(epoch),
        train_loss,
        train_accuracy: 1.0 - train_loss / 4.0,
        validation_loss,
        validation_accuracy: 1.0 - validation_loss / 5.0,
        validation_f1_macro: 1.0 - validation_loss / 4.8,
        best,
    }
}

fn news_history() -> Vec<HistoryRow> {
    let losses = [
        (0.982, 0.415),
        (0.391, 0.224),
        (0.218, 0.158),
        (0.142, 0.131),
        (0.101, 0.124),
        (0.072, 0.128),
        (0.055, 0.139),
        (0.041, 0.146),
    ];
    let number = |place: usize| u32::try_from(place + 1).unwrap();
    losses
        .iter()
        .enumerate()
        .map(|(place, &(train, validation))| epoch(number(place), train, validation, place == 4))
        .collect()
}

fn gap() -> Gap {
    Gap {
        validation_hits: 152,
        validation_rows: 156,
        is_of_fewest: false,
        is_test_of_fewest: false,
        test_hits: 653,
        test_rows: 668,
        points: -0.3,
        z: None,
        p_value: 0.77,
        looks: 1,
        chance_points: 4.4,
        significant: false,
        of_choice: false,
    }
}

fn families(ruling: fn(Family) -> (Ruling, &'static str)) -> Vec<FamilyRuling> {
    let rule = |family| {
        let (ruling, reason) = ruling(family);
        FamilyRuling {
            family,
            ruling,
            reason: reason.to_owned(),
        }
    };
    Family::ALL.map(rule).to_vec()
}

/// A check that looked, and found nothing.
pub(crate) fn clear(id: &str, name: &str, family: Family, summary: &str) -> Finding {
    Finding {
        id: id.to_owned(),
        name: name.to_owned(),
        family,
        status: Status::Clear,
        rank: None,
        severity: None,
        confidence: None,
        effect: None,
        statistic: None,
        p_value: None,
        summary: summary.to_owned(),
        evidence: BTreeMap::new(),
        fix: None,
        confirm: None,
        missing: Vec::new(),
        explained_by: None,
    }
}

/// A check that could not look for want of these.
pub(crate) fn not_checked(id: &str, name: &str, family: Family, missing: &[&str]) -> Finding {
    Finding {
        status: Status::NotChecked,
        missing: missing.iter().map(|&need| need.to_owned()).collect(),
        ..clear(id, name, family, "")
    }
}

/// A cause that was found.
pub(crate) fn found(
    rank: u32,
    severity: Severity,
    [id, name, summary, fix, confirm]: [&str; 5],
    evidence: serde_json::Value,
) -> Finding {
    Finding {
        status: Status::Found,
        rank: Some(rank),
        severity: Some(severity),
        confidence: Some(Confidence::Likely),
        evidence: serde_json::from_value(evidence).unwrap(),
        fix: Some(fix.to_owned()),
        confirm: Some(confirm.to_owned()),
        ..clear(id, name, Family::Leakage, summary)
    }
}

/// Findings of a run with nothing to say against it.
fn sound() -> Findings {
    Findings {
        verdict: Verdict::Sound,
        headline: "Nothing was found that speaks against these figures: validation and test agree."
            .to_owned(),
        inputs: Vec::new(),
        gap: Some(gap()),
        account: None,
        families: families(|_| {
            (
                Ruling::Open,
                "it hits validation and test alike, and so makes no gap",
            )
        }),
        findings: vec![
            clear(
                "C15",
                "Predictions of another run",
                Family::Pairing,
                "Every file is the one that the later stages read.",
            ),
            not_checked(
                "C27",
                "The exported model predicts differently",
                Family::Weights,
                &["predictions of the exported model on the same rows"],
            ),
        ],
    }
}

/// Two causes, neither of which makes the figures worthless, and checks of every other answer.
fn with_reservations() -> Findings {
    let copies = found(
        1,
        Severity::Caution,
        [
            "C40",
            "the same texts in two splits",
            "12 of 668 test rows (1.8 %) have the same text as a training row. Without them the test \
             accuracy is 97.7 %.",
            "Set `split.keep_duplicates_together: true`, and run again.",
            "look at some of the listed pairs",
        ],
        json!({
            "test_in_train_rows": 12,
            "accuracy_without_them": 0.977_123_4,
            "rows": (0..25).map(|row| format!("sport/{row:03}.txt")).collect::<Vec<_>>(),
        }),
    );
    let copies = Finding {
        effect: Some(Effect {
            points: 0.2,
            interval: None,
            on: Figure::Accuracy(Split::Test),
        }),
        statistic: Some(Statistic {
            name: "share of test rows with a copy in training".to_owned(),
            value: 0.017_964,
        }),
        p_value: Some(0.0042),
        ..copies
    };
    let labels = found(
        2,
        Severity::Note,
        [
            "C50",
            "wrong labels",
            "Between 1.2 and 3.6 of 100 labels look wrong to a simple classifier that was not trained on \
             them.",
            "Read the listed rows, the first ones first, and correct the labels that are wrong.",
            "Let two people label the first 50 rows of `suspect_rows` without seeing the label.",
        ],
        json!({
            "interval": [0.012, 0.036],
            "judge": "a simple classifier that was not trained on them",
            "suspect_rows": (0..30)
                .map(|row| json!({
                    "split": "training",
                    "row": format!("tech/{row:03}.txt"),
                    "label": "tech",
                    "suggestion": "business",
                    "quality": 0.031,
                }))
                .collect::<Vec<_>>(),
        }),
    );
    let mut findings = sound();
    findings.verdict = Verdict::Caution;
    "The figures stand, with a reservation: the same texts in two splits (C40)."
        .clone_into(&mut findings.headline);
    let others = std::mem::take(&mut findings.findings);
    findings.findings = vec![
        copies,
        Finding {
            family: Family::Labels,
            ..labels
        },
    ];
    findings.findings.push(clear(
        "C10",
        "The labels of one split are permuted",
        Family::Pairing,
        "no renaming of the classes makes the test accuracy better",
    ));
    findings.findings.extend(others);
    findings.findings.push(not_checked(
        "C42",
        "rows of one author in two splits",
        Family::Leakage,
        &["a column of the author, thread or source", "more rows"],
    ));
    findings
}

/// Test predictions of which one block stands beside labels of other rows.
pub(crate) fn unsound() -> Findings {
    let shifted = found(
        1,
        Severity::Unsound,
        [
            "C12",
            "The predictions are shifted against the labels",
            "From row 101 on, every test prediction stands beside the label of the row before.",
            "Join predictions and labels by their id.",
            "shift the column by one row, and compute the accuracy again",
        ],
        json!({"lag": 1, "first_row": 101, "last_row": 668}),
    );
    let mut findings = with_reservations();
    for finding in &mut findings.findings {
        finding.rank = finding.rank.map(|rank| rank + 1);
    }
    findings.findings.insert(
        0,
        Finding {
            family: Family::Pairing,
            confidence: Some(Confidence::Certain),
            effect: Some(Effect {
                points: -59.2,
                interval: None,
                on: Figure::Accuracy(Split::Test),
            }),
            ..shifted
        },
    );
    Findings {
        verdict: Verdict::Unsound,
        headline: "Do not rely on these figures: the predictions are shifted against the labels (C12)."
            .to_owned(),
        gap: Some(Gap {
            test_hits: 257,
            points: 59.0,
            z: Some(13.3),
            p_value: 1e-40,
            chance_points: 14.6,
            significant: true,
            ..gap()
        }),
        account: Some(Account {
            validation: 97.4,
            test: 38.5,
            steps: vec![Step {
                id: "C12".to_owned(),
                name: "The predictions are shifted against the labels".to_owned(),
                points: -59.2,
                interval: Some((-63.1, -55.0)),
            }],
            instead: Vec::new(),
            rest: 0.3,
            rest_is_chance: true,
        }),
        families: families(|family| match family {
            Family::Metrics | Family::Labels | Family::Decision => {
                (Ruling::RuledOut, "it hits validation and test alike")
            }
            _ => (Ruling::RuledIn, "it may have hit one of the two splits only"),
        }),
        ..findings
    }
}

fn rejects(stage: &str) -> Vec<Reject> {
    let reject = |source: &str, line, reason: &str, detail: &str| Reject {
        source: source.to_owned(),
        line,
        id: None,
        reason: reason.to_owned(),
        detail: detail.to_owned(),
    };
    if stage == "ingest" {
        return vec![
            reject(
                "bbc-news/business/512.txt",
                None,
                "empty text",
                "the file has no text",
            ),
            reject(
                "bbc-news/sport/199.txt",
                None,
                "not utf-8",
                "byte 0xa3 at offset 918 does not begin a character",
            ),
            reject("extra.csv", Some(42), "empty label", "column `label` is empty"),
            reject("extra.csv", Some(77), "empty label", "column `label` is empty"),
        ];
    }
    vec![reject(
        "bbc-news/tech/381.txt",
        None,
        "nothing left",
        "cleaning removed all words",
    )]
}

/// Locks that fit the files, as the driver writes them.
fn write_locks(artifacts: &Path) {
    let mut written: BTreeMap<String, Digest> = BTreeMap::new();
    for stage in StageId::ALL.into_iter().filter(|&stage| stage != StageId::Report) {
        let folder = artifacts.join(stage.name());
        let inputs = match stage {
            StageId::Ingest => BTreeMap::from([("data/bbc-news".to_owned(), Digest::of_bytes(b"bbc"))]),
            _ => written.clone(),
        };
        let mut lock = StageLock::new(stage, 1, params(stage), inputs);
        lock.outputs = StageLock::digest_outputs(&folder).unwrap();
        lock.write(&folder).unwrap();
        let files = lock.outputs.iter();
        written = files
            .map(|(file, digest)| (format!("{stage}/{file}"), digest.clone()))
            .collect();
    }
}

fn params(stage: StageId) -> serde_json::Value {
    match stage {
        StageId::Ingest => {
            json!({"format": "folder", "paths": ["data/bbc-news"], "encoding": "utf-8", "seed": 10})
        }
        StageId::Preprocess => {
            json!({"max_tokens": MAX_TOKENS, "lowercase": true, "remove": ["urls", "stop_words"]})
        }
        StageId::Split => json!({"test": 0.3, "validation": 0.07, "stratify": true, "seed": 10}),
        StageId::Train => {
            json!({"epochs": 8, "batch": 16, "learning_rate": 4e-5, "pooling": "mean", "frozen": false})
        }
        _ => json!({"seed": 10}),
    }
}
