//! The catalog: the calls of a user, in headed blocks.

mod begin;
mod open;
mod pin;
mod recover;
mod scan;
#[cfg(feature = "sim")]
mod simulated;
mod sweep;

pub use open::OpenError;
pub use pin::{PinError, PinOutcome};
pub use recover::{DebrisPolicy, Recovered};
pub use scan::{ArtifactKeys, ChunkState, ChunkStates, HotKeys, ReadyHotKeys};
pub use sweep::{SweepError, Swept};

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use crate::artifact::Sweepable;
use crate::domain::{
    ArtifactKind, ArtifactState, ChunkId, EarliestLedgerKey, HotState, Key, Layout, LedgerSeq,
    RootRole, TypedKey, Unfinished, decode_value,
};
#[cfg(feature = "sim")]
use crate::failure::StoreFailure;
use crate::failure::{CommitError, ReadError};
use crate::protocol::{CommitFailure, Shared, States, Transition, commit_to};
use crate::roots::{CatalogId, LockedRoots};
use crate::store::{Store, Witness};

/// The record of all files and their states.
///
/// Its calls, in the order in which a node makes them:
///
/// 1. **Start**: [`open`](Self::open), then [`recover`](Self::recover) if [`unfinished`](Self::unfinished) is not
///    nothing, and [`pin_earliest_ledger`](Self::pin_earliest_ledger).
/// 2. **Read**: [`state`](Self::state), [`hot_state`](Self::hot_state), the scans, and [`lease`](Self::lease) for the
///    files.
/// 3. **Begin**: [`begin`](Self::begin) and its forms for many artifacts, [`create_hot`](Self::create_hot); or
///    [`intend`](Self::intend) and [`intend_hot`](Self::intend_hot), to be committed with other steps.
/// 4. **Claim**: [`claim`](Self::claim), [`claim_hot`](Self::claim_hot) and
///    [`claim_for_pruning`](Self::claim_for_pruning), for existing keys.
/// 5. **Commit**: [`commit`](Self::commit), the only call that writes transitions.
/// 6. **Prune**: [`sweep_chunk_artifacts`](Self::sweep_chunk_artifacts).
///
/// Every write is synced before the call returns, and a commit of several keys is one atomic batch. After a
/// [`Fatal`](crate::error::Fatal) failure the catalog refuses everything, reads too, until it is opened again; only an
/// artifact with a [`Frozen`](crate::Frozen) or a [`Lease`](crate::Lease) from before stays readable.
///
/// Each handle keeps the open catalog and the locks alive: the roots are released when the last handle has gone.
pub struct Catalog {
    shared: Arc<Shared>,
    /// The count at the opening.
    pub(crate) unfinished: Unfinished,
}

/// # Start
impl Catalog {
    /// Opens the catalog of these roots. If there is none, creates it, all or nothing.
    ///
    /// It counts the keys of interrupted work and changes none of them: call [`recover`](Self::recover) next.
    ///
    /// # Errors
    ///
    /// [`OpenError`] if the files are damaged, older than the last start, of another program, or on a full disk. The
    /// locks are released.
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
        let (states, unfinished) = States::load(&store).map_err(OpenError::Store)?;
        roots
            .found()
            .map_err(|source| OpenError::new(source.into(), path.clone()))?;
        let shared = Shared::new(roots, store, states)
            .map_err(|source| OpenError::new(source.into(), path))?;
        Ok(Self {
            shared: Arc::new(shared),
            unfinished,
        })
    }

    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// The catalog's identity, which each of its roots records.
    #[must_use]
    pub fn id(&self) -> CatalogId {
        self.shared.roots.catalog_id()
    }

    /// The mapping between keys and paths.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.shared.layout
    }
}

