//! The first stage: sources of labelled text in, documents, rejects and the label map out.
//!
//! Reads folders of text files, CSV, TSV, JSON lines, Parquet, spreadsheets and SQLite, packed or not, in
//! archives or not, with bounded memory: rows go
//! to sorted runs on disk and are merged, so that `documents.parquet` and `labels.json` depend on what the
//! rows say and never on their order or on how they are spread over files. (Rejects name file and line, so
//! `rejects.parquet` does.)
//!
//! Nothing is dropped silently: a row is a document, a reject, not chosen by `ingest.labels.keep` or over the
//! cap, and each is counted. Texts are taken as they are; cleaning them, and finding duplicates, is the next
//! stage's work.
//!
//! The same readers give the texts that are to be labelled: see [`texts`]. And [`guess`] finds the parameters
//! for files that nobody has described.

mod archives;
mod columns;
mod documents;
mod error;
mod fasttext;
mod folder;
mod guess;
mod intake;
mod label_names;
mod labels;
mod layout;
mod left_aside;
mod limits;
mod merge;
mod one_label;
mod opening;
mod parallel;
mod params;
mod plausibility;
mod reading;
mod rows;
mod settings;
mod share;
pub mod shares;
mod sources;
mod spill;
mod standard_input;
mod summary;
mod tally;
mod texts;

use std::path::Path;

use labelproof_artifact::wording::nearest;
use labelproof_artifact::{LabelMap, Reject, Reporter, Split, Stage, StageId, TableWriter, fs};

pub use error::Error;
pub use guess::{Guess, Said, guess};
pub use labelproof_tables::{Encoding, Escape, Packing, Quote};
pub use labels::alike::Alike;
pub use labels::several::Several;
pub use params::{Columns, Dialect, Format, Header, Labels, OnReject, Params, Splits, Values, Where};
pub use sources::{SourceFile, shown_entry, source_files};
pub use standard_input::spooled_standard_input;
pub use texts::{TextFormat, TextRow, TextRows, TextSource, texts};

use documents::Documents;
use error::SHOWN_REJECTS;
use intake::Intake;
use labels::LabelCounts;
use labels::missing::{self, Missing};
use layout::Layout;
use left_aside::{LeftAside, is_unlabelled_folder};
use limits::Limits;
use share::Share;
use sources::Found;
use spill::Sorter;
use summary::Summary;
use tally::Tally;

/// What the stage declares of itself. It reads the sources, and nothing that another stage wrote.
pub const STAGE: Stage = Stage {
    id: StageId::Ingest,
    revision: 2,
    reads: &[],
    encoder_files: &[],
};

/// Reads the sources, which are relative to `base`, and writes `documents.parquet`, `rejects.parquet` and
/// `labels.json` into the folder `out`. After an error, what `out` holds is of no use.
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
    let expanded = archives::expand(params, sources::find(params, base, reporter)?, out)?;
    let sources = &expanded.sources;
    let layout = layout::read(params, sources)?;

    reporter.started("reading rows", None);
    let candidates = Sorter::new(out, limits);
    let mut intake = Intake::new(
        params,
        sources,
        &layout,
        candidates,
        Sorter::new(out, limits),
        reporter,
    );
    reading::read(params, base, sources, &Share::All, &layout, limits, &mut intake)?;
    reading::conclude(params, sources, &mut intake.tally)?;
    reporter.finished();

    let missing = missing::decide(&params.labels, &intake.tally.labels);
    let documents = documents::write(params, &missing, out, &mut intake, reporter)?;
    let Intake { rejects, tally, .. } = intake;
    let read = Read {
        sources,
        layout: &layout,
        tally,
        missing: &missing,
        documents,
    };
    for message in conclude(params, read, rejects, out)? {
        reporter.message(&message);
    }
    Ok(())
}

