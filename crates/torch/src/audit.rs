//! `labelproof audit --bundle`: runs a bundle for the audit, which is `labelproof-cli`'s.

use labelproof_cli::commands::audit::AuditArgs;
use labelproof_driver::{ExitCode, Failure};

use crate::probe::probe;

pub(crate) fn run(args: &AuditArgs) -> Result<ExitCode, Failure> {
    args.audit(|dataset| match &args.bundle {
        Some(path) => Ok(Some(probe(path, args.device, dataset)?)),
        None => Ok(None),
    })
}
