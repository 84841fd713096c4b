//! From the sources to the intake, whatever their format.

use std::path::Path;

use labelproof_artifact::wording::{counted, plural};
use labelproof_tables::{Form, Options, Source};

use crate::columns::Names;
use crate::error::Error;
use crate::folder;
use crate::intake::Intake;
use crate::label_names;
use crate::layout::Layout;
use crate::limits::Limits;
use crate::opening::open_table;
use crate::params::{Dialect, Format, Params};
use crate::settings::Settings;
use crate::share::Share;
use crate::sources::Found;
use crate::tally::Tally;
use crate::{fasttext, parallel};

/// Reads every row of the sources into the intake.
pub(crate) fn read(
    params: &Params,
    base: &Path,
    sources: &[Found],
    share: &Share,
    layout: &Layout,
    limits: Limits,
    intake: &mut Intake<'_>,
) -> Result<(), Error> {
    let (format, columns) = match (params.format.table(), &params.columns) {
        (None, _) => return folder::read(sources, share, layout, params.encoding, limits, intake),
        (Some(format), columns) => (format, columns),
    };
    let options = Options {
        format,
        part: params.part(),
        encoding: params.encoding,
        form: Form::Text,
        limits: limits.tables,
        settings: Settings::Pipeline.of_tables(),
    };
    let columns = match (params.format, columns) {
        (Format::Lines, _) => return parallel::read(params, base, sources, share, &options, intake),
        (Format::Fasttext, _) => return fasttext::read(sources, share, &options, intake),
        (_, Some(columns)) => columns,
        (_, None) => {
            return Err(Error::BadParams {
                problems: params.check(),
            });
        }
    };
    let names = Names::of(columns, &params.conditions);
    let dialect = params.dialect.clone().unwrap_or_default();
    read_tables(&names, sources, share, &options, &dialect, intake)
}

fn read_tables(
    names: &Names<'_>,
    sources: &[Found],
    share: &Share,
    options: &Options<'_>,
    dialect: &Dialect,
    intake: &mut Intake<'_>,
) -> Result<(), Error> {
    let mut selection = names.selection(Settings::Pipeline);
    for (number, found) in share.of(sources) {
        let source = Source::file(&found.file.name, &found.file.path);
        let (table, said) = open_table(source, options, dialect, &names.all())?;
        intake.tally.told.add(&found.file.name, &said);
        let mut rows = table
            .rows_by_name(selection)
            .map_err(|error| Error::of_columns(error, &found.file.name, sources.len()))?;
        let label = names.label.unwrap_or_default();
        intake.names_of_labels(
            label_names::find(&rows.class_names(), &found.file.path, label),
            number,
        );
        if !rows.left_aside().is_empty() {
            let keys: Vec<String> = rows.left_aside().iter().map(|key| format!("`{key}`")).collect();
            intake
                .tally
                .remarks
                .push(format!("{}: left aside: {}", found.file.name, keys.join(", ")));
        }
        while let Some(row) = rows.next_row()? {
            let line = Some(row.place.number());
            match row.cells {
                Ok(cells) => intake.row(number, line, names.fields(cells))?,
                Err(problem) => intake.problem(number, line, problem)?,
            }
        }
        selection = rows.into_selection();
    }
    intake.tally.columns = selection.into_seen();
    Ok(())
}

/// Fails if no row of any source had a column that is chosen by name, and otherwise adds what is to be said
/// of the sources as a whole to the remarks.
pub(crate) fn conclude(params: &Params, sources: &[Found], tally: &mut Tally) -> Result<(), Error> {
    tally.remarks.extend(tally.told.sentences());
    let columns = params.columns.as_ref().filter(|_| {
        let is_table = params.format.table().is_some();
        is_table && !matches!(params.format, Format::Lines | Format::Fasttext)
    });
    let Some(columns) = columns else {
        return Ok(());
    };
    let names = Names::of(columns, &params.conditions);
    let selection = names
        .selection(Settings::Pipeline)
        .with_seen(tally.columns.clone());
    for (wanted, rows) in selection.passed_over() {
        tally.remarks.push(format!(
            "`{}` takes one item of a list, and {} more",
            wanted.column,
            have(rows)
        ));
    }
    let first = sources.first().map_or("", |found| found.file.name.as_str());
    Ok(selection.check(first)?)
}

fn have(rows: u64) -> String {
    format!("{} {}", counted(rows, "row"), plural(rows, "has", "have"))
}
