//! RocksDB's manifest: a log of version edits. Each edit says which logs and tables make up the store from then on.
//!
//! Only the fields that the check of the logs needs are kept. The format is that of `VersionEdit`
//! (`db/version_edit.cc`): a tag, then the tag's fields, as variable-length integers and length-prefixed strings.

use std::collections::BTreeMap;

use super::log_format::read_batches;

/// Tags, by their names in RocksDB.
mod tag {
    pub(super) const COMPARATOR: u64 = 1;
    pub(super) const LOG_NUMBER: u64 = 2;
    pub(super) const NEXT_FILE_NUMBER: u64 = 3;
    pub(super) const LAST_SEQUENCE: u64 = 4;
    pub(super) const COMPACT_CURSOR: u64 = 5;
    pub(super) const DELETED_FILE: u64 = 6;
    pub(super) const PREV_LOG_NUMBER: u64 = 9;
    pub(super) const MIN_LOG_NUMBER_TO_KEEP: u64 = 10;
    pub(super) const NEW_FILE_4: u64 = 103;
    pub(super) const COLUMN_FAMILY: u64 = 200;
    pub(super) const MAX_COLUMN_FAMILY: u64 = 203;
    pub(super) const IN_ATOMIC_GROUP: u64 = 300;
    /// The bit of a tag that is followed by a length-prefixed string, and may be skipped.
    pub(super) const MAY_BE_IGNORED: u64 = 1 << 13;
    /// The tag that ends the fields of a new file.
    pub(super) const END_OF_FILE: u64 = 1;
}

/// The store that the complete edits of a manifest describe.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    /// The number below which all logs are in tables.
    pub(super) log_number: u64,
    /// The number below which logs are no longer read.
    pub(super) min_log_to_keep: u64,
    /// The sequence number of the last edit that had been written when the manifest was written.
    pub(super) last_sequence: u64,
    /// The tables, and the largest sequence number in each. A final merge of a table sets the number to 0.
    pub(super) tables: BTreeMap<u64, u64>,
    /// The number of bytes of the file that hold complete edits.
    pub(super) complete: usize,
}

/// An edit whose checksum is right and whose fields this library does not know.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UnknownEdit;

impl Manifest {
    /// Reads the complete edits at the beginning of a manifest.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, UnknownEdit> {
        let mut manifest = Self::default();
        let mut known = true;
        manifest.complete = read_batches(bytes, |edit| {
            known = known && manifest.apply(edit).is_some();
        });
        if known {
            Ok(manifest)
        } else {
            Err(UnknownEdit)
        }
    }

    /// Returns the largest sequence number in any table.
    pub(super) fn last_in_tables(&self) -> u64 {
        self.tables.values().copied().max().unwrap_or(0)
    }

    fn apply(&mut self, edit: &[u8]) -> Option<()> {
        let mut fields = Fields(edit);
        while !fields.0.is_empty() {
            match fields.number()? {
                tag::COMPARATOR => drop(fields.string()?),
                tag::LOG_NUMBER => self.log_number = fields.number()?,
                tag::LAST_SEQUENCE => self.last_sequence = fields.number()?,
                tag::MIN_LOG_NUMBER_TO_KEEP => self.min_log_to_keep = fields.number()?,
                tag::NEXT_FILE_NUMBER
                | tag::PREV_LOG_NUMBER
                | tag::COLUMN_FAMILY
                | tag::MAX_COLUMN_FAMILY
                | tag::IN_ATOMIC_GROUP => drop(fields.number()?),
                tag::COMPACT_CURSOR => {
                    fields.number()?;
                    fields.string()?;
                }
                tag::DELETED_FILE => {
                    fields.number()?;
                    self.tables.remove(&fields.number()?);
                }
                tag::NEW_FILE_4 => {
                    let (number, largest) = fields.new_file()?;
                    self.tables.insert(number, largest);
                }
                other if other & tag::MAY_BE_IGNORED != 0 => drop(fields.string()?),
                _ => return None,
            }
        }
        Some(())
    }
}

