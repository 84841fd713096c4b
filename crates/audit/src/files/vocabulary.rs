//! Labels in two vocabularies: `LABEL_3` beside 3, `__label__sport` beside `sport`, `5 stars` beside 5.
//!
//! Responsible for reading one as the other where it is certain that both mean the same class, and for saying
//! so. Predictions that have no label in common with the true ones, and no certain relation to them, are left
//! aside: a comparison would find every row wrong, whatever the model.

use std::collections::{BTreeMap, BTreeSet};

use labelproof_artifact::Reporter;
use labelproof_artifact::wording::quoted;
use labelproof_metrics::comparison::mcnemar_from_counts;
use labelproof_metrics::statistics::maximum_assignment;

use super::forms::{self, Rewriting};
use super::labels::label_key;
use super::table::{Labels, Table};
use crate::evidence::{Apart, Join, Joined};

/// Rows below which labels may differ by chance.
const FEWEST_ROWS: usize = 20;

/// The chance of so uneven an exchange of hits below which numbers count from another place.
const NO_CHANCE: f64 = 1e-6;

/// Where a list of labels stands in a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    Scores,
    Truth,
    Predicted,
}

/// The labels of one column, or of the score columns of a file.
#[derive(Debug, Clone)]
struct List {
    table: usize,
    slot: Slot,
    /// As the file has them.
    written: Vec<String>,
    /// As they are read.
    read: Vec<String>,
    how: Option<Join>,
    /// Whether they are counts of stars, which start from 1 by nature.
    is_stars: bool,
}

impl List {
    fn keys(&self) -> BTreeSet<String> {
        self.read.iter().map(|label| label_key(label, false)).collect()
    }

    fn rewrite(&mut self, rewriting: &Rewriting) {
        let rewritten = rewriting.labels.as_ref();
        let Some(new) = rewritten else { return };
        for label in &mut self.read {
            if let Some(other) = new.get(label) {
                label.clone_from(other);
            }
        }
        self.how = Some(self.how.map_or(rewriting.how, |how| how.max(rewriting.how)));
        self.is_stars |= rewriting.is_stars;
    }
}

/// Reads labels of several vocabularies as those of one, wherever that is certain.
pub(super) fn join(tables: &mut [&mut Table], reporter: &dyn Reporter) {
    for table in tables.iter_mut() {
        table.wording.equal_as_spelled = equal_as_spelled(table);
        let truth = table
            .truth
            .iter()
            .flat_map(|labels| labels.spellings.iter().cloned());
        table.wording.true_spellings = truth.collect();
    }
    let mut lists = lists(tables);
    for list in &mut lists {
        if let Some(inner) = forms::unwrapped(&list.read) {
            list.read = inner;
            list.how = Some(Join::Form);
        }
    }
    signs_as_numbers(&mut lists);
    without_leading_zeros(&mut lists);
    join_lists(&mut lists);
    unite_words(&mut lists);
    count_from_one_place(tables, &mut lists);
    for list in &lists {
        apply(tables, list, reporter);
    }
    set_apart(tables, &lists, reporter);
}

/// Rows whose labels are the same text.
fn equal_as_spelled(table: &Table) -> Option<u64> {
    let (truth, predicted) = (table.truth.as_ref()?, table.predicted.as_ref()?);
    let equal = |&(truth_place, predicted_place): &(&u32, &u32)| {
        truth.spellings[*truth_place as usize] == predicted.spellings[*predicted_place as usize]
    };
    let rows = truth.values.iter().zip(&predicted.values);
    Some(rows.filter(equal).count() as u64)
}

fn lists(tables: &[&mut Table]) -> Vec<List> {
    let mut lists = Vec::new();
    for (place, table) in tables.iter().enumerate() {
        let scores = table.scores.as_ref().and_then(|scores| scores.names.as_ref());
        let truth = table.truth.as_ref().map(|labels| &labels.spellings);
        let predicted = table.predicted.as_ref().map(|labels| &labels.spellings);
        for (slot, labels) in [
            (Slot::Scores, scores),
            (Slot::Truth, truth),
            (Slot::Predicted, predicted),
        ] {
            if let Some(labels) = labels.filter(|labels| !labels.is_empty()) {
                lists.push(List {
                    table: place,
                    slot,
                    written: labels.clone(),
                    read: labels.clone(),
                    how: None,
                    is_stars: false,
                });
            }
        }
    }
    lists
}

