//! When two labels are one class that is spelled in two ways.

use labelproof_text::normalized_key;

/// A label without what only spelling tells apart: Unicode form, letter case, spaces around and between, and
/// the `.0` that a table of numbers adds.
pub(crate) fn normalized_label(label: &str) -> String {
    let key = normalized_key(label);
    match key.split_once('.') {
        Some((whole, zeros)) if whole.parse::<i64>().is_ok() && zeros.bytes().all(|byte| byte == b'0') => {
            whole.to_owned()
        }
        _ => key,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_class_become_equal() {
        let check = |one: &str, other: &str| assert_eq!(normalized_label(one), normalized_label(other));
        check("Sport", " sport ");
        check("1", "1.0");
        check("ﬁlm", "film");
        assert_ne!(normalized_label("v1.0"), normalized_label("v1"));
        assert_ne!(normalized_label("10"), normalized_label("1.0"));
    }
}
