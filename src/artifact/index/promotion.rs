//! [`Promotion`]: the index is durable, and one commit makes it the index of its window.

use std::fmt;

use super::demoted::Demoted;
use super::lease::IndexLease;
use crate::artifact::claim::ArtifactClaim;
use crate::artifact::{Prunable, Pruning};
use crate::domain::{ArtifactState, IndexKey, TxHash};
use crate::protocol::sealed::Commit;
use crate::protocol::{Changes, Committed, MadeDurable, Transition, WindowClaim};

/// Evidence that an index is on stable storage: a transition of its key, of its predecessor and of its inputs.
///
/// **Durable now:** the file and its name; the key is still at `freezing`, and the predecessor and the inputs are as they
/// were. **A crash here leaves** debris: a complete file that is never read. **Next:**
/// [`Catalog::commit`](crate::Catalog::commit), alone or with others in one batch, which gives a [`Promoted`]: all of it
/// takes effect together. Dropping it leaves the same as a power cut.
#[must_use = "the index is durable but cannot be read until `Catalog::commit` promotes it"]
pub struct Promotion {
    key: IndexKey,
    claim: ArtifactClaim,
    demoted: Demoted,
    // Dropped after the claims of the keys.
    _window: WindowClaim,
}

/// The result of a promotion. All of it is on stable storage together.
#[derive(Debug)]
#[must_use = "the predecessor and the inputs keep their files until they are swept"]
pub struct Promoted {
    /// The right to read the new index, the only frozen one of its window.
    pub index: IndexLease,
    /// The index that was frozen before, at `pruning`. Sweep it; its file goes when its readers have.
    pub predecessor: Option<Prunable>,
    /// The transaction hashes that a terminal index covers, at `pruning`, in ascending order. Sweep them.
    pub inputs: Vec<Pruning<TxHash>>,
}

impl Promotion {
    /// Of the build that the proof is of.
    pub(super) const fn of_build(
        key: IndexKey,
        claim: ArtifactClaim,
        window: WindowClaim,
        demoted: Demoted,
        _: &MadeDurable,
    ) -> Self {
        Self {
            key,
            claim,
            demoted,
            _window: window,
        }
    }

    /// The index's key.
    #[must_use]
    pub const fn key(&self) -> IndexKey {
        self.key
    }

    /// The key of the index that the promotion demotes.
    #[must_use]
    pub fn predecessor(&self) -> Option<IndexKey> {
        let predecessor = self.demoted.predecessor.as_ref();
        predecessor.map(|(key, _)| *key)
    }
}

impl Commit for Promotion {
    type Output = Promoted;

    fn gather(&self, changes: &mut Changes<'_>) {
        let [freezing, frozen, pruning] = [
            Some(ArtifactState::Freezing),
            Some(ArtifactState::Frozen),
            Some(ArtifactState::Pruning),
        ];
        changes.push(&self.claim.shared, self.claim.change(freezing, frozen));
        let inputs = self.demoted.inputs.iter().map(|input| &input.any);
        let predecessor = self.demoted.predecessor.as_ref();
        let predecessor = predecessor.map(|(_, claim)| claim);
        for demoted in predecessor.into_iter().chain(inputs) {
            changes.push(&demoted.shared, demoted.change(frozen, pruning));
        }
    }

    fn advance(self, _: &Committed) -> Promoted {
        let key = self.key;
        // The handle owns the key, so its file stays until the lease is taken.
        let reader = self.claim.shared.leases.take_index(key);
        let Demoted {
            predecessor,
            inputs,
        } = self.demoted;
        let pruning = |(_, claim)| Prunable::new(claim, ArtifactState::Pruning);
        Promoted {
            index: IndexLease::new(reader, key),
            predecessor: predecessor.map(pruning),
            inputs: inputs.into_iter().map(Pruning::from_claim).collect(),
        }
    }
}

impl Transition for Promotion {
    type Next = Promoted;
}

impl fmt::Debug for Promotion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.claim.debug("Promotion", f)
    }
}
