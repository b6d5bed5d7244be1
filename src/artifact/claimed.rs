//! Claiming whatever a key names, and finding out its state.

use std::sync::Arc;

use super::{Debris, Frozen, Held, Prunable, Pruning};
use crate::claim::AlreadyClaimed;
use crate::core::Core;
use crate::error::{FailureKind, ReadError};
use crate::geometry::ChunkId;
use crate::key::ArtifactKey;
use crate::kind::Kind;
use crate::state::ArtifactState;

/// What was found under a key, owned.
#[derive(Debug)]
#[must_use = "the handle inside owns the key"]
pub enum Artifact<K: Kind> {
    /// Nothing; the key is not claimed.
    Absent,
    /// A mark without a writer.
    Debris(Debris<K>),
    /// A whole artifact.
    Frozen(Frozen<K>),
    /// An artifact on its way out.
    Pruning(Pruning<K>),
}

/// Why a key could not be claimed.
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

impl ClaimError {
    /// What this failure has left behind.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        FailureKind::Refused
    }
}

impl Held {
    #[track_caller]
    pub(super) fn claim(core: &Arc<Core>, key: ArtifactKey) -> Result<Self, AlreadyClaimed> {
        let claim = core.claims.claim(key.into())?;
        Ok(Self {
            core: Arc::clone(core),
            claim,
            key,
        })
    }
}

/// Claims an artifact in whatever state it is. The state is read under the claim.
#[track_caller]
pub(crate) fn claim<K: Kind>(core: &Arc<Core>, chunk: ChunkId) -> Result<Artifact<K>, ClaimError> {
    let kind = K::KIND;
    let held = Held::claim(core, ArtifactKey { chunk, kind })?;
    Ok(match core.get(held.key)? {
        None => Artifact::Absent,
        Some(ArtifactState::Freezing) => Artifact::Debris(Debris::new(held)),
        Some(ArtifactState::Frozen) => Artifact::Frozen(Frozen::from_held(held)),
        Some(ArtifactState::Pruning) => Artifact::Pruning(Pruning::from_held(held)),
    })
}

/// Claims whatever a key names, to prune it.
#[track_caller]
pub(crate) fn claim_any(
    core: &Arc<Core>,
    key: ArtifactKey,
) -> Result<Option<Prunable>, ClaimError> {
    let held = Held::claim(core, key)?;
    let state = core.get(key)?;
    Ok(state.map(|found| Prunable { held, found }))
}
