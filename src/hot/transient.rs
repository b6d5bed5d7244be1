//! [`Transient`]: marked; the directory may be created, and may become ready.

use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;

use super::claim::{HotClaim, hot_handle};
use crate::failure::{CreateError, IoFailure, Operation, SyncRefusal};
use crate::fs::Dir;
use crate::protocol::HotDirectory;

/// A hot directory that this process is creating.
///
/// **Durable now:** the key, at `transient`; any part of the leftovers of an earlier attempt, if there was one. **A
/// crash here leaves** the key and perhaps the directory: [`HotDebris`](crate::HotDebris). **Next:** create the chunk's
/// database in [`directory`](Self::directory), then [`sync`](Self::sync) and
/// [`Catalog::commit`](crate::Catalog::commit), or [`ready`](Self::ready) for both; or [`abandon`](Self::abandon).
///
/// ```
/// use frostline::ChunkId;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let catalog = frostline::Catalog::open(frostline::StorageRoots::under(directory.path())?.lock()?)?;
/// let transient = catalog.create_hot(ChunkId::new(7)?)?;
/// // The chunk's database creates its files here, and syncs them.
/// std::fs::write(transient.path().join("CURRENT"), b"database")?;
/// let ready = transient.ready()?;
/// assert!(ready.path().ends_with("hot/00000007"));
/// # Ok(())
/// # }
/// ```
#[must_use = "the directory cannot be relied upon until it is `ready`"]
pub struct Transient {
    claim: HotClaim,
    directory: Option<Dir>,
}

hot_handle!(Transient);

impl Transient {
    pub(super) const fn new(claim: HotClaim) -> Self {
        Self {
            claim,
            directory: None,
        }
    }

    pub(super) const fn claim(&self) -> &HotClaim {
        &self.claim
    }

    pub(super) fn into_claim(self) -> HotClaim {
        self.claim
    }

    /// The directory's path. There is no directory before the first call of [`directory`](Self::directory).
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.claim.path()
    }

    /// Returns the directory's path, for the chunk's database. The first call removes the leftovers of an earlier
    /// attempt and creates the directory, empty. [`Catalog::create_hot`](crate::Catalog::create_hot) has done so.
    ///
    /// # Errors
    ///
    /// [`CreateError`] if it cannot be created; the handle stays usable. A directory that another program has put in
    /// the place of a missing one, or of one that this process created, is in the way, and stays. (A later process
    /// takes it for a leftover of this key.)
    pub fn directory(&mut self) -> Result<PathBuf, CreateError> {
        self.claim.shared.poison.check()?;
        if self.directory.is_none() {
            let (root, name) = (Arc::clone(self.claim.root()), self.claim.name());
            if self.claim.is_back()? {
                let exists = std::io::Error::from(ErrorKind::AlreadyExists);
                let failure = IoFailure::new(Operation::CreateDirectory, self.path(), exists);
                return Err(failure.into());
            }
            if !self.claim.is_missing() {
                root.remove_tree(&name)?;
            }
            root.create_dir(&name)?;
            // From here on the directory is this key's own, also if it cannot be opened.
            self.claim.set(None);
            let directory = root.open_dir(&name)?;
            self.claim
                .set(Some(HotDirectory::Created(directory.mark()?)));
            self.directory = Some(directory);
        }
        Ok(self.path())
    }

    /// The directory that is about to be ready must still be the one that was created.
    pub(super) fn check(&self) -> Result<&Dir, SyncRefusal> {
        self.claim.shared.poison.check()?;
        let path = || self.path();
        let Some(directory) = &self.directory else {
            return Err(SyncRefusal::NotCreated { path: path() });
        };
        let named = self.claim.root().find_dir(self.claim.name())?;
        let named = named.map(|named| named.identity()).transpose()?;
        if named == Some(directory.identity()?) {
            return Ok(directory);
        }
        Err(SyncRefusal::Replaced { path: path() })
    }
}
