//! The counts of rows that rounded figures leave open, and whether the figures can be true together.

use std::cmp::Ordering;

use labelproof_artifact::Split;

use super::{Figure, Line, Report};
use crate::evidence::margins::{Bounds, Margins};

/// What arithmetic may leave of a share.
const ARITHMETIC: f64 = 1e-9;

/// Pairs of counts up to which every pair is tried with two classes.
const MOST_PAIRS: u64 = 4_000_000;

pub(super) fn margins(report: &Report, source: &str, split: Split) -> Margins {
    let lines = &report.classes;
    let support: Vec<u64> = lines.iter().map(|line| line.support.unwrap_or(0)).collect();
    let rows = support.iter().sum();
    let mut contradictions = means(report, rows);
    let mut hits: Vec<Bounds> = lines
        .iter()
        .map(|line| hits_of(line, &mut contradictions))
        .collect();
    for (line, hits) in lines.iter().zip(&mut hits) {
        keep_possible(line, hits, rows);
    }
    let mut predicted: Vec<Bounds> = lines
        .iter()
        .zip(&hits)
        .map(|(line, hits)| predicted_of(line, *hits, rows))
        .collect();
    let mut is_whole = is_whole(report, &predicted, rows);
    let mut all_hits = summed(&hits);
    if is_whole {
        for figure in accuracies(report) {
            let printed = counts(figure, rows);
            match meet(all_hits, printed) {
                Some(both) => all_hits = both,
                None => contradictions.push(format!(
                    "by the recalls {} of {rows} rows are right, and by the accuracy of {} {}",
                    range(all_hits),
                    figure.shown(),
                    range(printed)
                )),
            }
        }
        // The nearest counts to the recalls, or else the middle of what the accuracy leaves open.
        all_hits.likely = hits.iter().map(|bounds| bounds.likely).sum();
        if !all_hits.holds(all_hits.likely) {
            all_hits.likely = all_hits.least.midpoint(all_hits.most);
        }
        narrow(&mut hits, all_hits);
        let all = Bounds {
            least: rows,
            most: rows,
            likely: rows,
        };
        if meet(summed(&predicted), all).is_none() {
            contradictions.push(format!(
                "by precision and recall {} rows were predicted, and there are {rows}",
                range(summed(&predicted))
            ));
        }
        narrow(&mut predicted, all);
        if lines.len() == 2 && contradictions.is_empty() {
            is_whole = of_two(report, &mut hits, &mut predicted, &mut all_hits);
            if !is_whole {
                contradictions.push("no two by two matrix has these precisions and recalls".to_owned());
                is_whole = true;
            }
        }
    }
    all_hits.likely = hits.iter().map(|bounds| bounds.likely).sum();
    Margins {
        source: source.to_owned(),
        split,
        names: lines.iter().map(|line| line.name.clone()).collect(),
        support,
        hits,
        predicted,
        all_hits,
        is_whole,
        contradictions,
    }
}

/// Bounds in words.
fn range(bounds: Bounds) -> String {
    match bounds.least.cmp(&bounds.most) {
        Ordering::Less => format!("{} to {}", bounds.least, bounds.most),
        Ordering::Equal => bounds.least.to_string(),
        Ordering::Greater => "no number of them".to_owned(),
    }
}

/// The whole numbers between two that need not be whole, of `most` at most.
fn whole(least: f64, most: f64, limit: u64) -> (u64, u64) {
    let bound = |value: f64| value.clamp(0.0, limit as f64);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and a count of rows"
    )]
    let (least, most) = (
        bound((least - ARITHMETIC * (1.0 + least.abs())).ceil()) as u64,
        bound((most + ARITHMETIC * (1.0 + most.abs())).floor()) as u64,
    );
    (least, most)
}

fn nearest(value: f64, limit: u64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and a count of rows"
    )]
    let count = value.round().clamp(0.0, limit as f64) as u64;
    count
}

/// The counts of `rows` whose share rounds to a figure. Where there is none, the nearest; then `least` is
/// above `most`.
fn counts(figure: Figure, rows: u64) -> Bounds {
    let all = rows as f64;
    let (least, most) = whole(
        (figure.value - figure.half) * all,
        (figure.value + figure.half) * all,
        rows,
    );
    Bounds {
        least,
        most,
        likely: nearest(figure.value * all, rows).clamp(least.min(most), most.max(least)),
    }
}

