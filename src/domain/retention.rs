//! The retention gate: the ledgers that readers may see.

use super::geometry::{ChunkId, GeometryError, LedgerSeq, Watermark};

/// The number of chunks to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retention {
    /// Every chunk.
    KeepAll,
    /// This number of the newest complete chunks; never zero.
    Chunks(std::num::NonZeroU32),
}

impl Retention {
    /// Returns the setting for the configuration's number, where 0 keeps every chunk.
    #[must_use]
    pub const fn from_chunks(chunks: u32) -> Self {
        match std::num::NonZeroU32::new(chunks) {
            None => Self::KeepAll,
            Some(chunks) => Self::Chunks(chunks),
        }
    }
}

/// The reader-retention predicate: a ledger below the floor is not found, even if it is on disk.
///
/// The gate is a value, computed from the last complete chunk, the retention and the earliest ledger. The
/// caller makes a new gate when the watermark moves.
///
/// ```
/// use frostline::{ChunkId, LedgerSeq};
/// use frostline::geometry::Watermark;
/// use frostline::retention::{Retention, RetentionGate};
///
/// let last = Watermark::Complete(ChunkId::new(100)?);
/// let gate = RetentionGate::new(last, Retention::from_chunks(10), LedgerSeq::GENESIS)?;
/// assert_eq!(gate.floor(), ChunkId::new(91)?);
/// assert!(gate.chunk_below_floor(ChunkId::new(90)?));
/// assert!(gate.admits(LedgerSeq::new(910_002)?));
/// # Ok::<(), frostline::error::GeometryError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetentionGate {
    floor: ChunkId,
    earliest: LedgerSeq,
}

impl RetentionGate {
    /// Computes the gate for `last` as the last complete chunk, `retention` in force, and `earliest` as the
    /// first ledger that was ever wanted.
    ///
    /// # Errors
    ///
    /// [`GeometryError::BeyondLastChunk`] if `earliest` is in no complete chunk.
    pub fn new(
        last: Watermark,
        retention: Retention,
        earliest: LedgerSeq,
    ) -> Result<Self, GeometryError> {
        let earliest_chunk = earliest.chunk()?;
        let retained_from = match (last, retention) {
            (Watermark::Complete(last), Retention::Chunks(kept)) => {
                last.saturating_back(kept.get() - 1)
            }
            (Watermark::NothingYet, _) | (_, Retention::KeepAll) => ChunkId::MIN,
        };
        Ok(Self {
            floor: retained_from.max(earliest_chunk),
            earliest,
        })
    }

    /// Returns the oldest chunk that readers may see.
    #[must_use]
    pub const fn floor(&self) -> ChunkId {
        self.floor
    }

    /// Returns the oldest ledger that readers may see: the floor's first ledger, or the earliest ledger if
    /// that is later.
    #[must_use]
    pub fn floor_ledger(&self) -> LedgerSeq {
        self.floor.first_ledger().max(self.earliest)
    }

    /// Returns whether the ledger is not below the floor. The ledger may still be absent.
    #[must_use]
    pub fn admits(&self, ledger: LedgerSeq) -> bool {
        ledger >= self.floor_ledger()
    }

    /// Returns whether the whole chunk is below the floor: it must not be read, and it may be pruned.
    #[must_use]
    pub fn chunk_below_floor(&self, chunk: ChunkId) -> bool {
        chunk < self.floor
    }
}
