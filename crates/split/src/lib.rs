//! The split stage: decides which rows are trained on, chosen by, and tested on.
//!
//! Reads preprocess's tokens for ids, labels and groups, and ingest's label map; writes `split.parquet` in
//! the order of the tokens. Responsible for shares, strata, and for rows that must stay together; not for
//! finding duplicates (preprocess) nor for what a crossing duplicate does to a score.
//!
//! A row's part depends on the seed, the ids and the groups alone: not on the order of rows, the number of
//! threads or the machine. Only one row's id, label and group are held in memory, never texts or tokens.

mod draw;
mod error;
mod given;
mod params;
mod rows;
mod sets;
mod summary;
mod targets;

#[cfg(test)]
mod tests;

use std::path::Path;

use labelproof_artifact::{
    Artifacts, LabelMap, Reporter, Row, SplitRow, Stage, StageId, TableWriter, TokenRow,
};

pub use error::{Error, Shortage};
pub use params::Params;

use draw::{Assignment, SplitShare};
use rows::Rows;
use sets::Sets;

/// What the stage declares of itself.
pub const STAGE: Stage = Stage {
    id: StageId::Split,
    revision: 2,
    reads: &[LabelMap::KIND, TokenRow::KIND],
    encoder_files: &[],
};

/// Splits the rows of `artifacts/preprocess/tokens.parquet` and writes `split.parquet` to `out`.
pub fn run(params: &Params, artifacts: &Path, out: &Path, reporter: &dyn Reporter) -> Result<(), Error> {
    let problems = params.check();
    if !problems.is_empty() {
        return Err(Error::BadParams { problems });
    }
    let rows = Rows::read(Artifacts::for_stage(artifacts, &STAGE), reporter)?;
    let sets = Sets::find(&rows, params.keep_duplicates_together);
    let assignment = assign(params, &rows, &sets)?;
    reporter.message(&summary::summarize(params, &rows, &sets, &assignment));
    write(&rows, &sets, &assignment, out)
}

/// The part of every row, with every class in every part.
fn assign(params: &Params, rows: &Rows, sets: &Sets) -> Result<Assignment, Error> {
    let is_given = is_given(params, rows);
    let assignment = if is_given {
        given::take(params, rows, sets)?
    } else {
        draw::draw(
            rows,
            sets,
            &SplitShare::drawn(params),
            params.seed,
            params.stratify,
        )?
    };
    check_presence(params, rows, sets, &assignment)?;
    Ok(assignment)
}

/// Whether the split is the one that comes with the data: where there is one, unless the settings say no. Rows
/// that are all of one part are no split.
fn is_given(params: &Params, rows: &Rows) -> bool {
    params.use_given.unwrap_or_else(|| {
        let mut given = rows.list.iter().filter_map(|row| row.given);
        let first = given.next();
        given.any(|split| Some(split) != first)
    })
}

/// A class that a part lacks can be neither learnt nor measured there.
fn check_presence(params: &Params, rows: &Rows, sets: &Sets, assignment: &Assignment) -> Result<(), Error> {
    let counts = summary::count(rows, assignment);
    for (class, parts) in counts.iter().enumerate() {
        if let Some(split) = draw::first_empty(parts) {
            let of_class = |row: u32| rows.class(row) == class;
            let groups = sets
                .iter()
                .filter(|set| set.iter().any(|&row| of_class(row)))
                .map(<[u32]>::len);
            return Err(Error::ClassMissing {
                label: rows.labels.name(class).to_owned(),
                split,
                rows: parts.iter().sum(),
                groups: groups.clone().count(),
                largest_group: groups.max().unwrap_or(0),
                stratified: params.stratify,
                given: is_given(params, rows),
            });
        }
    }
    Ok(())
}

fn write(rows: &Rows, sets: &Sets, assignment: &Assignment, out: &Path) -> Result<(), Error> {
    let first_of = sets.first_rows(rows.len());
    let mut writer = TableWriter::<SplitRow>::create(out)?;
    for ((row, &split), &first) in rows.list.iter().zip(assignment).zip(&first_of) {
        writer.push(SplitRow {
            id: row.id.clone(),
            label: rows.labels.name(row.class as usize).to_owned(),
            split,
            group: rows.list[first as usize].id.clone(),
        })?;
    }
    Ok(writer.finish()?)
}
