//! The catalog: opening it, reading it, and beginning everything.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::artifact::{
    self, Artifact, BeginError, ClaimError, Freezing, FreezingSet, Lease, Prunable, Sweepable,
    SyncGroup, Syncable,
};
use crate::core::{CommitFailure, Core};
use crate::error::ReadError;
#[cfg(feature = "sim")]
use crate::error::StoreFailure;
use crate::geometry::{ChunkId, LedgerSeq};
use crate::hot::{self, ClaimHotError, CreateHotError, Hot, Transient};
use crate::identity::CatalogId;
use crate::key::{ArtifactKey, EarliestLedgerKey, Key, TypedKey, decode_value};
use crate::kind::{ArtifactKind, ArtifactSet, Kind};
use crate::layout::{Layout, RootRole};
use crate::lock::LockedRoots;
use crate::open::OpenError;
use crate::owed::Owed;
use crate::pin::{Pin, PinError};
use crate::scan::{ArtifactKeys, ChunkStates, HotKeys, ReadyHotKeys};
use crate::state::{ArtifactState, HotState};
use crate::states::States;
use crate::store::{Store, Witness};
use crate::sweep::{self, SweepError, Swept};
use crate::transition::{self, CommitError, Transition};

/// The record of which files exist, and in which state.
///
/// Every write is synced before the call returns, and a commit of several keys is one atomic batch.
/// After a [`Fatal`](crate::Fatal) failure everything is refused, reads too, until the catalog is opened again; only
/// what was known to be frozen before, a [`Frozen`](crate::Frozen) or a [`Lease`], can be read on.
///
/// Handles keep what they need of it alive, locks included: the roots are released when all are gone.
pub struct Catalog {
    core: Arc<Core>,
    /// As of opening.
    pub(crate) owed: Owed,
}

impl Catalog {
    /// Opens the catalog of these roots, or creates it, all or nothing, where there is none.
    ///
    /// It looks through the keys for what a crash has left, and settles nothing: if
    /// [`owed`](Self::owed) is not nothing, [`recover`](Self::recover).
    ///
    /// # Errors
    ///
    /// [`OpenError`]; the locks are released.
    pub fn open(roots: LockedRoots) -> Result<Self, OpenError> {
        let mut roots = roots;
        let directory = roots.dir(RootRole::Catalog);
        let path = directory.path().to_path_buf();
        let witness = Witness::new(
            Arc::clone(roots.dir(RootRole::Ledgers)),
            roots.are_adopted(),
        );
        let store = Store::open(directory, witness)
            .map_err(|failure| OpenError::new(failure, path.clone()))?;
        let (states, owed) = States::load(&store).map_err(OpenError::Store)?;
        roots
            .found()
            .map_err(|source| OpenError::new(source.into(), path.clone()))?;
        let core = Core::new(roots, store, states)
            .map_err(|source| OpenError::new(source.into(), path))?;
        Ok(Self {
            core: Arc::new(core),
            owed,
        })
    }

    pub(crate) const fn core(&self) -> &Arc<Core> {
        &self.core
    }

    /// Which of all catalogs this is.
    #[must_use]
    pub fn id(&self) -> CatalogId {
        self.core.roots.catalog_id()
    }

