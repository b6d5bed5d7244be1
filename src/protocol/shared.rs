//! The state that the catalog and every handle share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::barrier::Barriers;
use super::change::{Batch, CommitFailure};
use super::claims::ClaimTable;
use super::combiner::Combiner;
use super::leases::{Leases, Reader};
use super::poison::Poison;
use super::state_index::{Pinned, Snapshot, Source, States};
use super::window_claims::WindowTable;
use crate::domain::{
    ArtifactKey, ArtifactState, ChunkId, HotKey, HotState, IndexKey, Key, TypedKey, WindowId,
};
use crate::failure::{IoFailure, ReadError, StillLeased};
use crate::fs::DirMark;
use crate::roots::LockedRoots;
use crate::store::Store;

/// The hot directory of a key that this process has marked, given up or created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HotDirectory {
    /// It was missing when the key was marked or given up, or has been removed.
    Missing,
    /// It was created, with this mark.
    Created(DirMark),
}

/// The open store, or nothing after an attempt to open it again has failed.
pub(super) type Slot = Option<Store>;

/// One open catalog. A lease keeps the roots locked, and nothing else of it. Fields are dropped in this order: the
/// store is closed before the locks are released.
pub(crate) struct Shared {
    /// The store. Its lock is held from the comparison of the stored values to the end of the commit.
    pub(super) store: Mutex<Slot>,
    pub(crate) states: States,
    pub(crate) claims: Arc<ClaimTable>,
    pub(crate) windows: Arc<WindowTable>,
    pub(crate) leases: Arc<Leases>,
    /// The hot directories of this process's own keys. Another directory under such a name is another program's, and is
    /// not removed.
    hot_directories: Mutex<HashMap<ChunkId, HotDirectory>>,
    pub(crate) poison: Poison,
    pub(crate) barriers: Barriers,
    /// The batches of the threads that commit.
    pub(crate) commits: Combiner<Batch, Result<(), CommitFailure>>,
    pub(crate) roots: Arc<LockedRoots>,
}

impl Shared {
    pub(crate) fn new(roots: LockedRoots, store: Store, states: States) -> Result<Self, IoFailure> {
        let roots = Arc::new(roots);
        Ok(Self {
            store: Mutex::new(Some(store)),
            states,
            leases: Arc::new(Leases::new(&roots)),
            claims: Arc::default(),
            windows: Arc::default(),
            poison: Poison::default(),
            barriers: Barriers::new(&roots)?,
            hot_directories: Mutex::default(),
            commits: Combiner::default(),
            roots,
        })
    }

    /// Returns the state of an artifact, or `None` if its key is absent.
    pub(crate) fn state(&self, key: ArtifactKey) -> Result<Option<ArtifactState>, ReadError> {
        self.poison.check()?;
        let states = self.states.of(key.chunk);
        if states.is_unrecognised() {
            return self.get_as_stored(key);
        }
        Ok(states.artifact(key.kind))
    }

    /// Returns the state of a hot directory, or `None` if its key is absent.
    pub(crate) fn hot_state(&self, key: HotKey) -> Result<Option<HotState>, ReadError> {
        self.poison.check()?;
        let states = self.states.of(key.chunk);
        if states.is_unrecognised() {
            return self.get_as_stored(key);
        }
        Ok(states.hot())
    }

    /// Returns the typed value of a key of a chunk with an unrecognised value.
    #[cold]
    fn get_as_stored<T: TypedKey>(&self, key: T) -> Result<Option<T::Value>, ReadError> {
        Ok(self.states.snapshot().get(key)?)
    }

    /// Returns the typed value of a key, or `None` if the key is absent.
    pub(crate) fn get<T: TypedKey>(&self, key: T) -> Result<Option<T::Value>, ReadError> {
        self.poison.check()?;
        Ok(self.states.get(key)?)
    }

    /// Returns whether a key is present, with any value.
    pub(crate) fn has(&self, key: Key) -> Result<bool, ReadError> {
        self.poison.check()?;
        Ok(self.states.stored(key).is_some())
    }

    /// Returns the states between two commits.
    pub(crate) fn snapshot(&self) -> Result<Arc<Snapshot>, ReadError> {
        self.poison.check()?;
        Ok(self.states.snapshot())
    }

    /// Returns the states between two commits. While they are held, no file that they call readable is removed.
    pub(crate) fn pin(&self) -> Result<Pinned, ReadError> {
        self.poison.check()?;
        Ok(self.states.pin())
    }

    /// Returns the hot directory of a chunk, if this process has marked, given up or created it.
    pub(crate) fn hot_directory(&self, chunk: ChunkId) -> Option<HotDirectory> {
        self.hot_directories().get(&chunk).copied()
    }

    pub(crate) fn set_hot_directory(&self, chunk: ChunkId, directory: Option<HotDirectory>) {
        match directory {
            Some(directory) => self.hot_directories().insert(chunk, directory),
            None => self.hot_directories().remove(&chunk),
        };
    }

    fn hot_directories(&self) -> MutexGuard<'_, HashMap<ChunkId, HotDirectory>> {
        let directories = self.hot_directories.lock();
        directories.unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a lease on an artifact, if it is frozen.
    pub(crate) fn lease(&self, key: ArtifactKey) -> Result<Option<Reader>, ReadError> {
        let is_frozen = || Ok(self.state(key)? == Some(ArtifactState::Frozen));
        self.leases.take_if(key, is_frozen)
    }

    /// Takes a lease on a hot directory, if it is ready.
    pub(crate) fn lease_hot(&self, key: HotKey) -> Result<Option<Reader>, ReadError> {
        let is_ready = || Ok(self.hot_state(key)? == Some(HotState::Ready));
        self.leases.take_if(key, is_ready)
    }

    /// Takes a lease on the place where an artifact of a chunk can be read: its files, or the hot directory of the
    /// chunk, if the files are not frozen.
    ///
    /// The answer is of one instant: both states are in one word. If the lease on the place comes too late, the place
    /// was left for another one, so the next look finds that.
    pub(crate) fn lease_somewhere(
        &self,
        key: ArtifactKey,
    ) -> Result<Option<Source<Reader>>, ReadError> {
        let hot = HotKey { chunk: key.chunk };
        loop {
            self.poison.check()?;
            match self.states.source(key)? {
                None => return Ok(None),
                Some(Source::Files(())) => {
                    if let Some(reader) = self.lease(key)? {
                        return Ok(Some(Source::Files(reader)));
                    }
                }
                Some(Source::HotDirectory(())) => {
                    if let Some(reader) = self.lease_hot(hot)? {
                        return Ok(Some(Source::HotDirectory(reader)));
                    }
                }
            }
        }
    }

    /// Takes a lease on the one frozen index of a window, if `wants` returns true for it.
    pub(crate) fn lease_index(
        &self,
        window: WindowId,
        wants: impl FnOnce(IndexKey) -> bool,
    ) -> Result<Option<(IndexKey, Reader)>, ReadError> {
        self.poison.check()?;
        self.leases.take_found_index(|| {
            let frozen = self.states.frozen_index(window)?;
            Ok(frozen.filter(|key| wants(*key)))
        })
    }

    /// Refuses while there are readers of the files or the directory of a key that cannot be read any more.
    pub(crate) fn check_unread(&self, key: Key) -> Result<(), StillLeased> {
        match self.leases.count(key, || self.states.pins(key)) {
            0 => Ok(()),
            readers => Err(StillLeased { key, readers }),
        }
    }
}
