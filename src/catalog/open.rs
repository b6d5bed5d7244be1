//! The reasons for which a catalog could not be opened or closed.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use crate::failure::{
    AlreadyClaimed, Failure, FailureKind, IoFailure, NextStep, Operation, StoreFailure,
};
use crate::store::{Damage, DamageKind, Full, NotACatalog, OpenFailure};

/// Why a catalog could not be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The directory could not be read, written or synced.
    #[error("the catalog root `{}` cannot be used", path.display())]
    Io {
        /// The catalog root.
        path: PathBuf,
        /// The failed operation.
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
    /// A file of the catalog is damaged or missing: acknowledged batches are lost, or may be.
    #[error(
        "the catalog's file `{}` cannot be relied upon: {kind}; nothing was changed; put the right file \
         back, or restore the catalog's directory from a copy", path.display()
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The problem.
        kind: DamageKind,
    },
    /// The record of how far the catalog had come is missing from the ledgers root.
    #[error(
        "`{}` is missing, so nothing tells whether the catalog is as new as its files; nothing was \
         changed; put it back, or accept the catalog as it is with `StorageRoots::adopt`", path.display()
    )]
    NoWitness {
        /// The missing file.
        path: PathBuf,
    },
    /// The disk of the catalog root is full.
    #[error(
        "the disk of the catalog root `{}` is full: a start needs {} KiB there, and {}; free some space, \
         then start again", path.display(), needed / 1024, FreeText { needed: *needed, free: *free }
    )]
    DiskFull {
        /// The catalog root.
        path: PathBuf,
        /// Bytes that a start needs.
        needed: u64,
        /// Bytes that are free.
        free: u64,
        /// The disk's error.
        source: Box<dyn Error + Send + Sync>,
    },
    /// A handle of this process owns a key, so the catalog cannot be opened again.
    #[error(transparent)]
    Claimed(#[from] AlreadyClaimed),
    /// The path leads to another directory than the one that was locked.
    #[error("`{}` is not the directory that was locked any more: lock the roots again", path.display())]
    Moved {
        /// The catalog root.
        path: PathBuf,
    },
}

/// How much space is free, for a message.
struct FreeText {
    needed: u64,
    free: u64,
}

impl fmt::Display for FreeText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.free < self.needed {
            write!(f, "{} KiB are free", self.free / 1024)
        } else {
            f.write_str("more is free, so a quota may be used up")
        }
    }
}

impl OpenError {
    /// The consequence of the failure.
    ///
    /// [`Fatal`](FailureKind::Fatal) if an fsync failed, or may have failed inside of RocksDB;
    /// [`Retryable`](FailureKind::Retryable) if the start had begun to write. The next start writes
    /// everything anew in both cases.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        let has_begun = |source: &IoFailure| {
            if source.is_sync() {
                FailureKind::Fatal
            } else {
                FailureKind::Retryable
            }
        };
        match self {
            Self::Io { source, .. } => has_begun(source),
            Self::Store(StoreFailure {
                operation: Operation::OpenStore | Operation::CreateStore,
                ..
            }) => FailureKind::Fatal,
            Self::DiskFull { source, .. } => match source.downcast_ref() {
                Some(source) => has_begun(source),
                None => FailureKind::Fatal,
            },
            Self::Store(_) | Self::Moved { .. } => FailureKind::Retryable,
            Self::NotACatalog { .. }
            | Self::Damaged { .. }
            | Self::NoWitness { .. }
            | Self::Claimed(_) => FailureKind::Refused,
        }
    }

    /// The act that follows the failure.
    #[must_use]
    pub fn next(&self) -> NextStep {
        match self {
            Self::Io { source, .. } if source.is_sync() => NextStep::Reopen,
            Self::Io { source, .. } => source.next_after_a_step(),
            Self::Store(failure) => failure.next(),
            Self::DiskFull { .. } => NextStep::Again,
            Self::Claimed(claimed) => claimed.next(),
            Self::NotACatalog { .. }
            | Self::Damaged { .. }
            | Self::NoWitness { .. }
            | Self::Moved { .. } => NextStep::Person,
        }
    }

    pub(crate) fn new(failure: OpenFailure, path: PathBuf) -> Self {
        match failure {
            OpenFailure::Io(source) => Self::Io { path, source },
            OpenFailure::Store(failure) => Self::Store(failure),
            OpenFailure::NotACatalog(NotACatalog { found }) => Self::NotACatalog { path, found },
            OpenFailure::Damaged(Damage { path, kind }) => Self::Damaged { path, kind },
            OpenFailure::NoWitness(path) => Self::NoWitness { path },
            OpenFailure::Full(Full {
                needed,
                free,
                source,
            }) => Self::DiskFull {
                path,
                needed,
                free,
                source,
            },
            OpenFailure::Moved => Self::Moved { path },
        }
    }
}

impl Failure for OpenError {
    fn kind(&self) -> FailureKind {
        self.kind()
    }

    fn next(&self) -> NextStep {
        self.next()
    }
}

impl From<StoreFailure> for OpenError {
    fn from(failure: StoreFailure) -> Self {
        Self::Store(failure)
    }
}

/// The handles and readers for which a catalog could not be closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the catalog is in use, handles: {handles}, leases and views: {readers}; drop them, then close it again"
)]
#[non_exhaustive]
pub struct InUse {
    /// The number of handles; at least 1, if a handle without a key, such as an empty group, uses it.
    pub handles: usize,
    /// The number of leases and views.
    pub readers: usize,
}

impl Failure for InUse {
    fn kind(&self) -> FailureKind {
        FailureKind::Refused
    }

    fn next(&self) -> NextStep {
        NextStep::Later
    }
}
