//! What the catalog and every handle share.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use crate::claim::ClaimTable;
use crate::durable::Durable;
use crate::error::{Fatal, Poisoned, ReadError, StoreFailure};
use crate::key::{Key, TypedKey, decode_value};
use crate::layout::Layout;
use crate::lock::LockedRoots;
use crate::poison::Poison;
use crate::state;
use crate::store::{Edit, Store};

/// One open catalog. Fields are dropped in this order: the store is closed before the locks go.
pub(crate) struct Core {
    pub(crate) store: Store,
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
    /// A stored value could not be read.
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
    pub(crate) fn new(roots: LockedRoots, store: Store) -> Self {
        Self {
            store,
            layout: roots.roots().layout(),
            claims: Arc::default(),
            poison: Poison::default(),
            durable: Durable::default(),
            commit_lock: Mutex::new(()),
            roots,
        }
    }

    /// The typed value of a key, if it is there.
    pub(crate) fn get<T: TypedKey>(&self, key: T) -> Result<Option<T::Value>, ReadError> {
        match self.get_raw(key.into())? {
            None => Ok(None),
            Some(bytes) => Ok(Some(decode_value(key, &bytes)?)),
        }
    }

    pub(crate) fn get_raw(&self, key: Key) -> Result<Option<Vec<u8>>, ReadError> {
        self.poison.check()?;
        Ok(self.store.get(&key.encode())?)
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
        self.write(&edits)
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
        let found = self.store.get(&key.encode())?;
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
        self.write(&[Edit {
            key,
            value: Some(Cow::Owned(value)),
        }])?;
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
            .map_err(|failure| CommitFailure::Fatal(self.poison.commit_failed(failure)))
    }
}
