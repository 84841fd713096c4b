//! The two safetensors files of a bundle. The first byte chooses which.
#![no_main]

use labelproof_kernels::device;
use labelproof_model::{Bundle, DeviceChoice};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&which, bytes)) = bytes.split_first() else {
        return;
    };
    let file = if which % 2 == 0 {
        "model.safetensors"
    } else {
        "head.safetensors"
    };
    let folder = labelproof_fuzz::bundle_with(file, bytes);
    let device = device::open(DeviceChoice::Flex).expect("there is always this device");
    let _ = Bundle::load_unreplayed(&folder, &device);
});
