//! The steps as an engine calls them, beside one process: an engine of a few lines, which deals rows to tasks
//! that share nothing and come in any order.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, BinaryArray, Int32Array, Int64Array, RecordBatch, StringArray, UInt32Array};
use arrow::compute::{concat_batches, take};
use arrow::datatypes::{DataType, Field, Schema};
use labelproof_artifact::{Artifacts, Document, StageId, fs, read_table};
use labelproof_driver::{Conduct, Config, Failure, Planner, Printer, Selection, Verbosity, data_stages};
use labelproof_testkit::Recorder;
use serde_json::{Value, json};

use crate::columns::Columns;
use crate::{Context, Step, run};

/// Texts with exact and near copies, of which some contradict each other; rows without a text, a label or
/// with an id that another row has; a file that is read after the others.
fn project(folder: &Path) {
    labelproof_testkit::encoder::write(folder, &["road", "##s", "clean", "##ing", "the", "of"]);
    let mut files = ["a.csv", "b.csv", "c.csv"].map(|name| (name, String::from("id,text,label,group\n")));
    for row in 0..600_usize {
        let text = match row % 12 {
            0 => String::new(),
            1 => "Cleaning of the roads, as every year before the winter comes to the county".to_owned(),
            2 => format!(
                "cleaning of the  ROADS, as every year before the winter comes to the county {}",
                row % 3
            ),
            3 => "<p> </p>".to_owned(),
            4 => "the the of".to_owned(),
            _ => format!(
                "{} cleaning number {} of {}",
                "road ".repeat(row % 30),
                row * 7919 % 1000,
                row / 2
            ),
        };
        let label = ["roads", "other", "n/a"][usize::from(row % 2 == 1) + usize::from(row % 100 == 99)];
        let group = if row % 50 == 0 { "thread" } else { "" };
        let (_, lines) = &mut files[row % 3];
        lines.push_str(&format!("r{:03},\"{text}\",{label},{group}\n", row * 31 % 580));
    }
    for (name, lines) in files {
        fs::write_atomic(&folder.join(name), lines.as_bytes()).unwrap();
    }
    let yaml = "encoder: .\ningest:\n  format: csv\n  paths: ['*.csv']\n  on_reject: continue\n  \
                columns: {id: id, text: text, label: label, group: group}\n\
                preprocess:\n  on_reject: continue\n  max_tokens: 24\n  clean: [html, whitespace, {stop_words: {language: english}}]\n";
    fs::write_atomic(&folder.join("pipeline.yaml"), yaml.as_bytes()).unwrap();
}

fn config(folder: &Path, artifacts: &str) -> Config {
    let path = folder.join("pipeline.yaml");
    Config::load(&path, &[], None, Some(&folder.join(artifacts))).unwrap()
}

/// The files of a folder below it, by name.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let paths = fs::files_below(folder).unwrap().into_iter();
    let file = |path: PathBuf| {
        (
            path.strip_prefix(folder).unwrap().to_path_buf(),
            fs::read(&path).unwrap(),
        )
    };
    paths.map(file).collect()
}

/// An engine that deals rows to so many tasks.
struct Engine {
    context: Value,
    tasks: u64,
}

impl Engine {
    fn step(&self, name: &str, rows: &[RecordBatch]) -> Vec<RecordBatch> {
        self.try_step(name, rows)
            .unwrap_or_else(|failure| panic!("{name}: {}", failure.render()))
    }

    fn try_step(&self, name: &str, rows: &[RecordBatch]) -> Result<Vec<RecordBatch>, Failure> {
        let step: Step = name.parse().unwrap();
        let context = Context::parse(&self.context.to_string()).unwrap();
        let mut given = Vec::new();
        let mut input = rows.iter().cloned().map(Ok);
        run(step, &context, &mut input, &mut |batch| {
            given.push(batch);
            Ok(())
        })?;
        Ok(given)
    }

