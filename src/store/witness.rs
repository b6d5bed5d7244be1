//! A record, outside of the catalog's directory, of how far the catalog had come.
//!
//! RocksDB opens a store that has lost its last log, its last edits or all of its files since an
//! earlier copy, and says nothing. The witness is kept in the ledgers root: each complete start, and
//! each flush, writes down the sequence number up to which everything is in tables, and the number of
//! the log that continues them. A store that is behind its witness is refused.
//!
//! The file has two slots, a sector each. A new record overwrites the slot that does not hold the
//! newest one, in place: a power cut can tear one sector, and the other one is still right.

use std::sync::Arc;

use crate::domain::{NEW_WITNESS_FILE, WITNESS_FILE};
use crate::failure::IoFailure;
use crate::fs::sector::SECTOR;
use crate::fs::{Dir, sector};

/// How each slot begins.
const FORMAT: &str = "frostline witness 1 ";

/// The state that a complete start, or a flush, left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Witnessed {
    /// Every edit up to this sequence number was in a table.
    pub(crate) sequence: u64,
    /// The log that the next edits go to; its name was durable. 0 before the first start.
    pub(crate) log: u64,
}

impl Witnessed {
    /// A store that is about to be created.
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

/// The root that holds the witness.
pub(crate) struct Witness {
    root: Arc<Dir>,
    /// A tree without a witness, or whose witness is to be forgotten, is being taken over.
    adopts: bool,
}

/// The content of the witness's file.
pub(crate) enum Testimony {
    /// There is no file: no store has ever been created for these roots.
    None,
    Is(Witnessed),
    /// The file is there, and neither slot can be read.
    Unreadable,
}

impl Witness {
    pub(crate) const fn new(root: Arc<Dir>, adopts: bool) -> Self {
        Self { root, adopts }
    }

    /// Whether a missing or contradicting witness is no reason to refuse.
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

    /// Whether this is the newest record.
    pub(crate) fn holds(&self, witnessed: Witnessed) -> Result<bool, IoFailure> {
        let testimony = self.read()?;
        Ok(matches!(testimony, Testimony::Is(newest) if newest == witnessed))
    }

    /// Writes a record down, durably.
    pub(crate) fn write(&self, witnessed: Witnessed) -> Result<(), IoFailure> {
        if !self.root.has(WITNESS_FILE)? {
            return self.create(witnessed);
        }
        let slots = self.root.read_file(WITNESS_FILE)?;
        let mut held = slots.chunks(SECTOR).map(Witnessed::decode);
        let (first, second) = (held.next().flatten(), held.next().flatten());
        let newest = usize::from(second > first);
        // The newest record is written anew, too: the process that wrote it may have been killed before
        // its fsync, or after an fsync that failed.
        let slot = if first.max(second) == Some(witnessed) {
            newest
        } else {
            1 - newest
        };
        self.root
            .overwrite(WITNESS_FILE, slot * SECTOR, &witnessed.encode())?;
        if self.adopts && first.max(second) > Some(witnessed) {
            // The older record is the true one now: the other slot must not outdo it.
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
