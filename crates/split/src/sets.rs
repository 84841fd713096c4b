//! Which rows stay together: the connected components over duplicate groups and declared groups.
//!
//! A row that shares its duplicate group with a second one and its declared group with a third ties all
//! three.

use crate::rows::Rows;

/// Sets of row numbers, most of them of one row. Stored flat, because there may be millions.
#[derive(Debug, Clone)]
pub(crate) struct Sets {
    /// Row numbers, set after set; within a set in the byte order of ids.
    members: Vec<u32>,
    /// The end of each set in `members`.
    ends: Vec<u32>,
}

impl Sets {
    /// The sets of rows that share, directly or through others, a declared group or (where asked for) a
    /// duplicate group.
    pub(crate) fn find(rows: &Rows, with_duplicates: bool) -> Self {
        let mut forest = Forest::new(rows.len());
        if with_duplicates {
            forest.tie(rows.list.iter().map(|row| Some(row.duplicates)));
        }
        forest.tie(rows.list.iter().map(|row| row.group));
        Self::of_keys(rows, |row| Some(forest.root(row)))
    }

    /// The sets of rows of one key; rows without a key are in none.
    pub(crate) fn of_keys(rows: &Rows, mut key: impl FnMut(u32) -> Option<u32>) -> Self {
        let mut keyed: Vec<(u32, u32)> = (0..)
            .zip(&rows.list)
            .filter_map(|(row, _)| key(row).map(|key| (key, row)))
            .collect();
        keyed.sort_by(|one, two| {
            let id = |row: u32| &rows.list[row as usize].id;
            one.0.cmp(&two.0).then_with(|| id(one.1).cmp(id(two.1)))
        });
        let mut ends = Vec::new();
        for chunk in keyed.chunk_by(|one, two| one.0 == two.0) {
            let start = ends.last().copied().unwrap_or(0);
            ends.push(start + u32::try_from(chunk.len()).expect("row numbers are 32 bits wide"));
        }
        let members = keyed.into_iter().map(|(_, row)| row).collect();
        Self { members, ends }
    }

    /// The same sets without the rows that are not kept; sets that lose all rows go.
    pub(crate) fn restricted(&self, rows: &Rows, keep: impl Fn(u32) -> bool) -> Self {
        let first = self.first_rows(rows.len());
        Self::of_keys(rows, |row| keep(row).then(|| first[row as usize]))
    }

    /// The sets, each of at least one row, its first row being that of the smallest id.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u32]> + Clone {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts
            .zip(&self.ends)
            .map(|(start, &end)| &self.members[start as usize..end as usize])
    }

    /// For each row of the table the first row of its set: the one of the smallest id. Since the table is in
    /// the order of ids, that is the first in the table as well.
    pub(crate) fn first_rows(&self, row_count: usize) -> Vec<u32> {
        let mut first = vec![0; row_count];
        for set in self.iter() {
            for &row in set {
                first[row as usize] = set[0];
            }
        }
        first
    }
}

/// A union-find forest over row numbers.
struct Forest {
    parents: Vec<u32>,
}

impl Forest {
    fn new(row_count: usize) -> Self {
        let parents = (0..).take(row_count).collect();
        Self { parents }
    }

    /// Joins the rows of equal key.
    fn tie(&mut self, keys: impl Iterator<Item = Option<u32>>) {
        let mut first_of_key: Vec<Option<u32>> = Vec::new();
        for (row, key) in (0..).zip(keys) {
            let Some(key) = key.map(|key| key as usize) else {
                continue;
            };
            if first_of_key.len() <= key {
                first_of_key.resize(key + 1, None);
            }
            match first_of_key[key] {
                Some(first) => self.join(first, row),
                None => first_of_key[key] = Some(row),
            }
        }
    }

    fn join(&mut self, one: u32, two: u32) {
        let (one, two) = (self.root(one), self.root(two));
        self.parents[one.max(two) as usize] = one.min(two);
    }

    fn root(&mut self, mut row: u32) -> u32 {
        while self.parents[row as usize] != row {
            // Halving the path keeps later look-ups short without recursion.
            let grandparent = self.parents[self.parents[row as usize] as usize];
            self.parents[row as usize] = grandparent;
            row = grandparent;
        }
        row
    }
}
