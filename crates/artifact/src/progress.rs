//! How a stage tells what it is doing, and hears that it is to stop. Stages never print: they call a [`Reporter`], and the
//! driver decides what becomes of it.

/// Receives a stage's progress.
pub trait Reporter: Send + Sync {
    /// A piece of work begins; `total` is in its own units (rows, batches) and absent when unknown.
    fn started(&self, work: &str, total: Option<u64>);

    /// `units` more of the current work are done; `note` is a short state such as `loss 0.31`.
    fn advance(&self, units: u64, note: &str);

    /// The current piece of work is done.
    fn finished(&self);

    /// A line, or several, that the user should see and may want to keep.
    fn message(&self, text: &str);

    /// Whether the user wants the stage to end now, and to keep what it needs to go on later. Only what takes long and can
    /// go on asks.
    fn stop_requested(&self) -> bool;
}

/// Says nothing, and never stops.
#[derive(Debug, Clone, Copy)]
pub struct Silent;

impl Reporter for Silent {
    fn started(&self, _work: &str, _total: Option<u64>) {}
    fn advance(&self, _units: u64, _note: &str) {}
    fn finished(&self) {}
    fn message(&self, _text: &str) {}
    fn stop_requested(&self) -> bool {
        false
    }
}