    /// The answer of a step of the driver.
    fn answer(&self, name: &str, rows: &[RecordBatch]) -> Value {
        let given = self.step(name, rows);
        serde_json::from_str(&Columns(&given[0]).all_texts("json").unwrap()[0]).unwrap()
    }

    /// Runs a step on rows that are dealt by a key, and within each task sorted by another; the last task
    /// first.
    fn dealt<K: Ord + std::hash::Hash, S: Ord>(
        &self,
        name: &str,
        rows: &[RecordBatch],
        key: impl Fn(&RecordBatch, usize) -> K,
        order: impl Fn(&RecordBatch, usize) -> S,
    ) -> Vec<RecordBatch> {
        let Some(first) = rows.first() else {
            return Vec::new();
        };
        let all = concat_batches(&first.schema(), rows).unwrap();
        let keys: BTreeSet<K> = (0..all.num_rows()).map(|row| key(&all, row)).collect();
        let task_of: BTreeMap<K, u64> = keys.into_iter().zip((0..self.tasks).cycle()).collect();
        let mut given = Vec::new();
        for task in (0..self.tasks).rev() {
            let mut of_task: Vec<usize> = (0..all.num_rows())
                .filter(|row| task_of[&key(&all, *row)] == task)
                .collect();
            of_task.reverse();
            of_task.sort_by_key(|row| order(&all, *row));
            let batches: Vec<RecordBatch> = of_task.chunks(97).map(|rows| taken(&all, rows)).collect();
            given.extend(self.step(name, &batches));
        }
        given
    }
}

fn taken(all: &RecordBatch, rows: &[usize]) -> RecordBatch {
    let rows = UInt32Array::from_iter_values(rows.iter().map(|row| u32::try_from(*row).unwrap()));
    let columns = all
        .columns()
        .iter()
        .map(|column| take(column, &rows, None).unwrap());
    RecordBatch::try_new(all.schema(), columns.collect()).unwrap()
}

fn of_kind(rows: &[RecordBatch], kinds: &[&str]) -> Vec<RecordBatch> {
    let filtered = rows.iter().map(|batch| {
        let of_batch = Columns(batch).all_texts("kind").unwrap();
        let places: Vec<usize> = (0..batch.num_rows())
            .filter(|row| kinds.contains(&of_batch[*row].as_str()))
            .collect();
        taken(batch, &places)
    });
    filtered.filter(|batch| batch.num_rows() > 0).collect()
}

fn text_at(name: &'static str) -> impl Fn(&RecordBatch, usize) -> String {
    move |batch, row| {
        Columns(batch).texts(name).unwrap()[row]
            .clone()
            .unwrap_or_default()
    }
}

fn number_at(name: &'static str) -> impl Fn(&RecordBatch, usize) -> i64 {
    move |batch, row| Columns(batch).numbers(name).unwrap()[row].unwrap_or_default()
}

fn table(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, column)| Field::new(*name, column.data_type().clone(), true))
        .collect();
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

/// Adds the part of each row.
fn with_parts(rows: &[RecordBatch], parts: i64) -> Vec<RecordBatch> {
    let with_part = |batch: &RecordBatch| {
        let hashes = Columns(batch).all_numbers("hash").unwrap();
        let part = hashes.iter().map(|hash| i32::try_from(hash % parts).unwrap());
        let mut fields = batch.schema().fields().to_vec();
        fields.push(Arc::new(Field::new("part", DataType::Int32, false)));
        let mut columns = batch.columns().to_vec();
        columns.push(Arc::new(Int32Array::from_iter_values(part)));
        RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
    };
    rows.iter().map(with_part).collect()
}

fn engine(folder: &Path, artifacts: &str, stage: &str, tasks: u64) -> Engine {
    let path = folder.join("pipeline.yaml");
    let text = fs::read_to_string(&path).unwrap();
    let config = json!({"path": path, "text": text, "artifacts": folder.join(artifacts)});
    let mut engine = Engine {
        context: json!({"config": config, "stage": stage}),
        tasks,
    };
    let plan = engine.answer("plan", &[]);
    assert_eq!(plan["reasons"], json!(["never run"]));
    engine.context["scratch"] = plan["scratch"].clone();
    engine
}

