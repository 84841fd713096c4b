//! Data sets as their publishers count them.

use super::*;

/// Runs over a file of the real data sets; none where they are absent.
fn run_on(file: &str, columns: &str) -> Option<Output> {
    let data = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data"));
    if !data.join(file).exists() {
        skipped(file);
        return None;
    }
    let params =
        format!("format: csv\npaths: [{file}]\ncolumns: {{text: text, label: label, id: id{columns}}}\n");
    let params: Params = serde_yaml::from_str(&params).unwrap();
    let world = World::new();
    let recorder = Recorder::default();
    run(&params, &data, world.out.path(), &recorder).unwrap();
    Some(Output {
        documents: world.table(),
        rejects: world.table(),
        labels: world.labels(),
        message: recorder.text(),
    })
}

#[expect(clippy::print_stderr, reason = "a skipped test must say so")]
fn skipped(file: &str) {
    eprintln!("skipped: shared/data/{file} is not here");
}

#[track_caller]
fn check(output: Option<Output>, documents: usize, labels: &[(&str, usize)]) {
    let Some(output) = output else { return };
    assert_eq!((output.documents.len(), output.rejects.len()), (documents, 0));
    for (label, expected) in labels {
        let count = output
            .documents
            .iter()
            .filter(|document| document.label == *label)
            .count();
        assert_eq!(count, *expected, "{label}");
    }
}

#[test]
fn counts_are_those_of_the_publishers() {
    let ag_news = [
        ("Business", 1900),
        ("Sci/Tech", 1900),
        ("Sports", 1900),
        ("World", 1900),
    ];
    check(run_on("ag_news_test.csv", ""), 7600, &ag_news);
    let trec = [
        ("ENTY", 1344),
        ("DESC", 1300),
        ("HUM", 1288),
        ("NUM", 1009),
        ("LOC", 916),
        ("ABBR", 95),
    ];
    check(run_on("trec6.csv", ", split: extra"), 5952, &trec);
    check(run_on("sms_spam.csv", ""), 5574, &[("ham", 4827), ("spam", 747)]);
}

#[test]
fn newsgroups_come_with_their_split_and_their_lengths() {
    let Some(output) = run_on("20news_bydate.csv.gz", ", split: extra") else {
        return;
    };
    let of = |split| {
        output
            .documents
            .iter()
            .filter(|document| document.split == Some(split))
            .count()
    };
    assert_eq!((of(Split::Train), of(Split::Test)), (11_314, 7_532));
    let longest = output
        .documents
        .iter()
        .map(|document| document.text.chars().count())
        .max();
    assert_eq!(longest, Some(160_497));
    assert_eq!(output.labels.len(), 20);
    check(
        Some(output),
        18_846,
        &[("rec.sport.hockey", 999), ("talk.religion.misc", 628)],
    );
}
