//! [`DirectoryMissing`]: a `ready` key without its directory.

use std::path::{Path, PathBuf};

use super::claim::{HotClaim, hot_handle};
use super::debris::HotDebris;
use super::demotion::HotDemotion;
use crate::domain::{ArtifactSet, Key};
use crate::failure::{Failure, FailureKind, NextStep, RemovalError, RemovalRefusal, StepError};
use crate::protocol::commit;

/// A `ready` key whose directory is missing. The library never creates it again silently.
///
/// The value is a handle: while it is kept, its key stays claimed, the catalog open and the roots locked. Dropping it,
/// or turning its [`ClaimHotError`](super::ClaimHotError) into an [`Error`](crate::Error), lets go.
///
/// Mount or restore the directory and claim the key again; or, if the ledgers are safe elsewhere,
/// [`discard`](Self::discard) the key.
#[derive(thiserror::Error)]
#[error("{missing}")]
pub struct DirectoryMissing {
    claim: HotClaim,
    missing: Missing,
}

/// The same without the handle.
#[derive(Debug, thiserror::Error)]
#[error(
    "`{key}` is ready, and its directory `{}` is missing: mount or restore it, or discard the key if its \
     ledgers are safe elsewhere", path.display()
)]
pub(super) struct Missing {
    key: Key,
    path: PathBuf,
}

impl Failure for Missing {
    fn kind(&self) -> FailureKind {
        FailureKind::Refused
    }

    fn next(&self) -> NextStep {
        NextStep::Person
    }

    fn key(&self) -> Option<Key> {
        Some(self.key)
    }

    fn path(&self) -> Option<&Path> {
        Some(&self.path)
    }
}

hot_handle!(DirectoryMissing);

impl DirectoryMissing {
    pub(super) fn new(claim: HotClaim) -> Self {
        let (key, path) = (claim.key(), claim.path());
        let missing = Missing { key, path };
        Self { claim, missing }
    }

    /// Drops the handle: the key can be claimed again.
    pub(super) fn into_missing(self) -> Missing {
        self.missing
    }

    /// The path at which the directory should be.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.missing.path
    }

    /// The intent to give the directory up for lost, to be committed. Nothing has happened yet.
    ///
    /// As long as the catalog is open, a directory that comes back is not removed. In a later process, the key is one
    /// of a discarded directory like any other: the recovery removes the directory.
    ///
    /// # Errors
    ///
    /// [`RemovalError`], refused with the handle back, if the directory is there again.
    pub fn demote(self) -> Result<HotDemotion, RemovalError<Self>> {
        match self.claim.exists() {
            Ok(false) => Ok(HotDemotion {
                claim: self.claim,
                is_missing: true,
                required: ArtifactSet::EMPTY,
            }),
            Ok(true) => {
                let (key, path) = (self.claim.key(), self.missing.path.clone());
                let refusal = RemovalRefusal::NotMissing { key, path };
                Err(StepError::refused(self, refusal))
            }
            Err(failure) => Err(StepError::refused(self, failure)),
        }
    }

    /// [`demote`](Self::demote) and the commit of this one key.
    ///
    /// # Errors
    ///
    /// [`RemovalError`].
    pub fn discard(self) -> Result<HotDebris, RemovalError<Self>> {
        commit(self.demote()?).map_err(|error| error.map(|demotion| Self::new(demotion.claim)))
    }
}