/// Returns what the stage says at its end.
fn ingest(folder: &Path, artifacts: &str, tasks: u64) -> Value {
    let mut engine = engine(folder, artifacts, "ingest", tasks);
    let plan = engine.answer("ingest-plan", &[]);
    engine.context["sources"] = plan["sources"].clone();
    let shares: Vec<&str> = plan["shares"]
        .as_array()
        .unwrap()
        .iter()
        .map(|share| share.as_str().unwrap())
        .collect();
    let shares = table(vec![("share", Arc::new(StringArray::from(shares)))]);
    let read = engine.dealt("ingest-read", &[shares], text_at("share"), text_at("share"));
    engine.context["decided"] = engine.answer("ingest-decide", &of_kind(&read, &["tally"]));
    let candidates = of_kind(&read, &["candidate"]);
    let merged = engine.dealt("ingest-merge", &candidates, text_at("id"), text_at("text"));
    let mut last = of_kind(&merged, &["tally", "reject"]);
    last.extend(of_kind(&read, &["reject"]));
    let settled = engine.answer("ingest-settle", &last);
    write_and_commit(
        &mut engine,
        "ingest-write",
        &settled,
        &of_kind(&merged, &["document"]),
    );
    settled["message"].clone()
}

fn write_and_commit(engine: &mut Engine, step: &str, settled: &Value, rows: &[RecordBatch]) {
    engine.context["parts"] = settled["parts"].clone();
    engine.context["rows"] = settled["rows"].clone();
    let rows = with_parts(rows, settled["parts"].as_i64().unwrap());
    let written = engine.dealt(step, &rows, number_at("part"), text_at("id"));
    let written: Vec<RecordBatch> = written.into_iter().filter(|batch| batch.num_rows() > 0).collect();
    engine.answer("commit", &written);
}

/// What an engine knows of a row that was kept.
struct Kept {
    id: String,
    label: String,
    exact: [u8; 16],
    last: Vec<u8>,
    bands: Vec<i64>,
}

fn kept(looks: &[RecordBatch]) -> Vec<Kept> {
    let of_batch = |batch: &RecordBatch| -> Vec<Kept> {
        let columns = Columns(batch);
        let bands = batch.column_by_name("bands").unwrap();
        let bands = arrow::array::AsArray::as_list::<i32>(bands);
        let last = arrow::array::AsArray::as_binary::<i32>(batch.column_by_name("final").unwrap());
        let (ids, labels) = (
            columns.all_texts("id").unwrap(),
            columns.all_texts("label").unwrap(),
        );
        let rows = columns.digests("exact").unwrap().into_iter().enumerate();
        let row = |(row, exact): (usize, [u8; 16])| {
            let of_row = bands.value(row);
            let of_row = arrow::array::AsArray::as_primitive::<arrow::datatypes::Int64Type>(&of_row);
            Kept {
                id: ids[row].clone(),
                label: labels[row].clone(),
                exact,
                last: last.value(row).to_vec(),
                bands: of_row.values().to_vec(),
            }
        };
        rows.map(row).collect()
    };
    let mut all: Vec<Kept> = looks.iter().flat_map(of_batch).collect();
    all.sort_by(|one, other| one.id.cmp(&other.id));
    all
}

