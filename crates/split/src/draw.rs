//! The draw: which set of rows goes to which part.
//!
//! Sets of several rows are placed first, the biggest first, each where it fits and where its labels are
//! furthest behind their targets. Single rows then fill what each class still lacks, to the row. Order and
//! ties are decided by a hash of seed and id alone.

use std::cmp::Reverse;

use labelproof_artifact::Split;

use crate::error::{Error, Shortage};
use crate::params::Params;
use crate::rows::Rows;
use crate::sets::Sets;
use crate::targets::targets;

/// The part of every row, in the order of the table.
pub(crate) type Assignment = Vec<Split>;

/// A split to draw, and its share of the rows that are drawn from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SplitShare {
    /// The split.
    pub(crate) split: Split,
    /// The share of the rows that go to it.
    pub(crate) share: f64,
}

impl SplitShare {
    /// The parts of a split that is drawn as a whole. Train comes last and takes what rounding leaves.
    pub(crate) fn drawn(params: &Params) -> [Self; 3] {
        [
            (Split::Test, params.test),
            (Split::Validation, params.validation),
            (Split::Train, 1.0 - params.test - params.validation),
        ]
        .map(|(split, share)| Self { split, share })
    }
}

/// The first part of which a class has no row; `counts` are in the order of [`Split::ALL`].
pub(crate) fn first_empty(counts: &[usize; 3]) -> Option<Split> {
    Split::ALL
        .into_iter()
        .zip(counts)
        .find(|&(_, &count)| count == 0)
        .map(|(split, _)| split)
}

/// Draws the parts. Rows that are in none of the sets come out as train.
///
/// Where sets of several labels make it impossible, or too hard to find, a class may lack a part: the caller
/// checks.
pub(crate) fn draw(
    rows: &Rows,
    sets: &Sets,
    parts: &[SplitShare],
    seed: u64,
    stratify: bool,
) -> Result<Assignment, Error> {
    check_shortages(rows, sets, parts)?;
    let strata = if stratify { rows.labels.len() } else { 1 };
    let stratum = |row: u32| if stratify { rows.class(row) } else { 0 };
    let Sorted {
        rows: stratum_rows,
        sets: unplaced_sets,
        several,
        singles,
    } = sort(rows, sets, seed, strata, stratum);
    let shares: Vec<_> = parts.iter().map(|part| part.share).collect();
    let mut placement = Placement {
        placed: vec![vec![0; parts.len()]; strata],
        targets: targets(&stratum_rows, &shares),
        unplaced_sets,
    };
    let mut assignment = vec![Split::Train; rows.len()];
    for one in &several {
        let part = placement.place(one);
        for &row in one.set {
            assignment[row as usize] = parts[part].split;
        }
    }
    for (stratum, singles) in singles.into_iter().enumerate() {
        let mut singles = singles.into_iter();
        for (part, count) in placement.fill(stratum, singles.len()).into_iter().enumerate() {
            for (_, row) in singles.by_ref().take(count) {
                assignment[row as usize] = parts[part].split;
            }
        }
    }
    Ok(assignment)
}

/// The sets in the order they are drawn in.
struct Sorted<'a> {
    /// The number of rows in each stratum.
    rows: Vec<usize>,
    /// The number of sets that have rows in each stratum.
    sets: Vec<usize>,
    /// The sets of several rows, the largest first.
    several: Vec<Several<'a>>,
    /// The single rows of each stratum, each with its hash.
    singles: Vec<Vec<(u128, u32)>>,
}

