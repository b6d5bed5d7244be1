//! Claiming the artifact of a key, in the state that it is in.

use std::sync::Arc;

use super::claim::{ArtifactClaim, KindClaim};
use super::debris::Debris;
use super::frozen::Frozen;
use super::prunable::Prunable;
use super::pruning::Pruning;
use crate::domain::{ArtifactState, FileKey, Key, Kind};
use crate::failure::{AlreadyClaimed, Failure, FailureKind, NextStep, ReadError};
use crate::protocol::Shared;

/// The artifact of a key, owned, in the state that the key is in.
#[derive(Debug)]
#[must_use = "the handle inside owns the key"]
pub enum Artifact<K: Kind> {
    /// The key is absent, and is not claimed.
    Absent,
    /// A `freezing` key without a writer.
    Debris(Debris<K>),
    /// A complete artifact.
    Frozen(Frozen<K>),
    /// An artifact that is being removed.
    Pruning(Pruning<K>),
}

/// The reason for which a key could not be claimed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// A handle in this process owns the key.
    #[error(transparent)]
    Claimed(#[from] AlreadyClaimed),
    /// The catalog could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Failure for ClaimError {
    fn kind(&self) -> FailureKind {
        FailureKind::Refused
    }

    fn next(&self) -> NextStep {
        match self {
            Self::Claimed(claimed) => claimed.next(),
            Self::Read(error) => error.next(),
        }
    }

    fn key(&self) -> Option<Key> {
        match self {
            Self::Claimed(claimed) => claimed.key(),
            Self::Read(error) => error.key(),
        }
    }
}

/// Claims an artifact in the state that it is in. The state is read under the claim.
#[track_caller]
pub(crate) fn claim<K: Kind>(shared: &Arc<Shared>, id: K::Id) -> Result<Artifact<K>, ClaimError> {
    let claim = KindClaim::new(shared, id)?;
    Ok(match shared.get(K::key(id))? {
        None => Artifact::Absent,
        Some(ArtifactState::Freezing) => Artifact::Debris(Debris::from_claim(claim)),
        Some(ArtifactState::Frozen) => Artifact::Frozen(Frozen::from_claim(claim)),
        Some(ArtifactState::Pruning) => Artifact::Pruning(Pruning::from_claim(claim)),
    })
}

/// Claims an artifact whose kind is known at run time, or an index, to prune it.
#[track_caller]
pub(crate) fn claim_for_pruning(
    shared: &Arc<Shared>,
    key: FileKey,
) -> Result<Option<Prunable>, ClaimError> {
    let claim = ArtifactClaim::new(shared, key)?;
    let state = match key {
        FileKey::Artifact(key) => shared.get(key)?,
        FileKey::Index(key) => shared.get(key)?,
    };
    Ok(state.map(|found| Prunable { claim, found }))
}
