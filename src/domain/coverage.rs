//! [`Coverage`]: the chunks that one index covers.

use super::chunk_range::ChunkRange;
use super::geometry::{ChunkId, GeometryError, WindowId};

/// Consecutive chunks of one window: the chunks that one index covers.
///
/// The window follows from the chunks and is not stored, so it cannot disagree with them. Coverages are ordered by
/// their first chunk, then by their last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Coverage {
    lo: ChunkId,
    hi: ChunkId,
}

impl Coverage {
    /// Returns the coverage from chunk `lo` to chunk `hi`, both included.
    ///
    /// # Errors
    ///
    /// [`GeometryError::ReversedCoverage`] if `hi` is before `lo`, and [`GeometryError::CoverageBeyondWindow`] if the
    /// two are in different windows.
    ///
    /// ```
    /// use frostline::ChunkId;
    /// use frostline::geometry::Coverage;
    ///
    /// # fn main() -> Result<(), frostline::error::GeometryError> {
    /// let coverage = Coverage::new(ChunkId::new(5000)?, ChunkId::new(5350)?)?;
    /// assert_eq!(coverage.window().get(), 5);
    /// assert_eq!(coverage.chunks().len(), 351);
    /// assert!(!coverage.is_terminal());
    /// assert!(Coverage::new(ChunkId::new(4999)?, ChunkId::new(5350)?).is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn new(lo: ChunkId, hi: ChunkId) -> Result<Self, GeometryError> {
        if hi < lo {
            return Err(GeometryError::ReversedCoverage { lo, hi });
        }
        if lo.window() != hi.window() {
            return Err(GeometryError::CoverageBeyondWindow { lo, hi });
        }
        Ok(Self { lo, hi })
    }

    /// Returns the first and the last coverage of a window, in their order.
    pub(super) fn ends_of(window: WindowId) -> [Self; 2] {
        [window.first(), window.last()].map(|chunk| Self {
            lo: chunk,
            hi: chunk,
        })
    }

    /// Returns the first chunk.
    #[must_use]
    pub const fn lo(self) -> ChunkId {
        self.lo
    }

    /// Returns the last chunk.
    #[must_use]
    pub const fn hi(self) -> ChunkId {
        self.hi
    }

    /// Returns the window that contains the chunks.
    #[must_use]
    pub const fn window(self) -> WindowId {
        self.lo.window()
    }

    /// Returns the chunks, in ascending order.
    #[must_use]
    pub fn chunks(self) -> ChunkRange {
        ChunkId::range(self.lo..=self.hi)
    }

    /// Returns whether the last chunk is the last of the window. No later index of the window can cover more at its end.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        self.hi == self.window().last()
    }

    /// Returns whether this coverage contains a chunk.
    #[must_use]
    pub fn contains(self, chunk: ChunkId) -> bool {
        self.lo <= chunk && chunk <= self.hi
    }

    /// Returns whether this coverage contains every chunk of another one.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        self.contains(other.lo) && self.contains(other.hi)
    }
}
