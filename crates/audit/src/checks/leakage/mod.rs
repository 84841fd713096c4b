//! Causes in how the splits were drawn.

mod copies;

pub(crate) mod class_shift;
pub(crate) mod easy_validation;
pub(crate) mod exact_duplicates;
pub(crate) mod giveaway;
pub(crate) mod near_duplicates;
pub(crate) mod redrawn_split;
pub(crate) mod shared_groups;
pub(crate) mod small_validation;
pub(crate) mod sorted_split;
pub(crate) mod test_inside_train;
pub(crate) mod text_drift;
