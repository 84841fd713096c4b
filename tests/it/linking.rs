//! Which of the binaries links LibTorch. (Other systems than Linux have other formats of binaries.)
#![cfg(target_os = "linux")]

use std::path::Path;

use crate::harness::labelproof;

/// LibTorch takes longer to load than most commands take.
#[test]
fn the_command_does_not_load_libtorch_before_there_is_work_for_it() {
    let names_libtorch = |binary: &Path| {
        let bytes = labelproof_artifact::fs::read(binary).unwrap();
        let name = b"libtorch_cpu.so";
        bytes.windows(name.len()).any(|window| window == name)
    };
    assert!(!names_libtorch(labelproof()));
    assert!(names_libtorch(Path::new(env!("CARGO_BIN_EXE_labelproof-torch"))));
}
