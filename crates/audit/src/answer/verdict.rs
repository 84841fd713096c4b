//! Runs every check, ranks what was found, and gives the verdict.

use std::cmp::Ordering;

use labelproof_artifact::findings::{
    Confidence, Finding, Findings, Gap, Severity, Statistic, Status, Verdict,
};

use crate::answer::finding::{Found, Measured, Missing, Outcome};
use crate::catalogue::{Check, corrected};
use crate::checks;
use crate::evidence::Evidence;
use crate::measures::gap::{gap, rulings};
use crate::measures::rows::capitalized;

/// Makes every check that the evidence allows.
pub fn audit(evidence: &Evidence) -> Findings {
    let gap = gap(evidence).ok();
    // One after the other: checks share what is made once, and a thread that waits for it must not be given another
    // check that waits for the same. What is costly within a check runs on all threads.
    let answers = checks::ALL.iter().map(|check| (check, evidence.answer(check)));
    let (mut found, mut clear, mut not_checked) = (Vec::new(), Vec::new(), Vec::new());
    for (check, answer) in answers {
        match answer {
            Ok(Outcome::Found(outcome)) => found.push((check, (**outcome).clone())),
            Ok(Outcome::Clear { summary, measured }) => {
                clear.push(clear_finding(check, summary, measured.clone()));
            }
            Err(missing) => {
                let in_pipeline = evidence.pipeline.is_some();
                not_checked.push(unchecked_finding(check, missing, in_pipeline));
            }
        }
    }
    found.sort_by(|(_, one), (_, other)| by_weight(one, other));
    let verdict = verdict(gap.as_ref(), &found);
    let headline = headline(verdict, gap.as_ref(), &found);
    let found = (1..)
        .zip(found)
        .map(|(rank, (check, found))| found_finding(check, rank, found));
    Findings {
        verdict,
        headline,
        families: rulings(gap.as_ref()),
        gap,
        findings: found.chain(clear).chain(not_checked).collect(),
    }
}

/// Points of accuracy below which a note is not about the accuracy.
const MATERIAL_POINTS: f64 = 0.5;

/// The graver first, then the surer, then what explains more points of accuracy. Of notes that are likely, what explains
/// any points comes first: that something harmless is certain helps nobody. Equals stay in the order of the catalogue, which goes from
/// causes to consequences.
fn by_weight(one: &Found, other: &Found) -> Ordering {
    let key = |found: &Found| {
        let effect = found.effect_points.unwrap_or(0.0).abs();
        let telling = found.severity > Severity::Note
            || found.confidence >= Confidence::Likely && effect >= MATERIAL_POINTS;
        (found.severity, telling, found.confidence, effect)
    };
    let (one, other) = (key(one), key(other));
    (other.0, other.1, other.2)
        .cmp(&(one.0, one.1, one.2))
        .then(other.3.total_cmp(&one.3))
}

fn verdict(gap: Option<&Gap>, found: &[(&Check, Found)]) -> Verdict {
    let unexplained = gap.is_some_and(|gap| gap.significant);
    match found.iter().map(|(_, found)| found.severity).max() {
        Some(Severity::Unsound) => Verdict::Unsound,
        _ if unexplained => Verdict::Unsound,
        Some(Severity::Caution) => Verdict::Caution,
        Some(Severity::Note) | None => Verdict::Sound,
    }
}

fn headline(verdict: Verdict, gap: Option<&Gap>, found: &[(&Check, Found)]) -> String {
    let first = found.first();
    match (verdict, first) {
        (Verdict::Unsound, Some((check, found))) if found.severity == Severity::Unsound => {
            format!(
                "Do not rely on these figures: {} ({}).",
                lower_first(check.name),
                check.id
            )
        }
        (Verdict::Unsound, _) => {
            let points = gap.map_or(0.0, |gap| gap.points);
            format!(
                "Do not rely on these figures: validation and test accuracy are {:.1} points apart, which chance does \
                 not explain, and the files do not tell why.",
                points.abs()
            )
        }
        (Verdict::Caution, Some((check, _))) => format!(
            "The figures stand, with a reservation: {} ({}).",
            lower_first(check.name),
            check.id
        ),
        _ if gap.is_some() => {
            "Nothing was found that speaks against these figures: validation and test agree.".to_owned()
        }
        _ => {
            "Nothing was found that speaks against these figures, as far as the given files tell.".to_owned()
        }
    }
}