/// Numbers the vocabularies: lists that share a label have the same.
fn vocabularies(lists: &[List]) -> Vec<usize> {
    let mut known: Vec<BTreeSet<String>> = Vec::new();
    let mut numbers: Vec<usize> = Vec::new();
    for list in lists {
        let keys = list.keys();
        let touching: Vec<usize> = (0..known.len())
            .filter(|vocabulary| !known[*vocabulary].is_disjoint(&keys))
            .collect();
        let Some(&first) = touching.first() else {
            numbers.push(known.len());
            known.push(keys);
            continue;
        };
        for &other in &touching[1..] {
            let moved = std::mem::take(&mut known[other]);
            known[first].extend(moved);
            for number in numbers.iter_mut().filter(|number| **number == other) {
                *number = first;
            }
        }
        known[first].extend(keys);
        numbers.push(first);
    }
    numbers
}

/// Joins vocabularies as long as two of them mean the same by form.
fn join_lists(lists: &mut [List]) {
    // Each round makes two vocabularies one.
    for _ in 0..lists.len() {
        let numbers = vocabularies(lists);
        let labels = |number: usize| -> BTreeSet<String> {
            let of_it = lists.iter().zip(&numbers).filter(|(_, other)| **other == number);
            of_it.flat_map(|(list, _)| list.read.iter().cloned()).collect()
        };
        let distinct: BTreeSet<usize> = numbers.iter().copied().collect();
        let mut pairs = distinct
            .iter()
            .flat_map(|one| distinct.range(one + 1..).map(move |other| (*one, *other)));
        let found = pairs.find_map(|(one, other)| {
            let rewritings = forms::same(&labels(one), &labels(other))?;
            Some(([one, other], rewritings))
        });
        let Some((pair, rewritings)) = found else { return };
        for (number, rewriting) in pair.into_iter().zip(&rewritings) {
            for (list, _) in lists
                .iter_mut()
                .zip(&numbers)
                .filter(|(_, other)| **other == number)
            {
                list.rewrite(rewriting);
            }
        }
    }
}

/// Reads labels of one vocabulary that differ only in what joins their words as one, where no column tells
/// them apart.
fn unite_words(lists: &mut [List]) {
    let mut alike: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for list in lists.iter() {
        for label in &list.read {
            alike
                .entry(forms::loose(label))
                .or_default()
                .insert(label_key(label, false));
        }
    }
    let is_told_apart = |keys: &BTreeSet<String>, lists: &[List]| {
        lists
            .iter()
            .any(|list| list.keys().intersection(keys).count() > 1)
    };
    for keys in alike.values().filter(|keys| keys.len() > 1) {
        if is_told_apart(keys, lists) {
            continue;
        }
        // As the first column writes it, which is that of scores or of true labels.
        let labels = lists.iter().flat_map(|list| &list.read);
        let shown = labels
            .clone()
            .find(|label| keys.contains(&label_key(label, false)));
        let Some(shown) = shown.cloned() else { continue };
        for list in lists.iter_mut() {
            for label in &mut list.read {
                let key = label_key(label, false);
                if keys.contains(&key) && key != label_key(&shown, false) {
                    label.clone_from(&shown);
                    list.how = Some(list.how.map_or(Join::Words, |how| how.max(Join::Words)));
                }
            }
        }
    }
}

/// Reads -1 beside 1 as 0, where another column has 0 and 1.
fn signs_as_numbers(lists: &mut [List]) {
    let is = |list: &List, wanted: [&str; 2]| list.keys().iter().eq(wanted.iter());
    if !lists.iter().any(|list| is(list, ["0", "1"])) || lists.iter().any(|list| list.keys().len() > 2) {
        return;
    }
    for list in lists.iter_mut().filter(|list| is(list, ["-1", "1"])) {
        for label in list
            .read
            .iter_mut()
            .filter(|label| label_key(label, false) == "-1")
        {
            "0".clone_into(label);
        }
        list.how = Some(Join::Form);
    }
}

