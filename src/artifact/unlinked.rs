//! [`Unlinked`]: the files are durably gone, and the key may go.

use super::claim::{ArtifactClaim, KindClaim, artifact_handle};
use crate::domain::{ArtifactState, Kind};
use crate::failure::{RemovalError, RemovalRefusal, Retryable, StepError};
use crate::fs::DirChains;
use crate::protocol::sealed::Commit;
use crate::protocol::{Changes, Committed, Transition};

/// Evidence that every file of an artifact is gone from stable storage.
///
/// **Durable now:** the files' absence; the key still has its value. **A crash here leaves** a key
/// without files, which unlinking again finishes. **Next:**
/// [`Catalog::commit`](crate::Catalog::commit), alone or with others in one batch.
#[must_use = "its files are gone but its key stays until `Catalog::commit` deletes it"]
pub struct Unlinked<K: Kind> {
    claim: KindClaim<K>,
    found: ArtifactState,
}

artifact_handle!(Unlinked);

impl<K: Kind> Commit for Unlinked<K> {
    type Output = ();

    fn gather(&self, changes: &mut Changes<'_>) {
        let change = self.claim.any.change(Some(self.found), None);
        changes.push(&self.claim.any.shared, change);
    }

    fn advance(self, _: &Committed) {}
}

impl<K: Kind> Transition for Unlinked<K> {
    type Next = ();
}

/// Whether the files may go now.
pub(crate) fn check_unlink(claim: &ArtifactClaim) -> Result<(), RemovalRefusal> {
    claim.shared.poison.check()?;
    Ok(claim.shared.check_unread(claim.key())?)
}

/// Unlinks the files and makes their absence durable.
pub(super) fn unlink<H, K: Kind>(
    claim: KindClaim<K>,
    found: ArtifactState,
    handle: impl FnOnce(KindClaim<K>) -> H,
) -> Result<Unlinked<K>, RemovalError<H>> {
    if let Err(refusal) = check_unlink(&claim.any) {
        return Err(StepError::refused(handle(claim), refusal));
    }
    let mut chains = DirChains::default();
    if let Err(source) = claim.any.unlink_files(&mut chains) {
        let key = claim.any.key();
        return Err(Retryable::Remove { key, source }.into());
    }
    let shared = &claim.any.shared;
    // The directory of a chunk's artifact is not removed, so none is left.
    drop(shared.sync_absence(chains)?);
    Ok(Unlinked { claim, found })
}
