//! `labelproof reproduce`: runs the whole pipeline again, and compares the result with `pipeline.lock`.

use labelproof_artifact::{Reporter, StageId, fs};

use labelproof_cli::commands::reproduce::ReproduceArgs;
use labelproof_driver::reproduction::{Difference, PipelineLock, Platform, TOLERANCE};
use labelproof_driver::{Conduct, ExitCode, Failure, Printer, Selection, Verbosity, printer, refresh};
use labelproof_kernels::device;

use crate::stages;

/// The folder of the new run below the artifacts. It is kept if something differs.
const SCRATCH: &str = "reproduced";

pub(crate) fn run(args: &ReproduceArgs) -> Result<ExitCode, Failure> {
    let config = args.config.load(None)?;
    let printer = Printer::new(Verbosity::choose(args.quiet));
    let platform = Platform::current(&device::resolve(config.devices.first())?.to_string());
    let everything = Selection::with_upstream(&[]);
    if args.write {
        stages::run(&config, &everything, Conduct::default(), &printer)?;
        PipelineLock::of_artifacts(&config.artifacts, platform)?.write(&args.lock)?;
        printer.message(&format!("wrote `{}`", args.lock.display()));
        return Ok(ExitCode::Success);
    }
    let locked = PipelineLock::read(&args.lock)?;
    refresh(&config, StageId::Report, &printer)?;
    let anew = config.within(SCRATCH);
    fs::remove(&anew.artifacts)?;
    stages::run(&anew, &everything, Conduct::default(), &printer)?;
    let fresh = PipelineLock::of_artifacts(&anew.artifacts, platform.clone())?;
    let differences = locked.differences(&fresh, &anew.artifacts, &config.artifacts);
    if args.json {
        let text = serde_json::to_string_pretty(&differences);
        printer::data(&text.expect("a list of differences always serialises"));
    } else {
        printer::data(&text(&differences, locked.is_of(&platform)));
    }
    if differences.is_empty() {
        fs::remove(&anew.artifacts)?;
        Ok(ExitCode::Success)
    } else {
        printer.message(&format!("what was made is in `{}`", anew.artifacts.display()));
        Ok(ExitCode::NotReproduced)
    }
}

fn text(differences: &[Difference], equal_platform: bool) -> String {
    let platform = if equal_platform {
        "on an equal platform, byte for byte".to_owned()
    } else {
        format!("on another platform: data byte for byte, metrics within {TOLERANCE}")
    };
    if differences.is_empty() {
        return format!("reproduced ({platform})");
    }
    let widest = differences
        .iter()
        .map(|difference| difference.what.len())
        .max()
        .unwrap_or(0);
    let lines = differences
        .iter()
        .map(|Difference { stage, what, how }| format!("{stage:<11} {what:<widest$}  {how}"));
    format!(
        "not reproduced ({platform})\n{}",
        lines.collect::<Vec<_>>().join("\n")
    )
}