/// Reads `01` as 1, where another column has 1.
fn without_leading_zeros(lists: &mut [List]) {
    let known: BTreeSet<String> = lists.iter().flat_map(List::keys).collect();
    for list in lists.iter_mut() {
        let numbers: Option<Vec<i64>> = list.read.iter().map(|label| label.trim().parse().ok()).collect();
        let Some(numbers) = numbers else { continue };
        let new: Vec<String> = numbers.iter().map(i64::to_string).collect();
        let own = list.keys();
        if new != list.read
            && new
                .iter()
                .any(|label| !own.contains(label) && known.contains(label))
        {
            list.read = new;
            list.how = Some(Join::Form);
        }
    }
}

/// Brings numbers that count from 1 and numbers that count from 0 together, if the rows say that they mean
/// the same classes.
fn count_from_one_place(tables: &[&mut Table], lists: &mut [List]) {
    let numbers = |slot: Slot, lists: &[List]| -> Option<BTreeSet<i64>> {
        let of_slot = lists.iter().filter(|list| list.slot == slot);
        of_slot.flat_map(List::keys).map(|key| key.parse().ok()).collect()
    };
    let (Some(truth), Some(predicted)) = (numbers(Slot::Truth, lists), numbers(Slot::Predicted, lists))
    else {
        return;
    };
    let (Some(last), Some(last_predicted)) = (truth.last(), predicted.last()) else {
        return;
    };
    let shift = match (truth.first(), predicted.first()) {
        (Some(1), Some(0)) if last_predicted < last => 1,
        (Some(0), Some(1)) if last < last_predicted => -1,
        _ => return,
    };
    let (mut only_now, mut only_shifted) = (0, 0);
    for (place, table) in tables.iter().enumerate() {
        let (Some(truth), Some(predicted)) = (&table.truth, &table.predicted) else {
            continue;
        };
        let at = |slot| lists.iter().find(|list| list.table == place && list.slot == slot);
        let (Some(true_list), Some(predicted_list)) = (at(Slot::Truth), at(Slot::Predicted)) else {
            continue;
        };
        let number =
            |list: &List, place: u32| label_key(&list.read[place as usize], false).parse::<i64>().ok();
        for (one, other) in truth.values.iter().zip(&predicted.values) {
            let difference = number(true_list, *one).zip(number(predicted_list, *other));
            match difference.map(|(one, other)| one - other) {
                Some(0) => only_now += 1,
                Some(difference) if difference == shift => only_shifted += 1,
                _ => {}
            }
        }
    }
    let test = mcnemar_from_counts(only_now, only_shifted);
    if only_shifted <= only_now || test.p_value > NO_CHANCE {
        return;
    }
    for list in lists.iter_mut().filter(|list| list.slot == Slot::Predicted) {
        let by_nature = list.is_stars;
        for label in &mut list.read {
            if let Ok(number) = label_key(label, false).parse::<i64>() {
                *label = (number + shift).to_string();
            }
        }
        list.how = Some(if by_nature { Join::Form } else { Join::OffByOne });
    }
    let stars_of_truth = lists.iter().any(|list| list.slot == Slot::Truth && list.is_stars);
    if stars_of_truth {
        for list in lists.iter_mut().filter(|list| list.how == Some(Join::OffByOne)) {
            list.how = Some(Join::Form);
        }
    }
}

/// Writes what was decided for a list into its table.
fn apply(tables: &mut [&mut Table], list: &List, reporter: &dyn Reporter) {
    let table = &mut *tables[list.table];
    let column = match list.slot {
        Slot::Scores => {
            if let Some(names) = table.scores.as_mut().and_then(|scores| scores.names.as_mut()) {
                names.clone_from(&list.read);
            }
            return;
        }
        Slot::Truth => &mut table.truth,
        Slot::Predicted => &mut table.predicted,
    };
    let (Some(labels), Some(how)) = (column, list.how) else {
        return;
    };
    labels.spellings.clone_from(&list.read);
    let changed = list
        .written
        .iter()
        .zip(&list.read)
        .filter(|(written, read)| written != read);
    let Some((written, read)) = changed.max_by_key(|(written, read)| (written.len(), read.len())) else {
        return;
    };
    let why = match how {
        Join::OffByOne => " (one column counts from 1, the other from 0)",
        Join::Form | Join::Words | Join::Places => "",
    };
    reporter.message(&format!(
        "{}: `{}` is read in the form of the other labels: `{written}` as `{read}`{why}",
        table.source, labels.column
    ));
    table.wording.joined.push(Joined {
        column: labels.column.clone(),
        written: written.clone(),
        read: read.clone(),
        how,
    });
}

