//! What the parts of a table are. The golden files in `tests/fixtures/parts` are also read by the tests in
//! Python, with pyarrow and pandas.

use tempfile::TempDir;

use super::*;
use crate::{Diagnostic, Digest, Document, Reject, Split, TableWriter, write_table};

/// The rows a part, of which the 20 documents need 3.
const FEW: u64 = 8;

fn documents() -> Vec<Document> {
    let document = |number: usize| Document {
        id: format!("{number:02}"),
        text: format!("text {number}, naïve — 東京"),
        label: ["film", "sport", "trade"][number % 3].to_owned(),
        group: (number.is_multiple_of(7)).then(|| format!("thread {number}")),
        split: (number.is_multiple_of(5)).then_some(Split::Test),
    };
    (0..20).map(document).collect()
}

/// A folder with the documents in 3 parts, dealt by the writer of the table.
fn dealt() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = TableWriter::create(folder.path()).unwrap();
    for document in documents() {
        writer.push(document).unwrap();
    }
    writer.finish_in_parts(FEW).unwrap();
    folder
}

fn table(folder: &TempDir) -> PathBuf {
    folder.path().join(Document::KIND.file)
}

fn read(path: &Path) -> Result<Vec<Document>, ArtifactError> {
    let batches: Vec<_> = TableReader::open_file(path)?.collect::<Result<_, _>>()?;
    Ok(batches.concat())
}

/// Why the documents are refused.
#[track_caller]
fn refusal(folder: &TempDir) -> String {
    let error = read(&table(folder)).unwrap_err().to_string();
    let name = format!("`{}` is damaged: ", table(folder).display());
    error
        .strip_prefix(&name)
        .expect("the folder is to blame")
        .to_owned()
}

#[test]
fn a_table_has_one_part_more_for_every_million_rows() {
    let counts = [0, 1, PART_ROWS, PART_ROWS + 1, 3_000_000, 100_000_000];
    assert_eq!(counts.map(part_count), [1, 1, 1, 2, 3, 96]);
}

#[test]
fn the_part_follows_from_the_published_hash_of_the_id() {
    // BLAKE3's test_vectors.json: the empty input has af1349b9…, and the input of one zero byte 2d3adedf….
    for (id, hash) in [("", 0xb949_13af_u32), ("\0", 0xdfde_3a2d)] {
        for parts in [1, 3, 12, u32::MAX] {
            assert_eq!(part_of(id, parts), hash % parts);
        }
    }
}

#[test]
fn a_table_of_one_part_is_the_file_that_it_always_was() {
    let folder = tempfile::tempdir().unwrap();
    let golden = "f24fd454c7350155b582f87a289e778f9c41b2e00d56f13805a4badec84fd44b";
    let digest = || Digest::of_file(&table(&folder)).unwrap();
    write_table(folder.path(), documents()).unwrap();
    assert_eq!(digest().as_str(), golden);
    let mut writer = PartWriter::create(folder.path(), 0, 1).unwrap();
    for document in documents() {
        writer.push(document).unwrap();
    }
    writer.finish().unwrap();
    assert_eq!(digest().as_str(), golden);
}

#[test]
fn every_row_is_in_its_part_once_and_the_parts_are_read_in_the_order_of_ids() {
    let folder = dealt();
    let files = fs::files_below(folder.path()).unwrap();
    let parts = [0, 1, 2].map(|part| part_path(&table(&folder), part));
    assert_eq!(files, parts);
    let mut rows = 0;
    for (number, path) in (0..).zip(&parts) {
        let part: Vec<Document> = FileReader::open(path)
            .unwrap()
            .collect::<Result<Vec<_>, _>>()
            .unwrap()
            .concat();
        assert!(part.iter().all(|row| part_of(&row.id, 3) == number));
        assert!(part.is_sorted_by(|one, other| one.id < other.id));
        assert!(part.len() > 2, "{}", part.len());
        rows += part.len();
    }
    assert_eq!(rows, 20);
    assert_eq!(
        TableReader::<Document>::open_file(&table(&folder))
            .unwrap()
            .row_count(),
        20
    );
    assert_eq!(read(&table(&folder)).unwrap(), documents());
}

