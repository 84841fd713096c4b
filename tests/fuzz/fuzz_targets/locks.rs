//! What a run and `reproduce` compare with: stages' locks and `pipeline.lock`.
#![no_main]

use labelproof_artifact::{LabelMap, StageLock, json};
use labelproof_driver::reproduction::PipelineLock;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = labelproof_fuzz::write(StageLock::FILE, bytes);
    if let Some(folder) = path.parent() {
        let _ = StageLock::read(folder);
    }
    let _ = PipelineLock::read(&path);
    let _ = json::read_artifact_file::<LabelMap>(LabelMap::KIND, &path);
});