fn sort<'a>(
    rows: &Rows,
    sets: &'a Sets,
    seed: u64,
    strata: usize,
    stratum: impl Fn(u32) -> usize,
) -> Sorted<'a> {
    let mut sorted = Sorted {
        rows: vec![0; strata],
        sets: vec![0; strata],
        several: Vec::new(),
        singles: vec![Vec::new(); strata],
    };
    for set in sets.iter() {
        let key = hash(seed, &rows.list[set[0] as usize].id);
        if let &[row] = set {
            let stratum = stratum(row);
            sorted.rows[stratum] += 1;
            sorted.sets[stratum] += 1;
            sorted.singles[stratum].push((key, row));
            continue;
        }
        let counts = count_strata(set, &stratum);
        for &(stratum, count) in &counts {
            sorted.rows[stratum] += count;
            sorted.sets[stratum] += 1;
        }
        sorted.several.push(Several { key, set, counts });
    }
    // Two ids of one hash are next to impossible; the sets' own order, that of the table, then decides.
    sorted
        .several
        .sort_by_key(|one| (Reverse(one.set.len()), one.key));
    for singles in &mut sorted.singles {
        singles.sort_unstable_by(|one, two| {
            let id = |row: u32| &rows.list[row as usize].id;
            one.0.cmp(&two.0).then_with(|| id(one.1).cmp(id(two.1)))
        });
    }
    sorted
}

/// A set of several rows that stay together.
struct Several<'a> {
    key: u128,
    set: &'a [u32],
    /// Strata and their rows in the set, in the order of strata.
    counts: Vec<(usize, usize)>,
}

fn count_strata(set: &[u32], stratum: impl Fn(u32) -> usize) -> Vec<(usize, usize)> {
    let mut strata: Vec<_> = set.iter().map(|&row| stratum(row)).collect();
    strata.sort_unstable();
    strata
        .chunk_by(|one, two| one == two)
        .map(|chunk| (chunk[0], chunk.len()))
        .collect()
}

/// The number that orders a set among its like and breaks its ties.
fn hash(seed: u64, id: &str) -> u128 {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.update(id.as_bytes());
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    u128::from_le_bytes(bytes)
}

/// A class of fewer sets than parts cannot be in all of them, whatever the draw.
fn check_shortages(rows: &Rows, sets: &Sets, parts: &[SplitShare]) -> Result<(), Error> {
    let mut shortages: Vec<_> = rows
        .labels
        .names()
        .iter()
        .map(|label| Shortage {
            label: label.clone(),
            rows: 0,
            groups: 0,
        })
        .collect();
    for set in sets.iter() {
        for (class, count) in count_strata(set, |row| rows.class(row)) {
            shortages[class].rows += count;
            shortages[class].groups += 1;
        }
    }
    shortages.retain(|shortage| shortage.groups < parts.len());
    if shortages.is_empty() {
        Ok(())
    } else {
        Err(Error::TooFewGroups {
            labels: shortages,
            parts: parts.iter().map(|part| part.split).collect(),
        })
    }
}

/// The state of the draw, by stratum and split.
struct Placement {
    /// The number of rows placed so far, `[strata][splits]`.
    placed: Vec<Vec<usize>>,
    /// The number of rows that each split should get, `[strata][splits]`.
    targets: Vec<Vec<usize>>,
    /// Sets not yet placed, single rows among them.
    unplaced_sets: Vec<usize>,
}

impl Placement {
    /// Chooses the part of a set of several rows and counts it in.
    fn place(&mut self, one: &Several<'_>) -> usize {
        let mut allowed: Vec<usize> = (0..self.parts()).collect();
        for &(stratum, _) in &one.counts {
            // The last sets of a class must go where the class is not yet.
            let lacking = |part: usize| self.placed[stratum][part] == 0;
            let lacking_count = (0..self.parts()).filter(|&part| lacking(part)).count();
            if self.unplaced_sets[stratum] <= lacking_count && allowed.iter().any(|&part| lacking(part)) {
                allowed.retain(|&part| lacking(part));
            }
        }
        let chosen = allowed
            .into_iter()
            .min_by(|&left, &right| {
                self.overflow(left, one)
                    .cmp(&self.overflow(right, one))
                    .then_with(|| self.load(left, one).total_cmp(&self.load(right, one)))
                    .then_with(|| self.turn(left, one).cmp(&self.turn(right, one)))
            })
            .expect("the allowed parts are narrowed only to some of them");
        for &(stratum, count) in &one.counts {
            self.placed[stratum][chosen] += count;
            self.unplaced_sets[stratum] -= 1;
        }
        chosen
    }

