//! The two JSON files that say what a bundle is, and the prediction of its canaries. The first byte chooses
//! which.
#![no_main]

use labelproof_kernels::device;
use labelproof_model::{Bundle, DeviceChoice};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some((&which, bytes)) = bytes.split_first() else {
        return;
    };
    let file = if which % 2 == 0 {
        "labelproof.json"
    } else {
        "config.json"
    };
    let folder = labelproof_fuzz::bundle_with(file, bytes);
    let device = device::open(DeviceChoice::Flex).expect("there is always this device");
    if let Ok(bundle) = Bundle::load_unreplayed(&folder, &device) {
        let _ = bundle.replay();
    }
});
