//! Bounds on the memory that a table of any content may take.

/// The most bytes that are in memory at once. They show in no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The bytes of the longest row. Without this bound, a quote that never closes would read the rest of a
    /// file into memory.
    pub row_bytes: usize,
    /// The bytes of the rows that a columnar file is decoded into at once.
    pub batch_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            row_bytes: 256 << 20,
            batch_bytes: 64 << 20,
        }
    }
}
