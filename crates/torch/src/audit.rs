//! `labelproof audit --bundle`: runs a model for the audit, which is `labelproof-cli`'s.

use labelproof_cli::commands::audit::{AuditArgs, BundleRun};
use labelproof_driver::{ExitCode, Failure};
use labelproof_settings::encoder_files::check_tokenizer;

use crate::predicted_rows::write_missing;
use crate::probe;

pub(crate) fn run(args: &AuditArgs) -> Result<ExitCode, Failure> {
    args.audit(|dataset, folder| {
        let Some(path) = &args.bundle else {
            return Ok(BundleRun::default());
        };
        let bundle = match probe::open(path, args.device)? {
            Ok(bundle) => bundle,
            Err(facts) => {
                return Ok(BundleRun {
                    facts,
                    ..BundleRun::default()
                });
            }
        };
        let missing = |part, given, name| write_missing(&bundle, part, given, folder, name);
        let (test, validation) = (dataset.test.as_ref(), dataset.validation.as_ref());
        let tokenizer = Some(bundle.folder()).filter(|folder| check_tokenizer(folder).is_ok());
        Ok(BundleRun {
            facts: probe::facts(path, &bundle, dataset)?,
            test: missing(test, args.predictions.as_deref(), "test.csv")?,
            validation: missing(
                validation,
                args.validation_predictions.as_deref(),
                "validation.csv",
            )?,
            tokenizer: tokenizer.map(ToOwned::to_owned),
        })
    })
}
