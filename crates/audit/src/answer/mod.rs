//! What the audit answers: what each check says, the verdict on all of it, and both in words.

pub mod finding;
mod findings;
pub mod page;
mod ranking;
mod ruling;
pub mod summary;
mod verdict;
pub(crate) mod wording;

pub(crate) use findings::findings;
