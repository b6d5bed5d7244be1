//! The failures of a store: at its opening, and at a commit.

use std::fmt;
use std::path::PathBuf;

use crate::failure::{IoFailure, StoreFailure};

/// An error of the store itself.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The reason why a store could not be opened.
#[derive(Debug)]
pub(crate) enum OpenFailure {
    Io(IoFailure),
    Store(StoreFailure),
    NotACatalog(NotACatalog),
    Damaged(Damage),
    /// A missing file of the witness.
    NoWitness(PathBuf),
    /// A disk without the space for a start.
    Full(Full),
    /// A path that no longer leads to the locked directory.
    Moved,
}

impl From<IoFailure> for OpenFailure {
    fn from(failure: IoFailure) -> Self {
        Self::Io(failure)
    }
}

impl From<StoreFailure> for OpenFailure {
    fn from(failure: StoreFailure) -> Self {
        Self::Store(failure)
    }
}

/// The failure of a commit.
#[derive(Debug)]
pub(crate) enum StoreCommitFailure {
    /// A disk without the space for the commit. Nothing was written.
    NoSpace(StoreFailure),
    /// A commit that may or may not be durable.
    Unknown(StoreFailure),
}

/// Damage of a file of the store. Opening the store would lose acknowledged batches, or might lose them.
#[derive(Debug)]
pub(crate) struct Damage {
    /// The damaged file.
    pub(crate) path: PathBuf,
    pub(crate) kind: DamageKind,
}

/// A kind of damage. No power cut leaves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DamageKind {
    /// Bytes that are neither a record nor the torn end of one.
    Bytes {
        /// Bytes from the file's beginning to the damage.
        offset: usize,
    },
    /// A record of a type that this library does not write.
    RecordType {
        /// Bytes from the file's beginning to the record.
        offset: usize,
        /// The type, as it is stored.
        found: u8,
    },
    /// An edit of the manifest with fields that this library does not know.
    UnknownEdit,
    /// Batches that are missing before an existing batch.
    Gap {
        /// The sequence number of the last edit before the gap.
        expected_after: u64,
        /// The sequence number of the first edit after the gap.
        found: u64,
    },
    /// Batches that are in a table already, or twice in the logs.
    Stale {
        /// The newest sequence number that is stored elsewhere.
        newest: u64,
        /// The sequence number of the batch.
        found: u64,
    },
    /// The last batches, which are missing.
    Older {
        /// The sequence number of an edit that was acknowledged.
        expected: u64,
        /// The sequence number of the last existing edit.
        found: u64,
    },
    /// A missing file.
    Missing,
}

impl fmt::Display for DamageKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes { offset } => {
                write!(f, "it is damaged at byte {offset}, which no power cut does")
            }
            Self::RecordType { offset, found } => write!(
                f,
                "it has a record of the unknown type {found} at byte {offset}"
            ),
            Self::UnknownEdit => write!(
                f,
                "it has an edit that this library does not understand: another program wrote it"
            ),
            Self::Gap {
                expected_after,
                found,
            } => write!(
                f,
                "its batch {found} follows batch {expected_after}: those in between are missing"
            ),
            Self::Stale { newest, found } => write!(
                f,
                "its batch {found} is older than edit {newest}, which is stored elsewhere: it is a file of an earlier time"
            ),
            Self::Older { expected, found } => write!(
                f,
                "the catalog ends with edit {found}, and edit {expected} was acknowledged: its last batches are missing, or it is a copy of an earlier time"
            ),
            Self::Missing => write!(f, "it is missing, and it held acknowledged batches"),
        }
    }
}

/// A start without enough space.
#[derive(Debug)]
pub(crate) struct Full {
    /// Bytes that a start needs.
    pub(crate) needed: u64,
    /// Bytes that are free.
    pub(crate) free: u64,
    pub(crate) source: BoxError,
}

/// A directory that is not empty and holds no store, because the pointer file is missing.
#[derive(Debug)]
pub(crate) struct NotACatalog {
    /// The name of an entry in the directory.
    pub(crate) found: String,
}
