//! The failure of a command: what failed, why, whose fault that is, and what to do.

use std::fmt::Write;

use labelproof_artifact::{Diagnostic, Fault, StageId};

/// Why a command failed.
#[derive(Debug)]
pub struct Failure {
    /// The stage that failed, or `None` if the command failed outside a stage.
    stage: Option<StageId>,
    error: Box<dyn Diagnostic + Send + Sync>,
}

impl<E: Diagnostic + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self {
            stage: None,
            error: Box::new(error),
        }
    }
}

impl Failure {
    /// The failure of a stage.
    pub fn of_stage(stage: StageId, error: impl Diagnostic + Send + Sync + 'static) -> Self {
        Self {
            stage: Some(stage),
            error: Box::new(error),
        }
    }

    /// Whose fault the failure is.
    pub fn fault(&self) -> Fault {
        self.error.fault()
    }

    /// The message for people: the error, its causes, and the hints.
    pub fn render(&self) -> String {
        let mut text = String::from("error: ");
        match self.stage {
            Some(stage) if self.fault() == Fault::Interrupted => {
                let _ = write!(text, "stage `{stage}` {}", self.error);
            }
            Some(stage) => {
                let _ = write!(
                    text,
                    "stage `{stage}` failed\n  caused by: {}",
                    indented(&self.error.to_string())
                );
            }
            None => text.push_str(&self.error.to_string()),
        }
        let mut cause = self.error.source();
        while let Some(error) = cause {
            let _ = write!(text, "\n  caused by: {}", indented(&error.to_string()));
            cause = error.source();
        }
        for (place, hint) in self.error.hints().iter().enumerate() {
            let _ = write!(text, "{}hint: {hint}", if place == 0 { "\n\n" } else { "\n" });
        }
        text
    }
}

/// A message whose further lines are indented below the first.
fn indented(message: &str) -> String {
    message.replace('\n', "\n    ").replace("\n    \n", "\n\n")
}
