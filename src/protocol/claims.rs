//! Claims and leases: the owner of each key in this process, and the readers of its files.
//!
//! A key has at most one live owner, so a stale handle cannot exist. A key has any number of readers.
//! Claims and leases are in memory only: dropping one does no I/O.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::Key;
use crate::failure::{AlreadyClaimed, StillLeased};

#[derive(Default)]
struct Use {
    owner: Option<&'static Location<'static>>,
    readers: usize,
}

/// The owner and the readers of each key that is in use.
#[derive(Default)]
pub(crate) struct ClaimTable {
    uses: Mutex<HashMap<Key, Use>>,
}

/// The right to change the files or the directory of a key. A process has at most one for each key.
pub(crate) struct Claim {
    table: Arc<ClaimTable>,
    key: Key,
}

/// The right to read the files of a key: the files stay while a reader holds one.
pub(crate) struct ReadClaim {
    table: Arc<ClaimTable>,
    key: Key,
}

impl ClaimTable {
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Use>> {
        // Code under this lock changes the table last, so a panic elsewhere leaves the table complete.
        self.uses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Claims a key for its only owner.
    #[track_caller]
    pub(crate) fn claim(self: &Arc<Self>, key: Key) -> Result<Claim, AlreadyClaimed> {
        let caller = Location::caller();
        let mut uses = self.lock();
        let entry = uses.entry(key).or_default();
        if let Some(holder) = entry.owner {
            return Err(AlreadyClaimed { key, holder });
        }
        entry.owner = Some(caller);
        Ok(Claim {
            table: Arc::clone(self),
            key,
        })
    }

    /// Takes a reader's claim on a key.
    pub(crate) fn read(self: &Arc<Self>, key: Key) -> ReadClaim {
        self.count_reader(&mut self.lock(), key)
    }

    /// Takes a reader's claim if `readable` returns true. No other thread can take or release a claim
    /// during the call of `readable`.
    ///
    /// A lease is therefore never given out after a demotion. Either the reader is counted before the owner
    /// asks for readers, or the reader sees the demotion.
    pub(crate) fn read_if<E>(
        self: &Arc<Self>,
        key: Key,
        readable: impl FnOnce() -> Result<bool, E>,
    ) -> Result<Option<ReadClaim>, E> {
        let mut uses = self.lock();
        Ok(readable()?.then(|| self.count_reader(&mut uses, key)))
    }

    fn count_reader(self: &Arc<Self>, uses: &mut HashMap<Key, Use>, key: Key) -> ReadClaim {
        uses.entry(key).or_default().readers += 1;
        ReadClaim {
            table: Arc::clone(self),
            key,
        }
    }

    fn release(&self, key: Key, change: impl FnOnce(&mut Use)) {
        if let Entry::Occupied(mut entry) = self.lock().entry(key) {
            change(entry.get_mut());
            if entry.get().owner.is_none() && entry.get().readers == 0 {
                entry.remove();
            }
        }
    }
}

impl Claim {
    pub(crate) const fn key(&self) -> Key {
        self.key
    }

    /// Refuses while the key has readers.
    pub(crate) fn check_unread(&self) -> Result<(), StillLeased> {
        let uses = self.table.lock();
        match uses.get(&self.key).map_or(0, |entry| entry.readers) {
            0 => Ok(()),
            readers => Err(StillLeased {
                key: self.key,
                readers,
            }),
        }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.table.release(self.key, |entry| entry.owner = None);
    }
}

impl Clone for ReadClaim {
    fn clone(&self) -> Self {
        self.table.read(self.key)
    }
}

impl Drop for ReadClaim {
    fn drop(&mut self) {
        self.table.release(self.key, |entry| entry.readers -= 1);
    }
}
