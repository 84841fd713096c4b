//! `labelproof explain`: the pages of the causes that the audit looks for.

use clap::Args;
use labelproof_audit::explain;
use labelproof_driver::{ExitCode, Failure, printer};

/// What to explain.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  labelproof explain                    list the causes by family
  labelproof explain C43                print the page of a cause
  labelproof explain redrawn-split      the same, by name
  labelproof explain drawn again        the same, by a part of its title")]
pub struct ExplainArgs {
    /// Number, name or part of the title of a cause; without it, all causes are listed
    #[arg(value_name = "CAUSE")]
    pub cause: Vec<String>,
    /// Print the pages of all causes as one Markdown document: docs/causes.md
    #[arg(long, conflicts_with = "cause")]
    pub markdown: bool,
}

/// Prints the list of causes, the page of one, or all pages.
pub(super) fn run(args: &ExplainArgs) -> Result<ExitCode, Failure> {
    let text = if args.markdown {
        explain::markdown()
    } else if args.cause.is_empty() {
        explain::list()
    } else {
        explain::page(explain::find(&args.cause.join(" "))?)
    };
    printer::data(&text);
    Ok(ExitCode::Success)
}
