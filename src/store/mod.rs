//! The catalog's store: a small key-value database. Each batch is atomic and synced.
//!
//! This module is the second seam. Only `rocks` names `rocksdb`. The modules around it create the store, all or
//! nothing, and check the files that a crash leaves. They work on the files through [`Dir`].

mod create;
mod engine;
mod entry;
mod failure;
#[cfg(any(test, feature = "sim"))]
mod framing;
mod log_check;
mod log_format;
mod manifest;
#[cfg(feature = "sim")]
mod model;
mod names;
mod read_only;
mod rocks;
mod space;
mod witness;

#[cfg(feature = "sim")]
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use crate::domain::EncodedKey;
use crate::failure::{IoFailure, Operation, StoreFailure};
use crate::fs::Dir;
use engine::Engine;
use space::{LogSpace, Room};
use witness::Witnessed;

pub(crate) use create::{foreign_entry, holds_store};
pub(crate) use entry::{Edit, RawEntry};
use failure::BoxError;
pub use failure::DamageKind;
pub(crate) use failure::{Damage, Full, NotACatalog, OpenFailure, StoreCommitFailure};
pub(crate) use read_only::{Reading, read_only};
pub(crate) use witness::Witness;

/// An open store.
pub(crate) struct Store {
    // The engine comes first, so that it is closed before the directory through which it works.
    engine: Engine,
    dir: Arc<Dir>,
    witness: Witness,
    space: Mutex<LogSpace>,
}

