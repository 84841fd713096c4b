//! How many of the similar pairs of texts preprocessing finds, beside a comparison of all pairs, and how long
//! it takes.
//!
//! `cargo bench --profile dev -p labelproof-text --bench duplicates` prints a table for BBC News, notices that are
//! filled-in templates, and texts of which most are edited copies. The comparison of all pairs is exact, and
//! written anew: sets of strings, candidates by the rarest pieces of a text (Bayardo, Ma and Srikant, Scaling
//! up all pairs similarity search, 2007). Given a number, it groups so many texts alone, and prints the time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::convert::Infallible;
use std::path::Path;
use std::time::Instant;

use labelproof_artifact::fs;
use labelproof_text::duplicates::{NearDuplicates, group, sketch_batch};
use labelproof_text::normalized_key;

/// The default threshold, as a fraction.
const THRESHOLD: (usize, usize) = (4, 5);

/// Texts of the synthetic corpora.
const TEXTS: usize = 50_000;

fn main() {
    let number = std::env::args().find_map(|argument| argument.parse::<usize>().ok());
    if let Some(rows) = number {
        time_alone("edited copies", &edited_copies(rows));
        time_alone("one template", &one_template(rows));
        return;
    }
    print_line("texts\trows\tseconds\tsimilar pairs\tfound\trows in another group than by all pairs");
    for (name, texts) in [
        ("BBC News", bbc()),
        ("filled-in templates", templates(10_000)),
        ("edited copies", edited_copies(TEXTS)),
        ("one template", one_template(10_000)),
    ] {
        compare(name, &texts);
    }
}

#[expect(clippy::print_stdout, reason = "a benchmark's result is what it prints")]
fn print_line(line: &str) {
    println!("{line}");
}

fn grouped(texts: &[String]) -> (f64, Vec<u32>) {
    let settings = NearDuplicates::default();
    let sketches = sketch_batch(texts, &settings);
    let read = |rows: &[usize]| -> Result<Vec<String>, Infallible> {
        Ok(rows.iter().map(|&row| texts[row].clone()).collect())
    };
    let start = Instant::now();
    let Ok(groups) = group(&sketches, &settings, read);
    (start.elapsed().as_secs_f64(), groups)
}

fn time_alone(name: &str, texts: &[String]) {
    let mut seconds: Vec<f64> = (0..5).map(|_| grouped(texts).0).collect();
    seconds.sort_by(f64::total_cmp);
    print_line(&format!("{name}\t{}\t{:.2}", texts.len(), seconds[2]));
}

fn compare(name: &str, texts: &[String]) {
    let (seconds, groups) = grouped(texts);
    let pairs = all_similar_pairs(texts);
    let found = pairs
        .iter()
        .filter(|&&(one, other)| groups[one] == groups[other])
        .count();
    let truth = components(texts.len(), &pairs);
    let differ = different_rows(&groups, &truth);
    print_line(&format!(
        "{name}\t{}\t{seconds:.2}\t{}\t{found} ({:.2} %)\t{differ}",
        texts.len(),
        pairs.len(),
        100.0 * found as f64 / pairs.len().max(1) as f64
    ));
}

/// The number of rows whose group has other members than that of the truth.
fn different_rows(groups: &[u32], truth: &[usize]) -> usize {
    let mut members: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    let mut true_members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (row, (&group, &root)) in groups.iter().zip(truth).enumerate() {
        members.entry(group).or_default().push(row);
        true_members.entry(root).or_default().push(row);
    }
    let rows = groups.iter().zip(truth);
    rows.filter(|&(group, root)| members[group] != true_members[root])
        .count()
}

fn components(rows: usize, pairs: &[(usize, usize)]) -> Vec<usize> {
    let mut roots: Vec<usize> = (0..rows).collect();
    for &(one, other) in pairs {
        let (one, other) = (root(&mut roots, one), root(&mut roots, other));
        roots[one.max(other)] = one.min(other);
    }
    (0..rows).map(|row| root(&mut roots, row)).collect()
}

fn root(roots: &mut [usize], mut row: usize) -> usize {
    while roots[row] != row {
        roots[row] = roots[roots[row]];
        row = roots[row];
    }
    row
}