fn hits_of(line: &Line, contradictions: &mut Vec<String>) -> Bounds {
    let support = line.support.unwrap_or(0);
    let Some(recall) = line.recall else {
        return Bounds {
            least: 0,
            most: support,
            likely: support / 2,
        };
    };
    let bounds = counts(recall, support);
    if bounds.least <= bounds.most {
        return bounds;
    }
    contradictions.push(format!(
        "no number of {support} rows is a recall of {} of `{}`",
        recall.shown(),
        line.name
    ));
    Bounds {
        least: bounds.likely,
        most: bounds.likely,
        likely: bounds.likely,
    }
}

/// The least and the most predictions: from `hits / precision`, and from F1 as
/// `2 hits / (support + predicted)`. The least is above the most where the figures contradict each other.
fn predicted_between(line: &Line, hits: Bounds, rows: u64) -> (u64, u64) {
    let (least_hits, most_hits) = (hits.least as f64, hits.most as f64);
    let quotient = |hits: f64, divisor: f64| {
        if divisor > 0.0 {
            hits / divisor
        } else {
            f64::INFINITY
        }
    };
    let (mut least, mut most) = (least_hits, rows as f64);
    if let Some(precision) = line.precision.filter(|_| hits.most > 0) {
        least = least.max(least_hits / (precision.value + precision.half));
        most = most.min(quotient(most_hits, precision.value - precision.half));
    }
    if let Some(f1) = line.f1.filter(|_| hits.most > 0) {
        let support = line.support.unwrap_or(0) as f64;
        least = least.max(2.0 * least_hits / (f1.value + f1.half) - support);
        most = most.min(quotient(2.0 * most_hits, f1.value - f1.half) - support);
    }
    whole(least, most, rows)
}

fn predicted_of(line: &Line, hits: Bounds, rows: u64) -> Bounds {
    let (least, most) = predicted_between(line, hits, rows);
    let (least, most) = (least.min(most), least.max(most));
    let precision = line.precision.map_or(0.0, |precision| precision.value);
    let likely = if precision > 0.0 {
        hits.likely as f64 / precision
    } else {
        0.0
    };
    Bounds {
        least,
        most,
        likely: nearest(likely, rows).clamp(least, most),
    }
}

/// Takes away the hits at both ends for which no number of predictions has the precision and the F1.
fn keep_possible(line: &Line, hits: &mut Bounds, rows: u64) {
    const MOST_TRIED: u64 = 10_000;
    if hits.most - hits.least > MOST_TRIED {
        return;
    }
    let is_possible = |count: u64| {
        let exact = Bounds {
            least: count,
            most: count,
            likely: count,
        };
        let (least, most) = predicted_between(line, exact, rows);
        least <= most
    };
    let least = (hits.least..=hits.most).find(|count| is_possible(*count));
    let most = (hits.least..=hits.most).rev().find(|count| is_possible(*count));
    // Where none is left, the figures contradict each other, which is said elsewhere.
    if let (Some(least), Some(most)) = (least, most) {
        *hits = Bounds {
            least,
            most,
            likely: hits.likely.clamp(least, most),
        };
    }
}

fn summed(bounds: &[Bounds]) -> Bounds {
    let sum = |count: fn(&Bounds) -> u64| bounds.iter().map(count).sum();
    Bounds {
        least: sum(|bounds| bounds.least),
        most: sum(|bounds| bounds.most),
        likely: sum(|bounds| bounds.likely),
    }
}

fn meet(one: Bounds, other: Bounds) -> Option<Bounds> {
    let (least, most) = (one.least.max(other.least), one.most.min(other.most));
    (least <= most).then(|| Bounds {
        least,
        most,
        likely: one.likely.clamp(least, most),
    })
}

