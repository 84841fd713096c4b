//! What the audit answers: what each check says, the verdict on all of it, and both in words.

mod account;
mod consequences;
#[cfg(test)]
mod contradictions;
pub mod effect;
pub mod finding;
mod findings;
pub mod page;
mod ranking;
mod ruling;
pub mod summary;
mod verdict;
mod wish;
pub(crate) mod wording;

#[cfg(test)]
pub(crate) use findings::alone;
pub(crate) use findings::findings;
