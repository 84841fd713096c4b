//! Weights that `torch.save` wrote, read as the pre-trained encoder of a folder and written as safetensors.
#![no_main]

use labelproof_model::weights::WeightFiles;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = labelproof_fuzz::write("torch_file/pytorch_model.bin", bytes);
    let folder = path.parent().expect("it is in a folder");
    if let Ok(files) = WeightFiles::open(folder) {
        let _ = files.write(&folder.join("written.safetensors"));
    }
});
