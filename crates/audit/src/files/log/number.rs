//! Numbers as logs have them: `0.5`, `1.2e-05`, `nan`, `83.2%`, `0,52`, `tensor(0.53, device='cuda:0')`.

use super::course::{Written, of_percent};

/// The value of a cell or of a word; `None` if it is no number.
pub(super) fn written(text: &str) -> Option<Written> {
    let text = unwrapped(text.trim());
    if let Some(percent) = text.strip_suffix('%') {
        return Some(Written::Share(of_percent(plain(percent.trim_end())?)));
    }
    plain(text).or_else(|| duration(text)).map(Written::Number)
}

/// What is within `tensor(…)`, `np.float64(…)`, `array(…)` or `[…]`.
fn unwrapped(text: &str) -> &str {
    let Some((name, rest)) = text.split_once('(') else {
        return text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .map_or(text, str::trim);
    };
    if !is_wrapper(name) {
        return text;
    }
    let end = rest.find([',', ')']).unwrap_or(rest.len());
    rest[..end].trim()
}

/// Whether a name is of a function in whose brackets PyTorch and NumPy print a number.
pub(super) fn is_wrapper(name: &str) -> bool {
    let name = name.rsplit('.').next().unwrap_or_default();
    matches!(name, "tensor" | "array" | "DeviceArray" | "Array" | "Decimal") || name.starts_with("float")
}

/// A number with a decimal point, or with a decimal comma where no thousands can be meant.
pub(super) fn plain(text: &str) -> Option<f64> {
    let starts_well = text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first));
    if starts_well && let Ok(value) = text.parse::<f64>() {
        return Some(value);
    }
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let word = unsigned.to_ascii_lowercase();
    match word.as_str() {
        "nan" | "-nan(ind)" | "nan(ind)" => return Some(f64::NAN),
        "inf" | "infinity" | "+infinity" => return Some(sign * f64::INFINITY),
        _ => {}
    }
    let (before, after) = unsigned.split_once(',')?;
    let are_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !are_digits(before) {
        return None;
    }
    if are_digits(after) && (after.len() != 3 || before == "0") {
        return format!("{before}.{after}")
            .parse::<f64>()
            .ok()
            .map(|value| sign * value);
    }
    // Thousands.
    let groups = unsigned.split(',').skip(1);
    let are_thousands =
        before.len() <= 3 && groups.clone().all(|group| group.len() == 3 && are_digits(group));
    let joined = unsigned.replace(',', "");
    are_thousands.then(|| joined.parse::<f64>().ok().map(|value| sign * value))?
}

/// Hours, minutes and seconds, as a Trainer writes runtimes.
fn duration(text: &str) -> Option<f64> {
    let mut seconds = 0.0;
    let mut parts = 0;
    for part in text.split(':') {
        let is_number = part.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        seconds = seconds * 60.0 + part.parse::<f64>().ok().filter(|_| is_number)?;
        parts += 1;
    }
    (2..=3).contains(&parts).then_some(seconds)
}

/// What stands in a cell that has no value.
pub(super) fn is_missing(text: &str) -> bool {
    let text = text.trim().to_ascii_lowercase();
    matches!(
        text.as_str(),
        "" | "na" | "n/a" | "none" | "null" | "-" | "--" | "no log"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_and_frameworks_write_them() {
        for (text, value) in [
            ("0.5", 0.5),
            ("1.2e-05", 1.2e-5),
            (".5", 0.5),
            ("0,52", 0.52),
            ("0,523", 0.523),
            ("-1,25", -1.25),
            ("25,000", 25000.0),
            ("1,234,567", 1_234_567.0),
            ("tensor(0.5432)", 0.5432),
            ("tensor(0.5, device='cuda:0')", 0.5),
            ("np.float64(0.83)", 0.83),
            ("[0.25]", 0.25),
            ("0:00:03.21", 3.21),
            ("inf", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
        ] {
            assert_eq!(written(text), Some(Written::Number(value)), "{text}");
        }
        assert_eq!(written("83.2 %"), Some(Written::Share(0.832)));
        assert!(matches!(written("NaN"), Some(Written::Number(value)) if value.is_nan()));
        for text in ["", "low", "1,2,3", "12:x", "0.5.1", "infinite", "e5", "1.234,5"] {
            assert_eq!(written(text), None, "{text}");
        }
    }
}
