//! The evaluate stage: the bundle, as it lies on disk, predicts every row; the figures of the model and of the cheap
//! baseline beside it.
//!
//! Responsible for predicting from *text*, as a user of the bundle would, and for joining predictions to labels by id.
//! What a metric is, is `labelproof-metrics`' business; nothing here trains the model.

mod error;
mod explain;
mod map;
mod rows;
mod stage;

pub use error::Error;
pub use labelproof_settings::evaluate::STAGE;
pub use stage::run;
