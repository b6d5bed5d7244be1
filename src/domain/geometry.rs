//! Ledgers, chunks, buckets, windows, and the watermark below chunk 0.
//!
//! Each number is a newtype over a bounded integer. A ledger can therefore not be passed as a chunk, and no
//! arithmetic in this module can wrap. The numbers come from the Stellar network (the first ledger that
//! closed on it is number 2) and from the layout of the full-history store (10,000 ledgers to a chunk,
//! 1,000 chunks to a bucket).

use std::fmt;

/// The number of ledgers in one chunk.
pub const LEDGERS_PER_CHUNK: u32 = 10_000;

/// The number of chunks in one bucket directory.
pub const CHUNKS_PER_BUCKET: u32 = 1_000;

/// The number of chunks in one window, which has one index.
pub const CHUNKS_PER_WINDOW: u32 = 1_000;

const GENESIS: u32 = 2;

/// A number that is not a ledger, is not a chunk, or has no chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GeometryError {
    /// The number is below 2, the first ledger sequence.
    #[error("{0} is not a ledger: the first ledger of the network is 2")]
    BelowGenesis(u32),
    /// The chunk's last ledger would not fit a `u32`, so the chunk could never be complete.
    #[error("{0} is not a chunk: the last chunk whose ledgers all fit 32 bits is 429495")]
    ChunkOutOfRange(u32),
    /// The ledger exists, but its chunk can never be complete.
    #[error(
        "ledger {0} is in no complete chunk: the last ledger of the last chunk, 429495, is 4294960001"
    )]
    BeyondLastChunk(LedgerSeq),
    /// The first chunk of a coverage is after its last.
    #[error("chunks {lo} to {hi} are no coverage: the first chunk is after the last")]
    ReversedCoverage {
        /// The first chunk.
        lo: ChunkId,
        /// The last chunk.
        hi: ChunkId,
    },
    /// The chunks of a coverage are in different windows.
    #[error(
        "chunks {lo} to {hi} are no coverage: one index covers chunks of one window, and these are in the windows \
         {} and {}", lo.window(), hi.window()
    )]
    CoverageBeyondWindow {
        /// The first chunk.
        lo: ChunkId,
        /// The last chunk.
        hi: ChunkId,
    },
}

/// A ledger sequence number: at least 2, the first ledger of the network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LedgerSeq(u32);

impl LedgerSeq {
    /// The first ledger of the network, 2.
    pub const GENESIS: Self = Self(GENESIS);

    /// The largest sequence number that 32 bits can hold.
    pub const MAX: Self = Self(u32::MAX);

    /// Returns the ledger with this sequence number.
    ///
    /// # Errors
    ///
    /// [`GeometryError::BelowGenesis`] for 0 and 1.
    pub const fn new(sequence: u32) -> Result<Self, GeometryError> {
        if sequence < GENESIS {
            return Err(GeometryError::BelowGenesis(sequence));
        }
        Ok(Self(sequence))
    }

    /// Returns the sequence number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Returns the chunk that holds this ledger: `(sequence - 2) / 10_000`.
    ///
    /// # Errors
    ///
    /// [`GeometryError::BeyondLastChunk`] for the last 7,294 numbers of 32 bits, because their chunk would
    /// end beyond `u32::MAX`.
    pub const fn chunk(self) -> Result<ChunkId, GeometryError> {
        match ChunkId::new((self.0 - GENESIS) / LEDGERS_PER_CHUNK) {
            Ok(chunk) => Ok(chunk),
            Err(_) => Err(GeometryError::BeyondLastChunk(self)),
        }
    }

    /// Returns whether this ledger is the first of a chunk, as a pinned earliest ledger must be.
    #[must_use]
    pub const fn starts_chunk(self) -> bool {
        match self.chunk() {
            Ok(chunk) => chunk.first_ledger().0 == self.0,
            Err(_) => false,
        }
    }
}

impl fmt::Display for LedgerSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A chunk: 10,000 consecutive ledgers, frozen and pruned as a whole.
///
/// The number is bounded to 0 ..= 429,495, the chunks whose last ledger fits a `u32`. Chunk 429,496 would
/// begin inside that range and end outside of it, so no value of this type stands for it. A chunk is
/// printed with eight digits everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChunkId(u32);

impl ChunkId {
    /// Chunk 0, ledgers 2 to 10,001.
    pub const MIN: Self = Self(0);

    /// Chunk 429,495, the last one that can be complete.
    pub const MAX: Self = Self((u32::MAX - 1) / LEDGERS_PER_CHUNK - 1);

    /// Returns the chunk with this number.
    ///
    /// # Errors
    ///
    /// [`GeometryError::ChunkOutOfRange`] above [`ChunkId::MAX`].
    pub const fn new(chunk: u32) -> Result<Self, GeometryError> {
        if chunk > Self::MAX.0 {
            return Err(GeometryError::ChunkOutOfRange(chunk));
        }
        Ok(Self(chunk))
    }