/// What is known once all documents are written.
struct Read<'a> {
    sources: &'a [Found],
    layout: &'a Layout,
    tally: Tally,
    missing: &'a Missing,
    documents: Documents,
}

/// Writes `rejects.parquet` and `labels.json`, checks whether the documents make a classification, and
/// returns what is to be said.
fn conclude(
    params: &Params,
    read: Read<'_>,
    rejects: Sorter<Reject>,
    out: &Path,
) -> Result<Vec<String>, Error> {
    let Read {
        sources,
        layout,
        mut tally,
        missing,
        documents,
    } = read;
    let mut reject_count = tally.rejects();
    // Where there is nothing else, what was left aside is what somebody took for the texts.
    if documents.counts.rows() == 0 {
        reject_count += std::mem::take(&mut tally.left_aside).files() as u64;
    }
    let first_rejects = write_rejects(rejects, out, &tally.left_aside)?;
    if reject_count > 0 && params.on_reject == OnReject::Fail {
        let is_unlabelled =
            |split: &Split| tally.labels.rows_in(*split) > 0 && documents.counts.rows_in(*split) == 0;
        let unlabelled = Split::ALL.into_iter().find(is_unlabelled);
        let taken_for_none = (!missing.is_declared).then_some(&missing.labels);
        let is_refused =
            |label: &&String| !is_unlabelled_folder(params, label) || tally.left_aside.files() == 0;
        return Err(Error::Rejected {
            rejects: first_rejects,
            total: reject_count,
            missing: taken_for_none
                .into_iter()
                .flatten()
                .filter(is_refused)
                .cloned()
                .collect(),
            unlabelled,
            one_label: tally
                .reasons
                .contains_key(&rows::Reason::SeveralLabels)
                .then(|| one_label::advice(params)),
        });
    }
    if documents.counts.rows() == 0 {
        return Err(Error::NoDocuments {
            rows: tally.rows,
            rejects: reject_count,
            not_chosen: tally.not_chosen_rows,
            unlabelled: tally.unlabelled.rows(),
            not_where: tally.not_where_rows,
        });
    }
    check_labels(params, &documents.counts, &tally.not_chosen)?;
    LabelMap::new(documents.counts.iter().map(|(label, _)| label.clone()).collect()).write(out)?;

    let place = |source: u32, line: Option<u64>| {
        let line = line.map(|line| format!(":{line}")).unwrap_or_default();
        format!("{}{line}", sources::name(sources, source))
    };
    let warnings = documents.plausibility.warnings(params, &documents.counts, &place);
    let renames = params.labels.rename.keys().map(String::as_str);
    let summary = Summary {
        files: sources.len(),
        documents: &documents.counts,
        layout,
        split_column: params
            .columns
            .as_ref()
            .and_then(|columns| columns.split.as_deref()),
        tally: &tally,
        first_rejects: &first_rejects,
        missing,
        warnings: &warnings,
        over_cap: documents.over_cap,
        rows_per_label: params.rows_per_label,
        unused_renames: renames.filter(|from| !tally.renamed.contains(*from)).collect(),
    };
    let text = summary.text();
    let mut messages = tally.remarks;
    messages.push(text);
    Ok(messages)
}

/// Writes `rejects.parquet`, and returns the first of them for the messages, without what is left aside.
fn write_rejects(rejects: Sorter<Reject>, out: &Path, left_aside: &LeftAside) -> Result<Vec<Reject>, Error> {
    let mut first = Vec::new();
    let mut writer = TableWriter::create(out)?;
    for reject in rejects.finish()? {
        let reject: Reject = reject?;
        if first.len() < SHOWN_REJECTS && !left_aside.contains(&reject) {
            first.push(reject.clone());
        }
        writer.push(reject)?;
    }
    writer.finish()?;
    Ok(first)
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
    if let Some(several) = labels::several::several(&params.labels, documents) {
        return Err(Error::SeveralLabels { several });
    }
    let alike = labels::alike::alike(documents, not_chosen);
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
