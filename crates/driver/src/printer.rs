//! Printing: results go to standard output, everything else to standard error. Nothing else in the workspace
//! prints.
#![expect(clippy::print_stderr, reason = "this is where printing happens")]

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use labelproof_artifact::{Reporter, StageId};

use crate::interrupt;
use crate::run::StageOutcome;

/// How much is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verbosity {
    /// Nothing but errors and results.
    Quiet,
    /// A line for each stage and each message.
    Lines,
    /// Lines, and a progress bar.
    Bars,
}

impl Verbosity {
    /// Progress bars on a terminal, lines elsewhere and in continuous integration.
    pub fn choose(quiet: bool) -> Self {
        let watched = std::io::stderr().is_terminal() && std::env::var_os("CI").is_none();
        match (quiet, watched) {
            (true, _) => Self::Quiet,
            (false, true) => Self::Bars,
            (false, false) => Self::Lines,
        }
    }
}

/// Prints the progress of stages.
#[derive(Debug)]
pub struct Printer {
    verbosity: Verbosity,
    bar: Mutex<Option<ProgressBar>>,
}

impl Printer {
    /// Creates a printer.
    pub fn new(verbosity: Verbosity) -> Self {
        Self {
            verbosity,
            bar: Mutex::new(None),
        }
    }

    /// Prints that a stage starts, and why.
    pub fn stage_started(&self, stage: StageId, reasons: &[String]) {
        self.line(&format!("{stage:<11} {}", summarize_reasons(reasons)));
    }

    /// Prints a note about a stage that does not run.
    pub fn note_of_stage(&self, stage: StageId, text: &str) {
        self.line(&format!("{stage:<11} {text}"));
    }

    /// Prints what became of a stage.
    pub fn stage_finished(&self, stage: StageId, outcome: &StageOutcome, folder: &Path) {
        self.replace_bar(None);
        let text = match outcome {
            StageOutcome::UpToDate => "up to date".to_owned(),
            StageOutcome::Ran(elapsed) => format!("ran in {} -> {}/", duration(*elapsed), folder.display()),
        };
        self.line(&format!("{stage:<11} {text}"));
    }

    fn line(&self, text: &str) {
        if self.verbosity == Verbosity::Quiet {
            return;
        }
        match self.bar.lock().ok().and_then(|bar| bar.clone()) {
            Some(bar) => bar.suspend(|| eprintln!("{text}")),
            None => eprintln!("{text}"),
        }
    }

    fn replace_bar(&self, bar: Option<ProgressBar>) {
        if let Ok(mut current) = self.bar.lock()
            && let Some(old) = std::mem::replace(&mut *current, bar)
        {
            old.finish_and_clear();
        }
    }
}

impl Reporter for Printer {
    fn started(&self, work: &str, total: Option<u64>) {
        match self.verbosity {
            Verbosity::Quiet => {}
            Verbosity::Lines => self.line(&format!("  {work}")),
            Verbosity::Bars => {
                let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
                let template = if total.is_some() {
                    "  {prefix} [{bar:24}] {pos}/{len}  {per_sec}  {eta} left  {msg}"
                } else {
                    "  {prefix} {spinner} {pos}  {per_sec}  {msg}"
                };
                let style = ProgressStyle::with_template(template).expect("the templates are valid");
                bar.set_style(style.progress_chars("=> "));
                bar.set_prefix(work.to_owned());
                bar.enable_steady_tick(Duration::from_millis(200));
                self.replace_bar(Some(bar));
            }
        }
    }

    fn advance(&self, units: u64, note: &str) {
        if let Ok(bar) = self.bar.lock()
            && let Some(bar) = bar.as_ref()
        {
            bar.inc(units);
            if !note.is_empty() {
                bar.set_message(note.to_owned());
            }
        }
    }

    fn finished(&self) {
        self.replace_bar(None);
    }

    fn message(&self, text: &str) {
        self.line(&format!("  {}", text.replace('\n', "\n  ")));
    }

    fn stop_requested(&self) -> bool {
        interrupt::requested()
    }
}

/// The first reasons, and the number of the others.
pub fn summarize_reasons(reasons: &[String]) -> String {
    const SHOWN: usize = 3;
    let mut text = reasons.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if reasons.len() > SHOWN {
        text.push_str(&format!(", and {} more", reasons.len() - SHOWN));
    }
    text
}

/// A duration for people, such as `1m02s` or `3.4s`.
pub fn duration(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    if seconds >= 60 {
        format!("{}m{:02}s", seconds / 60, seconds % 60)
    } else {
        format!("{:.1}s", elapsed.as_secs_f64())
    }
}

/// Prints a message for people to standard error.
pub fn note(text: &str) {
    eprintln!("{text}");
}

/// Prints a result to standard output. A reader that went away is not an error.
pub fn data(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
