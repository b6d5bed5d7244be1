//! Opening the store again after a fatal failure, and giving the locks back.

use std::sync::Arc;

use super::shared::Shared;
use crate::failure::AlreadyClaimed;
use crate::roots::LockedRoots;
use crate::store::Store;

/// The handles and readers that use a catalog.
pub(crate) struct InUse {
    pub(crate) handles: usize,
    pub(crate) readers: usize,
}

impl Shared {
    /// Closes the store, opens it again with `open`, reads the states again and forgets the failure.
    ///
    /// Everything that this process knew about stable storage is forgotten, as at the start of a process. No handle
    /// from before may exist: its evidence is of a time before the failure. Leases and views stay, because they are
    /// rights to read whole files, which the failure has not touched.
    ///
    /// A thread that claims a key in the meantime is refused by the poison, which is forgotten last. A thread that read
    /// a state before is refused by its commit, which compares the state again.
    pub(crate) fn reopen<E>(
        &self,
        open: impl FnOnce(&Arc<LockedRoots>) -> Result<Store, E>,
    ) -> Result<(), E>
    where
        E: From<AlreadyClaimed> + From<crate::failure::StoreFailure>,
    {
        let mut store = self.store();
        if self.poison.check().is_ok() {
            return Ok(());
        }
        if let (_, Some(claimed)) = self.claims.live() {
            return Err(claimed.into());
        }
        // The old store has the lock of its directory.
        *store = None;
        let opened = open(&self.roots)?;
        self.states.load_again(&opened)?;
        self.barriers.forget();
        *store = Some(opened);
        self.poison.forget();
        Ok(())
    }

    /// Closes the catalog and returns its locked roots. Returns the catalog, if anything uses it.
    pub(crate) fn close(self: Arc<Self>) -> Result<LockedRoots, (Arc<Self>, InUse)> {
        let handles = self.claims.live().0.max(1);
        let closed = match Arc::try_unwrap(self) {
            Ok(shared) => shared,
            Err(shared) => {
                let readers = shared.readers_out();
                return Err((shared, InUse { handles, readers }));
            }
        };
        let readers = closed.readers_out();
        if readers > 0 {
            let handles = 0;
            return Err((Arc::new(closed), InUse { handles, readers }));
        }
        let Self {
            store,
            leases,
            roots,
            ..
        } = closed;
        // The store is closed before anybody else can open it.
        drop(store);
        drop(leases);
        match Arc::try_unwrap(roots) {
            Ok(roots) => Ok(roots),
            Err(_) => unreachable!("only leases and views share the roots, and there are none"),
        }
    }

    /// The number of leases and views that are out.
    fn readers_out(&self) -> usize {
        // The views before the leases: a view that is gone has given out its last lease.
        let views = Arc::strong_count(&self.leases) - 1;
        views + self.leases.out()
    }
}
