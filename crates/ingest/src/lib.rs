//! The first stage: sources of labelled text in, documents, rejects and the label map out.
//!
//! Reads folders of text files, CSV, TSV, JSON lines and Parquet, packed or not, with bounded memory: rows go to sorted
//! runs on disk and are merged, so that `documents.parquet` and `labels.json` depend on what the rows say and never on
//! their order or on how they are spread over files. (Rejects name file and line, so `rejects.parquet` does.)
//!
//! Nothing is dropped silently: a row is a document, a reject, not chosen by `ingest.labels.keep` or over the cap, and
//! each is counted. Texts are taken as they are; cleaning them, and finding duplicates, is the next stage's work.
//!
//! The same readers give the texts that are to be labelled: see [`texts`].

mod columns;
mod delimited;
mod error;
mod folder;
mod intake;
mod json_lines;
mod labels;
mod limits;
mod lines;
mod merge;
mod params;
mod parquet_rows;
mod rows;
mod settings;
mod sources;
mod spill;
mod summary;
mod texts;

use std::path::Path;

use labelproof_artifact::wording::nearest;
use labelproof_artifact::{Document, LabelMap, Reject, Reporter, Stage, StageId, TableWriter, fs};

pub use error::Error;
pub use labels::Alike;
pub use params::{Columns, Encoding, Format, Labels, OnReject, Params};
pub use sources::{SourceFile, source_files};
pub use texts::{TextFormat, TextRow, TextRows, TextSource, texts};

use columns::Wanted;
use error::SHOWN_REJECTS;
use intake::Intake;
use labels::LabelCounts;
use limits::Limits;
use merge::{Draw, Step, Unique};
use rows::{Problem, Reason};
use settings::Settings;
use sources::{Found, Input};
use spill::{Candidate, RunWriter, Sorter};
use summary::Summary;

/// What the stage declares of itself. It reads the sources, and nothing that another stage wrote.
pub const STAGE: Stage = Stage {
    id: StageId::Ingest,
    revision: 1,
    reads: &[],
    encoder_files: &[],
};

/// Reads the sources, which are relative to `base`, and writes `documents.parquet`, `rejects.parquet` and `labels.json`
/// into the folder `out`. After an error, what `out` holds is of no use.
pub fn run(params: &Params, base: &Path, out: &Path, reporter: &dyn Reporter) -> Result<(), Error> {
    run_within(params, base, out, reporter, Limits::default())
}

fn run_within(
    params: &Params,
    base: &Path,
    out: &Path,
    reporter: &dyn Reporter,
    limits: Limits,
) -> Result<(), Error> {
    let problems = params.check();
    if !problems.is_empty() {
        return Err(Error::BadParams { problems });
    }
    fs::create_dir_all(out)?;
    let sources = sources::find(params, base)?;

    reporter.started("reading rows", None);
    let candidates = Sorter::new(out, limits);
    let mut intake = Intake::new(params, &sources, candidates, Sorter::new(out, limits), reporter);
    read_sources(params, &sources, limits, &mut intake)?;
    reporter.finished();

    let documents = write_documents(params, out, &mut intake, reporter)?;

    let Intake {
        rejects,
        reasons,
        rows,
        not_chosen_rows,
        not_chosen,
        renamed,
        ..
    } = intake;
    let reject_count = rejects.len();
    let mut first_rejects = Vec::new();
    let mut writer = TableWriter::create(out)?;
    for reject in rejects.finish()? {
        let reject: Reject = reject?;
        if first_rejects.len() < SHOWN_REJECTS {
            first_rejects.push(reject.clone());
        }
        writer.push(reject)?;
    }
    writer.finish()?;
    if reject_count > 0 && params.on_reject == OnReject::Fail {
        return Err(Error::Rejected {
            rejects: first_rejects,
            total: reject_count,
        });
    }
    if documents.counts.rows() == 0 {
        return Err(Error::NoDocuments {
            rows,
            rejects: reject_count,
            not_chosen: not_chosen_rows,
        });
    }
    check_labels(params, &documents.counts, &not_chosen)?;
    LabelMap::new(documents.counts.iter().map(|(label, _)| label.clone()).collect()).write(out)?;

    let renames = params.labels.rename.keys().map(String::as_str);
    let summary = Summary {
        rows,
        files: sources.len(),
        documents: &documents.counts,
        reasons: &reasons,
        first_rejects: &first_rejects,
        not_chosen_rows,
        not_chosen: &not_chosen,
        over_cap: documents.over_cap,
        rows_per_label: params.rows_per_label,
        unused_renames: renames.filter(|from| !renamed.contains(from)).collect(),
    };
    reporter.message(&summary.text());
    Ok(())
}

