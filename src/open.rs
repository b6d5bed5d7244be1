//! [`OpenError`]: why a catalog could not be opened.

use std::path::PathBuf;

use crate::error::{FailureKind, IoFailure, StoreFailure};
use crate::store::{LogDamage, NotACatalog, OpenFailure};

/// Why a catalog could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The directory could not be read, written or synced.
    #[error("the catalog root `{}` cannot be used", path.display())]
    Io {
        /// The catalog root.
        path: PathBuf,
        /// What went wrong.
        source: IoFailure,
    },
    /// The store refused.
    #[error(transparent)]
    Store(StoreFailure),
    /// The directory holds something else.
    #[error(
        "`{}` holds `{found}` but no catalog (no `CURRENT`): if the catalog was damaged, restore it; \
         if it is another directory, name the right one; nothing was changed", path.display()
    )]
    NotACatalog {
        /// The catalog root.
        path: PathBuf,
        /// Something that is there.
        found: String,
    },
    /// The catalog's log or manifest is damaged in the middle: acknowledged records are lost.
    #[error(
        "the catalog's file `{}` is damaged at byte {offset}, and acknowledged records follow: a power \
         cut cannot do this; restore the catalog from a copy", path.display()
    )]
    Damaged {
        /// The log or manifest.
        path: PathBuf,
        /// Bytes from its beginning to the damage.
        offset: usize,
    },
    /// The path leads to another directory than the one that was locked.
    #[error("`{}` is not the directory that was locked any more: lock the roots again", path.display())]
    Moved {
        /// The catalog root.
        path: PathBuf,
    },
}

impl OpenError {
    /// What this failure has left behind.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Io { source, .. } if source.is_sync() => FailureKind::Fatal,
            _ => FailureKind::Refused,
        }
    }

    pub(crate) fn new(failure: OpenFailure, path: PathBuf) -> Self {
        match failure {
            OpenFailure::Io(source) => Self::Io { path, source },
            OpenFailure::Store(failure) => Self::Store(failure),
            OpenFailure::NotACatalog(NotACatalog { found }) => Self::NotACatalog { path, found },
            OpenFailure::Damaged(LogDamage { path, offset }) => Self::Damaged { path, offset },
            OpenFailure::Moved => Self::Moved { path },
        }
    }
}
