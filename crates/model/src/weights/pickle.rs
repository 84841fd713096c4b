//! What the pickle of a PyTorch file names, before anything is read of it.
//!
//! A pickle is a program that makes objects by calling functions, which it names. Nothing here or in
//! `pytorch-reader` calls one; but a file that names another function than those that `torch.save` needs for
//! tensors was made to run code where Python opens it, or holds more than tensors, and is refused like
//! `torch.load` with `weights_only=True` does.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};

/// The pickles that a file of the format before the zip archives begins with: the magic number, the version,
/// the system, the tensors, and the keys of their storages.
const LEGACY_PICKLES: usize = 5;

/// The largest pickle in a zip archive that is looked at, which is also the largest that is read.
const LARGEST: u64 = pytorch_reader::MAX_PICKLE_SIZE;

/// The first name in a file that no tensor needs, such as `posix.system`; an error says why the file is
/// damaged.
pub(super) fn foreign_name(bytes: &[u8]) -> Result<Option<String>, String> {
    if !bytes.starts_with(b"PK") {
        let mut scanner = Scanner::new(bytes);
        for _ in 0..LEGACY_PICKLES {
            if let Some(name) = scanner.scan()? {
                return Ok(Some(name));
            }
        }
        return Ok(None);
    }
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
    for place in 0..archive.len() {
        let entry = archive.by_index(place).map_err(|error| error.to_string())?;
        // Every one, so that it does not matter which of several is read later.
        let is_pickle = entry
            .name()
            .map_err(|error| error.to_string())?
            .ends_with("data.pkl");
        if !is_pickle {
            continue;
        }
        let mut pickle = Vec::new();
        let read = entry.take(LARGEST).read_to_end(&mut pickle);
        read.map_err(|error| error.to_string())?;
        if let Some(name) = Scanner::new(&pickle).scan()? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// Whether a tensor may need a name.
fn is_for_tensors(module: &str, name: &str) -> bool {
    const TYPES: [&str; 13] = [
        "float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16",
        "uint32", "uint64", "bool",
    ];
    const REBUILD: [&str; 5] = [
        "_rebuild_tensor",
        "_rebuild_tensor_v2",
        "_rebuild_tensor_v3",
        "_rebuild_parameter",
        "_rebuild_parameter_with_state",
    ];
    match module {
        "collections" => name == "OrderedDict",
        "torch" | "torch.cuda" => name.ends_with("Storage") || name == "Size" || TYPES.contains(&name),
        "torch.storage" => matches!(name, "UntypedStorage" | "TypedStorage"),
        "torch._utils" => REBUILD.contains(&name),
        "torch._tensor" => name == "_rebuild_from_type_v2",
        _ => false,
    }
}

/// Walks through the operations of pickles, one pickle after the other.
struct Scanner<'a> {
    rest: &'a [u8],
    /// The strings among the values that were pushed last, by which newer pickles name a function.
    pushed: [Option<&'a [u8]>; 2],
    /// The strings that are kept under a number.
    memo: BTreeMap<usize, &'a [u8]>,
    /// The number of values that were kept without saying their number.
    memoized: usize,
}

impl<'a> Scanner<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        Self {
            rest: bytes,
            pushed: [None, None],
            memo: BTreeMap::new(),
            memoized: 0,
        }
    }

    /// Walks to the end of the pickle, or to the first name that no tensor needs.
    fn scan(&mut self) -> Result<Option<String>, String> {
        self.pushed = [None, None];
        self.memo.clear();
        self.memoized = 0;
        loop {
            let operation = self.take(1)?[0];
            let named = match operation {
                b'.' => return Ok(None),
                // GLOBAL, INST: module and name, each with a line.
                b'c' | b'i' => Some((self.line()?, self.line()?)),
                // STACK_GLOBAL: the two strings pushed last.
                0x93 => match self.pushed {
                    [Some(module), Some(name)] => Some((module, name)),
                    _ => return Ok(Some("a name that it computes".to_owned())),
                },
                // EXT1, EXT2, EXT4: a number that stands for a name in a registry.
                0x82..=0x84 => return Ok(Some("a name of a registry".to_owned())),
                _ => {
                    self.skip(operation)?;
                    continue;
                }
            };
            if let Some((module, name)) = named {
                let (module, name) = (String::from_utf8_lossy(module), String::from_utf8_lossy(name));
                if !is_for_tensors(&module, &name) {
                    return Ok(Some(format!("{module}.{name}")));
                }
                self.push(None);
            }
        }
    }

    /// Skips the argument of an operation, and remembers the strings.
    fn skip(&mut self, operation: u8) -> Result<(), String> {
        match operation {
            // FLOAT, INT, LONG, PERSID, STRING: a line.
            b'F' | b'I' | b'L' | b'P' | b'S' => {
                self.line()?;
                self.push(None);
            }
            b'V' => {
                let text = self.line()?;
                self.push(Some(text));
            }
            // BINUNICODE, SHORT_BINUNICODE, BINUNICODE8.
            b'X' => self.text(4)?,
            0x8c => self.text(1)?,
            0x8d => self.text(8)?,
            // BINSTRING, SHORT_BINSTRING, BINBYTES, SHORT_BINBYTES, LONG1, LONG4, BINBYTES8, BYTEARRAY8.
            b'T' | b'B' | 0x8b => self.bytes(4)?,
            b'U' | b'C' | 0x8a => self.bytes(1)?,
            0x8e | 0x96 => self.bytes(8)?,
            // BININT, BININT1, BININT2, BINFLOAT.
            b'J' => self.number(4)?,
            b'K' => self.number(1)?,
            b'M' => self.number(2)?,
            b'G' => self.number(8)?,
            // PROTO, FRAME push nothing.
            0x80 => drop(self.take(1)?),
            0x95 => drop(self.take(8)?),
            // GET, BINGET, LONG_BINGET.
            b'g' => {
                let key = self.line_number()?;
                self.push(self.memo.get(&key).copied());
            }
            b'h' | b'j' => {
                let key = self.key(operation == b'h')?;
                self.push(self.memo.get(&key).copied());
            }
            // PUT, BINPUT, LONG_BINPUT, MEMOIZE.
            b'p' => {
                let key = self.line_number()?;
                self.keep(key);
            }
            b'q' | b'r' => {
                let key = self.key(operation == b'q')?;
                self.keep(key);
            }
            0x94 => self.keep(self.memoized),
            // What has no argument.
            b'('
            | b'0'
            | b'1'
            | b'2'
            | b'N'
            | b'Q'
            | b'R'
            | b'a'
            | b'b'
            | b'd'
            | b'}'
            | b'e'
            | b'l'
            | b']'
            | b'o'
            | b's'
            | b't'
            | b')'
            | b'u'
            | 0x81
            | 0x85..=0x89
            | 0x8f..=0x92
            | 0x97
            | 0x98 => {
                self.push(None);
            }
            other => {
                return Err(format!(
                    "its pickle has the operation {other:#04x}, which there is not"
                ));
            }
        }
        Ok(())
    }

    fn push(&mut self, text: Option<&'a [u8]>) {
        self.pushed = [self.pushed[1], text];
    }

    fn keep(&mut self, key: usize) {
        self.memoized += 1;
        match self.pushed[1] {
            Some(text) => self.memo.insert(key, text),
            None => self.memo.remove(&key),
        };
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let taken = self.rest.split_at_checked(length);
        let (taken, rest) = taken.ok_or("its pickle ends early")?;
        self.rest = rest;
        Ok(taken)
    }

    /// The bytes up to the end of the line.
    fn line(&mut self) -> Result<&'a [u8], String> {
        let end = self.rest.iter().position(|byte| *byte == b'\n');
        let line = self.take(end.ok_or("its pickle ends early")? + 1)?;
        let line = &line[..line.len() - 1];
        Ok(line.strip_suffix(b"\r").unwrap_or(line))
    }

    fn line_number(&mut self) -> Result<usize, String> {
        let line = self.line()?;
        let number = std::str::from_utf8(line).ok().and_then(|line| line.parse().ok());
        number.ok_or_else(|| "its pickle keeps a value under no number".to_owned())
    }

    /// A number of so many bytes.
    fn size(&mut self, bytes: usize) -> Result<usize, String> {
        let mut number = [0; 8];
        number[..bytes].copy_from_slice(self.take(bytes)?);
        usize::try_from(u64::from_le_bytes(number)).map_err(|error| error.to_string())
    }

    fn key(&mut self, is_short: bool) -> Result<usize, String> {
        self.size(if is_short { 1 } else { 4 })
    }

    fn text(&mut self, size_of_length: usize) -> Result<(), String> {
        let length = self.size(size_of_length)?;
        let text = self.take(length)?;
        self.push(Some(text));
        Ok(())
    }

    fn bytes(&mut self, size_of_length: usize) -> Result<(), String> {
        let length = self.size(size_of_length)?;
        self.number(length)
    }

    fn number(&mut self, length: usize) -> Result<(), String> {
        self.take(length)?;
        self.push(None);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_however_a_pickle_writes_them() {
        let check = |pickle: &[u8], expected: Option<&str>| {
            let found = Scanner::new(pickle).scan().unwrap();
            assert_eq!(found.as_deref(), expected, "{}", String::from_utf8_lossy(pickle));
        };
        check(b"\x80\x02}q\x00.", None);
        check(b"ccollections\nOrderedDict\n)R.", None);
        check(b"cposix\nsystem\n(S'true'\ntR.", Some("posix.system"));
        check(b"(S'true'\niposix\nsystem\n.", Some("posix.system"));
        // Strings on the stack, by memo, and by an operation that cannot be followed.
        check(b"\x80\x04\x8c\x05posix\x8c\x06system\x93.", Some("posix.system"));
        check(
            b"\x80\x04\x8c\x05posix\x940\x8c\x06system\x940h\x00h\x01\x93.",
            Some("posix.system"),
        );
        check(
            b"\x80\x04\x8c\x05posix\x8c\x06system\x86\x93.",
            Some("a name that it computes"),
        );
        check(b"\x82\x01.", Some("a name of a registry"));
    }

    #[test]
    fn damaged_pickles_are_errors() {
        for pickle in [
            &b""[..],
            b"\x80",
            b"X\xff\xff\xff\xffa",
            b"cposix",
            b"\xff",
            b"gx\n",
            b"}",
        ] {
            assert!(Scanner::new(pickle).scan().is_err(), "{pickle:?}");
        }
    }
}
