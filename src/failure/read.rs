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
        }
    }

    fn key(&self) -> Option<Key> {
        match self {
            Self::Value(error) => Some(error.key),
            Self::Poisoned(_) | Self::Store(_) => None,
        }
    }
}
