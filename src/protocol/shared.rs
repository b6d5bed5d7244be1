//! The state that the catalog and every handle share.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use super::barrier::Barriers;
use super::claims::ClaimTable;
use super::poison::Poison;
use super::state_index::{States, Stored};
use crate::domain::{
    ArtifactKey, ArtifactKind, ArtifactState, ChunkId, HotKey, HotState, Key, Layout, TypedKey,
    decode_value,
};
use crate::failure::{IoFailure, ReadError, StoreFailure};
use crate::roots::LockedRoots;
use crate::store::Store;

/// One open catalog. Fields are dropped in this order: the store is closed before the locks are released.
pub(crate) struct Shared {
    pub(super) store: Store,
    pub(crate) states: States,
    pub(crate) layout: Layout,
    pub(crate) claims: Arc<ClaimTable>,
    pub(crate) poison: Poison,
    pub(crate) barriers: Barriers,
    /// A lock that is held from the comparison of the stored values to the end of the commit.
    pub(super) commit_lock: Mutex<()>,
    pub(crate) roots: LockedRoots,
}

impl Shared {
    pub(crate) fn new(roots: LockedRoots, store: Store, states: States) -> Result<Self, IoFailure> {
        Ok(Self {
            store,
            states,
            layout: roots.roots().layout(),
            claims: Arc::default(),
            poison: Poison::default(),
            barriers: Barriers::new(&roots)?,
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
}
