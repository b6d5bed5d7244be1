//! [`SimDisk`]: a disk in memory that records which changes survive a power cut.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::event::{Batch, Event, Keys};
use super::state::{Fault, State};
use super::world::World;

/// A disk in memory that records the durable bytes of each file and the durable entries of each directory.
/// Clones share one disk.
///
/// [`StorageRoots::lock_on_simulated`](crate::StorageRoots::lock_on_simulated) locks a node's roots on it. A
/// program does its own file work with the methods of this type, which behave as the system calls that their
/// docs name.
#[derive(Clone)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

impl SimDisk {
    /// Creates an empty disk: a root directory without entries.
    #[must_use]
    pub fn new() -> Self {
        Self::of(World::new())
    }

    /// Creates a disk in the given state, on which a new process begins.
    pub(super) fn of(world: World) -> Self {
        Self {
            state: Arc::new(Mutex::new(State::new(world))),
        }
    }

    pub(super) fn into_world(self) -> World {
        self.state().world.clone()
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends the process and begins another: releases all locks and cancels the planned faults. Pending changes
    /// stay pending.
    pub fn restart(&self) {
        self.state().restart();
    }

    /// Makes everything durable and clears the history, as the start of a test.
    pub fn sync_all(&self) {
        let mut state = self.state();
        let mut world = state.world.clone();
        world.apply(&Event::SyncAll);
        *state = State::new(world);
    }

    /// Returns a copy of this disk with its pending changes, but without its history.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self::of(self.state().world.clone())
    }

    /// Sets the number of barriers from which on a group syncs the file system instead of each file and
    /// directory. The default is the same number as on a real disk.
    pub fn sync_whole_from(&self, barriers: usize) {
        self.state().world.whole_from = Some(barriers);
    }

    /// Reuses inode numbers from here on: a recreated directory has the number of its predecessor, as on file
    /// systems that reuse a free number at once and store no birth time.
    pub fn reuse_numbers(&self) {
        self.state().world.reuses_numbers = true;
    }

    /// Names the step that begins here, for the crash trace of a failure.
    pub fn step(&self, name: &str) {
        let mut state = self.state();
        state.step = Arc::from(name);
        state.record(Event::Step, "step", Path::new(name));
    }

    /// Makes one call fail with the error number `errno`, after `calls` more calls have been made. A failed
    /// sync loses the pending bytes for good. Restarts the call count at zero.
    pub fn fail_after(&self, calls: usize, errno: i32) {
        let mut state = self.state();
        state.calls = 0;
        state.hit = None;
        state.fault = Some(Fault {
            after: calls,
            errno,
        });
    }

    /// Returns the call that [`fail_after`](Self::fail_after) has made fail, or `None` if no call was reached.
    #[must_use]
    pub fn failed_call(&self) -> Option<String> {
        self.state().hit.clone()
    }

    /// Makes every call that needs space fail once `calls` more calls have been made. Restarts the call count
    /// at zero.
    pub fn fill_after(&self, calls: usize) {
        let mut state = self.state();
        state.calls = 0;
        state.full_from = Some(calls);
    }

    /// Ends the shortage of space that [`fill_after`](Self::fill_after) began.
    pub fn free_space(&self) {
        self.state().full_from = None;
    }

    /// Returns the number of calls since the disk was created, or since the count was restarted.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.state().calls
    }

    /// Calls `visit` with every current path below the root, and with the bytes of each file.
    pub fn walk(&self, mut visit: impl FnMut(&Path, Option<&[u8]>)) {
        self.state().world.walk(&mut visit);
    }

    /// Requires the store to keep exactly these entries from here on, because a reader has read them.
    pub fn promise(&self, keys: Keys) {
        self.state()
            .world
            .apply(&Event::StoreOpened(Arc::new(keys)));
    }

    /// Does the same as a part of the history: a program has acknowledged these entries.
    pub fn acknowledge(&self, keys: Keys) {
        self.store_opened(keys, Path::new("/"));
    }

    /// Returns the entries that a store must keep at this crash point: the entries that its commits
    /// have acknowledged, and those entries with the batch that was being committed, if there was one.
    #[must_use]
    pub fn promised(&self) -> (Keys, Option<Keys>) {
        let promise = self.state().world.promise.clone();
        let acknowledged = Keys::clone(&promise.acknowledged);
        let with_batch = promise.in_flight.map(|batch| {
            let mut keys = acknowledged.clone();
            super::world::apply_batch(&mut keys, &batch);
            keys
        });
        (acknowledged, with_batch)
    }
}

impl Default for SimDisk {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut paths = f.debug_set();
        self.walk(|path, bytes| {
            paths.entry(&(path.to_path_buf(), bytes.map(<[u8]>::len)));
        });
        paths.finish()
    }
}

/// Events that a store reports.
impl SimDisk {
    /// Attributes the events until [`end_of_store`](Self::end_of_store) to the store.
    pub(crate) fn begin_store(&self) {
        self.state().in_store = true;
    }

    pub(crate) fn end_of_store(&self) {
        self.state().in_store = false;
    }

    pub(crate) fn store_opened(&self, keys: Keys, path: &Path) {
        let event = Event::StoreOpened(Arc::new(keys));
        self.state().record(event, "the store is open in", path);
    }

    pub(crate) fn batch_begins(&self, batch: Batch, path: &Path) {
        let text: Vec<_> = batch
            .iter()
            .map(|(key, value)| format!("{key}={}", value.as_deref().unwrap_or("(deleted)")))
            .collect();
        let verb = format!("commit {} in", text.join(", "));
        let event = Event::BatchBegins(Arc::new(batch));
        self.state().record(event, &verb, path);
    }

    pub(crate) fn batch_returns(&self, path: &Path) {
        self.state()
            .record(Event::BatchReturns, "the commit returns in", path);
    }
}
