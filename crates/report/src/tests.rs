//! The whole stage on synthetic artifacts: what the page says, that it is well formed, and how large it gets.

mod world;

use std::collections::BTreeMap;
use std::path::Path;

use labelproof_artifact::findings::{Family, Severity, Verdict};
use labelproof_artifact::{
    Diagnostic, Fault, Findings, Silent, Split, SplitRow, StageId, StageLock, fs, write_table,
};
use labelproof_metrics::comparison::mcnemar_from_counts;
use labelproof_metrics::decisions::{OperatingPoint, Wanted};
use labelproof_metrics::{CrossValidation, Estimate, Int8Evaluation, Spread, Spreads, wilson};
use serde_json::json;

use crate::{Error, FIGURES, NUMBERS, PAGE, Params, SUMMARY, page, run};
use world::{Skill, World, clear, found, not_checked, unsound};

/// The stated limit of the page.
const MOST_BYTES: usize = 2_000_000;

const GOOD: Skill = Skill {
    margin: 4.0,
    sharpness: 1.6,
};

struct Report {
    seconds: f64,
    page: String,
    summary: String,
    numbers: serde_json::Value,
    /// By name.
    figures: BTreeMap<String, String>,
}

#[track_caller]
fn report(world: &World, params: &Params) -> Report {
    let artifacts = tempfile::tempdir().unwrap();
    world.write(artifacts.path());
    report_of(artifacts.path(), params).unwrap()
}

fn report_of(artifacts: &Path, params: &Params) -> Result<Report, Error> {
    let out = tempfile::tempdir().unwrap();
    let started = std::time::Instant::now();
    run(params, artifacts, out.path(), &Silent)?;
    let seconds = started.elapsed().as_secs_f64();
    let read = |name: &str| fs::read_to_string(&out.path().join(name)).unwrap();
    let figures = fs::files_below(&out.path().join(FIGURES)).unwrap();
    let report = Report {
        seconds,
        page: read(PAGE),
        summary: read(SUMMARY),
        numbers: serde_json::from_str(&read(NUMBERS)).unwrap(),
        figures: figures
            .iter()
            .map(|path| {
                let name = path.file_stem().unwrap().to_string_lossy().into_owned();
                (name, fs::read_to_string(path).unwrap())
            })
            .collect(),
    };
    check_form(&report.page);
    for (name, figure) in &report.figures {
        check_figure(name, figure);
    }
    Ok(report)
}

/// Keeps a page for people to look at, in the folder that `LABELPROOF_REPORT_PAGES` names.
fn keep(name: &str, report: &Report) {
    if let Some(folder) = std::env::var_os("LABELPROOF_REPORT_PAGES") {
        let folder = Path::new(&folder);
        fs::create_dir_all(folder).unwrap();
        fs::write_atomic(&folder.join(name), report.page.as_bytes()).unwrap();
        fs::write_atomic(&folder.join(name).with_extension("md"), report.summary.as_bytes()).unwrap();
        let cost = format!("{} bytes in {:.2} s\n", report.page.len(), report.seconds);
        fs::write_atomic(&folder.join(name).with_extension("cost.txt"), cost.as_bytes()).unwrap();
    }
}

/// What holds for every page, whatever is on it.
#[track_caller]
fn check_form(page: &str) {
    assert!(page.len() <= MOST_BYTES, "{} bytes", page.len());
    let (page, cells) = without_scripts(page);
    let page = page.as_str();
    serde_json::from_str::<serde_json::Value>(&cells).unwrap();
    check_balance(page);
    assert_eq!(page.matches("<table").count(), page.matches("<caption>").count());
    for loaded in [
        "http:", "https:", "@import", "<script", "<link", "<iframe", "<img",
    ] {
        assert!(!page.contains(loaded), "the page holds `{loaded}`");
    }
    let addresses = page.split("url(").skip(1);
    assert!(
        addresses
            .into_iter()
            .all(|address| address.starts_with("data:font/ttf;base64,")),
        "the page loads something"
    );
    let page = &page[page.find("</style>").unwrap()..];
    for bare in ["NaN", "inf%", ">inf<", ">inf ", "\"inf\""] {
        assert!(!page.contains(bare), "the page holds `{bare}`");
    }
    for (anchor, heading) in page::SECTIONS {
        assert!(page.contains(&format!("href=\"#{anchor}\"")), "{anchor}");
        assert!(page.contains(&format!("<section id=\"{anchor}\"")), "{anchor}");
        assert!(page.contains(&format!(">{heading}</h2>")), "{heading}");
    }
    check_anchors(page);
}

/// The page without its two scripts, which are the program's own and data, and the data.
#[track_caller]
fn without_scripts(page: &str) -> (String, String) {
    let (before, rest) = page
        .split_once("<script type=\"application/json\" id=\"cells\">")
        .unwrap();
    let (cells, rest) = rest.split_once("</script>").unwrap();
    assert!(!cells.contains(['<', '>', '&']));
    let (between, rest) = rest.split_once("<script>").unwrap();
    let (script, after) = rest.split_once("</script>").unwrap();
    assert_eq!(script, include_str!("../templates/script.js"));
    (format!("{before}{between}{after}"), cells.to_owned())
}

/// A figure is a document that needs nothing else: a size, no variables of the page, a font inside.
#[track_caller]
fn check_figure(name: &str, figure: &str) {
    check_balance(&format!("<!DOCTYPE html>{figure}"));
    let (head, rest) = figure.split_once('>').unwrap();
    for attribute in [
        " xmlns=\"http://www.w3.org/2000/svg\"",
        " width=\"",
        " height=\"",
        " viewBox=\"",
    ] {
        assert!(head.contains(attribute), "{name}: {head}");
    }
    assert!(!figure.contains("var(") && !figure.contains("&nbsp;"), "{name}");
    assert!(rest.contains("src:url(data:font/ttf;base64,"), "{name}");
    assert!(
        name.bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
        "{name}"
    );
}

