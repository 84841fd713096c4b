//! What C40, C41 and C45 share: rows of one split that have a copy in another, and what they do to the
//! accuracy.

use labelproof_artifact::Split;
use labelproof_artifact::wording::plural;
use labelproof_metrics::comparison::two_proportion_z;

use crate::answer::effect::{self, Effect, Figure};
use crate::answer::finding::{Answer, Confidence, Diagnosis, Measured, Severity};
use crate::answer::wording::{NAMED_ROWS, count, percent, rounded, row_names, split_name};
use crate::case::Case;
use crate::cause::Cause;
use crate::evidence::{Missing, Need};
use crate::measures::overlap::{Likeness, Overlap};

/// From this share of test rows on, the training file holds the test file.
const WHOLE: f64 = 0.9;
/// Fewer test rows than this are no file that could be inside another.
const LEAST_ROWS: usize = 20;
/// Above this share of rows with a copy, the figures carry a reservation; above the second they say something
/// else.
const MANY: f64 = 0.02;
const MOST: f64 = 0.1;
/// From this share of rows on, the figure is about them, whatever the others say.
const HALF: f64 = 0.5;
/// One or two rows are no reservation, however small the file.
const SEVERAL: usize = 3;
/// A change of the accuracy of less than one point changes nobody's mind.
const MATERIAL: f64 = 0.01;

/// The pairs of splits that are compared, the worst first: the first is judged, the second may give it away.
const PAIRS: [(Split, Split, &str); 3] = [
    (Split::Test, Split::Train, "test_in_train_rows"),
    (Split::Test, Split::Validation, "test_in_validation_rows"),
    (Split::Validation, Split::Train, "validation_in_train_rows"),
];

/// Whether the training texts hold nearly all test texts.
pub(crate) fn contains_test(overlap: &Overlap) -> bool {
    let rows = overlap.rows(Split::Test);
    let shared = overlap.shared(Split::Test, Split::Train, Likeness::Exact).len();
    rows >= LEAST_ROWS && shared as f64 >= WHOLE * rows as f64
}

/// The accuracy of a split with and without some of its rows, and whether these are predicted differently.
struct Comparison {
    with: f64,
    without: f64,
    p_value: f64,
    effect: Option<Effect>,
}

fn comparison(case: &Case<'_>, split: Split, rows: &[usize]) -> Option<Comparison> {
    let predicted = case.predicted(split).ok()?;
    let mut copied = vec![false; predicted.truth.len()];
    for &row in rows {
        *copied.get_mut(row)? = true;
    }
    let (mut copies, mut others) = ((0, 0), (0, 0));
    for (hit, copied) in predicted.hits().zip(&copied) {
        let cell: &mut (u64, u64) = if *copied { &mut copies } else { &mut others };
        cell.0 += u64::from(hit);
        cell.1 += 1;
    }
    let test = two_proportion_z(copies, others)?;
    let share = copies.1 as f64 / predicted.rows() as f64;
    Some(Comparison {
        effect: effect::of_part(Figure::Accuracy(split), share, copies, others),
        with: predicted.accuracy(),
        without: others.0 as f64 / others.1 as f64,
        p_value: test.p_value,
    })
}

/// Rows of one split with a copy in another, and how bad that is.
struct Shared {
    severity: Severity,
    of: Split,
    with: Split,
    rows: Vec<usize>,
    comparison: Option<Comparison>,
}

/// How bad it is that so many rows have a copy: by what they do to the accuracy where that is known, and by
/// their share where it is not, or where they are most of the rows.
fn severity(changes: bool, effect: Option<&Effect>, share: f64, rows: usize) -> Severity {
    let several = rows >= SEVERAL;
    let harmless = effect.is_some_and(|effect| {
        let (low, high) = effect.interval.unwrap_or((effect.points, effect.points));
        low <= 0.0 && high >= 0.0 || high < 100.0 * MATERIAL
    });
    if changes || share >= HALF && several {
        return Severity::Unsound;
    }
    match harmless {
        true if share < MOST => Severity::Note,
        false if share >= MOST && several => Severity::Unsound,
        _ if share > MANY && several => Severity::Caution,
        _ => Severity::Note,
    }
}

