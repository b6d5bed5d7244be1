//! [`ChunkRange`]: consecutive chunks, counted through.

use std::iter::FusedIterator;
use std::ops::{Range, RangeInclusive};

use super::geometry::ChunkId;

/// The chunks of a range, in ascending order; made by [`ChunkId::range`].
///
/// The range is an iterator: each chunk that it has given out is no longer part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChunkRange {
    /// The numbers of the chunks that are still to come, each at most that of [`ChunkId::MAX`].
    numbers: Range<u32>,
}

impl ChunkId {
    /// Returns the chunks from the first to the last of `chunks`, both included. A range whose end is before its
    /// start has no chunk.
    ///
    /// ```
    /// use frostline::ChunkId;
    ///
    /// # fn main() -> Result<(), frostline::error::GeometryError> {
    /// let chunks = ChunkId::range(ChunkId::new(998)?..=ChunkId::new(1001)?);
    /// assert_eq!(chunks.len(), 4);
    /// let buckets: Vec<_> = chunks.map(|chunk| chunk.bucket().get()).collect();
    /// assert_eq!(buckets, [0, 0, 1, 1]);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn range(chunks: RangeInclusive<Self>) -> ChunkRange {
        // A range that was iterated to its end has no chunk, although its bounds are in order.
        let numbers = if chunks.is_empty() {
            0..0
        } else {
            chunks.start().get()..chunks.end().get() + 1
        };
        ChunkRange { numbers }
    }
}

impl ChunkRange {
    /// Returns the first chunk that is still to come, or `None` if there is no such chunk.
    #[must_use]
    pub fn start(&self) -> Option<ChunkId> {
        self.clone().next()
    }

    /// Returns the last chunk that is still to come, or `None` if there is no such chunk.
    #[must_use]
    pub fn end(&self) -> Option<ChunkId> {
        self.clone().next_back()
    }
}

impl Iterator for ChunkRange {
    type Item = ChunkId;

    fn next(&mut self) -> Option<ChunkId> {
        self.nth(0)
    }

    fn nth(&mut self, skipped: usize) -> Option<ChunkId> {
        ChunkId::new(self.numbers.nth(skipped)?).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.numbers.size_hint()
    }
}

impl DoubleEndedIterator for ChunkRange {
    fn next_back(&mut self) -> Option<ChunkId> {
        ChunkId::new(self.numbers.next_back()?).ok()
    }
}

impl ExactSizeIterator for ChunkRange {}

impl FusedIterator for ChunkRange {}
