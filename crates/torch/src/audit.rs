//! `labelproof audit`: anyone's files in, the causes of good numbers and bad predictions out.

use labelproof_artifact::findings::Verdict;
use labelproof_artifact::{Advice, Diagnostic, Fault, fs};
use labelproof_audit::files::{Columns, Files, read_dataset, read_evidence};
use labelproof_audit::{audit, page, summary};

use labelproof_cli::commands::audit::AuditArgs;
use labelproof_driver::{ExitCode, Failure, Printer, Verbosity, printer};

use crate::probe::probe;

/// The command line of `audit` does not make sense.
#[derive(Debug, thiserror::Error)]
enum AuditError {
    #[error("nothing to audit")]
    NoInput,
}

impl Diagnostic for AuditError {
    fn advice(&self) -> Advice {
        Fault::Configuration.hint(
            "give at least one of --validation, --test, --train, --log, --confusion, --tokenizer and --bundle",
        )
    }
}

pub(crate) fn run(args: &AuditArgs) -> Result<ExitCode, Failure> {
    let files = files(args);
    let nothing = Files {
        columns: files.columns.clone(),
        ..Files::default()
    };
    if files == nothing && args.bundle.is_none() {
        return Err(AuditError::NoInput.into());
    }
    let printer = Printer::new(Verbosity::choose(args.quiet));
    let dataset = read_dataset(&files, &printer)?;
    let bundle = match &args.bundle {
        Some(path) => Some(probe(path, args.device, &dataset)?),
        None => None,
    };
    let evidence = read_evidence(&files, dataset, bundle, &printer)?;
    let findings = audit(&evidence);
    if let Some(path) = &args.html {
        fs::write_atomic(path, page::html(&findings).as_bytes())?;
        printer::note(&format!("page: {}", fs::absolute(path)?.display()));
    }
    let text = if args.json {
        serde_json::to_string_pretty(&findings).expect("findings have string keys only")
    } else {
        summary::text(&findings)
    };
    printer::data(&text);
    Ok(if args.check && findings.verdict == Verdict::Unsound {
        ExitCode::Unsound
    } else {
        ExitCode::Success
    })
}

fn files(args: &AuditArgs) -> Files {
    Files {
        validation: args.validation.clone(),
        test: args.test.clone(),
        train: args.train.clone(),
        log: args.log.clone(),
        confusion: args.confusion.clone(),
        tokenizer: args.tokenizer.clone(),
        columns: Columns {
            id: args.id.clone(),
            text: args.text.clone(),
            label: args.label.clone(),
            predicted: args.predicted.clone(),
            group: args.group.clone(),
        },
    }
}
