//! [`Epoch`]: the number of a catalog's last change.

use std::fmt;

/// The number of the last change of a catalog. Every commit that changes a key makes it larger, and opening the catalog
/// again does not.
///
/// It is the sequence number of the catalog's store, which the store keeps across restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u64);

impl Epoch {
    pub(crate) const fn of(sequence: u64) -> Self {
        Self(sequence)
    }

    /// Returns the number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