    /// Returns the chunk's number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Returns the chunk's first ledger: `chunk * 10_000 + 2`.
    #[must_use]
    pub const fn first_ledger(self) -> LedgerSeq {
        LedgerSeq(self.0 * LEDGERS_PER_CHUNK + GENESIS)
    }

    /// Returns the chunk's last ledger: `(chunk + 1) * 10_000 + 1`.
    #[must_use]
    pub const fn last_ledger(self) -> LedgerSeq {
        LedgerSeq((self.0 + 1) * LEDGERS_PER_CHUNK + 1)
    }

    /// Returns the bucket directory that contains the chunk's files.
    #[must_use]
    pub const fn bucket(self) -> BucketId {
        BucketId(self.0 / CHUNKS_PER_BUCKET)
    }

    /// Returns the window that contains the chunk.
    #[must_use]
    pub const fn window(self) -> WindowId {
        WindowId(self.0 / CHUNKS_PER_WINDOW)
    }

    /// Returns the chunk after this one, or `None` after [`ChunkId::MAX`].
    #[must_use]
    pub fn next(self) -> Option<Self> {
        Self::new(self.0 + 1).ok()
    }

    /// Returns the chunk before this one, or `None` before chunk 0.
    #[must_use]
    pub fn previous(self) -> Option<Self> {
        self.0.checked_sub(1).map(Self)
    }

    /// Returns the chunk that is `chunks` before this one, or chunk 0 if history is shorter.
    #[must_use]
    pub const fn saturating_back(self, chunks: u32) -> Self {
        Self(self.0.saturating_sub(chunks))
    }
}

impl fmt::Display for ChunkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08}", self.0)
    }
}

/// A bucket: the directory that holds the files of 1,000 consecutive chunks.
///
/// Buckets keep directories short and are never part of a key. A bucket is printed with five digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketId(u32);

impl BucketId {
    /// Returns the bucket's number, `chunk / 1000`.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Display for BucketId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:05}", self.0)
    }
}

/// A window: 1,000 consecutive chunks, for which there is one index of transaction hashes.
///
/// The last window, 429, has the 496 chunks up to [`ChunkId::MAX`]. A window is printed with eight digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowId(u32);

impl WindowId {
    /// Returns the window's number, `chunk / 1000`.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Returns the window's first chunk.
    #[must_use]
    pub const fn first(self) -> ChunkId {
        ChunkId(self.0 * CHUNKS_PER_WINDOW)
    }

    /// Returns the window's last chunk.
    #[must_use]
    pub fn last(self) -> ChunkId {
        ChunkId(self.first().0 + (CHUNKS_PER_WINDOW - 1)).min(ChunkId::MAX)
    }
}

impl fmt::Display for WindowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08}", self.0)
    }
}

/// The progress of ingestion: the last complete chunk, or "chunk -1" while no chunk is complete.
///
/// The watermark is a type of its own and not a signed number, so that the sentinel can neither be stored
/// in a key nor take part in arithmetic. In its order, [`Watermark::NothingYet`] comes before every chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Watermark {
    /// No chunk is complete: the sentinel written as chunk -1, whose last ledger is 1.
    NothingYet,
    /// Every chunk up to and including this one is complete.
    Complete(ChunkId),
}

impl Watermark {
    /// Returns the watermark when `ledger` is the newest ledger: the largest chunk whose last ledger is not
    /// above it.
    ///
    /// The function takes a plain number because 0 and 1 are legal here: a network that has closed no
    /// ledger yet.
    #[must_use]
    pub fn at_ledger(ledger: u32) -> Self {
        let complete = ledger.saturating_sub(1) / LEDGERS_PER_CHUNK;
        match complete.checked_sub(1) {
            None => Self::NothingYet,
            Some(last) => Self::Complete(ChunkId(last)),
        }
    }

    /// Returns the last complete ledger. It is 1 while nothing has been ingested, so the result is a plain
    /// number and not a [`LedgerSeq`].
    #[must_use]
    pub const fn last_ledger(self) -> u32 {
        match self {
            Self::NothingYet => GENESIS - 1,
            Self::Complete(chunk) => chunk.last_ledger().get(),
        }
    }

    /// Returns the last complete chunk, or `None` if no chunk is complete.
    #[must_use]
    pub const fn chunk(self) -> Option<ChunkId> {
        match self {
            Self::NothingYet => None,
            Self::Complete(chunk) => Some(chunk),
        }
    }
}

impl fmt::Display for Watermark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NothingYet => f.write_str("-1"),
            Self::Complete(chunk) => chunk.fmt(f),
        }
    }
}
