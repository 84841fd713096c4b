//! How much of the sources is in memory at once.

/// The bounds on memory. They show in no output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// The bytes of rows that a sorter holds before it writes them to a scratch file.
    pub(crate) run_bytes: usize,
    /// The scratch files that a sorter has open at once. Each costs a file descriptor (of which a process has
    /// 1,024 by default) and a buffer.
    pub(crate) open_runs: usize,
    /// The bytes of rows that a merge may have to hold: one of each scratch file, the longest at worst.
    /// Beyond it, scratch files are merged early, which costs time and not memory. Only sources of very long
    /// rows come there.
    pub(crate) merge_bytes: usize,
    /// The bounds on what the readers of tables hold.
    pub(crate) tables: labelproof_tables::Limits,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            run_bytes: 64 << 20,
            open_runs: 400,
            merge_bytes: 512 << 20,
            tables: labelproof_tables::Limits::default(),
        }
    }
}
