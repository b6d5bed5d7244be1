//! [`Demoted`]: the keys that the promotion of an index demotes, found from its coverage.

use std::sync::Arc;

use crate::artifact::claim::{ArtifactClaim, KindClaim};
use crate::domain::{ArtifactState, ChunkId, Coverage, IndexKey, Kind, TxHash};
use crate::failure::{ReadError, SyncRefusal};
use crate::protocol::Shared;

/// The keys that a promotion demotes, all `frozen`, and owned by it.
pub(super) struct Demoted {
    pub(super) predecessor: Option<(IndexKey, ArtifactClaim)>,
    pub(super) inputs: Vec<KindClaim<TxHash>>,
}

impl Demoted {
    /// Finds the keys from the coverage, and claims them.
    #[track_caller]
    pub(super) fn claim(shared: &Arc<Shared>, coverage: Coverage) -> Result<Self, SyncRefusal> {
        shared.poison.check()?;
        let predecessor = Self::predecessor(shared, coverage)?;
        let mut inputs = Vec::new();
        if coverage.is_terminal() {
            for chunk in coverage.chunks() {
                inputs.extend(Self::input(shared, chunk)?);
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
        shared: &Arc<Shared>,
        coverage: Coverage,
    ) -> Result<Option<(IndexKey, ArtifactClaim)>, SyncRefusal> {
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
        shared: &Arc<Shared>,
        chunk: ChunkId,
    ) -> Result<Option<KindClaim<TxHash>>, SyncRefusal> {
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
