//! The calibration in a bundle: its temperature, and the table of validation rows on which thresholds and
//! prediction sets are chosen.
//!
//! This module keeps them. How a temperature is fitted and a threshold chosen is not known here.

use std::path::Path;

use labelproof_artifact::{CalibrationRow, Digest, Row, TableReader, fs, write_table};

use super::{Bundle, Description};
use crate::error::Error;

/// The file of the table in the bundle.
pub(super) const CALIBRATION_FILE: &str = CalibrationRow::KIND.file;

/// The calibration of a classifier.
#[derive(Debug, Clone, PartialEq)]
pub struct Calibration {
    /// The number that logits are divided by before softmax.
    pub temperature: f64,
    /// What the classifier makes of each validation row.
    pub rows: Vec<CalibrationRow>,
}

impl Description {
    /// Writes the table into the bundle's folder, and notes the temperature and the table's digest.
    pub fn calibrate(&mut self, folder: &Path, calibration: Calibration) -> Result<(), Error> {
        fs::create_dir_all(folder)?;
        write_table(folder, calibration.rows)?;
        self.temperature = Some(calibration.temperature);
        let digest = Digest::of_file(&folder.join(CALIBRATION_FILE))?;
        self.files.insert(CALIBRATION_FILE.to_owned(), digest);
        Ok(())
    }
}

impl Bundle {
    /// Reads the calibration; an error for a bundle that was written before there was any.
    pub fn calibration(&self) -> Result<Calibration, Error> {
        if self.is_foreign() {
            return Err(Error::ForeignCalibration {
                path: self.path.clone(),
            });
        }
        let Some(temperature) = self.description.temperature else {
            return Err(Error::NoCalibration {
                path: self.path.clone(),
                file: CALIBRATION_FILE,
            });
        };
        let mut rows = Vec::new();
        for batch in TableReader::open_file(&self.path.join(CALIBRATION_FILE))? {
            rows.extend(batch?);
        }
        Ok(Calibration { temperature, rows })
    }
}
