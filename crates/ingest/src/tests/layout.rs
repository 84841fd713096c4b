//! Splits that the names of files and folders give: that they are used, said, and can be left aside.

use super::*;

const TABLES: &str = "format: csv\npaths: ['*.csv']\ncolumns: {text: text, label: label}\n";

fn rows(of: &str, number: usize) -> Vec<u8> {
    let mut content = "text,label\n".to_owned();
    for row in 0..number {
        writeln!(content, "{of} text {row},{}", ["s", "t"][row % 2]).unwrap();
    }
    content.into_bytes()
}

fn parts(output: &Output) -> [usize; 4] {
    let of = |split| {
        output
            .documents
            .iter()
            .filter(|document| document.split == split)
            .count()
    };
    [
        of(Some(Split::Train)),
        of(Some(Split::Validation)),
        of(Some(Split::Test)),
        of(None),
    ]
}

#[test]
fn files_called_train_and_test_give_the_split_and_it_is_said() {
    let world = World::with(&[
        ("train-00000-of-00002.csv", &rows("one", 6)),
        ("train-00001-of-00002.csv", &rows("two", 6)),
        ("test-00000-of-00001.csv", &rows("three", 4)),
        ("validation-00000-of-00001.csv", &rows("four", 2)),
    ]);
    let output = world.run(TABLES).unwrap();
    assert_eq!(parts(&output), [12, 2, 4, 0]);
    assert!(
        output.message.contains(
            "\nsplit given by the names of the sources: train 12 (from `train-00000-of-00002.csv`, \
             `train-00001-of-00002.csv`), validation 2 (from `validation-00000-of-00001.csv`), test 4 (from \
             `test-00000-of-00001.csv`); `ingest.splits: none` leaves names aside"
        ),
        "{}",
        output.message
    );
    let output = world.run(&format!("{TABLES}splits: none\n")).unwrap();
    assert_eq!(parts(&output), [0, 0, 0, 18]);
    assert!(!output.message.contains("split"), "{}", output.message);
}

#[test]
fn a_column_of_the_split_goes_before_names() {
    let content = |split: &str| format!("text,label,part\na {split},s,{split}\nb {split},t,{split}\n");
    let world = World::with(&[
        ("train.csv", content("test").as_bytes()),
        ("test.csv", content("train").as_bytes()),
    ]);
    let yaml = TABLES.replace("label: label", "label: label, split: part");
    let output = world.run(&yaml).unwrap();
    assert!(
        output
            .documents
            .iter()
            .all(|document| document.text.ends_with(document.split.unwrap().name())),
        "{output:?}"
    );
    assert!(
        output
            .message
            .contains("\nsplit given by the column `part`: train 2, test 2"),
        "{}",
        output.message
    );
}

#[test]
fn equal_rows_of_two_splits_stay_two_rows() {
    let world = World::with(&[("train.csv", &rows("same", 4)), ("test.csv", &rows("same", 4))]);
    let output = world.run(TABLES).unwrap();
    assert_eq!((output.documents.len(), parts(&output)), (8, [4, 0, 4, 0]));
    let ids: std::collections::BTreeSet<_> = output.documents.iter().map(|document| &document.id).collect();
    assert_eq!(ids.len(), 8);
}

/// The files of the archive of IMDB, with what lies beside the texts in it.
pub(crate) fn imdb() -> World {
    World::with(&[
        ("aclImdb/README", b"Large Movie Review Dataset v1.0"),
        ("aclImdb/imdb.vocab", b"the\nand\n"),
        ("aclImdb/imdbEr.txt", b"0.049\n0.201\n"),
        ("aclImdb/test/labeledBow.feat", b"10 0:7 1:4\n1 0:2\n"),
        ("aclImdb/test/neg/0_2.txt", b"poor"),
        ("aclImdb/test/pos/0_10.txt", b"fine"),
        (
            "aclImdb/test/urls_neg.txt",
            b"http://www.imdb.com/title/tt0406816/usercomments\n",
        ),
        (
            "aclImdb/test/urls_pos.txt",
            b"http://www.imdb.com/title/tt0408790/usercomments\n",
        ),
        ("aclImdb/train/labeledBow.feat", b"9 0:9\n2 3:1\n"),
        ("aclImdb/train/neg/0_3.txt", b"bad"),
        ("aclImdb/train/pos/0_9.txt", b"good"),
        ("aclImdb/train/unsup/0_0.txt", b"who knows"),
        ("aclImdb/train/unsup/1_0.txt", b"nobody"),
        ("aclImdb/train/unsupBow.feat", b"0 0:8 1:6\n0 4:1\n"),
        // What is no text is nobody's row, and need not be read.
        ("aclImdb/train/urls_neg.txt", b"\x89PNG\r\n\x1a\n\0\0"),
        (
            "aclImdb/train/urls_pos.txt",
            b"http://www.imdb.com/title/tt0453418/usercomments\n",
        ),
        (
            "aclImdb/train/urls_unsup.txt",
            b"http://www.imdb.com/title/tt0018515/usercomments\n",
        ),
    ])
}

