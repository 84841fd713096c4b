//! Texts on lines: fastText's format, labels in a file of their own, and labels in the names of files.

use super::*;

/// `text/label` of each document, in the order of the texts.
fn texts_of(output: &Output) -> Vec<String> {
    let mut rows: Vec<_> = output
        .documents
        .iter()
        .map(|document| format!("{}/{}", document.text, document.label))
        .collect();
    rows.sort();
    rows
}

#[test]
fn fasttext_has_its_label_before_the_text() {
    let content = b"__label__s , a \"quoted text\r\n\n__label__t b\nc __label__s\n";
    let world = World::with(&[("a.txt", content)]);
    let output = world.run("{format: fasttext, paths: [a.txt]}").unwrap();
    assert_eq!(texts_of(&output), [", a \"quoted text/s", "b/t", "c/s"]);
    check_rejects(
        "a.txt",
        b"__label__s a\n__label__t b\n__label__s __label__t c\nd\n__label__s\n__label__s \xff\n",
        "format: fasttext\npaths: [a.txt]\n",
        &[
            "a.txt:3: several labels: the label has 2 labels: `s`, `t`",
            "a.txt:4: missing label: no word begins with `__label__` and a label",
            "a.txt:5: empty text: the text is empty",
            "a.txt:6: not utf-8: the line has the byte 0xFF at offset 11; if the source is not UTF-8, say \
             what it is in `ingest.encoding`",
        ],
    );
}

const PAIR: &str = "{format: lines, paths: [a.txt], label_paths: [b.txt]}";

#[test]
fn labels_may_be_the_lines_of_another_file() {
    let world = World::with(&[("a.txt", b"one\ntwo \"x\nthree\n\n"), ("b.txt", b"s\r\nt\r\ns")]);
    let output = world.run(PAIR).unwrap();
    assert_eq!(texts_of(&output), ["one/s", "three/s", "two \"x/t"]);
    assert!(
        output
            .message
            .starts_with("the labels of `a.txt` are the lines of `b.txt`\n"),
        "{}",
        output.message
    );
    // By the place in the lists, and not by name.
    let world = World::with(&[
        ("a.txt", b"one\n"),
        ("z.txt", b"two\n"),
        ("1.txt", b"t\n"),
        ("2.txt", b"s\n"),
    ]);
    let output = world
        .run("{format: lines, paths: [a.txt, z.txt], label_paths: [2.txt, 1.txt]}")
        .unwrap();
    assert_eq!(texts_of(&output), ["one/s", "two/t"]);
}

#[test]
fn files_that_do_not_belong_together_are_refused_with_both_counts() {
    let hint = "the label of a text is on the same line of the other file: look for a line that is missing, \
                or for a text that has a line break in it";
    for (texts, labels, message) in [
        (
            &b"one\ntwo\nthree\n"[..],
            &b"s\nt\n"[..],
            "`a.txt` has 3 lines and `b.txt` has 2 lines",
        ),
        (
            b"one\n",
            b"s\nt\n\ns\n",
            "`a.txt` has 1 line and `b.txt` has 4 lines",
        ),
    ] {
        let world = World::with(&[("a.txt", texts), ("b.txt", labels)]);
        check_failure(&world.run(PAIR).unwrap_err(), message, &[hint]);
    }
    let world = World::with(&[("a/1.txt", b"x"), ("a/2.txt", b"y"), ("b.txt", b"s")]);
    check_failure(
        &world
            .run("{format: lines, paths: ['a/*.txt'], label_paths: [b.txt]}")
            .unwrap_err(),
        "`a/*.txt` names 2 files and `b.txt` names 1 file",
        &[
            "name as many files of labels in `ingest.label_paths` as of texts in `ingest.paths`, in the same order",
        ],
    );
}

#[test]
fn labels_may_be_in_the_names_of_files() {
    let world = World::with(&[
        ("rt-polarity.pos", b"good\n\nfine\n"),
        ("rt-polarity.neg", b"bad\n"),
    ]);
    let output = world.run("{format: lines, paths: ['rt-*']}").unwrap();
    assert_eq!(texts_of(&output), ["bad/neg", "fine/pos", "good/pos"]);
    let world = World::with(&[("part-000.txt", b"a\n"), ("part-001.txt", b"b\n")]);
    check_failure(
        &world.run("{format: lines, paths: ['*.txt']}").unwrap_err(),
        "the names of `part-000.txt`, `part-001.txt` say no labels: they differ in a number, as the parts of \
         one file do",
        &[
            "call each file by its label, as `pos.txt` and `neg.txt`, or name the files that hold the labels \
             in `ingest.label_paths`",
        ],
    );
}

#[test]
fn files_of_labels_are_inputs_of_the_stage() {
    let world = World::with(&[("a.txt", b"x"), ("b.txt", b"s")]);
    let params: Params = serde_yaml::from_str(PAIR).unwrap();
    let files = source_files(&params, world.base.path(), &Recorder::default()).unwrap();
    let names: Vec<_> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(names, ["a.txt", "b.txt"]);
}
