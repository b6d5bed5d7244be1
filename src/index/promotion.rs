//! [`Promotion`]: the index is durable, and one commit makes it the index of its window.

use std::fmt;

use super::build::IndexBuild;
use super::lease::IndexLease;
use crate::artifact::claim::{ArtifactClaim, KindClaim};
use crate::artifact::{Prunable, Pruning};
use crate::domain::{ArtifactState, ChunkId, Coverage, IndexKey, Kind, TxHash};
use crate::failure::{ReadError, SyncRefusal};
use crate::protocol::sealed::Commit;
use crate::protocol::{Changes, Committed, MadeDurable, Transition, WindowClaim};

/// The keys that a promotion demotes, all `frozen`, and owned by it.
pub(super) struct Demoted {
    predecessor: Option<(IndexKey, ArtifactClaim)>,
    inputs: Vec<KindClaim<TxHash>>,
}

impl Demoted {
    /// Finds the keys from the coverage, and claims them.
    #[track_caller]
    pub(super) fn claim(build: &IndexBuild) -> Result<Self, SyncRefusal> {
        let shared = &build.claim().shared;
        shared.poison.check()?;
        let coverage = build.coverage();
        let predecessor = Self::predecessor(build.claim(), coverage)?;
        let mut inputs = Vec::new();
        if coverage.is_terminal() {
            for chunk in coverage.chunks() {
                inputs.extend(Self::input(build.claim(), chunk)?);
            }
        }
        Ok(Self {
            predecessor,
            inputs,
        })
    }

    /// Claims the frozen index of the window. The build has the window, so no other index becomes frozen; an owner of the
    /// frozen one may demote it before it is claimed here.
    #[track_caller]
    fn predecessor(
        claim: &ArtifactClaim,
        coverage: Coverage,
    ) -> Result<Option<(IndexKey, ArtifactClaim)>, SyncRefusal> {
        let shared = &claim.shared;
        loop {
            let states = shared.snapshot()?;
            let Some(frozen) = states.indexes().frozen_of(coverage.window())? else {
                return Ok(None);
            };
            let predecessor = ArtifactClaim::new(shared, frozen)?;
            if shared.get(frozen)? == Some(ArtifactState::Frozen) {
                return Ok(Some((frozen, predecessor)));
            }
        }
    }

    /// Claims the transaction hashes of a chunk, if they are frozen. An owner that is pruning them is not in the way.
    #[track_caller]
    fn input(
        claim: &ArtifactClaim,
        chunk: ChunkId,
    ) -> Result<Option<KindClaim<TxHash>>, SyncRefusal> {
        let shared = &claim.shared;
        let is_frozen = || -> Result<bool, ReadError> {
            Ok(shared.state(TxHash::key(chunk))? == Some(ArtifactState::Frozen))
        };
        match KindClaim::new(shared, chunk) {
            Ok(input) => Ok(is_frozen()?.then_some(input)),
            Err(claimed) if is_frozen()? => Err(claimed.into()),
            Err(_) => Ok(None),
        }
    }
}

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