#[test]
fn folders_as_imdb_has_them_give_splits_and_labels_and_the_rest_is_left_aside() {
    let world = imdb();
    let output = world.run("{format: folder, paths: [aclImdb]}").unwrap();
    assert_eq!(
        rows_of(&output),
        [
            "test/neg/0_2/poor/neg",
            "test/pos/0_10/fine/pos",
            "train/neg/0_3/bad/neg",
            "train/pos/0_9/good/pos"
        ]
    );
    assert_eq!(parts(&output), [2, 0, 2, 0]);
    let rejects = reject_lines(&output);
    assert_eq!(rejects.len(), 13);
    assert_eq!(
        [&rejects[0], &rejects[7]],
        [
            "aclImdb/README: missing label: the file lies in no label's folder",
            "aclImdb/train/unsup/0_0.txt: missing label: the folder's name is `unsup`, which stands for no \
             label",
        ]
    );
    assert!(
        output.message.contains(
            "\nleft aside: 11 files in no label's folder: `aclImdb/README`, `aclImdb/imdb.vocab`, \
             `aclImdb/imdbEr.txt`, `aclImdb/test/labeledBow.feat`, `aclImdb/test/urls_neg.txt` and 6 more\n\
             left aside: 2 files in the folder `unsup`, which stands for no label: \
             `aclImdb/train/unsup/0_0.txt`, `aclImdb/train/unsup/1_0.txt`"
        ),
        "{}",
        output.message
    );
    assert!(!output.message.contains("\nrejects"), "{}", output.message);
    // Both splits named by themselves: files of one name stay apart.
    let output = world
        .run("{format: folder, paths: [aclImdb/train, aclImdb/test], labels: {missing: [unsup]}}")
        .unwrap();
    assert_eq!(
        (output.labels.join(" ").as_str(), parts(&output)),
        ("neg pos", [2, 0, 2, 0])
    );
    // Who says that the folder is a class has it as one.
    let output = world
        .run("{format: folder, paths: [aclImdb], labels: {missing: []}}")
        .unwrap();
    assert_eq!(output.labels.join(" "), "neg pos unsup");
}

#[test]
fn files_without_folders_of_labels_are_refused() {
    let world = World::with(&[("d/1.txt", b"one"), ("d/2.txt", b"two")]);
    check_failure(
        &world.run("{format: folder, paths: [d]}").unwrap_err(),
        "2 rows cannot become documents\n  \
         d/1.txt: missing label: the file lies in no label's folder\n  \
         d/2.txt: missing label: the file lies in no label's folder",
        &["mend the rows, or set `ingest.on_reject: continue` to go on without them"],
    );
}

#[test]
fn a_test_file_without_labels_is_told_from_a_wrong_column() {
    let world = World::with(&[
        ("train.csv", &rows("one", 4)),
        ("test.csv", b"id,text\n1,what is it\n"),
    ]);
    let error = world.run(TABLES).unwrap_err();
    check_failure(
        &error,
        "test.csv:1: no column is called `label`, which `ingest.columns.label` names; there are: `id`, `text`",
        &[
            "a file without labels can be neither trained nor tested on: name only the others in \
             `ingest.paths`",
            "once there is a model, `labelproof predict --input test.csv` gives it labels",
        ],
    );
}

#[test]
fn a_test_part_whose_labels_are_kept_back_is_said() {
    let world = World::with(&[
        ("train.csv", b"text,label\na,0\nb,1\nc,0\nd,1\n"),
        ("test.csv", b"text,label\ne,-1\nf,-1\n"),
    ]);
    let error = world.run(TABLES).unwrap_err();
    check_failure(
        &error,
        "2 rows cannot become documents\n  \
         test.csv:2: missing label: `label` is `-1`, which stands for no label\n  \
         test.csv:3: missing label: `label` is `-1`, which stands for no label",
        &[
            "mend the rows, or set `ingest.on_reject: continue` to go on without them",
            "no row of the test part has a label, as where labels are kept back: name the files of the other \
             parts only, and test rows are drawn from them",
            "to leave out just the rows without a label: `ingest.labels.missing: [\"-1\"]`",
            "to take these labels as classes: `ingest.labels.missing: []`",
        ],
    );
    let output = world
        .run(&format!("{TABLES}labels: {{missing: [-1]}}\n"))
        .unwrap();
    assert_eq!(parts(&output), [4, 0, 0, 0]);
}

#[test]
fn a_file_in_no_split_is_named() {
    let world = World::with(&[
        ("train.csv", &rows("one", 4)),
        ("test.csv", &rows("two", 4)),
        ("extra.csv", &rows("three", 4)),
    ]);
    check_failure(
        &world.run(TABLES).unwrap_err(),
        "the split of `extra.csv` is unclear: `test.csv`, `train.csv` are called after splits",
        &[
            "give each file a name of its split (train, validation, test) or name only such files in \
             `ingest.paths`",
            "to draw the split whatever files are called: `ingest.splits: none`",
        ],
    );
}

#[test]
fn a_label_that_one_part_lacks_is_said() {
    let world = World::with(&[
        ("train.csv", b"text,label\na,s\nb,s\nc,t\nd,t\ne,u\nf,u\n"),
        ("test.csv", b"text,label\ng,s\nh,t\n"),
    ]);
    let output = world.run(TABLES).unwrap();
    assert!(
        output
            .message
            .contains("\nwarning: the test part has no row of `u`, which cannot be measured"),
        "{}",
        output.message
    );
}
