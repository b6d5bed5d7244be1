//! [`HotSynced`]: the directory is durable, and the flip may be committed.

use super::ready::Ready;
use super::transient::Transient;
use crate::domain::{ChunkId, HotKey, HotState};
use crate::failure::{StepError, SyncError};
use crate::protocol::sealed::Commit;
use crate::protocol::{Changes, Committed, Transition, commit};

/// Evidence that a hot directory and its entries are on stable storage.
///
/// **Durable now:** the directory and its entry; the key is still at `transient`. **A crash here leaves**
/// [`HotDebris`](crate::HotDebris). **Next:** [`Catalog::commit`](crate::Catalog::commit), alone or with others in one
/// batch, which gives a [`Ready`].
#[derive(Debug)]
#[must_use = "the key stays at `transient` until `Catalog::commit` flips it"]
pub struct HotSynced {
    transient: Transient,
}

impl Transient {
    /// Makes the directory's entries and its own entry durable. The result is a transition: its commit flips the key.
    ///
    /// The database that writes the files inside makes their bytes durable before.
    ///
    /// # Errors
    ///
    /// [`SyncError`]. A failed fsync consumes the handle.
    pub fn sync(self) -> Result<HotSynced, SyncError<Self>> {
        let directory = match self.check() {
            Ok(directory) => directory,
            Err(refusal) => return Err(StepError::refused(self, refusal)),
        };
        self.claim().sync_root(Some(directory))?;
        Ok(HotSynced::new(self))
    }

    /// [`sync`](Self::sync) and the commit of this one directory.
    ///
    /// # Errors
    ///
    /// [`SyncError`].
    pub fn ready(self) -> Result<Ready, SyncError<Self>> {
        commit(self.sync()?).map_err(|error| error.map(HotSynced::into_transient))
    }
}

impl HotSynced {
    /// Of a directory that has just been synced.
    const fn new(transient: Transient) -> Self {
        Self { transient }
    }

    fn into_transient(self) -> Transient {
        self.transient
    }

    /// The directory's chunk.
    #[must_use]
    pub const fn chunk(&self) -> ChunkId {
        self.transient.chunk()
    }

    /// The directory's key.
    #[must_use]
    pub const fn key(&self) -> HotKey {
        self.transient.key()
    }
}

impl Commit for HotSynced {
    type Output = Ready;

    fn gather(&self, changes: &mut Changes<'_>) {
        let (from, next) = (Some(HotState::Transient), Some(HotState::Ready));
        self.transient.claim().push(changes, from, next);
    }

    fn advance(self, _: &Committed) -> Ready {
        Ready::new(self.transient.into_claim())
    }
}

impl Transition for HotSynced {
    type Next = Ready;
}
