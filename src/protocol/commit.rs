//! Commits: a commit compares every stored value, then changes all of them in one synced batch.

use std::borrow::Cow;
use std::sync::PoisonError;

use super::shared::Shared;
use super::state_index::Stored;
use crate::domain::{Key, is_legal};
#[cfg(feature = "sim")]
use crate::failure::StoreFailure;
use crate::failure::{CommitRefusal, Fatal};
use crate::store::{Edit, StoreCommitFailure};

/// The change of one key in a commit.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    pub(crate) key: Key,
    pub(crate) expected: Option<&'static str>,
    pub(crate) next: Option<&'static str>,
}

/// The failure of a commit.
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

impl Shared {
    /// Compares every stored value with the expected value of its change. Only if all agree, commits the
    /// changes in one synced batch.
    pub(crate) fn commit(&self, changes: &[Change]) -> Result<(), CommitFailure> {
        let _serialized = self.serialize();
        self.poison.check()?;
        for change in changes {
            self.check(change)?;
        }
        let edited = changes
            .iter()
            .filter(|change| change.expected != change.next);
        let edits: Vec<_> = edited
            .map(|change| Edit {
                key: change.key.encode(),
                value: change.next.map(Cow::Borrowed),
            })
            .collect();
        if edits.is_empty() {
            return Ok(());
        }
        // The states in memory are part of the step: a reader would take a half-applied step for a whole
        // one.
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
            expected == next || is_legal(expected, next),
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

    /// Stores a value if the key is absent. Otherwise returns the stored value.
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

    /// Reserves space, so that commits of so many changes do not fail for lack of it.
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

    /// Writes to the store without the protocol, as another program would.
    #[cfg(feature = "sim")]
    pub(crate) fn write_raw_for_test(
        &self,
        key: &[u8],
        value: Option<&[u8]>,
    ) -> Result<(), StoreFailure> {
        let _serialized = self.serialize();
        self.store.write_raw_for_test(key, value)?;
        self.states.planted(key, value);
        Ok(())
    }
}