#[test]
fn more_parts_than_are_written_at_once_hold_every_row_too() {
    let folder = tempfile::tempdir().unwrap();
    let document = |number: u32| Document {
        id: format!("{number:05}"),
        ..documents().swap_remove(0)
    };
    let rows: Vec<Document> = (0..10_000).map(document).collect();
    let mut writer = TableWriter::create(folder.path()).unwrap();
    rows.iter().cloned().try_for_each(|row| writer.push(row)).unwrap();
    writer.finish_in_parts(250).unwrap();
    assert_eq!(fs::files_below(folder.path()).unwrap().len(), 40);
    let batches: Vec<Vec<Document>> = TableReader::open_file(&table(&folder))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    assert_eq!(
        batches.iter().map(Vec::len).collect::<Vec<_>>(),
        [4096, 4096, 1808]
    );
    assert_eq!(batches.concat(), rows);
}

#[test]
fn the_bytes_do_not_depend_on_who_writes_the_parts_and_when() {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/parts");
    let dealt = dealt();
    if std::env::var_os("LABELPROOF_WRITE_GOLDEN").is_some() {
        fs::remove(&golden).unwrap();
        fs::create_dir_all(&golden.join(Document::KIND.file)).unwrap();
        for part in fs::files_below(&table(&dealt)).unwrap() {
            fs::copy(
                &part,
                &golden.join(Document::KIND.file).join(part.file_name().unwrap()),
            )
            .unwrap();
        }
    }
    let golden = Digest::of_folder(&golden).unwrap();
    assert_eq!(Digest::of_folder(dealt.path()).unwrap(), golden);
    let folder = tempfile::tempdir().unwrap();
    for number in [2, 0, 1] {
        let mut writer = PartWriter::create(folder.path(), number, 3).unwrap();
        for document in documents() {
            if part_of(&document.id, 3) == number {
                writer.push(document).unwrap();
            }
        }
        writer.finish().unwrap();
    }
    assert_eq!(Digest::of_folder(folder.path()).unwrap(), golden);
}

#[test]
fn a_table_without_ids_stays_one_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = TableWriter::create(folder.path()).unwrap();
    for line in 0..20 {
        let reject = Reject {
            source: "rows.csv".to_owned(),
            line: Some(line),
            id: None,
            reason: "empty text".to_owned(),
            detail: String::new(),
        };
        writer.push(reject).unwrap();
    }
    writer.finish_in_parts(FEW).unwrap();
    let path = folder.path().join(Reject::KIND.file);
    assert!(path.is_file());
    assert_eq!(TableReader::<Reject>::open_file(&path).unwrap().row_count(), 20);
}

#[test]
fn a_row_of_another_part_and_one_out_of_order_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = PartWriter::create(folder.path(), 0, 3).unwrap();
    let (own, other): (Vec<_>, Vec<_>) = documents()
        .into_iter()
        .partition(|document| part_of(&document.id, 3) == 0);
    let refused = |result: Result<(), ArtifactError>| {
        let error = result.unwrap_err().to_string();
        let name = format!("cannot write `{}`: ", part_path(&table(&folder), 0).display());
        error
            .strip_prefix(&name)
            .expect("the part is to blame")
            .to_owned()
    };
    assert_eq!(
        refused(writer.push(other[0].clone())),
        "row `00` belongs to part 3 of 3, and not to 1 of 3"
    );
    writer.push(own[1].clone()).unwrap();
    assert_eq!(
        refused(writer.push(own[0].clone())),
        "row `02` is not where the order of ids has it"
    );
    assert_eq!(refused(writer.push(own[1].clone())), "row `05` is there twice");
    writer.push(own[2].clone()).unwrap();
}

