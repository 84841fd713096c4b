//! The split that comes with the data, and the validation part where it lacks one.

use labelproof_artifact::Split;

use crate::draw::{self, Assignment, SplitShare};
use crate::error::Error;
use crate::params::Params;
use crate::rows::Rows;
use crate::sets::Sets;

/// Takes the given split as it is. If it has no validation part, that is drawn from its train part.
pub(crate) fn take(params: &Params, rows: &Rows, sets: &Sets) -> Result<Assignment, Error> {
    let mut missing = rows.list.iter().filter(|row| row.given.is_none());
    if let Some(first) = missing.next() {
        return Err(Error::GivenMissing {
            id: first.id.clone(),
            count: 1 + missing.count(),
        });
    }
    let given: Assignment = rows.list.iter().filter_map(|row| row.given).collect();
    for split in [Split::Train, Split::Test] {
        if !given.contains(&split) {
            return Err(Error::GivenPartEmpty { split });
        }
    }
    if given.contains(&Split::Validation) {
        return Ok(given);
    }
    draw_validation(params, rows, sets, &given)
}

/// Draws `validation`, a share of all rows, from the rows given as train. Sets that reach into test stay
/// together as far as they are in train.
fn draw_validation(
    params: &Params,
    rows: &Rows,
    sets: &Sets,
    given: &Assignment,
) -> Result<Assignment, Error> {
    let is_train = |row: u32| given[row as usize] == Split::Train;
    let train = given.iter().filter(|&&split| split == Split::Train).count();
    let share = params.validation * rows.len() as f64 / train as f64;
    if share >= 1.0 {
        return Err(Error::GivenTrainTooSmall {
            train,
            validation: whole_rows(rows.len(), params.validation),
        });
    }
    let parts = [(Split::Validation, share), (Split::Train, 1.0 - share)]
        .map(|(split, share)| SplitShare { split, share });
    let within_train = sets.restricted(rows, is_train);
    let drawn = draw::draw(rows, &within_train, &parts, params.seed, params.stratify)?;
    let both = given.iter().zip(drawn);
    Ok(both
        .map(|(&given, drawn)| if given == Split::Train { drawn } else { given })
        .collect())
}

/// A share of a number of rows, rounded.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a row count is not negative and no larger than it"
)]
fn whole_rows(rows: usize, share: f64) -> usize {
    (rows as f64 * share).round() as usize
}
