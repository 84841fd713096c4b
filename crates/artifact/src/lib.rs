//! The artifacts that stages exchange: typed Parquet tables and JSON files, content digests and stage locks;
//! and the vocabulary that every crate shares: stages, advice on errors, progress, wording.
//!
//! This crate knows the *shape* of every file and who writes it. It knows no stage's logic: nothing here
//! cleans, splits, trains or measures.

pub mod artifacts;
pub mod attributions;
pub mod calibration;
mod column;
pub mod containment;
pub mod diagnostic;
pub mod difference;
pub mod digest;
pub mod documents;
pub mod encoder_files;
pub mod features;
pub mod findings;
pub mod folds;
pub mod fs;
pub mod history;
pub mod json;
pub mod labels;
pub mod lock;
pub mod map;
mod parquet_headers;
pub mod parts;
pub mod predictions;
pub mod progress;
pub mod protobuf;
pub mod splits;
pub mod stage;
pub mod table;
pub mod tokens;
pub mod wording;

pub use artifacts::Artifacts;
pub use attributions::Attribution;
pub use calibration::CalibrationRow;
pub use containment::{ParquetBatches, contained, open_parquet};
pub use diagnostic::{Advice, Diagnostic, Fault};
pub use difference::first_difference;
pub use digest::Digest;
pub use documents::{Document, Reject};
pub use encoder_files::EncoderPart;
pub use features::FeatureRow;
pub use findings::Findings;
pub use folds::FoldRow;
pub use history::HistoryRow;
pub use labels::LabelMap;
pub use lock::StageLock;
pub use map::MapPoint;
pub use parts::{PartWriter, part_count, part_of};
pub use predictions::Prediction;
pub use progress::{MessageKeeper, Reporter, Silent};
pub use splits::{Split, SplitRow};
pub use stage::{BUNDLE, Kind, REPEATS, Stage, StageId};
pub use table::{ArtifactError, Row, TableReader, TableWriter, read_table, write_table};
pub use tokens::TokenRow;
