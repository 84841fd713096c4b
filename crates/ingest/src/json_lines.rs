//! Rows of JSON lines files: one object on each line, of which only the needed fields are kept.

use labelproof_artifact::wording::nearest;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::columns::Wanted;
use crate::error::Error;
use crate::limits::Limits;
use crate::rows::{Fields, Problem, Reason, RowSink, Value};
use crate::sources::Input;

/// Reads JSON lines files one after the other.
pub(crate) struct JsonLines<'a> {
    wanted: Wanted<'a>,
    named: Vec<(&'static str, &'a str)>,
    /// Which of the named columns any object has had.
    seen: Vec<bool>,
    /// The keys of the objects so far, to name them if a column is never seen.
    keys: BTreeSet<String>,
}

/// Keys that are remembered. Objects that are maps from data to data would fill the memory.
const MOST_KEYS: usize = 200;

impl<'a> JsonLines<'a> {
    pub(crate) fn new(wanted: Wanted<'a>) -> Self {
        let named = wanted.named();
        Self {
            wanted,
            seen: vec![false; named.len()],
            named,
            keys: BTreeSet::new(),
        }
    }

    /// Reads a file into the sink.
    pub(crate) fn read<S: RowSink>(
        &mut self,
        mut input: Input<'_>,
        source: u32,
        limits: Limits,
        sink: &mut S,
    ) -> Result<(), S::Stop> {
        let settings = self.wanted.settings;
        let mut line = Vec::new();
        let mut number = 0_u64;
        let (mut objects, mut rows) = (0_u64, 0_u64);
        loop {
            line.clear();
            if input.read_line(&mut line, limits.row_bytes + 1)? == 0 {
                break;
            }
            number += 1;
            if line.len() > limits.row_bytes {
                let too_long = Error::TooLong {
                    place: format!("{}:{number}", input.name()),
                    limit_mib: limits.row_bytes >> 20,
                };
                return Err(too_long.into());
            }
            let bytes = line.trim_ascii_end();
            if bytes.is_empty() {
                continue;
            }
            rows += 1;
            let text = match std::str::from_utf8(bytes) {
                Ok(text) => text,
                Err(error) => {
                    objects += u64::from(bytes.starts_with(b"{"));
                    let problem = Problem::not_utf8("the line", bytes, error, settings);
                    sink.problem(source, Some(number), problem)?;
                    continue;
                }
            };
            match self.parse(text) {
                Ok(values) => {
                    objects += 1;
                    let fields = self.fields(&values);
                    sink.row(source, Some(number), fields)?;
                }
                Err(problem) => sink.problem(source, Some(number), problem)?,
            }
        }
        let file = input.name().to_owned();
        let setting = settings.json_lines();
        match (rows, objects) {
            (0, _) => Err(Error::Empty { file }.into()),
            (_, 0) => Err(Error::NotJsonLines { file, setting }.into()),
            _ => Ok(()),
        }
    }

    /// After the last file: a column that no object of any file has is a wrong name.
    pub(crate) fn finish(self, first_file: &str) -> Result<(), Error> {
        let unseen = self.named.iter().zip(&self.seen).find(|(_, seen)| !**seen);
        let Some(((key, column), _)) = unseen else {
            return Ok(());
        };
        let columns: Vec<String> = self.keys.into_iter().collect();
        Err(Error::NoSuchColumn {
            place: first_file.to_owned(),
            setting: self.wanted.settings.column(key),
            column: (*column).to_owned(),
            nearest: nearest(column, &columns).map(str::to_owned),
            columns,
        })
    }

    /// The raw values of the named columns, in their order.
    fn parse<'t>(&mut self, line: &'t str) -> Result<Vec<Option<&'t RawValue>>, Problem> {
        let mut values = vec![None; self.named.len()];
        let mut deserializer = serde_json::Deserializer::from_str(line);
        deserializer
            .deserialize_map(Row {
                named: &self.named,
                keys: self.seen.iter().any(|seen| !seen).then_some(&mut self.keys),
                values: &mut values,
            })
            .and_then(|()| deserializer.end())
            .map_err(|error| Problem::new(Reason::InvalidJson, json_detail(&error)))?;
        for (seen, value) in self.seen.iter_mut().zip(&values) {
            *seen |= value.is_some();
        }
        Ok(values)
    }

    fn fields<'t>(&self, values: &[Option<&'t RawValue>]) -> Fields<'t> {
        let mut values = values.iter().map(|raw| raw.map_or(Value::Missing, value));
        let mut next = || values.next().unwrap_or(Value::Missing);
        // In the order of `Wanted::named`.
        Fields {
            text: self.wanted.text.iter().map(|_| next()).collect(),
            label: self.wanted.label.map_or(Value::Missing, |_| next()),
            id: self.wanted.id.map(|_| next()),
            group: self.wanted.group.map(|_| next()),
            split: self.wanted.split.map(|_| next()),
        }
    }
}

/// A JSON value as a field. A number keeps the digits it is written with.
fn value(raw: &RawValue) -> Value<'_> {
    let json = raw.get();
    match json.as_bytes().first() {
        Some(b'"') => match serde_json::from_str::<String>(json) {
            Ok(text) => Value::Text(Cow::Owned(text)),
            // The only thing that a quoted string which the parser has passed over can still hide.
            Err(_) => Value::Wrong("a string with half a surrogate pair"),
        },
        Some(b'n') => Value::Missing,
        Some(b't' | b'f') => Value::Wrong("a boolean"),
        Some(b'[') => Value::Wrong("an array"),
        Some(b'{') => Value::Wrong("an object"),
        _ => Value::Text(Cow::Borrowed(json)),
    }
}

/// A parser's message with the column in front, and without the line, which is always the first here.
fn json_detail(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let place = format!(" at line {} column {}", error.line(), error.column());
    let message = message.strip_suffix(&place).unwrap_or(&message);
    // The parser counts what it has read, which at the first byte may be nothing.
    format!("column {}: {message}", error.column().max(1))
}

/// Picks the named fields of an object.
struct Row<'r, 't> {
    named: &'r [(&'static str, &'r str)],
    keys: Option<&'r mut BTreeSet<String>>,
    values: &'r mut Vec<Option<&'t RawValue>>,
}

impl<'de> Visitor<'de> for Row<'_, 'de> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let is_named = |named: &&(&str, &str)| named.1 == key;
            if self.named.iter().any(|named| is_named(&named)) {
                let value = map.next_value::<&'de RawValue>()?;
                for (place, named) in self.values.iter_mut().zip(self.named) {
                    if is_named(&named) {
                        *place = Some(value);
                    }
                }
            } else {
                map.next_value::<IgnoredAny>()?;
            }
            if let Some(keys) = self.keys.as_mut().filter(|keys| keys.len() < MOST_KEYS) {
                keys.insert(key);
            }
        }
        Ok(())
    }
}
