//! How long each stage took when it last ran, for `labelproof status`. The times are not in the stages' own
//! files, which must not depend on a clock.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use labelproof_artifact::{StageId, fs};

/// The name of the file in the folder of artifacts.
const FILE: &str = ".times.json";

/// The duration of each stage, in seconds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Times(BTreeMap<StageId, f64>);

impl Times {
    /// Reads the times of a folder of artifacts. A file that cannot be read counts as empty: nothing depends
    /// on it.
    pub fn read(artifacts: &Path) -> Self {
        let bytes = fs::read(&artifacts.join(FILE)).unwrap_or_default();
        Self(serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// How long a stage took, if that is known.
    pub fn of(&self, stage: StageId) -> Option<Duration> {
        let seconds = self.0.get(&stage)?;
        Duration::try_from_secs_f64(*seconds).ok()
    }

    /// Records how long a stage took. A failure to write is ignored: the stage is finished all the same.
    pub fn note(artifacts: &Path, stage: StageId, elapsed: Duration) {
        let mut times = Self::read(artifacts);
        let milliseconds = (elapsed.as_secs_f64() * 1e3).round();
        times.0.insert(stage, milliseconds / 1e3);
        let mut text = serde_json::to_string_pretty(&times.0).unwrap_or_default();
        text.push('\n');
        let _not_needed = fs::write_atomic(&artifacts.join(FILE), text.as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_kept_by_stage_and_a_damaged_file_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = folder.path();
        assert_eq!(Times::read(artifacts), Times::default());
        Times::note(artifacts, StageId::Train, Duration::from_millis(83_250));
        Times::note(artifacts, StageId::Split, Duration::from_millis(40));
        let times = Times::read(artifacts);
        assert_eq!(times.of(StageId::Train), Some(Duration::from_millis(83_250)));
        assert_eq!(times.of(StageId::Split), Some(Duration::from_millis(40)));
        assert_eq!(times.of(StageId::Audit), None);
        fs::write_atomic(&artifacts.join(FILE), b"{\"train\": -1").unwrap();
        assert_eq!(Times::read(artifacts), Times::default());
        fs::write_atomic(&artifacts.join(FILE), b"{\"train\": -1}").unwrap();
        assert_eq!(Times::read(artifacts).of(StageId::Train), None);
    }
}
