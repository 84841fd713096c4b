//! One file a cause, in a folder for each family. Each has a function `run` that the catalogue names, and
//! begins with the page of its cause; no check knows another one, but asks the case for the other's answer.

pub(crate) mod decision;
pub(crate) mod input;
pub(crate) mod labels;
pub(crate) mod leakage;
pub(crate) mod metrics;
pub(crate) mod pairing;
pub(crate) mod weights;