/// Returns what the stage says at its end.
fn preprocess(folder: &Path, artifacts: &str, tasks: u64) -> Value {
    let mut engine = engine(folder, artifacts, "preprocess", tasks);
    let documents: Vec<Document> = read_table(Artifacts::all(&folder.join(artifacts))).unwrap();
    let plan = engine.answer("preprocess-plan", &[]);
    assert!(Path::new(plan["documents"].as_str().unwrap()).exists());
    engine.context["encoder"] = plan["encoder"].clone();
    let of_documents = |value: fn(&Document) -> Option<&str>| -> ArrayRef {
        Arc::new(documents.iter().map(value).collect::<StringArray>())
    };
    let mut columns = vec![
        ("id", of_documents(|document| Some(&document.id))),
        ("text", of_documents(|document| Some(&document.text))),
        ("label", of_documents(|document| Some(&document.label))),
        ("group", of_documents(|document| document.group.as_deref())),
        (
            "split",
            of_documents(|document| document.split.map(labelproof_artifact::Split::name)),
        ),
    ];
    let rows = table(columns.clone());
    let seen = engine.dealt(
        "preprocess-look",
        std::slice::from_ref(&rows),
        text_at("id"),
        text_at("text"),
    );
    engine.context["checked"] = engine.answer("preprocess-check", &of_kind(&seen, &["reject", "tally"]));

    let kept = kept(&of_kind(&seen, &["look"]));
    let mut names: BTreeMap<[u8; 16], &Kept> = BTreeMap::new();
    for row in &kept {
        names.entry(row.exact).or_insert(row);
    }
    let edges = edges(&engine, &documents, &names);
    let united = engine.step("preprocess-unite", &edges);
    let mut root_of: BTreeMap<[u8; 16], [u8; 16]> = BTreeMap::new();
    let mut group_of_root: BTreeMap<[u8; 16], &str> = BTreeMap::new();
    for batch in &united {
        let columns = Columns(batch);
        let roots = columns.digests("root").unwrap();
        for (exact, root) in columns.digests("exact").unwrap().into_iter().zip(roots) {
            root_of.insert(exact, root);
            let name = names[&exact].id.as_str();
            let group = group_of_root.entry(root).or_insert(name);
            *group = (*group).min(name);
        }
    }
    let group_of = |exact: &[u8; 16]| match root_of.get(exact) {
        Some(root) => group_of_root[root].to_owned(),
        None => names[exact].id.clone(),
    };
    engine.context["duplicates"] = duplicates(&kept, &names, &group_of);
    let groups: BTreeMap<&str, String> = kept
        .iter()
        .map(|row| (row.id.as_str(), group_of(&row.exact)))
        .collect();
    let group = |document: &Document| groups.get(document.id.as_str()).cloned();
    columns.push((
        "duplicate_group",
        Arc::new(documents.iter().map(group).collect::<StringArray>()),
    ));
    let rows = table(columns);
    let places: Vec<usize> = (0..documents.len())
        .filter(|row| groups.contains_key(documents[*row].id.as_str()))
        .collect();
    let rows = taken(&rows, &places);
    let tokens = engine.dealt("preprocess-tokenise", &[rows], text_at("id"), text_at("text"));
    let settled = engine.answer("preprocess-settle", &of_kind(&tokens, &["tally"]));
    write_and_commit(
        &mut engine,
        "preprocess-write",
        &settled,
        &of_kind(&tokens, &["token"]),
    );
    settled["message"].clone()
}

