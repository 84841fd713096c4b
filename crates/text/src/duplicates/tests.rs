use super::bucket::Bucket;
use super::*;
use crate::shingles::{ODD, are_similar, mix, shingle_set};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::num::NonZeroU32;

const GOLDEN_EXACT: [u8; 16] = [
    18, 55, 170, 35, 187, 20, 40, 1, 204, 81, 183, 103, 170, 72, 220, 238,
];
const GOLDEN_FIRST_BAND: u64 = 0xf8a4_cc07_9a37_1a4d;
const GOLDEN_LAST_BAND: u64 = 0xc28b_dfb0_54c5_03f9;
const GOLDEN_WORD_BAND: u64 = 0xc780_feb4_1f71_5083;

/// Random numbers that are the same on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(ODD);
        usize::try_from(mix(self.0) % limit as u64).expect("below a usize")
    }
}

/// Sentences in which a few words are common and most are rare, as in real ones.
fn sentence(random: &mut Random, words: usize) -> Vec<String> {
    (0..words)
        .map(|_| {
            let rank = random.below(30).min(random.below(30));
            format!(
                "{}{}",
                ["con", "pro", "re", "in", "main"][rank % 5],
                rank * (1 + random.below(40))
            )
        })
        .collect()
}

/// Texts of which most are edited copies of earlier ones.
fn corpus(rows: usize) -> Vec<String> {
    let mut random = Random(7);
    let mut texts: Vec<Vec<String>> = Vec::new();
    for _ in 0..rows {
        let mut text = if texts.len() < 10 || random.below(3) == 0 {
            let words = 8 + random.below(60);
            sentence(&mut random, words)
        } else {
            let original = random.below(texts.len());
            texts[original].clone()
        };
        for _ in 0..random.below(5) {
            let at = random.below(text.len());
            text[at] = format!("edit{}", random.below(1000));
        }
        texts.push(text);
    }
    texts.into_iter().map(|words| words.join(" ")).collect()
}

fn group_texts(texts: &[String], settings: &NearDuplicates) -> Vec<u32> {
    let read = |rows: &[usize]| -> Result<_, Infallible> {
        assert!(rows.is_sorted());
        Ok(rows.iter().map(|&row| texts[row].clone()).collect())
    };
    match group(&sketch_batch(texts, settings), settings, read) {
        Ok(groups) => groups,
    }
}

#[track_caller]
fn check(texts: &[&str], expected: &[u32]) {
    let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
    assert_eq!(
        group_texts(&texts, &NearDuplicates::default()),
        expected,
        "groups of {texts:?}"
    );
}

#[test]
fn copies_are_grouped_under_their_first_row() {
    let long = "Provision of grounds maintenance services to the county council of Norfolk and its districts";
    let edited = long.replace("Norfolk", "Suffolk");
    check(&[], &[]);
    check(&["a", "b", "A ", "", " "], &[0, 1, 0, 3, 3]);
    check(
        &["other", long, &edited, &long.to_uppercase(), "other one"],
        &[0, 1, 1, 1, 4],
    );
    check(&["abc", "abd"], &[0, 1]);
}

#[test]
fn exact_groups_need_no_sketch() {
    let digests: Vec<[u8; 16]> = ["b", "a", "B", "a"].map(exact_digest).to_vec();
    assert_eq!(group_exact(&digests), [0, 1, 0, 1]);
}

#[test]
fn sketches_never_change() {
    // The bands equal those of an independent implementation in Python; the groups in older artifacts
    // depend on these values.
    let sketch = sketch(
        "Provision of grounds  maintenance — Größe",
        &NearDuplicates::default(),
    );
    assert_eq!(sketch.exact, GOLDEN_EXACT);
    assert_eq!(sketch.bands[0], GOLDEN_FIRST_BAND);
    assert_eq!(sketch.bands[15], GOLDEN_LAST_BAND);
    let words = NearDuplicates {
        shingle: Shingle::Words(NonZeroU32::MIN),
        threshold: 0.8,
    };
    assert_eq!(super::sketch("one two", &words).bands[3], GOLDEN_WORD_BAND);
}

#[test]
fn near_duplicates_are_those_of_brute_force() {
    let texts = corpus(700);
    let settings = NearDuplicates::default();
    let groups = group_texts(&texts, &settings);
    let sets: Vec<Vec<u64>> = texts
        .iter()
        .map(|text| shingle_set(&normalized_key(text), settings.shingle))
        .collect();
    let mut closure = Components::new(texts.len());
    let (mut certain, mut similar, mut found) = (0, 0, 0_usize);
    for (one, one_set) in (0..).zip(&sets) {
        for (other, other_set) in (0..).zip(&sets).take(one as usize) {
            let together = groups[one as usize] == groups[other as usize];
            if are_similar(one_set, other_set, 0.9) {
                assert!(together, "rows {one} and {other} are nearly equal");
                certain += 1;
            }
            if are_similar(one_set, other_set, settings.threshold) {
                closure.unite(one, other);
                similar += 1;
                found += usize::from(together);
            }
        }
    }
    assert!(
        certain > 200 && similar > certain,
        "the corpus has {certain} and {similar} pairs"
    );
    assert!(found * 100 > 95 * similar, "{found} of {similar} pairs found");
    // Nothing is united that no chain of similar pairs unites.
    for (row, &group) in (0..).zip(&groups) {
        assert!(closure.are_united(row, group), "rows {row} and {group}");
    }
}

