//! A record of the catalog's progress, outside of the catalog's directory.
//!
//! RocksDB opens a store that has lost its last log, its last edits or all of its files since an earlier copy, and
//! does not report the loss. The witness is kept in the ledgers root. Each complete start, and each flush, writes
//! down the sequence number up to which every edit is in a table, and the number of the log that continues the
//! tables. A store behind its witness is refused.
//!
//! The file has two slots of one sector each. A new record overwrites, in place, the slot that does not hold the
//! newest record. A power cut can tear this sector only, and the other slot stays valid.

use std::sync::Arc;

use crate::domain::{NEW_WITNESS_FILE, WITNESS_FILE};
use crate::failure::IoFailure;
use crate::fs::sector::SECTOR;
use crate::fs::{Dir, sector};

/// The beginning of each slot.
const FORMAT: &str = "frostline witness 1 ";

/// The progress of the store at the end of a complete start or of a flush.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Witnessed {
    /// The sequence number up to which every edit was in a table.
    pub(crate) sequence: u64,
    /// The number of the log for the next edits, whose name was durable; 0 before the first start.
    pub(crate) log: u64,
}

impl Witnessed {
    /// The record of a store that is about to be created.
    pub(crate) const NOTHING: Self = Self {
        sequence: 0,
        log: 0,
    };

    fn encode(self) -> [u8; SECTOR] {
        let Self { sequence, log } = self;
        sector::encode(&format!("{FORMAT}sequence {sequence} log {log}"))
    }

    fn decode(slot: &[u8]) -> Option<Self> {
        let text = sector::decode(slot)?;
        let mut words = text.strip_prefix(FORMAT)?.split(' ');
        let sequence = words.nth(1)?.parse().ok()?;
        let log = words.nth(1)?.parse().ok()?;
        let witnessed = Self { sequence, log };
        (witnessed.encode() == slot).then_some(witnessed)
    }
}

/// The witness of a store, in the root that holds it.
pub(crate) struct Witness {
    root: Arc<Dir>,
    /// Whether a tree without a witness, or with a witness that is to be forgotten, is being taken over.
    adopts: bool,
}

/// The content of the witness's file.
pub(crate) enum Testimony {
    /// No file, because no store has ever been created for these roots.
    None,
    Is(Witnessed),
    /// A file of which neither slot can be read.
    Unreadable,
}

impl Witness {
    pub(crate) const fn new(root: Arc<Dir>, adopts: bool) -> Self {
        Self { root, adopts }
    }

    /// Returns whether a missing or contradicting witness is accepted.
    pub(crate) const fn adopts(&self) -> bool {
        self.adopts
    }

    pub(crate) fn root(&self) -> &Dir {
        &self.root
    }

    pub(crate) fn read(&self) -> Result<Testimony, IoFailure> {
        if !self.root.has(WITNESS_FILE)? {
            return Ok(Testimony::None);
        }
        let bytes = self.root.read_file(WITNESS_FILE)?;
        let newest = bytes.chunks(SECTOR).filter_map(Witnessed::decode).max();
        Ok(newest.map_or(Testimony::Unreadable, Testimony::Is))
    }

    /// Returns whether this is the newest record.
    pub(crate) fn holds(&self, witnessed: Witnessed) -> Result<bool, IoFailure> {
        let testimony = self.read()?;
        Ok(matches!(testimony, Testimony::Is(newest) if newest == witnessed))
    }

    /// Durably writes a record.
    pub(crate) fn write(&self, witnessed: Witnessed) -> Result<(), IoFailure> {
        if !self.root.has(WITNESS_FILE)? {
            return self.create(witnessed);
        }
        let slots = self.root.read_file(WITNESS_FILE)?;
        let mut held = slots.chunks(SECTOR).map(Witnessed::decode);
        let (first, second) = (held.next().flatten(), held.next().flatten());
        let newest = usize::from(second > first);
        // The newest record is written anew, too, because the process that wrote it may have been killed before its
        // fsync, or after an fsync that failed.
        let slot = if first.max(second) == Some(witnessed) {
            newest
        } else {
            1 - newest
        };
        self.root
            .overwrite(WITNESS_FILE, slot * SECTOR, &witnessed.encode())?;
        if self.adopts && first.max(second) > Some(witnessed) {
            // The older record is the valid one now. The other slot is overwritten, because a reader takes the newest
            // record.
            self.root
                .overwrite(WITNESS_FILE, (1 - slot) * SECTOR, &witnessed.encode())?;
        }
        Ok(())
    }

    fn create(&self, witnessed: Witnessed) -> Result<(), IoFailure> {
        let slots = [witnessed.encode(), [0; SECTOR]].concat();
        self.root.put_file(NEW_WITNESS_FILE, WITNESS_FILE, &slots)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_read_back() {
        let witnessed = Witnessed {
            sequence: u64::MAX,
            log: 12,
        };
        assert_eq!(Witnessed::decode(&witnessed.encode()), Some(witnessed));
        let other = sector::encode("frostline witness 1 sequence +7 log 12");
        assert_eq!(Witnessed::decode(&other), None);
    }
}
