//! Test rows as points in a plane: the vectors that enter the head, neighbours kept near each other (t-SNE:
//! van der Maaten and Hinton 2008; van der Maaten 2014 for the approximation by a tree).
//!
//! It starts from the two directions in which the vectors differ most (principal components), which keeps the
//! large pattern and makes it draw nothing at random; of few rows they are the whole map.
//!
//! Responsible for which rows are drawn and where. Everything is summed in one order, so that the same
//! vectors give the same bytes whatever the number of threads.

use std::collections::BTreeMap;

use bhtsne::{Neighbor, tSNE};
use labelproof_artifact::{MapPoint, contained};
use labelproof_kernels::random;
use labelproof_metrics::argmax;
use labelproof_model::Logits;
use rayon::prelude::*;

use crate::rows::Rows;

/// The most rows on the map.
const MOST_POINTS: usize = 2000;
/// The fewest rows that t-SNE is used for. The map of fewer rows is their first two principal components.
const FEW_ROWS: usize = 30;
/// About how many neighbours of a row count, and how many are looked at for each of them.
const PERPLEXITY: usize = 30;
const NEIGHBOURS: usize = 3;
/// Steps of the descent; the customary 1,000 move nothing that is seen.
const STEPS: usize = 750;
/// The accuracy of the Barnes-Hut approximation, as is customary.
const THETA: f32 = 0.5;
/// The width of the first picture; t-SNE pulls apart what begins close together.
const FIRST_WIDTH: f64 = 1e-4;
/// Rounds of the search for the two directions: their error falls with the ratio of neighbouring variances to
/// this power.
const ROUNDS: usize = 200;

/// The points of the test rows in their order; of many rows some, drawn by the seed, mistakes before all
/// others.
///
/// `features` is `[rows, width]`, row-major.
pub(crate) fn points(features: &[f32], scores: &Logits, rows: &Rows, seed: u64) -> Vec<MapPoint> {
    let count = rows.ids.len();
    if count == 0 {
        return Vec::new();
    }
    let wrong: Vec<bool> = scores
        .rows()
        .zip(&rows.labels)
        .map(|(logits, &label)| argmax(logits) != label as usize)
        .collect();
    let chosen = choose(&wrong, MOST_POINTS, seed);
    let width = features.len() / count;
    let vectors: Vec<&[f32]> = chosen
        .iter()
        .map(|&row| &features[row * width..(row + 1) * width])
        .collect();
    let places = into_unit_square(&neighbourhoods(&vectors, seed));
    chosen
        .iter()
        .zip(places)
        .map(|(&row, [x, y])| MapPoint {
            id: rows.ids[row].clone(),
            x,
            y,
        })
        .collect()
}

/// Chooses at most `most` rows, in ascending order: mistakes make up to half of them, hits the rest.
fn choose(wrong: &[bool], most: usize, seed: u64) -> Vec<usize> {
    if wrong.len() <= most {
        return (0..wrong.len()).collect();
    }
    let mut order: Vec<usize> = (0..wrong.len()).collect();
    random::shuffle(&mut order, &mut random::stream("map", seed));
    let (mistakes, hits): (Vec<usize>, Vec<usize>) = order.into_iter().partition(|&row| wrong[row]);
    let kept = mistakes
        .len()
        .min((most / 2).max(most.saturating_sub(hits.len())));
    let mut chosen: Vec<usize> = mistakes.into_iter().take(kept).chain(hits).take(most).collect();
    chosen.sort_unstable();
    chosen
}

/// A place for each vector such that neighbours lie near each other; equal vectors have one place.
fn neighbourhoods(vectors: &[&[f32]], seed: u64) -> Vec<[f64; 2]> {
    let first = principal_components(vectors, seed);
    let mut distinct: BTreeMap<Vec<u32>, usize> = BTreeMap::new();
    let mut rows = Vec::new();
    let kinds: Vec<usize> = vectors
        .iter()
        .enumerate()
        .map(|(row, vector)| {
            let bits = vector.iter().map(|value| value.to_bits()).collect();
            *distinct.entry(bits).or_insert_with(|| {
                rows.push(row);
                rows.len() - 1
            })
        })
        .collect();
    if rows.len() < FEW_ROWS {
        return first;
    }
    let chosen: Vec<&[f32]> = rows.iter().map(|&row| vectors[row]).collect();
    let start: Vec<[f64; 2]> = rows.iter().map(|&row| first[row]).collect();
    match embed(&chosen, &start) {
        Some(places) => kinds.into_iter().map(|kind| places[kind]).collect(),
        None => first,
    }
}

