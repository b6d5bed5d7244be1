//! Readers of a family with few keys, counted under a lock.
//!
//! [`Readers`](super::readers::Readers) has a cell for each place, which a family that is keyed by more than a chunk does
//! not have. A lease is taken under the same lock under which an owner counts the leases. The state is read under that
//! lock, too. An owner changes the state before it counts. Of a lease and a count, one is the first: the lease is
//! counted, or the reader sees the changed state.

use std::collections::BTreeMap;

use super::readers::Reader;
use super::sync::{Arc, Counted, Mutex, MutexGuard, Ordering, PoisonError, fence};

/// The readers of all keys. Each lease keeps a `T`.
pub(crate) struct KeyedReaders<K, T> {
    /// The keys that have been leased since their leases were last counted.
    holders: Mutex<BTreeMap<K, Counted<Arc<T>>>>,
    kept: Arc<T>,
}

impl<K: Copy + Ord, T> KeyedReaders<K, T> {
    pub(crate) fn new(kept: Arc<T>) -> Self {
        Self {
            holders: Mutex::new(BTreeMap::new()),
            kept,
        }
    }

    /// Takes a lease on a key, for a caller who knows that the files stay until the lease is taken.
    pub(crate) fn take(&self, key: K) -> Reader<T> {
        self.add(&mut self.lock(), key)
    }

    /// Takes a lease on the key that `find` returns as readable, if it returns one.
    pub(crate) fn take_found<E>(
        &self,
        find: impl FnOnce() -> Result<Option<K>, E>,
    ) -> Result<Option<(K, Reader<T>)>, E> {
        // The lock is held while the state is read, so that an owner counts either before the state is read, and has
        // then changed it, or after the lease is taken.
        let mut holders = self.lock();
        let found = find()?;
        Ok(found.map(|key| (key, self.add(&mut holders, key))))
    }

    fn add(&self, holders: &mut BTreeMap<K, Counted<Arc<T>>>, key: K) -> Reader<T> {
        let counted = holders.entry(key);
        let counted = counted.or_insert_with(|| Counted::new(Arc::clone(&self.kept)));
        Reader::new(counted.clone())
    }

    /// Returns the number of leases that are out on a key, and of views that can still give one out, which `views`
    /// counts. The caller has changed the state so that no further lease is given out otherwise.
    pub(crate) fn count(&self, key: K, views: impl FnOnce() -> usize) -> usize {
        // Before the leases: a view that is gone has given out its last lease.
        let views = views();
        let mut holders = self.lock();
        let leases = holders.get(&key).map_or(0, Counted::others);
        if leases == 0 {
            // The next lease makes a new cell, so that the memory does not grow with the keys.
            holders.remove(&key);
        }
        // The last reads under a view or a lease come before the removal that follows.
        fence(Ordering::Acquire);
        views + leases
    }

    /// Returns the number of all leases that are out. The caller is the only one who can give out another one.
    pub(crate) fn out(&self) -> usize {
        let leases = self.lock().values().map(Counted::others).sum();
        // A reader's last use of the roots comes before the caller's next one.
        fence(Ordering::Acquire);
        leases
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<K, Counted<Arc<T>>>> {
        // Code under this lock changes the map last.
        self.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