    fn parts(&self) -> usize {
        self.targets[0].len()
    }

    /// Rows by which a part would be over its targets with this set.
    fn overflow(&self, part: usize, one: &Several<'_>) -> usize {
        one.counts
            .iter()
            .map(|&(stratum, count)| {
                (self.placed[stratum][part] + count).saturating_sub(self.targets[stratum][part])
            })
            .sum()
    }

    /// How full of such rows a part would be with half of this set. The half is what keeps sets of equal size
    /// in proportion to the parts (Sainte-Laguë); with the whole set big parts, with none small parts would
    /// get too many.
    fn load(&self, part: usize, one: &Several<'_>) -> f64 {
        one.counts
            .iter()
            .map(|&(stratum, count)| {
                let rows = count as f64;
                let filled = self.placed[stratum][part] as f64 + rows / 2.0;
                rows * filled / self.targets[stratum][part] as f64
            })
            .sum()
    }

    /// A part's turn where all else is equal; another for each set.
    fn turn(&self, part: usize, one: &Several<'_>) -> u128 {
        let parts = self.parts() as u128;
        (part as u128 + one.key % parts) % parts
    }

    /// How many of a stratum's single rows each part gets: what it still lacks. Where sets of several rows
    /// went over the target of a part, the others get less, in proportion, but at least the one row without
    /// which they would lack the class.
    fn fill(&self, stratum: usize, singles: usize) -> Vec<usize> {
        let (targets, placed) = (&self.targets[stratum], &self.placed[stratum]);
        let mut counts: Vec<_> = targets
            .iter()
            .zip(placed)
            .map(|(target, placed)| target.saturating_sub(*placed))
            .collect();
        let mut excess = counts.iter().sum::<usize>() - singles;
        while excess > 0 {
            let fill_level = |part: usize| counts[part] as f64 / targets[part] as f64;
            let payer = (0..counts.len())
                .filter(|&part| counts[part] > usize::from(placed[part] == 0))
                .max_by(|&one, &two| fill_level(one).total_cmp(&fill_level(two)));
            // No payer: fewer single rows than parts without the class. The caller of `draw` names that
            // class.
            let Some(payer) = payer else { break };
            counts[payer] -= 1;
            excess -= 1;
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placement(targets: &[usize], unplaced: usize) -> Placement {
        Placement {
            placed: vec![vec![0; targets.len()]],
            targets: vec![targets.to_vec()],
            unplaced_sets: vec![unplaced],
        }
    }

    fn place(placement: &mut Placement, rows: usize, key: u128) -> usize {
        placement.place(&Several {
            key,
            set: &[],
            counts: vec![(0, rows)],
        })
    }

    #[test]
    fn pairs_are_spread_in_proportion_to_the_parts() {
        let mut placement = placement(&[300, 70, 630], 900);
        let mut counts = [0; 3];
        for key in 0..100 {
            counts[place(&mut placement, 2, key)] += 1;
        }
        assert_eq!(counts, [30, 7, 63]);
        let singles = placement.fill(0, 800);
        assert_eq!(singles, [240, 56, 504]);
    }

    #[test]
    fn a_set_goes_where_it_fits_and_the_last_sets_where_the_class_is_not_yet() {
        let mut placement = placement(&[30, 7, 63], 3);
        assert_eq!(place(&mut placement, 50, 0), 2);
        assert_eq!(place(&mut placement, 30, 0), 0);
        // Train has room for 13 of these 20 rows and validation for 7 only, but validation has none of the
        // class.
        assert_eq!(place(&mut placement, 20, 0), 1);
    }

    #[test]
    fn an_overfull_part_is_paid_for_by_the_others_in_proportion() {
        let mut placement = placement(&[30, 10, 60], 21);
        assert_eq!(place(&mut placement, 80, 0), 2);
        assert_eq!(placement.fill(0, 20), [15, 5, 0]);
        let mut placement = self::placement(&[30, 10, 60], 3);
        assert_eq!(place(&mut placement, 98, 0), 2);
        assert_eq!(placement.fill(0, 2), [1, 1, 0]);
    }
}
