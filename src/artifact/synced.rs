//! [`Synced`]: the files are durable, and the flip may be committed.

use super::claim::{KindClaim, artifact_handle};
use super::frozen::Frozen;
use crate::domain::{ArtifactState, Kind, Ledgers};
use crate::protocol::evident::Evident;
use crate::protocol::sealed::Commit;
use crate::protocol::{Changes, Committed, Evidence, MadeDurable, Transition, Witnesses};

/// Evidence that every file of an artifact, and every directory entry that leads to one, is on
/// stable storage.
///
/// **Durable now:** the files and their names; the key is still at `freezing`. **A crash here
/// leaves** [`Debris`](crate::Debris): complete files that are never read. **Next:**
/// [`Catalog::commit`](crate::Catalog::commit), alone or with others in one batch.
#[must_use = "its files are durable but cannot be read until `Catalog::commit` flips the key"]
pub struct Synced<K: Kind> {
    claim: KindClaim<K>,
}

artifact_handle!(Synced);

impl<K: Kind> Synced<K> {
    /// Of a member of the set of files that the proof is of.
    pub(super) const fn new(claim: KindClaim<K>, _: &MadeDurable) -> Self {
        Self { claim }
    }

    pub(super) fn witness(&self, witnesses: &mut Witnesses<'_>) {
        witnesses.add(self.key(), &self.claim.any.shared.roots);
    }
}

impl Evident for Synced<Ledgers> {
    fn attest(&self, witnesses: &mut Witnesses<'_>) {
        self.witness(witnesses);
    }
}

/// The commit that retires the directory must contain it as well.
impl Evidence for Synced<Ledgers> {}

impl<K: Kind> Commit for Synced<K> {
    type Output = Frozen<K>;

    fn gather(&self, changes: &mut Changes<'_>) {
        let next = Some(ArtifactState::Frozen);
        let change = self.claim.any.change(Some(ArtifactState::Freezing), next);
        changes.push(&self.claim.any.shared, change);
    }

    fn advance(self, _: &Committed) -> Frozen<K> {
        Frozen::from_claim(self.claim)
    }
}

impl<K: Kind> Transition for Synced<K> {
    type Next = Frozen<K>;
}