/// The fields of an edit that have not been read yet.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// Reads a variable-length integer: seven bits in each byte, the lowest first.
    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(number);
            }
        }
        None
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        let length = usize::try_from(self.number()?).ok()?;
        let (string, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(string)
    }

    /// Reads a new table. Returns its number and its largest sequence number.
    fn new_file(&mut self) -> Option<(u64, u64)> {
        let _level = self.number()?;
        let number = self.number()?;
        let _size = self.number()?;
        let (_smallest_key, _largest_key) = (self.string()?, self.string()?);
        let _smallest = self.number()?;
        let largest = self.number()?;
        while self.number()? != tag::END_OF_FILE {
            self.string()?;
        }
        Some((number, largest))
    }
}

/// Encodes the edit with which the model of the store begins its manifests; see [`simulated`](super::simulated).
#[cfg(feature = "sim")]
pub(super) fn edit(log_number: u64, last_sequence: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (tag, value) in [
        (tag::LOG_NUMBER, log_number),
        (tag::MIN_LOG_NUMBER_TO_KEEP, log_number),
        (tag::LAST_SEQUENCE, last_sequence),
    ] {
        put_number(&mut bytes, tag);
        put_number(&mut bytes, value);
    }
    bytes
}

/// Encodes an edit that readers of version edits skip. The model keeps its entries in such edits.
#[cfg(feature = "sim")]
pub(super) fn ignored_edit(content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    put_number(&mut bytes, tag::MAY_BE_IGNORED | 1 << 8);
    put_number(&mut bytes, content.len() as u64);
    bytes.extend_from_slice(content);
    bytes
}

/// Returns the content of an [`ignored_edit`].
#[cfg(feature = "sim")]
pub(super) fn content_of(edit: &[u8]) -> Option<&[u8]> {
    let mut fields = Fields(edit);
    let is_ignored = fields.number()? & tag::MAY_BE_IGNORED != 0;
    is_ignored.then(|| fields.string()).flatten()
}

#[cfg(feature = "sim")]
fn put_number(bytes: &mut Vec<u8>, mut number: u64) {
    loop {
        let [low, ..] = (number & 0x7f).to_le_bytes();
        number >>= 7;
        if number == 0 {
            bytes.push(low);
            return;
        }
        bytes.push(low | 0x80);
    }
}

#[cfg(all(test, feature = "sim"))]
#[expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a failing test panics"
)]
mod tests {
    use super::super::framing::framed;
    use super::*;

    fn file(edits: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for edit in edits {
            let framed = framed(edit, bytes.len());
            bytes.extend(framed);
        }
        bytes
    }

    #[test]
    fn edits_are_applied_in_order() {
        // The first edit adds table 11, with sequence numbers up to 300. The second edit replaces it by table 12.
        let table = |number: u8| {
            let keys = [1, b'a', 1, b'z'];
            let mut edit = vec![103, 0, number, 77];
            edit.extend(keys);
            edit.extend([1, 0xac, 0x02]);
            // A field with its tag and length, and the end of the fields.
            edit.extend([5, 2, 9, 9, 1]);
            edit
        };
        let first = [edit(7, 300), table(11)].concat();
        let second = [vec![6, 0, 11], table(12), edit(9, 1_000_000)].concat();
        let bytes = file(&[first.clone(), second]);
        let read = Manifest::read(&bytes).unwrap();
        assert_eq!((read.log_number, read.min_log_to_keep), (9, 9));
        assert_eq!(read.last_sequence, 1_000_000);
        assert_eq!(read.tables, BTreeMap::from([(12, 300)]));
        assert_eq!(read.complete, bytes.len());
        // Without the last byte only the first edit is complete.
        let read = Manifest::read(&bytes[..bytes.len() - 1]).unwrap();
        assert_eq!((read.log_number, read.last_in_tables()), (7, 300));
        assert_eq!(read.complete, file(&[first]).len());
    }

    #[test]
    fn an_edit_that_is_not_understood_is_no_edit() {
        for edit in [
            vec![42, 1],
            // A tag that may not be skipped, although a string follows it.
            vec![42, 1, 0],
            vec![103, 0, 1],
            vec![0xff; 12],
            vec![1, 200, 1],
        ] {
            assert_eq!(Manifest::read(&file(&[edit])), Err(UnknownEdit));
        }
        let cursor = [5, 0, 1, b'k'].to_vec();
        let bytes = file(&[ignored_edit(b"entries"), [cursor, edit(1, 2)].concat()]);
        assert_eq!(Manifest::read(&bytes).unwrap().last_sequence, 2);
        assert_eq!(content_of(&ignored_edit(b"entries")), Some(&b"entries"[..]));
    }
}
