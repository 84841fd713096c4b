//! Figures in text that people paste: console output of Keras, of a Trainer, of loops of their own, tables of
//! notebooks, `key = value` lines; with prompts, tracebacks and colours around them.
//!
//! A line is first put into one of a few shapes (a dictionary, a row of a table, a heading, names with values);
//! which lines belong to one epoch is settled here, what an epoch is in `course`.

use labelproof_artifact::Split;
use serde_json::Value;

use super::super::error::LogProblem;
use super::course::{Course, Entry, Manner, Written, whole};
use super::json;
use super::keys::{Figure, Key, key, matrix_cell, split_word};
use super::lines::{Line, Pair, sample_counts, scan};
use super::literal;
use super::number::{is_missing, plain};
use super::programs::{self, Tested};
use super::seems::Seems;
use super::table::{Columns, cells, row_cells, spaced_names};

/// Bytes of dictionaries that never close, over the whole text.
const MOST_UNCLOSED: usize = 16 << 20;

/// The longest line that is scanned; a longer one is no line of a log.
const LONGEST_LINE: usize = 1 << 20;

/// Reads the figures of a text.
pub(super) fn read(text: &str, unnamed: Split) -> Result<Course, LogProblem> {
    let text = cleaned(text);
    let mut console = Console::new(unnamed);
    console.may_be_fasttext = programs::has_tested_tuple(&text);
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        if let Some(after_dictionary) = console.dictionary(line, rest)? {
            rest = after_dictionary;
            continue;
        }
        if line.len() <= LONGEST_LINE {
            console.line(line)?;
        }
        rest = after;
    }
    console.finish()
}

/// Text without colours and other codes of terminals; what was written over a line before is a line of its own.
fn cleaned(text: &str) -> String {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(place) = rest.find(['\u{1b}', '\u{9b}', '\r', '\u{8}', '\u{a0}', '[', '\\']) {
        let (before, after) = rest.split_at(place);
        result.push_str(before);
        let first = after.chars().next().unwrap_or(' ');
        let next = &after[first.len_utf8()..];
        rest = match first {
            '\u{1b}' | '\u{9b}' => without_code(next),
            '\r' | '\u{8}' => {
                if !result.ends_with('\n') {
                    result.push('\n');
                }
                next.strip_prefix('\n').unwrap_or(next)
            }
            '\u{a0}' => {
                result.push(' ');
                next
            }
            // `\u001b[1m` as a notebook's file has it, and `[1m` where the code itself was lost.
            '\\' if next.starts_with("u001b") => without_code(&next[5..]),
            '\\' if next.starts_with("x1b") => without_code(&next[3..]),
            '[' if is_colour(next) => without_code(after),
            other => {
                result.push(other);
                next
            }
        };
    }
    result.push_str(rest);
    result
}

/// Whether digits, semicolons and an `m` follow.
fn is_colour(text: &str) -> bool {
    let end = text.find(|character: char| !(character.is_ascii_digit() || character == ';'));
    end.is_some_and(|end| end > 0 && text[end..].starts_with('m'))
}

/// What follows a code of a terminal, which its escape character began.
fn without_code(text: &str) -> &str {
    let Some(inner) = text.strip_prefix('[') else {
        // A title, up to the bell.
        let title = text
            .strip_prefix(']')
            .and_then(|title| title.find('\u{7}').map(|end| &title[end + 1..]));
        return title.unwrap_or(text);
    };
    match inner.find(|character: char| !(character.is_ascii_digit() || ";?".contains(character))) {
        Some(end) => inner[end..]
            .strip_prefix(|character: char| character.is_ascii_alphabetic())
            .unwrap_or(&inner[end..]),
        None => "",
    }
}

