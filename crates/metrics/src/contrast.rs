//! How much more often a word stands in the texts of one class than in those of the others.
//!
//! Log-odds with an informative Dirichlet prior (Monroe, Colaresi and Quinn, *Fightin' Words*, 2008,
//! equations 15 to 22), counted in texts and not in occurrences: the words of one text come in bursts, and
//! occurrences would make every interval too narrow. With two outcomes, a text has the word or not, the
//! Dirichlet prior is a beta prior.

/// Texts that the prior counts as. It draws words that are rare in both classes towards their common share.
const PRIOR_TEXTS: f64 = 10.0;

/// The 97.5 % quantile of the normal distribution.
const Z_95: f64 = 1.959_963_984_540_054;

/// Texts with a word, out of all texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Occurrences {
    /// The number of texts that have the word.
    pub with: u64,
    /// The number of texts.
    pub texts: u64,
}

impl Occurrences {
    /// The share of texts that have the word; 0 without texts.
    pub fn share(self) -> f64 {
        self.with as f64 / self.texts.max(1) as f64
    }
}

/// The logarithm of an odds ratio with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contrast {
    /// Above 0 where the word is more frequent inside.
    pub log_odds_ratio: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

/// Compares the texts inside a class with those outside. The prior is the word's share in both together.
pub fn contrast(inside: Occurrences, outside: Occurrences) -> Contrast {
    let texts = (inside.texts + outside.texts) as f64;
    let share = (inside.with + outside.with) as f64 / texts.max(1.0);
    contrast_with_prior(inside, outside, share)
}

fn contrast_with_prior(inside: Occurrences, outside: Occurrences, share: f64) -> Contrast {
    // Away from 0 and 1, where a word that all texts have, or none, would make the odds infinite.
    let share = share.clamp(1e-9, 1.0 - 1e-9);
    let counts = |side: Occurrences| {
        let with = side.with as f64 + PRIOR_TEXTS * share;
        let without = (side.texts - side.with) as f64 + PRIOR_TEXTS * (1.0 - share);
        (with, without)
    };
    let ((a, b), (c, d)) = (counts(inside), counts(outside));
    let log_odds_ratio = (a / b).ln() - (c / d).ln();
    let error = (1.0 / a + 1.0 / b + 1.0 / c + 1.0 / d).sqrt();
    Contrast {
        log_odds_ratio,
        low: log_odds_ratio - Z_95 * error,
        high: log_odds_ratio + Z_95 * error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// statsmodels 0.14, `Table2x2([[a + 10 p, n - a + 10 (1 - p)], [b + 10 p, m - b + 10 (1 - p)]])`.
    #[test]
    fn agrees_with_statsmodels_on_counts_with_the_prior_added() {
        type Case = ((u64, u64), (u64, u64), f64, [f64; 3]);
        let cases: [Case; 4] = [
            (
                (30, 100),
                (5, 400),
                0.07,
                [
                    3.312_715_527_758_569,
                    2.386_965_720_669_732,
                    4.238_465_334_847_406,
                ],
            ),
            (
                (0, 50),
                (3, 200),
                0.012,
                [
                    -2.018_300_182_549_362_3,
                    -7.791_177_696_925_354,
                    3.754_577_331_826_629_6,
                ],
            ),
            (
                (50, 50),
                (120, 150),
                0.85,
                [
                    2.257_620_287_625_959,
                    0.590_741_706_348_404_6,
                    3.924_498_868_903_513,
                ],
            ),
            (
                (3, 7),
                (900, 100_000),
                0.009,
                [
                    3.197_053_041_968_072,
                    1.962_685_819_005_772_5,
                    4.431_420_264_930_372,
                ],
            ),
        ];
        for ((a, n), (b, m), share, expected) in cases {
            let side = |with, texts| Occurrences { with, texts };
            let found = contrast_with_prior(side(a, n), side(b, m), share);
            for (found, expected) in [found.log_odds_ratio, found.low, found.high]
                .into_iter()
                .zip(expected)
            {
                assert!((found - expected).abs() < 1e-9, "{found}, expected {expected}");
            }
        }
    }

    #[test]
    fn a_word_of_all_texts_or_of_none_tells_nothing() {
        let side = |with, texts| Occurrences { with, texts };
        for (inside, outside) in [
            (side(5, 5), side(7, 7)),
            (side(0, 5), side(0, 7)),
            (side(0, 0), side(1, 2)),
        ] {
            let contrast = contrast(inside, outside);
            assert!(contrast.low < 0.0 && contrast.high > 0.0, "{contrast:?}");
        }
    }
}
