//! Claiming a hot directory, in the state that it is in.

use std::sync::Arc;

use super::claim::HotClaim;
use super::debris::HotDebris;
use super::missing::DirectoryMissing;
use super::ready::Ready;
use crate::domain::{ChunkId, HotKey, HotState};
use crate::failure::{AlreadyClaimed, Error, Failure, FailureKind, IoFailure, NextStep, ReadError};
use crate::protocol::Shared;

/// The hot directory of a key, owned, in the state that the key is in.
#[derive(Debug)]
#[must_use = "the handle inside owns the key"]
pub enum Hot {
    /// The key is absent, and is not claimed.
    Absent,
    /// A directory that was being created or discarded.
    Debris(HotDebris),
    /// A directory that may be the only copy of its ledgers.
    Ready(Ready),
}

/// The reason for which a hot key could not be claimed. Nothing was changed.
///
/// While a [`DirectoryMissing`] is kept, the handle in it keeps its key claimed, the catalog open and the roots locked.
/// Dropping the error, or turning it into an [`Error`], lets go.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimHotError {
    /// A handle in this process owns the key.
    #[error(transparent)]
    Claimed(#[from] AlreadyClaimed),
    /// The catalog could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The directory could not be read.
    #[error(transparent)]
    Io(#[from] IoFailure),
    /// The key is at `ready` and the directory is missing: the caller decides.
    #[error(transparent)]
    DirectoryMissing(Box<DirectoryMissing>),
}

impl ClaimHotError {
    /// The consequence of the failure.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        FailureKind::Refused
    }

    /// The act that follows the failure.
    #[must_use]
    pub fn next(&self) -> NextStep {
        match self {
            Self::Claimed(claimed) => claimed.next(),
            Self::Read(error) => error.next(),
            Self::Io(failure) => failure.next(),
            Self::DirectoryMissing(_) => NextStep::Person,
        }
    }
}

/// Drops the handle of a missing directory.
impl From<ClaimHotError> for Error {
    fn from(error: ClaimHotError) -> Self {
        match error {
            ClaimHotError::Claimed(error) => error.into(),
            ClaimHotError::Read(error) => error.into(),
            ClaimHotError::Io(error) => error.into(),
            ClaimHotError::DirectoryMissing(missing) => missing.into_missing().into(),
        }
    }
}

/// Claims a hot directory in the state that it is in.
#[track_caller]
pub(crate) fn claim(shared: &Arc<Shared>, chunk: ChunkId) -> Result<Hot, ClaimHotError> {
    let claim = HotClaim::new(shared, chunk)?;
    match shared.get(HotKey { chunk })? {
        None => Ok(Hot::Absent),
        Some(HotState::Transient) => Ok(Hot::Debris(HotDebris::new(claim))),
        Some(HotState::Ready) => match claim.root().find_dir(claim.name())? {
            Some(_directory) => Ok(Hot::Ready(Ready::new(claim))),
            None => Err(ClaimHotError::DirectoryMissing(Box::new(
                DirectoryMissing::new(claim),
            ))),
        },
    }
}
