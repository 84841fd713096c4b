//! Comparison with what scikit-learn, SciPy, statsmodels and NumPy compute on the same numbers.
//!
//! `tests/fixtures/make_reference.py`, `make_metrics_extra.py` and `make_coverage.py` made the files and say
//! what each field means.

use serde_json::Value;

use crate::comparison::{mcnemar_from_counts, two_proportion_z, two_sided_normal};
use crate::{
    Bootstrap, COVERAGE_POINTS, Estimate, Scored, SplitMetrics, percentile_interval, summarize, wilson,
};

/// Both sides sum a few thousand numbers of size 1 in f64; anything beyond 1e-9 is another definition, not
/// rounding.
const TOLERANCE: f64 = 1e-9;

fn main_fixture() -> Value {
    serde_json::from_str(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/metrics.json"
    )))
    .unwrap()
}

fn extra_fixture() -> Value {
    serde_json::from_str(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/metrics_extra.json"
    )))
    .unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("not a number: {value}"))
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("not a count: {value}"))
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("not a list: {value}"))
}

fn summary_of(case: &Value) -> SplitMetrics {
    let names: Vec<String> = (0..list(&list(&case["probabilities"])[0]).len())
        .map(|class| class.to_string())
        .collect();
    let bootstrap = Bootstrap {
        seed: 1,
        resamples: 20,
    };
    with_scored(case, |scored| summarize(scored, &names, bootstrap))
}

