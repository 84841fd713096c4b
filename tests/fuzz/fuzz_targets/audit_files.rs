//! Anyone's files as `labelproof audit` takes them. The first byte chooses the kind of file.
#![no_main]

use labelproof_artifact::Silent;
use labelproof_audit::files::{Files, read};
use libfuzzer_sys::fuzz_target;

const ROWS: [&str; 6] = [
    "rows.csv",
    "rows.tsv",
    "rows.jsonl",
    "rows.parquet",
    "rows.npz",
    "rows.npy",
];

fuzz_target!(|bytes: &[u8]| {
    let Some((&kind, bytes)) = bytes.split_first() else {
        return;
    };
    let mut files = Files::default();
    match usize::from(kind) % (ROWS.len() + 4) {
        // What a log is, its content says: console output, JSON, a table, an event file.
        6 => {
            let log = labelproof_fuzz::write("log", bytes);
            files.logs = vec![log.to_string_lossy().into_owned()];
        }
        7 => files.logs = vec![String::from_utf8_lossy(bytes).into_owned()],
        8 => files.confusion = Some(labelproof_fuzz::write("matrix.csv", bytes)),
        9 => files.confusion = Some(labelproof_fuzz::write("matrix.npy", bytes)),
        kind => files.test = Some(labelproof_fuzz::write(ROWS[kind], bytes)),
    }
    let _ = read(&files, &Silent);
});
