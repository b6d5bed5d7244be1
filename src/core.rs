//! What the catalog and every handle share.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use crate::claim::ClaimTable;
use crate::durable::Durable;
use crate::error::{Fatal, IoFailure, Poisoned, ReadError, StoreFailure};
use crate::geometry::ChunkId;
use crate::key::{ArtifactKey, HotKey, Key, TypedKey, decode_value};
use crate::kind::ArtifactKind;
use crate::layout::Layout;
use crate::lock::LockedRoots;
use crate::poison::Poison;
use crate::state::{self, ArtifactState, HotState};
use crate::states::{States, Stored};
use crate::store::{Edit, Store, StoreCommitFailure};

/// One open catalog. Fields are dropped in this order: the store is closed before the locks go.
pub(crate) struct Core {
    store: Store,
    pub(crate) states: States,
    pub(crate) layout: Layout,
    pub(crate) claims: Arc<ClaimTable>,
    pub(crate) poison: Poison,
    pub(crate) durable: Durable,
    /// Held from comparing the stored values to the end of the commit.
    commit_lock: Mutex<()>,
    pub(crate) roots: LockedRoots,
}

/// What one commit does to one key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    pub(crate) key: Key,
    pub(crate) expected: Option<&'static str>,
    pub(crate) next: Option<&'static str>,
}

/// Why a commit was refused. Nothing was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitRefusal {
    /// The catalog refuses everything.
    #[error(transparent)]
    Poisoned(#[from] Poisoned),
    /// A stored value could not be read, or the disk has no space for the commit.
    #[error(transparent)]
    Store(#[from] StoreFailure),
    /// A stored value is not what the step starts from: something else wrote to the catalog.
    #[error(
        "`{key}` holds `{found}`, and the step starts from `{expected}`: nothing was committed; \
         something other than this library wrote to the catalog: find what does, drop the handle and \
         claim the key again"
    )]
    Changed {
        /// The key.
        key: Key,
        /// What the step starts from; `absent` for no value.
        expected: String,
        /// What is stored, escaped; `absent` for no value.
        found: String,
    },
    /// A handle belongs to another catalog.
    #[error("`{key}` is a handle of another catalog: give it to the catalog that it came from")]
    ForeignHandle {
        /// The handle's key.
        key: Key,
    },
}

/// How a commit fails.
#[derive(Debug)]
pub(crate) enum CommitFailure {
    Refused(CommitRefusal),
    Fatal(Fatal),
}

impl<E: Into<CommitRefusal>> From<E> for CommitFailure {
    fn from(refusal: E) -> Self {
        Self::Refused(refusal.into())
    }
}

impl Core {
    pub(crate) fn new(roots: LockedRoots, store: Store, states: States) -> Result<Self, IoFailure> {
        Ok(Self {
            store,
            states,
            layout: roots.roots().layout(),
            claims: Arc::default(),
            poison: Poison::default(),
            durable: Durable::new(&roots)?,
            commit_lock: Mutex::new(()),
            roots,
        })
    }

    /// The state of an artifact, if its key is there.
    pub(crate) fn state(
        &self,
        chunk: ChunkId,
        kind: ArtifactKind,
    ) -> Result<Option<ArtifactState>, ReadError> {
        self.poison.check()?;
        match self.states.of(chunk) {
            odd if odd.is_odd() => self.get(ArtifactKey { chunk, kind }),
            lifecycle => Ok(lifecycle.artifact(kind)),
        }
    }

    /// The state of a hot directory, if its key is there.
    pub(crate) fn hot_state(&self, chunk: ChunkId) -> Result<Option<HotState>, ReadError> {
        self.poison.check()?;
        match self.states.of(chunk) {
            odd if odd.is_odd() => self.get(HotKey { chunk }),
            lifecycle => Ok(lifecycle.hot()),
        }
    }

    /// The typed value of a key, if it is there.
    pub(crate) fn get<T: TypedKey>(&self, key: T) -> Result<Option<T::Value>, ReadError> {
        self.poison.check()?;
        match self.stored(key.into())? {
            None => Ok(None),
            Some(bytes) => Ok(Some(decode_value(key, &bytes)?)),
        }
    }

    /// Whether a key is there, whatever its value.
    pub(crate) fn has(&self, key: Key) -> Result<bool, ReadError> {
        self.poison.check()?;
        Ok(self.stored(key)?.is_some())
    }

