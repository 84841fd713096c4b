//! What a cell says: a count, a share, or a sum.

/// A number as people write it: `12`, `12.0`, `1.2e+03`, `1,234`, `78,0000`, `98 %`, `NaN`, and before a
/// remark: `1663 (80.8%)`.
pub(super) fn number(cell: &str) -> Option<f64> {
    let cell = cell.trim();
    let cell = cell
        .split_once(['(', '\n'])
        .map_or(cell, |(count, _)| count.trim_end());
    let cell = cell.trim_end_matches('%').trim_end();
    if !cell
        .bytes()
        .next()
        .is_some_and(|byte| byte.is_ascii_digit() || b".+-".contains(&byte))
    {
        return matches!(cell, "NaN" | "nan" | "NA").then_some(f64::NAN);
    }
    if let Ok(value) = cell.parse::<f64>() {
        return value.is_finite().then_some(value);
    }
    let groups = |separator: char| {
        let mut groups = cell.split(separator);
        let is_first = groups.next().is_some_and(|first| (1..=3).contains(&first.len()));
        is_first && groups.clone().next().is_some() && groups.all(|group| group.len() == 3)
    };
    for separator in [',', '\'', '\u{a0}', '\u{202f}', '_'] {
        if groups(separator) {
            return cell.replace(separator, "").parse().ok();
        }
    }
    // A decimal comma.
    let (whole, fraction) = cell.split_once(',')?;
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    (digits(whole) && digits(fraction))
        .then(|| format!("{whole}.{fraction}").parse().ok())
        .flatten()
}

/// Whether a cell says that it is a share of a hundred.
pub(super) fn is_percent(cell: &str) -> bool {
    cell.trim().ends_with('%') && !cell.contains('(')
}

/// The digits behind the point of a number as it is written.
pub(super) fn digits(cell: &str) -> i32 {
    let cell = cell.trim().trim_end_matches('%').trim_end();
    let digits = cell.split_once(['.', ',']).map_or(0, |(_, digits)| digits.len());
    i32::try_from(digits).unwrap_or(i32::MAX)
}

/// More than any count; up to here every whole number is one of an `f64`.
const MOST: f64 = 9e15;

/// A whole number of rows.
pub(super) fn count(value: f64) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number between 0 and 9e15"
    )]
    ((0.0..=MOST).contains(&value) && value.fract() == 0.0).then_some(value as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (cell, expected) in [
            ("12", 12.0),
            (" 78.00000", 78.0),
            ("1.2e+02", 120.0),
            ("1,663", 1663.0),
            ("12,345,678", 12_345_678.0),
            ("78,0000", 78.0),
            ("98 %", 98.0),
            ("1663\n80.8%", 1663.0),
            ("1663 (80.8%)", 1663.0),
            ("3.", 3.0),
        ] {
            assert_eq!(number(cell), Some(expected), "{cell}");
        }
        for cell in ["", "a", "class 1", "(12)", "1-2", "1.2.3", "infinity", "12a"] {
            assert_eq!(number(cell), None, "{cell}");
        }
        assert_eq!(
            (count(3.0), count(3.5), count(-1.0), count(f64::NAN)),
            (Some(3), None, None, None)
        );
    }
}