fn read_sources(
    params: &Params,
    sources: &[Found],
    limits: Limits,
    intake: &mut Intake<'_>,
) -> Result<(), Error> {
    let encoding = params.encoding;
    let files = || sources.iter().map(|found| &found.file).zip(0_u32..);
    match (params.format, &params.columns) {
        (Format::Folder, _) => folder::read(sources, encoding, limits, intake),
        (Format::Csv | Format::Tsv, Some(columns)) => {
            let separator = if params.format == Format::Csv { b',' } else { b'\t' };
            for (file, source) in files() {
                let input = Input::open(file, encoding, Settings::Pipeline)?;
                delimited::read(input, source, separator, &Wanted::from(columns), limits, intake)?;
            }
            Ok(())
        }
        (Format::JsonLines, Some(columns)) => {
            let mut reader = json_lines::JsonLines::new(Wanted::from(columns));
            for (file, source) in files() {
                let input = Input::open(file, encoding, Settings::Pipeline)?;
                reader.read(input, source, limits, intake)?;
            }
            reader.finish(sources.first().map_or("", |found| found.file.name.as_str()))
        }
        (Format::Parquet, Some(columns)) => {
            for (file, source) in files() {
                parquet_rows::read(file, source, &Wanted::from(columns), limits, intake)?;
            }
            Ok(())
        }
        (Format::Csv | Format::Tsv | Format::JsonLines | Format::Parquet, None) => Err(Error::BadParams {
            problems: params.check(),
        }),
    }
}

/// What was written.
struct Documents {
    counts: LabelCounts,
    over_cap: u64,
}

/// Merges the candidates into `documents.parquet`, and rejects those whose id another row has.
fn write_documents(
    params: &Params,
    out: &Path,
    intake: &mut Intake<'_>,
    reporter: &dyn Reporter,
) -> Result<Documents, Error> {
    // Only the candidates are taken out: the merge adds to the rejects.
    let candidates = std::mem::replace(&mut intake.candidates, Sorter::new(out, Limits::default()));
    let total = candidates.len();
    let is_declared = params.format == Format::Folder
        || params
            .columns
            .as_ref()
            .is_some_and(|columns| columns.id.is_some());
    let unique = Unique::new(candidates.finish()?, is_declared);
    let mut writer = DocumentWriter {
        table: TableWriter::create(out)?,
        counts: LabelCounts::default(),
        reporter,
    };
    let mut over_cap = 0;
    reporter.started("writing documents", Some(total));
    match params.rows_per_label {
        None => {
            for step in unique {
                if let Some(candidate) = settle(step?, intake)? {
                    writer.push(candidate)?;
                }
            }
        }
        // Which rows are drawn shows only when all are there, so they are put down once more in between.
        Some(rows_per_label) => {
            let mut draw = Draw::new(params.seed, rows_per_label);
            let mut entered = RunWriter::create(out)?;
            for step in unique {
                if let Some(candidate) = settle(step?, intake)? {
                    draw.enter(&candidate.label, &candidate.id);
                    entered.push(&candidate)?;
                }
            }
            for candidate in entered.finish()? {
                let candidate = candidate?;
                if draw.is_drawn(&candidate.label, &candidate.id) {
                    writer.push(candidate)?;
                } else {
                    over_cap += 1;
                }
            }
        }
    }
    reporter.finished();
    writer.table.finish()?;
    Ok(Documents {
        counts: writer.counts,
        over_cap,
    })
}

/// The candidate, unless its id is taken.
fn settle(step: Step, intake: &mut Intake<'_>) -> Result<Option<Candidate>, Error> {
    match step {
        Step::Document(candidate) => Ok(Some(candidate)),
        Step::Repeated {
            candidate,
            kept: (source, line),
        } => {
            let line = line.map(|line| format!(":{line}")).unwrap_or_default();
            let detail = format!("{}{line} has the same id and is kept", intake.source_name(source));
            let problem = Problem::new(Reason::RepeatedId, detail);
            intake.reject(candidate.source, candidate.line, Some(candidate.id), problem)?;
            Ok(None)
        }
    }
}

struct DocumentWriter<'a> {
    table: TableWriter<Document>,
    counts: LabelCounts,
    reporter: &'a dyn Reporter,
}

impl DocumentWriter<'_> {
    fn push(&mut self, candidate: Candidate) -> Result<(), Error> {
        self.counts.add(&candidate.label)?;
        self.reporter.advance(1, "");
        let Candidate {
            id,
            text,
            label,
            group,
            split,
            ..
        } = candidate;
        Ok(self.table.push(Document {
            id,
            text,
            label,
            group,
            split,
        })?)
    }
}

/// Checks that the labels make a classification, and the one that is meant.
fn check_labels(params: &Params, documents: &LabelCounts, not_chosen: &LabelCounts) -> Result<(), Error> {
    for label in params.labels.keep.iter().flatten() {
        if !documents.contains(label) {
            let labels: Vec<String> = documents
                .iter()
                .chain(not_chosen.iter())
                .map(|(name, _)| name.clone())
                .collect();
            return Err(Error::KeepWithoutRows {
                label: label.clone(),
                nearest: nearest(label, &labels).map(str::to_owned),
                labels,
            });
        }
    }
    let alike = labels::alike(documents, not_chosen);
    if !alike.is_empty() {
        return Err(Error::LabelsAlike { alike });
    }
    if documents.len() < 2 {
        let (label, documents) = documents
            .iter()
            .next()
            .map(|(label, count)| (label.clone(), count))
            .unzip();
        return Err(Error::OneLabel {
            label: label.unwrap_or_default(),
            documents: documents.unwrap_or_default(),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
