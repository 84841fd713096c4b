//! A table of a text: lines of cells, with what stands around it left aside. Separated values, Markdown,
//! LaTeX, and tables that a program printed in columns.

use std::collections::{BTreeMap, BTreeSet};

/// Cells of a table: lines with names only, then lines with numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Sheet {
    /// Lines above the numbers, the last one nearest to them.
    pub(super) header: Vec<Vec<String>>,
    /// A line that stands alone between header and numbers, as pandas prints the name of the rows.
    pub(super) between: Option<String>,
    /// Lines with numbers; names may be before them.
    pub(super) body: Vec<Vec<String>>,
    /// Everything above the table.
    pub(super) title: String,
    /// Whether it is a printed table, whose header says of the columns what stands first in it.
    pub(super) is_printed: bool,
}

/// A cell that can be a count, a share or a sum.
pub(super) fn is_number(cell: &str) -> bool {
    super::value::number(cell).is_some()
}

/// The table of a text. Nothing where there are no two lines of numbers.
pub(super) fn of_text(text: &str) -> Option<Sheet> {
    let text = without_fences(&without_tags(text));
    if let Some(sheet) = separator(&text).and_then(|separator| separated(&text, separator)) {
        return Some(sheet);
    }
    printed(&text)
}

/// A table of HTML with tabs between its cells.
fn without_tags(text: &str) -> String {
    if !text.contains("<td") {
        return text.to_owned();
    }
    let text = text
        .replace(['\n', '\r'], " ")
        .replace("</tr>", "\n")
        .replace("</td>", "\t")
        .replace("</th>", "\t");
    let mut is_tag = false;
    let shown = text.chars().filter(|&character| {
        let is_shown = !is_tag && character != '<';
        is_tag = (is_tag || character == '<') && character != '>';
        is_shown
    });
    shown.collect()
}

/// Lines without what only draws: rules, fences and the diagonal of NLTK.
fn without_fences(text: &str) -> String {
    let is_nltk = text.contains('<') && text.contains("row = reference");
    let mut lines = Vec::new();
    for line in text.lines() {
        let trimmed = line.trim();
        let is_fence =
            trimmed.starts_with("```") || trimmed.starts_with("\\begin") || trimmed.starts_with("\\end");
        let is_rule = !trimmed.is_empty()
            && trimmed
                .chars()
                .all(|character| "-=+|:_*~ \t│─━═┼┬┴├┤┌┐└┘╔╗╚╝║╠╣╦╩╬╒╕╘╛╞╡╪╤╧".contains(character));
        let is_latex_rule =
            trimmed.starts_with('\\') && trimmed.ends_with(['e', '}']) && !trimmed.contains('&');
        // Above its table NLTK prints the names from top to bottom.
        let is_upright = is_nltk && !trimmed.contains('<');
        if is_fence || is_rule || is_latex_rule || is_upright {
            continue;
        }
        let line = line.replace(['│', '║', '┃'], "|");
        lines.push(if is_nltk {
            let line = line.replace(['<', '>', '|'], " ");
            let words = line.split(' ').map(|word| if word == "." { "0" } else { word });
            words.collect::<Vec<_>>().join(" ")
        } else {
            line
        });
    }
    lines.join("\n")
}

/// The separator that most lines with numbers have, if cells between it are whole.
fn separator(text: &str) -> Option<char> {
    // Two numbers in one cell: then blanks separate, and the commas only group thousands.
    let is_whole = |cell: &str| {
        let words: Vec<&str> = cell.split_whitespace().collect();
        words.len() < 2 || words.iter().filter(|word| is_number(word)).count() < 2
    };
    ['\t', ';', ',', '|', '&'].into_iter().find(|&separator| {
        let lines: Vec<Vec<String>> = records(text, separator)
            .into_iter()
            .filter(|line| line.len() > 1)
            .collect();
        let numbers = |line: &Vec<String>| line.iter().filter(|cell| is_number(cell)).count();
        let with_numbers = lines.iter().filter(|line| numbers(line) >= 1).count();
        let has_row = lines.iter().any(|line| numbers(line) >= 2);
        has_row && with_numbers >= 2 && lines.iter().flatten().all(|cell| is_whole(cell))
    })
}

