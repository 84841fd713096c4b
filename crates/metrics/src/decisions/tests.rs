//! Comparison with what SciPy, scikit-learn, statsmodels and MAPIE make of the same logits
//! (`tests/fixtures/make_decisions.py`), and what the guarantees are worth on random rows.

use labelproof_testkit::{Random, assert_close};
use serde_json::Value;

use super::*;
use crate::Bootstrap;

/// Both sides sum some hundred numbers of size 1 in f64; more is another definition, not rounding.
const TOLERANCE: f64 = 1e-9;
/// SciPy's search compares losses, which differ by less than their rounding this close to the least one.
const SEARCH: f64 = 1e-6;

fn cases() -> Vec<Value> {
    serde_json::from_str(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/decisions.json"
    )))
    .unwrap()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

/// The logits `[rows, classes]` and the labels of a part of a case.
fn part(case: &Value, name: &str) -> (Vec<f32>, Vec<u32>) {
    let number = |value: &Value| i16::try_from(value.as_i64().unwrap()).unwrap();
    let logits = list(&case[name]["logits"]).iter().flat_map(list);
    let labels = list(&case[name]["labels"]).iter();
    (
        logits.map(|logit| f32::from(number(logit)) / 16.0).collect(),
        labels
            .map(|label| u32::try_from(number(label)).unwrap())
            .collect(),
    )
}

fn rows(case: &Value, name: &str) -> Vec<CalibratedRow> {
    let (logits, labels) = part(case, name);
    let logits = logits.chunks_exact(classes(case));
    let temperature = case["temperature"].as_f64().unwrap();
    logits
        .zip(labels)
        .map(|(logits, label)| CalibratedRow::of_logits(logits, label as usize, temperature))
        .collect()
}

fn classes(case: &Value) -> usize {
    usize::try_from(case["classes"].as_u64().unwrap()).unwrap()
}

fn names(classes: usize) -> LabelMap {
    LabelMap::new((0..classes).map(|class| format!("class {class}")).collect())
}

fn share(text: &str) -> f64 {
    text.parse().unwrap()
}

/// What is measured of a case for one question of each kind.
fn measured(case: &Value, precision: f64, coverage: f64, level: f64) -> DecisionFigures {
    let (logits, labels) = part(case, "test");
    let classes = classes(case);
    DecisionFigures::measure(
        Questions {
            precisions: &[precision],
            coverages: &[coverage],
            conformal_levels: &[level],
        },
        case["temperature"].as_f64().unwrap(),
        &rows(case, "validation"),
        (&logits.chunks_exact(classes).collect::<Vec<_>>(), &labels),
        &names(classes),
        Bootstrap {
            seed: 1,
            resamples: 20,
        },
    )
    .unwrap()
}

#[test]
fn temperatures_are_those_of_scipy() {
    for case in cases() {
        let (logits, labels) = part(&case, "validation");
        let found = temperature_of_logits(&logits, classes(&case), &labels).unwrap();
        assert_close(found, case["temperature"].as_f64().unwrap(), SEARCH);
        let loss = measured(&case, 0.9, 0.9, 0.9).calibration.loss;
        assert_close(
            loss.value.unwrap(),
            case["test_loss"].as_f64().unwrap(),
            TOLERANCE,
        );
        assert!(loss.low.unwrap() < loss.value.unwrap() && loss.value.unwrap() < loss.high.unwrap());
    }
}

/// All rows right, or scores that say nothing: no temperature is the best.
#[test]
fn rows_that_settle_no_temperature_are_told() {
    assert_eq!(temperature_of_logits(&[2.0, 0.0, 0.0, 1.0], 2, &[0, 1]), None);
    assert_eq!(temperature_of_logits(&[2.0, 0.0, 2.0, 0.0], 2, &[0, 1]), None);
    assert_eq!(temperature_of_logits(&[], 2, &[]), None);
    assert_eq!(temperature_of_logits(&[f32::NAN, 0.0], 2, &[0]), None);
    // 3 of 4 rows right: softmax gives 3/4 for logits that are ln 3 apart.
    let found = temperature_of_logits(&[2.0, 0.0].repeat(4), 2, &[0, 0, 0, 1]).unwrap();
    assert_close(found, 2.0 / 3.0_f64.ln(), TOLERANCE);
}