impl Store {
    /// Opens the store in this directory. If there is no store, creates it, all or nothing.
    pub(crate) fn open(dir: &Arc<Dir>, witness: Witness) -> Result<Self, OpenFailure> {
        create::check_not_moved(dir)?;
        create::check_regular(dir)?;
        let parts = match Self::start(dir, &witness, space::before_start) {
            // A quota does not show in the free space, so the first attempt can run out of space. The second attempt
            // writes everything anew that the first one wrote.
            Err(failure) => match space::explain(dir, failure) {
                OpenFailure::Full(full) if !space::holds_ballast(dir)? => {
                    Err(OpenFailure::Full(full))
                }
                OpenFailure::Full(_) => Self::start(dir, &witness, space::scarce),
                failure => Err(failure),
            },
            started => started,
        };
        #[cfg_attr(
            not(feature = "sim"),
            expect(unused_mut, reason = "only a simulated store needs it")
        )]
        let (mut engine, space) = parts.map_err(|failure| space::explain(dir, failure))?;
        create::check_not_moved(dir)?;
        #[cfg(feature = "sim")]
        engine.promise();
        Ok(Self {
            engine,
            dir: Arc::clone(dir),
            witness,
            space: Mutex::new(space),
        })
    }

    fn start(
        dir: &Dir,
        witness: &Witness,
        find_room: fn(&Dir) -> Result<Room, IoFailure>,
    ) -> Result<(Engine, LogSpace), OpenFailure> {
        create::ensure_created(dir, witness)?;
        let witnessed = log_check::witnessed(witness)?;
        let has_records = log_check::truncate_torn_ends(dir, witnessed)?;
        // From here on, the files are known to be sound. No step before this one changes a damaged store.
        create::finish_creation(dir)?;
        space::remove_empty_logs(dir, witnessed)?;
        let room = find_room(dir)?;
        let failed = |source| StoreFailure::new(Operation::OpenStore, dir.path(), source);
        dir.disk()
            .announce(Operation::OpenStore, dir.path())
            .map_err(|error| failed(error.into()))?;
        let mut engine = Engine::open(dir).map_err(failed)?;
        if has_records {
            // A record whose sync failed in an earlier process may look whole and not be durable. Another sync of it
            // would prove nothing, so the flush writes it anew.
            let may_take = match room {
                Room::Ample => dir.free_space()?,
                Room::Scarce => 0,
            };
            engine.flush(may_take).map_err(failed)?;
        }
        let space = begin_log(dir, &engine, witness, room)?;
        Ok((engine, space))
    }

    /// Returns whether the store holds this value. Only assertions use it: the read is not announced, and so cannot
    /// be made to fail.
    #[cfg(debug_assertions)]
    pub(crate) fn holds(&self, key: &EncodedKey, value: Option<&str>) -> bool {
        let found = self.engine.get(key.as_bytes());
        found.is_ok_and(|found| found.as_deref() == value.map(str::as_bytes))
    }

    /// Commits all of the edits or none. The edits are durable on return, because the log has been synced.
    pub(crate) fn commit(&self, edits: &[Edit]) -> Result<(), StoreCommitFailure> {
        let sizes = edits.iter().map(|edit| {
            let value = edit.value.as_ref().map_or(0, |value| value.len());
            space::edit_size(edit.key.as_bytes().len() + value)
        });
        self.make_room(sizes.sum())?;
        let unknown = |error| StoreCommitFailure::Unknown(self.failure(Operation::Commit, error));
        self.dir
            .disk()
            .announce(Operation::Commit, self.dir.path())
            .map_err(|error| unknown(error.into()))?;
        self.engine.write(edits).map_err(unknown)?;
        // The log's fsync does not report every failure of the file system; see `protocol::barrier`.
        let checked = self.dir.check_file_system();
        checked.map_err(|failure| {
            StoreCommitFailure::Unknown(self.failure(failure.operation, failure.source.into()))
        })
    }

    /// Returns the number of the last edit, which survives a restart.
    pub(crate) fn last_sequence(&self) -> u64 {
        self.engine.last_sequence()
    }

    /// Reserves the log space for commits of this many edits, with keys and values of the usual size. Such commits do
    /// not fail for lack of space, unless the commits of other threads take it first.
    pub(crate) fn reserve_for(&self, edits: usize) -> Result<(), StoreCommitFailure> {
        let mut space = self.space.lock().unwrap_or_else(PoisonError::into_inner);
        let needed = edits as u64 * space::edit_size(space::USUAL_EDIT);
        self.prepare(&mut space, needed)
    }

    /// Takes this many bytes of the log's space for a commit.
    fn make_room(&self, bytes: u64) -> Result<(), StoreCommitFailure> {
        let mut space = self.space.lock().unwrap_or_else(PoisonError::into_inner);
        self.prepare(&mut space, bytes)?;
        space.take(bytes);
        Ok(())
    }

    /// Begins a new log if the current one is long, and reserves its space for these bytes.
    fn prepare(&self, space: &mut LogSpace, bytes: u64) -> Result<(), StoreCommitFailure> {
        let no_space = |failure: IoFailure| {
            if failure.is_sync() {
                // A sync that fails is not issued again, so no further commit may reserve space.
                let IoFailure {
                    operation,
                    path,
                    source,
                } = failure;
                return StoreCommitFailure::Unknown(StoreFailure::new(operation, path, source));
            }
            let path = self.dir.path();
            let failure = StoreFailure::new(Operation::ReserveSpace, path, failure.source);
            StoreCommitFailure::NoSpace(failure)
        };
        let path = self.dir.path();
        let announced = self.dir.disk().announce(Operation::TakeSpace, path);
        announced.map_err(|error| no_space(IoFailure::new(Operation::TakeSpace, path, error)))?;
        space.before_commit(&self.dir).map_err(no_space)?;
        if space.has(bytes) {
            return Ok(());
        }
        if space.is_long() && space::for_a_flush(&self.dir, space.used()).map_err(no_space)? {
            self.rotate(space).map_err(StoreCommitFailure::Unknown)?;
        }
        space.extend(&self.dir, bytes).map_err(no_space)
    }

    /// Moves everything from the log to a table, and begins a new log. RocksDB would do this by itself at some
    /// commit, and could find no space for it then.
    fn rotate(&self, space: &mut LogSpace) -> Result<(), StoreFailure> {
        let failed = |error| self.failure(Operation::Commit, error);
        self.engine.flush_memory().map_err(failed)?;
        // The old log has given its space back.
        *space = begin_log(&self.dir, &self.engine, &self.witness, Room::Scarce)
            .map_err(|failure| failed(failure.into()))?;
        Ok(())
    }

    #[cfg(feature = "sim")]
    pub(crate) fn write_raw_for_test(
        &self,
        key: &[u8],
        value: Option<&[u8]>,
    ) -> Result<(), StoreFailure> {
        let planted = self.engine.write_raw_for_test(key, value);
        planted.map_err(|error| self.failure(Operation::Commit, error))
    }

    /// Calls `visit` with every entry, in byte order, without copying the entries.
    pub(crate) fn for_each(&self, visit: impl FnMut(&[u8], &[u8])) -> Result<(), StoreFailure> {
        let shown = self
            .dir
            .disk()
            .announce(Operation::ReadStore, self.dir.path());
        shown
            .map_err(BoxError::from)
            .and_then(|()| self.engine.for_each(visit))
            .map_err(|error| self.failure(Operation::ReadStore, error))
    }

    fn failure(&self, operation: Operation, source: BoxError) -> StoreFailure {
        StoreFailure::new(operation, self.dir.path(), source)
    }
}

/// Returns the entries of a store on a simulated disk that no process has open, in any state that a crash leaves.
#[cfg(feature = "sim")]
pub(crate) fn peek(disk: &crate::sim::SimDisk, path: &Path) -> std::io::Result<crate::sim::Keys> {
    match disk.directory(path) {
        Ok(dir) => model::peek(&dir),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(crate::sim::Keys::new()),
        Err(error) => Err(error),
    }
}

/// Prepares the log for commits, and writes the store's progress into the witness.
///
/// The log's bytes and its name come first, because the witness says that they exist.
fn begin_log(
    dir: &Dir,
    engine: &Engine,
    witness: &Witness,
    room: Room,
) -> Result<LogSpace, IoFailure> {
    let log = names::log_numbers(dir)?.pop().unwrap_or(0);
    let space = LogSpace::begin(dir, names::log_name(log), room)?;
    let witnessed = Witnessed {
        sequence: engine.last_sequence(),
        log,
    };
    if !witness.holds(witnessed)? {
        dir.sync()?;
    }
    witness.write(witnessed)?;
    Ok(space)
}