/// A name within a sentence; abbreviations stay as they are.
fn lower_first(name: &str) -> String {
    let mut characters = name.chars();
    match (characters.next(), characters.clone().next()) {
        (Some(first), Some(second)) if !second.is_uppercase() => {
            first.to_lowercase().chain(characters).collect()
        }
        _ => name.to_owned(),
    }
}

/// With a capital letter, and with a stop at its end unless it has one.
fn as_sentence(text: &str, stop: &str) -> String {
    let sentence = capitalized(text.trim());
    if sentence.is_empty() || sentence.ends_with(['.', '!', '?', ')']) {
        return sentence;
    }
    sentence + stop
}

fn blank(check: &Check, status: Status, summary: &str, measured: Measured) -> Finding {
    Finding {
        id: check.id.to_owned(),
        name: as_sentence(check.name, ""),
        family: check.family,
        status,
        rank: None,
        severity: None,
        confidence: None,
        effect_points: None,
        statistic: measured.statistic.map(|(name, value)| Statistic {
            name: name.to_owned(),
            value,
        }),
        p_value: measured.p_value.map(corrected),
        summary: as_sentence(summary, "."),
        evidence: measured
            .evidence
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
        fix: None,
        confirm: None,
        missing: Vec::new(),
    }
}

fn found_finding(check: &Check, rank: u32, found: Found) -> Finding {
    Finding {
        rank: Some(rank),
        severity: Some(found.severity),
        confidence: Some(found.confidence),
        effect_points: found.effect_points,
        fix: Some(found.fix),
        confirm: Some(found.confirm),
        ..blank(check, Status::Found, &found.summary, found.measured)
    }
}

fn clear_finding(check: &Check, summary: &str, measured: Measured) -> Finding {
    blank(check, Status::Clear, summary, measured)
}