#[test]
fn a_missing_part_is_refused() {
    for (number, name) in (0..3).zip(["part-00000.parquet", "part-00001.parquet", "part-00002.parquet"]) {
        let folder = dealt();
        fs::remove(&part_path(&table(&folder), number)).unwrap();
        assert_eq!(refusal(&folder), format!("`{name}` is missing"));
    }
    let error = {
        let folder = dealt();
        fs::remove(&part_path(&table(&folder), 1)).unwrap();
        read(&table(&folder)).unwrap_err()
    };
    assert_eq!(error.hints(), ["make it anew: labelproof run ingest --force"]);
}

#[test]
fn a_foreign_part_is_refused() {
    // Of a table of another number of parts.
    let folder = dealt();
    let other = tempfile::tempdir().unwrap();
    for number in 0..4 {
        PartWriter::<Document>::create(other.path(), number, 4)
            .unwrap()
            .finish()
            .unwrap();
    }
    fs::copy(&part_path(&table(&other), 1), &part_path(&table(&folder), 1)).unwrap();
    assert_eq!(
        refusal(&folder),
        "`part-00001.parquet` says that it is part 2 of 4, expected part 2 of 3"
    );

    // Another part of the same table.
    let folder = dealt();
    fs::copy(&part_path(&table(&folder), 0), &part_path(&table(&folder), 2)).unwrap();
    assert_eq!(
        refusal(&folder),
        "`part-00002.parquet` says that it is part 1 of 3, expected part 3 of 3"
    );

    // A table that is one file.
    let folder = dealt();
    let whole = tempfile::tempdir().unwrap();
    write_table(whole.path(), documents()).unwrap();
    fs::copy(&table(&whole), &part_path(&table(&folder), 0)).unwrap();
    assert_eq!(
        refusal(&folder),
        "`part-00000.parquet` does not say of how many parts"
    );
    let folder = dealt();
    fs::copy(&table(&whole), &part_path(&table(&folder), 1)).unwrap();
    assert_eq!(
        refusal(&folder),
        "`part-00001.parquet` says that it is no part, expected part 2 of 3"
    );

    // One part too many, as an older table leaves it.
    let folder = dealt();
    fs::copy(&part_path(&table(&other), 3), &part_path(&table(&folder), 3)).unwrap();
    assert_eq!(refusal(&folder), "`part-00003.parquet` is none of its 3 parts");

    // A part in the place of the table.
    let folder = dealt();
    fs::copy(&part_path(&table(&folder), 2), &table(&whole)).unwrap();
    assert_eq!(refusal(&whole), "it is part 3 of 3 of a table, and not all of it");
}

#[test]
fn parts_of_which_rows_repeat_or_do_not_ascend_are_refused() {
    // Both parts have the right rows of their own, and one of them a second time in the other.
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir_all(&table(&folder)).unwrap();
    let write = |number: u32, rows: &[usize]| {
        let part = Part { number, of: 2 };
        let mut writer = FileWriter::create(part_path(&table(&folder), number), Some(part)).unwrap();
        for &row in rows {
            writer.push(documents().swap_remove(row)).unwrap();
        }
        writer.finish().unwrap();
    };
    write(0, &[0, 2, 4]);
    write(1, &[1, 2, 3]);
    assert_eq!(refusal(&folder), "row `02` is there twice");
    write(1, &[3, 1]);
    assert_eq!(refusal(&folder), "row `01` is not where the order of ids has it");
    // A caller that goes on after an error comes to an end.
    let mut reader = TableReader::<Document>::open_file(&table(&folder)).unwrap();
    assert!(reader.next().unwrap().is_err());
    assert!(reader.next().is_none());
}

#[test]
fn a_folder_in_the_place_of_another_table_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(Reject::KIND.file);
    fs::create_dir_all(&path).unwrap();
    let error = TableReader::<Reject>::open_file(&path).err().unwrap();
    assert!(
        error
            .to_string()
            .ends_with("is damaged: it is a folder, expected a file"),
        "{error}"
    );
}
