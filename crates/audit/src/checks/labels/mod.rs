//! Causes in the labels, the classes and what tells them apart.

pub mod generic_words;
pub mod languages;
pub mod majority_guessing;
pub mod shortcut;
pub mod two_topics;
pub mod underfitting;
pub mod wrong_labels;