/// Every element is closed, in order; attributes may hold anything but quotes.
#[track_caller]
fn check_balance(page: &str) {
    const VOID: [&str; 4] = ["meta", "br", "hr", "input"];
    let mut open: Vec<&str> = Vec::new();
    let mut rest = page.strip_prefix("<!DOCTYPE html>").expect("a document type");
    while let Some(start) = rest.find('<') {
        let tag = &rest[start + 1..];
        let end = end_of_tag(tag);
        let (inside, after) = (&tag[..end], &tag[end + 1..]);
        rest = after;
        if let Some(name) = inside.strip_prefix('/') {
            assert_eq!(
                open.pop(),
                Some(name),
                "before {}",
                &after[..after.len().min(120)]
            );
            continue;
        }
        let name = inside.split([' ', '\n', '/']).next().unwrap();
        assert!(
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric()),
            "<{inside}>"
        );
        // Without what is quoted: text may say anything.
        let attributes: String = inside.split('"').step_by(2).collect();
        assert!(
            !attributes.contains(" src=") && !attributes.contains(" on"),
            "<{inside}>"
        );
        if !inside.ends_with('/') && !VOID.contains(&name) {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "left open: {open:?}");
}

fn end_of_tag(tag: &str) -> usize {
    let mut quoted = false;
    tag.bytes()
        .position(|byte| {
            quoted ^= byte == b'"';
            byte == b'>' && !quoted
        })
        .expect("a tag ends")
}

/// Ids are unique, and whatever is pointed at exists.
#[track_caller]
fn check_anchors(page: &str) {
    let values = |attribute: &str| -> Vec<String> {
        page.split(&format!(" {attribute}=\""))
            .skip(1)
            .flat_map(|rest| {
                rest[..rest.find('"').unwrap()]
                    .split(' ')
                    .map(str::to_owned)
                    .collect::<Vec<_>>()
            })
            .collect()
    };
    let mut ids = values("id");
    ids.sort();
    assert!(ids.is_sorted_by(|one, next| one < next), "an id is used twice");
    for id in values("aria-labelledby") {
        assert!(ids.binary_search(&id).is_ok(), "{id}");
    }
    for target in values("href") {
        let id = target
            .strip_prefix('#')
            .expect("links stay on the page")
            .to_owned();
        assert!(ids.binary_search(&id).is_ok(), "{id}");
    }
}

/// The page without what only spaces it.
fn plain(page: &str) -> String {
    page.replace('\u{a0}', " ").replace("&nbsp;", " ")
}

fn percent(value: Option<f64>) -> String {
    format!("{:.1}", 100.0 * value.unwrap())
}

#[test]
fn the_numbers_are_those_of_the_metrics_file() {
    let world = World::news();
    let report = report(&world, &Params::default());
    keep("index.html", &report);
    let (page, evaluation) = (plain(&report.page), world.evaluation());
    for splits in [&evaluation.splits, &evaluation.baseline.splits] {
        for metrics in splits.values() {
            for estimate in [
                metrics.accuracy,
                metrics.f1_macro,
                metrics.balanced_accuracy,
                metrics.ece,
            ] {
                let cell = format!(
                    "{} %<small>{}–{}</small>",
                    percent(estimate.value),
                    percent(estimate.low),
                    percent(estimate.high)
                );
                assert!(page.contains(&cell), "{cell}");
            }
            for estimate in [metrics.loss, metrics.roc_auc, metrics.mcc, metrics.brier] {
                let (value, low, high) = (
                    estimate.value.unwrap(),
                    estimate.low.unwrap(),
                    estimate.high.unwrap(),
                );
                let value = if value > 0.9995 && value < 1.0 {
                    "> 0.999".to_owned()
                } else {
                    format!("{value:.3}")
                };
                let value = value.replace('>', "&#62;");
                let cell = format!("{value}<small>{low:.3}–{high:.3}</small>");
                assert!(page.contains(&cell), "{cell}");
            }
        }
    }
    let test = &evaluation.splits[&Split::Test];
    for class in &test.per_class {
        let row = format!(
            "{}</th><td class=\"number\">{}</td><td class=\"number\">{}</td><td class=\"number\">{} %",
            class.label,
            class.support,
            class.predicted,
            percent(class.precision.value)
        );
        assert!(page.contains(&row), "{row}");
    }
    let mistakes = world
        .predictions
        .iter()
        .filter(|row| row.split == Split::Test && row.predicted != row.label);
    let count = mistakes.count();
    assert!(page.contains(&format!("BERT gets {count} of 668 test rows wrong.")));
    assert_eq!(page.matches("<article").count(), count.min(30));
}

#[test]
fn what_int8_costs_stands_beside_the_figures_where_it_was_measured() {
    let world = World::news();
    let artifacts = tempfile::tempdir().unwrap();
    world.write(artifacts.path());
    let page = report_of(artifacts.path(), &Params::default()).unwrap().page;
    assert!(!page.contains("int8"));

    let mut evaluation = world.evaluation();
    let mut test = evaluation.splits[&Split::Test].clone();
    test.accuracy = wilson(601, 668);
    evaluation.int8 = Some(Int8Evaluation {
        test,
        other_labels: 12,
        comparison: mcnemar_from_counts(7, 4),
    });
    let folder = artifacts.path().join(StageId::Evaluate.name());
    evaluation.write(&folder).unwrap();
    let page = report_of(artifacts.path(), &Params::default()).unwrap().page;
    let heads = ["BERT", "BERT, int8", "Baseline"]
        .map(|name| format!("<th scope=\"col\" class=\"number\">{name}</th>"));
    assert!(page.contains(&heads.concat()), "test is the first part");
    assert!(
        page.contains("<th scope=\"colgroup\" colspan=\"3\" class=\"part\">test <small>668 rows</small>")
    );
    // 601 of 668, with Wilson's interval.
    assert!(page.contains("90.0\u{a0}%<small>87.5–92.0</small>"));
    assert!(page.contains(
        "12 of 668 test rows get another label. 7 that were right become wrong, 4 that \
        were wrong become right."
    ));
}

