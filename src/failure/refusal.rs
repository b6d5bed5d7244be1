//! Reasons for which a step is refused, before it changes anything.

use std::path::{Path, PathBuf};

use super::busy::{AlreadyClaimed, StillLeased};
use super::fatal::Poisoned;
use super::io::{IoFailure, StoreFailure};
use super::next::NextStep;
use super::read::ReadError;
use super::umbrella::{Failure, FailureKind};
use crate::domain::{Epoch, Key};

/// The reason for which a commit was refused. Nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitRefusal {
    /// The catalog refuses everything.
    #[error(transparent)]
    Poisoned(#[from] Poisoned),
    /// A stored value could not be read, or the disk has no space for the commit.
    #[error(transparent)]
    Store(#[from] StoreFailure),
    /// A stored value differs from the one that the step starts from: another program wrote to the catalog.
    #[error(
        "`{key}` holds `{found}`, and the step starts from `{expected}`: nothing was committed; \
         another program wrote to the catalog: find it, drop the handle and claim the key again"
    )]
    Changed {
        /// The key.
        key: Key,
        /// The value that the step starts from; `absent` for no value.
        expected: String,
        /// The stored value, escaped; `absent` for no value.
        found: String,
    },
    /// The catalog has changed since the recovery plan was made.
    #[error(
        "the catalog has changed since the recovery plan was made, at epoch {planned}, and is at epoch {now}: nothing was \
         committed; make a new plan"
    )]
    Stale {
        /// The epoch of the plan.
        planned: Epoch,
        /// The epoch of the catalog.
        now: Epoch,
    },
    /// A hot directory is to be retired, and an artifact of its evidence is not frozen.
    #[error(
        "`{key}` is not frozen, and the hot directory may be the only copy of its ledgers: nothing was committed; \
         freeze it before, or in the same commit"
    )]
    NotFrozen {
        /// The artifact's key.
        key: Key,
    },
    /// A handle belongs to another catalog.
    #[error("`{key}` is a handle of another catalog: give it to the catalog that it came from")]
    ForeignHandle {
        /// The handle's key.
        key: Key,
    },
}

/// The reason for which an artifact or a hot directory was not made durable. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncRefusal {
    /// The catalog refuses everything.
    #[error(transparent)]
    Poisoned(#[from] Poisoned),
    /// The handle belongs to another catalog than the group.
    #[error(
        "`{key}` is a handle of another catalog: add it to a group of the catalog that it came from"
    )]
    ForeignHandle {
        /// The handle's key.
        key: Key,
    },
    /// A file of the kind, or the hot directory, has not been created.
    #[error(
        "`{}` was never created: create it before `sync`, even if it stays empty",
        path.display()
    )]
    NotCreated {
        /// The missing file or directory.
        path: PathBuf,
    },
    /// The owned writer of a file is out.
    #[error("the writer of `{}` is out: drop it before `sync`", path.display())]
    WriterOut {
        /// The file.
        path: PathBuf,
    },
    /// The hot directory could not be read.
    #[error(transparent)]
    Io(#[from] IoFailure),
    /// The hot directory, or the directory of the files, is missing, or another one has its name.
    #[error(
        "`{}` is missing, or is not the one that was created any more: move away whatever has its name, drop the \
         handle and begin again",
        path.display()
    )]
    Replaced {
        /// The directory's path.
        path: PathBuf,
    },
    /// A handle in this process owns a key that the promotion of an index would demote.
    #[error(transparent)]
    Claimed(#[from] AlreadyClaimed),
    /// The catalog could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The commit of the flip was refused.
    #[error(transparent)]
    Commit(#[from] CommitRefusal),
}

impl Failure for SyncRefusal {
    fn kind(&self) -> FailureKind {
        FailureKind::Refused
    }

    fn next(&self) -> NextStep {
        match self {
            Self::Poisoned(poisoned) => poisoned.next(),
            Self::ForeignHandle { .. } | Self::NotCreated { .. } | Self::Replaced { .. } => {
                NextStep::Person
            }
            Self::WriterOut { .. } => NextStep::Later,
            Self::Claimed(claimed) => claimed.next(),
            Self::Read(error) => error.next(),
            Self::Io(failure) => failure.next(),
            Self::Commit(refusal) => refusal.next(),
        }
    }

    fn key(&self) -> Option<Key> {
        match self {
            Self::ForeignHandle { key } => Some(*key),
            Self::Claimed(claimed) => claimed.key(),
            Self::Read(error) => error.key(),
            Self::Commit(refusal) => refusal.key(),
            _ => None,
        }
    }

    fn path(&self) -> Option<&Path> {
        match self {
            Self::NotCreated { path } | Self::WriterOut { path } | Self::Replaced { path } => {
                Some(path)
            }
            Self::Io(failure) => Some(&failure.path),
            _ => None,
        }
    }
}

/// The reason for which files or a hot directory were not removed. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemovalRefusal {
    /// The catalog refuses everything.
    #[error(transparent)]
    Poisoned(#[from] Poisoned),
    /// There are still readers.
    #[error(transparent)]
    Leased(#[from] StillLeased),
    /// The directory could not be read.
    #[error(transparent)]
    Io(#[from] IoFailure),
    /// A hot directory was missing when its key was marked or given up, or was created by this process, and another one
    /// has its name now.
    #[error(
        "`{}` is not the directory of `{key}`, which was missing or has been replaced: move it away, or remove it \
         by hand if its ledgers are frozen",
        path.display()
    )]
    DirectoryIsBack {
        /// The key.
        key: Key,
        /// The directory.
        path: PathBuf,
    },
    /// A hot directory that was missing is there.
    #[error("`{key}` is ready, and its directory `{}` is back: claim the key again", path.display())]
    NotMissing {
        /// The key.
        key: Key,
        /// The directory.
        path: PathBuf,
    },
    /// A hot directory is to be retired, and the evidence is of another chunk.
    #[error(
        "`{evidence}` is of another chunk than `{key}`: nothing was changed; give evidence of the same chunk"
    )]
    OtherChunk {
        /// The key of the hot directory.
        key: Key,
        /// The key of the evidence.
        evidence: Key,
    },
    /// A hot directory is to be retired, and the evidence is of another catalog.
    #[error(
        "`{evidence}` is of another catalog than `{key}`: nothing was changed; give evidence of the same catalog"
    )]
    ForeignEvidence {
        /// The key of the hot directory.
        key: Key,
        /// The key of the evidence.
        evidence: Key,
    },
    /// A hot directory is to be retired, and the ledgers are not among the kinds of the set that is the evidence.
    #[error(
        "the evidence for `{key}` does not contain the ledgers, of which it may be the only copy: nothing was \
         changed; give evidence of the frozen ledgers"
    )]
    NoLedgers {
        /// The key of the hot directory.
        key: Key,
    },
    /// The commit was refused.
    #[error(transparent)]
    Commit(#[from] CommitRefusal),
}