    /// The mapping between keys and paths.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.core.layout
    }

    /// The state of an artifact; none if its key is absent.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn state(
        &self,
        chunk: ChunkId,
        kind: ArtifactKind,
    ) -> Result<Option<ArtifactState>, ReadError> {
        self.core.state(chunk, kind)
    }

    /// The state of a chunk's hot directory; none if its key is absent.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn hot_state(&self, chunk: ChunkId) -> Result<Option<HotState>, ReadError> {
        self.core.hot_state(chunk)
    }

    /// The pinned earliest ledger; none if nothing has been pinned.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn earliest_ledger(&self) -> Result<Option<LedgerSeq>, ReadError> {
        self.core.get(EarliestLedgerKey)
    }

    /// The value of a key; none if it is absent.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn get<T: TypedKey>(&self, key: T) -> Result<Option<T::Value>, ReadError> {
        self.core.get(key)
    }

    /// Whether a key is there, whatever its value.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn has(&self, key: impl Into<Key>) -> Result<bool, ReadError> {
        self.core.has(key.into())
    }

    /// Every artifact key with its state, in byte order: by chunk, then events, ledgers, txhash. All
    /// are from between the same two commits.
    ///
    /// A value that is not a state is an error of its own entry, read when the scan comes to its chunk,
    /// and the scan goes on. Keys that are not of this family are passed over.
    ///
    /// # Errors
    ///
    /// [`ReadError::Poisoned`].
    pub fn chunk_artifact_keys(&self) -> Result<ArtifactKeys<'_>, ReadError> {
        self.core.poison.check()?;
        Ok(ArtifactKeys::new(&self.core))
    }

    /// Every hot key with its state, by chunk. Errors as with
    /// [`chunk_artifact_keys`](Self::chunk_artifact_keys).
    ///
    /// # Errors
    ///
    /// [`ReadError::Poisoned`].
    pub fn hot_chunk_keys(&self) -> Result<HotKeys<'_>, ReadError> {
        self.core.poison.check()?;
        Ok(HotKeys::new(&self.core))
    }

    /// The states of the chunks of a range, by chunk; those without any key are left out. All are
    /// from between the same two commits, and none costs a read: but for a chunk with a value that is
    /// none of its key's, which is an error of its own, and is read when the scan comes to it.
    ///
    /// # Errors
    ///
    /// [`ReadError::Poisoned`].
    pub fn chunk_states(
        &self,
        range: RangeInclusive<ChunkId>,
    ) -> Result<ChunkStates<'_>, ReadError> {
        self.core.poison.check()?;
        Ok(ChunkStates::new(&self.core, range))
    }

    /// Every hot key that is ready, by chunk.
    ///
    /// # Errors
    ///
    /// [`ReadError::Poisoned`].
    pub fn ready_hot_chunk_keys(&self) -> Result<ReadyHotKeys<'_>, ReadError> {
        Ok(ReadyHotKeys::new(self.hot_chunk_keys()?))
    }

    /// Pins the earliest ledger, once and for ever.
    ///
    /// # Errors
    ///
    /// [`PinError`].
    pub fn pin_earliest_ledger(&self, ledger: LedgerSeq) -> Result<Pin, PinError> {
        if !ledger.starts_chunk() {
            return Err(PinError::NotChunkStart(ledger));
        }
        let key = EarliestLedgerKey;
        let stored = match self.core.put_once(key.into(), ledger.to_string()) {
            Ok(stored) => stored,
            Err(CommitFailure::Refused(refusal)) => return Err(PinError::Commit(refusal)),
            Err(CommitFailure::Fatal(fatal)) => return Err(PinError::Fatal(fatal)),
        };
        let Some(bytes) = stored else {
            return Ok(Pin::Pinned);
        };
        let pinned = decode_value(key, &bytes)?;
        if pinned == ledger {
            return Ok(Pin::AlreadyPinned);
        }
        Err(PinError::Conflict {
            pinned,
            wanted: ledger,
        })
    }

    /// Begins an artifact from nothing: marks its key before any I/O.
    ///
    /// Over what an interrupted freeze or prune has left, the removal is finished first.
    ///
    /// # Errors
    ///
    /// [`BeginError`].
    #[track_caller]
    pub fn begin<K: Kind>(&self, chunk: ChunkId) -> Result<Freezing<K>, BeginError> {
        artifact::begin(&self.core, chunk)
    }

    /// Begins several kinds of one chunk: one synced batch marks all of their keys.
    ///
    /// # Errors
    ///
    /// [`BeginError`]; refused as a whole if any of them cannot be begun.
    #[track_caller]
    pub fn begin_set(&self, chunk: ChunkId, set: ArtifactSet) -> Result<FreezingSet, BeginError> {
        artifact::begin_set(&self.core, chunk, set)
    }

    /// Begins one kind of several chunks: one synced batch marks all of their keys.
    ///
    /// Nothing is open yet, so their number is not bounded by descriptors.
    ///
    /// # Errors
    ///
    /// [`BeginError`]; refused as a whole if any of them cannot be begun.
    #[track_caller]
    pub fn begin_all<K: Kind>(
        &self,
        chunks: impl IntoIterator<Item = ChunkId>,
    ) -> Result<Vec<Freezing<K>>, BeginError> {
        artifact::begin_all(&self.core, chunks)
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
        artifact::begin_sets(&self.core, sets)
    }

    /// A group of artifacts to be made durable together.
    pub fn sync_group<T: Syncable>(&self) -> SyncGroup<T> {
        SyncGroup::new(&self.core)
    }

    /// Claims an artifact, whatever its state.
    ///
    /// # Errors
    ///
    /// [`ClaimError`].
    #[track_caller]
    pub fn claim<K: Kind>(&self, chunk: ChunkId) -> Result<Artifact<K>, ClaimError> {
        artifact::claim(&self.core, chunk)
    }

    /// Claims an artifact whose kind is known at run time only, to prune it; none if there is no key.
    ///
    /// # Errors
    ///
    /// [`ClaimError`].
    #[track_caller]
    pub fn prunable(&self, key: ArtifactKey) -> Result<Option<Prunable>, ClaimError> {
        artifact::claim_any(&self.core, key)
    }

    /// The right to read an artifact; none if it is not frozen.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn lease<K: Kind>(&self, chunk: ChunkId) -> Result<Option<Lease<K>>, ReadError> {
        artifact::lease(&self.core, chunk)
    }

    /// Creates a hot directory, empty: marks its key, wipes what an earlier attempt left, creates.
    ///
    /// # Errors
    ///
    /// [`CreateHotError`]; a ready directory is never touched.
    #[track_caller]
    pub fn create_hot(&self, chunk: ChunkId) -> Result<Transient, CreateHotError> {
        hot::create(&self.core, chunk)
    }

    /// Claims a hot directory, whatever its state. Creates nothing.
    ///
    /// # Errors
    ///
    /// [`ClaimHotError`].
    #[track_caller]
    pub fn claim_hot(&self, chunk: ChunkId) -> Result<Hot, ClaimHotError> {
        hot::claim(&self.core, chunk)
    }

    /// Commits transitions: one synced batch, all or nothing.
    ///
    /// Every stored value is compared first with the one that its transition starts from.
    ///
    /// # Errors
    ///
    /// [`CommitError`].
    pub fn commit<T: Transition>(&self, transition: T) -> Result<T::Next, CommitError<T>> {
        transition::commit(&self.core, transition)
    }

    /// Removes a batch of artifacts, files and keys: one demoting commit, the unlinks, one fsync per
    /// distinct directory, one deleting commit. Missing files are fine; an empty batch does nothing.
    ///
    /// # Errors
    ///
    /// [`SweepError`].
    pub fn sweep_chunk_artifacts<S: Sweepable>(
        &self,
        batch: impl IntoIterator<Item = S>,
    ) -> Result<Swept, SweepError> {
        sweep::sweep(&self.core, batch.into_iter().map(S::into).collect())
    }
}

#[cfg(feature = "sim")]
impl Catalog {
    /// Writes behind the protocol's back, as something that is not this library would: puts a value
    /// under a key, or deletes the key.
    ///
    /// # Errors
    ///
    /// [`StoreFailure`].
    #[doc(hidden)]
    pub fn plant(&self, key: &[u8], value: Option<&[u8]>) -> Result<(), StoreFailure> {
        self.core.plant(key, value)
    }
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.core.layout.roots().path(RootRole::Catalog);
        f.debug_tuple("Catalog").field(&path).finish()
    }
}
