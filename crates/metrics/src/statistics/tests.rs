//! The statistics against what SciPy computes: `tests/fixtures/statistics.json`, made by the script
//! beside it.

use labelproof_testkit::assert_close;
use serde_json::Value;

use super::{
    binomial_survival, chi_squared_independence, chi_squared_survival, fisher_exact, kolmogorov_smirnov,
    kolmogorov_survival, ln_gamma, maximum_assignment,
};

fn fixture(key: &str) -> Vec<Value> {
    let text = include_str!(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../tests/fixtures/statistics.json"
    ));
    let all: Value = serde_json::from_str(text).unwrap();
    all[key].as_array().unwrap().clone()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn count(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(number).collect()
}

fn matrix(value: &Value) -> Vec<Vec<u64>> {
    let rows = value.as_array().unwrap();
    rows.iter()
        .map(|row| row.as_array().unwrap().iter().map(count).collect())
        .collect()
}

/// Relative to the expected value, so that small p-values are compared as well.
#[track_caller]
fn assert_relatively_close(found: f64, expected: f64, tolerance: f64) {
    assert_close(found, expected, tolerance * expected.abs() + 1e-300);
}

#[test]
fn distributions_are_those_of_scipy() {
    for case in fixture("ln_gamma") {
        let (x, expected) = (number(&case[0]), number(&case[1]));
        assert!(
            (ln_gamma(x) - expected).abs() <= 1e-13 * expected.abs().max(1.0),
            "ln gamma of {x}"
        );
    }
    for case in fixture("chi_squared_survival") {
        assert_relatively_close(
            chi_squared_survival(number(&case[0]), number(&case[1])),
            number(&case[2]),
            1e-9,
        );
    }
    for case in fixture("kolmogorov_survival") {
        assert_relatively_close(kolmogorov_survival(number(&case[0])), number(&case[1]), 1e-9);
    }
    for case in fixture("binomial_survival") {
        let (k, n, p) = (count(&case[0]), count(&case[1]), number(&case[2]));
        assert_relatively_close(binomial_survival(k, n, p), number(&case[3]), 1e-7);
    }
}

#[test]
fn tests_are_those_of_scipy() {
    for case in fixture("independence") {
        let test = chi_squared_independence(&matrix(&case["table"])).unwrap();
        assert_relatively_close(test.statistic, number(&case["statistic"]), 1e-10);
        assert_relatively_close(test.degrees, number(&case["degrees"]), 0.0);
        assert_relatively_close(test.p_value, number(&case["p_value"]), 1e-8);
    }
    for case in fixture("kolmogorov_smirnov") {
        let test = kolmogorov_smirnov(&numbers(&case["first"]), &numbers(&case["second"])).unwrap();
        assert_relatively_close(test.statistic, number(&case["statistic"]), 1e-10);
    }
    for case in fixture("fisher_exact") {
        let pair = |at: usize| (count(&case[at]), count(&case[at + 1]));
        assert_relatively_close(fisher_exact(pair(0), pair(2)).unwrap(), number(&case[4]), 1e-8);
    }
}

#[test]
fn assignments_collect_as_much_as_scipys() {
    for case in fixture("assignments") {
        let weights = matrix(&case["weights"]);
        let assignment = maximum_assignment(&weights);
        let mut columns = assignment.clone();
        columns.sort_unstable();
        assert_eq!(
            columns,
            (0..weights.len()).collect::<Vec<_>>(),
            "each column once"
        );
        let total: u64 = assignment
            .iter()
            .enumerate()
            .map(|(row, &column)| weights[row][column])
            .sum();
        assert_eq!(total, count(&case["total"]));
    }
}

#[test]
fn what_does_not_exist_is_none() {
    assert!(chi_squared_independence(&[vec![3, 4], vec![0, 0]]).is_none());
    assert!(kolmogorov_smirnov(&[], &[1.0]).is_none());
    assert!(fisher_exact((3, 2), (1, 5)).is_none());
}