impl Failure for RemovalRefusal {
    fn kind(&self) -> FailureKind {
        FailureKind::Refused
    }

    fn next(&self) -> NextStep {
        match self {
            Self::Poisoned(poisoned) => poisoned.next(),
            Self::Leased(leased) => leased.next(),
            Self::Io(failure) => failure.next(),
            Self::DirectoryIsBack { .. } => NextStep::Person,
            Self::NotMissing { .. } => NextStep::Again,
            Self::OtherChunk { .. } | Self::ForeignEvidence { .. } | Self::NoLedgers { .. } => {
                NextStep::Person
            }
            Self::Commit(refusal) => refusal.next(),
        }
    }

    fn key(&self) -> Option<Key> {
        match self {
            Self::Leased(leased) => leased.key(),
            Self::DirectoryIsBack { key, .. }
            | Self::NotMissing { key, .. }
            | Self::OtherChunk { key, .. }
            | Self::ForeignEvidence { key, .. }
            | Self::NoLedgers { key } => Some(*key),
            Self::Commit(refusal) => refusal.key(),
            Self::Poisoned(_) | Self::Io(_) => None,
        }
    }

    fn path(&self) -> Option<&Path> {
        match self {
            Self::Io(failure) => Some(&failure.path),
            Self::DirectoryIsBack { path, .. } | Self::NotMissing { path, .. } => Some(path),
            _ => None,
        }
    }
}

impl Failure for CommitRefusal {
    fn kind(&self) -> FailureKind {
        FailureKind::Refused
    }

    fn next(&self) -> NextStep {
        match self {
            Self::Poisoned(poisoned) => poisoned.next(),
            Self::Store(failure) => failure.next(),
            // The artifact must be frozen first.
            Self::NotFrozen { .. } => NextStep::Later,
            Self::Stale { .. } => NextStep::Again,
            Self::Changed { .. } | Self::ForeignHandle { .. } => NextStep::Person,
        }
    }

    fn key(&self) -> Option<Key> {
        match self {
            Self::Changed { key, .. } | Self::NotFrozen { key } | Self::ForeignHandle { key } => {
                Some(*key)
            }
            Self::Poisoned(_) | Self::Store(_) | Self::Stale { .. } => None,
        }
    }
}