/// The pairs of similar texts, bucket by bucket.
fn edges(engine: &Engine, documents: &[Document], names: &BTreeMap<[u8; 16], &Kept>) -> Vec<RecordBatch> {
    let text_of: BTreeMap<&str, &str> = documents
        .iter()
        .map(|document| (document.id.as_str(), document.text.as_str()))
        .collect();
    let texts = names.values().map(|row| text_of[row.id.as_str()]);
    let texts = table(vec![
        ("exact", Arc::new(BinaryArray::from_iter_values(names.keys()))),
        ("text", Arc::new(StringArray::from_iter_values(texts))),
    ]);
    let mut comparable = BTreeMap::new();
    for batch in engine.step("preprocess-comparable", &[texts]) {
        let columns = Columns(&batch);
        comparable.extend(
            columns
                .digests("exact")
                .unwrap()
                .into_iter()
                .zip(columns.all_texts("text").unwrap()),
        );
    }
    let mut buckets: BTreeMap<(i32, i64), Vec<[u8; 16]>> = BTreeMap::new();
    for (exact, row) in names {
        for (band, hash) in (0..).zip(&row.bands) {
            buckets.entry((band, *hash)).or_default().push(*exact);
        }
    }
    buckets.retain(|_, digests| digests.len() > 1);
    let members: Vec<((i32, i64), [u8; 16])> = buckets
        .into_iter()
        .flat_map(|(key, digests)| digests.into_iter().map(move |digest| (key, digest)))
        .collect();
    let bands = members.iter().map(|((band, _), _)| *band);
    let hashes = members.iter().map(|((_, hash), _)| *hash);
    let digests = members.iter().map(|(_, digest)| digest);
    let texts = members.iter().map(|(_, digest)| &comparable[digest]);
    let members = table(vec![
        ("band", Arc::new(Int32Array::from_iter_values(bands))),
        ("bucket", Arc::new(Int64Array::from_iter_values(hashes))),
        ("exact", Arc::new(BinaryArray::from_iter_values(digests))),
        ("text", Arc::new(StringArray::from_iter_values(texts))),
    ]);
    let (band, bucket) = (number_at("band"), number_at("bucket"));
    let key = |batch: &RecordBatch, row| (band(batch, row), bucket(batch, row));
    let order = |batch: &RecordBatch, row| (key(batch, row), Columns(batch).digests("exact").unwrap()[row]);
    engine.dealt("preprocess-compare", &[members], key, order)
}

fn duplicates(
    kept: &[Kept],
    names: &BTreeMap<[u8; 16], &Kept>,
    group_of: &dyn Fn(&[u8; 16]) -> String,
) -> Value {
    let mut groups: BTreeMap<String, Vec<&Kept>> = BTreeMap::new();
    let mut first_of_last: BTreeMap<&[u8], &Kept> = BTreeMap::new();
    let mut without_stop_words = 0;
    for row in kept {
        groups.entry(group_of(&row.exact)).or_default().push(row);
        let first = first_of_last.entry(&row.last).or_insert(row);
        without_stop_words += usize::from(group_of(&first.exact) != group_of(&row.exact));
    }
    let mut sizes: BTreeMap<String, u64> = BTreeMap::new();
    let mut conflicts: Vec<[&str; 2]> = Vec::new();
    for rows in groups.values().filter(|rows| rows.len() > 1) {
        *sizes.entry(rows.len().to_string()).or_default() += 1;
        if let Some(other) = rows.iter().find(|row| row.label != rows[0].label) {
            conflicts.push([&other.id, &rows[0].id]);
        }
    }
    conflicts.sort_unstable();
    json!({
        "rows": kept.len(),
        "exact_copies": kept.len() - names.len(),
        "copies_without_stop_words": without_stop_words,
        "sizes": sizes,
        "conflicts": conflicts.len(),
        "first_conflict": conflicts.first().map(|[other, first]| [first, other]),
    })
}

/// What the stages of one process say.
fn said_alone(config: &Config) -> [String; 2] {
    let Config {
        pipeline,
        base,
        artifacts,
        encoder,
        ..
    } = config;
    let out = tempfile::tempdir().unwrap();
    let of_ingest = Recorder::default();
    labelproof_ingest::run(&pipeline.ingest, base, out.path(), &of_ingest).unwrap();
    let of_preprocess = Recorder::default();
    let encoder = &encoder.source(&of_preprocess).unwrap().files.folder;
    labelproof_preprocess::run(
        &pipeline.preprocess,
        artifacts,
        encoder,
        out.path(),
        &of_preprocess,
    )
    .unwrap();
    [of_ingest, of_preprocess].map(|recorder| recorder.messages().join("\n"))
}

