//! [`Transient`]: marked and just created; it may become ready.

use std::path::PathBuf;
use std::sync::Arc;

use super::{HotHeld, Ready, RemoveError, hot_handle};
use crate::claim::AlreadyClaimed;
use crate::core::{CommitFailure, CommitRefusal, Core};
use crate::error::{FailureKind, Fatal, IoFailure, Poisoned, ReadError, Refused};
use crate::fs::Dir;
use crate::geometry::ChunkId;
use crate::key::HotKey;
use crate::layout::hot_name;
use crate::state::HotState;

/// A hot directory that this process has just created, empty.
///
/// **Durable now:** the key, at `transient`; nothing of the directory. **A crash here leaves** the
/// key and perhaps the directory: [`HotDebris`](crate::HotDebris). **Next:** create the chunk's
/// database in [`path`](Self::path), then [`ready`](Self::ready); or [`abandon`](Self::abandon).
#[must_use = "the directory cannot be relied upon until it is `ready`"]
pub struct Transient {
    held: HotHeld,
    directory: Dir,
}

hot_handle!(Transient);

/// Why a hot directory could not be created.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateHotError {
    /// A handle in this process owns the key.
    #[error(transparent)]
    Claimed(#[from] AlreadyClaimed),
    /// The directory is ready, and may be the only copy of its ledgers.
    #[error(
        "`{key}` is ready, and may be the only copy of its ledgers: open it, or discard it first"
    )]
    AlreadyReady {
        /// The key.
        key: HotKey,
    },
    /// A directory has no key: it is not this library's to wipe.
    #[error(
        "`{}` exists although `{key}` has no value: the catalog does not belong to these roots, or \
         somebody put it there; move it away", path.display()
    )]
    StrayDirectory {
        /// The key.
        key: HotKey,
        /// The directory.
        path: PathBuf,
    },
    /// The catalog could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The hot root could not be looked at.
    #[error(transparent)]
    Io(#[from] IoFailure),
    /// The mark was refused.
    #[error(transparent)]
    Commit(CommitRefusal),
    /// The mark is there, but the directory could not be made.
    #[error("`{key}` is marked, but its directory cannot be made: create it again")]
    Rewritable {
        /// The key.
        key: HotKey,
        /// What went wrong.
        source: IoFailure,
    },
    /// The mark's commit failed.
    #[error(transparent)]
    Fatal(Fatal),
}

impl CreateHotError {
    /// What this failure has left behind.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Rewritable { .. } => FailureKind::Rewritable,
            Self::Fatal(_) => FailureKind::Fatal,
            _ => FailureKind::Refused,
        }
    }
}

/// Absent or transient → [`Transient`]: marks first, then wipes what an earlier attempt left, then
/// creates.
#[track_caller]
pub(crate) fn create(core: &Arc<Core>, chunk: ChunkId) -> Result<Transient, CreateHotError> {
    let key = HotKey { chunk };
    let held = HotHeld::claim(core, chunk)?;
    match core.get(key)? {
        Some(HotState::Ready) => return Err(CreateHotError::AlreadyReady { key }),
        Some(HotState::Transient) => {}
        None => {
            if held.root().has(hot_name(chunk))? {
                let path = held.path();
                return Err(CreateHotError::StrayDirectory { key, path });
            }
            match held.commit(None, Some(HotState::Transient)) {
                Ok(()) => {}
                Err(CommitFailure::Refused(refusal)) => {
                    return Err(CreateHotError::Commit(refusal));
                }
                Err(CommitFailure::Fatal(fatal)) => return Err(CreateHotError::Fatal(fatal)),
            }
        }
    }
    materialize(held, true).map_err(|source| CreateHotError::Rewritable { key, source })
}

/// Makes an empty directory, in place of whatever an earlier attempt left, if that is to be wiped.
pub(super) fn materialize(held: HotHeld, wipes: bool) -> Result<Transient, IoFailure> {
    let name = hot_name(held.chunk);
    let root = held.root();
    if wipes {
        root.remove_tree(&name)?;
    }
    root.create_dir(&name)?;
    let directory = root.open_dir(&name)?;
    Ok(Transient { held, directory })
}

impl Transient {
    /// Where to create the chunk's database.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.held.path()
    }

    /// Makes the directory's entries and its own entry durable, then flips the key.
    ///
    /// What the files inside hold is for the database that writes them to make durable before.
    ///
    /// # Errors
    ///
    /// [`ReadyError`].
    pub fn ready(self) -> Result<Ready, ReadyError> {
        if let Err(refusal) = self.check() {
            return Err(ReadyError::Refused(Refused::new(self, refusal)));
        }
        let synced = self.held.sync_root(Some(&self.directory));
        synced.map_err(ReadyError::Fatal)?;
        let flip = (Some(HotState::Transient), Some(HotState::Ready));
        match self.held.commit(flip.0, flip.1) {
            Ok(()) => Ok(Ready::new(self.held)),
            Err(CommitFailure::Refused(refusal)) => {
                Err(ReadyError::Refused(Refused::new(self, refusal)))
            }
            Err(CommitFailure::Fatal(fatal)) => Err(ReadyError::Fatal(fatal)),
        }
    }

    /// The directory that is about to be ready must still be the one that was created.
    fn check(&self) -> Result<(), ReadyRefusal> {
        self.held.core.poison.check()?;
        let named = self.held.root().find_dir(hot_name(self.held.chunk))?;
        let named = named.map(|directory| directory.identity()).transpose()?;
        if named == Some(self.directory.identity()?) {
            return Ok(());
        }
        Err(ReadyRefusal::Replaced { path: self.path() })
    }

    /// Gives up on the directory: removes it durably and deletes the key.
    ///
    /// # Errors
    ///
    /// [`RemoveError`].
    pub fn abandon(self) -> Result<(), RemoveError<Self>> {
        if let Err(poisoned) = self.held.core.poison.check() {
            return Err(RemoveError::Refused(Refused::new(self, poisoned)));
        }
        self.held.remove(true)
    }
}

/// Why a directory was not made ready.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadyRefusal {
    /// The catalog refuses everything.
    #[error(transparent)]
    Poisoned(#[from] Poisoned),
    /// The directory could not be looked at.
    #[error(transparent)]
    Io(#[from] IoFailure),
    /// The directory is missing, or another one has its name.
    #[error(
        "`{}` is not the directory that was created any more: drop the handle and create it again",
        path.display()
    )]
    Replaced {
        /// The directory's path.
        path: PathBuf,
    },
    /// The flip was refused.
    #[error(transparent)]
    Commit(#[from] CommitRefusal),
}

/// A hot directory that could not be made ready.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadyError {
    /// The key is still at `transient`; the handle is inside.
    #[error(transparent)]
    Refused(Refused<Transient, ReadyRefusal>),
    /// An fsync or the commit failed.
    #[error(transparent)]
    Fatal(Fatal),
}

impl ReadyError {
    /// What this failure has left behind.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Refused(_) => FailureKind::Refused,
            Self::Fatal(_) => FailureKind::Fatal,
        }
    }
}
