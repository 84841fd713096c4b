//! Causes in the labels, the classes and what tells them apart.

pub(crate) mod generic_words;
pub(crate) mod languages;
pub(crate) mod majority_guessing;
pub(crate) mod overfitting;
pub(crate) mod shortcut;
pub(crate) mod two_topics;
pub(crate) mod underfitting;
pub(crate) mod wrong_labels;