/// Leaves the predicted labels of a file aside if no true label is like one of them.
fn set_apart(tables: &mut [&mut Table], lists: &[List], reporter: &dyn Reporter) {
    let numbers = vocabularies(lists);
    let number = |table: usize, slot: Slot| {
        let mut all = lists.iter().zip(&numbers);
        all.find(|(list, _)| list.table == table && list.slot == slot)
            .map(|(list, number)| (list, *number))
    };
    for (place, table) in tables.iter_mut().enumerate() {
        let (Some((truth, one)), Some((predicted, other))) =
            (number(place, Slot::Truth), number(place, Slot::Predicted))
        else {
            continue;
        };
        let is_few = predicted.keys().len() < 2 || table.rows < FEWEST_ROWS;
        if one == other || is_few || are_places(truth, predicted) || are_places(predicted, truth) {
            continue;
        }
        let (Some(true_labels), Some(predicted_labels)) = (&table.truth, &table.predicted) else {
            continue;
        };
        let apart = apart(true_labels, predicted_labels);
        reporter.message(&format!(
            "{}: the true labels {} and the predicted labels {} have none in common: the predictions are left aside",
            table.source,
            quoted(&apart.truth, 5),
            quoted(&apart.predicted, 5)
        ));
        table.wording.apart = Some(apart);
        table.predicted = None;
    }
}

/// Whether the labels of one list may be the places of those of the other.
fn are_places(numbers: &List, names: &List) -> bool {
    let places: Option<Vec<usize>> = numbers.keys().iter().map(|key| key.parse().ok()).collect();
    let names_are_numbers = names.keys().iter().all(|key| key.parse::<i64>().is_ok());
    let (Some(places), false) = (places, names_are_numbers || numbers.is_stars) else {
        return false;
    };
    let last = places.iter().max().copied().unwrap_or(0);
    let count = names.keys().len();
    last < count || last == count && !places.contains(&0)
}

fn apart(truth: &Labels, predicted: &Labels) -> Apart {
    let size = truth.spellings.len().max(predicted.spellings.len());
    let mut counts = vec![vec![0_u64; size]; size];
    for (one, other) in truth.values.iter().zip(&predicted.values) {
        counts[*one as usize][*other as usize] += 1;
    }
    let named = maximum_assignment(&counts);
    let mut pairs = BTreeMap::new();
    let mut matched = 0;
    for (class, label) in truth.spellings.iter().enumerate() {
        matched += counts[class][named[class]];
        if let Some(other) = predicted.spellings.get(named[class]) {
            pairs.insert(label.clone(), other.clone());
        }
    }
    Apart {
        truth: sorted(&truth.spellings),
        predicted: sorted(&predicted.spellings),
        pairs: pairs.into_iter().collect(),
        matched,
        rows: truth.values.len() as u64,
    }
}

fn sorted(labels: &[String]) -> Vec<String> {
    let mut labels = labels.to_vec();
    labels.sort();
    labels
}

#[cfg(test)]
mod tests {
    use labelproof_artifact::Silent;
    use labelproof_artifact::fs::write_atomic;

    use super::*;
    use crate::evidence::Evidence;
    use crate::files::{Files, read};

    /// Reads a test file of true and predicted labels.
    fn evidence(rows: &[(&str, &str)]) -> Evidence {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("test.tsv");
        let lines = rows
            .iter()
            .map(|(truth, predicted)| format!("{truth}\t{predicted}\n"));
        let text = std::iter::once("label\tpredicted\n".to_owned())
            .chain(lines)
            .collect::<String>();
        write_atomic(&path, text.as_bytes()).unwrap();
        let files = Files {
            test: Some(path),
            ..Files::default()
        };
        read(&files, &Silent).unwrap()
    }

