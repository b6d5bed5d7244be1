//! Reading states and scanning keys.

use std::ops::RangeInclusive;

use super::Catalog;
use super::scan::{ArtifactKeys, ChunkStates, HotKeys, ReadyHotKeys};
use crate::domain::{
    ArtifactKey, ArtifactKind, ArtifactState, ChunkId, EarliestLedgerKey, HotKey, HotState, Key,
    LedgerSeq, TypedKey,
};
use crate::failure::{Poisoned, ReadError};

/// # Read
///
/// All answers come from memory, without I/O. Each call fails with [`ReadError`] if the catalog is poisoned, or if a
/// value that it reads is unrecognised.
impl Catalog {
    /// Returns whether the catalog is usable, without I/O: after a [`Fatal`](crate::error::Fatal) failure each call
    /// refuses like this one, until the catalog is opened again.
    ///
    /// # Errors
    ///
    /// [`Poisoned`], with the first fatal failure.
    pub fn health(&self) -> Result<(), Poisoned> {
        self.shared().poison.check()
    }

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
        self.shared().state(ArtifactKey { chunk, kind })
    }

    /// Returns the state of a chunk's hot directory, or `None` if its key is absent.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn hot_state(&self, chunk: ChunkId) -> Result<Option<HotState>, ReadError> {
        self.shared().hot_state(HotKey { chunk })
    }

    /// Returns the pinned earliest ledger, or `None` before the first pin.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn earliest_ledger(&self) -> Result<Option<LedgerSeq>, ReadError> {
        self.shared().get(EarliestLedgerKey)
    }

    /// Returns the value stored under `key`, or `None` if the key is absent.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn get<T: TypedKey>(&self, key: T) -> Result<Option<T::Value>, ReadError> {
        self.shared().get(key)
    }

    /// Returns whether a key exists, also with an unrecognised value.
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn has(&self, key: impl Into<Key>) -> Result<bool, ReadError> {
        self.shared().has(key.into())
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
    pub fn chunk_artifact_keys(&self) -> Result<ArtifactKeys, ReadError> {
        Ok(ArtifactKeys::new(self.shared().snapshot()?))
    }

    /// Returns every hot key with its state, by chunk, like [`chunk_artifact_keys`](Self::chunk_artifact_keys).
    ///
    /// # Errors
    ///
    /// [`ReadError::Poisoned`].
    pub fn hot_chunk_keys(&self) -> Result<HotKeys, ReadError> {
        Ok(HotKeys::new(self.shared().snapshot()?))
    }

    /// Returns the states of the chunks of a range, by chunk; chunks without a key are left out. The iterator is a
    /// snapshot: every state is as of one commit. A chunk with an unrecognised value yields an error.
    ///
    /// # Errors
    ///
    /// [`ReadError::Poisoned`].
    pub fn chunk_states(&self, range: RangeInclusive<ChunkId>) -> Result<ChunkStates, ReadError> {
        Ok(ChunkStates::new(self.shared().snapshot()?, &range))
    }

    /// Returns every hot key that is ready, by chunk.
    ///
    /// # Errors
    ///
    /// [`ReadError::Poisoned`].
    pub fn ready_hot_chunk_keys(&self) -> Result<ReadyHotKeys, ReadError> {
        Ok(ReadyHotKeys::new(self.hot_chunk_keys()?))
    }
}
