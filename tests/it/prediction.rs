//! `labelproof predict` with the bundle that a run leaves.