    /// Checks the classes of rows, each given ten times so that none is there by chance, and how many are
    /// right.
    #[track_caller]
    fn check(rows: &[(&str, &str)], labels: &[&str], right: usize, how: &[Join]) {
        let many: Vec<(&str, &str)> = rows.iter().flat_map(|row| [*row; 10]).collect();
        let evidence = evidence(&many);
        assert_eq!(evidence.dataset.labels, labels);
        let part = evidence.dataset.test.unwrap();
        let hits = part
            .truth
            .unwrap()
            .iter()
            .zip(part.stored_predictions.unwrap())
            .filter(|(one, other)| *one == other)
            .count();
        assert_eq!(hits, 10 * right);
        let joined: Vec<Join> = part.joined.iter().map(|joined| joined.how).collect();
        assert_eq!(joined, how);
    }

    #[test]
    fn forms_of_a_number_are_that_number() {
        use Join::Form;
        let three = ["0", "1", "2"];
        check(
            &[("0", "LABEL_0"), ("1", "LABEL_1"), ("2", "LABEL_0")],
            &three,
            2,
            &[Form],
        );
        check(
            &[("class_0", "0"), ("class_1", "1"), ("class_2", "0")],
            &three,
            2,
            &[Form],
        );
        check(
            &[
                ("LABEL_2", "class 2"),
                ("LABEL_0", "class 0"),
                ("LABEL_1", "class 0"),
            ],
            &three,
            2,
            &[Form, Form],
        );
        check(
            &[
                ("0", "tensor(0)"),
                ("1", "tensor(1)"),
                ("2", "tensor(2, device='cuda:0')"),
            ],
            &three,
            3,
            &[Form],
        );
        check(&[("0", "[0]"), ("1", "[1]"), ("2", "[0]")], &three, 2, &[Form]);
        check(
            &[("0", "np.int64(0)"), ("1", "np.int64(1)"), ("2", "np.int64(1)")],
            &three,
            2,
            &[Form],
        );
        check(&[("0", "C0"), ("1", "C1"), ("2", "C1")], &three, 2, &[Form]);
        check(
            &[("0", "__label__0"), ("1", "__label__1"), ("2", "__label__2")],
            &three,
            3,
            &[Form],
        );
        check(
            &[("1", "True"), ("0", "False"), ("1", "False")],
            &["0", "1"],
            2,
            &[Form],
        );
        check(
            &[("yes", "1"), ("no", "0"), ("yes", "0")],
            &["0", "1"],
            2,
            &[Form],
        );
        check(&[("-1", "0"), ("1", "1"), ("1", "0")], &["0", "1"], 2, &[Form]);
        check(
            &[
                ("1", "1 star"),
                ("2", "2 stars"),
                ("3", "4 stars"),
                ("4", "4 stars"),
            ],
            &["1", "2", "3", "4"],
            3,
            &[Form],
        );
        check(
            &[("1", "★"), ("2", "★★☆"), ("3", "★★★")],
            &["1", "2", "3"],
            3,
            &[Form],
        );
        check(
            &[("01", "1.0"), ("02", "2.0"), ("10", "10.0")],
            &["1", "2", "10"],
            3,
            &[Form],
        );
    }

    #[test]
    fn names_in_another_form_are_those_names() {
        use Join::{Form, Words};
        let two = ["sport", "world"];
        check(
            &[("sport", "__label__sport"), ("world", "__label__world")],
            &two,
            2,
            &[Form],
        );
        check(
            &[("__label__sport", "sport"), ("__label__world", "sport")],
            &two,
            1,
            &[Form],
        );
        check(
            &[("sport", "['sport']"), ("world", "['world']")],
            &two,
            2,
            &[Form],
        );
        check(&[("sport", "B-sport"), ("world", "B-world")], &two, 2, &[Form]);
        check(
            &[("sport", "news/sport"), ("world", "news/world")],
            &two,
            2,
            &[Form],
        );
        check(
            &[("sport", "sport.txt"), ("world", "world.txt")],
            &two,
            2,
            &[Form],
        );
        check(
            &[("positive", "POS"), ("negative", "NEG"), ("neutral", "NEU")],
            &["negative", "neutral", "positive"],
            3,
            &[Words],
        );
        check(
            &[("Sci/Tech", "sci_tech"), ("Real Estate", "real_estate")],
            &["Real Estate", "Sci/Tech"],
            2,
            &[Words],
        );
        // Some are the same, and some are not.
        check(
            &[
                ("Sci/Tech", "sci_tech"),
                ("World News", "world_news"),
                ("Sports", "sports"),
            ],
            &["Sci/Tech", "Sports", "World News"],
            3,
            &[Words],
        );
        check(&[("0: sport", "sport"), ("1: world", "world")], &two, 2, &[Form]);
        check(
            &[("rec.autos", "autos"), ("sci.med", "med")],
            &["rec.autos", "sci.med"],
            2,
            &[Words],
        );
        // With no prefix in common but letters, nothing is taken off.
        let part = evidence(&[("sport", "spa"), ("world", "spring")].repeat(10))
            .dataset
            .test
            .unwrap();
        assert!(part.joined.is_empty() && part.apart.is_some());
    }

