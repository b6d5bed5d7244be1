//! Hot directories: one file per state.
//!
//! A directory may become ready only in the hands of the process that has just created it. What a
//! restart finds at `transient`, and what is being discarded, is [`HotDebris`]: it can be made again
//! or removed, never promoted.

mod debris;
mod ready;
mod transient;

pub use debris::{HotDebris, HotDebrisRefusal, RecreateError, RemoveError};
pub use ready::{DirectoryMissing, DiscardError, DiscardRefusal, Ready};
pub(crate) use transient::create;
pub use transient::{CreateHotError, ReadyError, ReadyRefusal, Transient};

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::claim::{AlreadyClaimed, Claim};
use crate::core::{Change, CommitFailure, Core};
use crate::error::{FailureKind, Fatal, IoFailure, ReadError};
use crate::fs::Dir;
use crate::geometry::ChunkId;
use crate::key::HotKey;
use crate::layout::{RootRole, hot_name};
use crate::state::HotState;

/// The claim on a hot directory's key, and where to work on it.
pub(crate) struct HotHeld {
    core: Arc<Core>,
    claim: Claim,
    chunk: ChunkId,
}

/// What was found under a hot key, owned.
#[derive(Debug)]
#[must_use = "the handle inside owns the key"]
pub enum Hot {
    /// Nothing; the key is not claimed.
    Absent,
    /// A directory that was being created or discarded.
    Debris(HotDebris),
    /// A directory that may be the only copy of its ledgers.
    Ready(Ready),
}

/// Why a hot key could not be claimed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimHotError {
    /// A handle in this process owns the key.
    #[error(transparent)]
    Claimed(#[from] AlreadyClaimed),
    /// The catalog could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The directory could not be looked at.
    #[error(transparent)]
    Io(#[from] IoFailure),
    /// The key is at `ready` and the directory is missing: for the caller to decide.
    #[error(transparent)]
    DirectoryMissing(Box<DirectoryMissing>),
}

impl ClaimHotError {
    /// What this failure has left behind.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        FailureKind::Refused
    }
}

/// Claims a hot directory in whatever state it is.
#[track_caller]
pub(crate) fn claim(core: &Arc<Core>, chunk: ChunkId) -> Result<Hot, ClaimHotError> {
    let held = HotHeld::claim(core, chunk)?;
    match core.get(HotKey { chunk })? {
        None => Ok(Hot::Absent),
        Some(HotState::Transient) => Ok(Hot::Debris(HotDebris::new(held))),
        Some(HotState::Ready) => match held.root().find_dir(hot_name(chunk))? {
            Some(_directory) => Ok(Hot::Ready(Ready::new(held))),
            None => Err(ClaimHotError::DirectoryMissing(Box::new(
                DirectoryMissing::new(held),
            ))),
        },
    }
}

impl HotHeld {
    #[track_caller]
    fn claim(core: &Arc<Core>, chunk: ChunkId) -> Result<Self, AlreadyClaimed> {
        let claim = core.claims.claim(HotKey { chunk }.into())?;
        Ok(Self {
            core: Arc::clone(core),
            claim,
            chunk,
        })
    }

    fn root(&self) -> &Arc<Dir> {
        self.core.roots.dir(RootRole::Hot)
    }

    fn path(&self) -> PathBuf {
        self.core.layout.hot_path(self.chunk)
    }

    fn commit(
        &self,
        expected: Option<HotState>,
        next: Option<HotState>,
    ) -> Result<(), CommitFailure> {
        self.core.commit(&[Change {
            key: self.claim.key(),
            expected: expected.map(HotState::as_str),
            next: next.map(HotState::as_str),
        }])
    }

    /// Removes the directory with all that is in it, if there is one to remove, makes its absence
    /// durable and deletes the key.
    fn remove<H>(self, is_there: bool) -> Result<(), RemoveError<H>> {
        let name = hot_name(self.chunk);
        let key = HotKey { chunk: self.chunk };
        if is_there {
            let removed = self.root().remove_tree(name);
            removed.map_err(|source| RemoveError::Rewritable { key, source })?;
        }
        self.sync_root(None).map_err(RemoveError::Fatal)?;
        match self.commit(Some(HotState::Transient), None) {
            Ok(()) => Ok(()),
            Err(CommitFailure::Refused(source)) => Err(RemoveError::Commit { key, source }),
            Err(CommitFailure::Fatal(fatal)) => Err(RemoveError::Fatal(fatal)),
        }
    }

    /// Makes the entries of the hot root durable, and before that those of a directory in it.
    fn sync_root(&self, inside: Option<&Dir>) -> Result<(), Fatal> {
        let Core {
            durable, poison, ..
        } = &*self.core;
        durable.sync_root(self.root(), inside, poison)
    }

    fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{name}({})", self.claim.key())
    }
}

/// What every hot handle has in common.
macro_rules! hot_handle {
    ($name:ident) => {
        impl $name {
            /// The directory's chunk.
            #[must_use]
            pub const fn chunk(&self) -> crate::geometry::ChunkId {
                self.held.chunk
            }

            /// The directory's key.
            #[must_use]
            pub const fn key(&self) -> crate::key::HotKey {
                crate::key::HotKey {
                    chunk: self.held.chunk,
                }
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.held.debug(stringify!($name), f)
            }
        }
    };
}
use hot_handle;
