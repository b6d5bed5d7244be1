//! [`SimDisk`]: a disk in memory that knows what would survive a power cut.

use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::event::{Batch, Event, Keys};
use super::state::{Fault, State};
use super::world::World;

/// A disk in memory that knows, for each inode, which bytes are durable, and for each directory, which
/// entries are. Clones are the same disk.
///
/// Lock a node's roots on it with [`StorageRoots::lock_on_simulated`](crate::StorageRoots::lock_on_simulated),
/// and do a program's own file work with the methods here: they behave as the system calls of the
/// same names.
#[derive(Clone)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

impl SimDisk {
    /// An empty disk: a root directory with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::of(World::new())
    }

    /// A disk on which a new process begins.
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

    /// The process is over and another one begins: locks are released and ordered faults forgotten.
    /// Pending changes stay pending.
    pub fn restart(&self) {
        self.state().restart();
    }

    /// Makes everything durable and forgets what has happened: a beginning for a test.
    pub fn sync_all(&self) {
        let mut state = self.state();
        let mut world = state.world.clone();
        world.apply(&Event::SyncAll);
        *state = State::new(world);
    }

    /// A copy of this disk as it is now, pending changes included; without a history.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self::of(self.state().world.clone())
    }

    /// From so many barriers on a group syncs the file system instead of each file and directory.
    /// Otherwise it is as many as on a real disk.
    pub fn sync_whole_from(&self, barriers: usize) {
        self.state().world.whole_from = Some(barriers);
    }

    /// From here on a directory that is made again has the inode number of the one before, as on file systems
    /// that give out a free number at once and keep no time of birth.
    pub fn reuse_numbers(&self) {
        self.state().world.reuses_numbers = true;
    }

    /// Names the step that begins here, for the crash trace of a failure.
    pub fn step(&self, name: &str) {
        let mut state = self.state();
        state.step = Arc::from(name);
        state.record(Event::Step, "step", Path::new(name));
    }

    /// Makes one call fail with this error number: the one after this many more have been made. A sync
    /// that fails loses what was pending for good. Counts calls from zero again.
    pub fn fail_after(&self, calls: usize, errno: i32) {
        let mut state = self.state();
        state.calls = 0;
        state.hit = None;
        state.fault = Some(Fault {
            after: calls,
            errno,
        });
    }

    /// The call that [`fail_after`](Self::fail_after) has made fail, if it came to that.
    #[must_use]
    pub fn failed_call(&self) -> Option<String> {
        self.state().hit.clone()
    }

    /// Lets every call that needs space fail from the one on before which this many more are made.
    /// Counts calls from zero again.
    pub fn fill_after(&self, calls: usize) {
        let mut state = self.state();
        state.calls = 0;
        state.full_from = Some(calls);
    }

    /// There is space again.
    pub fn free_space(&self) {
        self.state().full_from = None;
    }

    /// How many calls have been made since the disk was made, or the counting began.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.state().calls
    }

    /// Calls the visitor with every path below the root as it reads now, and the bytes of the files.
    pub fn walk(&self, mut visit: impl FnMut(&Path, Option<&[u8]>)) {
        self.state().world.walk(&mut visit);
    }

    /// From here on the store must keep exactly these entries: what a reader has found in it.
    pub fn promise(&self, keys: Keys) {
        self.state()
            .world
            .apply(&Event::StoreOpened(Arc::new(keys)));
    }

    /// The same, as a part of the history: what a program has acknowledged by then.
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

/// The events that a store reports.
impl SimDisk {
    /// The events until [`end_of_store`](Self::end_of_store) belong to the store.
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