/// # Read
///
/// States are answered from memory, without I/O. Each call fails with [`ReadError`] if the catalog is poisoned, or if
/// a value that it reads is unrecognised.
impl Catalog {
    /// Returns the state of an artifact, or `None` if its key is absent.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn state(
        &self,
        chunk: ChunkId,
        kind: ArtifactKind,
    ) -> Result<Option<ArtifactState>, ReadError> {
        self.shared.state(chunk, kind)
    }

    /// Returns the state of a chunk's hot directory, or `None` if its key is absent.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn hot_state(&self, chunk: ChunkId) -> Result<Option<HotState>, ReadError> {
        self.shared.hot_state(chunk)
    }

    /// Returns the pinned earliest ledger, or `None` before the first pin.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn earliest_ledger(&self) -> Result<Option<LedgerSeq>, ReadError> {
        self.shared.get(EarliestLedgerKey)
    }

    /// Returns the value stored under `key`, or `None` if the key is absent.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn get<T: TypedKey>(&self, key: T) -> Result<Option<T::Value>, ReadError> {
        self.shared.get(key)
    }

    /// Returns whether a key exists, also with an unrecognised value.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn has(&self, key: impl Into<Key>) -> Result<bool, ReadError> {
        self.shared.has(key.into())
    }

    /// Returns every artifact key with its state, in byte order: by chunk, then events, ledgers, txhash. The scan is
    /// a snapshot: every state is as of one commit.
    ///
    /// An unrecognised value is an error of its own entry, and the scan continues. Keys of other families are left
    /// out.
    ///
    /// # Errors
    ///
    /// [`ReadError::Poisoned`].
    pub fn chunk_artifact_keys(&self) -> Result<ArtifactKeys<'_>, ReadError> {
        self.shared.poison.check()?;
        Ok(ArtifactKeys::new(&self.shared))
    }

    /// Returns every hot key with its state, by chunk, like [`chunk_artifact_keys`](Self::chunk_artifact_keys).
    ///
    /// # Errors
    ///
    /// [`ReadError::Poisoned`].
    pub fn hot_chunk_keys(&self) -> Result<HotKeys<'_>, ReadError> {
        self.shared.poison.check()?;
        Ok(HotKeys::new(&self.shared))
    }

    /// Returns the states of the chunks of a range, by chunk; chunks without a key are left out. The iterator is a
    /// snapshot: every state is as of one commit. It reads memory only. A chunk with an unrecognised value is read
    /// from the store and yields an error.
    ///
    /// # Errors
    ///
    /// [`ReadError::Poisoned`].
    pub fn chunk_states(
        &self,
        range: RangeInclusive<ChunkId>,
    ) -> Result<ChunkStates<'_>, ReadError> {
        self.shared.poison.check()?;
        Ok(ChunkStates::new(&self.shared, range))
    }

    /// Returns every hot key that is ready, by chunk.
    ///
    /// # Errors
    ///
    /// [`ReadError::Poisoned`].
    pub fn ready_hot_chunk_keys(&self) -> Result<ReadyHotKeys<'_>, ReadError> {
        Ok(ReadyHotKeys::new(self.hot_chunk_keys()?))
    }
}

/// # Write
impl Catalog {
    /// Pins the earliest ledger, once and for ever.
    ///
    /// # Errors
    ///
    /// [`PinError`] if another ledger is pinned, or if no chunk begins with this one.
    pub fn pin_earliest_ledger(&self, ledger: LedgerSeq) -> Result<PinOutcome, PinError> {
        if !ledger.starts_chunk() {
            return Err(PinError::NotChunkStart(ledger));
        }
        let key = EarliestLedgerKey;
        let stored = match self.shared.put_once(key.into(), ledger.to_string()) {
            Ok(stored) => stored,
            Err(CommitFailure::Refused(refusal)) => return Err(PinError::Commit(refusal)),
            Err(CommitFailure::Fatal(fatal)) => return Err(PinError::Fatal(fatal)),
        };
        let Some(bytes) = stored else {
            return Ok(PinOutcome::Pinned);
        };
        let pinned = decode_value(key, &bytes)?;
        if pinned == ledger {
            return Ok(PinOutcome::AlreadyPinned);
        }
        Err(PinError::Conflict {
            pinned,
            wanted: ledger,
        })
    }

    /// Commits transitions of any kinds: one synced batch, all or nothing.
    ///
    /// Every stored value is compared first with the value that its transition starts from.
    ///
    /// ```
    /// use std::io::Write;
    /// use frostline::{ChunkId, Ledgers};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let catalog = frostline::Catalog::open(frostline::StorageRoots::under(directory.path())?.lock()?)?;
    /// # let (old, new) = (ChunkId::new(7)?, ChunkId::new(8)?);
    /// # let mut freezing = catalog.begin::<Ledgers>(old)?;
    /// # freezing.file(Ledgers::PACK)?.write_all(b"old")?;
    /// # let expired = freezing.freeze()?;
    /// # let mut freezing = catalog.begin::<Ledgers>(new)?;
    /// # freezing.file(Ledgers::PACK)?.write_all(b"new")?;
    /// // One artifact becomes frozen and another one stops being so, at the same instant.
    /// let (frozen, pruning) = catalog.commit((freezing.sync()?, expired.demote()))?;
    /// # drop((frozen, pruning));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`CommitError`]: refused with the transitions back, if a stored value differs, a handle is of another catalog,
    /// the disk has no space, or the catalog is poisoned; or fatal.
    pub fn commit<T: Transition>(&self, transition: T) -> Result<T::Next, CommitError<T>> {
        commit_to(&self.shared, transition)
    }

    /// Removes a batch of artifacts, files and keys: one demoting commit, the unlinks, one fsync per
    /// distinct directory, one deleting commit. Missing files are fine; an empty batch does nothing.
    ///
    /// # Errors
    ///
    /// [`SweepError`]: refused with the batch back; or, after the demotion, with the keys left to sweep again.
    pub fn sweep_chunk_artifacts<S: Sweepable>(
        &self,
        batch: impl IntoIterator<Item = S>,
    ) -> Result<Swept, SweepError> {
        sweep::sweep(&self.shared, batch.into_iter().map(S::into).collect())
    }
}

#[cfg(feature = "sim")]
impl Catalog {
    /// Writes to the store as another program would: puts a value under a key, or deletes the key.
    ///
    /// # Errors
    ///
    /// [`StoreFailure`].
    #[doc(hidden)]
    pub fn write_raw_for_test(&self, key: &[u8], value: Option<&[u8]>) -> Result<(), StoreFailure> {
        self.shared.write_raw_for_test(key, value)
    }
}

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.shared.layout.roots().path(RootRole::Catalog);
        f.debug_tuple("Catalog").field(&path).finish()
    }
}
