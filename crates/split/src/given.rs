//! The split that comes with the data, and the validation or test part where it lacks one.

use labelproof_artifact::Split;

use crate::draw::{self, Assignment, SplitShare};
use crate::error::Error;
use crate::params::Params;
use crate::rows::Rows;
use crate::sets::Sets;

/// Takes the given split as it is. If it lacks validation or test, that part is drawn from its train part.
pub(crate) fn take(params: &Params, rows: &Rows, sets: &Sets) -> Result<Assignment, Error> {
    let mut missing = rows.list.iter().filter(|row| row.given.is_none());
    if let Some(first) = missing.next() {
        return Err(Error::GivenMissing {
            id: first.id.clone(),
            count: 1 + missing.count(),
        });
    }
    let given: Assignment = rows.list.iter().filter_map(|row| row.given).collect();
    let missing = missing_parts(&given);
    if !given.contains(&Split::Train) {
        return Err(Error::GivenPartEmpty { split: Split::Train });
    }
    // Rows that are all train are no split.
    if missing.len() == 2 {
        return Err(Error::GivenPartEmpty { split: Split::Test });
    }
    match missing.first() {
        Some(part) => draw_part(*part, params, rows, sets, &given),
        None => Ok(given),
    }
}

/// The parts beside train that a given split lacks.
pub(crate) fn missing_parts(given: &Assignment) -> Vec<Split> {
    [Split::Validation, Split::Test]
        .into_iter()
        .filter(|part| !given.contains(part))
        .collect()
}

/// Draws a part, a share of all rows, from the rows given as train. Sets that reach into another part stay
/// together as far as they are in train.
fn draw_part(
    part: Split,
    params: &Params,
    rows: &Rows,
    sets: &Sets,
    given: &Assignment,
) -> Result<Assignment, Error> {
    let is_train = |row: u32| given[row as usize] == Split::Train;
    let train = given.iter().filter(|&&split| split == Split::Train).count();
    let of_all = if part == Split::Test {
        params.test
    } else {
        params.validation
    };
    let share = of_all * rows.len() as f64 / train as f64;
    if share >= 1.0 {
        return Err(Error::GivenTrainTooSmall {
            train,
            part,
            wanted: whole_rows(rows.len(), of_all),
        });
    }
    let parts =
        [(part, share), (Split::Train, 1.0 - share)].map(|(split, share)| SplitShare { split, share });
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