#[test]
fn what_folds_and_other_seeds_give_stands_in_a_table_of_its_own() {
    let world = World::news();
    let artifacts = tempfile::tempdir().unwrap();
    world.write(artifacts.path());
    let page = report_of(artifacts.path(), &Params::default()).unwrap().page;
    assert!(!page.contains("id=\"spread\""));

    let mut evaluation = world.evaluation();
    evaluation.cross_validation = Some(CrossValidation {
        rows: 1401,
        folds: Spreads {
            accuracy: Spread::of(vec![0.91, 0.94, 0.89, 0.95]),
            f1_macro: Spread::of(vec![0.9, 0.9, 0.9, 1.0]),
        },
    });
    let seeds = Spread::of(vec![0.9, 0.9, 0.93]);
    let seeds = Spreads {
        accuracy: seeds.clone(),
        f1_macro: seeds,
    };
    evaluation.repeats = Some(
        [Split::Validation, Split::Test]
            .map(|split| (split, seeds.clone()))
            .into(),
    );
    let folder = artifacts.path().join(StageId::Evaluate.name());
    evaluation.write(&folder).unwrap();
    let report = report_of(artifacts.path(), &Params::default()).unwrap();
    let page = report.page;
    // numpy.mean and numpy.std(ddof=1) of the four: 0.9225 and 0.0275.
    let accuracy = "92.3\u{a0}% ±\u{a0}2.8<small>89.0\u{a0}% to 95.0\u{a0}%</small>";
    assert!(page.contains(&format!(
        "<th scope=\"row\">4 folds of the 1,401 training rows</th><td class=\"number\">{accuracy}</td>"
    )));
    assert!(page.contains("92.5\u{a0}% ±\u{a0}5.0<small>90.0\u{a0}% to 100.0\u{a0}%</small>"));
    // numpy.std([0.9, 0.9, 0.93], ddof=1): 0.0173.
    let lines = "- 3 seeds, test: accuracy 91.0 % ± 1.7, macro F1 91.0 % ± 1.7 (mean ± standard deviation)\n\
        - 3 seeds, validation: accuracy 91.0 % ± 1.7, macro F1 91.0 % ± 1.7 (mean ± standard deviation)\n\
        - 4 folds of the 1,401 training rows: accuracy 92.3 % ± 2.8, macro F1 92.5 % ± 5.0 (mean ± standard deviation)\n";
    assert!(report.summary.contains(lines), "{}", report.summary);
}

#[test]
fn the_verdict_compares_with_the_baseline() {
    let world = World::news();
    let evaluation = world.evaluation();
    let accuracy = |metrics: &labelproof_metrics::SplitMetrics| {
        let estimate = metrics.accuracy;
        format!(
            "{} % ({}–{})",
            percent(estimate.value),
            percent(estimate.low),
            percent(estimate.high)
        )
    };
    let sentence = format!(
        "BERT classifies {} of the 668 test rows correctly; TF-IDF + logistic regression {}.",
        accuracy(&evaluation.splits[&Split::Test]),
        accuracy(&evaluation.baseline.splits[&Split::Test])
    );
    let report = report(&world, &Params::default());
    assert!(plain(&report.page).contains(&sentence), "{sentence}");
    assert!(report.summary.contains(&sentence), "{}", report.summary);
}

/// Makes one of the two right and the other wrong on so many test rows, and both right on the rest.
fn decide(world: &mut World, only_model: usize, only_baseline: usize) {
    let labels = world.labels.clone();
    let test = world
        .predictions
        .iter_mut()
        .filter(|row| row.split == Split::Test);
    for (place, row) in test.enumerate() {
        let class = labels.iter().position(|label| *label == row.label).unwrap();
        let model_wrong = place < only_baseline;
        let baseline_wrong = !model_wrong && place < only_baseline + only_model;
        let choose = |wrong: bool| (class + usize::from(wrong)) % labels.len();
        let sure_of = |chosen: usize| -> Vec<f64> {
            let rest = 0.1 / (labels.len() - 1) as f64;
            (0..labels.len())
                .map(|other| if other == chosen { 0.9 } else { rest })
                .collect()
        };
        row.predicted = labels[choose(model_wrong)].clone();
        row.probabilities = sure_of(choose(model_wrong));
        row.baseline_predicted = labels[choose(baseline_wrong)].clone();
        row.baseline_probabilities = sure_of(choose(baseline_wrong));
    }
}

#[test]
fn the_verdict_knows_real_differences_from_chance() {
    let verdict = |only_model, only_baseline| {
        let mut world = World::new(&["ham", "spam"], [40, 20, 200], GOOD);
        decide(&mut world, only_model, only_baseline);
        report(&world, &Params::default()).summary
    };
    // The exact p-values of 1 in 9, of 2 in 9 and of none, by hand: 2·10/512, 2·46/512, 1.
    let real = verdict(8, 1);
    assert!(
        real.contains("(p = 0.039: only BERT gets 8 rows right, only the baseline 1)"),
        "{real}"
    );
    assert!(real.contains("BERT earns its cost"), "{real}");
    assert!(verdict(1, 8).contains("use the cheap model"), "{}", verdict(1, 8));
    let chance = verdict(7, 2);
    assert!(
        chance.contains("is not larger than chance explains (p = 0.18:"),
        "{chance}"
    );
    assert!(verdict(0, 0).contains("Both get the very same rows right"));
}

#[test]
fn equal_artifacts_give_equal_bytes() {
    let world = World::news();
    let (one, other) = (
        report(&world, &Params::default()),
        report(&world, &Params::default()),
    );
    assert!(one.page == other.page && one.summary == other.summary);
    assert!(one.numbers == other.numbers && one.figures == other.figures);
}

#[test]
fn markup_in_the_data_is_only_text() {
    const ATTACK: &str =
        "<script>alert(1)</script> ]]> &amp; \"><img src=x onerror='alert(2)'> {{ 7*7 }} |x|";
    let mut world = World::new(&["</td><b>bold", "a&amp;b|c"], [30, 10, 60], GOOD);
    decide(&mut world, 0, 25);
    for document in &mut world.documents {
        document.text = ATTACK.to_owned();
    }
    world.ingest_rejects = vec![labelproof_artifact::Reject {
        source: ATTACK.to_owned(),
        line: Some(3),
        id: Some(ATTACK.to_owned()),
        reason: ATTACK.to_owned(),
        detail: ATTACK.to_owned(),
    }];
    let params = Params {
        title: Some(ATTACK.to_owned()),
        ..Params::default()
    };
    // That the page is well formed and loads nothing is checked for every page; here, that nothing is lost
    // either.
    let report = report(&world, &params);
    keep("hostile.html", &report);
    assert!(
        report
            .page
            .contains("&#60;script&#62;alert(1)&#60;/script&#62; ]]&#62; &#38;amp; &#34;")
    );
    assert!(report.page.contains("&#60;/td&#62;&#60;b&#62;bold"));
    assert!(!report.summary.contains('<'), "{}", report.summary);
    assert!(report.summary.contains("a&amp;amp;b\\|c"), "{}", report.summary);
}

