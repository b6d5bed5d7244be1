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
#[must_use = "its files and its key stay until it is unlinked and committed"]
pub struct Pruning<K: Kind> {
    claim: KindClaim<K>,
}

artifact_handle!(Pruning);

impl<K: Kind> Pruning<K> {
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
        unlink(self.claim, ArtifactState::Pruning, Self::from_claim)
    }
}
