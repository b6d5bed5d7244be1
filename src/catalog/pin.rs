//! [`PinOutcome`]: the result of pinning the earliest ledger, and its refusal.

use crate::domain::{LedgerSeq, ValueError};
use crate::failure::{CommitRefusal, Failure, FailureKind, Fatal, NextStep};

/// The result of pinning the earliest ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[must_use]
pub enum PinOutcome {
    /// The value was not there and is now.
    Pinned,
    /// The same value was pinned before.
    AlreadyPinned,
}

/// Why a pin was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PinError {
    /// Another value is pinned.
    #[error(
        "the earliest ledger is pinned at {pinned} and cannot become {wanted}: configure {pinned}, or \
         start with a new data directory"
    )]
    Conflict {
        /// The ledger that is pinned.
        pinned: LedgerSeq,
        /// The ledger that was asked for.
        wanted: LedgerSeq,
    },
    /// The ledger does not start a chunk.
    #[error(
        "ledger {0} cannot be the earliest, because no chunk begins with it: take one that is 2 more \
         than a multiple of 10000"
    )]
    NotChunkStart(LedgerSeq),
    /// The stored pin is not a ledger.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// The commit was refused.
    #[error(transparent)]
    Commit(CommitRefusal),
    /// The commit failed.
    #[error(transparent)]
    Fatal(Fatal),
}

impl Failure for PinError {
    fn kind(&self) -> FailureKind {
        match self {
            Self::Fatal(_) => FailureKind::Fatal,
            _ => FailureKind::Refused,
        }
    }

    fn next(&self) -> NextStep {
        match self {
            Self::Conflict { .. } | Self::NotChunkStart(_) => NextStep::Person,
            Self::Value(error) => error.next(),
            Self::Commit(refusal) => refusal.next(),
            Self::Fatal(fatal) => fatal.next(),
        }
    }
}
