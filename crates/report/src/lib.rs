//! The report stage: everything the other stages wrote, as one page that can be sent to a colleague.
//!
//! Reads all artifacts and writes `index.html` (one file, nothing loaded from anywhere), `report.md` (the
//! same in short, for the summary of a CI run), `report.json` (the same numbers for programs) and the figures
//! as SVG files. Responsible for what is shown, in which words, and for saying how much was left out;
//! measures nothing: numbers come from the artifacts as they are.
//!
//! - `facts`: reads the artifacts, table by table, and keeps only what is shown.
//! - `judgement`: whether the model is better than the cheap baseline.
//! - `audited`: what the audit found, in the words and numbers of the page.
//! - `checks`: what there is to say beyond what the audit looks for.
//! - `sections`: one part of the page each, a struct beside its template.
//! - `figures`: charts as inline SVG.
//! - `page`, `summary` and `numbers_file`: the files.
//!
//! All text that comes from data is escaped by the templates; none of them turns escaping off.

mod audited;
mod checks;
mod error;
mod facts;
mod figures;
mod format;
mod judgement;
mod numbers_file;
mod page;
mod palette;
mod params;
mod sections;
mod summary;
mod text;

#[cfg(test)]
mod tests;

use std::path::Path;

use labelproof_artifact::{Artifacts, Reporter, Stage, StageId, StageLock, fs};

pub use error::Error;
pub use params::Params;

use facts::Facts;

/// What the stage declares of itself. The page shows the parameters and the digests of every stage, so it
/// reads the locks, which stand for all the files they list.
pub const STAGE: Stage = Stage {
    id: StageId::Report,
    revision: 7,
    reads: &[
        StageLock::kind(StageId::Ingest),
        StageLock::kind(StageId::Preprocess),
        StageLock::kind(StageId::Split),
        StageLock::kind(StageId::Train),
        StageLock::kind(StageId::Evaluate),
        StageLock::kind(StageId::Audit),
    ],
    encoder_files: &[],
};

/// The page's name in the stage's folder.
pub const PAGE: &str = "index.html";

/// The short form's name in the stage's folder.
pub const SUMMARY: &str = "report.md";

/// The numbers' name in the stage's folder.
pub const NUMBERS: &str = "report.json";

/// The folder of the figures in the stage's folder.
pub const FIGURES: &str = "figures";

/// Reads all artifacts below `artifacts` and writes the page, its short forms and its figures to `out`.
///
/// The page stays below 2 MB whatever the data: rows, classes and files beyond a fixed number are counted and
/// not shown.
pub fn run(params: &Params, artifacts: &Path, out: &Path, reporter: &dyn Reporter) -> Result<(), Error> {
    let problems = params.check();
    if !problems.is_empty() {
        return Err(Error::Parameters { problems });
    }
    let artifacts = Artifacts::for_stage(artifacts, &STAGE);
    let facts = Facts::read(params, artifacts, reporter)?;
    let judgement = judgement::judge(&facts);
    let remarks = checks::remarks(&facts);
    let (page, figures) = page::render(params, &facts, &judgement, &remarks);
    fs::write_atomic(&out.join(PAGE), page.as_bytes())?;
    fs::write_atomic(
        &out.join(SUMMARY),
        summary::render(params, &facts, &judgement, &remarks).as_bytes(),
    )?;
    numbers_file::write(out, params, &facts, &judgement)?;
    let folder = out.join(FIGURES);
    fs::create_dir_all(&folder)?;
    for figure in figures {
        fs::write_atomic(
            &folder.join(&figure.name).with_extension("svg"),
            figure.document().as_bytes(),
        )?;
    }
    reporter.message(&judgement.sentences.join(" "));
    Ok(())
}
