//! Which ledgers readers may see: the retention gate.

use super::geometry::{ChunkId, GeometryError, LedgerSeq, Watermark};

/// How many chunks are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Retention {
    /// Everything.
    KeepAll,
    /// The newest so many complete chunks; never zero.
    Chunks(std::num::NonZeroU32),
}

impl Retention {
    /// The setting as it is written in the configuration, where 0 keeps everything.
    #[must_use]
    pub const fn from_chunks(chunks: u32) -> Self {
        match std::num::NonZeroU32::new(chunks) {
            None => Self::KeepAll,
            Some(chunks) => Self::Chunks(chunks),
        }
    }
}

/// The reader-retention predicate: below the floor means not found, whatever is on disk.
///
/// A value, computed from the last complete chunk, the retention and the earliest ledger; make a new
/// one when the watermark moves.
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
    /// The gate when `last` is the last complete chunk, `retention` is in force and nothing before
    /// `earliest` was ever wanted.
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

    /// The oldest chunk that readers may see.
    #[must_use]
    pub const fn floor(&self) -> ChunkId {
        self.floor
    }

    /// The oldest ledger that readers may see: the floor's first, or the earliest ledger where that
    /// one comes later.
    #[must_use]
    pub fn floor_ledger(&self) -> LedgerSeq {
        self.floor.first_ledger().max(self.earliest)
    }

    /// Whether the ledger is not below the floor. (Whether it is there is another question.)
    #[must_use]
    pub fn admits(&self, ledger: LedgerSeq) -> bool {
        ledger >= self.floor_ledger()
    }

    /// Whether the whole chunk is below the floor: not to be read, and free to be pruned.
    #[must_use]
    pub fn chunk_below_floor(&self, chunk: ChunkId) -> bool {
        chunk < self.floor
    }
}
