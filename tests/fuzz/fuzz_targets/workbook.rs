//! Workbooks of every format: the first sheet with rows, as text and as numbers.
#![no_main]

use labelproof_fuzz::{NO_SETTINGS, options, read_table};
use labelproof_tables::{Form, Format, Source};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let path = labelproof_fuzz::write("workbook.xlsx", bytes);
    for form in [Form::Text, Form::Typed] {
        let options = options(Format::Spreadsheet, form, NO_SETTINGS);
        let _ = read_table(Source::file("workbook", &path), &options);
    }
});
