//! Commits: a commit compares every stored value, then changes all of them in one synced batch. Commits of several
//! threads at the same time share that batch.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, MutexGuard, PoisonError};

use super::change::{Batch, Change, CommitFailure};
use super::shared::{Shared, Slot};
use super::state_index::Snapshot;
use crate::domain::{ArtifactState, Epoch, Key, is_legal};
#[cfg(feature = "sim")]
use crate::failure::StoreFailure;
use crate::failure::{CommitRefusal, ReadError};
use crate::store::{Edit, Store, StoreCommitFailure};

/// The changes in one write, counted over all its batches, from which on the next batch goes into the next write.
const MANY: usize = 4096;

type Outcome = Result<(), CommitFailure>;

impl Shared {
    /// Compares every stored value with the expected value of its change. Only if all agree, commits the changes in
    /// one synced batch. The same goes for the artifacts that must be frozen.
    ///
    /// Batches of several threads at the same time are written as one, so that they share a sync. They also share
    /// the outcome of that sync. Their comparisons cannot disturb each other, because each change is made by the one
    /// owner of its key.
    pub(crate) fn commit(&self, batch: Batch) -> Outcome {
        let committed = self.commits.run(batch, |batches| self.commit_all(&batches));
        // A thread that panics in a commit leaves the outcome of all its batches unknown.
        committed.unwrap_or_else(|| Err(CommitFailure::Fatal(self.poison.panicked())))
    }

    /// Commits batches in their order. Returns one outcome for each.
    fn commit_all(&self, mut batches: &[Batch]) -> Vec<Outcome> {
        let store = self.store();
        let mut outcomes = Vec::with_capacity(batches.len());
        while let [first, rest @ ..] = batches {
            // A batch with an epoch is written alone: the others of its write would come after its epoch.
            let mut changes = first.changes.len();
            let more = rest.iter().take_while(|batch| {
                changes += batch.changes.len();
                changes <= MANY && first.epoch.is_none() && batch.epoch.is_none()
            });
            let (together, others) = batches.split_at(1 + more.count());
            outcomes.extend(self.commit_together(&store, together));
            batches = others;
        }
        outcomes
    }

    /// Commits batches in one write. A refused batch has no effect on the others.
    fn commit_together(&self, store: &Slot, batches: &[Batch]) -> Vec<Outcome> {
        let checked = batches.iter().map(|batch| self.check_all(store, batch));
        let checked: Vec<Outcome> = checked.collect();
        let accepted = batches.iter().zip(&checked).filter(|(_, ok)| ok.is_ok());
        let changes: Vec<_> = accepted
            .flat_map(|(batch, _)| &batch.changes)
            .copied()
            .collect();
        match (self.write_all(store, &changes), batches) {
            (Ok(()), _) => checked,
            (Err(CommitFailure::Fatal(fatal)), _) => {
                let failed = || Err(CommitFailure::Fatal(fatal.clone()));
                checked.into_iter().map(|ok| ok.and(failed())).collect()
            }
            (Err(refused), [_]) => vec![Err(refused)],
            // Nothing was written. Alone, a batch may find the space that is too little for all.
            (Err(_), batches) => {
                let alone = batches.iter().map(std::slice::from_ref);
                alone
                    .flat_map(|batch| self.commit_together(store, batch))
                    .collect()
            }
        }
    }

    fn check_all(&self, store: &Slot, batch: &Batch) -> Outcome {
        self.poison.check()?;
        if let Some(planned) = batch.epoch {
            let now = Epoch::of(self.open(store)?.last_sequence());
            if planned != now {
                return Err(CommitRefusal::Stale { planned, now }.into());
            }
        }
        for change in &batch.changes {
            self.check(change)?;
        }
        Ok(self.check_required(batch)?)
    }

    /// Refuses unless each artifact that the batch requires is frozen, or becomes so in this batch. A batch of another
    /// thread in the same write does not count, because it may be refused.
    fn check_required(&self, batch: &Batch) -> Result<(), CommitRefusal> {
        if batch.required.is_empty() {
            return Ok(());
        }
        let changes = batch.changes.iter();
        let changes: HashMap<Key, _> = changes.map(|change| (change.key, change.next)).collect();
        let frozen = ArtifactState::Frozen.as_str();
        for artifact in &batch.required {
            let key = Key::from(*artifact);
            let is_frozen = match changes.get(&key) {
                Some(next) => *next == Some(frozen),
                None => self.states.stored(key).as_deref() == Some(frozen.as_bytes()),
            };
            if !is_frozen {
                return Err(CommitRefusal::NotFrozen { key });
            }
        }
        Ok(())
    }

    /// Writes the changes that change a value, and then applies them in memory.
    fn write_all(&self, store: &Slot, changes: &[Change]) -> Outcome {
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
            self.write(store, &edits)?;
            let committed = changes.iter().map(|change| (change.key, change.next));
            self.states.apply(committed);
            Ok::<_, CommitFailure>(())
        })?;
        #[cfg(debug_assertions)]
        for Change { key, next, .. } in changes {
            let known = self.states.stored(*key);
            debug_assert!(
                known.as_deref() == next.map(str::as_bytes),
                "{key}: memory has {known:?}, and {next:?} was committed"
            );
            debug_assert!(
                store
                    .as_ref()
                    .is_some_and(|store| store.holds(&key.encode(), *next)),
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
        let found = self.states.stored(key);
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

    /// Returns the epoch of the catalog, and the states at that epoch.
    pub(crate) fn epoch_and_states(&self) -> Result<(Epoch, Arc<Snapshot>), ReadError> {
        // The lock of the store keeps commits away until the states are taken.
        let store = self.store();
        self.poison.check()?;
        let epoch = store.as_ref().map_or(0, Store::last_sequence);
        Ok((Epoch::of(epoch), self.states.snapshot()))
    }

    /// Stores a value if the key is absent. Otherwise returns the stored value.
    pub(crate) fn put_once(&self, key: Key, value: &str) -> Result<Option<Vec<u8>>, CommitFailure> {
        let store = self.store();
        self.poison.check()?;
        if let Some(found) = self.states.stored(key) {
            return Ok(Some(found.into_owned()));
        }
        let edit = Edit {
            key: key.encode(),
            value: Some(Cow::Owned(value.to_owned())),
        };
        self.poison.if_it_panics(|| {
            self.write(&store, &[edit])?;
            self.states.apply([(key, Some(value))]);
            Ok(None)
        })
    }

    /// Waits for the commit that is under way, and returns the store.
    pub(super) fn store(&self) -> MutexGuard<'_, Slot> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, store: &Slot, edits: &[Edit]) -> Outcome {
        let committed = self.open(store)?.commit(edits);
        committed.map_err(|failure| self.store_failed(failure))
    }

    /// Returns the store, which is open unless an attempt to open it again has failed.
    fn open<'a>(&self, store: &'a Slot) -> Result<&'a Store, CommitFailure> {
        if let Some(store) = store {
            return Ok(store);
        }
        self.poison.check()?;
        unreachable!("a catalog whose store is closed refuses everything")
    }

    /// Reserves space, so that commits of so many changes do not fail for lack of it.
    pub(crate) fn reserve_for(&self, changes: usize) -> Result<(), CommitFailure> {
        let store = self.store();
        self.poison.check()?;
        let open = self.open(&store)?;
        let reserved = self.poison.if_it_panics(|| open.reserve_for(changes));
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
        let store = self.store();
        let Some(open) = &*store else {
            unreachable!("the test has opened the store");
        };
        open.write_raw_for_test(key, value)?;
        self.states.planted(key, value);
        Ok(())
    }
}
