//! How a delimited table is written, told from all of its bytes, and its rows read so. The first byte chooses
//! what is declared.
#![no_main]

use labelproof_fuzz::{SETTINGS, options, read_table};
use labelproof_tables::{Declared, Dialect, Escape, Form, Format, Options, Quote, Source, Width, tell};
use libfuzzer_sys::fuzz_target;

/// A choice for each value of two bits.
fn choose<T: Copy>(bits: u8, choices: [Option<T>; 4]) -> Option<T> {
    choices[usize::from(bits & 3)]
}

fuzz_target!(|bytes: &[u8]| {
    let Some((&choice, bytes)) = bytes.split_first() else {
        return;
    };
    let usual = if choice & 1 == 0 {
        Dialect::CSV
    } else {
        Dialect::TSV
    };
    let declared = Declared {
        quote: choose(choice >> 1, [None, None, Some(Quote::Double), Some(Quote::None)]),
        escape: choose(
            choice >> 3,
            [None, None, Some(Escape::None), Some(Escape::Everywhere)],
        ),
        no_header: choose(
            choice >> 5,
            [None, None, Some(Width::Exactly(2)), Some(Width::AtLeast(2))],
        ),
        ..Declared::default()
    };
    let path = labelproof_fuzz::write("table.csv", bytes);
    let source = || Source::file("table", &path);
    let options = options(Format::Delimited(usual), Form::Text, SETTINGS);
    if let Ok(told) = tell(&source(), &options, &declared, &["text", "label"]) {
        let format = Format::Delimited(told.dialect);
        let _ = read_table(source(), &Options { format, ..options });
    }
});
