//! Packed files: gzip, bzip2, xz and Zstandard, told by their first bytes and unpacked on the fly.
//!
//! Archives, which hold several files, are the affair of `archive`.

use std::io::{self, BufRead, Read};
use std::path::Path;

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use labelproof_artifact::contained;
use lzma_rust2::XzReader;

/// How the bytes of a file are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    /// gzip, RFC 1952.
    Gzip,
    /// bzip2.
    Bzip2,
    /// xz.
    Xz,
    /// Zstandard, RFC 8878.
    Zstandard,
    /// ZIP, of an archive of a single file. Its beginning does not tell that, and the module `archive`
    /// unpacks it.
    Zip,
}

/// The first bytes of a block of bzip2, and of a stream without blocks: the digits of π and of its root.
const BZIP2_BLOCKS: [&[u8]; 2] = [b"\x31\x41\x59\x26\x53\x59", b"\x17\x72\x45\x38\x50\x90"];

/// The KiB that the dictionary of an xz file may take; `xz -9` asks for 64 MiB.
const XZ_KIBIBYTES: u32 = 1 << 18;

impl Packing {
    /// Every kind.
    pub const ALL: [Self; 5] = [Self::Gzip, Self::Bzip2, Self::Xz, Self::Zstandard, Self::Zip];

    /// The most bytes that tell a kind.
    pub(crate) const LONGEST: usize = 10;

    /// What the bytes at the beginning of a file say.
    pub fn of(start: &[u8]) -> Option<Self> {
        match start {
            [0x1F, 0x8B, 8, ..] => Some(Self::Gzip),
            [b'B', b'Z', b'h', b'1'..=b'9', block @ ..]
                if BZIP2_BLOCKS.iter().any(|of| block.starts_with(of)) =>
            {
                Some(Self::Bzip2)
            }
            [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => Some(Self::Xz),
            [0x28, 0xB5, 0x2F, 0xFD, ..] => Some(Self::Zstandard),
            _ => None,
        }
    }

    /// What the name of a file says.
    pub fn of_name(path: &Path) -> Option<Self> {
        let extension = path.extension()?;
        Self::ALL
            .into_iter()
            .find(|packing| extension.eq_ignore_ascii_case(packing.extension()))
    }

    /// Whether more bytes than these may tell a kind: so that a stream of short lines is not waited for.
    pub(crate) fn may_begin_with(first: u8) -> bool {
        matches!(first, 0x1F | b'B' | 0xFD | 0x28)
    }

    /// The name of the program that packs so.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Bzip2 => "bzip2",
            Self::Xz => "xz",
            Self::Zstandard => "Zstandard",
            Self::Zip => "ZIP",
        }
    }

    /// What a name ends in, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Gzip => "gz",
            Self::Bzip2 => "bz2",
            Self::Xz => "xz",
            Self::Zstandard => "zst",
            Self::Zip => "zip",
        }
    }

    /// A name without the ending that says how the file is packed.
    pub fn stripped(name: &str) -> &str {
        let stripped = Self::ALL.into_iter().find_map(|packing| {
            let stem = name.len().checked_sub(packing.extension().len() + 1)?;
            let ending = name.get(stem..)?.strip_prefix('.')?;
            ending
                .eq_ignore_ascii_case(packing.extension())
                .then(|| &name[..stem])
        });
        stripped.unwrap_or(name)
    }

    /// The bytes that are packed in a stream, in all of its members.
    pub fn unpacked(self, packed: Box<dyn BufRead>) -> io::Result<Box<dyn Read>> {
        Ok(match self {
            Self::Gzip => Box::new(MultiGzDecoder::new(packed)),
            Self::Bzip2 => Box::new(MultiBzDecoder::new(packed)),
            Self::Xz => Box::new(Contained(XzReader::new_mem_limit(packed, true, XZ_KIBIBYTES))),
            // The library's bound on the window, and with it on memory, is 128 MiB.
            Self::Zstandard => Box::new(zstd::Decoder::with_buffer(packed)?),
            Self::Zip => return Err(io::ErrorKind::Unsupported.into()),
        })
    }
}

/// A reader whose panics, on damaged bytes, are errors.
struct Contained<R>(R);

impl<R: Read> Read for Contained<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        contained(|| self.0.read(buffer))
            .unwrap_or_else(|panicked| Err(io::Error::new(io::ErrorKind::InvalidData, panicked.to_string())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_stripped_of_one_ending() {
        for (name, stem) in [
            ("rows.csv.gz", "rows.csv"),
            ("rows.csv.BZ2", "rows.csv"),
            ("a.tar.zst", "a.tar"),
            ("rows.gz.xz", "rows.gz"),
            ("rows.csv.zip", "rows.csv"),
            ("gz", "gz"),
            ("é", "é"),
            ("rows.csv", "rows.csv"),
        ] {
            assert_eq!(Packing::stripped(name), stem);
        }
    }

    #[test]
    fn a_text_that_begins_like_a_packed_file_is_a_text() {
        for text in ["BZh91 is a bus line", "(1) first", "\u{1F}", "B"] {
            assert_eq!(Packing::of(text.as_bytes()), None, "{text}");
        }
    }
}
