//! Windows over long texts: how a row of token ids that is longer than an encoder reads at once is cut into
//! overlapping rows, each with the special tokens of a whole text.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a text that is longer than one window is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Windows {
    /// The tokens of a window, special ones included. At most what the encoder takes.
    #[schemars(range(min = 1))]
    pub tokens: usize,
    /// The tokens that a window has in common with the one before it; the last one has more, because it ends with
    /// the text.
    pub overlap: usize,
    /// How the pooled vectors of the windows become that of the text: `mean` or `max`.
    pub pooling: WindowPooling,
}

/// How the pooled vectors of the windows become that of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum WindowPooling {
    /// The mean of each component.
    Mean,
    /// The maximum of each component.
    Max,
}

impl Default for Windows {
    fn default() -> Self {
        Self {
            tokens: 512,
            overlap: 128,
            pooling: WindowPooling::Mean,
        }
    }
}

/// Cuts rows of token ids into windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowCutter {
    windows: Windows,
    /// The number of special tokens before a text, and behind it.
    special: [usize; 2],
}

impl WindowCutter {
    /// A cutter for texts with so many special tokens before and behind them. `None` where a window would not go on
    /// from the one before it.
    pub fn new(windows: Windows, special: [usize; 2]) -> Option<Self> {
        let around: usize = special.iter().sum();
        (windows.tokens > around.saturating_add(windows.overlap)).then_some(Self { windows, special })
    }

    /// How the pooled vectors of the windows become that of the text.
    pub fn pooling(self) -> WindowPooling {
        self.windows.pooling
    }

    /// The places of the ordinary tokens that each window of a row has, of the row's `length` tokens; one window of
    /// all of them where the row fits.
    pub fn ranges(self, length: usize) -> Vec<std::ops::Range<usize>> {
        let [before, behind] = self.special;
        let end = length.saturating_sub(behind).max(before);
        if length <= self.windows.tokens {
            return std::iter::once(before..end).collect();
        }
        let room = self.windows.tokens - before - behind;
        let last = end - room;
        let starts = (before..last).step_by(room - self.windows.overlap);
        starts.chain([last]).map(|start| start..start + room).collect()
    }

    /// The windows of a row, each with the special tokens of the row.
    pub fn cut(self, row: &[u32]) -> Vec<Vec<u32>> {
        let [before, behind] = self.special;
        let ranges = self.ranges(row.len()).into_iter();
        let around = |range: std::ops::Range<usize>| {
            let end = row.len().saturating_sub(behind).max(range.end);
            let length = row.len();
            let range = range.start.min(length)..range.end.min(length);
            [&row[..before.min(length)], &row[range], &row[end.min(length)..]].concat()
        };
        ranges.map(around).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLS: u32 = 2;
    const SEP: u32 = 3;

    fn cutter(tokens: usize, overlap: usize) -> Option<WindowCutter> {
        let windows = Windows {
            tokens,
            overlap,
            ..Windows::default()
        };
        WindowCutter::new(windows, [1, 1])
    }

    /// A row of so many ordinary tokens, numbered from 10.
    fn row(ordinary: u32) -> Vec<u32> {
        [vec![CLS], (10..10 + ordinary).collect(), vec![SEP]].concat()
    }

    #[test]
    fn every_token_is_in_a_window_and_every_window_is_whole() {
        let cut = |ordinary| cutter(6, 1).unwrap().cut(&row(ordinary));
        assert_eq!(cut(4), [row(4)], "what fits is one window");
        assert_eq!(cut(0), [row(0)]);
        assert_eq!(cut(5), [[CLS, 10, 11, 12, 13, SEP], [CLS, 11, 12, 13, 14, SEP]]);
        assert_eq!(cut(7), [[CLS, 10, 11, 12, 13, SEP], [CLS, 13, 14, 15, 16, SEP]]);
        assert_eq!(
            cut(8),
            [
                [CLS, 10, 11, 12, 13, SEP],
                [CLS, 13, 14, 15, 16, SEP],
                [CLS, 14, 15, 16, 17, SEP]
            ],
            "the last one ends with the text"
        );
    }

    /// Beside the last window, `return_overflowing_tokens` of transformers with `stride` gives the same:
    /// `tokenizer(text, max_length=6, stride=1, truncation=True, return_overflowing_tokens=True)` of ten words that
    /// are a token each.
    #[test]
    fn windows_are_those_of_transformers_but_for_the_last() {
        let found = cutter(6, 1).unwrap().cut(&row(10));
        assert_eq!(
            found,
            [
                [CLS, 10, 11, 12, 13, SEP],
                [CLS, 13, 14, 15, 16, SEP],
                [CLS, 16, 17, 18, 19, SEP]
            ]
        );
    }

    #[test]
    fn windows_that_do_not_go_on_are_none() {
        assert!(cutter(6, 4).is_none());
        assert!(cutter(6, 3).is_some());
        assert!(cutter(2, 0).is_none());
        assert!(cutter(6, usize::MAX).is_none());
    }
}
