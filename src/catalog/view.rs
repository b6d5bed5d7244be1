//! [`View`]: the catalog at one instant, for readers.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::Catalog;
use super::route::Route;
use super::scan::{ChunkState, ChunkStates};
use crate::artifact::Lease;
use crate::artifact::index::IndexLease;
use crate::domain::{
    ArtifactKey, ArtifactKind, ArtifactState, ChunkId, EarliestLedgerKey, HotKey, HotState, Kind,
    LedgerSeq, RetentionGate,
};
use crate::failure::ReadError;
use crate::hot::HotLease;
use crate::protocol::{Leases, Pinned, Source};

/// The catalog as it was at one instant between two commits.
///
/// Its answers cannot disagree with one another. Whatever it calls `frozen` or `ready` stays readable until the last
/// clone of the view has gone: a demotion goes ahead, and the removal that follows is refused as
/// [`StillLeased`](crate::error::StillLeased), as for a [`Lease`].
///
/// It is owned, and cheap to take and to clone, so that each request can have one. It answers from memory, also after
/// a [`Fatal`](crate::error::Fatal) failure of the catalog. A view keeps the roots locked, and holds space back that a
/// sweep could free, so drop it when the request is done.
///
/// Every call fails with [`ReadError::Value`] if a value that it needs is unrecognised.
///
/// ```
/// use std::io::Write;
/// use frostline::{ChunkId, Ledgers};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let catalog = frostline::Catalog::open(frostline::StorageRoots::under(directory.path())?.lock()?)?;
/// # let chunk = ChunkId::new(7)?;
/// # let mut freezing = catalog.begin::<Ledgers>(chunk)?;
/// # freezing.file(Ledgers::PACK)?.write_all(b"ten thousand ledgers")?;
/// # let frozen = freezing.freeze()?;
/// let view = catalog.view()?;
/// let swept = catalog.sweep_chunk_artifacts([frozen.demote()])?;
/// assert_eq!(swept.leased.len(), 1);
/// // The artifact is not frozen any more, and the view can still read it.
/// assert!(catalog.lease::<Ledgers>(chunk)?.is_none());
/// let lease = view.lease::<Ledgers>(chunk)?.expect("frozen at the view's instant");
/// assert_eq!(lease.open(Ledgers::PACK)?.size()?, 20);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "files stay only while the view is held"]
pub struct View {
    states: Pinned,
    leases: Arc<Leases>,
}

/// # View
impl Catalog {
    /// Returns the catalog as it is at this instant.
    ///
    /// # Errors
    ///
    /// [`ReadError::Poisoned`].
    pub fn view(&self) -> Result<View, ReadError> {
        Ok(View {
            states: self.shared().pin()?,
            leases: Arc::clone(&self.shared().leases),
        })
    }
}

impl View {
    /// Returns the state of an artifact, or `None` if its key was absent.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn state(
        &self,
        chunk: ChunkId,
        kind: ArtifactKind,
    ) -> Result<Option<ArtifactState>, ReadError> {
        Ok(self.states.artifact(ArtifactKey { chunk, kind })?)
    }

    /// Returns the state of a chunk's hot directory, or `None` if its key was absent.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn hot_state(&self, chunk: ChunkId) -> Result<Option<HotState>, ReadError> {
        Ok(self.states.hot(HotKey { chunk })?)
    }

    /// Returns the states of one chunk.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn chunk_state(&self, chunk: ChunkId) -> Result<ChunkState, ReadError> {
        Ok(ChunkState::at(&self.states, chunk)?)
    }

    /// Returns the states of the chunks of a range, by chunk; chunks without a key are left out. A chunk with an
    /// unrecognised value yields an error.
    #[must_use]
    pub fn chunk_states(&self, range: RangeInclusive<ChunkId>) -> ChunkStates {
        ChunkStates::new(Arc::clone(self.states.snapshot()), &range)
    }

    /// Returns the pinned earliest ledger, or `None` before the first pin.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn earliest_ledger(&self) -> Result<Option<LedgerSeq>, ReadError> {
        Ok(self.states.get(EarliestLedgerKey)?)
    }

    /// Returns the right to read an artifact, or `None` if it was not frozen. The lease outlives the view.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn lease<K: Kind>(&self, id: K::Id) -> Result<Option<Lease<K>>, ReadError> {
        let is_frozen = self.states.artifact(K::key(id))? == Some(ArtifactState::Frozen);
        Ok(is_frozen.then(|| Lease::new(self.leases.take(K::key(id)), id)))
    }

    /// Returns the right to read a hot directory, or `None` if it was not ready. The lease outlives the view.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn lease_hot(&self, chunk: ChunkId) -> Result<Option<HotLease>, ReadError> {
        let key = HotKey { chunk };
        let is_ready = self.states.hot(key)? == Some(HotState::Ready);
        Ok(is_ready.then(|| HotLease::new(self.leases.take(key), chunk)))
    }

    /// Returns the right to read the index that covered a chunk, as [`Catalog::index_of`] does. The lease outlives the
    /// view.
    ///
    /// # Errors
    ///
    /// [`ReadError`], as [`Catalog::index_of`].
    pub fn index_of(&self, chunk: ChunkId) -> Result<Option<IndexLease>, ReadError> {
        let frozen = self.states.indexes().frozen_of(chunk.window())?;
        let found = frozen.filter(|key| key.coverage.contains(chunk));
        Ok(found.map(|key| IndexLease::new(self.leases.take_index(key), key)))
    }

    /// Returns the place where a ledger can be read, as [`Catalog::route`] does.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn route<K: Kind<Id = ChunkId>>(
        &self,
        ledger: LedgerSeq,
        gate: RetentionGate,
    ) -> Result<Route<K>, ReadError> {
        Route::find(ledger, gate, |chunk| {
            let source = self.states.source(K::key(chunk))?;
            Ok(source.map(|source| match source {
                Source::Files(()) => Source::Files(self.leases.take(K::key(chunk))),
                Source::HotDirectory(()) => {
                    Source::HotDirectory(self.leases.take(HotKey { chunk }))
                }
            }))
        })
    }
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("View").finish_non_exhaustive()
    }
}