fn unchecked_finding(check: &Check, missing: &Missing, in_pipeline: bool) -> Finding {
    let advice = missing.0.iter().map(|need| need.advice(in_pipeline));
    let missing: Vec<String> = advice.map(str::to_owned).collect();
    Finding {
        missing,
        ..blank(check, Status::NotChecked, "", Measured::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::log::Log;
    use crate::evidence::{Part, ScoreKind, Scores};
    use crate::testing::{
        FIVE, Simulated, assert_close, evidence, log, part, predicted, predicted_by, simulated,
    };

    #[test]
    fn found_causes_are_ranked_by_severity_and_certainty() {
        let (validation, mut test) = (simulated(5, 1000, 0.83, 1), simulated(5, 1000, 0.83, 2));
        test.logits.rotate_left(3);
        let mut evidence = predicted_by(&validation, &test);
        // A certain fault, a likely one (the kept epoch is another), and a note (a loss that is too large).
        evidence.log = Some(log(&[(0.7, 0.99), (0.8, 0.5)]));
        let mut ids: Vec<String> = (0..1000).map(|row| row.to_string()).collect();
        ids[1] = ids[0].clone();
        evidence.test.as_mut().unwrap().ids = Some(ids);
        let findings = audit(&evidence);
        let found: Vec<_> = findings.of(Status::Found).collect();
        assert!(found.len() >= 2, "{found:?}");
        assert_eq!(found[0].id, "C12");
        assert_eq!(findings.verdict, Verdict::Unsound);
        for (place, finding) in (1_u32..).zip(&found) {
            assert_eq!(finding.rank, Some(place));
        }
        assert!(found.is_sorted_by(|one, other| one.severity >= other.severity));
        assert!(findings.headline.ends_with("(C12)."), "{}", findings.headline);
    }

    /// Two causes by hand, in the order of the catalogue and not of their weight.
    #[test]
    fn a_fault_comes_before_a_note_and_the_certain_before_the_likely() {
        let answer = |severity, confidence| Found {
            severity,
            confidence,
            summary: String::new(),
            effect_points: None,
            fix: String::new(),
            confirm: String::new(),
            measured: Measured::new(),
        };
        let check = &checks::ALL[0];
        let caution = [
            (check, answer(Severity::Note, Confidence::Certain)),
            (check, answer(Severity::Caution, Confidence::Possible)),
        ];
        assert_eq!(verdict(None, &caution), Verdict::Caution);
        assert_eq!(verdict(None, &caution[..1]), Verdict::Sound);
        assert_eq!(
            verdict(None, &[(check, answer(Severity::Unsound, Confidence::Possible))]),
            Verdict::Unsound
        );
        assert!(Severity::Unsound > Severity::Caution && Severity::Caution > Severity::Note);
        assert!(Confidence::Certain > Confidence::Likely && Confidence::Likely > Confidence::Possible);
        let worth = |severity, confidence, points| Found {
            effect_points: Some(points),
            ..answer(severity, confidence)
        };
        let mut found = [
            worth(Severity::Note, Confidence::Certain, 0.1),
            worth(Severity::Note, Confidence::Likely, -8.0),
            worth(Severity::Note, Confidence::Possible, 9.0),
            worth(Severity::Caution, Confidence::Likely, 2.0),
            worth(Severity::Caution, Confidence::Likely, 3.0),
            worth(Severity::Unsound, Confidence::Possible, 0.0),
        ];
        found.sort_by(by_weight);
        let order = found.map(|found| (found.severity, found.confidence, found.effect_points));
        assert_eq!(
            order,
            [
                (Severity::Unsound, Confidence::Possible, Some(0.0)),
                (Severity::Caution, Confidence::Likely, Some(3.0)),
                (Severity::Caution, Confidence::Likely, Some(2.0)),
                (Severity::Note, Confidence::Likely, Some(-8.0)),
                (Severity::Note, Confidence::Certain, Some(0.1)),
                (Severity::Note, Confidence::Possible, Some(9.0)),
            ]
        );
    }

    /// The confusion matrix and the last logged accuracy, nothing else.
    #[test]
    fn a_gap_that_nothing_explains_is_unsound() {
        let findings = audit(&crate::measures::gap::tests::origin());
        assert_eq!(findings.verdict, Verdict::Unsound);
        assert!(
            findings
                .of(Status::Found)
                .all(|finding| finding.severity < Some(Severity::Unsound))
        );
        assert!(
            findings.headline.contains("51.0 points apart"),
            "{}",
            findings.headline
        );
        let permuted = findings
            .findings
            .iter()
            .find(|finding| finding.id == "C10")
            .unwrap();
        assert_eq!(permuted.status, Status::Clear);
    }

    #[test]
    fn splits_that_agree_are_sound() {
        let evidence = predicted_by(&simulated(5, 1000, 0.83, 1), &simulated(5, 1000, 0.83, 2));
        let findings = audit(&evidence);
        let unsound: Vec<_> = findings
            .of(Status::Found)
            .filter(|finding| finding.severity == Some(Severity::Unsound))
            .collect();
        assert!(unsound.is_empty(), "{unsound:?}");
        assert!(findings.gap.is_some_and(|gap| !gap.significant));
    }

    #[test]
    fn p_values_are_multiplied_by_the_number_of_checks() {
        let (validation, mut test) = (simulated(5, 300, 0.83, 1), simulated(5, 300, 0.83, 2));
        test.logits.rotate_left(3);
        let evidence = predicted_by(&validation, &test);
        let Ok(Outcome::Found(raw)) = (checks::pairing::predictions_shifted::CHECK.run)(&evidence) else {
            panic!("the shift is not found");
        };
        let findings = audit(&evidence);
        let shown = findings
            .findings
            .iter()
            .find(|finding| finding.id == "C12")
            .unwrap();
        let ratio = shown.p_value.unwrap() / raw.measured.p_value.unwrap();
        assert_close(ratio, checks::ALL.len() as f64, 1e-9);
        assert_close(corrected(0.5), 1.0, 1e-12);
        assert!(
            findings
                .findings
                .iter()
                .filter_map(|finding| finding.p_value)
                .all(|p| (0.0..=1.0).contains(&p))
        );
    }

    #[test]
    fn ids_are_unique_and_every_check_answers_once() {
        let findings = audit(&Evidence::default());
        let mut ids: Vec<&str> = findings
            .findings
            .iter()
            .map(|finding| finding.id.as_str())
            .collect();
        assert_eq!(ids.len(), checks::ALL.len());
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), checks::ALL.len());
        assert!(
            findings
                .of(Status::NotChecked)
                .all(|finding| !finding.missing.is_empty())
        );
    }

    /// Audits a thing that nobody would give, and demands an answer with finite numbers.
    #[track_caller]
    fn survives(what: &str, evidence: &Evidence) {
        let findings = audit(evidence);
        assert_eq!(findings.findings.len(), checks::ALL.len(), "{what}");
        for finding in &findings.findings {
            let numbers = [
                finding.statistic.as_ref().map(|statistic| statistic.value),
                finding.effect_points,
            ];
            for number in numbers.into_iter().flatten() {
                assert!(number.is_finite(), "{what}: {} says {number}", finding.id);
            }
            if let Some(p_value) = finding.p_value {
                assert!(
                    (0.0..=1.0).contains(&p_value),
                    "{what}: {} has p = {p_value}",
                    finding.id
                );
            }
            for words in [&finding.summary, finding.fix.as_ref().unwrap_or(&finding.summary)] {
                assert!(
                    !words.contains("NaN") && !words.contains("inf "),
                    "{what}: {} says {words}",
                    finding.id
                );
            }
        }
        crate::answer::summary::text(&findings);
    }

    /// All ways to give some of three splits and a log.
    fn each_way(what: &str, labels: &[&str], make: impl Fn(u64) -> Part, log: &Log) {
        for given in 0_u64..16 {
            let split = |bit: u64| {
                if given & (1 << bit) == 0 {
                    Part::default()
                } else {
                    make(bit)
                }
            };
            let evidence = Evidence {
                log: (given & 8 != 0).then(|| log.clone()),
                ..evidence(labels, [split(0), split(1), split(2)])
            };
            survives(&format!("{what}, {given:04b}"), &evidence);
        }
    }

    fn with_texts(rows: &Simulated, text: impl Fn(usize) -> String) -> Part {
        Part {
            ids: Some((0..rows.truth.len()).map(|row| row.to_string()).collect()),
            groups: Some(vec![String::from("group"); rows.truth.len()]),
            ..rows.with_texts(text)
        }
    }

    #[test]
    fn few_rows_and_classes_get_an_answer() {
        let one_epoch = log(&[(0.5, 0.8)]);
        for rows in [1, 2, 3, 19, 60] {
            for classes in [1, 2, 5] {
                let make = |seed| {
                    with_texts(&simulated(classes, rows, 0.8, seed), |row| {
                        format!("text number {row}")
                    })
                };
                each_way(
                    &format!("{rows} rows of {classes} classes"),
                    &FIVE[..classes as usize],
                    make,
                    &one_epoch,
                );
            }
        }
    }

    #[test]
    fn nothing_gets_an_answer() {
        survives("nothing", &Evidence::default());
        let empty = Part {
            rows: 0,
            truth: Some(Vec::new()),
            texts: Some(Vec::new()),
            stored_predictions: Some(Vec::new()),
            ..Part::default()
        };
        let evidence = Evidence {
            labels: vec![String::from("a")],
            train: Some(empty.clone()),
            validation: Some(empty.clone()),
            test: Some(empty),
            log: Some(Log::default()),
            confusion: Some(Vec::new()),
            ..Evidence::default()
        };
        survives("empty lists", &evidence);
    }

    #[test]
    fn texts_without_content_get_an_answer() {
        for text in ["", "   ", "the", "same text", "\u{fffd}", "12345"] {
            let make = |seed| with_texts(&simulated(2, 60, 0.8, seed), |_| text.to_owned());
            each_way(&format!("`{text}`"), &["a", "b"], make, &log(&[(0.5, 0.8)]));
        }
    }

    #[test]
    fn constant_and_extreme_scores_get_an_answer() {
        let check = |what: &str, change: fn(usize, &mut Vec<f64>)| {
            let make = |seed| {
                let mut rows = simulated(3, 60, 0.8, seed);
                for (row, scores) in rows.logits.iter_mut().enumerate() {
                    change(row, scores);
                }
                rows.part()
            };
            each_way(what, &["a", "b", "c"], make, &log(&[(0.0, 1.0)]));
        };
        check("one class", |_, row| *row = vec![5.0, 0.0, 0.0]);
        check("equal scores", |_, row| *row = vec![0.0; 3]);
        check("huge scores", |_, row| {
            *row = row.iter().map(|score| 1e6 * score).collect();
        });
        check("tiny scores", |_, row| {
            *row = row.iter().map(|score| 1e-300 * score).collect();
        });
        check("one odd row", |row, scores| {
            *scores = if row == 0 {
                vec![0.0, 1e9, 0.0]
            } else {
                vec![1.0, 0.0, 0.0]
            }
        });
    }

    #[test]
    fn certain_probabilities_and_right_or_wrong_files_get_an_answer() {
        for right in [true, false] {
            let make = |_| {
                let truth: Vec<u32> = (0..60).map(|row| row % 2).collect();
                let column = |truth: u32| f64::from(u8::from((truth == 1) == right));
                Part {
                    rows: 60,
                    scores: Some(Scores {
                        kind: ScoreKind::Probabilities,
                        classes: 2,
                        values: truth
                            .iter()
                            .flat_map(|&truth| [1.0 - column(truth), column(truth)])
                            .collect(),
                    }),
                    truth: Some(truth),
                    ..Part::default()
                }
            };
            each_way(
                if right { "all right" } else { "all wrong" },
                &["a", "b"],
                make,
                &log(&[(0.0, f64::from(u8::from(right)))]),
            );
        }
        each_way(
            "one label",
            &["a", "b"],
            |_| predicted(&[(0, 0); 60]),
            &log(&[(0.1, 1.0)]),
        );
        each_way(
            "labels alone",
            &["a", "b"],
            |_| part(&[("some words", 0), ("other words", 1)]),
            &log(&[(0.1, 1.0)]),
        );
    }

    #[test]
    fn many_classes_get_an_answer() {
        let names: Vec<String> = (0..150).map(|class| format!("class {class}")).collect();
        let labels: Vec<&str> = names.iter().map(String::as_str).collect();
        let make = |seed| simulated(150, 100, 0.5, seed);
        let evidence = Evidence {
            log: Some(log(&[(4.0, 0.5), (3.0, 0.5)])),
            ..evidence(
                &labels,
                [
                    make(0).part(),
                    make(1).part(),
                    with_texts(&make(2), |row| format!("text {row}")),
                ],
            )
        };
        survives("150 classes", &evidence);
    }

    #[test]
    fn odd_logs_get_an_answer() {
        for (loss, accuracy) in [(0.0, 0.0), (0.0, 1.0), (1e9, 0.0), (1e-300, 0.5), (-1.0, 0.5)] {
            let mut odd = log(&[(loss, accuracy)]);
            (odd.validation_rows, odd.batch_size, odd.train_rows, odd.kept) =
                (Some(1), Some(0), Some(0), Some(7));
            odd.epochs[0].train = odd.epochs[0].validation;
            let evidence = Evidence {
                log: Some(odd),
                class_count: Some(2),
                confusion: Some(vec![vec![0, 0], vec![0, 0]]),
                ..Evidence::default()
            };
            survives(&format!("loss {loss}, accuracy {accuracy}"), &evidence);
        }
        let unnamed = Evidence {
            log: Some(Log::default()),
            ..Evidence::default()
        };
        survives("a log without epochs", &unnamed);
    }
}
