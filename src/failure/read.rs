//! [`ReadError`]: a read of the catalog that gave no answer.

use super::fatal::Poisoned;
use super::io::StoreFailure;
use super::next::NextStep;
use super::umbrella::{Failure, FailureKind};
use crate::domain::{Key, ValueError};

/// A read of the catalog that gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The catalog refuses everything.
    #[error(transparent)]
    Poisoned(#[from] Poisoned),
    /// A recovery found no space for its commit.
    #[error(transparent)]
    Store(#[from] StoreFailure),
    /// The stored value is not one of the key's values.
    #[error(transparent)]
    Value(#[from] ValueError),
    /// Two indexes of one window are frozen. The protocol never makes that so.
    #[error(
        "`{first}` and `{second}` are both frozen, and a window has one index: another program wrote to the catalog; \
         claim the one that covers less, demote it and sweep it"
    )]
    TwoIndexes {
        /// The key of the one index.
        first: Key,
        /// The key of the other index.
        second: Key,
    },
}

impl Failure for ReadError {
    fn kind(&self) -> FailureKind {
        FailureKind::Refused
    }

    fn next(&self) -> NextStep {
        match self {
            Self::Poisoned(poisoned) => poisoned.next(),
            Self::Store(failure) => failure.next(),
            Self::Value(error) => error.next(),
            Self::TwoIndexes { .. } => NextStep::Person,
        }
    }

    fn key(&self) -> Option<Key> {
        match self {
            Self::Value(error) => Some(error.key),
            Self::TwoIndexes { first, .. } => Some(*first),
            Self::Poisoned(_) | Self::Store(_) => None,
        }
    }
}