fn with_scored<T>(case: &Value, score: impl FnOnce(&Scored<'_>) -> T) -> T {
    let labels: Vec<u32> = list(&case["labels"])
        .iter()
        .map(|label| u32::try_from(count(label)).unwrap())
        .collect();
    let distributions = list(&case["probabilities"]);
    let classes = list(&distributions[0]).len();
    let probabilities: Vec<f64> = distributions
        .iter()
        .flat_map(|row| list(row).iter().map(number))
        .collect();
    // scikit-learn clips at the epsilon of f64; the crate takes losses as they come.
    let losses: Vec<f64> = labels
        .iter()
        .zip(probabilities.chunks_exact(classes))
        .map(|(&label, distribution)| -distribution[label as usize].max(f64::EPSILON).ln())
        .collect();
    score(&Scored::new(&labels, &probabilities, &losses, classes).unwrap())
}

#[track_caller]
fn check(name: &str, got: Option<f64>, want: &Value) {
    let close = match (got, want.as_f64()) {
        (Some(got), Some(want)) => (got - want).abs() <= TOLERANCE,
        (None, None) => want.is_null(),
        _ => false,
    };
    assert!(close, "{name}: got {got:?}, expected {want}");
}

/// What both files say about a case, under the names they share.
fn check_common(case: &Value, metrics: &SplitMetrics) {
    let (name, want) = (case["name"].as_str().unwrap(), &case["expected"]);
    for (field, estimate, want) in [
        ("loss", metrics.loss, &want["log_loss"]),
        ("accuracy", metrics.accuracy, &want["accuracy"]),
        (
            "balanced_accuracy",
            metrics.balanced_accuracy,
            &want["balanced_accuracy"],
        ),
        (
            "precision_macro",
            metrics.precision_macro,
            &want["macro"]["precision"],
        ),
        ("recall_macro", metrics.recall_macro, &want["macro"]["recall"]),
        ("f1_macro", metrics.f1_macro, &want["macro"]["f1"]),
        (
            "precision_micro",
            metrics.precision_micro,
            &want["micro"]["precision"],
        ),
        ("recall_micro", metrics.recall_micro, &want["micro"]["recall"]),
        ("f1_micro", metrics.f1_micro, &want["micro"]["f1"]),
        (
            "precision_weighted",
            metrics.precision_weighted,
            &want["weighted"]["precision"],
        ),
        (
            "recall_weighted",
            metrics.recall_weighted,
            &want["weighted"]["recall"],
        ),
        ("f1_weighted", metrics.f1_weighted, &want["weighted"]["f1"]),
        ("mcc", metrics.mcc, &want["mcc"]),
        ("cohen_kappa", metrics.cohen_kappa, &want["cohen_kappa"]),
        (
            "information",
            metrics.normalized_mutual_information,
            &want["normalized_mutual_information"],
        ),
        ("top_2_accuracy", metrics.top_2_accuracy, &want["top_2_accuracy"]),
        ("brier", metrics.brier, &want["brier_multiclass_sum"]),
    ] {
        check(&format!("{name}: {field}"), estimate.value, want);
    }
    assert_eq!(
        serde_json::to_value(&metrics.confusion).unwrap(),
        want["confusion"],
        "{name}: confusion"
    );
}

fn check_classes(name: &str, metrics: &SplitMetrics, want: &Value) {
    for (class, got) in metrics.per_class.iter().enumerate() {
        let check = |field: &str, estimate: Estimate| {
            // scikit-learn says 0 where the crate says that there is no such number.
            let value = estimate.value.or((got.support == 0).then_some(0.0));
            check(&format!("{name}: {field} of {class}"), value, &want[field][class]);
        };
        check("precision", got.precision);
        check("recall", got.recall);
        check("f1", got.f1);
        assert_eq!(
            got.support,
            count(&want["support"][class]),
            "{name}: support of {class}"
        );
    }
}

#[test]
fn scikit_learn_agrees() {
    let fixture = main_fixture();
    assert_eq!(list(&fixture["cases"]).len(), 5);
    for case in list(&fixture["cases"]) {
        let metrics = summary_of(case);
        let (name, want) = (case["name"].as_str().unwrap(), &case["expected"]);
        check_common(case, &metrics);
        check(
            &format!("{name}: roc_auc"),
            metrics.roc_auc.value,
            &want["roc_auc_ovr_macro"],
        );
        check_classes(name, &metrics, &want["per_class"]);
    }
}

#[test]
fn calibration_ties_and_absent_classes_agree() {
    let (main, extra) = (main_fixture(), extra_fixture());
    assert_eq!(list(&extra["cases"]).len(), 14);
    for case in list(&extra["cases"]) {
        let (name, want) = (case["name"].as_str().unwrap(), &case["expected"]);
        let metrics = if case["labels"].is_array() {
            let metrics = summary_of(case);
            check_common(case, &metrics);
            check_classes(name, &metrics, want);
            metrics
        } else {
            // The rows are in the other file; this one adds what that one lacks.
            summary_of(
                list(&main["cases"])
                    .iter()
                    .find(|other| other["name"] == name)
                    .unwrap(),
            )
        };
        check(&format!("{name}: ece"), metrics.ece.value, &want["ece"]);
        assert_eq!(metrics.reliability.len(), list(&want["reliability"]).len());
        for (at, (got, want)) in metrics
            .reliability
            .iter()
            .zip(list(&want["reliability"]))
            .enumerate()
        {
            assert_eq!(got.rows, count(&want["rows"]), "{name}: rows of bin {at}");
            check(
                &format!("{name}: confidence of bin {at}"),
                got.mean_confidence,
                &want["mean_confidence"],
            );
            check(
                &format!("{name}: accuracy of bin {at}"),
                got.accuracy,
                &want["accuracy"],
            );
        }
        for (class, got) in metrics.per_class.iter().enumerate() {
            check(
                &format!("{name}: roc_auc of {class}"),
                got.roc_auc.value,
                &want["roc_auc_per_class"][class],
            );
        }
    }
}

fn coverage_fixture() -> Value {
    serde_json::from_str(include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/coverage.json"
    )))
    .unwrap()
}

/// A case of either file, by its name.
fn case_named(name: &Value) -> Value {
    let cases = [extra_fixture(), main_fixture()].map(|fixture| list(&fixture["cases"]).to_vec());
    let mut named = cases.into_iter().flatten().filter(|case| case["name"] == *name);
    named.find(|case| case["labels"].is_array()).unwrap()
}

