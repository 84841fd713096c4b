//! Archives and packed files that Python wrote.

use super::*;
use crate::testing::{SETTINGS, fixture, options, read, said};
use crate::{Dialect, Format, Part};

fn unpacked(file: &str, bounds: Bounds) -> Result<Option<Vec<String>>, Error> {
    let folder = tempfile::tempdir().unwrap();
    let members = unpack(file, &fixture(file), folder.path(), bounds, SETTINGS)?;
    let shown = |member: Member| {
        let content = fs::read_to_string(&member.path).unwrap();
        format!("{}: {content}", member.name)
    };
    Ok(members.map(|members| members.into_iter().map(shown).collect()))
}

#[test]
fn folders_come_out_as_they_went_in() {
    let expected: Vec<String> = ["corpus/README: about".to_owned()]
        .into_iter()
        .chain(["sport", "tech"].into_iter().flat_map(|label| {
            (0..3).map(move |number| format!("corpus/{label}/{number}.txt: text {number} of {label}"))
        }))
        .collect();
    for file in ["folders.zip", "folders.tar.gz", "folders.tar.xz"] {
        let found = unpacked(file, Bounds::default()).unwrap();
        assert_eq!(found.as_ref(), Some(&expected), "{file}");
    }
    for file in ["rows.csv.gz", "xlsxwriter.xlsx", "odf.ods", "python.db"] {
        assert_eq!(unpacked(file, Bounds::default()).unwrap(), None, "{file}");
    }
}

#[test]
fn nothing_leads_out_of_an_archive_or_fills_the_disk() {
    let all = |file, bytes, files| said(unpacked(file, Bounds { bytes, files }));
    assert_eq!(
        all("leading_out.zip", 1 << 20, 100),
        "`leading_out.zip` cannot be unpacked: `../rows.csv` leads out of it / fetch it again, or unpack it and \
         name the folder"
    );
    assert_eq!(
        all("link.tar", 1 << 20, 100),
        "`link.tar` holds the link `sport/1.txt`, and links in archives are not followed / pack the files \
         themselves, for example with `tar --dereference`; or unpack it and name the folder"
    );
    let hint = "unpack it where there is room, and name the folder";
    for file in ["folders.zip", "folders.tar.gz"] {
        assert_eq!(
            all(file, 1 << 20, 6),
            format!("`{file}` unfolds to more than 6 files / {hint}")
        );
        assert_eq!(
            all(file, 50, 100),
            format!("`{file}` unfolds to more than 0 MiB / {hint}")
        );
    }
}

#[test]
fn packed_tables_are_read_whatever_packed_them() {
    let options = options(Format::Delimited(Dialect::CSV), Part::Only);
    let expected = read("rows.csv.gz", &options).unwrap();
    assert_eq!(expected.len(), 41);
    for file in ["rows.csv.bz2", "rows.csv.xz", "rows.csv.zst"] {
        assert_eq!(read(file, &options).unwrap(), expected, "{file}");
    }
    assert_eq!(read("one.zip", &options).unwrap().len(), 3);
    assert_eq!(
        said(read("folders.tar.gz", &options)),
        "`folders.tar.gz` is a tar archive / unpack it, and name the files in it"
    );
    assert!(
        said(read("folders.zip", &options)).starts_with("`folders.zip` has 7 files: `corpus/sport/0.txt`, "),
        "{}",
        said(read("folders.zip", &options))
    );
}

#[test]
fn a_packed_file_that_is_cut_off_is_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    for (ending, called) in [
        ("gz", "gzip"),
        ("bz2", "bzip2"),
        ("xz", "xz"),
        ("zst", "Zstandard"),
    ] {
        let bytes = fs::read(&fixture(&format!("rows.csv.{ending}"))).unwrap();
        let path = folder.path().join("rows.csv");
        fs::write_atomic(&path, &bytes[..bytes.len() - 3]).unwrap();
        let options = options(Format::Delimited(Dialect::CSV), Part::Only);
        let rows = || -> Result<(), Error> {
            let mut rows =
                crate::Table::open(Source::file("rows.csv", &path), &options)?.rows_by_place(&[0])?;
            while rows.next_row()?.is_some() {}
            Ok(())
        };
        let found = said(rows());
        let expected =
            format!("`rows.csv` is cut off: its {called} data has no end / fetch or pack the file again");
        assert_eq!(found, expected);
    }
}
