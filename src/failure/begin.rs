//! [`BeginRefusal`]: the reason for which an artifact, a hot directory or an index could not be begun.

use std::path::{Path, PathBuf};

use super::busy::{AlreadyClaimed, StillLeased};
use super::io::IoFailure;
use super::next::NextStep;
use super::read::ReadError;
use super::refusal::CommitRefusal;
use super::umbrella::{Failure, FailureKind};
use crate::domain::{ArtifactKey, ChunkId, IndexKey, Key};

/// The reason for which an artifact, a hot directory or an index could not be begun. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BeginRefusal {
    /// A handle in this process owns the key.
    #[error(transparent)]
    Claimed(#[from] AlreadyClaimed),
    /// The artifact is frozen.
    #[error("`{key}` is frozen already: read it under a lease, or demote and sweep it first")]
    AlreadyFrozen {
        /// The key.
        key: Key,
    },
    /// The hot directory is ready, and may be the only copy of its ledgers.
    #[error(
        "`{key}` is ready, and may be the only copy of its ledgers: open it, or discard it first"
    )]
    AlreadyReady {
        /// The key.
        key: Key,
    },
    /// The artifact is being removed and still has readers.
    #[error(transparent)]
    Leased(#[from] StillLeased),
    /// A file or a hot directory exists without its key.
    #[error(
        "`{}` exists although `{key}` is absent: the catalog does not belong to these roots, or another \
         program created it; move it away", path.display()
    )]
    Stray {
        /// The key.
        key: Key,
        /// The file or directory.
        path: PathBuf,
    },
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
    /// An index is to be built, and the frozen index of its window covers a chunk that it does not. The promotion would
    /// demote that index, and the chunk can still be read.
    #[error(
        "`{key}` does not cover chunk {chunk}, which can be read and which the frozen `{by}` covers: build an index that \
         covers it, or prune the chunk first"
    )]
    Narrower {
        /// The key of the new index.
        key: IndexKey,
        /// The key of the frozen index.
        by: IndexKey,
        /// The first such chunk.
        chunk: ChunkId,
    },
    /// An index is to be built, and the transaction hashes of a chunk that it covers are not frozen.
    #[error("`{key}` covers `{input}`, which is not frozen: nothing was marked; freeze it first")]
    InputMissing {
        /// The key of the index.
        key: IndexKey,
        /// The key of the missing transaction hashes.
        input: ArtifactKey,
    },
    /// The catalog could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The directories could not be read.
    #[error(transparent)]
    Io(#[from] IoFailure),
    /// The commit of the mark was refused.
    #[error(transparent)]
    Commit(#[from] CommitRefusal),
}

impl Failure for BeginRefusal {
    fn kind(&self) -> FailureKind {
        FailureKind::Refused
    }

    fn next(&self) -> NextStep {
        match self {
            Self::Claimed(claimed) => claimed.next(),
            Self::Leased(leased) => leased.next(),
            Self::AlreadyFrozen { .. } | Self::AlreadyReady { .. } => NextStep::Nothing,
            // The frozen index covers all of the new one.
            Self::Narrower { key, by, .. } if by.coverage.covers(key.coverage) => NextStep::Nothing,
            // The chunk is pruned, or the transaction hashes are frozen, by other steps.
            Self::Narrower { .. } | Self::InputMissing { .. } => NextStep::Later,
            Self::Stray { .. } | Self::DirectoryIsBack { .. } => NextStep::Person,
            Self::Read(error) => error.next(),
            Self::Io(failure) => failure.next(),
            Self::Commit(refusal) => refusal.next(),
        }
    }

    fn key(&self) -> Option<Key> {
        match self {
            Self::Claimed(claimed) => claimed.key(),
            Self::Leased(leased) => leased.key(),
            Self::AlreadyFrozen { key }
            | Self::AlreadyReady { key }
            | Self::Stray { key, .. }
            | Self::DirectoryIsBack { key, .. } => Some(*key),
            Self::Narrower { key, .. } | Self::InputMissing { key, .. } => Some((*key).into()),
            Self::Read(error) => error.key(),
            Self::Commit(refusal) => refusal.key(),
            Self::Io(_) => None,
        }
    }

    fn path(&self) -> Option<&Path> {
        match self {
            Self::Stray { path, .. } | Self::DirectoryIsBack { path, .. } => Some(path),
            Self::Io(failure) => Some(&failure.path),
            _ => None,
        }
    }
}