#[test]
fn thresholds_are_those_of_the_precision_recall_curve_and_wilsons_interval() {
    let mut reached = [0, 0];
    for case in cases() {
        for (kind, precision, coverage) in [("precision", true, false), ("coverage", false, true)] {
            for (wanted, points) in case[kind].as_object().unwrap() {
                let wanted = share(wanted);
                let figures = measured(
                    &case,
                    if precision { wanted } else { 0.5 },
                    if coverage { wanted } else { 0.5 },
                    0.9,
                );
                let is_wanted = |point: &&OperatingPoint| match point.wanted {
                    Wanted::Precision(_) => precision,
                    Wanted::Coverage(_) => coverage,
                    Wanted::Confidence(_) => false,
                };
                let found: Vec<&OperatingPoint> = figures.thresholds.iter().filter(is_wanted).collect();
                assert_eq!(found.len(), list(points).len());
                for (place, (found, want)) in found.iter().zip(list(points)).enumerate() {
                    assert_eq!(found.label.is_none(), place == 0);
                    match (found.threshold, want[0].as_f64()) {
                        (Some(found), Some(want)) => assert_close(found, want, TOLERANCE),
                        (found, want) => assert_eq!(found, want),
                    }
                    reached[usize::from(found.threshold.is_some())] += 1;
                    let counts = [
                        found.validation.kept,
                        found.validation.hits,
                        found.test.kept,
                        found.test.hits,
                    ];
                    let want: Vec<u64> = list(want)[1..]
                        .iter()
                        .map(|count| count.as_u64().unwrap())
                        .collect();
                    assert_eq!(
                        counts.as_slice(),
                        want,
                        "{} {kind} {wanted} {place}",
                        case["name"]
                    );
                }
            }
        }
    }
    assert!(
        reached.iter().all(|&count| count > 20),
        "both kinds occur: {reached:?}"
    );
}

#[test]
fn conformal_sets_are_those_of_mapie() {
    for case in cases() {
        let (logits, labels) = part(&case, "test");
        let (classes, temperature) = (classes(&case), case["temperature"].as_f64().unwrap());
        let validation = rows(&case, "validation");
        for (level, want) in case["sets"].as_object().unwrap() {
            let level = share(level);
            let figures = measured(&case, 0.9, 0.9, level);
            for ((kind, sets), figures) in [
                ("all", ConformalSets::overall(&validation, level, classes)),
                ("per_label", ConformalSets::per_class(&validation, level, classes)),
            ]
            .into_iter()
            .zip(&figures.conformal)
            {
                let mut counts = (0, [0; 3]);
                let rows = logits.chunks_exact(classes).zip(&labels).zip(list(&want[kind]));
                for ((logits, &label), want) in rows {
                    let set = sets.set(&softmax_at(logits, temperature));
                    let member = |class| if set.contains(&class) { '1' } else { '0' };
                    let found: String = (0..classes).map(member).collect();
                    assert_eq!(found, want.as_str().unwrap(), "{} {kind} {level}", case["name"]);
                    counts.0 += u64::from(set.contains(&(label as usize)));
                    counts.1[set.len().min(2)] += 1;
                }
                assert_eq!(figures.covered.covered, counts.0);
                assert_eq!(
                    figures.labels.iter().map(|own| own.covered).sum::<u64>(),
                    counts.0
                );
                let sizes = figures.sizes;
                assert_eq!([sizes.empty, sizes.single, sizes.several], counts.1);
            }
        }
    }
}

/// A row of a model that is right by as much as its logits say, of three classes.
fn random_row(random: &mut Random) -> CalibratedRow {
    let label = random.below(3);
    let logits: Vec<f32> = (0..3)
        .map(|class| {
            let own = if class == label { 2.0 } else { 0.0 };
            #[expect(clippy::cast_possible_truncation, reason = "logits are float32")]
            let logit = (own + random.normal()) as f32;
            logit
        })
        .collect();
    CalibratedRow::of_logits(&logits, label, 1.0)
}

/// The guarantee: the share of new rows whose set has the true label is at least the level on average, and at
/// most one row's share above it.
#[test]
fn conformal_sets_of_exchangeable_rows_hold_the_label_as_often_as_promised() {
    let mut random = Random::new(1);
    for (count, level) in [(19, 0.9), (50, 0.8), (100, 0.95)] {
        let draws = 4000;
        let mut covered = [0_u32; 2];
        for _ in 0..draws {
            let rows: Vec<CalibratedRow> = (0..count).map(|_| random_row(&mut random)).collect();
            let new = random_row(&mut random);
            let sets = [
                ConformalSets::overall(&rows, level, 3),
                ConformalSets::per_class(&rows, level, 3),
            ];
            for (covered, sets) in covered.iter_mut().zip(&sets) {
                *covered += u32::from(sets.contains(new.label, new.probability));
            }
        }
        let share = |covered: u32| f64::from(covered) / f64::from(draws);
        // Three standard errors.
        let error = 3.0 * (level * (1.0 - level) / f64::from(draws)).sqrt();
        let overall = share(covered[0]);
        let most = level + 1.0 / (f64::from(count) + 1.0);
        assert!(
            overall > level - error && overall < most + error,
            "{count} rows: {overall}"
        );
        assert!(
            share(covered[1]) > level - error,
            "{count} rows: {}",
            share(covered[1])
        );
    }
}

