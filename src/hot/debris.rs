//! [`HotDebris`]: a directory that was being created or discarded.

use std::path::PathBuf;

use super::transient::materialize;
use super::{HotHeld, Transient, hot_handle};
use crate::core::CommitRefusal;
use crate::error::{FailureKind, Fatal, IoFailure, Poisoned, Refused};
use crate::key::HotKey;
use crate::layout::hot_name;

/// A hot directory whose creation or removal has not been finished.
///
/// **Durable now:** the key, at `transient`; any part of the directory. It is never opened. **A crash
/// here leaves** the same. **Next:** [`recreate`](Self::recreate) to begin with an empty directory, or
/// [`remove`](Self::remove) to finish the discard.
#[must_use = "the directory and its key stay until it is recreated or removed"]
pub struct HotDebris {
    held: HotHeld,
    /// Its directory was missing when the key was given up: one that is there now is another matter.
    is_missing: bool,
}

hot_handle!(HotDebris);

impl HotDebris {
    pub(super) const fn new(held: HotHeld) -> Self {
        Self {
            held,
            is_missing: false,
        }
    }

    pub(super) const fn of_missing(held: HotHeld) -> Self {
        Self {
            held,
            is_missing: true,
        }
    }

    /// Refuses if the directory was given up while it was missing, and is there now.
    fn check(&self) -> Result<(), HotDebrisRefusal> {
        self.held.core.poison.check()?;
        if self.is_missing && self.held.root().has(hot_name(self.held.chunk))? {
            let (key, path) = (self.key(), self.held.path());
            return Err(HotDebrisRefusal::DirectoryIsBack { key, path });
        }
        Ok(())
    }

    /// Wipes what is there and creates the directory anew, empty.
    ///
    /// # Errors
    ///
    /// [`RecreateError`].
    pub fn recreate(self) -> Result<Transient, RecreateError<Self>> {
        if let Err(refusal) = self.check() {
            return Err(RecreateError::Refused(Refused::new(self, refusal)));
        }
        let key = self.key();
        // A directory that comes back from here on is in the way.
        materialize(self.held, !self.is_missing)
            .map_err(|source| RecreateError::Rewritable { key, source })
    }

    /// Removes the directory with all that is in it, makes its absence durable and deletes the key.
    /// A directory that is missing is fine.
    ///
    /// # Errors
    ///
    /// [`RemoveError`].
    pub fn remove(self) -> Result<(), RemoveError<Self>> {
        if let Err(refusal) = self.check() {
            return Err(RemoveError::Refused(Refused::new(self, refusal)));
        }
        self.held.remove(!self.is_missing)
    }
}

/// Why what is left of a hot directory was not touched.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HotDebrisRefusal {
    /// The catalog refuses everything.
    #[error(transparent)]
    Poisoned(#[from] Poisoned),
    /// The hot root could not be looked at.
    #[error(transparent)]
    Io(#[from] IoFailure),
    /// The directory was missing when its key was given up, and is there now.
    #[error(
        "`{key}` was given up while its directory was missing, and `{}` is back: move it away if it holds \
         ledgers that are not frozen; to remove it, drop this handle and claim the key again",
        path.display()
    )]
    DirectoryIsBack {
        /// The key.
        key: HotKey,
        /// The directory.
        path: PathBuf,
    },
}

/// A hot directory that could not be made anew.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecreateError<H> {
    /// Nothing was touched; the handle is inside.
    #[error(transparent)]
    Refused(Refused<H, HotDebrisRefusal>),
    /// The directory could not be wiped or made. The handle is gone, the key stays `transient`.
    #[error(
        "`{key}` stays `transient`, because its directory could not be made anew: claim it again"
    )]
    Rewritable {
        /// The key.
        key: HotKey,
        /// What went wrong.
        source: IoFailure,
    },
}

impl<H> RecreateError<H> {
    /// What this failure has left behind.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Refused(_) => FailureKind::Refused,
            Self::Rewritable { .. } => FailureKind::Rewritable,
        }
    }
}

/// A hot directory that could not be removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoveError<H> {
    /// Nothing was touched; the handle is inside.
    #[error(transparent)]
    Refused(Refused<H, HotDebrisRefusal>),
    /// The directory could not be removed. The handle is gone, the key stays `transient`.
    #[error(
        "`{key}` stays `transient`, because its directory could not be removed: claim it again"
    )]
    Rewritable {
        /// The key.
        key: HotKey,
        /// What went wrong.
        source: IoFailure,
    },
    /// The directory is gone, and the deletion of its key was refused.
    #[error(
        "the directory is gone, and `{key}` stays: open the catalog again if the cause says so, then \
         claim it again to finish"
    )]
    Commit {
        /// The key.
        key: HotKey,
        /// Why it was refused.
        source: CommitRefusal,
    },
    /// An fsync or the commit failed.
    #[error(transparent)]
    Fatal(Fatal),
}

impl<H> RemoveError<H> {
    /// What this failure has left behind.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Refused(_) => FailureKind::Refused,
            Self::Rewritable { .. } | Self::Commit { .. } => FailureKind::Rewritable,
            Self::Fatal(_) => FailureKind::Fatal,
        }
    }
}
