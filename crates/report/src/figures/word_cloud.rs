//! A word cloud: words as large as they are frequent, the most frequent in the middle, none over another.

use askama::Template;
use askama::filters::HtmlSafe;

use super::Pixels;
use super::lettering::{Extent, extent};

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 260.0;

/// Sizes of the letters. The smallest is read at 400 pixels, where the cloud is nearly as wide as here.
const SMALLEST: f64 = 12.0;
const LARGEST: f64 = 44.0;

/// The free space around each word, in pixels.
const PADDING: f64 = 2.0;

/// The spiral on which a word looks for room: radians a step, and pixels it goes out in a turn.
const STEP: f64 = 0.15;
const OUT_A_TURN: f64 = 7.0;

/// A word, how frequent it is and how much it tells.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct CloudWord {
    pub(crate) word: String,
    /// The size follows from its root, so that the area of a word is as large as its share.
    pub(crate) share: f64,
    /// The text that is shown while the word is pointed at.
    pub(crate) hint: String,
    /// 0 to 2, from what tells little to what tells much.
    pub(crate) tone: usize,
}

/// The place of a word.
#[derive(Debug, Clone, PartialEq)]
struct Placed {
    word: String,
    hint: String,
    tone: usize,
    x: Pixels,
    y: Pixels,
    size: Pixels,
    /// The width that the browser has to keep to, for letters that the font lacks.
    fitted: Option<Pixels>,
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Placed {
    fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right
            && other.left < self.right
            && self.top < other.bottom
            && other.top < self.bottom
    }

    fn is_inside(&self) -> bool {
        self.left >= 0.0 && self.top >= 0.0 && self.right <= WIDTH && self.bottom <= HEIGHT
    }
}

/// The cloud of one label.
#[derive(Template)]
#[template(path = "figures/word_cloud.html", whitespace = "minimize")]
pub(crate) struct WordCloud {
    anchor: String,
    title: String,
    description: String,
    width: Pixels,
    height: Pixels,
    words: Vec<Placed>,
}

impl HtmlSafe for WordCloud {}

impl WordCloud {
    /// Places as many of the words as there is room for, the first ones first; none where there is no word.
    pub(crate) fn new(anchor: String, title: String, words: &[CloudWord]) -> Option<Self> {
        let most = words.iter().map(|word| word.share).fold(0.0, f64::max);
        let mut by_share: Vec<&CloudWord> = words.iter().collect();
        by_share.sort_by(|one, other| {
            other
                .share
                .total_cmp(&one.share)
                .then_with(|| one.word.cmp(&other.word))
        });
        let mut placed: Vec<Placed> = Vec::new();
        for word in by_share {
            let size = (LARGEST * (word.share / most).sqrt()).max(SMALLEST);
            placed.extend(place(word, size, &placed));
        }
        (!placed.is_empty()).then(|| Self {
            description: describe(&placed),
            anchor,
            title,
            width: Pixels(WIDTH),
            height: Pixels(HEIGHT),
            words: placed,
        })
    }
}

/// The first free place on the spiral; a word too wide for the cloud is made smaller first.
fn place(word: &CloudWord, size: f64, placed: &[Placed]) -> Option<Placed> {
    let extent = extent(&word.word);
    let size = size.min((WIDTH - 2.0 * PADDING) / extent.width.max(0.1));
    if size < SMALLEST {
        return None;
    }
    // One turn takes 2π / STEP steps and goes out by OUT_A_TURN; the corner is the farthest place there is.
    let turns = WIDTH.hypot(HEIGHT) / 2.0 / OUT_A_TURN;
    let mut angle = 0.0_f64;
    while angle < turns * std::f64::consts::TAU {
        let out = OUT_A_TURN * angle / std::f64::consts::TAU;
        // The cloud is wider than high, and so is the spiral.
        let centre = (
            WIDTH / 2.0 + out * angle.cos(),
            HEIGHT / 2.0 + out * angle.sin() * HEIGHT / WIDTH,
        );
        let candidate = at(word, &extent, size, centre);
        if candidate.is_inside() && !placed.iter().any(|other| candidate.overlaps(other)) {
            return Some(candidate);
        }
        angle += STEP;
    }
    None
}