/// The share of the draws of 300 rows whose threshold falls short of a precision on new rows.
fn shortfalls(wanted: f64, threshold: impl Fn(&[CalibratedRow]) -> Option<f64>) -> f64 {
    let mut random = Random::new(2);
    let new: Vec<CalibratedRow> = (0..20_000).map(|_| random_row(&mut random)).collect();
    let draws = 300;
    let mut short = 0;
    for _ in 0..draws {
        let rows: Vec<CalibratedRow> = (0..300).map(|_| random_row(&mut random)).collect();
        let threshold = threshold(&rows).unwrap_or(1.0);
        let kept: Vec<&CalibratedRow> = new.iter().filter(|row| row.confidence >= threshold).collect();
        let hits = kept.iter().filter(|row| row.is_hit()).count();
        short += u32::from((hits as f64) < wanted * kept.len() as f64);
    }
    f64::from(short) / f64::from(draws)
}

/// What the lower end of the interval is for.
#[test]
fn a_threshold_gives_the_wanted_precision_on_new_rows_nearly_always() {
    for wanted in [0.9, 0.95] {
        let by_interval = shortfalls(wanted, |rows| {
            Thresholds::overall(rows, Wanted::Precision(wanted), 3).of(0)
        });
        let by_itself = shortfalls(wanted, |rows| {
            let precision = |threshold: f64| {
                let kept: Vec<_> = rows.iter().filter(|row| row.confidence >= threshold).collect();
                kept.iter().filter(|row| row.is_hit()).count() as f64 / kept.len() as f64
            };
            let enough = rows
                .iter()
                .map(|row| row.confidence)
                .filter(|&threshold| precision(threshold) >= wanted);
            enough.reduce(f64::min)
        });
        assert!(by_interval < 0.1, "{wanted}: {by_interval}");
        assert!(by_itself > 0.4, "{wanted}: {by_itself}");
    }
}

#[test]
fn what_cannot_be_reached_keeps_nothing() {
    let row = |confidence, is_hit: bool| CalibratedRow {
        label: usize::from(!is_hit),
        predicted: 0,
        confidence,
        probability: if is_hit { confidence } else { 1.0 - confidence },
    };
    let few = vec![row(0.9, true); 10];
    // Wilson's interval of 10 right rows of 10 begins at 10 / (10 + 1.96²).
    assert_close(
        highest_precision(&few),
        10.0 / (10.0 + 3.841_458_820_694_124),
        TOLERANCE,
    );
    let thresholds = Thresholds::overall(&few, Wanted::Precision(0.9), 2);
    assert_eq!(thresholds.without().collect::<Vec<_>>(), [0, 1]);
    assert!(!thresholds.keeps(0, 1.0));
    let per_class = Thresholds::per_class(&few, Wanted::Coverage(0.5), 2);
    assert_eq!(
        per_class.without().collect::<Vec<_>>(),
        [1],
        "nothing was predicted as it"
    );
    assert!(per_class.keeps(0, 0.9) && !per_class.keeps(0, 0.899) && !per_class.keeps(0, f64::NAN));
    assert!(highest_precision(&[]).abs() < f64::EPSILON);
    let sets = ConformalSets::per_class(&few, 0.95, 2);
    assert_eq!(
        sets.always().collect::<Vec<_>>(),
        [0, 1],
        "10 rows cannot tell 1 in 20"
    );
    assert_eq!(sets.set(&[0.0, 1.0]), [0, 1]);
}

#[test]
fn a_row_keeps_its_label_whatever_the_temperature() {
    // So sharp that both are 1/2 in float64.
    let logits = [1e-30, 2e-30_f32];
    let row = CalibratedRow::of_logits(&logits, 0, 20.0);
    assert_eq!((row.predicted, row.confidence), (1, 0.5));
    let labels = names(2);
    let named = row.named(&labels);
    assert_eq!(
        (named.label.as_str(), named.predicted.as_str()),
        ("class 0", "class 1")
    );
    assert_eq!(
        CalibratedRow::numbered(std::slice::from_ref(&named), &labels).unwrap(),
        [row]
    );
    let other = CalibratedRow::numbered(&[named], &names(1)).unwrap_err();
    assert_eq!(
        other.to_string(),
        "row 0: label `class 1` is none of the bundle's"
    );
}
