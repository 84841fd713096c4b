//! What preprocessing does to each text: cleaning, tokenising, and the sketch that finds its copies.
//!
//! Each function has a measured part of its own, by whose name callgrind counts its instructions (see
//! `benchmarks/speed/instructions.sh`): on a busy machine a count says more than a time.

use std::path::{Path, PathBuf};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use labelproof_artifact::fs;
use labelproof_text::cleaning::{Cleaner, Step, UnicodeForm};
use labelproof_text::duplicates::{NearDuplicates, Sketch, sketch};
use labelproof_text::tokenizer::{Encoding, Tokenizer};

const ARTICLES: usize = 50;

fn external(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../external")
        .join(path)
}

/// Some articles of the sample data.
fn articles() -> Vec<String> {
    let folder = external("data/bbc-news/business");
    let mut paths = fs::files_below(&folder).expect("`make setup` fetches the sample data");
    paths.truncate(ARTICLES);
    let read = |path: &PathBuf| String::from_utf8_lossy(&fs::read(path).expect("it is there")).into_owned();
    paths.iter().map(read).collect()
}

#[inline(never)]
fn measured_cleaning(cleaner: &Cleaner, texts: &[String]) -> usize {
    texts.iter().map(|text| cleaner.clean(text).len()).sum()
}

#[inline(never)]
fn measured_tokenising(tokenizer: &Tokenizer, texts: &[String]) -> Vec<Encoding> {
    let encode = |text: &String| tokenizer.encode(text, 512).expect("any text is encoded");
    texts.iter().map(encode).collect()
}

#[inline(never)]
fn measured_sketching(settings: &NearDuplicates, texts: &[String]) -> Vec<Sketch> {
    texts.iter().map(|text| sketch(text, settings)).collect()
}

fn benchmarks(criterion: &mut Criterion) {
    let texts = articles();
    let bytes = texts.iter().map(|text| text.len() as u64).sum();
    let mut group = criterion.benchmark_group("text");
    group.throughput(Throughput::Bytes(bytes));
    let cleaner = Cleaner::new(&[Step::Unicode(UnicodeForm::Nfc), Step::Html, Step::Whitespace])
        .expect("these steps need nothing");
    group.bench_function("cleaning", |bencher| {
        bencher.iter(|| measured_cleaning(&cleaner, &texts));
    });
    let file = external("encoders/all-minilm-l6-v2/tokenizer.json");
    let tokenizer = Tokenizer::from_file(file).expect("`make setup` fetches the sample encoder");
    group.bench_function("tokenising", |bencher| {
        bencher.iter(|| measured_tokenising(&tokenizer, &texts));
    });
    let settings = NearDuplicates::default();
    group.bench_function("sketching", |bencher| {
        bencher.iter(|| measured_sketching(&settings, &texts));
    });
    group.finish();
}

criterion_group!(text, benchmarks);
criterion_main!(text);