/// The answer for a way to find rows of one split with a copy in another.
pub(crate) fn answer(
    case: &Case<'_>,
    overlap: &Overlap,
    likeness: &str,
    shared: &dyn Fn(Split, Split) -> Vec<usize>,
) -> Result<Answer, Missing> {
    let mut measured = Measured::new();
    let mut compared = Vec::new();
    let mut worst: Option<Shared> = None;
    // Test rows that are validation rows by their ids are C8's.
    let same_rows = case.finds(Cause::ChosenOnTest);
    for (of, with, key) in PAIRS {
        if of == Split::Test && with == Split::Validation && same_rows {
            continue;
        }
        let rows_compared = overlap.rows(of);
        if rows_compared == 0 || overlap.rows(with) == 0 {
            continue;
        }
        let rows = shared(of, with);
        measured = measured.with(key, rows.len());
        compared.push(format!("{} with {}", split_name(of), split_name(with)));
        if rows.is_empty() {
            continue;
        }
        let share = rows.len() as f64 / rows_compared as f64;
        let comparison = comparison(case, of, &rows);
        let changes = comparison
            .as_ref()
            .is_some_and(|found| case.significant(found.p_value) && found.with - found.without >= MATERIAL);
        let effect = comparison.as_ref().and_then(|found| found.effect.as_ref());
        let severity = severity(changes, effect, share, rows.len());
        if worst.as_ref().is_none_or(|known| severity > known.severity) {
            worst = Some(Shared {
                severity,
                of,
                with,
                rows,
                comparison,
            });
        }
    }
    if compared.is_empty() {
        return Err(missing(case));
    }
    let Some(Shared {
        severity,
        of,
        with,
        rows,
        comparison,
    }) = worst
    else {
        return Ok(Answer::clear(
            format!(
                "no row has {likeness} a row of another split (compared: {})",
                compared.join(", ")
            ),
            measured,
        ));
    };
    let part = case.evidence.part(of).ok_or_else(|| missing(case))?;
    let share = rows.len() as f64 / part.rows.max(1) as f64;
    let mut summary = format!(
        "{} of {} {} rows ({}) {} {likeness} a row of the {} file, so the model may know the answer by \
         heart.",
        rows.len(),
        part.rows,
        split_name(of),
        percent(share),
        plural(rows.len(), "has", "have"),
        split_name(with),
    );
    measured = measured
        .statistic("share of rows with a copy", rounded(share))
        .with("split", split_name(of))
        .with("rows", row_names(part, &rows));
    if let Some(found) = &comparison {
        summary.push_str(&format!(
            " The accuracy is {} with these rows and {} without them.",
            percent(found.with),
            percent(found.without),
        ));
        measured = measured
            .with("accuracy_with", rounded(found.with))
            .with("accuracy_without", rounded(found.without))
            .p_value(found.p_value);
    }
    Ok(Diagnosis {
        severity,
        confidence: Confidence::Certain,
        summary,
        effect: comparison.and_then(|found| found.effect),
        fix: String::from(
            "Split again so that copies of a text stay in one split (Labelproof's `split` does), train \
             again, and report the accuracy on the new test rows.",
        ),
        confirm: format!(
            "Open the {} listed under `rows` and search the {} file for their texts; then compute the \
             accuracy without these rows.",
            count(rows.len().min(NAMED_ROWS), "row"),
            split_name(with),
        ),
        measured,
    }
    .into())
}

/// The texts that are missing for any comparison of two splits.
pub(crate) fn missing(case: &Case<'_>) -> Missing {
    let needs = [(Split::Train, Need::TrainTexts), (Split::Test, Need::TestTexts)];
    let needs: Vec<Need> = needs
        .into_iter()
        .filter(|(split, _)| case.evidence.texts(*split).is_err())
        .map(|(_, need)| need)
        .collect();
    if needs.is_empty() {
        Need::MoreRows.into()
    } else {
        Missing(needs)
    }
}
