//! The choice of columns: which of them is the text, the label, the id, the split.
//!
//! Names decide between columns whose rows can be what is looked for; rows decide where names say nothing.

use super::names::{self, Surety};
use super::profile::Profile;
use super::{Said, Unclear};
use crate::params::{Columns, Values, Where};

/// A column with what its first rows look like.
pub(super) struct Candidate {
    pub(super) name: String,
    pub(super) profile: Profile,
}

/// The columns that were chosen, and what a person should know of the choice.
pub(super) struct Choice {
    pub(super) columns: Columns,
    /// Which rows are taken.
    pub(super) conditions: Where,
    pub(super) remarks: Vec<String>,
}

/// Chooses among the columns of a table of which so many rows were looked at.
pub(super) fn choose(candidates: &[Candidate], rows: usize, said: &Said) -> Result<Choice, Unclear> {
    let mut remarks = Vec::new();
    let answer = candidates
        .iter()
        .find(|column| column.name == ANSWER && column.profile.has_only(&ANSWERS));
    let label = match &said.label {
        Some(label) => named(candidates, label)?,
        None => find_label(candidates, said, &mut remarks)?,
    };
    let text = if said.text.is_empty() {
        find_text(candidates, label, &mut remarks)?
    } else {
        let named = said.text.iter().map(|name| named(candidates, name));
        named.collect::<Result<Vec<_>, _>>()?
    };
    let rest = || {
        let is_free = |(place, _): &(usize, &Candidate)| *place != label && !text.contains(place);
        candidates
            .iter()
            .enumerate()
            .filter(is_free)
            .map(|(_, candidate)| candidate)
    };
    let id = rest().find(|column| names::is_id(&column.name) && column.profile.is_unique(rows));
    let split = rest().find(|column| names::is_split(&column.name) && column.profile.is_split());
    if let Some(group) = rest().find(|column| names::is_group(&column.name)) {
        remarks.push(format!(
            "if rows of one `{0}` belong together, keep them on one side of the split with `columns: {{ group: {0} }}`",
            group.name
        ));
    }
    let name = |place: &usize| candidates[*place].name.clone();
    Ok(Choice {
        columns: Columns {
            text: text.iter().map(name).collect(),
            label: name(&label),
            id: id.map(|column| column.name.clone()),
            group: None,
            split: split.map(|column| column.name.clone()),
        },
        conditions: answer.map(|_| accepted()).unwrap_or_default(),
        remarks,
    })
}

/// Calls the chosen columns of a table without a header by what they are, in their choice and in `names`, which
/// is returned.
pub(super) fn name_by_role(columns: &mut Columns, mut names: Vec<String>) -> Vec<String> {
    let several = columns.text.len() > 1;
    let texts = columns.text.iter_mut().enumerate().map(|(number, column)| {
        let role = if several {
            format!("text {}", number + 1)
        } else {
            "text".to_owned()
        };
        (role, column)
    });
    let others = [
        ("label", Some(&mut columns.label)),
        ("id", columns.id.as_mut()),
        ("split", columns.split.as_mut()),
    ];
    let others = others
        .into_iter()
        .filter_map(|(role, column)| Some((role.to_owned(), column?)));
    for (role, column) in texts.chain(others) {
        if let Some(name) = names.iter_mut().find(|name| *name == column) {
            name.clone_from(&role);
        }
        *column = role;
    }
    names
}

/// What Prodigy calls the column of the annotator's verdict on a row, and the verdicts.
const ANSWER: &str = "answer";
const ANSWERS: [&str; 3] = ["accept", "reject", "ignore"];

/// Only rows that the annotator accepted have the label that stands there.
fn accepted() -> Where {
    Where::from([(ANSWER.to_owned(), Values::one(ANSWERS[0]))])
}

fn named(candidates: &[Candidate], name: &str) -> Result<usize, Unclear> {
    let place = candidates.iter().position(|column| column.name == name);
    place.ok_or_else(|| Unclear::ColumnMissing(name.to_owned()))
}

/// The column whose name is surest among those that may be labels; of nameless ones, that with the fewest
/// labels.
fn find_label(candidates: &[Candidate], said: &Said, remarks: &mut Vec<String>) -> Result<usize, Unclear> {
    let mut possible: Vec<(usize, Option<Surety>)> = candidates
        .iter()
        .enumerate()
        .filter(|(_, column)| !said.text.contains(&column.name))
        .filter(|(_, column)| !(column.name == ANSWER && column.profile.has_only(&ANSWERS)))
        .filter(|(_, column)| !names::is_split(&column.name) || !column.profile.is_split())
        .map(|(place, column)| (place, names::label(&column.name)))
        .filter(|(place, surety)| {
            candidates[*place]
                .profile
                .may_be_label(*surety == Some(Surety::Said))
        })
        .collect();
    let rank = |surety: Option<Surety>| surety.map_or(9, |surety| surety as usize);
    possible.sort_by_key(|(place, surety)| {
        let labels = candidates[*place].profile.different().unwrap_or(usize::MAX);
        (
            rank(*surety),
            if surety.is_some() { *place } else { labels },
            *place,
        )
    });
    let Some((label, surety)) = possible.first().copied() else {
        return Err(Unclear::LabelNotFound);
    };
    let others: Vec<String> = possible[1..]
        .iter()
        .filter(|(_, other)| other.is_some() || surety.is_none())
        .map(|(place, _)| {
            format!(
                "`{}` ({})",
                candidates[*place].name,
                candidates[*place].profile.examples()
            )
        })
        .take(3)
        .collect();
    if !others.is_empty() {
        remarks.push(format!(
            "`{}` is taken for the label; if it is another column, name it with --label: {}",
            candidates[label].name,
            others.join(", ")
        ));
    }
    Ok(label)
}

/// The columns of the text: the longest of those whose names are surest, with the title above it.
fn find_text(
    candidates: &[Candidate],
    label: usize,
    remarks: &mut Vec<String>,
) -> Result<Vec<usize>, Unclear> {
    let mut possible: Vec<(usize, Option<Surety>)> = candidates
        .iter()
        .enumerate()
        .filter(|(place, column)| *place != label && column.profile.may_be_text())
        .filter(|(_, column)| !names::is_id(&column.name))
        .map(|(place, column)| (place, names::text(&column.name)))
        .filter(|(place, surety)| surety.is_some() || candidates[*place].profile.is_of_words())
        .collect();
    let rank = |surety: Option<Surety>| surety.map_or(9, |surety| surety as usize);
    possible.sort_by(|(one, one_surety), (other, other_surety)| {
        let length = |place: &usize| candidates[*place].profile.length();
        let by_length = length(other).total_cmp(&length(one));
        rank(*one_surety)
            .cmp(&rank(*other_surety))
            .then(by_length)
            .then(one.cmp(other))
    });
    let Some((text, surety)) = possible.first().copied() else {
        return Err(Unclear::TextNotFound);
    };
    let name = |place: usize| candidates[place].name.as_str();
    let title = possible
        .iter()
        .map(|(place, _)| *place)
        .find(|place| *place != text && names::is_title_of(name(*place), name(text)));
    let others: Vec<String> = possible[1..]
        .iter()
        .filter(|(place, other)| Some(*place) != title && (other.is_some() || surety.is_none()))
        .map(|(place, _)| format!("`{}`", name(*place)))
        .collect();
    if !others.is_empty() {
        remarks.push(format!(
            "`{}` is taken for the text; others that may be: {} (--text can be repeated, and joins them)",
            name(text),
            others.join(", ")
        ));
    }
    Ok(title.into_iter().chain([text]).collect())
}
