//! Claims on windows: the one builder of each window's index.
//!
//! A builder holds its window from before the window's directory is opened until its index is committed or given up. The
//! sweep leaves the emptied directory of a window to its builder, and removes it if there is no builder.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::panic::Location;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::{Key, WindowId};
use crate::failure::AlreadyClaimed;

/// The holder of each window that is claimed.
#[derive(Default)]
pub(crate) struct WindowTable {
    holders: Mutex<HashMap<WindowId, AlreadyClaimed>>,
}

/// The right to build the index of a window. A process has at most one for each window.
pub(crate) struct WindowClaim {
    table: Arc<WindowTable>,
    window: WindowId,
}

impl WindowTable {
    /// Claims a window for the work on an index.
    #[track_caller]
    pub(crate) fn claim(
        self: &Arc<Self>,
        window: WindowId,
        key: Key,
    ) -> Result<WindowClaim, AlreadyClaimed> {
        match self.lock().entry(window) {
            Entry::Occupied(entry) => Err(*entry.get()),
            Entry::Vacant(entry) => {
                let holder = Location::caller();
                entry.insert(AlreadyClaimed { key, holder });
                Ok(WindowClaim {
                    table: Arc::clone(self),
                    window,
                })
            }
        }
    }

    /// Runs `remove` unless the window is claimed. A builder that comes meanwhile waits, because it would find the
    /// directory of the window and then see it go.
    pub(super) fn unless_claimed<T>(
        &self,
        window: WindowId,
        remove: impl FnOnce() -> T,
    ) -> Option<T> {
        let holders = self.lock();
        (!holders.contains_key(&window)).then(remove)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<WindowId, AlreadyClaimed>> {
        // Code under this lock changes the table last, so a panic elsewhere leaves the table complete.
        self.holders.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for WindowClaim {
    fn drop(&mut self) {
        self.table.lock().remove(&self.window);
    }
}
