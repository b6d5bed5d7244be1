//! [`HotDebris`]: a directory that was being created or discarded.

use super::begin::{HotBegin, not_created};
use super::claim::{HotClaim, hot_handle};
use super::transient::Transient;
use super::unlinked::HotUnlinked;
use crate::domain::HotState;
use crate::failure::{
    BeginError, BeginRefusal, ReadError, RemovalError, RemovalRefusal, Retryable, StepError,
};
use crate::protocol::{HotDirectory, commit};

/// A hot directory whose creation or removal has not been finished.
///
/// **Durable now:** the key, at `transient`; any part of the directory. It is never opened. **A crash
/// here leaves** the same. **Next:** [`recreate`](Self::recreate) to begin with an empty directory, or
/// [`remove`](Self::remove) to finish the discard.
///
/// ```
/// use frostline::{ChunkId, Hot};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let catalog = frostline::Catalog::open(frostline::StorageRoots::under(directory.path())?.lock()?)?;
/// let chunk = ChunkId::new(7)?;
/// drop(catalog.create_hot(chunk)?);
/// let Hot::Debris(debris) = catalog.claim_hot(chunk)? else {
///     panic!("the key is at `transient`");
/// };
/// debris.remove()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "the directory and its key stay until it is recreated or removed"]
pub struct HotDebris {
    claim: HotClaim,
}

hot_handle!(HotDebris);

impl HotDebris {
    pub(super) const fn new(claim: HotClaim) -> Self {
        Self { claim }
    }

    pub(super) fn into_claim(self) -> HotClaim {
        self.claim
    }

    /// The intent to create the directory again, empty, to be committed. Nothing has happened yet.
    ///
    /// # Errors
    ///
    /// [`BeginError`], refused with the handle back: among others while a lease or a view is out.
    pub fn intend(self) -> Result<HotBegin, BeginError<Self>> {
        if let Err(poisoned) = self.claim.shared.poison.check() {
            return Err(StepError::refused(self, ReadError::from(poisoned)));
        }
        if let Err(leased) = self.claim.shared.check_unread(self.claim.key()) {
            return Err(StepError::refused(self, leased));
        }
        match self.claim.is_back() {
            Ok(false) => Ok(HotBegin {
                claim: self.claim,
                found: Some(HotState::Transient),
            }),
            Ok(true) => {
                let (key, path) = (self.claim.key(), self.claim.path());
                let refusal = BeginRefusal::DirectoryIsBack { key, path };
                Err(StepError::refused(self, refusal))
            }
            Err(failure) => Err(StepError::refused(self, failure)),
        }
    }

    /// Removes the leftovers and creates the directory anew, empty.
    ///
    /// # Errors
    ///
    /// [`BeginError`].
    pub fn recreate(self) -> Result<Transient, BeginError<Self>> {
        let again = |begin: HotBegin| Self::new(begin.claim);
        let mut transient = commit(self.intend()?).map_err(|error| error.map(again))?;
        match transient.directory() {
            Ok(_path) => Ok(transient),
            Err(error) => Err(not_created(transient, error, Self::new)),
        }
    }

    /// Removes the directory with everything in it, and makes its absence durable. A missing directory is fine. The
    /// result is a transition: its commit deletes the key.
    ///
    /// # Errors
    ///
    /// [`RemovalError`]: among others [`RemovalRefusal::Leased`] while a lease or a view is out, and
    /// [`RemovalRefusal::DirectoryIsBack`] if another program has put a directory of
    /// its own in the place of one that was missing, or that this process created.
    pub fn unlink(self) -> Result<HotUnlinked, RemovalError<Self>> {
        if let Err(poisoned) = self.claim.shared.poison.check() {
            return Err(StepError::refused(self, poisoned));
        }
        if let Err(leased) = self.claim.shared.check_unread(self.claim.key()) {
            return Err(StepError::refused(self, leased));
        }
        match self.claim.is_back() {
            Ok(false) => {}
            Ok(true) => {
                let (key, path) = (self.claim.key(), self.claim.path());
                let refusal = RemovalRefusal::DirectoryIsBack { key, path };
                return Err(StepError::refused(self, refusal));
            }
            Err(failure) => return Err(StepError::refused(self, failure)),
        }
        if !self.claim.is_missing() {
            let removed = self.claim.root().remove_tree(self.claim.name());
            let key = self.claim.key();
            removed.map_err(|source| Retryable::Remove { key, source })?;
        }
        self.claim.sync_root(None)?;
        self.claim.set(Some(HotDirectory::Missing));
        Ok(HotUnlinked::new(self.claim))
    }

    /// [`unlink`](Self::unlink) and the commit of this one directory.
    ///
    /// # Errors
    ///
    /// [`RemovalError`].
    pub fn remove(self) -> Result<(), RemovalError<Self>> {
        let key = self.claim.key();
        let unlinked = self.unlink()?;
        commit(unlinked).map_err(|error| match error {
            StepError::Refused(refused) => {
                let source = refused.into_parts().1;
                Retryable::Delete { key, source }.into()
            }
            StepError::Failed(failed) => StepError::Failed(failed),
        })
    }
}