    /// The value of a key, as it is stored.
    fn stored(&self, key: Key) -> Result<Option<Cow<'static, [u8]>>, StoreFailure> {
        match self.states.stored(key) {
            Stored::Is(value) => Ok(value.map(|value| Cow::Borrowed(value.as_bytes()))),
            Stored::AskTheStore => Ok(self.store.get(&key.encode())?.map(Cow::Owned)),
        }
    }

    /// Compares every stored value with the one its change starts from and, only if all agree,
    /// commits the changes in one synced batch.
    pub(crate) fn commit(&self, changes: &[Change]) -> Result<(), CommitFailure> {
        let _serialized = self.serialize();
        self.poison.check()?;
        if changes.is_empty() {
            return Ok(());
        }
        for change in changes {
            self.check(change)?;
        }
        let edits: Vec<_> = changes
            .iter()
            .map(|change| Edit {
                key: change.key.encode(),
                value: change.next.map(Cow::Borrowed),
            })
            .collect();
        // The states in memory are part of the step: half of them applied would be read as the whole.
        self.poison.if_it_panics(|| {
            self.write(&edits)?;
            let committed = changes.iter().map(|change| (change.key, change.next));
            self.states.apply(committed);
            Ok::<_, CommitFailure>(())
        })?;
        #[cfg(debug_assertions)]
        for Change { key, next, .. } in changes {
            let known = self.states.stored(*key);
            debug_assert!(
                known == Stored::Is(*next) || known == Stored::AskTheStore,
                "{key}: memory has {known:?}, and {next:?} was committed"
            );
            debug_assert!(
                self.store.holds(&key.encode(), *next),
                "{key}: the store does not hold {next:?}, which was committed"
            );
        }
        Ok(())
    }

    fn check(&self, change: &Change) -> Result<(), CommitRefusal> {
        let Change {
            key,
            expected,
            next,
        } = *change;
        debug_assert!(
            state::is_legal(expected, next),
            "{key}: no step of the protocol leads from {expected:?} to {next:?}"
        );
        let found = self.stored(key)?;
        if found.as_deref() == expected.map(str::as_bytes) {
            return Ok(());
        }
        Err(CommitRefusal::Changed {
            key,
            expected: expected.unwrap_or("absent").to_owned(),
            found: found.map_or_else(
                || "absent".to_owned(),
                |bytes| bytes.escape_ascii().to_string(),
            ),
        })
    }

    /// Puts a value under a key that has none; gives the value that is there otherwise.
    pub(crate) fn put_once(
        &self,
        key: Key,
        value: String,
    ) -> Result<Option<Vec<u8>>, CommitFailure> {
        let _serialized = self.serialize();
        self.poison.check()?;
        let key = key.encode();
        if let Some(found) = self.store.get(&key)? {
            return Ok(Some(found));
        }
        let edit = Edit {
            key,
            value: Some(Cow::Owned(value)),
        };
        self.poison.if_it_panics(|| self.write(&[edit]))?;
        Ok(None)
    }

    fn serialize(&self) -> std::sync::MutexGuard<'_, ()> {
        self.commit_lock
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, edits: &[Edit]) -> Result<(), CommitFailure> {
        self.store
            .commit(edits)
            .map_err(|failure| self.store_failed(failure))
    }

    /// Makes sure that commits of so many changes will not fail for want of space.
    pub(crate) fn reserve_for(&self, changes: usize) -> Result<(), CommitFailure> {
        let _serialized = self.serialize();
        self.poison.check()?;
        let reserved = self.poison.if_it_panics(|| self.store.reserve_for(changes));
        reserved.map_err(|failure| self.store_failed(failure))
    }

    fn store_failed(&self, failure: StoreCommitFailure) -> CommitFailure {
        match failure {
            StoreCommitFailure::NoSpace(failure) => CommitRefusal::Store(failure).into(),
            StoreCommitFailure::Unknown(failure) => {
                CommitFailure::Fatal(self.poison.commit_failed(failure))
            }
        }
    }

    /// Writes behind the protocol's back, as something that is not this library would.
    #[cfg(feature = "sim")]
    pub(crate) fn plant(&self, key: &[u8], value: Option<&[u8]>) -> Result<(), StoreFailure> {
        let _serialized = self.serialize();
        self.store.plant(key, value)?;
        self.states.planted(key, value);
        Ok(())
    }
}
