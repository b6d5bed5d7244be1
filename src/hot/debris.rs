//! [`HotDebris`]: a directory that was being created or discarded.

use super::transient::materialize;
use super::{HotHeld, Transient, hot_handle};
use crate::core::CommitRefusal;
use crate::error::{FailureKind, Fatal, IoFailure, Poisoned, Refused};
use crate::key::HotKey;

/// A hot directory whose creation or removal has not been finished.
///
/// **Durable now:** the key, at `transient`; any part of the directory. It is never opened. **A crash
/// here leaves** the same. **Next:** [`recreate`](Self::recreate) to begin with an empty directory, or
/// [`remove`](Self::remove) to finish the discard.
#[must_use = "the directory and its key stay until it is recreated or removed"]
pub struct HotDebris {
    held: HotHeld,
}

hot_handle!(HotDebris);

impl HotDebris {
    pub(super) const fn new(held: HotHeld) -> Self {
        Self { held }
    }

    /// Wipes what is there and creates the directory anew, empty.
    ///
    /// # Errors
    ///
    /// [`RecreateError`].
    pub fn recreate(self) -> Result<Transient, RecreateError<Self>> {
        if let Err(poisoned) = self.held.core.poison.check() {
            return Err(RecreateError::Refused(Refused::new(self, poisoned)));
        }
        let key = self.key();
        materialize(self.held).map_err(|source| RecreateError::Rewritable { key, source })
    }

    /// Removes the directory with all that is in it, makes its absence durable and deletes the key.
    /// A directory that is missing is fine.
    ///
    /// # Errors
    ///
    /// [`RemoveError`].
    pub fn remove(self) -> Result<(), RemoveError<Self>> {
        self.held.remove(Self::new)
    }
}

/// A hot directory that could not be made anew.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecreateError<H> {
    /// Nothing was touched; the handle is inside.
    #[error(transparent)]
    Refused(Refused<H, Poisoned>),
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
    Refused(Refused<H, Poisoned>),
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
