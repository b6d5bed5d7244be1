//! [`SimDisk`]: a disk in memory that knows what would survive a power cut.

use std::fmt;
use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::event::{Batch, Event, Keys};
use super::handle::{DirHandle, FileHandle};
use super::history::History;
use super::state::{Fault, State};
use super::world::{ROOT, World};

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

/// A file of a [`SimDisk`], open for appending.
pub struct SimFile {
    handle: FileHandle,
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

    pub(crate) fn root(&self) -> DirHandle {
        DirHandle {
            disk: self.clone(),
            inode: ROOT,
            path: PathBuf::from("/"),
        }
    }

    /// The process is over and another one begins: locks are released and ordered faults forgotten.
    /// What is pending stays pending.
    pub fn restart(&self) {
        self.state().restart();
    }

    /// Makes everything durable and forgets what has happened: a beginning for a test.
    pub fn settle(&self) {
        let mut state = self.state();
        let mut world = state.world.clone();
        world.apply(&Event::SyncAll);
        *state = State::new(world);
    }

    /// What has happened since the disk was settled, or made.
    #[must_use]
    pub fn history(&self) -> History {
        let state = self.state();
        History {
            base: state.base.clone(),
            log: state.log.clone(),
        }
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

    /// Names the step that begins here, for the storyboard of a failure.
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

    /// What a store has been told to keep when this disk was cut off: the entries that its commits
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

/// What a store tells of itself.
impl SimDisk {
    /// What happens until [`end_of_store`](Self::end_of_store) is the store's own doing.
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

/// Files by path, for whoever has files of their own beside the library's.
impl SimDisk {
    pub(crate) fn directory(&self, path: &Path) -> io::Result<DirHandle> {
        let mut here = self.root();
        for component in path.components() {
            if let Component::Normal(name) = component {
                here = here.open_directory(name)?;
            }
        }
        Ok(here)
    }

    fn parent<'a>(&self, path: &'a Path) -> io::Result<(DirHandle, &'a std::ffi::OsStr)> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let parent = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        Ok((self.directory(parent)?, name))
    }

    /// Creates a directory. Its entry is durable once its parent has been synced.
    ///
    /// # Errors
    ///
    /// As `mkdir(2)`.
    pub fn create_directory(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let (parent, name) = self.parent(path.as_ref())?;
        parent.create_directory(name)
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    ///
    /// As `rmdir(2)`.
    pub fn remove_directory(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let (parent, name) = self.parent(path.as_ref())?;
        parent.remove_directory(name)
    }

    /// Creates a file under a name that is free.
    ///
    /// # Errors
    ///
    /// As `open(2)` with `O_CREAT` and `O_EXCL`.
    pub fn create_file(&self, path: impl AsRef<Path>) -> io::Result<SimFile> {
        let (parent, name) = self.parent(path.as_ref())?;
        let handle = parent.create_file(name)?;
        Ok(SimFile { handle })
    }

    /// Opens an existing file.
    ///
    /// # Errors
    ///
    /// As `open(2)`.
    pub fn open_file(&self, path: impl AsRef<Path>) -> io::Result<SimFile> {
        let (parent, name) = self.parent(path.as_ref())?;
        let handle = parent.open_file(name)?;
        Ok(SimFile { handle })
    }

    /// Unlinks a file.
    ///
    /// # Errors
    ///
    /// As `unlink(2)`.
    pub fn unlink(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let (parent, name) = self.parent(path.as_ref())?;
        parent.unlink(name)
    }

    /// Gives a file another name, in place of whatever had it.
    ///
    /// # Errors
    ///
    /// As `rename(2)`.
    pub fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
        let (parent, name) = self.parent(from.as_ref())?;
        let (new_parent, new_name) = self.parent(to.as_ref())?;
        parent.rename(name, &new_parent, new_name, true)
    }

    /// Makes the entries of a directory durable, and nothing else.
    ///
    /// # Errors
    ///
    /// As `fsync(2)`.
    pub fn sync_directory(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.directory(path.as_ref())?.sync()
    }

    /// The bytes of a file.
    ///
    /// # Errors
    ///
    /// As `open(2)`.
    pub fn read(&self, path: impl AsRef<Path>) -> io::Result<Arc<[u8]>> {
        let (parent, name) = self.parent(path.as_ref())?;
        parent.read_file(name)
    }
}

impl SimFile {
    /// Appends; when it fails, a part may have been appended.
    ///
    /// # Errors
    ///
    /// As `write(2)`.
    pub fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.handle.append(bytes)
    }

    /// Writes from this byte on.
    ///
    /// # Errors
    ///
    /// As `pwrite(2)`.
    pub fn write_at(&self, offset: usize, bytes: &[u8]) -> io::Result<()> {
        self.handle.write_preallocated(offset, bytes)
    }

    /// Shortens the file to this length.
    ///
    /// # Errors
    ///
    /// As `ftruncate(2)`.
    pub fn cut(&self, length: usize) -> io::Result<()> {
        self.handle.cut(length)
    }

    /// Makes the bytes durable, but not the name.
    ///
    /// # Errors
    ///
    /// As `fsync(2)`. What was pending then is lost for good.
    ///
    /// # Panics
    ///
    /// If it has failed before in this process.
    pub fn sync(&self) -> io::Result<()> {
        self.handle.sync()
    }
}