#[test]
fn templates_never_turn_escaping_off() {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    for path in fs::files_below(&templates).unwrap() {
        let template = fs::read_to_string(&path).unwrap();
        let name = path.display();
        assert!(
            !template.contains("|safe") && !template.contains("| safe"),
            "{name}"
        );
        assert!(
            !template.contains("{% escape") && !template.contains("{% filter"),
            "{name}"
        );
    }
}

#[test]
fn a_hundred_and_fifty_labels_fit() {
    let names: Vec<_> = (0..150)
        .map(|label| format!("{label:03}{}", "&<\"'>".repeat(60)))
        .collect();
    let labels: Vec<_> = names.iter().map(String::as_str).collect();
    let mut world = World::new(&labels, [300, 150, 3000], Skill { margin: 2.0, ..GOOD });
    for document in &mut world.documents {
        document.text = "&\u{1f600}\"".repeat(5000);
    }
    let params = Params {
        worst_mistakes: 1000,
        ..Params::default()
    };
    let report = report(&world, &params);
    keep("many-labels.html", &report);
    assert!(
        report
            .page
            .contains("There are 150 labels; the matrix shows the 20")
    );
    assert_eq!(
        plain(&report.page).matches("data-heat=").count(),
        20 * 20 - zeros(&report.page)
    );
    assert!(plain(&report.page).contains("more pairs of labels not shown"));
    assert!(report.page.contains("id=\"pair-search\"") && report.page.contains("id=\"label-search\""));
    assert!(report.summary.len() < 20_000, "{}", report.summary.len());
}

/// The cells of the matrix without rows.
fn zeros(page: &str) -> usize {
    let (_, matrix) = page.split_once("<table class=\"matrix").unwrap();
    let (matrix, _) = matrix.split_once("</table>").unwrap();
    matrix.matches("<td class=\"none").count()
}

#[test]
fn every_cell_has_its_rows() {
    let world = World::news();
    let report = report(&world, &Params::default());
    let (_, cells) = without_scripts(&report.page);
    let cells: serde_json::Value = serde_json::from_str(&cells).unwrap();
    let confusion = &world.evaluation().splits[&Split::Test].confusion;
    let texts: BTreeMap<&str, &str> = world
        .documents
        .iter()
        .map(|document| (document.id.as_str(), document.text.as_str()))
        .collect();
    for (class, counts) in confusion.iter().enumerate() {
        for (predicted, &count) in counts.iter().enumerate() {
            let cell = &cells["cells"][format!("{class},{predicted}")];
            if count == 0 {
                assert!(cell.is_null());
                continue;
            }
            let rows = cell["rows"].as_array().unwrap();
            assert_eq!(cell["count"], count, "{class},{predicted}");
            assert_eq!(rows.len() as u64, count.min(12), "{class},{predicted}");
            let predictions = world.predictions.iter().filter(|row| {
                row.split == Split::Test
                    && row.label == world.labels[class]
                    && row.predicted == world.labels[predicted]
            });
            let mut expected: Vec<_> = predictions.collect();
            expected.sort_by(|one, other| other.loss.total_cmp(&one.loss));
            for (row, expected) in rows.iter().zip(expected) {
                assert_eq!(row["id"], expected.id);
                let text = row["text"].as_str().unwrap();
                assert!(!text.is_empty() && texts[expected.id.as_str()].starts_with(text));
                assert_eq!(row["probabilities"].as_array().unwrap().len(), 3);
                let first = plain(row["probabilities"][0][1].as_str().unwrap());
                let sure = expected.probabilities.iter().copied().fold(0.0, f64::max);
                assert!(
                    first.contains(&format!("{:.1}", 100.0 * sure)) || first == "> 99.9 %",
                    "{first}"
                );
            }
        }
    }
}

#[test]
fn every_figure_of_the_page_is_a_file() {
    let mut world = World::news();
    world.labels[0] = "Größe & <b>".to_owned();
    for row in &mut world.documents {
        row.label = row.label.replace("business", "Größe & <b>");
    }
    for row in &mut world.tokens {
        row.label = row.label.replace("business", "Größe & <b>");
    }
    for row in &mut world.splits {
        row.label = row.label.replace("business", "Größe & <b>");
    }
    for row in &mut world.predictions {
        row.label = row.label.replace("business", "Größe & <b>");
        row.predicted = row.predicted.replace("business", "Größe & <b>");
        row.baseline_predicted = row.baseline_predicted.replace("business", "Größe & <b>");
    }
    let report = report(&world, &Params::default());
    let names: Vec<&str> = report.figures.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "accuracy-curve",
            "confusion-matrix",
            "coverage-curve",
            "learning-rate",
            "lengths",
            "loss-curve",
            "map",
            "reliability-baseline",
            "reliability-calibrated",
            "reliability-model",
            "words-001-gr-e-b",
            "words-002-entertainment",
            "words-003-politics",
            "words-004-sport",
            "words-005-tech",
        ]
    );
    // All but the matrix, which is a table on the page.
    assert_eq!(report.page.matches("<svg").count(), names.len() - 1);
    let matrix = &report.figures["confusion-matrix"];
    for count in world.evaluation().splits[&Split::Test].confusion.iter().flatten() {
        assert!(matrix.contains(&format!(">{count}</text>")), "{count}");
    }
    if let Some(folder) = std::env::var_os("LABELPROOF_REPORT_PAGES") {
        let folder = Path::new(&folder).join(FIGURES);
        fs::create_dir_all(&folder).unwrap();
        for (name, figure) in &report.figures {
            fs::write_atomic(&folder.join(name).with_extension("svg"), figure.as_bytes()).unwrap();
        }
    }
}