#[test]
fn coverage_is_the_precision_recall_curve_of_being_right() {
    for curve in list(&coverage_fixture()["curves"]) {
        let metrics = summary_of(&case_named(&curve["name"]));
        let name = curve["name"].as_str().unwrap();
        // scikit-learn's thresholds rise.
        let thresholds: Vec<f64> = list(&curve["thresholds"]).iter().map(number).rev().collect();
        let place = |at: usize, field: &str| number(&curve[field][thresholds.len() - 1 - at]);
        if thresholds.len() <= COVERAGE_POINTS {
            assert_eq!(metrics.coverage.len(), thresholds.len(), "{name}");
        } else {
            assert!(metrics.coverage.len() > COVERAGE_POINTS * 9 / 10, "{name}");
            assert!(metrics.coverage.len() <= COVERAGE_POINTS, "{name}");
        }
        let mut before = 0;
        for point in &metrics.coverage {
            let at = thresholds
                .iter()
                .position(|threshold| (threshold - point.threshold).abs() <= TOLERANCE)
                .unwrap_or_else(|| panic!("{name}: nobody has confidence {}", point.threshold));
            let (hits, rows) = (point.hits as f64, point.rows as f64);
            assert!(
                (hits / rows - place(at, "precision")).abs() <= TOLERANCE,
                "{name}: {point:?}"
            );
            let recall = hits / number(&curve["hits"]);
            assert!(
                (recall - place(at, "recall")).abs() <= TOLERANCE,
                "{name}: {point:?}"
            );
            let even = metrics.rows.div_ceil(COVERAGE_POINTS as u64) + 1;
            assert!(
                thresholds.len() <= COVERAGE_POINTS || point.rows - before <= even,
                "{name}: {point:?}"
            );
            before = point.rows;
        }
        assert_eq!(before, metrics.rows, "{name}: the last point holds all rows");
    }
}

#[test]
fn wilson_intervals_agree_with_statsmodels() {
    for row in list(&extra_fixture()["wilson"]) {
        let got = wilson(count(&row[0]), count(&row[1]));
        check(&format!("low of {row}"), got.low, &row[2]);
        check(&format!("high of {row}"), got.high, &row[3]);
    }
}

#[test]
fn percentiles_agree_with_numpy() {
    let want = &extra_fixture()["percentile"];
    let mut values: Vec<f64> = list(&want["values"]).iter().map(number).collect();
    let (low, high) = percentile_interval(&mut values).unwrap();
    check("low", Some(low), &want["low"]);
    check("high", Some(high), &want["high"]);
}

/// p-values run over 300 orders of magnitude, so they are compared by ratio.
#[track_caller]
fn check_ratio(name: &str, got: f64, want: f64, tolerance: f64) {
    let close = if want == 0.0 {
        got == 0.0
    } else {
        (got / want - 1.0).abs() <= tolerance
    };
    assert!(close, "{name}: got {got:e}, expected {want:e}");
}

#[test]
fn mcnemar_agrees_with_statsmodels() {
    for row in list(&extra_fixture()["mcnemar_exact"]) {
        let got = mcnemar_from_counts(count(&row[0]), count(&row[1]));
        check_ratio(&row.to_string(), got.p_value, number(&row[2]), 1e-9);
    }
}

#[test]
fn two_proportions_agree_with_statsmodels() {
    for row in list(&extra_fixture()["two_proportion_z"]) {
        let got =
            two_proportion_z((count(&row[0]), count(&row[1])), (count(&row[2]), count(&row[3]))).unwrap();
        check(&format!("z of {row}"), Some(got.z), &row[4]);
        check_ratio(&format!("p of {row}"), got.p_value, number(&row[5]), 1e-9);
    }
}

#[test]
fn the_normal_distribution_agrees_with_scipy() {
    for row in list(&extra_fixture()["two_sided_normal"]) {
        check_ratio(
            &row.to_string(),
            two_sided_normal(number(&row[0])),
            number(&row[1]),
            1e-11,
        );
    }
}
