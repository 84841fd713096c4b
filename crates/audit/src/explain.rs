//! The pages of the causes: what `labelproof explain` prints, and what `docs/causes.md` holds.
//!
//! Responsible for finding a cause by what somebody calls it, and for putting the pages together. What a page
//! says stands at the head of the file of its check ([`Check::page`]).

use std::fmt::Write;

use labelproof_artifact::findings::Family;
use labelproof_artifact::wording::{capitalized, nearest};
use labelproof_artifact::{Advice, Diagnostic, Fault};

use crate::catalogue;
use crate::cause::Cause;
use crate::check::Check;

/// What stands before the pages in `docs/causes.md`: the order of the search, the gap test, the origin case.
const INTRODUCTION: &str = include_str!("explain/introduction.md");

/// What stands after the pages: causes that are known, and that no check looks for.
const UNTESTED: &str = include_str!("explain/untested.md");

/// No cause is called so, or more than one may be meant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each variant names its fields")]
pub enum UnknownCause {
    #[error("no cause is called `{name}`")]
    NotFound { name: String, nearest: Option<String> },
    #[error("`{name}` fits more than one cause:\n{lines}")]
    Ambiguous { name: String, lines: String },
}

impl Diagnostic for UnknownCause {
    fn advice(&self) -> Advice {
        let advice = Advice::from(Fault::Configuration);
        match self {
            Self::NotFound { nearest, .. } => match nearest {
                Some(name) => advice.and(format!("did you mean `{name}`?")),
                None => advice,
            }
            .and("`labelproof explain` lists all causes"),
            Self::Ambiguous { .. } => advice.and("give the number of the one you mean"),
        }
    }
}

/// The check for the cause that is called so: by its number (`C43`, or `43`), by its name (`redrawn-split`,
/// with hyphens, underscores or spaces), or by a part of its name or title that no other cause has. Upper and
/// lower case are the same.
pub fn find(called: &str) -> Result<&'static Check, UnknownCause> {
    let wanted = key(called);
    let is_it = |check: &&Check| {
        let id = key(check.id);
        id == wanted || id == format!("c{wanted}") || name(check.cause) == wanted
    };
    if let Some(check) = catalogue::ALL.iter().find(is_it) {
        return Ok(check);
    }
    let has_part = |check: &&Check| name(check.cause).contains(&wanted) || key(check.name).contains(&wanted);
    let checks: Vec<&Check> = catalogue::ALL.iter().filter(has_part).collect();
    match checks[..] {
        [check] => Ok(check),
        [_, _, ..] if !wanted.is_empty() => Err(UnknownCause::Ambiguous {
            name: called.to_owned(),
            lines: lines(&checks),
        }),
        _ => Err(UnknownCause::NotFound {
            name: called.to_owned(),
            nearest: nearest_name(&wanted),
        }),
    }
}

/// The number, the name or the word of a name that is spelled most like this.
fn nearest_name(wanted: &str) -> Option<String> {
    let names = catalogue::ALL.iter().flat_map(|check| {
        let name = name(check.cause);
        let words: Vec<String> = name.split('-').map(str::to_owned).collect();
        [vec![check.id.to_owned(), name], words].concat()
    });
    nearest(wanted, &names.collect::<Vec<String>>()).map(str::to_owned)
}

/// The name of a cause on the command line: that of its variant, with hyphens.
fn name(cause: Cause) -> String {
    let mut name = String::new();
    for character in format!("{cause:?}").chars() {
        if character.is_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(character.to_ascii_lowercase());
    }
    name
}

/// A name without what its spellings differ in: letter case, and what stands between its words.
fn key(name: &str) -> String {
    let words = name.split(|character: char| !character.is_alphanumeric());
    let words: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    words.join("-").to_lowercase()
}

/// A line for each cause: number, name and title.
fn lines(checks: &[&Check]) -> String {
    let lengths = catalogue::ALL.iter().map(|check| name(check.cause).len());
    let width = lengths.max().unwrap_or(0);
    let line = |check: &&Check| {
        let title = capitalized(check.name);
        format!("  {:<3}  {:<width$}  {title}", check.id, name(check.cause))
    };
    checks.iter().map(line).collect::<Vec<String>>().join("\n")
}

fn of_family(family: Family) -> Vec<&'static Check> {
    let checks = catalogue::ALL.iter().filter(|check| check.family == family);
    checks.collect()
}

/// The causes by family, a line each.
pub fn list() -> String {
    let mut text = String::new();
    for family in Family::ALL {
        let _ = writeln!(
            text,
            "{}\n{}\n",
            capitalized(family.title()),
            lines(&of_family(family))
        );
    }
    text.push_str("`labelproof explain C1` prints the page of a cause.");
    text
}

/// The page of a cause, as Markdown: its title with its number; its name, its family, the causes it yields to
/// and those it may follow from; and what the head of its check's file says.
pub fn page(check: &Check) -> String {
    let page = check.page();
    let body = page.split_once('\n').map_or("", |(_, body)| body);
    let mut place = format!("Name: `{}`. Family: {}.", name(check.cause), check.family.title());
    let others = catalogue::ALL
        .iter()
        .filter(|other| check.yields_to.contains(&other.cause));
    let others: Vec<&str> = others.map(|other| other.id).collect();
    if !others.is_empty() {
        let _ = write!(place, "\nYields to {}.", others.join(", "));
    }
    let causes = catalogue::ALL
        .iter()
        .filter(|other| catalogue::follows_from(check.cause).any(|cause| cause == other.cause));
    let causes: Vec<&str> = causes.map(|other| other.id).collect();
    if !causes.is_empty() {
        let _ = write!(place, "\nMay follow from {}.", causes.join(", "));
    }
    let title = capitalized(check.name);
    format!("# {}: {title}\n\n{place}\n{}", check.id, body.trim_end())
}

/// The pages of all causes with an introduction: `docs/causes.md`.
pub fn markdown() -> String {
    let mut text = format!("{INTRODUCTION}\n## The causes\n");
    for family in Family::ALL {
        let _ = writeln!(text, "\n{}:\n", capitalized(family.title()));
        for check in of_family(family) {
            let title = capitalized(check.name);
            let _ = writeln!(text, "- [{}]({}): {title}", check.id, anchor(check));
        }
    }
    for family in Family::ALL {
        let _ = writeln!(text, "\n## {}", capitalized(family.title()));
        for check in of_family(family) {
            let _ = writeln!(text, "\n{}", demoted(&page(check)));
        }
    }
    let _ = write!(text, "\n{UNTESTED}");
    text.trim_end().to_owned()
}

/// The place of a cause's heading in the document, as GitHub names it.
fn anchor(check: &Check) -> String {
    let heading = format!("{}: {}", check.id, check.name).to_lowercase();
    let kept = heading
        .chars()
        .filter(|character| character.is_alphanumeric() || " -".contains(*character));
    format!("#{}", kept.collect::<String>().replace(' ', "-"))
}

/// Headings two levels further down.
fn demoted(page: &str) -> String {
    let mut in_code = false;
    let demote = |line: &str| {
        in_code ^= line.starts_with("```");
        let is_heading = !in_code && line.starts_with('#');
        format!("{}{line}", if is_heading { "##" } else { "" })
    };
    page.lines().map(demote).collect::<Vec<String>>().join("\n")
}

#[cfg(test)]
mod tests;
