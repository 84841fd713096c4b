//! `labelproof export`: the network as an ONNX graph, which ONNX Runtime has to compute as the bundle does before
//! the file is kept.

use std::path::{Path, PathBuf};
use std::process::Command;

use labelproof_artifact::{Advice, Diagnostic, Fault, fs};
use labelproof_cli::commands::export::ExportArgs;
use labelproof_driver::{ExitCode, Failure, printer};
use labelproof_model::{Bundle, DeviceChoice, onnx};
use serde_json::json;

use crate::named_model;

/// Runs the graph on the rows of a JSON file, and prints the largest difference from its logits.
const CHECK: &str = include_str!("check_onnx.py");

/// How far a logit of the graph may be from the bundle's, relative to the larger of 1 and the largest logit: both
/// compute in float32, with sums in another order.
const TOLERANCE: f64 = 1e-4;

/// The exit code of the check where the package is not installed.
const NOT_INSTALLED: i32 = 3;

/// The lengths of the rows of tokens that a model is tried with beside its canaries, which one that another program
/// trained has not.
const LENGTHS: [usize; 4] = [3, 17, 60, 200];

#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error("cannot run `{}` to check the graph", python.display())]
    NoPython { python: PathBuf, source: std::io::Error },
    #[error("`{}` has no package `{package}`, which checking the graph takes", python.display())]
    NoRuntime { python: PathBuf, package: String },
    #[error("ONNX Runtime cannot run the graph: {problem}")]
    Refused { problem: String },
    #[error("ONNX Runtime gives logits that are up to {farthest:.2e} from those of the bundle")]
    Differs { farthest: f64 },
}

impl Diagnostic for ExportError {
    fn advice(&self) -> Advice {
        match self {
            Self::NoPython { .. } | Self::NoRuntime { .. } => Fault::Configuration.hint(
                "install the packages onnxruntime and numpy with pip, name their Python with --python, or keep the file \
                 without a check with --unchecked",
            ),
            Self::Refused { .. } => Fault::Model.hint(
                "nothing was written; the graph takes ONNX Runtime 1.12 or newer, and memory for the model; if both are \
                 there, this is a bug to report",
            ),
            Self::Differs { .. } => {
                Fault::Model.hint("nothing was written; this is a bug to report, with the bundle's config.json")
            }
        }
    }
}

pub(crate) fn run(args: &ExportArgs) -> Result<ExitCode, Failure> {
    let bundle = named_model::load(&args.bundle, DeviceChoice::Cpu)?.in_float32();
    let graph = onnx::export(&bundle)?;
    if args.unchecked {
        fs::write_atomic(&args.onnx, &graph)?;
        printer::note(&format!("written without a check: {}", args.onnx.display()));
        return Ok(ExitCode::Success);
    }
    let folder = fs::temporary_folder()?;
    let candidate = folder.path().join("model.onnx");
    fs::write_atomic(&candidate, &graph)?;
    let farthest = check(&bundle, &candidate, folder.path(), &args.python)?;
    fs::write_atomic(&args.onnx, &graph)?;
    printer::note(&format!(
        "{}: ONNX Runtime gives the bundle's logits, up to {farthest:.1e}",
        args.onnx.display()
    ));
    if !bundle.description.clean.is_empty() {
        printer::note(
            "cleaning is not in the graph: give it tokens of texts that were cleaned as `clean` says",
        );
    }
    Ok(ExitCode::Success)
}

/// The step from one token to the next, which shares no factor with a common size of a vocabulary.
const STEP: usize = 7919;

/// Rows of tokens from all over the vocabulary.
fn sample_rows(bundle: &Bundle) -> impl Iterator<Item = Vec<u32>> {
    let (vocabulary, longest) = (
        bundle.encoder_config.vocab_size,
        bundle.encoder_config.longest_input,
    );
    let token = move |place: usize| u32::try_from(place * STEP % vocabulary).unwrap_or(0);
    LENGTHS.into_iter().map(move |length| {
        (0..length.min(longest))
            .map(|place| token(place + length))
            .collect()
    })
}

/// Has ONNX Runtime compute the logits of the canaries and of sample rows, alone and in one padded batch; returns
/// how far they are from the bundle's.
fn check(bundle: &Bundle, graph: &Path, folder: &Path, python: &Path) -> Result<f64, Failure> {
    let mut rows = bundle.tokenize(&bundle.canary_texts())?;
    rows.extend(sample_rows(bundle));
    let logits = bundle.predict_alone(&rows);
    let largest = logits
        .values
        .iter()
        .fold(1.0_f32, |largest, value| largest.max(value.abs()));
    let expected: Vec<&[f32]> = logits.rows().collect();
    let samples = json!({"rows": rows, "logits": expected, "pad": bundle.pad_id()});
    let path = folder.join("samples.json");
    fs::write_atomic(&path, samples.to_string().as_bytes())?;
    let output = Command::new(python)
        .args(["-c", CHECK])
        .args([graph, &path])
        .output()
        .map_err(|source| ExportError::NoPython {
            python: python.to_path_buf(),
            source,
        })?;
    let stdout = String::from_utf8_lossy(&output.stdout);
    if output.status.code() == Some(NOT_INSTALLED) {
        return Err(ExportError::NoRuntime {
            python: python.to_path_buf(),
            package: stdout.trim().to_owned(),
        }
        .into());
    }
    let Ok(farthest) = stdout.trim().parse::<f64>() else {
        let problem = String::from_utf8_lossy(&output.stderr);
        let last = problem.trim().lines().last().unwrap_or("it says nothing");
        return Err(ExportError::Refused {
            problem: last.to_owned(),
        }
        .into());
    };
    // Written so that a NaN is refused too.
    if farthest <= TOLERANCE * f64::from(largest) {
        Ok(farthest)
    } else {
        Err(ExportError::Differs { farthest }.into())
    }
}
