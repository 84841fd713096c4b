//! The weights of a bundle.
#![no_main]

use labelproof_kernels::device;
use labelproof_model::{Bundle, DeviceChoice};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let folder = labelproof_fuzz::bundle_with("model.safetensors", bytes);
    let device = device::open(DeviceChoice::Flex).expect("there is always this device");
    let _ = Bundle::load_unreplayed(&folder, &device);
});