    #[test]
    fn numbers_from_one_and_from_zero_are_off_by_one() {
        use Join::{Form, OffByOne};
        let rows = [("1", "0"), ("2", "1"), ("3", "2"), ("3", "0"), ("1", "0")];
        check(&rows, &["1", "2", "3"], 4, &[OffByOne]);
        let rows = rows.map(|(truth, predicted)| (predicted, truth));
        check(&rows, &["0", "1", "2"], 4, &[OffByOne]);
        // Stars begin with one; that is how stars are.
        check(
            &[
                ("1 star", "0"),
                ("2 stars", "1"),
                ("3 stars", "2"),
                ("3 stars", "0"),
            ],
            &["1", "2", "3"],
            3,
            &[Form, Form],
        );
        // A class 0 that no row has, and a model that is right.
        check(
            &[("1", "1"), ("2", "2"), ("3", "3"), ("3", "0"), ("1", "0")],
            &["0", "1", "2", "3"],
            3,
            &[],
        );
    }

    #[test]
    fn numbers_that_end_names_are_sorted_as_numbers() {
        use Join::Places;
        let labels = ["topic1", "topic2", "topic10"];
        check(
            &[("topic10", "topic10"), ("topic2", "topic2"), ("topic1", "topic2")],
            &labels,
            2,
            &[],
        );
        check(
            &[("world", "1"), ("sport", "0")],
            &["sport", "world"],
            2,
            &[Places],
        );
        check(
            &[("world", "2"), ("sport", "1")],
            &["sport", "world"],
            2,
            &[Places],
        );
        check(
            &[("world", "LABEL_1"), ("sport", "LABEL_0")],
            &["sport", "world"],
            2,
            &[Join::Form, Places],
        );
    }

    /// A list of classes that is not in the order of the alphabet, as `LABEL_0` for `entailment`.
    #[test]
    fn an_order_that_nobody_gave_is_that_which_fits() {
        let rows = [
            ("entailment", "0"),
            ("neutral", "1"),
            ("contradiction", "2"),
            ("neutral", "2"),
        ];
        let part = evidence(&rows.repeat(40)).dataset.test.unwrap();
        let fitted = part.fitted.clone().unwrap();
        assert_eq!(fitted.order, ["entailment", "neutral", "contradiction"]);
        // In the alphabet's order contradiction is 0, entailment 1 and neutral 2.
        assert_eq!((fitted.hits, fitted.alphabet, fitted.rows), (120, 40, 160));
        assert_eq!(part.truth.unwrap()[..4], [1, 2, 0, 2]);
        assert_eq!(part.stored_predictions.unwrap()[..4], [1, 2, 0, 0]);
        let right = evidence(&[("a", "0"), ("b", "1"), ("b", "0")].repeat(10))
            .dataset
            .test
            .unwrap();
        assert_eq!(right.fitted, None);
    }

    #[test]
    fn labels_without_any_in_common_are_left_aside() {
        let rows = [
            ("negative", "1 star"),
            ("positive", "5 stars"),
            ("positive", "4 stars"),
            ("negative", "2 stars"),
            ("positive", "5 stars"),
        ];
        let part = evidence(&rows.repeat(10)).dataset.test.unwrap();
        assert_eq!(part.stored_predictions, None);
        let apart = part.apart.unwrap();
        assert_eq!((apart.matched, apart.rows), (30, 50));
        // Two classes of a model may be missing among few rows.
        let few = evidence(&[("a", "c"), ("b", "d")]).dataset.test.unwrap();
        assert!(few.apart.is_none() && few.stored_predictions.is_some());
    }
}
