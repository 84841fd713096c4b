//! Attribution: which words moved a prediction, by integrated gradients (Sundararajan, Taly and Yan 2017,
//! arXiv:1703.01365) of the margin between two classes.
//!
//! The gradient of the margin logit(towards) − logit(against) is integrated along the straight line from a
//! reference input, in which every ordinary token has the word embedding of `[PAD]`, to the text. Special
//! tokens, positions and segments stay as they are. The attributions of the tokens sum to the difference of
//! the margins at both ends (*completeness*), whatever the network does in between; how far the sum is off
//! says how good the integral is.
//!
//! Responsible for the integral and for the sums over the tokens of a word. Which texts are worth explaining,
//! and against which class, is the caller's decision.

use std::ops::Range;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use labelproof_text::tokenizer::SpannedEncoding;

use crate::batch::{Batch, Layout};
use crate::bundle::Bundle;
use crate::classifier::Classifier;
use crate::error::Error;
use crate::pooling::pool;

/// The number of steps that the integral starts with. They are doubled until it is good enough.
const FEWEST_STEPS: usize = 8;
/// The largest number of steps, at which the integral is taken as it is.
pub const MOST_STEPS: usize = 64;
/// How far the sum of the attributions may be from the difference of the margins, as a share of the
/// difference.
pub const COMPLETENESS_TOLERANCE: f64 = 0.05;
/// The number of tokens in a batch; larger batches run no faster, and their attention takes memory.
const TOKENS_AT_ONCE: usize = 1024;

/// How the words of one text moved its prediction between two classes.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The cleaned text as far as the model read it, as words, each with the white space that follows it.
    pub pieces: Vec<String>,
    /// The attribution of each piece, in logits: how far it moved the margin.
    pub weights: Vec<f32>,
    /// The margin logit(towards) − logit(against) of the text.
    pub margin: f32,
    /// The margin of the reference input.
    pub reference_margin: f32,
    /// The number of steps of the integral.
    pub steps: u32,
}

impl Bundle {
    /// Explains why a raw text is nearer to class `towards` than to class `against`, both places in the label
    /// map.
    pub fn explain(&self, text: &str, towards: usize, against: usize) -> Result<Explanation, Error> {
        let cleaned = self.cleaner.clean(text);
        let encoding = self
            .tokenizer
            .encode_with_spans(&cleaned, self.description.max_tokens)?;
        let question = Question {
            tokens: &encoding.ids,
            ordinary: encoding.first..encoding.first + encoding.spans.len(),
            layout: self.layout,
            towards,
            against,
        };
        let integral = integrate(&self.classifier, &question, COMPLETENESS_TOLERANCE, &self.device);
        let pieces = Pieces::split(&cleaned, &encoding);
        #[expect(clippy::cast_possible_truncation, reason = "logits are float32")]
        let weights = pieces.sums(&integral.weights).map(|sum| sum as f32).collect();
        Ok(Explanation {
            weights,
            pieces: pieces.texts().map(str::to_owned).collect(),
            margin: integral.margin,
            reference_margin: integral.reference_margin,
            steps: u32::try_from(integral.steps).expect("steps are few"),
        })
    }
}

/// One text, and the two classes between which its prediction is explained.
pub(crate) struct Question<'a> {
    /// Token ids, the special ones included.
    pub(crate) tokens: &'a [u32],
    /// The places of the tokens that are not special.
    pub(crate) ordinary: Range<usize>,
    pub(crate) layout: Layout,
    pub(crate) towards: usize,
    pub(crate) against: usize,
}

/// The attributions of the tokens, and the margins between which they were integrated.
pub(crate) struct Integral {
    /// The attribution of each ordinary token.
    pub(crate) weights: Vec<f64>,
    pub(crate) margin: f32,
    pub(crate) reference_margin: f32,
    pub(crate) steps: usize,
}

/// The margin at one point of the line, and the part of each ordinary token in its directional derivative
/// there.
#[derive(Clone)]
struct Point {
    margin: f32,
    slopes: Vec<f64>,
}

/// Integrates until the attributions sum to the difference of the margins within `tolerance`.
///
/// The quadrature is that of Clenshaw and Curtis: as good as Gauss' on such functions, and its nodes are
/// nodes of the rule with twice the steps, so that doubling costs only the new ones.
pub(crate) fn integrate(
    classifier: &Classifier,
    question: &Question<'_>,
    tolerance: f64,
    device: &Device,
) -> Integral {
    // Frozen: no dropout, no update of running statistics, no gradient of any weight. Then onto the autodiff
    // device.
    let classifier = classifier.clone().freeze().train();
    let line = Line::new(&classifier, question, device);
    let mut points = line.points(&nodes(FEWEST_STEPS));
    let mut steps = FEWEST_STEPS;
    loop {
        let weights = weights(&points);
        let (reference, text) = (points[0].margin, points[steps].margin);
        let difference = f64::from(text) - f64::from(reference);
        let gap = (weights.iter().sum::<f64>() - difference).abs();
        if gap <= tolerance * difference.abs() || steps >= MOST_STEPS {
            return Integral {
                weights,
                margin: text,
                reference_margin: reference,
                steps,
            };
        }
        steps *= 2;
        let new: Vec<f64> = nodes(steps).into_iter().skip(1).step_by(2).collect();
        let mut new = line.points(&new).into_iter();
        let mut merged = Vec::with_capacity(steps + 1);
        for known in points {
            merged.push(known);
            merged.extend(new.next());
        }
        points = merged;
    }
}