/// A cell without what pads or marks it; a dash stands for nothing.
fn clean(cell: &str) -> &str {
    let cell = cell.trim().trim_matches(['*', '`']).trim();
    if matches!(cell, "-" | "–" | "—") {
        ""
    } else {
        cell
    }
}

/// Leaves names as they are written that differ in blanks alone from another name of their axis: these are two
/// spellings of a class, which the file counts apart.
fn keep_spellings(written: &[Vec<String>], records: &mut [Vec<String>]) {
    let width = written.first().map_or(0, Vec::len);
    let header = (0..width).map(|column| (0, column));
    let index = (0..written.len()).map(|row| (row, 0));
    for axis in [header.collect::<Vec<_>>(), index.collect()] {
        let mut spellings: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for &(row, column) in &axis {
            let name = &written[row][column];
            spellings.entry(clean(name)).or_default().insert(name);
        }
        for (row, column) in axis {
            let name = &written[row][column];
            let cleaned = clean(name);
            if !cleaned.is_empty() && !is_number(cleaned) && spellings[cleaned].len() > 1 {
                records[row][column].clone_from(name);
            }
        }
    }
}

/// The records of separated values, with quotes as CSV has them.
fn records(text: &str, separator: char) -> Vec<Vec<String>> {
    let mut written = vec![Vec::new()];
    let mut cell = String::new();
    let mut is_quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                cell.push('"');
            }
            '"' if is_quoted || cell.trim().is_empty() => is_quoted = !is_quoted,
            '\n' | '\r' if !is_quoted => {
                let last = written.last_mut().expect("there is always a record");
                last.push(std::mem::take(&mut cell));
                written.push(Vec::new());
            }
            _ if character == separator && !is_quoted => {
                let last = written.last_mut().expect("there is always a record");
                last.push(std::mem::take(&mut cell));
            }
            _ => cell.push(character),
        }
    }
    let last = written.last_mut().expect("there is always a record");
    last.push(cell);
    let clean = |record: &Vec<String>| record.iter().map(|cell| clean(cell).to_owned()).collect();
    let mut records: Vec<Vec<String>> = written.iter().map(clean).collect();
    if matches!(separator, ',' | ';' | '\t') {
        keep_spellings(&written, &mut records);
    }
    for record in &mut records {
        match separator {
            // A line of Markdown begins and ends with its separator.
            '|' => {
                if record.first().is_some_and(String::is_empty) && text.trim_start().starts_with('|') {
                    record.remove(0);
                }
                if record.len() > 1 && record.last().is_some_and(String::is_empty) {
                    record.pop();
                }
            }
            '&' => {
                if let Some(cell) = record.last_mut() {
                    *cell = cell
                        .trim_end_matches("\\hline")
                        .trim()
                        .trim_end_matches('\\')
                        .trim()
                        .to_owned();
                }
            }
            _ => {}
        }
    }
    records.retain(|record| record.iter().any(|cell| !cell.is_empty()));
    // A separator at the end of every line begins no cell.
    while records
        .iter()
        .all(|record| record.len() > 1 && record.last().is_some_and(String::is_empty))
        && !records.is_empty()
    {
        for record in &mut records {
            record.pop();
        }
    }
    records
}