#[test]
fn tasks_that_share_nothing_write_the_bytes_of_one_process() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path());
    let alone = config(folder.path(), "alone");
    let selection = Selection::with_upstream(&[StageId::Preprocess]);
    let printer = Printer::new(Verbosity::Quiet);
    labelproof_driver::run(
        &alone,
        &selection,
        Conduct::default(),
        &printer,
        &data_stages::run_stage,
    )
    .unwrap();
    let said = said_alone(&alone);
    for tasks in [1, 3, 12] {
        let name = format!("of-{tasks}");
        assert_eq!(ingest(folder.path(), &name, tasks), said[0], "{tasks} tasks");
        assert_eq!(preprocess(folder.path(), &name, tasks), said[1], "{tasks} tasks");
        for stage in ["ingest", "preprocess"] {
            let expected = files(&folder.path().join("alone").join(stage));
            let found = files(&folder.path().join(&name).join(stage));
            assert_eq!(
                expected.keys().collect::<Vec<_>>(),
                found.keys().collect::<Vec<_>>(),
                "{tasks} tasks, {stage}"
            );
            for (path, bytes) in &expected {
                assert!(found[path] == *bytes, "{tasks} tasks: {} differs", path.display());
            }
        }
        let config = config(folder.path(), &name);
        let mut planner = Planner::new(&config, &labelproof_artifact::Silent);
        assert_eq!(planner.reasons(StageId::Ingest).unwrap(), []);
        assert_eq!(planner.reasons(StageId::Preprocess).unwrap(), []);
    }
}

/// What `plan` says of a stage of the configuration `text`, or fails with.
fn planned(folder: &Path, text: &str, stage: &str, is_first: bool) -> Result<Value, String> {
    let config =
        json!({"path": folder.join("pipeline.yaml"), "text": text, "artifacts": folder.join("artifacts")});
    let engine = Engine {
        context: json!({"config": config, "stage": stage, "is_first": is_first}),
        tasks: 1,
    };
    let answer = engine.try_step("plan", &[]);
    let answer = answer.map_err(|failure| failure.render())?;
    Ok(serde_json::from_str(&Columns(&answer[0]).all_texts("json").unwrap()[0]).unwrap())
}

#[test]
fn standard_input_and_drawn_rows_are_refused_before_anything_is_read() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path());
    let text = fs::read_to_string(&folder.path().join("pipeline.yaml")).unwrap();
    let of_input = text.replace("paths:", "paths: ['-'] #");
    assert_ne!(of_input, text);
    for stage in ["ingest", "preprocess"] {
        let message = planned(folder.path(), &of_input, stage, true).unwrap_err();
        assert!(
            message.contains("standard input, `-`, is not read in shares"),
            "{message}"
        );
    }
    let drawn = text.replace("paths:", "rows_per_label: 5\n  paths:");
    let message = planned(folder.path(), &drawn, "ingest", true).unwrap_err();
    assert!(message.contains("rows are not drawn on a cluster"), "{message}");
}

#[test]
fn what_an_earlier_stage_left_is_checked_where_it_is_not_planned_too() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path());
    ingest(folder.path(), "artifacts", 1);
    let text = fs::read_to_string(&folder.path().join("pipeline.yaml")).unwrap();
    assert_eq!(
        planned(folder.path(), &text, "preprocess", true).unwrap()["notes"],
        json!([])
    );
    let stale = text.replace(", group: group}", "}");
    let notes = planned(folder.path(), &stale, "preprocess", true).unwrap()["notes"].to_string();
    assert!(notes.contains("left as it is, although"), "{notes}");
    assert_eq!(
        planned(folder.path(), &stale, "preprocess", false).unwrap()["notes"],
        json!([])
    );
    fs::write_atomic(&folder.path().join("artifacts/ingest/labels.json"), b"[]").unwrap();
    let message = planned(folder.path(), &text, "preprocess", true).unwrap_err();
    assert!(message.contains("is not what `ingest` wrote"), "{message}");
}

