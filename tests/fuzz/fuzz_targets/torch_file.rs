//! Weights that `torch.save` wrote, all of whose tensors are read.
#![no_main]

use labelproof_kernels::device;
use labelproof_model::DeviceChoice;
use labelproof_model::weights::WeightFiles;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = labelproof_fuzz::write("torch_file/pytorch_model.bin", bytes);
    let folder = path.parent().expect("it is in a folder");
    let device = device::open(DeviceChoice::Flex).expect("there is always this device");
    if let Ok(files) = WeightFiles::open(folder)
        && let Ok(mut source) = files.source(&device)
    {
        // Every name begins with this: what is left aside is read to be kept.
        source.leave_aside(&[""]);
        let _ = source.finish();
    }
});
