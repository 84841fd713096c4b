//! The two files of an adapter that PEFT has saved, merged into a tiny encoder. The first byte chooses which.
#![no_main]

use labelproof_kernels::device;
use labelproof_model::{DeviceChoice, Pretrained};
use libfuzzer_sys::fuzz_target;

/// A configuration, and the tensors for it.
const FILES: [(&str, &[u8]); 2] = [
    ("adapter_config.json", include_bytes!("../corpus/adapter/config")),
    (
        "adapter_model.safetensors",
        include_bytes!("../corpus/adapter/tensors"),
    ),
];

fuzz_target!(|bytes: &[u8]| {
    let Some((&which, bytes)) = bytes.split_first() else {
        return;
    };
    let encoder = labelproof_fuzz::bundle_with("no file", bytes);
    for (number, (name, original)) in FILES.into_iter().enumerate() {
        let content = if usize::from(which % 2) == number {
            bytes
        } else {
            &original[1..]
        };
        labelproof_fuzz::write(&format!("adapter/{name}"), content);
    }
    let adapter = encoder.with_file_name("adapter");
    let device = device::open(DeviceChoice::Flex).expect("there is always this device");
    let _ = Pretrained::load_with_adapter(&encoder, Some(&adapter), &device);
});
