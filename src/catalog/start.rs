//! Opening a catalog, opening it again, closing it, and its identity.

use std::sync::Arc;

use super::Catalog;
use super::open::{InUse, OpenError};
use crate::domain::{Layout, RootRole};
use crate::failure::Refused;
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
        let path = roots.dir(RootRole::Catalog).path().to_path_buf();
        let store = open_store(&roots)?;
        let states = States::load(&store).map_err(OpenError::Store)?;
        roots
            .found()
            .map_err(|source| OpenError::new(source.into(), path.clone()))?;
        let shared = Shared::new(roots, store, states)
            .map_err(|source| OpenError::new(source.into(), path))?;
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Opens the store again after a [`Fatal`](crate::error::Fatal) failure, under the same locks. Does nothing if
    /// there was none.
    ///
    /// Leases and views stay: they are rights to read whole files, which a failed write of others has not touched. All
    /// handles that own a key must have gone, because their evidence is of a time before the failure. Call
    /// [`recover`](Self::recover) next, as after [`open`](Self::open). Until this call has succeeded, the catalog
    /// refuses everything.
    ///
    /// ```
    /// use frostline::{Catalog, DebrisPolicy};
    /// /// What a node does about a fatal failure.
    /// fn go_on(catalog: &Catalog) -> frostline::error::Result<()> {
    ///     catalog.reopen()?;
    ///     let recovered = catalog.recover(DebrisPolicy::Report)?;
    ///     println!("{recovered}");
    ///     Ok(())
    /// }
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let catalog = Catalog::open(frostline::StorageRoots::under(directory.path())?.lock()?)?;
    /// # go_on(&catalog)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`OpenError::Claimed`] while a handle owns a key; otherwise as [`open`](Self::open). It can be called again.
    pub fn reopen(&self) -> Result<(), OpenError> {
        self.shared().reopen(|roots| open_store(roots))
    }

    /// Closes the catalog and gives its locked roots back, for another [`open`](Self::open).
    ///
    /// # Errors
    ///
    /// [`InUse`], with the catalog inside, while a handle, a lease or a view uses it.
    pub fn close(self) -> Result<LockedRoots, Refused<Self, InUse>> {
        self.shared.close().map_err(|(shared, in_use)| {
            let refusal = InUse {
                handles: in_use.handles,
                readers: in_use.readers,
            };
            Refused::new(Self { shared }, refusal)
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

/// Opens the store of locked roots.
fn open_store(roots: &LockedRoots) -> Result<Store, OpenError> {
    let directory = roots.dir(RootRole::Catalog);
    let witness = Witness::new(
        Arc::clone(roots.dir(RootRole::Ledgers)),
        roots.are_adopted(),
    );
    let opened = Store::open(directory, witness);
    opened.map_err(|failure| OpenError::new(failure, directory.path().to_path_buf()))
}