#[test]
fn the_numbers_for_programs_are_those_of_the_page() {
    let world = World::news();
    let report = report(&world, &Params::default());
    let numbers = &report.numbers;
    let evaluation = world.evaluation();
    assert_eq!(numbers["format"], 1);
    assert_eq!(
        numbers["metrics"]["splits"]["test"]["accuracy"]["value"],
        json!(evaluation.splits[&Split::Test].accuracy.value)
    );
    let wrong = world
        .predictions
        .iter()
        .filter(|row| row.split == Split::Test && row.predicted != row.label)
        .count();
    assert_eq!(numbers["mistakes"]["test_rows"], wrong);
    let pairs = numbers["confused_pairs"].as_array().unwrap();
    let rows: u64 = pairs.iter().map(|pair| pair["rows"].as_u64().unwrap()).sum();
    assert_eq!(rows, wrong as u64);
    assert_eq!(numbers["audit"]["verdict"], "caution");
    assert_eq!(numbers["audit"]["found"].as_array().unwrap().len(), 2);
    assert_eq!(numbers["doubtful_labels"].as_array().unwrap().len(), 20);
    assert_eq!(numbers["training"].as_array().unwrap().len(), world.history.len());
    assert_eq!(numbers["data"]["labels"]["tech"]["rows"]["train"], 280);
}

#[test]
fn words_that_moved_a_decision_are_marked_and_named() {
    let world = World::news();
    let page = plain(&report(&world, &Params::default()).page);
    let explained = &world.attributions[0];
    let (_, article) = page.split_once("<article").unwrap();
    let (article, _) = article.split_once("</article>").unwrap();
    // A word counts as often as it stands there, whatever mark follows it.
    let mut sums: BTreeMap<String, f32> = BTreeMap::new();
    for (piece, weight) in explained.pieces.iter().zip(&explained.weights) {
        let word = piece
            .trim()
            .trim_matches(|character: char| !character.is_alphanumeric());
        *sums.entry(word.to_owned()).or_default() += weight;
    }
    let (word, sum) = sums.iter().max_by(|one, other| one.1.total_cmp(other.1)).unwrap();
    assert!(
        article.contains(&format!("{word} ({sum:+.2})")),
        "{word} {sum}: {article}"
    );
    assert!(article.contains("<mark class=\"toward strong\">"), "{article}");
    assert!(article.contains("<mark class=\"against\">"), "{article}");
    assert!(!article.contains(" </mark>"), "{article}");
    assert!(
        article.contains(&format!(
            "{:+.2} with these words, +0.00 without any",
            explained.margin
        )),
        "{article}"
    );
    // Words of little weight are left alone.
    assert!(!article.contains("(+0.01)"));
    assert_eq!(page.matches("The decision stands at").count(), 5);
}

#[test]
fn the_map_rings_the_mistakes() {
    let world = World::news();
    let report = report(&world, &Params::default());
    let wrong = world
        .predictions
        .iter()
        .filter(|row| row.split == Split::Test && row.predicted != row.label)
        .count();
    let map = &report.figures["map"];
    assert_eq!(map.matches("class=\"ring\"").count(), wrong);
    let (_, drawn) = map.split_once("</style>").unwrap();
    assert_eq!(drawn.matches("h0").count(), 668);
    assert!(plain(&report.page).contains(&format!("668 test texts, {wrong} of them ringed")));
}

#[test]
fn thresholds_are_chosen_on_validation_and_tried_on_test() {
    let world = World::news();
    let report = report(&world, &Params::default());
    let page = plain(&report.page);
    let decisions = world.evaluation().decisions;
    let kept = |point: &OperatingPoint| {
        let (coverage, precision) = (point.test.coverage, point.test.precision);
        let percents = |estimate: Estimate| {
            let [value, low, high] =
                [estimate.value, estimate.low, estimate.high].map(|end| 100.0 * end.unwrap());
            format!("<td class=\"number\">{value:.1} %<small>{low:.1}–{high:.1}</small></td>")
        };
        format!(
            "<td class=\"number\">{:.4}</td><td class=\"number\">{} ({:.1} %)</td>{}{}",
            point.threshold.unwrap(),
            point.validation.kept,
            100.0 * point.validation.kept as f64 / point.validation.rows as f64,
            percents(coverage),
            percents(precision),
        )
    };
    let point = |wanted, label: Option<&str>| {
        let mut points = decisions.thresholds.iter();
        points
            .find(|point| point.wanted == wanted && point.label.as_deref() == label)
            .unwrap()
    };
    for (wanted, name) in [
        (Wanted::Precision(0.9), "precision 90.0 %"),
        (Wanted::Coverage(0.8), "coverage 80.0 %"),
    ] {
        let row = format!("<th scope=\"row\">{name}</th>{}", kept(point(wanted, None)));
        assert!(page.contains(&row), "{row}");
    }
    let row = format!(
        "<td>coverage 80.0 %</td><th scope=\"row\" dir=\"auto\">sport</th>{}",
        kept(point(Wanted::Coverage(0.8), Some("sport")))
    );
    assert!(page.contains(&row), "{row}");
    assert_eq!(
        point(Wanted::Precision(0.99), None).threshold,
        None,
        "156 rows cannot show it"
    );
    let row = "<th scope=\"row\">precision 99.0 %</th><td class=\"number\">not reached</td>";
    assert!(page.contains(row), "{row}");
    let highest = point(Wanted::Coverage(0.8), None).validation;
    assert!(
        decisions.highest_precision >= highest.precision.low.unwrap() && decisions.highest_precision < 0.99
    );
    let told = format!(
        "show of any threshold is {:.1} %.",
        100.0 * decisions.highest_precision
    );
    assert!(page.contains(&told), "{told}");
    assert_eq!(report.numbers["metrics"]["decisions"], json!(decisions));
}

#[test]
fn sets_and_calibrated_probabilities_are_measured_on_test() {
    let world = World::news();
    let page = plain(&report(&world, &Params::default()).page);
    let decisions = world.evaluation().decisions;
    for (figures, name) in decisions.conformal.iter().zip(["all rows", "each label"]) {
        let covered = wilson(figures.covered.covered, 668);
        let [value, low, high] = [covered.value, covered.low, covered.high].map(|end| 100.0 * end.unwrap());
        let row = format!(
            "90.0 %</th><td>{name}</td><td class=\"number\">{value:.1} \
             %<small>{low:.1}–{high:.1}</small></td>"
        );
        assert!(page.contains(&row), "{row}");
        let several = format!("{:.1} %", 100.0 * figures.sizes.several as f64 / 668.0);
        assert!(page.contains(&several), "{several}");
    }
    let calibration = decisions.calibration;
    let told = format!(
        "divided by a temperature of 1.500, fitted on the validation rows, which changes no label: the loss \
         on test is {:.3} (",
        calibration.loss.value.unwrap()
    );
    assert!(page.contains(&told), "{told}");
}

