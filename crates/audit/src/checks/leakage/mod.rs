//! Causes in how the splits were drawn.

mod copies;

pub mod class_shift;
pub mod exact_duplicates;
pub mod giveaway;
pub mod near_duplicates;
pub mod redrawn_split;
pub mod shared_groups;
pub mod small_validation;
pub mod sorted_split;
pub mod test_inside_train;
pub mod text_drift;
