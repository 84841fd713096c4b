//! Which of the ways to read a file is the one that it was written in.
//!
//! Only a way that splits the file into even rows, and that some writer would have written so, is one. In CSV
//! a quotation mark at the beginning of a field quotes it unless something speaks against that. In TSV it is
//! text unless the whole file shows that a writer of CSV wrote it. A way that does not give the columns that
//! are asked for by name is none beside one that does. Where that leaves two ways, nobody guesses.

use super::evidence::{Findings, examine};
use super::scan::Signs;
use super::{Declared, File};
use crate::dialect::{Dialect, Escape, LineEnds, Quote};
use crate::error::Error;

/// The way to read the file, or an error that says what has to be declared.
pub(super) fn choose(
    file: &File<'_>,
    plain: Dialect,
    declared: &Declared,
    signs: &Signs,
) -> Result<Findings, Error> {
    let mut all: Vec<Findings> = Vec::new();
    for way in ways(plain, declared, signs) {
        let most = least_ragged(&all).unwrap_or(u64::MAX);
        all.push(examine(file, way, declared, most)?);
    }
    let Some(least) = least_ragged(&all) else {
        let mut faults = all.into_iter().filter_map(|found| found.fault);
        return Err(faults
            .next()
            .expect("a way that has no fault has a number of ragged rows"));
    };
    let base = declared.escape.unwrap_or(Escape::None);
    let contest = Contest {
        file,
        base,
        is_tab: plain.separator == b'\t',
    };
    let (mut valid, others): (Vec<_>, Vec<_>) = all.into_iter().partition(|found| found.is_valid(least));
    // Whoever names a column has read its name without the marks around it.
    if valid.iter().any(|found| found.is_named) {
        valid.retain(|found| found.is_named);
    }
    contest.decide(without_twins(valid), others)
}

fn least_ragged(all: &[Findings]) -> Option<u64> {
    let sound = all.iter().filter(|found| found.fault.is_none());
    sound.map(|found| found.ragged).min()
}

/// The ways that the signs allow and nothing that is declared excludes, the usual one first.
fn ways(plain: Dialect, declared: &Declared, signs: &Signs) -> Vec<Dialect> {
    let quotes = match declared.quote {
        Some(quote) => vec![quote],
        None => [
            (plain.separator != b'\t' && signs.quote).then_some(Quote::Double),
            Some(Quote::None),
            (plain.separator == b'\t' && signs.quote).then_some(Quote::Double),
            signs.apostrophe_begins.then_some(Quote::Single),
        ]
        .into_iter()
        .flatten()
        .collect(),
    };
    let mut ways = Vec::new();
    for escape in [Escape::None, Escape::Everywhere, Escape::Quoted, Escape::Marks] {
        for quote in quotes.iter().copied() {
            let is_possible = match declared.escape {
                Some(declared) => escape == declared,
                None => escape == Escape::None || signs.backslash,
            };
            let within_quotes = matches!(escape, Escape::Quoted | Escape::Marks);
            // Backslashes beside apostrophes are too rare to be told from text.
            let is_odd = declared.quote.is_none() && quote == Quote::Single && escape != Escape::None;
            let has_quotes = quote != Quote::None || declared.escape.is_some();
            if is_possible && !is_odd && (has_quotes || !within_quotes) {
                ways.push(Dialect {
                    quote,
                    escape,
                    ..plain
                });
            }
        }
    }
    // What does not end the first line may be a part of the text.
    let other_ends = match signs.first_end {
        [b'\n', _] if signs.pair || signs.lone_return => Some(LineEnds::Feed),
        [b'\r', b'\n'] => signs.lone_return.then_some(LineEnds::Pair),
        [b'\r', _] if signs.lone_feed => Some(LineEnds::Feed),
        [b'\r', _] if signs.pair => Some(LineEnds::Pair),
        _ => None,
    };
    if let Some(line_ends) = other_ends {
        let others: Vec<Dialect> = ways.iter().map(|way| Dialect { line_ends, ..*way }).collect();
        ways.extend(others);
    }
    ways
}

/// Leaves one way of those that give the same rows, and of those that differ in the ends of lines alone.
fn without_twins(valid: Vec<Findings>) -> Vec<Findings> {
    let is_better = |found: &Findings, twin: &Findings| match (found.is_canonical(), twin.is_canonical()) {
        (true, false) => true,
        (false, true) => false,
        _ => !twin.ends_in_runs,
    };
    let mut left: Vec<Findings> = Vec::new();
    for found in valid {
        let way = (found.dialect.quote, found.dialect.escape);
        let twin = left
            .iter_mut()
            .find(|other| (other.dialect.quote, other.dialect.escape) == way);
        match twin {
            // A carriage return before the end of some lines is a part of the text, unless a program of
            // another system wrote all of a part of the file.
            Some(twin) if twin.digest != found.digest && is_better(&found, twin) => *twin = found,
            Some(_) => {}
            None => left.push(found),
        }
    }
    let mut digests = Vec::new();
    left.retain(|found| {
        let is_new = !digests.contains(&found.digest);
        digests.push(found.digest);
        is_new
    });
    left
}

/// How several ways to read a file are weighed.
struct Contest<'c> {
    file: &'c File<'c>,
    /// Where a backslash is no text if nothing speaks for another way.
    base: Escape,
    is_tab: bool,
}