fn at(word: &CloudWord, extent: &Extent, size: f64, (x, y): (f64, f64)) -> Placed {
    let width = extent.width * size;
    let (above, below) = (extent.above * size, extent.below * size);
    // Rounded as it is written, or two words could touch in the picture that do not touch here.
    let round = |value: f64| (10.0 * value).round() / 10.0;
    let left = round(x - width / 2.0);
    let base = round(y + (above - below) / 2.0);
    let size = (10.0 * size).floor() / 10.0;
    Placed {
        word: word.word.clone(),
        hint: word.hint.clone(),
        tone: word.tone.min(2),
        x: Pixels(left),
        y: Pixels(base),
        size: Pixels(size),
        fitted: (!extent.covered).then_some(Pixels(extent.width * size)),
        left: left - PADDING,
        top: base - above - PADDING,
        right: left + width + PADDING,
        bottom: base + below + PADDING,
    }
}

fn describe(placed: &[Placed]) -> String {
    let words: Vec<&str> = placed
        .iter()
        .take(12)
        .map(|placed| placed.word.as_str())
        .collect();
    format!("The most frequent of them: {}.", words.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(word: &str, share: f64) -> CloudWord {
        CloudWord {
            word: word.to_owned(),
            share,
            hint: String::new(),
            tone: 0,
        }
    }

    fn cloud(words: &[CloudWord]) -> WordCloud {
        WordCloud::new("a".to_owned(), "b".to_owned(), words).unwrap()
    }

    #[test]
    fn no_two_words_overlap_and_none_is_cut() {
        let long = "Donaudampfschiff";
        let words: Vec<CloudWord> = (0..60)
            .map(|place| {
                let letters = if place % 7 == 0 {
                    "東京都"
                } else {
                    &long[..3 + place % 13]
                };
                word(&format!("{letters}{place}"), 1.0 / (1.0 + place as f64))
            })
            .collect();
        let cloud = cloud(&words);
        assert!(cloud.words.len() >= 40, "{} words found room", cloud.words.len());
        for (place, one) in cloud.words.iter().enumerate() {
            assert!(one.is_inside(), "{one:?}");
            assert!(one.size.0 >= SMALLEST, "{one:?}");
            for other in &cloud.words[place + 1..] {
                assert!(!one.overlaps(other), "{one:?} {other:?}");
            }
        }
        assert_eq!(
            cloud
                .words
                .iter()
                .map(|placed| placed.fitted.is_some())
                .filter(|fitted| *fitted)
                .count(),
            {
                let of_asia = cloud.words.iter().filter(|placed| placed.word.starts_with('東'));
                of_asia.count()
            }
        );
    }

    #[test]
    fn the_most_frequent_word_is_largest_and_in_the_middle() {
        let cloud = cloud(&[word("rare", 0.01), word("goal", 0.5), word("team", 0.3)]);
        assert_eq!(cloud.words[0].word, "goal");
        assert!((cloud.words[0].size.0 - LARGEST).abs() < f64::EPSILON);
        let middle = f64::midpoint(cloud.words[0].left, cloud.words[0].right);
        assert!((middle - WIDTH / 2.0).abs() < 0.1, "{middle}");
        assert!(
            (cloud.words[2].size.0 - SMALLEST).abs() < f64::EPSILON,
            "never too small to read"
        );
    }

    #[test]
    fn a_word_too_long_for_the_cloud_is_made_smaller_and_a_hopeless_one_left_out() {
        let cloud = cloud(&[word(&"w".repeat(20), 1.0), word(&"w".repeat(80), 0.9)]);
        assert_eq!(cloud.words.len(), 1);
        assert!(cloud.words[0].is_inside());
        assert!(WordCloud::new(String::new(), String::new(), &[]).is_none());
    }
}
