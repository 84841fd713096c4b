//! What the tests of several crates share: a [`Reporter`](labelproof_artifact::Reporter) that records,
//! comparisons of floating-point numbers, seeded random numbers, a web server, and an encoder small enough to
//! run in every test.
//!
//! Not responsible for anything that ships: crates name this one under `[dev-dependencies]` only, and its
//! functions panic where a test has to fail.

pub mod closeness;
pub mod encoder;
pub mod random;
pub mod recorder;
pub mod web;

pub use closeness::{assert_all_close, assert_close};
pub use random::Random;
pub use recorder::Recorder;