/// t-SNE from a first picture; nothing where it fails.
fn embed(vectors: &[&[f32]], first: &[[f64; 2]]) -> Option<Vec<[f64; 2]>> {
    let spread = first
        .iter()
        .flatten()
        .fold(0.0, |most: f64, place| most.max(place.abs()));
    let perplexity = PERPLEXITY.min((vectors.len() - 1) / NEIGHBOURS);
    let neighbours = nearest(vectors, NEIGHBOURS * perplexity);
    #[expect(
        clippy::cast_possible_truncation,
        reason = "places are drawn, not computed with"
    )]
    let start: Vec<f32> = first
        .iter()
        .flatten()
        .map(|place| (place / spread * FIRST_WIDTH) as f32)
        .collect();
    // With one thread its sums have one order, and the map the same bytes wherever it is drawn.
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().ok()?;
    let drawn = one_thread.install(|| {
        // The tree of the library may give up on unlucky numbers.
        contained(|| {
            let mut map: tSNE<'_, f32, &[f32]> = tSNE::new(vectors);
            map.perplexity(perplexity as f32)
                .epochs(STEPS)
                .initial_embedding(start)
                .barnes_hut_with_neighbors(THETA, &neighbours);
            map.embedding()
        })
    });
    let drawn = drawn
        .ok()
        .filter(|drawn| drawn.iter().all(|place| place.is_finite()))?;
    let places = drawn.chunks_exact(2);
    Some(
        places
            .map(|place| [f64::from(place[0]), f64::from(place[1])])
            .collect(),
    )
}

