//! Which rows an epoch has. They follow from the seed of the epoch alone, so that a training which goes on, and any
//! number of processes, draw the same.

use labelproof_kernels::random;

use crate::params::Sampling;

/// The rows of an epoch, as many as there are, from the class of each row. Their order means nothing.
pub(crate) fn rows_of_epoch(
    sampling: Option<Sampling>,
    labels: &[u32],
    classes: usize,
    seed: u64,
) -> Vec<usize> {
    match sampling {
        None => (0..labels.len()).collect(),
        Some(Sampling::Balanced) => balanced(labels, classes, seed),
    }
}

/// As many rows as there are, of every class equally many. Where that leaves a remainder, chance says which classes
/// have one row more. A class with more rows has some of them once each; in one with fewer no row is there twice more
/// than another.
fn balanced(labels: &[u32], classes: usize, seed: u64) -> Vec<usize> {
    let mut stream = random::stream("sampling", seed);
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); classes];
    for (row, &label) in labels.iter().enumerate() {
        members[label as usize].push(row);
    }
    members.retain(|rows| !rows.is_empty());
    random::shuffle(&mut members, &mut stream);
    let (each, more) = (labels.len() / members.len(), labels.len() % members.len());
    let mut drawn = Vec::with_capacity(labels.len());
    for (number, mut rows) in members.into_iter().enumerate() {
        let wanted = each + usize::from(number < more);
        random::shuffle(&mut rows, &mut stream);
        drawn.extend(rows.into_iter().cycle().take(wanted));
    }
    drawn
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// How often each row is drawn in an epoch.
    fn counts(labels: &[u32], classes: usize, seed: u64) -> Vec<usize> {
        let mut counts = vec![0; labels.len()];
        for row in rows_of_epoch(Some(Sampling::Balanced), labels, classes, seed) {
            counts[row] += 1;
        }
        counts
    }

    #[test]
    fn every_class_is_drawn_equally_often_and_none_of_its_rows_much_oftener_than_another() {
        // 85 rows of class 0, 12 of class 1, 4 of class 2: 101 rows, 33 or 34 a class.
        let labels: Vec<u32> = [(0, 85), (1, 12), (2, 4)]
            .iter()
            .flat_map(|&(class, rows)| vec![class; rows])
            .collect();
        let mut larger = BTreeSet::new();
        for seed in 0..20 {
            let counts = counts(&labels, 3, seed);
            let of_classes = [&counts[..85], &counts[85..97], &counts[97..]];
            let totals = of_classes.map(|counts| counts.iter().sum::<usize>());
            assert_eq!(totals.iter().sum::<usize>(), 101);
            assert!(
                totals.iter().all(|&total| total == 33 || total == 34),
                "{totals:?}"
            );
            larger.extend(
                totals
                    .iter()
                    .enumerate()
                    .filter(|(_, total)| **total == 34)
                    .map(|(class, _)| class),
            );
            for (counts, expected) in of_classes.iter().zip([[0, 1], [2, 3], [8, 9]]) {
                assert!(counts.iter().all(|count| expected.contains(count)), "{counts:?}");
            }
        }
        assert_eq!(larger.len(), 3, "chance says who has the remainder");
    }

    #[test]
    fn epochs_draw_other_rows_and_equal_seeds_the_same() {
        let labels: Vec<u32> = (0..60).map(|row| u32::from(row < 6)).collect();
        assert_eq!(counts(&labels, 2, 7), counts(&labels, 2, 7));
        let drawn = (0..10)
            .map(|seed| counts(&labels, 2, seed))
            .fold(vec![0; 60], |sum: Vec<usize>, counts| {
                sum.iter().zip(counts).map(|(one, other)| one + other).collect()
            });
        assert!(
            drawn.iter().all(|&count| count > 0),
            "in ten epochs every row has its turn: {drawn:?}"
        );
    }

    #[test]
    fn a_class_without_rows_takes_none_from_the_others() {
        assert_eq!(counts(&[0, 0, 2, 2], 3, 1), [1, 1, 1, 1]);
        assert_eq!(rows_of_epoch(None, &[0, 0, 1], 2, 1), [0, 1, 2]);
    }
}