fn separated(text: &str, separator: char) -> Option<Sheet> {
    let records = records(text, separator);
    let numbers = |record: &Vec<String>| record.iter().filter(|cell| is_number(cell)).count();
    let width = records
        .iter()
        .filter(|record| numbers(record) >= 2)
        .map(Vec::len)
        .max()?;
    let mut sheet = Sheet::default();
    let mut title = Vec::new();
    for record in records {
        if record.len() == 1 && width > 2 {
            // A title, or the name of the rows.
            if sheet.header.is_empty() && sheet.body.is_empty() {
                title.extend(record);
            } else if sheet.body.is_empty() {
                sheet.between = record.into_iter().next();
            }
        } else if sheet.body.is_empty()
            && numbers(&record) < 2
            && has_names(&record)
            && !(numbers(&record) == 1 && is_named_above(&record, &sheet.header))
        {
            sheet.header.push(record);
        } else {
            sheet.body.push(record);
        }
    }
    sheet.title = title.join(" ");
    settle_header(&mut sheet);
    (!sheet.body.is_empty()).then_some(sheet)
}

/// Whether the first cell is a name that stands in the header: then it is a line of the matrix, whatever its cells are.
fn is_named_above(record: &[String], header: &[Vec<String>]) -> bool {
    let name = record.first().filter(|name| !name.is_empty());
    name.is_some_and(|name| header.last().is_some_and(|header| header.contains(name)))
}

/// Whether there are words behind the first cell, or no numbers at all.
fn has_names(record: &[String]) -> bool {
    let is_word = |cell: &String| !cell.is_empty() && !is_number(cell);
    record[1..].iter().any(is_word) || !record.iter().any(|cell| is_number(cell))
}

/// A first line of numbers may name the columns: `,0,1`, or one more cell than there would be.
fn settle_header(sheet: &mut Sheet) {
    let [first, rest @ ..] = sheet.body.as_slice() else {
        return;
    };
    if !sheet.header.is_empty()
        && sheet
            .header
            .iter()
            .any(|line| line.iter().filter(|cell| !cell.is_empty()).count() > 1)
    {
        return;
    }
    let width = rest.iter().map(Vec::len).max().unwrap_or(0);
    let has_title = first
        .first()
        .is_some_and(|cell| !is_number(cell) || cell.is_empty());
    let other_words = rest.iter().all(|line| {
        line.first()
            .is_some_and(|cell| !is_number(cell) || cell.is_empty())
    });
    let is_header = has_title
        && (first.len() < width || first.len() == sheet.body.len() && width == first.len() && !other_words)
        || first.first().is_some_and(String::is_empty)
        || has_title && first.len() == sheet.body.len() && first[1..].iter().all(|cell| is_place(cell))
        || first.len() + 1 == width && rest.iter().all(|line| line.len() == width)
        || rest.len() == width
            && first
                .iter()
                .enumerate()
                .all(|(place, cell)| cell.parse() == Ok(place));
    if is_header && !rest.is_empty() {
        let line = sheet.body.remove(0);
        sheet.header.push(line);
    }
}

/// A small whole number, which can be the name of a class.
fn is_place(cell: &str) -> bool {
    cell.trim().parse::<u16>().is_ok()
}

/// A word of a printed line, and the column after its last character.
#[derive(Debug, Clone)]
struct Word {
    text: String,
    start: usize,
    end: usize,
}

fn words(line: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut is_open = false;
    for (place, character) in line.chars().enumerate() {
        if character.is_whitespace() {
            is_open = false;
            continue;
        }
        if !is_open {
            words.push(Word {
                text: String::new(),
                start: place,
                end: place,
            });
            is_open = true;
        }
        if let Some(word) = words.last_mut() {
            word.text.push(character);
            word.end = place + 1;
        }
    }
    words
}

/// The words of a line that are numbers up to its end, without what is in parentheses.
fn numbers_at_end(words: &[Word]) -> usize {
    words
        .iter()
        .rev()
        .take_while(|word| is_number(&word.text))
        .count()
}

