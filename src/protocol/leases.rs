//! The readers of artifacts, of hot directories and of indexes, by key.

use std::sync::Arc;

use super::keyed_readers::KeyedReaders;
use super::place::Place;
use super::readers::{self, Readers};
use super::state_index::{BUCKETS, CHUNKS, place};
use crate::domain::{ArtifactKey, ArtifactKind, ChunkId, HotKey, IndexKey, Key};
use crate::roots::LockedRoots;

/// The number of things in a chunk that have readers: one for each kind, and the hot directory.
const READ: usize = ArtifactKind::ALL.len() + 1;

/// The readers of all artifacts, hot directories and indexes.
pub(crate) struct Leases {
    readers: Readers<LockedRoots>,
    of_indexes: KeyedReaders<IndexKey, LockedRoots>,
}

/// The right to read files or a directory: they stay while a reader exists. It keeps the roots locked.
pub(crate) type Reader = readers::Reader<LockedRoots>;

impl Leases {
    pub(super) fn new(roots: &Arc<LockedRoots>) -> Self {
        Self {
            readers: Readers::new(BUCKETS, CHUNKS * READ, Arc::clone(roots)),
            of_indexes: KeyedReaders::new(Arc::clone(roots)),
        }
    }

    /// Takes a lease for a caller who knows that the files or the directory stay until the lease is taken: their owner,
    /// or the holder of a view.
    pub(crate) fn take(&self, at: impl Into<Leased>) -> Reader {
        self.readers.take(at.into().0)
    }

    /// Takes a lease if `is_readable` returns true.
    pub(super) fn take_if<E>(
        &self,
        at: impl Into<Leased>,
        is_readable: impl Fn() -> Result<bool, E>,
    ) -> Result<Option<Reader>, E> {
        self.readers.take_if(at.into().0, is_readable)
    }

    /// Takes a lease on an index, for a caller who knows that its file stays until the lease is taken.
    pub(crate) fn take_index(&self, key: IndexKey) -> Reader {
        self.of_indexes.take(key)
    }

    /// Takes a lease on the index that `find` returns as frozen, if it returns one.
    pub(super) fn take_found_index<E>(
        &self,
        find: impl FnOnce() -> Result<Option<IndexKey>, E>,
    ) -> Result<Option<(IndexKey, Reader)>, E> {
        self.of_indexes.take_found(find)
    }

    /// Returns the number of all leases that are out. The caller is the only one who can give out another one.
    pub(super) fn out(&self) -> usize {
        self.readers.out() + self.of_indexes.out()
    }

    /// Returns the number of leases that are out on a key, and of views that can still give one out. The caller has
    /// changed the key so that no further lease is given out otherwise.
    pub(super) fn count(&self, key: Key, views: impl FnOnce() -> usize) -> usize {
        match key {
            Key::Artifact(key) => self.readers.count(Leased::from(key).0, views),
            Key::Hot(key) => self.readers.count(Leased::from(key).0, views),
            Key::Index(key) => self.of_indexes.count(key, views),
            Key::EarliestLedger => 0,
        }
    }
}

/// The place of the readers of a key.
pub(crate) struct Leased(Place);

impl Leased {
    const fn nth(chunk: ChunkId, nth: usize) -> Self {
        let Place { page, cell } = place(chunk);
        let cell = cell * READ + nth;
        Self(Place { page, cell })
    }
}

impl From<ArtifactKey> for Leased {
    fn from(key: ArtifactKey) -> Self {
        Self::nth(key.chunk, key.kind as usize)
    }
}

impl From<HotKey> for Leased {
    fn from(key: HotKey) -> Self {
        Self::nth(key.chunk, READ - 1)
    }
}
