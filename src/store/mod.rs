//! The catalog's store: a small key-value database whose every batch is atomic and synced.
//!
//! This is the second seam. Only `rocks` names `rocksdb`. Around it are the creation, all or nothing,
//! and the check of what a crash has left, which work on the files through [`Dir`].

mod creation;
mod engine;
mod log_check;
mod log_format;
mod read_only;
mod rocks;
#[cfg(feature = "sim")]
mod simulated;

use std::borrow::Cow;
#[cfg(feature = "sim")]
use std::path::Path;
use std::path::PathBuf;

use crate::error::{IoFailure, Operation, StoreFailure};
use crate::fs::{Dir, Disk, resolve};
use crate::key::EncodedKey;
use engine::Engine;

pub(crate) use creation::NotACatalog;
pub(crate) use log_check::LogDamage;
pub(crate) use read_only::{Reading, read_only};

/// One change of a batch: a new value, or none to delete the key.
#[derive(Debug)]
pub(crate) struct Edit {
    pub(crate) key: EncodedKey,
    pub(crate) value: Option<Cow<'static, str>>,
}

/// A key and its value, as they are stored.
pub(crate) type RawEntry = (Box<[u8]>, Box<[u8]>);

/// Why a store could not be opened.
#[derive(Debug)]
pub(crate) enum OpenFailure {
    Io(IoFailure),
    Store(StoreFailure),
    NotACatalog(NotACatalog),
    Damaged(LogDamage),
    /// The path and the locked directory are no longer the same directory.
    Moved,
}

impl From<IoFailure> for OpenFailure {
    fn from(failure: IoFailure) -> Self {
        Self::Io(failure)
    }
}

impl From<StoreFailure> for OpenFailure {
    fn from(failure: StoreFailure) -> Self {
        Self::Store(failure)
    }
}

/// An open store.
pub(crate) struct Store {
    engine: Engine,
    path: PathBuf,
    disk: Disk,
}

impl Store {
    /// Opens the store in this directory, or creates it, all or nothing, where there is none.
    pub(crate) fn open(dir: &Dir) -> Result<Self, OpenFailure> {
        let path = dir.path().to_path_buf();
        check_not_moved(dir)?;
        creation::settle(dir)?;
        let has_records = log_check::settle(dir)?;
        let disk = dir.disk().clone();
        let failed = |source| StoreFailure::new(Operation::OpenStore, &path, source);
        disk.announce(Operation::OpenStore, &path)
            .map_err(|error| failed(error.into()))?;
        let mut engine = Engine::open(dir).map_err(failed)?;
        if has_records {
            // What a sync that failed in an earlier process left in the logs may look whole and not be
            // durable, and syncing it again would prove nothing: it is written anew.
            engine.flush().map_err(failed)?;
        }
        reserve_log(dir)?;
        check_not_moved(dir)?;
        #[cfg(feature = "sim")]
        engine.promise();
        Ok(Self { engine, path, disk })
    }

    pub(crate) fn get(&self, key: &EncodedKey) -> Result<Option<Vec<u8>>, StoreFailure> {
        self.disk
            .announce(Operation::ReadStore, &self.path)
            .map_err(|error| self.failure(Operation::ReadStore, error.into()))?;
        self.engine
            .get(key.as_bytes())
            .map_err(|error| self.failure(Operation::ReadStore, error))
    }

    /// Whether this is what the store holds. For assertions: it is not announced, and so cannot fail.
    #[cfg(debug_assertions)]
    pub(crate) fn holds(&self, key: &EncodedKey, value: Option<&str>) -> bool {
        let found = self.engine.get(key.as_bytes());
        found.is_ok_and(|found| found.as_deref() == value.map(str::as_bytes))
    }

    /// Commits all of the edits or none. Durable on return: the log has been synced.
    pub(crate) fn commit(&self, edits: &[Edit]) -> Result<(), StoreFailure> {
        self.disk
            .announce(Operation::Commit, &self.path)
            .map_err(|error| self.failure(Operation::Commit, error.into()))?;
        self.engine
            .write(edits)
            .map_err(|error| self.failure(Operation::Commit, error))
    }

    #[cfg(feature = "sim")]
    pub(crate) fn plant(&self, key: &[u8], value: Option<&[u8]>) -> Result<(), StoreFailure> {
        let planted = self.engine.plant(key, value);
        planted.map_err(|error| self.failure(Operation::Commit, error))
    }

    /// Shows every entry, in byte order, without copying it.
    pub(crate) fn for_each(&self, visit: impl FnMut(&[u8], &[u8])) -> Result<(), StoreFailure> {
        let shown = self.disk.announce(Operation::ReadStore, &self.path);
        shown
            .map_err(Source::from)
            .and_then(|()| self.engine.for_each(visit))
            .map_err(|error| self.failure(Operation::ReadStore, error))
    }

    fn failure(&self, operation: Operation, source: Source) -> StoreFailure {
        StoreFailure::new(operation, &self.path, source)
    }
}

/// The entries of a store on a simulated disk that nobody has open, whatever a crash has left of it.
#[cfg(feature = "sim")]
pub(crate) fn peek(disk: &crate::sim::SimDisk, path: &Path) -> std::io::Result<crate::sim::Keys> {
    match disk.directory(path) {
        Ok(dir) => simulated::peek(&dir),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(crate::sim::Keys::new()),
        Err(error) => Err(error),
    }
}

/// What a store says of its own failures.
pub(crate) type Source = Box<dyn std::error::Error + Send + Sync>;

/// What is reserved of the log: some ten thousand edits, which demote and delete whatever a full disk
/// can be freed of.
const RESERVED: u64 = 1 << 20;

/// What is filled with zeros of it: some three thousand commits.
const ZEROS: usize = 256 << 10;

/// Takes the space for this process's first commits from the disk, and writes zeros where they will be.
///
/// RocksDB takes space at its first write only. If the disk has become full by then, that write fails,
/// and nothing can be swept any more.
///
/// A sync of bytes that are appended is a commit of the file system's journal, too, because the length
/// changes; one of bytes that are overwritten is not. RocksDB writes where it has come to, whatever is
/// there, and takes zeros at the end of a log for its end.
fn reserve_log(dir: &Dir) -> Result<(), IoFailure> {
    match log_check::log_names(dir)?.pop() {
        Some(newest) => dir.reserve(newest, RESERVED, ZEROS),
        None => Ok(()),
    }
}

/// The store opens by path; make sure that the path still leads to the locked directory.
fn check_not_moved(dir: &Dir) -> Result<(), OpenFailure> {
    let there = resolve(dir.path(), dir.disk())?.identity();
    if there == Some(dir.identity()?) {
        return Ok(());
    }
    Err(OpenFailure::Moved)
}
