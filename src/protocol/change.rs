//! The change of a key, and the failure of its commit.

use crate::domain::Key;
use crate::failure::{CommitRefusal, Fatal};

/// The change of one key in a commit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    pub(crate) key: Key,
    pub(crate) expected: Option<&'static str>,
    pub(crate) next: Option<&'static str>,
}

/// The failure of a commit.
#[derive(Debug)]
pub(crate) enum CommitFailure {
    Refused(CommitRefusal),
    Fatal(Fatal),
}

impl<E: Into<CommitRefusal>> From<E> for CommitFailure {
    fn from(refusal: E) -> Self {
        Self::Refused(refusal.into())
    }
}