#[test]
fn threads_do_not_change_groups() {
    let texts = corpus(400);
    let expected = group_texts(&texts, &NearDuplicates::default());
    for threads in [1, 2, 7] {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .expect("threads can start");
        let groups = pool.install(|| group_texts(&texts, &NearDuplicates::default()));
        assert_eq!(groups, expected, "{threads} threads");
    }
}

#[test]
fn row_order_does_not_change_the_partition() {
    let texts = corpus(400);
    let groups = group_texts(&texts, &NearDuplicates::default());
    let mut order: Vec<usize> = (0..texts.len()).collect();
    let mut random = Random(3);
    for last in (1..order.len()).rev() {
        order.swap(last, random.below(last + 1));
    }
    let shuffled: Vec<String> = order.iter().map(|&row| texts[row].clone()).collect();
    let shuffled_groups = group_texts(&shuffled, &NearDuplicates::default());
    for (one, &one_row) in order.iter().enumerate() {
        for (other, &other_row) in order.iter().enumerate() {
            assert_eq!(
                shuffled_groups[one] == shuffled_groups[other],
                groups[one_row] == groups[other_row],
                "rows {one_row} and {other_row}"
            );
        }
    }
}

/// The groups by [`Bucket`] alone, each bucket on its own and the last one first, as machines
/// that know nothing of each other would find them.
fn group_bucket_by_bucket(texts: &[String], settings: &NearDuplicates) -> Vec<u32> {
    let sketches = sketch_batch(texts, settings);
    let mut first_rows: BTreeMap<[u8; 16], u32> = BTreeMap::new();
    for (row, sketch) in (0..).zip(&sketches) {
        first_rows.entry(sketch.exact).or_insert(row);
    }
    let mut components = Components::new(texts.len());
    let mut buckets: BTreeMap<(usize, u64), Vec<u32>> = BTreeMap::new();
    for (&digest, &first) in &first_rows {
        for (band, &hash) in sketches[first as usize].bands.iter().enumerate() {
            buckets.entry((band, hash)).or_default().push(first);
        }
        for (row, _) in (0..).zip(&sketches).filter(|(_, sketch)| sketch.exact == digest) {
            components.unite(first, row);
        }
    }
    for rows in buckets.values().rev() {
        let mut bucket = Bucket::default();
        for &row in rows {
            for other in bucket.add(&texts[row as usize], settings) {
                components.unite(rows[other as usize], row);
            }
        }
    }
    components.into_roots()
}

#[test]
fn buckets_on_their_own_give_the_same_groups() {
    let settings = NearDuplicates::default();
    let mut texts = corpus(700);
    // A bucket that goes over several chunks, of texts that no comparison of an earlier band knows.
    let filling = sentence(&mut Random(5), 12).join(" ");
    texts.extend((0..5000).map(|row| format!("{filling} {}", row * 7919)));
    let groups = group_texts(&texts, &settings);
    assert_eq!(groups, group_bucket_by_bucket(&texts, &settings));
    let alone = (0..).zip(&groups).filter(|&(row, &group)| row == group).count();
    assert!((100..5000).contains(&alone), "{alone} groups");
}

#[test]
fn copies_of_one_template_ask_for_few_texts() {
    let filling: Vec<String> = sentence(&mut Random(1), 80);
    let texts: Vec<String> = (0..10_000)
        .map(|row| format!("{} number {row}", filling.join(" ")))
        .collect();
    let settings = NearDuplicates::default();
    let asked = Cell::new(0);
    let groups = group(&sketch_batch(&texts, &settings), &settings, |rows| {
        asked.set(asked.get() + rows.len());
        Ok::<_, Infallible>(rows.iter().map(|&row| texts[row].clone()).collect())
    });
    match groups {
        Ok(groups) => assert!(groups.iter().all(|&group| group == 0)),
    }
    assert!(asked.get() < 25_000, "asked for {} texts", asked.get());
}

#[test]
fn errors_of_the_reader_come_back() {
    let text = "a text that is there twice but for its very end, one";
    let texts = [text, &text.replace("one", "two")];
    let settings = NearDuplicates::default();
    let result = group(&sketch_batch(&texts, &settings), &settings, |_| {
        Err::<Vec<String>, _>("disk on fire")
    });
    assert_eq!(result, Err("disk on fire"));
}

#[test]
fn settings_are_written_as_documented() {
    let settings: NearDuplicates =
        serde_yaml::from_str("shingle: { words: 3 }\nthreshold: 0.9").expect("as documented");
    assert_eq!(
        serde_yaml::to_string(&settings).expect("no odd keys"),
        "shingle:\n  words: 3\nthreshold: 0.9\n"
    );
    assert_eq!(
        serde_json::from_str::<NearDuplicates>("{}").expect("defaults"),
        NearDuplicates::default()
    );
    assert!(serde_yaml::from_str::<NearDuplicates>("treshold: 0.9").is_err());
    assert!(settings.check().is_ok());
    for threshold in [0.5, 1.01, f64::NAN] {
        assert!(
            NearDuplicates {
                threshold,
                ..settings
            }
            .check()
            .is_err(),
            "{threshold}"
        );
    }
}
