//! `labelproof worker predict`: predictions of the rows that a cluster's engine pipes through.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use labelproof_artifact::fs;
use labelproof_cli::commands::worker::WorkerArgs;
use labelproof_cluster::{BadContext, BadInput, Columns, pipe};
use labelproof_driver::{ExitCode, Failure, printer};
use labelproof_kernels::workers::Workers;
use labelproof_metrics::{argmax, softmax};
use labelproof_model::Bundle;
use labelproof_settings::DeviceChoice;
use serde::Deserialize;

use crate::predict::{self, CHUNK_ROWS, rounded};

/// What a prediction knows besides its rows.
#[derive(Debug, Deserialize)]
struct Context {
    bundle: PathBuf,
    #[serde(default)]
    device: Option<String>,
}

pub(crate) fn run(args: &WorkerArgs) -> Result<ExitCode, Failure> {
    let text = fs::read_to_string(&args.context)?;
    let bad = |problem: String| BadContext { problem };
    let context: Context = serde_json::from_str(&text).map_err(|error| bad(error.to_string()))?;
    let device = match &context.device {
        Some(device) => device.parse().map_err(|error| bad(format!("device: {error}")))?,
        None => DeviceChoice::Auto,
    };
    let bundle = predict::load(&context.bundle, false, device, &mut |text| printer::note(text))?;
    let schema = schema(&bundle);
    pipe(Some(io::stdin().lock()), io::stdout().lock(), |input, output| {
        for batch in input {
            let batch = batch.map_err(|problem| BadInput { problem })?;
            // Chunks of the size that `predict` has: enough to batch by length, few enough to answer early.
            for from in (0..batch.num_rows()).step_by(CHUNK_ROWS) {
                let chunk = batch.slice(from, CHUNK_ROWS.min(batch.num_rows() - from));
                output(predicted(&bundle, &schema, &chunk)?)?;
            }
        }
        Ok(())
    })?;
    Ok(ExitCode::Success)
}

fn schema(bundle: &Bundle) -> Arc<Schema> {
    let mut fields = vec![
        Field::new("id", DataType::Utf8, true),
        Field::new("label", DataType::Utf8, true),
        Field::new("probability", DataType::Float64, true),
    ];
    let labels = bundle.labels.names().iter();
    fields.extend(labels.map(|label| Field::new(format!("probability of {label}"), DataType::Float64, true)));
    Arc::new(Schema::new(fields))
}

/// The predictions of some rows; a row without a text has none.
fn predicted(bundle: &Bundle, schema: &Arc<Schema>, rows: &RecordBatch) -> Result<RecordBatch, Failure> {
    let columns = Columns(rows);
    let (ids, texts) = (columns.texts("id")?, columns.texts("text")?);
    let readable: Vec<&str> = texts.iter().flatten().map(String::as_str).collect();
    let scores = bundle.predict_apart(&bundle.tokenize(&readable)?, &Workers::alone(), |_| ())?;
    let mut logits = scores.rows();
    let predictions: Vec<Option<(usize, Vec<f64>)>> = texts
        .iter()
        .map(|text| {
            text.as_ref()?;
            let logits = logits.next()?;
            Some((argmax(logits), softmax(logits)))
        })
        .collect();
    let names = bundle.labels.names();
    let label = |row: &Option<(usize, Vec<f64>)>| row.as_ref().map(|(class, _)| names[*class].as_str());
    let probability = |class: usize| -> ArrayRef {
        let values = predictions
            .iter()
            .map(|row| Some(rounded(row.as_ref()?.1[class])));
        Arc::new(values.collect::<Float64Array>())
    };
    let highest = predictions.iter().map(|row| {
        let (class, probabilities) = row.as_ref()?;
        Some(rounded(probabilities[*class]))
    });
    let mut arrays: Vec<ArrayRef> = vec![
        Arc::new(ids.into_iter().collect::<StringArray>()),
        Arc::new(predictions.iter().map(label).collect::<StringArray>()),
        Arc::new(highest.collect::<Float64Array>()),
    ];
    arrays.extend((0..names.len()).map(probability));
    Ok(RecordBatch::try_new(Arc::clone(schema), arrays).expect("the columns fit their own schema"))
}
