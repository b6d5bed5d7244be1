//! The changes of a commit, the conditions on it, and its failure.

use crate::domain::{ArtifactKey, Epoch, Key};
use crate::failure::{CommitRefusal, Fatal};

/// The change of one key in a commit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    pub(crate) key: Key,
    pub(crate) expected: Option<&'static str>,
    pub(crate) next: Option<&'static str>,
}

/// The changes of one commit, and the conditions under which it is made.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) changes: Vec<Change>,
    /// Artifacts that must be frozen when the batch is committed: they are, or the batch makes them so.
    pub(crate) required: Vec<ArtifactKey>,
    /// The epoch that the catalog must be at.
    pub(super) epoch: Option<Epoch>,
}

impl Batch {
    /// Changes that are committed only if the catalog is at this epoch.
    pub(crate) fn at(epoch: Epoch, changes: Vec<Change>) -> Self {
        Self {
            changes,
            epoch: Some(epoch),
            ..Self::default()
        }
    }
}

impl From<Vec<Change>> for Batch {
    fn from(changes: Vec<Change>) -> Self {
        Self {
            changes,
            ..Self::default()
        }
    }
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
