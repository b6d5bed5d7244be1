//! [`BegunMissing`]: the kinds of a chunk that are not frozen, as far as they can be begun.

use std::sync::Arc;

use super::begin::Begin;
use super::set::{BeginSet, FreezingSet};
use crate::domain::{ArtifactSet, ArtifactState, ChunkId, Kind};
use crate::failure::{BeginRefusal, ReadError};
use crate::fs::DirChains;
use crate::protocol::Shared;

/// The kinds of a chunk that were missing and could be begun, and the reasons for which the others could not.
#[derive(Debug)]
#[must_use = "dropping it leaves the keys at `freezing`, as a power cut would: `sync` the set"]
pub struct BegunMissing {
    /// The begun kinds. A kind that is frozen, or was not asked for, is `None`, as is a kind that was refused.
    pub set: FreezingSet,
    /// One reason for each kind that was refused, with its key.
    pub refused: Vec<BeginRefusal>,
}

/// The intent to write the kinds that are not frozen, and the reasons for which some of them cannot be begun.
#[track_caller]
pub(crate) fn intend_missing(
    shared: &Arc<Shared>,
    chunk: ChunkId,
    wanted: ArtifactSet,
) -> Result<(BeginSet, Vec<BeginRefusal>), BeginRefusal> {
    shared.poison.check().map_err(ReadError::from)?;
    let mut chains = DirChains::default();
    let mut refused = Vec::new();
    let set = BeginSet {
        chunk,
        ledgers: find(shared, chunk, wanted, &mut chains, &mut refused)?,
        events: find(shared, chunk, wanted, &mut chains, &mut refused)?,
        txhash: find(shared, chunk, wanted, &mut chains, &mut refused)?,
    };
    Ok((set, refused))
}

#[track_caller]
fn find<K: Kind<Id = ChunkId>>(
    shared: &Arc<Shared>,
    chunk: ChunkId,
    wanted: ArtifactSet,
    chains: &mut DirChains,
    refused: &mut Vec<BeginRefusal>,
) -> Result<Option<Begin<K>>, BeginRefusal> {
    if !wanted.contains(K::KIND) {
        return Ok(None);
    }
    // Before the claim: the owner of a frozen key, such as a sweep, is not in the way of the plan.
    let found = shared.get(K::key(chunk));
    if matches!(found, Ok(Some(ArtifactState::Frozen))) {
        return Ok(None);
    }
    match Begin::find(shared, chunk, chains) {
        Ok(begin) => Ok(Some(begin)),
        // It has become frozen since.
        Err(BeginRefusal::AlreadyFrozen { .. }) => Ok(None),
        Err(
            refusal @ (BeginRefusal::Claimed(_)
            | BeginRefusal::Leased(_)
            | BeginRefusal::Stray { .. }
            | BeginRefusal::Read(ReadError::Value(_))),
        ) => {
            refused.push(refusal);
            Ok(None)
        }
        Err(refusal) => Err(refusal),
    }
}
