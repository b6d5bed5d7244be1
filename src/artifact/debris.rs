//! [`Debris`]: a `freezing` key without a writer.

use super::claim::{KindClaim, artifact_handle};
use super::unlinked::{Unlinked, unlink};
use crate::domain::{ArtifactState, Kind};
use crate::failure::RemovalError;

/// The leftovers of an interrupted freeze: a key at `freezing` without a writer.
///
/// **Durable now:** the key, at `freezing`; any part of the files. They are never read. **A crash here
/// leaves** the same. **Next:** [`rematerialize`](Self::rematerialize) to write the artifact again, or
/// [`unlink`](Self::unlink) and [`Catalog::commit`](crate::Catalog::commit) to remove it.
///
/// ```
/// use frostline::{Artifact, ChunkId, Ledgers};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let catalog = frostline::Catalog::open(frostline::StorageRoots::under(directory.path())?.lock()?)?;
/// # let chunk = ChunkId::new(7)?;
/// // A dropped writer leaves the same as a crash.
/// drop(catalog.begin::<Ledgers>(chunk)?);
/// let Artifact::Debris(debris) = catalog.claim::<Ledgers>(chunk)? else {
///     panic!("the key is at `freezing`");
/// };
/// let freezing = debris.rematerialize()?;
/// freezing.abandon()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "debris stays until it is rematerialized, or unlinked and committed"]
pub struct Debris<K: Kind> {
    claim: KindClaim<K>,
}

artifact_handle!(Debris);

impl<K: Kind> Debris<K> {
    pub(super) const fn from_claim(claim: KindClaim<K>) -> Self {
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
        unlink(self.claim, ArtifactState::Freezing, Self::from_claim)
    }
}
