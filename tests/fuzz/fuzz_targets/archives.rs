//! Archives, which are unpacked within bounds, and files that are packed in any way.
#![no_main]

use labelproof_fuzz::NO_SETTINGS;
use labelproof_tables::{Bounds, Encoding, Source, read_bytes, unpack};
use libfuzzer_sys::fuzz_target;

const BOUNDS: Bounds = Bounds {
    bytes: 1 << 20,
    files: 50,
};

fuzz_target!(|bytes: &[u8]| {
    let path = labelproof_fuzz::write("archive", bytes);
    let folder = path.with_file_name("unpacked");
    let _ = std::fs::remove_dir_all(&folder);
    if let Ok(Some(members)) = unpack("archive", &path, &folder, BOUNDS, NO_SETTINGS) {
        for member in members {
            assert!(
                member.path.starts_with(&folder) && member.path.is_file(),
                "{member:?}"
            );
            assert!(
                !member.name.split('/').any(|part| part == ".." || part.is_empty()),
                "{member:?}"
            );
        }
    }
    let _ = read_bytes(
        Source::file("archive", &path),
        Encoding::Utf8,
        NO_SETTINGS,
        1 << 20,
    );
});
