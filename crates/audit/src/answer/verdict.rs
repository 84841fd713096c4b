//! The verdict on all that was found, and its headline.

use labelproof_artifact::findings::{Gap, Verdict};

use super::finding::{Diagnosis, Severity};
use super::wording::lower_first;
use crate::check::Check;

/// The worst that was found decides; a gap that nothing explains is unsound as well.
pub(super) fn verdict(gap: Option<&Gap>, found: &[(&Check, Diagnosis)]) -> Verdict {
    let unexplained = gap.is_some_and(|gap| gap.significant);
    match found.iter().map(|(_, found)| found.severity).max() {
        Some(Severity::Unsound) => Verdict::Unsound,
        _ if unexplained => Verdict::Unsound,
        Some(Severity::Caution) => Verdict::Caution,
        Some(Severity::Note) | None => Verdict::Sound,
    }
}

/// The verdict in one sentence, with the cause that weighs most.
pub(super) fn headline(verdict: Verdict, gap: Option<&Gap>, found: &[(&Check, Diagnosis)]) -> String {
    let first = found.first();
    match (verdict, first) {
        (Verdict::Unsound, Some((check, found))) if found.severity == Severity::Unsound => {
            format!(
                "Do not rely on these figures: {} ({}).",
                lower_first(check.name),
                check.id
            )
        }
        (Verdict::Unsound, _) => {
            let points = gap.map_or(0.0, |gap| gap.points);
            format!(
                "Do not rely on these figures: validation and test accuracy are {:.1} points apart, which \
                 chance does not explain, and the files do not tell why.",
                points.abs()
            )
        }
        (Verdict::Caution, Some((check, _))) => format!(
            "The figures stand, with a reservation: {} ({}).",
            lower_first(check.name),
            check.id
        ),
        _ if gap.is_some() => {
            "Nothing was found that speaks against these figures: validation and test agree.".to_owned()
        }
        _ => {
            "Nothing was found that speaks against these figures, as far as the given files tell.".to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answer::finding::{Confidence, Measured};

    #[test]
    fn the_worst_that_was_found_decides() {
        let answer = |severity, confidence| Diagnosis {
            severity,
            confidence,
            summary: String::new(),
            effect: None,
            fix: String::new(),
            confirm: String::new(),
            measured: Measured::new(),
        };
        let check = &crate::catalogue::ALL[0];
        let caution = [
            (check, answer(Severity::Note, Confidence::Certain)),
            (check, answer(Severity::Caution, Confidence::Possible)),
        ];
        assert_eq!(verdict(None, &caution), Verdict::Caution);
        assert_eq!(verdict(None, &caution[..1]), Verdict::Sound);
        assert_eq!(
            verdict(None, &[(check, answer(Severity::Unsound, Confidence::Possible))]),
            Verdict::Unsound
        );
    }
}
