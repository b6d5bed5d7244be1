//! [`HotLease`]: the right to read a hot directory.

use std::path::PathBuf;

use super::claim::HotClaim;
use crate::domain::{ChunkId, HotKey};
use crate::protocol::Reader;

/// The right to read a ready hot directory: while one is held, the directory stays.
///
/// Cheap to clone. It holds the directory and not its state: a demotion goes ahead while leases are out, and the
/// removal is refused until the last lease has gone. Like a [`Lease`](crate::Lease), it keeps the roots locked.
///
/// ```
/// use frostline::ChunkId;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let catalog = frostline::Catalog::open(frostline::StorageRoots::under(directory.path())?.lock()?)?;
/// let chunk = ChunkId::new(7)?;
/// drop(catalog.create_hot(chunk)?.ready()?);
/// let lease = catalog.lease_hot(chunk)?.expect("the directory is ready");
/// assert!(lease.path().ends_with("hot/00000007"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "the directory stays only while the lease is held"]
pub struct HotLease {
    reader: Reader,
    chunk: ChunkId,
}

impl HotLease {
    pub(crate) const fn new(reader: Reader, chunk: ChunkId) -> Self {
        Self { reader, chunk }
    }

    pub(super) fn of(claim: &HotClaim) -> Self {
        let chunk = claim.chunk;
        Self::new(claim.shared.leases.take(HotKey { chunk }), chunk)
    }

    /// The directory's chunk.
    #[must_use]
    pub const fn chunk(&self) -> ChunkId {
        self.chunk
    }

    /// The directory's key.
    #[must_use]
    pub const fn key(&self) -> HotKey {
        HotKey { chunk: self.chunk }
    }

    /// The path of the chunk's database.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.reader.layout().hot_path(self.chunk)
    }
}

impl std::fmt::Debug for HotLease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "HotLease({})", self.key())
    }
}
