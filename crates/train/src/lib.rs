//! The train stage: tokens, split and encoder become a model bundle and its history.
//!
//! Responsible for the training loop: order of batches, optimiser, schedule, choice of the epoch. The network itself,
//! its weights on disk and the bundle are `labelproof-model`'s. Only the rows that split calls `train` move weights;
//! `validation` chooses the epoch; `test` is never read.

mod card;
mod checkpoint;
mod clipping;
mod data;
mod error;
mod fit;
pub mod optimizer;
mod schedule;
mod stage;
pub mod words;

pub use error::Error;
use labelproof_settings::train as params;
pub use labelproof_settings::train::STAGE;
pub use stage::run;