#[test]
fn a_machine_with_another_encoder_makes_no_tokens() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path());
    let (yaml, encoder) = (folder.path().join("pipeline.yaml"), folder.path().join("encoder"));
    fs::create_dir_all(&encoder).unwrap();
    labelproof_testkit::encoder::write(&encoder, &["road", "clean"]);
    let text = fs::read_to_string(&yaml).unwrap();
    fs::write_atomic(&yaml, text.replace("encoder: .", "encoder: encoder").as_bytes()).unwrap();
    ingest(folder.path(), "artifacts", 1);
    let mut engine = engine(folder.path(), "artifacts", "preprocess", 1);
    engine.context["encoder"] = engine.answer("preprocess-plan", &[])["encoder"].clone();
    let column = |value: &str| -> ArrayRef { Arc::new(StringArray::from(vec![value])) };
    let names = ["id", "text", "label", "group", "split", "duplicate_group"];
    let rows = [table(names.map(|name| (name, column("test"))).to_vec())];
    engine.try_step("preprocess-tokenise", &rows).unwrap();

    let tokenizer = encoder.join("tokenizer.json");
    let text = fs::read_to_string(&tokenizer).unwrap();
    fs::write_atomic(&tokenizer, format!("{text}\n").as_bytes()).unwrap();
    let message = engine
        .try_step("preprocess-tokenise", &rows)
        .unwrap_err()
        .render();
    assert!(message.contains("`encoder/tokenizer.json` differs"), "{message}");
    fs::rename(&encoder, &folder.path().join("elsewhere")).unwrap();
    let message = engine
        .try_step("preprocess-tokenise", &rows)
        .unwrap_err()
        .render();
    assert!(message.contains("encoder` is not there"), "{message}");
    assert!(message.contains("hint: "), "{message}");
}

#[test]
fn a_lost_part_is_not_committed() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path());
    let mut engine = engine(folder.path(), "artifacts", "ingest", 1);
    engine.context["parts"] = json!(2);
    engine.context["rows"] = json!(7);
    let written = |files: &[&str], rows: &[i64]| {
        table(vec![
            ("file", Arc::new(StringArray::from(files.to_vec()))),
            ("rows", Arc::new(Int64Array::from(rows.to_vec()))),
        ])
    };
    for (files, rows, problem) in [
        (&["x"][..], &[7][..], "1 of 2 parts were written"),
        (&["x", "y"], &[3, 3], "6 rows were written, and not 7"),
        (&["x", "y"], &[3, 4], "`x` was written, and is not there"),
    ] {
        let failure = engine.try_step("commit", &[written(files, rows)]).unwrap_err();
        assert!(failure.render().contains(problem), "{}", failure.render());
    }
    assert!(!folder.path().join("artifacts/ingest").exists());
}

#[test]
fn rows_that_an_engine_did_not_sort_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    project(folder.path());
    let engine = engine(folder.path(), "artifacts", "preprocess", 1);
    let digest = |byte: u8| [byte; 16];
    let bucket = |digests: &[[u8; 16]], hashes: &[i64]| {
        table(vec![
            ("band", Arc::new(Int32Array::from(vec![0; digests.len()]))),
            ("bucket", Arc::new(Int64Array::from(hashes.to_vec()))),
            ("exact", Arc::new(BinaryArray::from_iter_values(digests))),
            ("text", Arc::new(StringArray::from(vec!["text"; digests.len()]))),
        ])
    };
    for (rows, problem) in [
        (
            bucket(&[digest(2), digest(1)], &[5, 5]),
            "the order of their digests",
        ),
        (
            bucket(&[digest(1), digest(1)], &[5, 5]),
            "the order of their digests",
        ),
        (
            bucket(&[digest(1), digest(2)], &[6, 5]),
            "buckets do not come in their order",
        ),
    ] {
        let failure = engine.try_step("preprocess-compare", &[rows]).unwrap_err();
        assert!(failure.render().contains(problem), "{}", failure.render());
    }
}
