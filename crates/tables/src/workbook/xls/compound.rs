//! The streams of a compound file, as [MS-CFB] describes them: chains of sectors, whose next ones are in
//! tables.
//!
//! No chain is longer than the file, so that one which comes back to itself is an error.
//!
//! [MS-CFB]: https://learn.microsoft.com/openspecs/windows_protocols/ms-cfb/

/// Where a chain ends.
const END_OF_CHAIN: u32 = 0xFFFF_FFFE;
/// The first number that is no sector's.
const RESERVED: u32 = 0xFFFF_FFFA;
/// The bytes of a mini sector.
const MINI_SECTOR: usize = 64;
/// A stream that is shorter lies in mini sectors.
const SHORTEST: usize = 4096;
/// The bytes of an entry of the directory.
const ENTRY: usize = 128;

const LOOP: &str = "a chain of its sectors comes back to itself";
const BEYOND: &str = "a chain of its sectors leads out of it";
const HEADER: &str = "its header is none of a compound file";

/// The number in two bytes of a place.
pub(super) fn two_bytes(bytes: &[u8], place: usize) -> Option<u16> {
    let bytes = bytes.get(place..place.checked_add(2)?)?;
    Some(u16::from_le_bytes(bytes.try_into().ok()?))
}

/// The number in four bytes of a place.
pub(super) fn four_bytes(bytes: &[u8], place: usize) -> Option<u32> {
    let bytes = bytes.get(place..place.checked_add(4)?)?;
    Some(u32::from_le_bytes(bytes.try_into().ok()?))
}

/// A compound file of which the tables and the directory have been read.
pub(super) struct Compound<'b> {
    sectors: Sectors<'b>,
    /// For each sector the next one.
    table: Vec<u32>,
    entries: Vec<Entry>,
    /// What the mini sectors lie in.
    mini: Vec<u8>,
    /// For each mini sector the next one.
    mini_table: Vec<u32>,
}

/// An entry of the directory.
struct Entry {
    name: String,
    /// Its first sector.
    start: u32,
    bytes: usize,
}

/// Bytes in pieces of one size.
#[derive(Clone, Copy)]
struct Sectors<'b> {
    bytes: &'b [u8],
    size: usize,
}

impl<'b> Sectors<'b> {
    fn get(self, number: u32) -> Option<&'b [u8]> {
        let start = usize::try_from(number).ok()?.checked_mul(self.size)?;
        let end = start.checked_add(self.size)?.min(self.bytes.len());
        self.bytes.get(start..end)
    }

    /// The bytes of a chain, of which no more than `most` are wanted.
    fn chain(self, first: u32, table: &[u32], most: usize) -> Result<Vec<u8>, &'static str> {
        let mut bytes = Vec::new();
        let mut number = first;
        let mut left = self.bytes.len() / self.size + 1;
        while number != END_OF_CHAIN {
            let sector = self.get(number).ok_or(BEYOND)?;
            let wanted = sector.len().min(most - bytes.len());
            bytes.extend_from_slice(&sector[..wanted]);
            if bytes.len() == most {
                break;
            }
            left = left.checked_sub(1).ok_or(LOOP)?;
            number = *table.get(number as usize).ok_or(BEYOND)?;
        }
        Ok(bytes)
    }
}

/// The numbers of four bytes each.
fn numbers(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes
        .chunks_exact(4)
        .map(|bytes| u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
}

impl<'b> Compound<'b> {
    /// Reads the tables and the directory.
    pub(super) fn open(bytes: &'b [u8]) -> Result<Self, &'static str> {
        let field = |place| four_bytes(bytes, place).ok_or(HEADER);
        let size: usize = match two_bytes(bytes, 30) {
            Some(9) => 512,
            Some(12) => 4096,
            _ => return Err(HEADER),
        };
        let sectors = Sectors {
            bytes: bytes.get(size..).ok_or(HEADER)?,
            size,
        };
        let table = table(sectors, bytes.get(76..512).ok_or(HEADER)?, field(68)?)?;
        let directory = sectors.chain(field(48)?, &table, usize::MAX)?;
        let entries: Vec<Entry> = directory
            .chunks_exact(ENTRY)
            .map(|entry| Entry::read(entry, size))
            .collect();
        let root = entries.first().ok_or("its directory is empty")?;
        let mini_tables = field(64)? as usize;
        let (mini, mini_table) = if mini_tables == 0 {
            (Vec::new(), Vec::new())
        } else {
            let mini_table = sectors.chain(field(60)?, &table, mini_tables.saturating_mul(size))?;
            let mini = sectors.chain(root.start, &table, root.bytes)?;
            (mini, numbers(&mini_table).collect())
        };
        Ok(Self {
            sectors,
            table,
            entries,
            mini,
            mini_table,
        })
    }

    /// The bytes of the stream of this name.
    pub(super) fn stream(&self, name: &str) -> Result<Vec<u8>, &'static str> {
        let entry = self
            .entries
            .iter()
            .find(|entry| entry.name.eq_ignore_ascii_case(name))
            .ok_or("it has no stream of a workbook")?;
        if entry.bytes < SHORTEST {
            let mini = Sectors {
                bytes: &self.mini,
                size: MINI_SECTOR,
            };
            return mini.chain(entry.start, &self.mini_table, entry.bytes);
        }
        self.sectors.chain(entry.start, &self.table, entry.bytes)
    }
}

/// For each sector the next one. The sectors of this table are in a list, of which the header has the
/// beginning, and each other sector the number of the next one behind its part.
fn table(sectors: Sectors<'_>, first: &[u8], mut next: u32) -> Result<Vec<u32>, &'static str> {
    let mut list: Vec<u32> = numbers(first).collect();
    let mut left = sectors.bytes.len() / sectors.size + 1;
    while next < RESERVED {
        left = left.checked_sub(1).ok_or(LOOP)?;
        list.extend(numbers(sectors.get(next).ok_or(BEYOND)?));
        next = list.pop().ok_or(BEYOND)?;
    }
    let mut table = Vec::new();
    for number in list.into_iter().filter(|number| *number < RESERVED) {
        table.extend(numbers(sectors.get(number).ok_or(BEYOND)?));
        if table.len() > sectors.bytes.len() {
            return Err("its table of sectors is longer than the file");
        }
    }
    Ok(table)
}

impl Entry {
    fn read(entry: &[u8], sector: usize) -> Self {
        let units = entry[..64].chunks_exact(2);
        let units: Vec<u16> = units
            .map(|unit| u16::from_le_bytes([unit[0], unit[1]]))
            .take_while(|unit| *unit != 0)
            .collect();
        let low = four_bytes(entry, 120).unwrap_or_default();
        // Files of short sectors have no length beyond 32 bits, and sometimes something else there.
        let high = four_bytes(entry, 124)
            .filter(|_| sector > 512)
            .unwrap_or_default();
        Self {
            name: String::from_utf16_lossy(&units),
            start: four_bytes(entry, 116).unwrap_or_default(),
            bytes: usize::try_from(u64::from(high) << 32 | u64::from(low)).unwrap_or(usize::MAX),
        }
    }
}
