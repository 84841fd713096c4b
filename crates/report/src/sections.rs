//! The parts of the page, in their order. Each turns facts into what its template writes down.

pub(crate) mod audit;
pub(crate) mod confidence;
pub(crate) mod confusion;
pub(crate) mod data;
pub(crate) mod decisions;
pub(crate) mod examples;
pub(crate) mod map;
pub(crate) mod mistakes;
pub(crate) mod numbers;
pub(crate) mod provenance;
pub(crate) mod training;
pub(crate) mod verdict;
pub(crate) mod words;

/// A share of a bar, in percent of its length with one decimal.
pub(crate) fn bar_percent(share: f64) -> String {
    format!("{:.1}", 100.0 * share.clamp(0.0, 1.0))
}
