//! From the sources to the intake, whatever their format.

use labelproof_tables::{Form, Options, Source, Table};

use crate::columns::Names;
use crate::error::Error;
use crate::folder;
use crate::intake::Intake;
use crate::layout::Layout;
use crate::limits::Limits;
use crate::params::Params;
use crate::settings::Settings;
use crate::sources::Found;

/// Reads every row of the sources into the intake.
pub(crate) fn read(
    params: &Params,
    sources: &[Found],
    layout: &Layout,
    limits: Limits,
    intake: &mut Intake<'_>,
) -> Result<(), Error> {
    let (format, columns) = match (params.format.table(), &params.columns) {
        (None, _) => return folder::read(sources, layout, params.encoding, limits, intake),
        (Some(format), Some(columns)) => (format, columns),
        (Some(_), None) => {
            return Err(Error::BadParams {
                problems: params.check(),
            });
        }
    };
    let options = Options {
        format,
        part: params.part(),
        encoding: params.encoding,
        form: Form::Text,
        limits: limits.tables,
        settings: Settings::Pipeline.of_tables(),
    };
    read_tables(&Names::from(columns), sources, &options, intake)
}

fn read_tables(
    names: &Names<'_>,
    sources: &[Found],
    options: &Options<'_>,
    intake: &mut Intake<'_>,
) -> Result<(), Error> {
    let mut selection = names.selection(Settings::Pipeline);
    for (found, number) in sources.iter().zip(0..) {
        let source = Source::file(&found.file.name, &found.file.path);
        let mut rows = Table::open(source, options)?
            .rows_by_name(selection)
            .map_err(|error| Error::of_columns(error, &found.file.name, sources.len()))?;
        while let Some(row) = rows.next_row()? {
            let line = Some(row.place.number());
            match row.cells {
                Ok(cells) => intake.row(number, line, names.fields(cells))?,
                Err(problem) => intake.problem(number, line, problem)?,
            }
        }
        selection = rows.into_selection();
    }
    let first = sources.first().map_or("", |found| found.file.name.as_str());
    Ok(selection.check(first)?)
}