/// Whether every row has one true and one predicted class of those that are listed.
fn is_whole(report: &Report, predicted: &[Bounds], rows: u64) -> bool {
    let sum = summed(predicted);
    let adds_up = (sum.least..=sum.most).contains(&rows);
    if report.is_multilabel || rows == 0 {
        false
    } else if report.accuracy.is_some() {
        true
    } else if let Some(micro) = &report.micro {
        // Over all classes of rows with one label micro precision is micro recall; two digits do not tell.
        let same = micro
            .precision
            .zip(micro.recall)
            .is_some_and(|(precision, recall)| {
                precision.half < 0.001 && (precision.value - recall.value).abs() <= ARITHMETIC
            });
        same && adds_up
    } else {
        adds_up
    }
}

/// The figures that are the accuracy, if every row has one label: the mean recall by rows, too.
fn accuracies(report: &Report) -> impl Iterator<Item = Figure> {
    let micro = report.micro.as_ref().and_then(|line| line.recall);
    let weighted = report.weighted.as_ref().and_then(|line| line.recall);
    [report.accuracy, micro, weighted].into_iter().flatten()
}

/// Takes away what the sum rules out, and brings the likely counts to its likely value.
fn narrow(counts: &mut [Bounds], sum: Bounds) {
    let total = summed(counts);
    if meet(total, sum).is_none() {
        return;
    }
    for bounds in counts.iter_mut() {
        let (least_others, most_others) = (total.least - bounds.least, total.most - bounds.most);
        bounds.least = bounds.least.max(sum.least.saturating_sub(most_others));
        bounds.most = bounds
            .most
            .min(sum.most.saturating_sub(least_others))
            .max(bounds.least);
        bounds.likely = bounds.likely.clamp(bounds.least, bounds.most);
    }
    let likely: u64 = counts.iter().map(|bounds| bounds.likely).sum();
    let target = sum.likely;
    let is_short = likely < target;
    let mut rest = likely.abs_diff(target);
    loop {
        let room = |bounds: &Bounds| {
            if is_short {
                bounds.most - bounds.likely
            } else {
                bounds.likely - bounds.least
            }
        };
        let open = counts.iter().filter(|bounds| room(bounds) > 0).count() as u64;
        if rest == 0 || open == 0 {
            break;
        }
        let step = (rest / open).max(1);
        for bounds in counts.iter_mut() {
            let step = step.min(room(bounds)).min(rest);
            bounds.likely = if is_short {
                bounds.likely + step
            } else {
                bounds.likely - step
            };
            rest -= step;
        }
    }
}

/// With two classes the hits of both are the whole matrix: takes those that give every printed figure.
/// False where there are none.
fn of_two(report: &Report, hits: &mut [Bounds], predicted: &mut [Bounds], all_hits: &mut Bounds) -> bool {
    let lines = &report.classes;
    let [support_0, support_1] = [lines[0].support.unwrap_or(0), lines[1].support.unwrap_or(0)];
    let pairs = (hits[0].most - hits[0].least + 1).saturating_mul(hits[1].most - hits[1].least + 1);
    let matrix = |hits_0: u64, hits_1: u64| [hits_0 + support_1 - hits_1, hits_1 + support_0 - hits_0];
    if pairs <= MOST_PAIRS {
        let mut best: Option<(f64, [u64; 2])> = None;
        let mut kept: Vec<[u64; 2]> = Vec::new();
        for hits_0 in hits[0].least..=hits[0].most {
            for hits_1 in hits[1].least..=hits[1].most {
                let predicted = matrix(hits_0, hits_1);
                let both = [(hits_0, predicted[0]), (hits_1, predicted[1])];
                let Some(distance) = distance(lines, both, all_hits) else {
                    continue;
                };
                kept.push([hits_0, hits_1]);
                if best.is_none_or(|(least, _)| distance < least) {
                    best = Some((distance, [hits_0, hits_1]));
                }
            }
        }
        let Some((_, best)) = best else { return false };
        let range = |of: &dyn Fn(&[u64; 2]) -> u64| Bounds {
            least: kept.iter().map(of).min().unwrap_or(0),
            most: kept.iter().map(of).max().unwrap_or(0),
            likely: of(&best),
        };
        *all_hits = range(&|pair| pair[0] + pair[1]);
        hits[0] = range(&|pair| pair[0]);
        hits[1] = range(&|pair| pair[1]);
        predicted[0] = range(&|pair| matrix(pair[0], pair[1])[0]);
        predicted[1] = range(&|pair| matrix(pair[0], pair[1])[1]);
    } else {
        let likely = matrix(hits[0].likely, hits[1].likely);
        for (bounds, likely) in predicted.iter_mut().zip(likely) {
            bounds.likely = likely;
            bounds.least = bounds.least.min(likely);
            bounds.most = bounds.most.max(likely);
        }
    }
    true
}