#[expect(
    clippy::struct_excessive_bools,
    reason = "each is something that a line may have said"
)]
struct Console {
    course: Course,
    current: Entry,
    /// The number of the epoch that the lines are of.
    number: Option<f64>,
    /// The batches of the epoch, by its progress bar; a bar of another length is another pass over rows.
    batches: Option<u64>,
    /// Whether the bar of the epoch came to its end.
    is_complete: bool,
    /// Whether the figures so far are those of a bar, which later ones write over.
    is_of_bar: bool,
    /// The split that a heading names.
    section: Option<Split>,
    /// What an evaluation is of that names no rows.
    unnamed: Split,
    table: Option<Columns>,
    /// A history that was printed as a whole.
    history: Option<Vec<Entry>>,
    /// The number of the epoch whose weights were restored at the end.
    restored: Option<f64>,
    unclosed: usize,
    is_in_report: bool,
    /// Rows and precision of a test of `fastText`, whose recall follows.
    tested: (Option<f64>, Option<f64>),
    /// The names of the figures of the current entry.
    names: Vec<(Figure, Option<Split>, String)>,
    /// Whether a line calls an evaluation, whose figures name no rows.
    is_evaluated: bool,
    /// Whether three numbers in brackets are a test of `fastText`.
    may_be_fasttext: bool,
}

impl Console {
    fn new(unnamed: Split) -> Self {
        Self {
            course: Course::new(Manner::Lenient),
            current: Entry::default(),
            number: None,
            batches: None,
            is_complete: false,
            is_of_bar: false,
            section: None,
            unnamed,
            table: None,
            history: None,
            restored: None,
            unclosed: 0,
            is_in_report: false,
            tested: (None, None),
            names: Vec::new(),
            is_evaluated: false,
            may_be_fasttext: true,
        }
    }

    fn finish(mut self) -> Result<Course, LogProblem> {
        if self.is_of_bar
            && !self.is_complete
            && self.batches.is_some()
            && !self.current.has(Some(Split::Validation))
        {
            self.course
                .say("the last epoch was not finished; its figures are those of its beginning");
        }
        // The bar of a single pass that belongs to no epoch is that of an evaluation.
        if self.course.is_empty() && self.number.is_none() && self.is_complete && self.current.is_bare() {
            self.current.of_split(self.unnamed);
            self.course.say(format!(
                "a bar of no epoch was taken for an evaluation on the {} rows; if it is the last line of a training, give \
                 its log as a whole",
                super::course::split_name(self.unnamed)
            ));
        }
        self.flush()?;
        if self.course.is_empty() && self.tested.0.is_some_and(|rows| rows == 0.0) {
            return Err(LogProblem::NoLog {
                seems: Seems::NothingTested,
            });
        }
        if let Some(history) = self.history.take() {
            self.course.replace_by_history(history);
        }
        if let Some(number) = self.restored {
            let mut entry = Entry::default();
            self.course
                .put(&mut entry, "best_epoch", Written::Number(number))?;
        }
        Ok(self.course)
    }

    /// Ends the entry that is being read.
    fn flush(&mut self) -> Result<(), LogProblem> {
        let mut entry = std::mem::take(&mut self.current);
        self.names.clear();
        entry.epoch = entry.epoch.or(self.number);
        if entry.is_unnamed {
            self.section = None;
        }
        let has_loss = |split| entry.has_figure(Figure::Loss, split);
        if entry.step.is_some()
            && entry.epoch.is_none()
            && has_loss(None)
            && has_loss(Some(Split::Validation))
        {
            // In `eval_results.txt` it is of the training rows or of the validation rows, by the script.
            entry.forget(Figure::Loss, None);
            self.course
                .leave_figure(Figure::Loss, "loss (such files do not say of which rows)");
            // What else names no rows is of the evaluation.
            entry.of_split(Split::Validation);
        }
        self.is_complete = false;
        self.is_of_bar = false;
        self.course.push(entry)
    }

