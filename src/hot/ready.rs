//! [`Ready`]: the directory is durably there.

use std::path::PathBuf;

use super::{HotDebris, HotHeld, hot_handle};
use crate::core::{CommitFailure, CommitRefusal};
use crate::error::{FailureKind, Fatal, IoFailure, Refused};
use crate::key::HotKey;
use crate::layout::hot_name;
use crate::state::HotState;

/// A hot directory that is durably there, owned by this handle.
///
/// **Durable now:** the directory, its entry, and the key at `ready`. **A crash here leaves** exactly
/// that. **Next:** open the chunk's database in [`path`](Self::path), without creating one that is
/// missing; [`discard`](Self::discard) once the chunk is frozen.
#[must_use = "the handle owns the key: drop it explicitly when done, or `discard` it"]
pub struct Ready {
    held: HotHeld,
}

hot_handle!(Ready);

impl Ready {
    pub(super) const fn new(held: HotHeld) -> Self {
        Self { held }
    }

    /// Where the chunk's database is.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.held.path()
    }

    /// Commits that the directory is on its way out. Close the database before it is removed.
    ///
    /// # Errors
    ///
    /// [`DiscardError`].
    pub fn discard(self) -> Result<HotDebris, DiscardError<Self>> {
        match demote(&self.held) {
            Ok(()) => Ok(HotDebris::new(self.held)),
            Err(CommitFailure::Refused(refusal)) => {
                Err(DiscardError::Refused(Refused::new(self, refusal)))
            }
            Err(CommitFailure::Fatal(fatal)) => Err(DiscardError::Fatal(fatal)),
        }
    }
}

fn demote(held: &HotHeld) -> Result<(), CommitFailure> {
    held.commit(Some(HotState::Ready), Some(HotState::Transient))
}

/// Why a hot directory was not demoted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiscardRefusal {
    /// The commit was refused.
    #[error(transparent)]
    Commit(#[from] CommitRefusal),
    /// The hot root could not be looked at.
    #[error(transparent)]
    Io(#[from] IoFailure),
    /// The directory that was missing is there.
    #[error("`{key}` is ready, and its directory `{}` is back: claim the key again", path.display())]
    DirectoryIsBack {
        /// The key.
        key: HotKey,
        /// The directory.
        path: PathBuf,
    },
}

/// A demotion of a hot directory that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DiscardError<H> {
    /// Nothing was touched; the handle is inside.
    #[error(transparent)]
    Refused(Refused<H, DiscardRefusal>),
    /// The commit failed.
    #[error(transparent)]
    Fatal(Fatal),
}

impl<H> DiscardError<H> {
    /// What this failure has left behind.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Refused(_) => FailureKind::Refused,
            Self::Fatal(_) => FailureKind::Fatal,
        }
    }
}

/// A key reads `ready`, and its directory is missing. Nothing recreates it silently.
///
/// Mount or restore what is missing and claim it again; or, if the ledgers are known to be elsewhere,
/// [`discard`](Self::discard) the key.
#[derive(thiserror::Error)]
#[error(
    "`{}` is ready, and its directory `{}` is missing: mount or restore it, or discard the key if its \
     ledgers are safe elsewhere", self.key(), path.display()
)]
pub struct DirectoryMissing {
    held: HotHeld,
    path: PathBuf,
}

hot_handle!(DirectoryMissing);

impl DirectoryMissing {
    pub(super) fn new(held: HotHeld) -> Self {
        let path = held.path();
        Self { held, path }
    }

    /// Gives the directory up for lost. If it is back by now, nothing changes.
    ///
    /// Until the handle that this returns is dropped, a directory that comes back is not removed. In a
    /// later process, the key is one of a discarded directory like any other: the recovery removes what
    /// is there.
    ///
    /// # Errors
    ///
    /// [`DiscardError`].
    pub fn discard(self) -> Result<HotDebris, DiscardError<Self>> {
        let is_back = match self.held.root().has(hot_name(self.held.chunk)) {
            Ok(is_back) => is_back,
            Err(failure) => return Err(DiscardError::Refused(Refused::new(self, failure))),
        };
        if is_back {
            let (key, path) = (self.key(), self.path.clone());
            let refusal = DiscardRefusal::DirectoryIsBack { key, path };
            return Err(DiscardError::Refused(Refused::new(self, refusal)));
        }
        match demote(&self.held) {
            Ok(()) => Ok(HotDebris::of_missing(self.held)),
            Err(CommitFailure::Refused(refusal)) => {
                Err(DiscardError::Refused(Refused::new(self, refusal)))
            }
            Err(CommitFailure::Fatal(fatal)) => Err(DiscardError::Fatal(fatal)),
        }
    }
}