/// How far the figures of two classes are from those printed; nothing where one rounds to something else.
fn distance(lines: &[Line], counts: [(u64, u64); 2], all_hits: &Bounds) -> Option<f64> {
    let all = counts[0].0 + counts[1].0;
    if !(all_hits.least..=all_hits.most).contains(&all) {
        return None;
    }
    let mut sum = 0.0;
    for (line, (hits, predicted)) in lines.iter().zip(counts) {
        let support = line.support.unwrap_or(0) as f64;
        let share = |of: f64| if of > 0.0 { hits as f64 / of } else { 0.0 };
        let given = [
            (line.precision, share(predicted as f64)),
            (line.recall, share(support)),
            (line.f1, 2.0 * share(support + predicted as f64)),
        ];
        for (printed, value) in given {
            let Some(printed) = printed else { continue };
            let off = (printed.value - value).abs();
            if off > printed.half + ARITHMETIC {
                return None;
            }
            sum += off * off;
        }
    }
    Some(sum)
}

/// What a mean or an F1 cannot be beside the figures it is made of.
fn means(report: &Report, rows: u64) -> Vec<String> {
    let mut said: Vec<String> = report.classes.iter().filter_map(impossible_f1).collect();
    for (name, line, by_rows) in [
        ("macro", &report.r#macro, false),
        ("weighted", &report.weighted, true),
    ] {
        let Some(line) = line else { continue };
        for (what, figure) in FIGURES {
            said.extend(impossible_mean(report, name, what, figure, line, by_rows));
        }
        if let Some(support) = line.support.filter(|support| *support != rows) {
            said.push(format!(
                "the classes have {rows} rows together, and the {name} average says {support}"
            ));
        }
    }
    said
}

type FigureOf = fn(&Line) -> Option<Figure>;

/// The figures of a line that are averaged.
const FIGURES: [(&str, FigureOf); 3] = [
    ("precision", |line| line.precision),
    ("recall", |line| line.recall),
    ("F1", |line| line.f1),
];

fn harmonic(precision: f64, recall: f64) -> f64 {
    let sum = precision + recall;
    if sum > 0.0 {
        2.0 * precision * recall / sum
    } else {
        0.0
    }
}

/// Says where an F1 is not the harmonic mean of its precision and recall.
fn impossible_f1(line: &Line) -> Option<String> {
    let (precision, recall, f1) = (line.precision?, line.recall?, line.f1?);
    let low = |figure: Figure| (figure.value - figure.half).max(0.0);
    let high = |figure: Figure| figure.value + figure.half;
    let least = harmonic(low(precision), low(recall)) - ARITHMETIC;
    let most = harmonic(high(precision), high(recall)) + ARITHMETIC;
    (high(f1) < least || low(f1) > most).then(|| {
        format!(
            "`{}` has precision {}, recall {} and F1 {}, which is {:.2} by the other two",
            line.name,
            precision.shown(),
            recall.shown(),
            f1.shown(),
            harmonic(precision.value, recall.value)
        )
    })
}

/// Says where an average is not that of the classes.
fn impossible_mean(
    report: &Report,
    name: &str,
    what: &str,
    figure: FigureOf,
    line: &Line,
    by_rows: bool,
) -> Option<String> {
    let printed = figure(line)?;
    let (mut sum, mut halves, mut weights) = (0.0, 0.0, 0.0);
    for class in &report.classes {
        let weight = if by_rows { class.support? as f64 } else { 1.0 };
        let figure = figure(class)?;
        sum += figure.value * weight;
        halves += figure.half * weight;
        weights += weight;
    }
    let (value, half) = (sum / weights, halves / weights);
    ((value - printed.value).abs() > half + printed.half + ARITHMETIC).then(|| {
        format!(
            "the {name} average of {what} is printed as {}, and the classes give {value:.3}",
            printed.shown()
        )
    })
}