/// The nodes of the rule with an even number of steps, from 0 to 1.
fn nodes(steps: usize) -> Vec<f64> {
    (0..=steps)
        .map(|node| 0.5 - 0.5 * (std::f64::consts::PI * node as f64 / steps as f64).cos())
        .collect()
}

/// The weights of the nodes, which sum to 1 (Davis and Rabinowitz 1984, *Methods of Numerical Integration*,
/// 2.5.5).
fn node_weights(steps: usize) -> Vec<f64> {
    let count = steps as f64;
    (0..=steps)
        .map(|node| {
            let angle = 2.0 * std::f64::consts::PI * node as f64 / count;
            let series: f64 = (1..=steps / 2)
                .map(|term| {
                    let factor = if 2 * term == steps { 1.0 } else { 2.0 };
                    let term = term as f64;
                    factor / (4.0 * term * term - 1.0) * (term * angle).cos()
                })
                .sum();
            let ends = if node == 0 || node == steps { 0.5 } else { 1.0 };
            ends * (1.0 - series) / count
        })
        .collect()
}

/// The integral of each token's derivative over the points.
fn weights(points: &[Point]) -> Vec<f64> {
    let mut sums = vec![0.0; points[0].slopes.len()];
    for (point, weight) in points.iter().zip(node_weights(points.len() - 1)) {
        for (sum, slope) in sums.iter_mut().zip(&point.slopes) {
            *sum += weight * slope;
        }
    }
    sums
}

/// The straight line from the reference input to the text.
struct Line<'a> {
    classifier: &'a Classifier,
    question: &'a Question<'a>,
    /// The device without autodiff.
    device: &'a Device,
    /// The word embeddings of the reference input, `[1, sequence, hidden]`.
    reference: Tensor<3>,
    /// The difference of the text's word embeddings from those, `[1, sequence, hidden]`.
    direction: Tensor<3>,
}

impl<'a> Line<'a> {
    fn new(classifier: &'a Classifier, question: &'a Question<'a>, device: &'a Device) -> Self {
        let mut blank = question.tokens.to_vec();
        let pad_id = question.layout.pad_id;
        blank[question.ordinary.clone()].fill(pad_id);
        let autodiff = device.clone().autodiff();
        let both = Batch::new(&[blank.as_slice(), question.tokens], pad_id, &autodiff);
        let both = classifier.encoder.word_embeddings(&both).inner();
        let reference = both.clone().narrow(0, 0, 1);
        Self {
            classifier,
            question,
            device,
            direction: both.narrow(0, 1, 1) - reference.clone(),
            reference,
        }
    }

    fn points(&self, nodes: &[f64]) -> Vec<Point> {
        let sequence = self.question.tokens.len();
        let at_once = (TOKENS_AT_ONCE / sequence).max(1);
        nodes
            .chunks(at_once)
            .flat_map(|nodes| self.batch(nodes))
            .collect()
    }

    fn batch(&self, nodes: &[f64]) -> Vec<Point> {
        let Question {
            tokens,
            ordinary,
            layout,
            towards,
            against,
        } = self.question;
        let (rows, sequence) = (nodes.len(), tokens.len());
        #[expect(clippy::cast_possible_truncation, reason = "the network computes in float32")]
        let shares: Vec<f32> = nodes.iter().map(|&node| node as f32).collect();
        let shares = Tensor::<3>::from_data(TensorData::new(shares, [rows, 1, 1]), self.device);
        let words = self.reference.clone() + self.direction.clone() * shares;
        let words = words.autodiff().require_grad();
        let batch = layout.batch(&vec![*tokens; rows], &self.device.clone().autodiff());
        let windows = in_windows(words.clone(), *layout);
        let hidden = self.classifier.encoder.forward_words(windows);
        let logits = self
            .classifier
            .head
            .forward(pool(self.classifier.pooling, hidden, &batch));
        let margins = logits.clone().narrow(1, *towards, 1) - logits.narrow(1, *against, 1);
        // Rows are independent: the gradient of the sum contains the gradient of each.
        let gradients = margins.clone().sum().backward();
        let slopes = match words.grad(&gradients) {
            Some(gradient) => (gradient * self.direction.clone()).sum_dim(2),
            None => Tensor::zeros([rows, sequence, 1], self.device),
        };
        let slopes: Vec<f32> = slopes.into_data().iter::<f32>().collect();
        let margins = margins.into_data();
        slopes
            .chunks_exact(sequence)
            .zip(margins.iter::<f32>())
            .map(|(slopes, margin)| Point {
                margin,
                slopes: slopes[ordinary.clone()].iter().copied().map(f64::from).collect(),
            })
            .collect()
    }
}

