//! What the audit answers: what each check says, the verdict on all of it, and both in words.

pub mod finding;
pub mod page;
pub mod summary;
pub(crate) mod verdict;