/// The nearest of the other vectors for each, the nearest first; of equally near ones the first.
fn nearest(vectors: &[&[f32]], count: usize) -> Vec<Vec<Neighbor<f32>>> {
    let distance = |one: &[f32], other: &[f32]| -> f32 {
        let squares = one.iter().zip(other).map(|(one, other)| (one - other).powi(2));
        squares.sum::<f32>().sqrt()
    };
    (0..vectors.len())
        .into_par_iter()
        .map(|row| {
            let mut others: Vec<Neighbor<f32>> = (0..vectors.len())
                .filter(|&other| other != row)
                .map(|index| Neighbor {
                    index,
                    distance: distance(vectors[row], vectors[index]),
                })
                .collect();
            let order = |one: &Neighbor<f32>, other: &Neighbor<f32>| {
                one.distance
                    .total_cmp(&other.distance)
                    .then(one.index.cmp(&other.index))
            };
            if others.len() > count {
                others.select_nth_unstable_by(count, order);
                others.truncate(count);
            }
            others.sort_unstable_by(order);
            others
        })
        .collect()
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

/// Each vector's coordinates along the first two principal components.
fn principal_components(vectors: &[&[f32]], seed: u64) -> Vec<[f64; 2]> {
    let centred = centre(vectors);
    let directions = leading_directions(&centred, seed).map(orient);
    let coordinates = |row: &Vec<f64>| [dot(row, &directions[0]), dot(row, &directions[1])];
    centred.iter().map(coordinates).collect()
}

/// The vectors less their mean.
fn centre(vectors: &[&[f32]]) -> Vec<Vec<f64>> {
    let mut mean = vec![0.0; vectors[0].len()];
    for vector in vectors {
        for (sum, &value) in mean.iter_mut().zip(*vector) {
            *sum += f64::from(value) / vectors.len() as f64;
        }
    }
    let less_mean = |vector: &&[f32]| -> Vec<f64> {
        let values = vector.iter().zip(&mean);
        values.map(|(&value, mean)| f64::from(value) - mean).collect()
    };
    vectors.iter().map(less_mean).collect()
}

/// The two directions of greatest variance, by orthogonal iteration (Golub and Van Loan 2013, *Matrix
/// Computations*, 8.2.4).
fn leading_directions(centred: &[Vec<f64>], seed: u64) -> [Vec<f64>; 2] {
    let width = centred[0].len();
    let mut stream = random::stream("directions", seed);
    let mut directions: [Vec<f64>; 2] = std::array::from_fn(|_| {
        (0..width)
            .map(|_| f64::from(random::uniform(&mut stream)) - 0.5)
            .collect()
    });
    for _ in 0..ROUNDS {
        let mut next = [vec![0.0; width], vec![0.0; width]];
        for row in centred {
            for (next, direction) in next.iter_mut().zip(&directions) {
                let along = dot(row, direction);
                for (sum, value) in next.iter_mut().zip(row) {
                    *sum += along * value;
                }
            }
        }
        let [first, second] = &mut next;
        normalize(first);
        let shared = dot(first, second);
        for (value, first) in second.iter_mut().zip(first.iter()) {
            *value -= shared * first;
        }
        normalize(second);
        directions = next;
    }
    directions
}

/// Of a direction and its opposite, the one whose largest component is positive.
fn orient(mut direction: Vec<f64>) -> Vec<f64> {
    let larger = |largest: f64, value: f64| {
        if value.abs() > largest.abs() {
            value
        } else {
            largest
        }
    };
    if direction.iter().copied().fold(0.0, larger) < 0.0 {
        for value in &mut direction {
            *value = -*value;
        }
    }
    direction
}

/// Brings a vector to length 1; what has no direction left becomes zero.
fn normalize(vector: &mut [f64]) {
    let length = dot(vector, vector).sqrt();
    for value in vector {
        *value = if length > f64::MIN_POSITIVE {
            *value / length
        } else {
            0.0
        };
    }
}

/// Moves and scales points into 0 to 1, both coordinates by the same factor, the middle to the middle.
fn into_unit_square(points: &[[f64; 2]]) -> Vec<[f32; 2]> {
    let range = |axis: usize| {
        let values = points.iter().map(|point| point[axis]);
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        })
    };
    let ranges = [range(0), range(1)];
    let size = ranges.iter().map(|(low, high)| high - low).fold(0.0, f64::max);
    points
        .iter()
        .map(|point| {
            std::array::from_fn(|axis| {
                let (low, high) = ranges[axis];
                let place = if size > 0.0 && size.is_finite() {
                    0.5 + (point[axis] - f64::midpoint(low, high)) / size
                } else {
                    0.5
                };
                #[expect(clippy::cast_possible_truncation, reason = "a place on a page")]
                let place = place.clamp(0.0, 1.0) as f32;
                place
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(vectors: &[Vec<f32>]) -> Vec<[f32; 2]> {
        let vectors: Vec<&[f32]> = vectors.iter().map(Vec::as_slice).collect();
        into_unit_square(&neighbourhoods(&vectors, 10))
    }

    fn clusters(kinds: usize, width: usize) -> Vec<Vec<f32>> {
        let mut stream = random::stream("clusters", 1);
        (0..300)
            .map(|row| {
                (0..width)
                    .map(|place| {
                        let centre = if place == row % kinds { 6.0 } else { 0.0 };
                        centre + random::uniform(&mut stream)
                    })
                    .collect()
            })
            .collect()
    }

    #[test]
    fn separated_clusters_stay_separated_and_the_bytes_the_same() {
        // More clusters than two directions can tell apart.
        let vectors = clusters(12, 40);
        let places = map(&vectors);
        let distance = |left: [f32; 2], right: [f32; 2]| (left[0] - right[0]).hypot(left[1] - right[1]);
        for (row, &place) in places.iter().enumerate() {
            assert!(place.iter().all(|value| (0.0..=1.0).contains(value)));
            let others = (0..places.len()).filter(|&other| other != row);
            let nearest = others
                .min_by(|&left, &right| {
                    distance(places[left], place).total_cmp(&distance(places[right], place))
                })
                .unwrap();
            assert_eq!(nearest % 12, row % 12);
        }
        for threads in [1, 2, 5] {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            assert_eq!(pool.install(|| map(&vectors)), places, "{threads}");
        }
    }

    #[test]
    fn a_plane_keeps_its_distances() {
        // A grid of 4 by 2 steps, turned into five dimensions by two orthogonal vectors of length 5.
        let grid: Vec<(f32, f32)> = (0..15_u8)
            .map(|at| (f32::from(at % 5), f32::from(at / 5)))
            .collect();
        let vectors: Vec<Vec<f32>> = grid
            .iter()
            .map(|(right, up)| vec![3.0 * right, 4.0 * right, 7.0, -5.0 * up, 0.0])
            .collect();
        let places = map(&vectors);
        for (one, &left) in grid.iter().zip(&places) {
            for (other, &right) in grid.iter().zip(&places) {
                let expected = (one.0 - other.0).hypot(one.1 - other.1) / 4.0;
                let found = (left[0] - right[0]).hypot(left[1] - right[1]);
                assert!((found - expected).abs() < 1e-5, "{found}, expected {expected}");
            }
        }
    }

    #[test]
    fn few_and_equal_vectors_are_in_the_middle_or_on_a_line() {
        assert_eq!(map(&[vec![3.0, 4.0]]), [[0.5, 0.5]]);
        assert_eq!(map(&vec![vec![0.25, 4.0]; 7]), [[0.5, 0.5]; 7]);
        assert_eq!(map(&vec![vec![0.25, 4.0]; 70]), [[0.5, 0.5]; 70]);
        // Two places, many rows at each.
        let two = map(&(0_u8..70)
            .map(|row| vec![f32::from(row % 2), 1.0])
            .collect::<Vec<_>>());
        assert!(two.iter().flatten().all(|place| place.is_finite()));
        let two = map(&[vec![0.0, 1.0, 0.0], vec![0.0, 2.0, 0.0]]);
        assert_eq!(two, [[0.0, 0.5], [1.0, 0.5]]);
    }

    #[test]
    fn of_many_rows_mistakes_come_first_up_to_half() {
        let wrong: Vec<bool> = (0..1000).map(|row| row % 3 == 0).collect();
        let chosen = choose(&wrong, 100, 7);
        assert_eq!(chosen.len(), 100);
        assert!(chosen.is_sorted_by(|left, right| left < right));
        assert_eq!(chosen.iter().filter(|&&row| wrong[row]).count(), 50);
        assert_ne!(chosen, choose(&wrong, 100, 8));
        assert_eq!(choose(&wrong, 1000, 7).len(), 1000);
        let few: Vec<bool> = (0..1000).map(|row| row < 5).collect();
        assert_eq!(choose(&few, 100, 7)[..5], [0, 1, 2, 3, 4]);
        assert_eq!(choose(&[true; 1000], 100, 7).len(), 100);
    }
}