/// The word embeddings of each window of texts of one length, `[texts * windows, sequence, embedding]`, from those of
/// the texts, `[texts, sequence, embedding]`.
fn in_windows(words: Tensor<3>, layout: Layout) -> Tensor<3> {
    let [texts, sequence, width] = words.dims();
    let ranges = layout
        .cutter
        .map_or_else(Vec::new, |cutter| cutter.ranges(sequence));
    let [first, .., last] = ranges.as_slice() else {
        return words;
    };
    let (before, behind) = (first.start, last.end);
    let of_windows = ranges.iter().map(|range| {
        let around = [0..before, range.clone(), behind..sequence];
        // A tokenizer may put special tokens on one side alone, or none.
        let parts = around.into_iter().filter(|part| !part.is_empty());
        let parts = parts.map(|part| words.clone().narrow(1, part.start, part.len()));
        Tensor::cat(parts.collect(), 1).unsqueeze_dim::<4>(1)
    });
    let tokens = before + first.len() + sequence - behind;
    let of_windows: Vec<Tensor<4>> = of_windows.collect();
    let count = of_windows.len();
    Tensor::cat(of_windows, 1).reshape([texts * count, tokens, width])
}

/// A text split into words, and which token belongs to which word.
pub(crate) struct Pieces<'a> {
    text: &'a str,
    /// The start of each piece in bytes, and the end of the last one.
    bounds: Vec<usize>,
    /// The piece of each token.
    owners: Vec<usize>,
}

impl<'a> Pieces<'a> {
    /// Splits where a word starts, and in scripts that put no space between words where a token does.
    pub(crate) fn split(text: &'a str, encoding: &SpannedEncoding) -> Self {
        let start = text.floor_char_boundary(encoding.read.start);
        let end = text.ceil_char_boundary(encoding.read.end);
        let read = &text[start..end];
        let mut bounds = vec![start];
        let mut before = None;
        for (offset, letter) in read.char_indices() {
            let at = start + offset;
            let word_starts = before.is_some_and(char::is_whitespace) && !letter.is_whitespace();
            let spaceless = without_spaces(letter) || before.is_some_and(without_spaces);
            let token_starts = || {
                let spans = &encoding.spans;
                let place = spans.partition_point(|span| span.start < at);
                spans.get(place).is_some_and(|span| span.start == at)
            };
            // White space before the first word belongs to it.
            let anything_before = !text[start..at].trim().is_empty();
            if anything_before && (word_starts || spaceless && !letter.is_whitespace() && token_starts()) {
                bounds.push(at);
            }
            before = Some(letter);
        }
        let owner = |span: &Range<usize>| {
            // The tokens of some tokenizers begin with the space before their word.
            let from = text.ceil_char_boundary(span.start).min(end);
            let to = text.ceil_char_boundary(span.end).clamp(from, end);
            let space = text[from..to].len() - text[from..to].trim_start().len();
            bounds.partition_point(|&bound| bound <= from + space) - 1
        };
        let owners = encoding.spans.iter().map(owner).collect();
        bounds.push(end);
        Self { text, bounds, owners }
    }

    /// The text of each piece.
    pub(crate) fn texts(&self) -> impl Iterator<Item = &'a str> {
        let text = self.text;
        let pieces = self.bounds.windows(2).map(move |pair| &text[pair[0]..pair[1]]);
        pieces.take_while(|piece| !piece.is_empty())
    }

    /// The sum of the values of the tokens of each piece.
    pub(crate) fn sums(&self, tokens: &[f64]) -> impl Iterator<Item = f64> + use<> {
        let mut sums = vec![0.0; self.bounds.len() - 1];
        for (&owner, token) in self.owners.iter().zip(tokens) {
            sums[owner] += token;
        }
        let pieces = self.texts().count();
        sums.into_iter().take(pieces)
    }
}

/// Whether a letter is of a script that puts no space between words: Thai, Lao, Burmese, Khmer, Chinese and
/// Japanese.
fn without_spaces(letter: char) -> bool {
    matches!(letter,
        '\u{0E00}'..='\u{0EFF}' | '\u{1000}'..='\u{109F}' | '\u{1780}'..='\u{17FF}' | '\u{2E80}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}' | '\u{FF66}'..='\u{FF9F}' | '\u{20000}'..='\u{3FFFF}')
}

#[cfg(test)]
mod tests;
