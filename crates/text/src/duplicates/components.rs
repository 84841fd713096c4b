//! Connected components of rows.

/// Disjoint sets of rows, each known by its smallest row.
#[derive(Debug, Clone)]
pub struct Components {
    /// A row nearer to the root, or the row itself; never a larger one.
    parents: Vec<u32>,
}

impl Components {
    /// Rows of which each is alone.
    ///
    /// # Panics
    ///
    /// With 2^32 rows or more.
    pub fn new(rows: usize) -> Self {
        let rows = u32::try_from(rows).expect("sketches of 2^32 rows would not fit into memory");
        Self {
            parents: (0..rows).collect(),
        }
    }

    fn root(&self, mut row: u32) -> u32 {
        while self.parents[row as usize] != row {
            row = self.parents[row as usize];
        }
        row
    }

    fn root_of_united(&mut self, mut row: u32) -> u32 {
        while self.parents[row as usize] != row {
            // Path halving keeps later searches short.
            let grandparent = self.parents[self.parents[row as usize] as usize];
            self.parents[row as usize] = grandparent;
            row = grandparent;
        }
        row
    }

    /// Whether two rows are in one component.
    pub fn are_united(&self, one: u32, other: u32) -> bool {
        self.root(one) == self.root(other)
    }

    /// Makes one component of those of two rows.
    pub fn unite(&mut self, one: u32, other: u32) {
        let (one, other) = (self.root_of_united(one), self.root_of_united(other));
        self.parents[one.max(other) as usize] = one.min(other);
    }

    /// Makes every later search a short one.
    pub(crate) fn flatten(&mut self) {
        // Parents are smaller, so they are final when their children are reached.
        for row in 0..self.parents.len() {
            self.parents[row] = self.parents[self.parents[row] as usize];
        }
    }

    /// The smallest row of each row's component.
    pub fn into_roots(mut self) -> Vec<u32> {
        self.flatten();
        self.parents
    }
}