#[test]
fn languages_are_told_of_a_sample() {
    let page = plain(&report(&World::news(), &Params::default()).page);
    assert!(page.contains("Of 2,225 texts, "), "sampled");
    assert!(page.contains("% English by their letters"), "told");
}

#[test]
fn twenty_labels_and_fifty_thousand_predictions_fit() {
    let report = twenty_labels([5_000, 5_000, 40_000]);
    keep("twenty-labels.html", &report);
    assert_eq!(report.page.matches("<article").count(), 30);
    assert!(report.page.contains("matrix share-true upright"));
}

/// The same with so many rows as `LABELPROOF_REPORT_ROWS` says, which takes minutes and gigabytes to make up.
/// What the report of them takes stands beside the kept page.
#[test]
fn any_number_of_predictions_fits() {
    let rows = std::env::var("LABELPROOF_REPORT_ROWS").map_or(2_000, |rows| rows.parse().unwrap());
    let report = twenty_labels([rows / 10, rows / 10, rows - 2 * (rows / 10)]);
    keep("any-number.html", &report);
    assert!(plain(&report.page).contains("rows not shown") || plain(&report.page).contains("not shown."));
}

fn twenty_labels(parts: [usize; 3]) -> Report {
    let names: Vec<_> = (0..20).map(|label| format!("division {label}000000")).collect();
    let labels: Vec<_> = names.iter().map(String::as_str).collect();
    let mut world = World::new(&labels, parts, Skill { margin: 2.5, ..GOOD });
    world.resamples = 2;
    world.draw_map();
    report(&world, &Params::default())
}

#[test]
fn worst_mistakes_are_the_worst() {
    let world = World::new(&["ham", "spam"], [10, 10, 3_000], Skill { margin: 1.0, ..GOOD });
    let mut wrong: Vec<_> = world
        .predictions
        .iter()
        .filter(|row| row.split == Split::Test && row.predicted != row.label)
        .collect();
    wrong.sort_by(|one, other| other.loss.total_cmp(&one.loss));
    let params = Params {
        worst_mistakes: 3,
        ..Params::default()
    };
    let page = report(&world, &params).page;
    let shown: Vec<_> = page
        .split("<p class=\"id\"><code dir=\"auto\">")
        .skip(1)
        .map(|rest| &rest[..rest.find('<').unwrap()])
        .collect();
    assert_eq!(
        shown,
        wrong[..3].iter().map(|row| row.id.as_str()).collect::<Vec<_>>()
    );
    let none = Params {
        worst_mistakes: 0,
        ..Params::default()
    };
    assert!(!report(&world, &none).page.contains("<article"));
}

#[test]
fn two_labels_without_validation_rows() {
    let report = report(
        &World::new(&["ham", "spam"], [60, 0, 40], GOOD),
        &Params::default(),
    );
    assert!(
        report
            .page
            .contains("<th scope=\"colgroup\" colspan=\"2\" class=\"part\">test")
    );
    assert!(!report.page.contains("class=\"part\">validation"));
}

#[test]
fn no_test_rows_at_all() {
    let report = report(
        &World::new(&["ham", "spam"], [60, 10, 0], GOOD),
        &Params::default(),
    );
    assert!(report.page.contains("There are no test rows to judge by"));
}

#[test]
fn undefined_metrics_are_dashes_and_named() {
    // Twelve test rows of twenty labels: eight labels have no recall, no F1 and no area.
    let names: Vec<_> = (0..20).map(|label| format!("label {label}")).collect();
    let labels: Vec<_> = names.iter().map(String::as_str).collect();
    let mut world = World::new(&labels, [100, 20, 12], Skill { margin: 9.0, ..GOOD });
    world.history[0].validation_loss = f64::NAN;
    world.history[0].validation_accuracy = f64::INFINITY;
    let report = report(&world, &Params::default());
    assert!(report.page.contains("8\u{a0}labels without test rows"));
    assert!(report.page.contains("<td class=\"number\">–</td>"));
}

#[test]
fn a_label_that_is_never_predicted_is_a_warning() {
    let mut world = World::new(&["one", "two", "three"], [90, 30, 90], GOOD);
    for row in &mut world.predictions {
        row.probabilities[0] += row.probabilities[2];
        row.probabilities[2] = 0.0;
        let chosen = if row.probabilities[1] > row.probabilities[0] {
            "two"
        } else {
            "one"
        };
        row.predicted = chosen.to_owned();
    }
    let summary = report(&world, &Params::default()).summary;
    assert!(summary.contains("Warning: 1 label never predicted"), "{summary}");
}

#[test]
fn rows_learnt_by_heart_are_a_warning() {
    let mut world = World::new(&["one", "two", "three"], [300, 300, 300], GOOD);
    for row in world
        .predictions
        .iter_mut()
        .filter(|row| row.split == Split::Test)
    {
        row.probabilities.rotate_left(1);
        row.predicted = match row.predicted.as_str() {
            "one" => "three",
            "two" => "one",
            _ => "two",
        }
        .to_owned();
    }
    let summary = report(&world, &Params::default()).summary;
    assert!(summary.contains("Warning: Train lies"), "{summary}");
}

#[test]
fn duplicates_are_counted() {
    let mut world = World::new(&["one", "two"], [60, 20, 40], GOOD);
    world.tokens[100].duplicate_group = world.tokens[3].id.clone();
    world.tokens[7].duplicate_group = world.tokens[5].id.clone();
    let report = report(&world, &Params::default());
    let sentence = "2 groups of exact or near duplicates hold 4 rows (3.3 % of all), the largest 2 rows; \
                    1 holds more than one label, and 1 lies in train and in validation or test at once.";
    assert!(plain(&report.page).contains(sentence), "{}", plain(&report.page));
}