    /// Reads a dictionary or list that begins in this line, and gives what follows it.
    fn dictionary<'t>(&mut self, line: &str, rest: &'t str) -> Result<Option<&'t str>, LogProblem> {
        const WINDOW: usize = 4 << 20;
        let Some(place) = line.find('{') else {
            return Ok(None);
        };
        let after = line[place + 1..].trim_start();
        if !(after.starts_with(['\'', '"']) || after.is_empty()) || self.unclosed > MOST_UNCLOSED {
            return Ok(None);
        }
        let mut end = rest.len().min(place + WINDOW);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let (object, after) = match literal::value(&rest[place..end]) {
            Ok((Value::Object(object), after)) => (object, after),
            Ok((_, after)) => {
                self.unclosed += end - place - after.len();
                return Ok(None);
            }
            Err(looked_at) => {
                self.unclosed += looked_at + line.len();
                return Ok(None);
            }
        };
        let is_known = |name: &String| {
            matrix_cell(name).is_some() || key(name).is_some_and(|key| key != Key::Bookkeeping)
        };
        if !object.keys().any(is_known) {
            return Ok(None);
        }
        self.table = None;
        let consumed = end - after.len();
        if json::is_history(&object) {
            let mut scratch = Course::new(Manner::Lenient);
            if json::of_lists(&object, &mut scratch).is_ok() {
                self.history = Some(self.course.adopt(scratch));
            }
        } else {
            self.scalars(&object)?;
        }
        let after = &rest[consumed..];
        Ok(Some(after.split_once('\n').map_or("", |(_, after)| after)))
    }

    /// A dictionary that a Trainer prints, or anybody.
    fn scalars(&mut self, object: &serde_json::Map<String, Value>) -> Result<(), LogProblem> {
        self.flush()?;
        let is_step = object.contains_key("learning_rate") || object.contains_key("grad_norm");
        let is_unnamed = !is_step && self.section.is_none() && !object.contains_key("epoch");
        let split = if is_unnamed {
            Some(self.unnamed)
        } else {
            self.section.filter(|_| !is_step)
        };
        let mut entry = json::entry(object, split, &mut self.course)?;
        entry.epoch = entry.epoch.or(self.number);
        self.course.push(entry)
    }

    fn line(&mut self, line: &str) -> Result<(), LogProblem> {
        let line = &*programs::of_flair(line);
        let trimmed = line.trim();
        if trimmed.is_empty() {
            self.section = self.section.filter(|_| self.is_evaluated);
            return Ok(());
        }
        if let Some((train, validation)) = sample_counts(trimmed) {
            self.course.count_rows(Split::Train, train);
            if let Some(rows) = validation {
                self.course.count_rows(Split::Validation, rows);
            }
            return Ok(());
        }
        if self.is_of_program(trimmed)?
            || self.is_of_report(trimmed)
            || self.row(line)?
            || self.heading(trimmed)?
        {
            return Ok(());
        }
        if let Some((_, number)) = trimmed.split_once("from the end of the best epoch:") {
            self.restored = plain(number.trim().trim_end_matches('.'));
            return Ok(());
        }
        if self.counts(trimmed) {
            return Ok(());
        }
        let scanned = scan(line);
        if scanned.pairs.is_empty() && scanned.epoch.is_none() {
            self.begin_table(line);
            return Ok(());
        }
        self.figures(line, &scanned)
    }

    /// Whether a line is one of those that programs write in ways of their own; it is read then.
    fn is_of_program(&mut self, line: &str) -> Result<bool, LogProblem> {
        if programs::is_of_flairs_report(line) {
            return Ok(true);
        }
        if let Some(round) = programs::round(line) {
            self.flush()?;
            let mut entry = Entry::default();
            entry.epoch = Some(round.number);
            for (name, split, value) in round.figures {
                self.course
                    .put_of(&mut entry, Some(split), name, Written::Number(value))?;
            }
            if let Some(said) = round.said {
                self.course.say(said);
            }
            self.course.push(entry)?;
            return Ok(true);
        }
        if line.contains(".evaluate(") || line.contains("evaluate_generator(") {
            self.flush()?;
            self.is_evaluated = true;
            self.section = Some(programs::evaluated(line).unwrap_or(self.unnamed));
            return Ok(true);
        }
        let tuple = programs::tested_tuple(line).filter(|_| self.may_be_fasttext);
        let tested = match (programs::tested(line), tuple) {
            (Some(tested), _) => vec![tested],
            (None, Some(tested)) => tested.to_vec(),
            (None, None) => return Ok(false),
        };
        for tested in tested {
            self.tested(tested)?;
        }
        Ok(true)
    }

    /// A part of `fastText`'s test. Where rows have one label, precision and recall of the first answer are the
    /// accuracy.
    fn tested(&mut self, tested: Tested) -> Result<(), LogProblem> {
        match tested {
            Tested::Rows(rows) => self.tested = (Some(rows), None),
            Tested::Precision(precision) => self.tested.1 = Some(precision),
            Tested::Recall(recall) => {
                let (Some(rows), Some(precision)) = self.tested else {
                    return Ok(());
                };
                self.flush()?;
                let (split, mut entry) = (self.unnamed, Entry::default());
                let figures: &[(&str, f64)] = if (precision - recall).abs() < 1e-9 {
                    self.course.say(
                        "P@1 and R@1 of fastText are the same, and were taken for the accuracy, which they are where \
                         each row has one label",
                    );
                    &[("accuracy", precision)]
                } else {
                    &[("precision", precision), ("recall", recall)]
                };
                for (name, value) in figures.iter().filter(|(_, value)| value.is_finite()) {
                    self.course
                        .put_of(&mut entry, Some(split), name, Written::Number(*value))?;
                }
                if let Some(rows) = whole(rows) {
                    self.course.count_rows(split, rows);
                }
                self.course.push(entry)?;
            }
        }
        Ok(())
    }

    /// Whether a line is of a classification report, whose figures are read as a whole elsewhere.
    fn is_of_report(&mut self, line: &str) -> bool {
        if ["precision", "recall", "f1-score", "support"]
            .iter()
            .all(|word| line.contains(word))
        {
            self.is_in_report = true;
            return true;
        }
        let is_of_report = self.is_in_report && !line.contains([':', '=']);
        self.is_in_report = is_of_report && !line.starts_with("weighted avg");
        is_of_report
    }

    /// A row of the table that is being read.
    fn row(&mut self, line: &str) -> Result<bool, LogProblem> {
        let Some(columns) = self.table.take() else {
            return Ok(false);
        };
        if line.chars().all(|character| "-=|:+ \t─━┼│".contains(character)) {
            self.table = Some(columns);
            return Ok(true);
        }
        let Some(cells) = row_cells(&line.replace("No log", "-"), columns.len())
            .filter(|cells| columns.fit(cells))
            .map(|cells| cells.iter().map(|cell| (*cell).to_owned()).collect::<Vec<_>>())
        else {
            return Ok(false);
        };
        let cells: Vec<&str> = cells.iter().map(String::as_str).collect();
        let entry = columns.entry(&cells, &mut self.course, Manner::Lenient, &mut None)?;
        self.course.push(entry)?;
        self.table = Some(columns);
        Ok(true)
    }

    /// Remembers the names of columns, if the line is such.
    fn begin_table(&mut self, line: &str) {
        if line.contains([':', '=']) {
            return;
        }
        let names: Vec<String> = cells(line).iter().map(|cell| (*cell).to_owned()).collect();
        let of_cells = Columns::of(&names, "").ok().filter(|columns| {
            names.len() >= 2
                && columns.have_figures()
                && columns.known() >= 2
                && names.iter().all(|name| is_name(name))
        });
        let of_words = || {
            let columns = Columns::of(&spaced_names(line)?, "").ok()?;
            columns.are_known().then_some(columns)
        };
        if let Some(columns) = of_cells.or_else(of_words) {
            columns.leave_unknown(&mut self.course);
            self.table = Some(columns);
        }
    }

    /// `***** Running Evaluation *****`, `=====`, `results on the evaluation set:`.
    fn heading(&mut self, line: &str) -> Result<bool, LogProblem> {
        if line.len() >= 5 && line.chars().all(|character| character == '=') {
            if self.current.has_figures() {
                self.flush()?;
                self.number = None;
            }
            return Ok(true);
        }
        let words = |text: &str| {
            let mut words = text.split(|character: char| !character.is_alphanumeric());
            words.find_map(|word| split_word(&word.to_lowercase()))
        };
        if line.contains("Testing using ") && line.contains("model") {
            // flair's last evaluation.
            self.flush()?;
            (self.section, self.number) = (Some(Split::Test), None);
            return Ok(true);
        }
        let stars = line.find("***").filter(|_| line.ends_with("***"));
        if let Some(stars) = stars {
            if self.current.has_figures() {
                self.flush()?;
            }
            self.section = words(&line[stars..]);
            return Ok(true);
        }
        if let Some(title) = line.strip_suffix(':')
            && !title.contains([':', '=', '{'])
            && !title.chars().any(|character| character.is_ascii_digit())
            && title.contains(' ')
            && let Some(split) = words(title)
        {
            self.section = Some(split);
            return Ok(true);
        }
        Ok(false)
    }

    /// `Num examples = 25,000` under a heading of a Trainer.
    fn counts(&mut self, line: &str) -> bool {
        let lower = line.to_lowercase();
        let Some(place) = lower.find("num examples") else {
            return false;
        };
        let number = line[place + 12..].trim_start_matches([' ', '=', ':']);
        if let (Some(split), Some(rows)) = (self.section, plain(number.trim()).and_then(whole)) {
            self.course.count_rows(split, rows);
        }
        true
    }

    /// Names with values.
    fn figures(&mut self, line: &str, scanned: &Line) -> Result<(), LogProblem> {
        let figures: Vec<&Pair> = scanned.pairs.iter().filter(|pair| is_figure(pair)).collect();
        if let Some(number) = scanned.epoch
            && self.number != Some(number)
        {
            self.flush()?;
            self.number = Some(number);
            self.batches = None;
            self.section = None;
            self.is_evaluated = false;
        }
        if figures.is_empty() {
            return self.settings(scanned);
        }
        let is_bar = is_bar(line);
        if is_bar || scanned.progress.is_some_and(|(done, all)| done == all) {
            self.pass(scanned)?;
        } else if self.current.is_unnamed {
            self.flush()?;
        } else if scanned.progress.is_some_and(|(done, all)| done < all) {
            return self.batch(scanned);
        }
        if is_bar && self.is_of_bar {
            for pair in &figures {
                if let Some(Key::Figure { figure, split, .. }) = key(&pair.name) {
                    self.current.forget(figure, split.or(self.section));
                }
            }
        }
        self.is_of_bar = is_bar;
        self.is_complete |= scanned.progress.is_some_and(|(done, all)| done == all);
        // What stands before the first figure is the time, the place in the code, and the like.
        let first = scanned.pairs.iter().position(is_figure).unwrap_or(0);
        for (place, pair) in scanned.pairs.iter().enumerate() {
            if place >= first || key(&pair.name).is_some() {
                self.pair(pair)?;
            }
        }
        Ok(())
    }

    /// What a line without figures says of the training.
    fn settings(&mut self, scanned: &Line) -> Result<(), LogProblem> {
        for pair in &scanned.pairs {
            match key(&pair.name) {
                Some(Key::Epoch | Key::Bookkeeping) | None => {}
                // That of the training is meant.
                Some(Key::BatchSize) if matches!(self.section, Some(Split::Validation | Split::Test)) => {}
                Some(Key::Step) => {
                    if self.current.has_figures() && self.current.step.is_some() {
                        self.flush()?;
                    }
                    self.course.put(&mut self.current, &pair.name, pair.value)?;
                }
                Some(_) => self.course.put(&mut self.current, &pair.name, pair.value)?,
            }
        }
        Ok(())
    }

    /// A bar of another length, or a second one after the first is complete, is an evaluation.
    fn pass(&mut self, scanned: &Line) -> Result<(), LogProblem> {
        let Some((_, batches)) = scanned.progress else {
            return Ok(());
        };
        let is_other = self.batches.is_some_and(|known| known != batches);
        let has_named = scanned
            .pairs
            .iter()
            .any(|pair| matches!(key(&pair.name), Some(Key::Figure { split: Some(_), .. })));
        if scanned.epoch.is_none() && !has_named && (is_other || (self.is_complete && self.current.has(None)))
        {
            self.flush()?;
            self.course.say(format!(
                "figures after the last epoch that name no rows were taken for an evaluation on the {} rows",
                super::course::split_name(self.unnamed)
            ));
            self.section = Some(self.unnamed);
            self.current.is_unnamed = true;
            self.is_of_bar = true;
            return Ok(());
        }
        if scanned.epoch.is_some() || self.batches.is_none() {
            self.batches = Some(batches);
        }
        Ok(())
    }

    /// A line in the midst of an epoch: figures of a batch.
    fn batch(&mut self, scanned: &Line) -> Result<(), LogProblem> {
        let mut entry = Entry::default();
        entry.epoch = self.number;
        for pair in &scanned.pairs {
            self.course.put(&mut entry, &pair.name, pair.value)?;
        }
        entry.mark_batch();
        self.course.push(entry)
    }

    fn pair(&mut self, pair: &Pair) -> Result<(), LogProblem> {
        match key(&pair.name) {
            Some(Key::Figure { figure, split, .. }) => {
                let split = split.or(self.section);
                let name = pair.name.to_lowercase();
                let mut known = self.names.iter();
                let known = known.find(|(own, of, _)| (*own, *of) == (figure, split));
                // Under another name it is another average, or of rows that nobody names: `eval_loss` and `loss`.
                let is_same_name = known.is_none_or(|(.., known)| *known == name);
                if is_same_name
                    && self.current.has_figure(figure, split)
                    && !self.current.has_value(figure, split, pair.value)
                {
                    // Another evaluation begins.
                    self.flush()?;
                }
                if is_same_name {
                    self.names.push((figure, split, name));
                }
                if let (Some(rows), Some(split)) = (pair.rows, split) {
                    self.course.count_rows(split, rows);
                }
                self.course
                    .put_of(&mut self.current, split, &pair.name, pair.value)
            }
            Some(Key::Step) => {
                let Written::Number(step) = pair.value else {
                    return Ok(());
                };
                let is_other = self
                    .current
                    .step
                    .is_some_and(|known| whole(step).unwrap_or(0) != known);
                if self.current.has_figures() && is_other {
                    self.flush()?;
                }
                self.course.put(&mut self.current, &pair.name, pair.value)
            }
            // That of the training is meant.
            Some(Key::BatchSize) if matches!(self.section, Some(Split::Validation | Split::Test)) => Ok(()),
            None if matrix_cell(&pair.name).is_some() => {
                self.course
                    .put_of(&mut self.current, self.section, &pair.name, pair.value)
            }
            None if !pair.is_plain => Ok(()),
            _ => self.course.put(&mut self.current, &pair.name, pair.value),
        }
    }
}

fn is_figure(pair: &Pair) -> bool {
    matches!(key(&pair.name), Some(Key::Figure { .. })) || matrix_cell(&pair.name).is_some()
}

/// Whether a line is a state of a progress bar, over which the next one is written.
fn is_bar(line: &str) -> bool {
    [
        "[=",
        "[>",
        "[.",
        "━",
        "█",
        "it/s",
        "s/it",
        "/step",
        "us/sample",
        "ms/sample",
        "ETA:",
        "- ETA",
        "%|",
    ]
    .iter()
    .any(|part| line.contains(part))
}

/// Whether a cell may be the name of a column.
fn is_name(cell: &str) -> bool {
    is_missing(cell) || plain(cell).is_none() && cell.len() <= 60
}