/// All pairs of texts whose pieces of five characters overlap by the threshold.
fn all_similar_pairs(texts: &[String]) -> Vec<(usize, usize)> {
    let threshold = THRESHOLD.0 as f64 / THRESHOLD.1 as f64;
    let pieces: Vec<BTreeSet<String>> = texts.iter().map(|text| pieces(text)).collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for piece in pieces.iter().flatten() {
        *counts.entry(piece).or_default() += 1;
    }
    let mut by_rarity: Vec<(usize, &str)> = counts.iter().map(|(piece, count)| (*count, *piece)).collect();
    by_rarity.sort_unstable();
    let rank: HashMap<&str, usize> = (0..)
        .zip(&by_rarity)
        .map(|(rank, (_, piece))| (*piece, rank))
        .collect();
    let sets: Vec<Vec<usize>> = pieces
        .iter()
        .map(|pieces| {
            let mut set: Vec<usize> = pieces.iter().map(|piece| rank[piece.as_str()]).collect();
            set.sort_unstable();
            set
        })
        .collect();
    let mut index: HashMap<usize, Vec<usize>> = HashMap::new();
    let mut pairs = Vec::new();
    // The last text that a text was a candidate of.
    let mut candidate_of = vec![usize::MAX; sets.len()];
    for (row, set) in sets.iter().enumerate() {
        // Two sets that are similar have one of their rarest pieces in common.
        let (numerator, denominator) = THRESHOLD;
        let prefix = set.len() - (set.len() * numerator).div_ceil(denominator) + 1;
        let mut candidates = Vec::new();
        for piece in &set[..prefix.min(set.len())] {
            let rows = index.entry(*piece).or_default();
            for &other in &*rows {
                if candidate_of[other] != row {
                    candidate_of[other] = row;
                    candidates.push(other);
                }
            }
            rows.push(row);
        }
        let are_similar = |other: &usize| jaccard_is_at_least(set, &sets[*other], threshold);
        pairs.extend(
            candidates
                .into_iter()
                .filter(are_similar)
                .map(|other| (other, row)),
        );
    }
    pairs
}

fn jaccard_is_at_least(one: &[usize], other: &[usize], threshold: f64) -> bool {
    let (smaller, larger) = (one.len().min(other.len()), one.len().max(other.len()));
    if (smaller as f64) < threshold * larger as f64 {
        return false;
    }
    let (mut left, mut right, mut common) = (0, 0, 0);
    while left < one.len() && right < other.len() {
        match one[left].cmp(&other[right]) {
            std::cmp::Ordering::Less => left += 1,
            std::cmp::Ordering::Greater => right += 1,
            std::cmp::Ordering::Equal => (left, right, common) = (left + 1, right + 1, common + 1),
        }
    }
    common as f64 >= threshold * (one.len() + other.len() - common) as f64
}

/// The distinct runs of five characters of a text in normal form.
fn pieces(text: &str) -> BTreeSet<String> {
    let characters: Vec<char> = normalized_key(text).chars().collect();
    if characters.len() < 5 {
        return BTreeSet::from([characters.iter().collect()]);
    }
    characters
        .windows(5)
        .map(|window| window.iter().collect())
        .collect()
}

const ALPHABET: &[u8; 26] = b"abcdefghijklmnopqrstuvwxyz";

/// Random numbers that are the same on every machine (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).expect("a usize has 64 bits") % limit
    }

    /// Words of which a few are frequent and most are rare, as in real texts.
    fn words(&mut self, count: usize) -> Vec<String> {
        let word = |rank: usize| -> String {
            let mut letters = Self(rank as u64 + 1);
            let length = 3 + letters.below(3) + letters.below(5);
            (0..length)
                .map(|_| char::from(ALPHABET[letters.below(26)]))
                .collect()
        };
        (0..count)
            .map(|_| {
                let share = self.below(1000);
                word(200_000 * share.pow(4) / 1000_usize.pow(4))
            })
            .collect()
    }
}

fn bbc() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../external/data/bbc-news");
    let paths = fs::files_below(&folder).expect("`make setup` fetches the sample data");
    let texts = paths
        .iter()
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"));
    texts
        .map(|path| String::from_utf8_lossy(&fs::read(path).expect("it is there")).into_owned())
        .collect()
}

/// Notices of tenders: one of forty long forms, with a buyer, an object, a value and a date of its own.
fn templates(rows: usize) -> Vec<String> {
    let mut random = Random(1);
    let forms: Vec<String> = (0..40).map(|_| random.words(60).join(" ")).collect();
    (0..rows)
        .map(|row| {
            let form = &forms[random.below(forms.len())];
            let count = 4 + random.below(40);
            let object = random.words(count).join(" ");
            format!("{form} {object} value {} notice {row}", 1000 * random.below(900))
        })
        .collect()
}

/// Texts of which two thirds are earlier ones with up to eight words exchanged.
fn edited_copies(rows: usize) -> Vec<String> {
    let mut random = Random(7);
    let mut texts: Vec<Vec<String>> = Vec::new();
    for _ in 0..rows {
        let mut text = if texts.len() < 10 || random.below(3) == 0 {
            let count = 12 + random.below(60);
            random.words(count)
        } else {
            let original = random.below(texts.len());
            texts[original].clone()
        };
        for _ in 0..random.below(9) {
            let place = random.below(text.len());
            text[place] = format!("edit{}", random.below(5000));
        }
        texts.push(text);
    }
    texts.into_iter().map(|words| words.join(" ")).collect()
}

fn one_template(rows: usize) -> Vec<String> {
    let form = Random(3).words(80).join(" ");
    (0..rows).map(|row| format!("{form} number {row}")).collect()
}
