//! The table of calibration, which train leaves in the bundle: what the kept epoch makes of each validation
//! row. Thresholds and prediction sets are chosen on it, so that nobody trains again for another one.

use crate::column::columns;
use crate::stage::{Kind, StageId};
use crate::table::Row;

/// One validation row. Probabilities are calibrated: softmax of the logits divided by the bundle's
/// temperature. The row has no id, because a bundle travels and the ids of texts may tell whose they are.
#[derive(Debug, Clone, PartialEq)]
pub struct CalibrationRow {
    /// The true label.
    pub label: String,
    /// The label of the highest logit.
    pub predicted: String,
    /// The probability of the predicted label.
    pub confidence: f64,
    /// The probability of the true label.
    pub probability: f64,
}

impl Row for CalibrationRow {
    /// The file lies within the bundle.
    const KIND: Kind = Kind {
        stage: StageId::Train,
        file: "calibration.parquet",
        format: 1,
    };

    columns! { label, predicted, confidence, probability }

    fn check(&self) -> Result<(), String> {
        for (name, value) in [("confidence", self.confidence), ("probability", self.probability)] {
            if !(0.0..=1.0).contains(&value) {
                return Err(format!("a {name} is {value}"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::{TableReader, write_table};

    #[test]
    fn rows_come_back_and_what_is_no_probability_is_damage() {
        let row = |confidence| CalibrationRow {
            label: "sport".to_owned(),
            predicted: "trade".to_owned(),
            confidence,
            probability: 0.25,
        };
        let read = |rows: &[CalibrationRow]| -> Result<Vec<CalibrationRow>, String> {
            let bundle = tempfile::tempdir().unwrap();
            write_table(bundle.path(), rows.to_vec()).unwrap();
            let mut all = Vec::new();
            for rows in TableReader::open_file(&bundle.path().join("calibration.parquet")).unwrap() {
                all.extend(rows.map_err(|error| error.to_string())?);
            }
            Ok(all)
        };
        let rows = [row(0.5), row(1.0)];
        assert_eq!(read(&rows).unwrap(), rows);
        for value in [f64::NAN, 1.5, -0.1] {
            let problem = read(&[row(0.5), row(value)]).unwrap_err();
            assert!(
                problem.ends_with(&format!("a confidence is {value}")),
                "{problem}"
            );
        }
    }
}
