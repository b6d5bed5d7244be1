//! Claims: the owner of each key in this process.
//!
//! A key has at most one live owner, so a stale handle cannot exist. Claims are in memory only: dropping one does no
//! I/O.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::panic::Location;

use super::sync::{Arc, Mutex, MutexGuard, PoisonError};
use crate::domain::Key;
use crate::failure::AlreadyClaimed;

/// The owner of each key that is claimed, by the place in the program that claimed it.
#[derive(Default)]
pub(crate) struct ClaimTable {
    owners: Mutex<HashMap<Key, &'static Location<'static>>>,
}

/// The right to change the files or the directory of a key. A process has at most one for each key.
pub(crate) struct Claim {
    table: Arc<ClaimTable>,
    key: Key,
}

impl ClaimTable {
    fn lock(&self) -> MutexGuard<'_, HashMap<Key, &'static Location<'static>>> {
        // Code under this lock changes the table last, so a panic elsewhere leaves the table complete.
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Claims a key for its only owner.
    #[track_caller]
    pub(crate) fn claim(self: &Arc<Self>, key: Key) -> Result<Claim, AlreadyClaimed> {
        match self.lock().entry(key) {
            Entry::Occupied(entry) => Err(AlreadyClaimed {
                key,
                holder: entry.get(),
            }),
            Entry::Vacant(entry) => {
                entry.insert(Location::caller());
                Ok(Claim {
                    table: Arc::clone(self),
                    key,
                })
            }
        }
    }
}

impl ClaimTable {
    /// Returns the number of keys that are claimed, and one of them.
    pub(crate) fn live(&self) -> (usize, Option<AlreadyClaimed>) {
        let owners = self.lock();
        let one = owners.iter().next();
        let one = one.map(|(key, holder)| AlreadyClaimed { key: *key, holder });
        (owners.len(), one)
    }
}

impl Claim {
    pub(crate) const fn key(&self) -> Key {
        self.key
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.table.lock().remove(&self.key);
    }
}