/// A line of a printed table without separators and remarks. A remark that stands in a column of its own
/// holds the place of a number.
fn columns_only(line: &str) -> String {
    let mut cleaned = String::new();
    let mut depth = 0_usize;
    for character in line.chars() {
        match character {
            '(' => {
                let is_column = depth == 0 && cleaned.ends_with("  ");
                depth += 1;
                cleaned.push_str(if is_column { "NaN" } else { " " });
            }
            ')' => {
                depth = depth.saturating_sub(1);
                cleaned.push(' ');
            }
            '|' => cleaned.push(' '),
            _ if depth > 0 => cleaned.push(' '),
            other => cleaned.push(other),
        }
    }
    if numbers_at_end(&words(&cleaned)) >= 2 {
        cleaned
    } else {
        line.replace('|', " ")
    }
}

/// A table that a program printed: the first run of lines that end with equally many numbers.
fn printed(text: &str) -> Option<Sheet> {
    let lines: Vec<String> = text.lines().map(columns_only).collect();
    let parsed: Vec<Vec<Word>> = lines.iter().map(|line| words(line)).collect();
    let counts: Vec<usize> = parsed.iter().map(|words| numbers_at_end(words)).collect();
    let (start, end) = best_run(&parsed, &counts)?;
    let width = counts[start..end]
        .iter()
        .copied()
        .filter(|count| *count > 0)
        .min()?;
    let mut sheet = Sheet {
        is_printed: true,
        ..Sheet::default()
    };
    let mut last_columns: Vec<usize> = Vec::new();
    for line in parsed[start..end].iter().filter(|line| !line.is_empty()) {
        sheet.body.push(cells_of(line, width, &mut last_columns));
    }
    // A column of margins has no number in the line of totals.
    for line in parsed[end..].iter().take(3) {
        let numbers = numbers_at_end(line);
        if numbers == 0 || numbers > width || numbers == line.len() {
            break;
        }
        let mut cells = by_place(line, numbers, &last_columns);
        // Where numbers are names, the first column has them.
        if sheet.body.iter().all(|line| line.len() == width) && cells[1].is_empty() {
            cells.remove(1);
        }
        sheet.body.push(cells);
    }
    let mut above: Vec<usize> = (0..start)
        .rev()
        .filter(|place| !parsed[*place].is_empty())
        .take(4)
        .collect();
    above.reverse();
    // Where numbers are names, they are in the first column.
    let is_nameless = sheet.body.iter().all(|line| line.len() == width);
    let has_numbers_first = is_nameless && above.iter().any(|place| parsed[*place].len() == width);
    let names = |place: usize| {
        let of = |width| names_of(&lines[place], &parsed[place], width, &last_columns);
        let fewer = || of(width - 1).filter(|names| is_nameless && names.len() > 1);
        of(width).or_else(fewer)
    };
    if let [.., before, last] = above.as_slice()
        && parsed[*before].len() >= 2
        && names(*before).is_some()
        && is_before_columns(&parsed[*last], &last_columns[usize::from(has_numbers_first)..])
    {
        sheet.between = Some(lines[*last].trim().to_owned());
        above.pop();
    }
    for place in above {
        if let Some(names) = names(place) {
            sheet.header.push(names);
            continue;
        }
        let line = lines[place].trim();
        sheet.title.push(' ');
        sheet.title.push_str(line);
        if parsed[place].len() <= 3 {
            sheet.header.push(vec![line.to_owned()]);
        }
    }
    let is_short = |line: &Vec<String>| line.len() > 1;
    if !sheet.header.iter().any(is_short) {
        settle_header(&mut sheet);
    }
    Some(sheet)
}

/// Whether a line has words to the left of the numbers alone, as pandas prints the name of the rows.
fn is_before_columns(line: &[Word], last_columns: &[usize]) -> bool {
    let first_column = last_columns.first().copied().unwrap_or(0);
    line.len() <= 4 && line.last().is_some_and(|word| word.end < first_column)
}

