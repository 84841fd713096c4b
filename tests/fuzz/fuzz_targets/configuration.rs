//! `pipeline.yaml`.
#![no_main]

use labelproof_driver::config::Config;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = labelproof_fuzz::write("pipeline.yaml", bytes);
    let _ = Config::load(&path, &[], None, None);
});