/// All of these, in this order.
#[track_caller]
fn in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let Some(place) = rest.find(part) else {
            panic!("`{part}` is missing, or comes too early, in: {text}");
        };
        rest = &rest[place + part.len()..];
    }
}

#[test]
fn the_verdict_of_the_audit_comes_first() {
    let mut world = World::news();
    world.findings = unsound();
    let report = report(&world, &Params::default());
    keep("unsound.html", &report);
    let page = plain(&report.page);
    in_order(
        &page,
        &[
            "<section id=\"verdict\"",
            "card bad",
            ">Unsound.<",
            "Do not rely on these figures: the predictions are shifted against the labels (C12).",
            "3 causes found, 2 looked for and not there, 2 not checked",
            "BERT classifies",
            "<section id=\"audit\"",
            "Validation accuracy is 97.4 % of 156 rows, test accuracy 38.5 % of 668 rows: 59.0 points apart \
             (p &#60; 0.001).",
            "From validation to test: each bar begins where the one above it ends",
            "<section id=\"numbers\"",
        ],
    );
    in_order(
        &plain(&report.figures["gap"]),
        &[
            "Validation accuracy</text>",
            "97.4 %</text>",
            "The predictions are shifted against the labels (C12)</text>",
            "−59.2 points</text>",
            "The rest, within chance</text>",
            "+0.3 points</text>",
            "Test accuracy</text>",
            "38.5 %</text>",
        ],
    );
    assert!(
        !page.contains("card good"),
        "a good figure that means nothing is no good news"
    );
    in_order(
        &report.summary,
        &[
            "**Unsound.** Do not rely on these figures: the predictions are shifted against the labels \
             (C12).\n",
            "1. **The predictions are shifted against the labels** (C12, unsound, certain, explains 59.2 \
             points of accuracy). From row 101 on,",
            "What to do: Join predictions and labels by their id.",
            "How to make sure: Shift the column by one row, and compute the accuracy again. \
             More: labelproof explain C12\n",
            "2. **The same texts in two splits** (C40, caution, likely, explains 0.2 points of accuracy). \
             12 of 668",
            "3. **Wrong labels** (C50, note, likely). Between",
            "59.0 points apart",
            "What can do this: pairing of rows and labels; weights",
            "What cannot: losses and metrics; labels",
            "BERT classifies",
        ],
    );
}

#[test]
fn a_good_figure_that_was_not_examined_is_no_good_news() {
    let mut world = World::news();
    world.findings.verdict = Verdict::NotExamined;
    "Nothing speaks against these figures, and too little was given to say that they are right."
        .clone_into(&mut world.findings.headline);
    let report = report(&world, &Params::default());
    let page = plain(&report.page);
    in_order(&page, &["card even", ">Not examined.<", "Nothing speaks against"]);
    assert!(!page.contains("card good"));
    assert!(
        report.summary.contains("**Not examined.** Nothing speaks"),
        "{}",
        report.summary
    );
}

#[test]
fn causes_are_ranked_with_what_to_do_and_their_evidence() {
    let mut world = World::news();
    world.findings = unsound();
    let page = plain(&report(&world, &Params::default()).page);
    in_order(
        &page,
        &[
            "<li class=\"unsound\">",
            "1.</span><span dir=\"auto\">The predictions are shifted against the labels</span>",
            "C12, pairing of rows and labels; certain, explains 59.2 points of accuracy",
            "From row 101 on, every test prediction",
            "<dt>What to do</dt><dd dir=\"auto\">Join predictions and labels by their id.</dd>",
            "<dt>How to make sure</dt><dd dir=\"auto\">Shift the column by one row",
            "<dt>More</dt><dd><code>labelproof explain C12</code></dd>",
            "<details>",
            "<li class=\"caution\">",
            "2.</span><span dir=\"auto\">The same texts in two splits</span>",
            "<details>",
            "<dt dir=\"auto\">Share of test rows with a copy in training</dt><dd><span \
             dir=\"auto\">0.01796</span></dd>",
            "p = 0.0042, corrected for the number of checks",
            "<dt dir=\"auto\">Accuracy without them</dt><dd><span dir=\"auto\">0.9771</span></dd>",
            "sport/019.txt and 5 more",
            "<li class=\"note\">",
            "3.</span><span dir=\"auto\">Wrong labels</span>",
            "row: tech/019.txt",
            "</ul> and 10 more</dd>",
        ],
    );
    assert!(!page.contains("sport/019.txt, sport/020.txt") && !page.contains("row: tech/020.txt"));
}

#[test]
fn what_was_not_found_and_not_checked_is_folded_away() {
    let page = plain(&report(&World::news(), &Params::default()).page);
    in_order(
        &page,
        &[
            "<section id=\"verdict\"",
            ">Caution.<",
            "no more apart than chance explains (p = 0.77)",
            "<details class=\"looked-for\">",
            "2 looked for and not there, 2 not checked</summary>",
            "<td>C10</td><th scope=\"row\" dir=\"auto\">The labels of one split are permuted</th>\
             <td dir=\"auto\">No renaming of the classes makes the test accuracy better.</td>",
            "Not checked, and what would allow it",
            "<td>C42</td><th scope=\"row\" dir=\"auto\">Rows of one author in two splits</th>\
             <td dir=\"auto\">A column of the author, thread or source; or more rows.</td>",
            "</details>",
        ],
    );
    assert!(
        !page.contains("Kind of cause"),
        "without a gap there is nothing to explain"
    );
}

#[test]
fn families_are_ruled_in_and_out_where_there_is_a_gap() {
    let mut world = World::news();
    world.findings = unsound();
    in_order(
        &report(&world, &Params::default()).page,
        &[
            "Losses and metrics</th><td>no</td><td>It hits validation and test alike.</td>",
            "Pairing of rows and labels</th><td>yes</td>",
            "Labels and classes</th><td>no</td>",
        ],
    );
}

#[test]
fn a_sound_run_says_so() {
    let report = report(
        &World::new(&["one", "two"], [60, 20, 40], GOOD),
        &Params::default(),
    );
    in_order(
        &report.page,
        &[
            "card good",
            ">Sound.<",
            "Nothing was found that speaks against these figures",
            "No cause was found that speaks against the figures.",
        ],
    );
    assert!(
        report.summary.contains("**Sound.** Nothing was found"),
        "{}",
        report.summary
    );
}