impl Contest<'_> {
    fn is_raw(&self, found: &Findings) -> bool {
        let has_no_quotes = found.dialect.quote == Quote::None || found.quoted == 0 && found.fault.is_none();
        has_no_quotes && found.dialect.escape == self.base
    }

    fn is_usual(&self, found: &Findings) -> bool {
        found.dialect.quote == Quote::Double && !self.is_raw(found) && found.dialect.escape == self.base
    }

    /// Decides between ways that give different rows, of which none has more ragged ones than another. The
    /// `others` are those that cannot be.
    fn decide(&self, valid: Vec<Findings>, others: Vec<Findings>) -> Result<Findings, Error> {
        let least = valid.first().map_or(0, |found| found.ragged);
        let (mut left, loose): (Vec<_>, Vec<_>) = valid.into_iter().partition(Findings::is_canonical);
        if left.is_empty() {
            left = loose;
        } else if !self.is_tab && left.iter().all(|found| self.is_raw(found)) {
            self.check_commas(&loose, others, least)?;
        }
        if left.len() > 1 {
            self.weigh(&mut left)?;
        }
        if let [one, other, ..] = &left[..] {
            return Err(self.ambiguous(one, other));
        }
        Ok(left
            .pop()
            .expect("a valid way is never dropped without another that stays"))
    }

    /// Sees to it that quotation marks are not taken for text in CSV, where they hardly ever are, because
    /// somebody left one out or wrote one too many.
    fn check_commas(&self, loose: &[Findings], others: Vec<Findings>, least: u64) -> Result<(), Error> {
        if let Some(usual) = loose.iter().find(|found| self.is_usual(found)) {
            return Err(self.loosely_quoted(usual));
        }
        let Some(usual) = others.into_iter().find(|found| self.is_usual(found)) else {
            return Ok(());
        };
        match usual.fault {
            // Quotation marks are not text either where that leaves ragged rows.
            Some(fault) if least > 0 => Err(fault.without_key()),
            Some(fault) => Err(fault),
            None => Err(self.loosely_quoted(&usual)),
        }
    }

    /// Weighs a file in which quotation marks and backslashes may be text against one in which they are not.
    fn weigh(&self, left: &mut Vec<Findings>) -> Result<(), Error> {
        let Some(raw) = left.iter().position(|found| self.is_raw(found)) else {
            return Ok(());
        };
        let raw = left.remove(raw);
        let is_sure = |found: &Findings| {
            let is_usual = !self.is_tab && self.is_usual(found);
            is_usual && found.swallowed(&raw).is_none() || found.is_beyond_chance()
        };
        let is_quoted = |found: &Findings| found.dialect.quote != Quote::None && found.quoted > 0;
        if left.iter().any(|found| is_sure(found) && is_quoted(found)) {
            // Nor are quotation marks text where backslashes are not.
            left.retain(is_quoted);
        }
        if left.iter().any(is_sure) {
            return Ok(());
        }
        let swallowed = left
            .iter()
            .find_map(|found| Some((found, found.swallowed(&raw)?)));
        if let Some((found, (opens, closes))) = swallowed {
            return Err(self.swallowed(found, opens, closes));
        }
        left.insert(0, raw);
        Ok(())
    }

    fn loosely_quoted(&self, found: &Findings) -> Error {
        let line = found.ragged_lines.first().copied().unwrap_or(1);
        let line = if found.first_quoted > 0 {
            found.first_quoted
        } else {
            line
        };
        self.error(line, QUOTED_OR_TEXT.to_owned(), &[QUOTED, TEXT])
    }

    fn swallowed(&self, found: &Findings, opens: u64, closes: u64) -> Error {
        let question = format!(
            "a quoted field begins here and ends on line {closes}, or its quotation marks are characters of \
             the texts and each of these lines is a row; the file fits both"
        );
        self.error(
            opens,
            question,
            &[(found.dialect.quote, found.dialect.escape), TEXT],
        )
    }

    fn ambiguous(&self, one: &Findings, other: &Findings) -> Error {
        let ways = [one, other].map(|found| (found.dialect.quote, found.dialect.escape));
        if ways[0].0 != ways[1].0 {
            let lines = [one, other].map(|found| found.first_quoted);
            let line = lines.into_iter().filter(|line| *line > 0).min().unwrap_or(1);
            return self.error(line, QUOTED_OR_TEXT.to_owned(), &ways);
        }
        let lines = [one, other].map(|found| found.first_escape);
        let line = lines.into_iter().filter(|line| *line > 0).min().unwrap_or(1);
        let question = "the backslash here may escape what follows it or be a character of the text, and \
                        the file fits both";
        self.error(line, question.to_owned(), &ways)
    }

    fn error(&self, line: u64, question: String, ways: &[(Quote, Escape)]) -> Error {
        let settings = self.file.options.settings;
        let ways: Vec<String> = ways
            .iter()
            .filter_map(|(quote, escape)| match escape {
                Escape::Marks => {
                    Some("write the file again with `qmethod = \"double\"` if R wrote it".to_owned())
                }
                _ => Some(format!("set {}", settings.dialect_way(*quote, *escape)?)),
            })
            .collect();
        Error::AmbiguousDialect {
            file: self.file.name().to_owned(),
            line,
            question,
            hint: format!("say which it is: {}", ways.join(", or ")),
        }
    }
}

const QUOTED: (Quote, Escape) = (Quote::Double, Escape::None);
const TEXT: (Quote, Escape) = (Quote::None, Escape::None);
const QUOTED_OR_TEXT: &str = "the quotation marks here may quote the field or be characters of the text, and \
                              the file fits both";
