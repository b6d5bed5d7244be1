//! Intents, begun artifacts, claims and leases: the ways from a catalog to a handle.

use super::Catalog;
use crate::artifact::{
    self, Artifact, Begin, BeginSet, ClaimError, Freezing, FreezingSet, Lease, Prunable, SyncGroup,
    Syncable,
};
use crate::domain::{ArtifactSet, ChunkId, FileKey, HotKey, Kind};
use crate::failure::{BeginError, BeginRefusal, ReadError};
use crate::hot::{self, ClaimHotError, Hot, HotBegin, HotLease, Transient};
use crate::protocol::{Transition, commit_to};

/// # Begin, claim, lease
impl Catalog {
    /// The intent to write an artifact, to be committed. Nothing has happened yet, but the key is claimed.
    ///
    /// # Errors
    ///
    /// [`BeginRefusal`] if the key is claimed, the artifact is frozen, has readers, or a file exists without its key.
    #[track_caller]
    pub fn intend<K: Kind>(&self, id: K::Id) -> Result<Begin<K>, BeginRefusal> {
        artifact::intend(self.shared(), id)
    }

    /// The intent to write several kinds of one chunk, to be committed.
    ///
    /// # Errors
    ///
    /// [`BeginRefusal`]; refused as a whole if any of them cannot be begun.
    #[track_caller]
    pub fn intend_set(&self, chunk: ChunkId, set: ArtifactSet) -> Result<BeginSet, BeginRefusal> {
        artifact::intend_set(self.shared(), chunk, set)
    }

    /// Begins an artifact: [`intend`](Self::intend) and the commit that marks its key, before any I/O.
    ///
    /// Over the leftovers of an interrupted freeze or prune, the first [`Freezing::file`] finishes their removal.
    ///
    /// # Errors
    ///
    /// [`BeginError`]: refused for the reasons of [`intend`](Self::intend), or if the commit is; or fatal.
    #[track_caller]
    pub fn begin<K: Kind>(&self, id: K::Id) -> Result<Freezing<K>, BeginError> {
        self.mark(self.intend(id))
    }

    /// Begins several kinds of one chunk: one synced batch marks all of their keys.
    ///
    /// # Errors
    ///
    /// [`BeginError`]; refused as a whole if any of them cannot be begun.
    #[track_caller]
    pub fn begin_set(&self, chunk: ChunkId, set: ArtifactSet) -> Result<FreezingSet, BeginError> {
        self.mark(self.intend_set(chunk, set))
    }

    /// Begins one kind of several chunks: one synced batch marks all of their keys.
    ///
    /// No file is open yet, so their number is not bounded by descriptors.
    ///
    /// # Errors
    ///
    /// [`BeginError`]; refused as a whole if any of them cannot be begun.
    #[track_caller]
    pub fn begin_all<K: Kind>(
        &self,
        ids: impl IntoIterator<Item = K::Id>,
    ) -> Result<Vec<Freezing<K>>, BeginError> {
        self.mark(artifact::intend_all(self.shared(), ids))
    }

    /// Begins several kinds of several chunks: one synced batch marks all of their keys.
    ///
    /// # Errors
    ///
    /// [`BeginError`]; refused as a whole if any of them cannot be begun.
    #[track_caller]
    pub fn begin_sets(
        &self,
        sets: impl IntoIterator<Item = (ChunkId, ArtifactSet)>,
    ) -> Result<Vec<FreezingSet>, BeginError> {
        self.mark(artifact::intend_sets(self.shared(), sets))
    }

    /// Commits an intent.
    fn mark<T: Transition>(&self, intent: Result<T, BeginRefusal>) -> Result<T::Next, BeginError> {
        let intent = intent.map_err(|refusal| BeginError::refused((), refusal))?;
        commit_to(self.shared(), intent).map_err(|error| error.map(|_intent| ()))
    }

    /// Returns an empty group of artifacts, to be made durable together.
    pub fn sync_group<T: Syncable>(&self) -> SyncGroup<T> {
        SyncGroup::new(self.shared())
    }

    /// Claims an artifact in the state that it is in.
    ///
    /// # Errors
    ///
    /// [`ClaimError`] if a handle of this process owns the key, or if its value cannot be read.
    #[track_caller]
    pub fn claim<K: Kind>(&self, id: K::Id) -> Result<Artifact<K>, ClaimError> {
        artifact::claim(self.shared(), id)
    }

    /// Claims an artifact whose kind is known at run time only, or an index, to prune it. Returns `None` if its key is
    /// absent.
    ///
    /// # Errors
    ///
    /// [`ClaimError`].
    #[track_caller]
    pub fn claim_for_pruning(
        &self,
        key: impl Into<FileKey>,
    ) -> Result<Option<Prunable>, ClaimError> {
        artifact::claim_for_pruning(self.shared(), key.into())
    }

    /// Returns the right to read an artifact, or `None` if it is not frozen.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn lease<K: Kind>(&self, id: K::Id) -> Result<Option<Lease<K>>, ReadError> {
        artifact::lease(self.shared(), id)
    }

    /// Returns the right to read a hot directory, or `None` if it is not ready.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn lease_hot(&self, chunk: ChunkId) -> Result<Option<HotLease>, ReadError> {
        let reader = self.shared().lease_hot(HotKey { chunk })?;
        Ok(reader.map(|reader| HotLease::new(reader, chunk)))
    }

    /// The intent to create a hot directory, to be committed. Nothing has happened yet, but the key is claimed.
    ///
    /// # Errors
    ///
    /// [`BeginRefusal`]; a ready directory is never touched.
    #[track_caller]
    pub fn intend_hot(&self, chunk: ChunkId) -> Result<HotBegin, BeginRefusal> {
        hot::intend(self.shared(), chunk)
    }

    /// Creates a hot directory, empty: marks its key, removes the leftovers of an earlier attempt, creates.
    ///
    /// # Errors
    ///
    /// [`BeginError`]; a ready directory is never touched.
    #[track_caller]
    pub fn create_hot(&self, chunk: ChunkId) -> Result<Transient, BeginError> {
        hot::create(self.shared(), chunk)
    }

    /// Claims a hot directory in the state that it is in. Creates nothing.
    ///
    /// # Errors
    ///
    /// [`ClaimHotError`] if a handle of this process owns the key, its value cannot be read, or the directory of a
    /// `ready` key is missing.
    #[track_caller]
    pub fn claim_hot(&self, chunk: ChunkId) -> Result<Hot, ClaimHotError> {
        hot::claim(self.shared(), chunk)
    }
}