/// The lines of the table: blank lines may lie between, but not where something else does.
fn best_run(parsed: &[Vec<Word>], counts: &[usize]) -> Option<(usize, usize)> {
    let mut runs: Vec<(usize, usize, usize)> = Vec::new();
    let mut place = 0;
    while place < counts.len() {
        let count = counts[place];
        if count < 2 {
            place += 1;
            continue;
        }
        let (mut end, mut rows, mut next) = (place + 1, 1, place + 1);
        while next < counts.len() && (counts[next] == count || parsed[next].is_empty()) {
            if counts[next] == count {
                rows += 1;
                end = next + 1;
            }
            next += 1;
        }
        runs.push((place, end, rows));
        place = end;
    }
    let is_square = |&&(start, _, rows): &&(usize, usize, usize)| {
        let width = counts[start];
        rows >= 2 && (width == rows || width == rows + 1 || width == rows + 2 || width + 1 == rows)
    };
    let run = runs
        .iter()
        .find(is_square)
        .or_else(|| runs.iter().find(|(.., rows)| *rows >= 2))?;
    Some((run.0, run.1))
}

fn cells_of(line: &[Word], width: usize, last_columns: &mut Vec<usize>) -> Vec<String> {
    let (name, numbers) = line.split_at(line.len() - width.min(line.len()));
    if last_columns.len() < numbers.len() {
        last_columns.resize(numbers.len(), 0);
    }
    for (column, number) in last_columns.iter_mut().zip(numbers) {
        *column = (*column).max(number.end);
    }
    let mut cells = Vec::new();
    if !name.is_empty() {
        cells.push(joined(name));
    }
    cells.extend(numbers.iter().map(|word| word.text.clone()));
    cells
}

/// A line with fewer numbers than there are columns: each belongs to the column that ends nearest.
fn by_place(line: &[Word], numbers: usize, last_columns: &[usize]) -> Vec<String> {
    let (name, numbers) = line.split_at(line.len() - numbers);
    let mut cells = vec![String::new(); last_columns.len()];
    for word in numbers {
        let nearest = (0..last_columns.len()).min_by_key(|&column| last_columns[column].abs_diff(word.end));
        if let Some(column) = nearest {
            cells[column].clone_from(&word.text);
        }
    }
    cells.insert(0, joined(name));
    cells
}

fn joined(words: &[Word]) -> String {
    let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    texts.join(" ")
}

/// The names of a header line, as many as there are columns, with what stands before them; nothing if it is
/// no header.
fn names_of(line: &str, words: &[Word], width: usize, last_columns: &[usize]) -> Option<Vec<String>> {
    if words.iter().any(|word| {
        !word.text.contains(char::is_alphanumeric)
            && !["->", "→", "⇒", "=>", "\\", "/", "%"].contains(&word.text.as_str())
    }) || words.last().is_some_and(|word| word.text.ends_with(':'))
    {
        return None;
    }
    if words.len() == width || words.len() == width + 1 {
        return Some(words.iter().map(|word| word.text.clone()).collect());
    }
    // Names with blanks: two or more blanks are between names.
    let wide: Vec<String> = line
        .split("  ")
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
        .map(str::to_owned)
        .collect();
    if wide.len() == width || wide.len() == width + 1 {
        return Some(wide);
    }
    if words.len() < width {
        return None;
    }
    // Names end where their columns end, as pandas and R print them; a first column of names is none of them.
    let last_columns = last_columns.get(last_columns.len().checked_sub(width)?..)?;
    let mut names = vec![String::new(); width + 1];
    let mut used = 0;
    for word in words {
        let column = last_columns.iter().position(|&end| word.end <= end)?;
        let is_left = column == 0
            && last_columns
                .first()
                .is_some_and(|&end| word.end < end && word.start == 0);
        let slot = if is_left { 0 } else { column + 1 };
        if !names[slot].is_empty() {
            names[slot].push(' ');
        }
        names[slot].push_str(&word.text);
        used += 1;
    }
    (used == words.len() && names[1..].iter().all(|name| !name.is_empty())).then_some(names)
}
