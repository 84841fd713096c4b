//! How names and values of the user's data are shown in messages. Nothing here changes what goes into a document.

use std::fmt::Write as _;

/// Names in backticks, with commas; the first fifty of them.
pub(crate) fn listed(names: &[String]) -> String {
    const SHOWN: usize = 50;
    let mut text = names
        .iter()
        .take(SHOWN)
        .map(|name| format!("`{}`", shown(name)))
        .collect::<Vec<_>>()
        .join(", ");
    if names.is_empty() {
        "none".clone_into(&mut text);
    } else if names.len() > SHOWN {
        let _ = write!(text, " and {} more", names.len() - SHOWN);
    }
    text
}

/// A value of the source as a message shows it: on one line, and not longer than a message should be.
pub(crate) fn shown(value: &str) -> String {
    const SHOWN: usize = 60;
    let escape = |character: char| {
        if character.is_control() {
            character.escape_default().to_string()
        } else {
            character.to_string()
        }
    };
    let mut text: String = value.chars().take(SHOWN).map(escape).collect();
    if value.chars().nth(SHOWN).is_some() {
        text.push('…');
    }
    text
}

/// The name most like a wanted one, if one is like it at all.
pub(crate) fn nearest<'a>(wanted: &str, names: impl IntoIterator<Item = &'a String>) -> Option<String> {
    // Below this, Jaro-Winkler finds likeness between names that share no more than a few letters.
    const ALIKE: f64 = 0.75;
    let wanted = wanted.to_lowercase();
    names
        .into_iter()
        .map(|name| (strsim::jaro_winkler(&wanted, &name.to_lowercase()), name))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|(one, one_name), (other, other_name)| one.total_cmp(other).then(other_name.cmp(one_name)))
        .map(|(_, name)| name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_on_one_line_and_short() {
        assert_eq!(shown("a\tb\nc é"), "a\\tb\\nc é");
        assert_eq!(shown(&"x".repeat(100)), format!("{}…", "x".repeat(60)));
    }

    #[test]
    fn the_nearest_name_is_found_and_a_stranger_is_not() {
        let names = ["Text".to_owned(), "label".to_owned(), "category".to_owned()];
        assert_eq!(nearest("labl", &names).as_deref(), Some("label"));
        assert_eq!(nearest("text", &names).as_deref(), Some("Text"));
        assert_eq!(nearest("zzz", &names), None);
    }
}
