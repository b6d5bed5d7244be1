//! Opening a catalog, and its identity.

use std::sync::Arc;

use super::Catalog;
use super::open::OpenError;
use crate::domain::{Layout, RootRole};
use crate::protocol::{Shared, States};
use crate::roots::{CatalogId, LockedRoots};
use crate::store::{Store, Witness};

/// # Start
impl Catalog {
    /// Opens the catalog of these roots. If there is none, creates it, all or nothing.
    ///
    /// It counts the keys of interrupted work and changes none of them: call [`recover`](Self::recover) next.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if the files are damaged, older than the last start, of another program, or on a full disk. The
    /// locks are released.
    pub fn open(roots: LockedRoots) -> Result<Self, OpenError> {
        let mut roots = roots;
        let directory = roots.dir(RootRole::Catalog);
        let path = directory.path().to_path_buf();
        let witness = Witness::new(
            Arc::clone(roots.dir(RootRole::Ledgers)),
            roots.are_adopted(),
        );
        let store = Store::open(directory, witness)
            .map_err(|failure| OpenError::new(failure, path.clone()))?;
        let (states, unfinished) = States::load(&store).map_err(OpenError::Store)?;
        roots
            .found()
            .map_err(|source| OpenError::new(source.into(), path.clone()))?;
        let shared = Shared::new(roots, store, states)
            .map_err(|source| OpenError::new(source.into(), path))?;
        Ok(Self {
            shared: Arc::new(shared),
            unfinished,
        })
    }

    /// The catalog's identity, which each of its roots records.
    #[must_use]
    pub fn id(&self) -> CatalogId {
        self.shared().roots.catalog_id()
    }

    /// The mapping between keys and paths.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        self.shared().roots.layout()
    }
}
