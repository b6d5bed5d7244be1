//! [`Pruning`]: an artifact that is being removed.

use super::claim::{KindClaim, artifact_handle};
use super::unlinked::{Unlinked, unlink};
use crate::domain::{ArtifactState, Kind};
use crate::failure::RemovalError;

/// An artifact that is being removed: no new lease is given out, and its files may go when the last lease has gone.
///
/// **Durable now:** the key, at `pruning`; any part of the files. **A crash here leaves** the same,
/// and the next recovery finishes the removal. **Next:** [`unlink`](Self::unlink) and
/// [`Catalog::commit`](crate::Catalog::commit), or [`rematerialize`](Self::rematerialize) to write it
/// again.
///
/// ```
/// use std::io::Write;
/// use frostline::{ChunkId, Ledgers};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let catalog = frostline::Catalog::open(frostline::StorageRoots::under(directory.path())?.lock()?)?;
/// # let chunk = ChunkId::new(7)?;
/// # let mut freezing = catalog.begin::<Ledgers>(chunk)?;
/// # freezing.file(Ledgers::PACK)?.write_all(b"ten thousand ledgers")?;
/// # let frozen = freezing.freeze()?;
/// let pruning = catalog.commit(frozen.demote())?;
/// assert!(catalog.lease::<Ledgers>(chunk)?.is_none());
/// let unlinked = pruning.unlink()?;
/// catalog.commit(unlinked)?;
/// # Ok(())
/// # }
/// ```
#[must_use = "its files and its key stay until it is unlinked and committed"]
pub struct Pruning<K: Kind> {
    claim: KindClaim<K>,
}

artifact_handle!(Pruning);

impl<K: Kind> Pruning<K> {
    pub(crate) const fn from_claim(claim: KindClaim<K>) -> Self {
        Self { claim }
    }

    pub(super) fn into_claim(self) -> KindClaim<K> {
        self.claim
    }

    /// Unlinks the files and makes their absence durable. Missing files are fine.
    ///
    /// # Errors
    ///
    /// [`RemovalError`]: refused, with the handle back, while a lease is out.
    pub fn unlink(self) -> Result<Unlinked<K>, RemovalError<Self>> {
        unlink(self.claim, ArtifactState::Pruning, Self::from_claim)
    }
}
