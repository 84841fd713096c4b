//! `labelproof audit --bundle`: runs a bundle for the audit, which is `labelproof-cli`'s.

use labelproof_cli::commands::audit::{AuditArgs, BundleRun};
use labelproof_driver::{ExitCode, Failure};

use crate::named_model;
use crate::predicted_rows::write_missing;
use crate::probe;

pub(crate) fn run(args: &AuditArgs) -> Result<ExitCode, Failure> {
    args.audit(|dataset, folder| {
        let Some(path) = &args.bundle else {
            return Ok(BundleRun::default());
        };
        let opened = match named_model::adapted(path, args.device)? {
            Some(bundle) => Ok(bundle),
            None => probe::open(path, args.device)?,
        };
        let bundle = match opened {
            Ok(bundle) => bundle,
            Err(facts) => {
                return Ok(BundleRun {
                    facts,
                    ..BundleRun::default()
                });
            }
        };
        let given = args.predictions.as_deref();
        let given_validation = args.validation_predictions.as_deref();
        Ok(BundleRun {
            facts: probe::facts(path, &bundle, dataset)?,
            test: write_missing(&bundle, dataset.test.as_ref(), given, folder, "test.csv")?,
            validation: write_missing(
                &bundle,
                dataset.validation.as_ref(),
                given_validation,
                folder,
                "validation.csv",
            )?,
        })
    })
}
