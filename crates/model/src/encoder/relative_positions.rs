//! Relative positions: what the score of a query for a key owes to the distance between both.
//!
//! Responsible for laying out by query and key what was computed for each distance. Which distances are alike
//! is the families' affair.

use burn::tensor::{Device, Tensor, TensorData};

/// The distances from a query to a key in a text of `sequence` tokens, positive where the key comes first, in
/// the order in which [`by_query`] wants them.
pub(super) fn distances(sequence: usize) -> impl DoubleEndedIterator<Item = i64> {
    let farthest = i64::try_from(sequence).expect("a text fits into memory") - 1;
    (-farthest..=farthest).rev()
}

/// Selects a row of a table, `[buckets, width]`, for each distance: `[distances, width]`.
///
/// As a matrix product, whose gradient adds up in a fixed order on every device; it is exact, because all but
/// one term of each sum are zero.
pub(super) fn select(table: Tensor<2>, buckets: &[usize]) -> Tensor<2> {
    let [rows, _] = table.dims();
    let mut chosen = vec![0.0_f32; buckets.len() * rows];
    for (chosen, &bucket) in chosen.chunks_exact_mut(rows).zip(buckets) {
        chosen[bucket] = 1.0;
    }
    let chosen = TensorData::new(chosen, [buckets.len(), rows]);
    Tensor::from_data(chosen, &table.device()).matmul(table)
}

/// Lays out by query and key, `[batch, heads, sequence, sequence]`, what each query has for each of the
/// [`distances`] to a key, `[batch, heads, sequence, 2 * sequence - 1]`.
///
/// Row by row, what is wanted starts one column further to the left. Cut to rows that are one shorter, the
/// same numbers stand below each other (as in Transformer-XL, Dai et al. 2019, arXiv:1901.02860).
pub(super) fn by_query(scores: Tensor<4>) -> Tensor<4> {
    let [batch, heads, sequence, width] = scores.dims();
    debug_assert_eq!(width, 2 * sequence - 1);
    if sequence == 1 {
        return scores;
    }
    scores
        .reshape([batch, heads, sequence * width])
        .narrow(2, sequence - 1, sequence * (width - 1))
        .reshape([batch, heads, sequence, width - 1])
        .narrow(3, 0, sequence)
}

/// The score of the queries for keys that are more than `farthest` away, `[1, 1, sequence, sequence]`: `score`
/// there, and 0 elsewhere.
pub(super) fn beyond(farthest: usize, sequence: usize, score: f32, device: &Device) -> Tensor<4> {
    let scores: Vec<f32> = distances(sequence)
        .map(|distance| {
            let is_near = usize::try_from(distance.unsigned_abs()).is_ok_and(|distance| distance <= farthest);
            if is_near { 0.0 } else { score }
        })
        .collect();
    let width = scores.len();
    let scores: Tensor<4> = Tensor::from_data(TensorData::new(scores, [1, 1, 1, width]), device);
    by_query(scores.expand([1, 1, sequence, width]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_query_and_key_have_the_score_of_their_distance() {
        for sequence in [1, 2, 5] {
            let device = Device::flex();
            let scores: Vec<f32> = distances(sequence).map(|distance| distance as f32).collect();
            let width = scores.len();
            let scores: Tensor<4> = Tensor::from_data(TensorData::new(scores, [1, 1, 1, width]), &device);
            let found = by_query(scores.expand([2, 3, sequence, width]));
            assert_eq!(found.dims(), [2, 3, sequence, sequence]);
            let found: Vec<f32> = found.into_data().iter().collect();
            for (place, found) in found.into_iter().enumerate() {
                let (query, key) = (place / sequence % sequence, place % sequence);
                assert!((found - (query as f32 - key as f32)).abs() < f32::EPSILON);
            }
        }
    }
}