#[test]
fn what_the_audit_found_is_not_said_twice() {
    let mut world = World::news();
    for (place, epoch) in world.history.iter_mut().enumerate() {
        epoch.best = place == 7;
    }
    let said = "More epochs may help";
    assert!(report(&world, &Params::default()).page.contains(said));
    let words = [
        "C56",
        "training that stopped too early",
        "It fell.",
        "Train longer.",
        "Train.",
    ];
    world
        .findings
        .findings
        .insert(2, found(3, Severity::Note, words, json!({})));
    assert!(!report(&world, &Params::default()).page.contains(said));
}

#[test]
fn markup_in_the_findings_is_only_text() {
    const ATTACK: &str = "<script>alert(1)</script> \"><img src=x onerror='alert(2)'> *bold*";
    let mut world = World::new(&["one", "two"], [60, 20, 40], GOOD);
    let evidence =
        json!({ATTACK: ATTACK, "rows": [ATTACK], "pairs": [{ATTACK: ATTACK}], "nested": {ATTACK: [ATTACK]}});
    world.findings = Findings {
        verdict: Verdict::Caution,
        headline: ATTACK.to_owned(),
        findings: vec![
            found(1, Severity::Caution, [ATTACK; 5], evidence),
            clear(ATTACK, ATTACK, Family::Input, ATTACK),
            not_checked(ATTACK, ATTACK, Family::Input, &[ATTACK]),
        ],
        ..unsound()
    };
    for family in &mut world.findings.families {
        ATTACK.clone_into(&mut family.reason);
    }
    // That the page is well formed and loads nothing is checked for every page.
    let report = report(&world, &Params::default());
    keep("hostile-findings.html", &report);
    let shown = report
        .page
        .matches("&#60;script&#62;alert(1)&#60;/script&#62;")
        .count();
    // The headline; number (also in the command that explains it), name, summary and two steps of what was
    // found; its evidence; three texts each of the others; the reasons of the families.
    assert_eq!(shown, 1 + 6 + 7 + 3 + 3 + 7, "{}", report.page);
    assert!(!report.summary.contains('<'), "{}", report.summary);
    assert!(!report.summary.contains(" *bold*"), "{}", report.summary);
}

#[test]
fn evidence_of_any_size_fits() {
    let long = "&<\"'>".repeat(400);
    let mut world = World::new(&["one", "two"], [60, 20, 40], GOOD);
    let rows = vec![vec![&long[..130]; 21]; 21];
    let evidence = json!({"first": rows, "second": rows, "third": rows, "fourth": rows, "fifth": rows});
    let cause = |rank| found(rank, Severity::Note, [long.as_str(); 5], evidence.clone());
    world.findings.findings = (1..=50).map(cause).collect();
    let report = report(&world, &Params::default());
    assert!(
        report
            .page
            .contains("more pieces not shown; all are in <code>audit/audit.json</code>"),
        "everything is shown"
    );
}

#[test]
fn every_stage_says_how_it_ran() {
    let artifacts = tempfile::tempdir().unwrap();
    World::new(&["one", "two"], [60, 20, 40], GOOD).write(artifacts.path());
    let page = report_of(artifacts.path(), &Params::default()).unwrap().page;
    let stages = StageId::ALL.map(|stage| format!("<b>{stage}</b> <span>revision"));
    in_order(&page, &stages.each_ref().map(String::as_str));
    fs::remove(&artifacts.path().join("split").join(StageLock::FILE)).unwrap();
    let page = report_of(artifacts.path(), &Params::default()).unwrap().page;
    assert!(page.contains("<b>split</b> <span>it is not known how it ran"));
}

#[track_caller]
fn refused(artifacts: &Path, expected: &str) -> Error {
    let error = report_of(artifacts, &Params::default())
        .err()
        .expect("the artifacts are refused");
    assert!(error.to_string().contains(expected), "{error}");
    assert_eq!(error.fault(), Fault::Artifact);
    error
}

#[test]
fn contradicting_files_are_refused_with_what_to_run() {
    let artifacts = tempfile::tempdir().unwrap();
    let world = World::new(&["one", "two"], [60, 20, 40], GOOD);
    world.write(artifacts.path());
    write_table(
        &artifacts.path().join("evaluate"),
        world.predictions[1..].iter().cloned(),
    )
    .unwrap();
    let error = refused(artifacts.path(), "59 train rows in the one, 60 in the other");
    assert_eq!(error.hints(), ["make them anew: labelproof run evaluate --force"]);

    world.write(artifacts.path());
    let mut rows: Vec<SplitRow> = world.splits.clone();
    rows.swap(0, 1);
    write_table(&artifacts.path().join("split"), rows).unwrap();
    refused(artifacts.path(), "meets row");

    world.write(artifacts.path());
    write_table(
        &artifacts.path().join("ingest"),
        world.documents[..100].iter().cloned(),
    )
    .unwrap();
    // Only the texts of mistakes are looked up, so that not every missing document is noticed.
    if world.predictions[100..]
        .iter()
        .any(|row| row.predicted != row.label)
    {
        refused(artifacts.path(), "is no document");
    }

    world.write(artifacts.path());
    labelproof_artifact::LabelMap::new(vec!["two".to_owned(), "one".to_owned()])
        .write(&artifacts.path().join("ingest"))
        .unwrap();
    refused(artifacts.path(), "in another order");
}

#[test]
fn a_missing_table_is_named_with_its_stage() {
    let artifacts = tempfile::tempdir().unwrap();
    World::new(&["one", "two"], [60, 20, 40], GOOD).write(artifacts.path());
    fs::remove(&artifacts.path().join("preprocess/rejects.parquet")).unwrap();
    let error = refused(artifacts.path(), "rejects.parquet");
    assert_eq!(
        error.hints(),
        [format!("make it: labelproof run {}", StageId::Preprocess)]
    );

    World::new(&["one", "two"], [60, 20, 40], GOOD).write(artifacts.path());
    fs::remove(&artifacts.path().join("audit/audit.json")).unwrap();
    let error = refused(artifacts.path(), "audit.json");
    assert_eq!(
        error.hints(),
        [format!("make it: labelproof run {}", StageId::Audit)]
    );
}
