//! The state that the catalog and every handle share.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::barrier::Barriers;
use super::change::{Batch, CommitFailure};
use super::claims::ClaimTable;
use super::combiner::Combiner;
use super::place::Place;
use super::poison::Poison;
use super::readers::{Reader, Readers};
use super::state_index::{BUCKETS, CHUNKS, States, Stored, place};
use crate::domain::{
    ArtifactKey, ArtifactKind, ArtifactState, ChunkId, HotKey, HotState, Key, TypedKey,
    decode_value,
};
use crate::failure::{IoFailure, ReadError, StillLeased, StoreFailure};
use crate::fs::DirMark;
use crate::roots::LockedRoots;
use crate::store::Store;

const KINDS: usize = ArtifactKind::ALL.len();

/// The hot directory of a key that this process has marked, given up or created.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HotDirectory {
    /// It was missing when the key was marked or given up, or has been removed.
    Missing,
    /// It was created, with this mark.
    Created(DirMark),
}

/// One open catalog. A lease keeps the roots locked, and nothing else of it. Fields are dropped in this order: the
/// store is closed before the locks are released.
pub(crate) struct Shared {
    pub(super) store: Store,
    pub(crate) states: States,
    pub(crate) claims: Arc<ClaimTable>,
    pub(crate) readers: Readers<LockedRoots>,
    /// The hot directories of this process's own keys. Another directory under such a name is another program's, and is
    /// not removed.
    hot_directories: Mutex<HashMap<ChunkId, HotDirectory>>,
    pub(crate) poison: Poison,
    pub(crate) barriers: Barriers,
    /// The batches of the threads that commit.
    pub(crate) commits: Combiner<Batch, Result<(), CommitFailure>>,
    /// A lock that is held from the comparison of the stored values to the end of the commit.
    pub(super) commit_lock: Mutex<()>,
    pub(crate) roots: Arc<LockedRoots>,
}

impl Shared {
    pub(crate) fn new(roots: LockedRoots, store: Store, states: States) -> Result<Self, IoFailure> {
        let roots = Arc::new(roots);
        Ok(Self {
            store,
            states,
            readers: Readers::new(BUCKETS, CHUNKS * KINDS, Arc::clone(&roots)),
            claims: Arc::default(),
            poison: Poison::default(),
            barriers: Barriers::new(&roots)?,
            hot_directories: Mutex::default(),
            commits: Combiner::default(),
            commit_lock: Mutex::new(()),
            roots,
        })
    }

    /// Returns the state of an artifact, or `None` if its key is absent.
    pub(crate) fn state(
        &self,
        chunk: ChunkId,
        kind: ArtifactKind,
    ) -> Result<Option<ArtifactState>, ReadError> {
        self.poison.check()?;
        match self.states.of(chunk) {
            unrecognised if unrecognised.is_unrecognised() => self.get(ArtifactKey { chunk, kind }),
            lifecycle => Ok(lifecycle.artifact(kind)),
        }
    }

    /// Returns the state of a hot directory, or `None` if its key is absent.
    pub(crate) fn hot_state(&self, chunk: ChunkId) -> Result<Option<HotState>, ReadError> {
        self.poison.check()?;
        match self.states.of(chunk) {
            unrecognised if unrecognised.is_unrecognised() => self.get(HotKey { chunk }),
            lifecycle => Ok(lifecycle.hot()),
        }
    }

    /// Returns the typed value of a key, or `None` if the key is absent.
    pub(crate) fn get<T: TypedKey>(&self, key: T) -> Result<Option<T::Value>, ReadError> {
        self.poison.check()?;
        match self.stored(key.into())? {
            None => Ok(None),
            Some(bytes) => Ok(Some(decode_value(key, &bytes)?)),
        }
    }

    /// Returns whether a key is present, with any value.
    pub(crate) fn has(&self, key: Key) -> Result<bool, ReadError> {
        self.poison.check()?;
        Ok(self.stored(key)?.is_some())
    }

    /// Returns the value of a key as it is stored, or `None` if the key is absent.
    pub(super) fn stored(&self, key: Key) -> Result<Option<Cow<'static, [u8]>>, StoreFailure> {
        match self.states.stored(key) {
            Stored::Is(value) => Ok(value.map(|value| Cow::Borrowed(value.as_bytes()))),
            Stored::AskTheStore => Ok(self.store.get(&key.encode())?.map(Cow::Owned)),
        }
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
    pub(crate) fn lease(&self, key: ArtifactKey) -> Result<Option<Reader<LockedRoots>>, ReadError> {
        let is_frozen = || Ok(self.state(key.chunk, key.kind)? == Some(ArtifactState::Frozen));
        self.readers.take_if(readers_place(key), is_frozen)
    }

    /// Takes a lease for the owner of a frozen artifact.
    pub(crate) fn lease_own(&self, key: ArtifactKey) -> Reader<LockedRoots> {
        self.readers.take(readers_place(key))
    }

    /// Refuses while leases are out on an artifact that is not frozen any more.
    pub(crate) fn check_unread(&self, key: Key) -> Result<(), StillLeased> {
        let readers = match key {
            Key::Artifact(key) => self.readers.count(readers_place(key)),
            // No other family has leases.
            Key::Hot(_) | Key::EarliestLedger => 0,
        };
        match readers {
            0 => Ok(()),
            readers => Err(StillLeased { key, readers }),
        }
    }
}

/// Returns the place of an artifact's readers.
const fn readers_place(key: ArtifactKey) -> Place {
    let Place { page, cell } = place(key.chunk);
    Place {
        page,
        cell: cell * KINDS + key.kind as usize,
    }
}
