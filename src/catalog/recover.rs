//! Recovery: one call that finishes all interrupted work.
//!
//! It walks keys, claims each, and calls the sweep and the removal of hot directories. Therefore a crash in the
//! middle of a recovery leaves the same states as any other crash, and the next recovery continues.

use std::collections::HashSet;
use std::sync::Arc;
use std::{fmt, io};

use super::Catalog;
use super::sweep::{SweepError, Swept, sweep};
use crate::artifact::{self, ClaimError, Prunable};
use crate::domain::{ArtifactState, FileKey, HotKey, HotState, Key, Unfinished, ValueError};
use crate::failure::{
    AlreadyClaimed, CommitRefusal, Failed, IoFailure, Operation, ReadError, RecoverError,
    RemovalRefusal, Retryable, StepError,
};
use crate::hot::{self, ClaimHotError, Hot, HotDebris};
use crate::protocol::Shared;

/// The treatment of an artifact whose freezing was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DebrisPolicy {
    /// Its key and its files stay, and the key is listed. A caller that still wants the artifact begins it again.
    Report,
    /// Its files are removed, and then its key, as if the freezing had never begun.
    Remove,
}

/// The result of a recovery. Each unfinished key is in exactly one of the lists.
#[derive(Debug, Default)]
#[must_use = "keys that are still unfinished are inside: `is_complete` says whether there are any"]
#[non_exhaustive]
pub struct Recovered {
    /// Removals that were finished: files and keys are gone.
    pub pruned: Vec<Key>,
    /// Debris that was removed: files and keys are gone.
    pub removed: Vec<Key>,
    /// Hot directories that were removed: directories and keys are gone.
    pub discarded: Vec<HotKey>,
    /// Debris that stays because of [`DebrisPolicy::Report`].
    pub reported: Vec<Key>,
    /// Artifacts and hot directories with readers in this process: recover again when they are done.
    pub leased: Vec<Key>,
    /// Keys that a handle in this process owns: work under way.
    pub claimed: Vec<AlreadyClaimed>,
    /// Unrecognised values: a person has to decide.
    pub unreadable: Vec<ValueError>,
    /// Keys whose files or directory could not be removed: recover again once the cause is repaired.
    pub failed: Vec<(Key, IoFailure)>,
}

impl Recovered {
    /// Returns whether there was no unfinished key.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.pruned.is_empty()
            && self.removed.is_empty()
            && self.discarded.is_empty()
            && self.reported.is_empty()
            && self.is_complete()
    }

    /// Returns whether every key was finished or reported: no reader, no live handle, no unrecognised value and no
    /// failure kept one.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.leased.is_empty()
            && self.claimed.is_empty()
            && self.unreadable.is_empty()
            && self.failed.is_empty()
    }
}

impl fmt::Display for Recovered {
    /// One line for each key, in the order of the lists.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_nothing() {
            return f.write_str("nothing was unfinished");
        }
        let mut lines = Vec::new();
        let mut add = |keys: &[Key], what: &str| {
            lines.extend(keys.iter().map(|key| format!("{key}: {what}")));
        };
        add(&self.pruned, "removal finished");
        add(&self.removed, "debris removed");
        add(&self.reported, "debris left to be begun again");
        add(&self.leased, "still read, recover again later");
        let hot = self.discarded.iter();
        lines.extend(hot.map(|key| format!("{key}: hot directory removed")));
        let claimed = self.claimed.iter();
        lines.extend(claimed.map(|claim| format!("{}: in use, left alone", claim.key)));
        lines.extend(self.unreadable.iter().map(ToString::to_string));
        let failed = self.failed.iter();
        lines.extend(failed.map(|(key, failure)| format!("{key}: {failure}: {}", failure.source)));
        f.write_str(&lines.join("\n"))
    }
}

/// A sweep inside of a recovery that stopped.
fn sweep_stopped(error: SweepError) -> RecoverError {
    match error {
        StepError::Failed(failed) => StepError::Failed(failed),
        StepError::Refused(refused) => match refused.into_parts().1 {
            CommitRefusal::Poisoned(poisoned) => RecoverError::refused((), poisoned),
            CommitRefusal::Store(failure) => RecoverError::refused((), failure),
            source => Retryable::Sweep { source }.into(),
        },
    }
}

/// # Recover
impl Catalog {
    /// Counts the keys of interrupted work and of work under way, in memory. After the opening all of them are of
    /// interrupted work, which [`recover`](Self::recover) finishes.
    pub fn unfinished(&self) -> Unfinished {
        self.shared().states.unfinished()
    }

    /// Finishes all interrupted work: finishes every `pruning`, removes every
    /// `transient` hot directory and, depending on `debris`, keeps or removes interrupted freezes.
    ///
    /// Call it once after opening, before the work begins. It touches no `frozen` artifact and no `ready` directory,
    /// and no key that a handle or a lease of this process holds. A leased, claimed, unreadable or undeletable entry
    /// does not stop the recovery; it is listed in the result, and a later call finishes it. If nothing is listed, a
    /// second call does nothing.
    ///
    /// All files go in one sweep: one fsync for each distinct directory, one deleting commit.
    ///
    /// ```
    /// use frostline::{Catalog, DebrisPolicy, StorageRoots};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// let catalog = Catalog::open(StorageRoots::under(directory.path())?.lock()?)?;
    /// let recovered = catalog.recover(DebrisPolicy::Remove)?;
    /// if !recovered.is_complete() {
    ///     println!("{recovered}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`RecoverError`]: refused if the catalog is poisoned or cannot be read; retryable if a deletion was refused;
    /// fatal if an fsync or a commit failed. Work that was finished before stays finished.
    #[track_caller]
    pub fn recover(&self, debris: DebrisPolicy) -> Result<Recovered, RecoverError> {
        let mut recovered = Recovered::default();
        self.recover_artifacts(debris, &mut recovered)?;
        self.recover_hot(&mut recovered)?;
        Ok(recovered)
    }

    #[track_caller]
    fn recover_artifacts(
        &self,
        debris: DebrisPolicy,
        recovered: &mut Recovered,
    ) -> Result<(), RecoverError> {
        let shared = self.shared();
        let refused = |error| RecoverError::refused((), error);
        let artifacts = self.chunk_artifact_keys().map_err(refused)?;
        let artifacts =
            artifacts.map(|entry| entry.map(|(key, state)| (FileKey::from(key), state)));
        let indexes = self.index_keys().map_err(refused)?;
        let indexes = indexes.map(|entry| entry.map(|(key, state)| (FileKey::from(key), state)));
        // Gathered first: a scan is as of its beginning, and claiming looks at what is there now.
        let keys: Vec<_> = artifacts.chain(indexes).collect();
        let mut batch = Vec::new();
        for entry in keys {
            let Some((key, state)) = recovered.readable(entry)? else {
                continue;
            };
            if state == ArtifactState::Frozen {
                continue;
            }
            match claim_leftover(shared, key) {
                Ok(None) => {}
                Ok(Some(leftover))
                    if leftover.found == ArtifactState::Freezing
                        && debris == DebrisPolicy::Report =>
                {
                    recovered.reported.push(key.into());
                }
                Ok(Some(leftover)) => batch.push(leftover),
                Err(ClaimError::Claimed(claimed)) => recovered.claimed.push(claimed),
                Err(ClaimError::Read(error)) => recovered.unread(error)?,
            }
        }
        let pruning: HashSet<_> = batch
            .iter()
            .filter(|leftover| leftover.found == ArtifactState::Pruning)
            .map(Prunable::key)
            .collect();
        let Swept {
            deleted,
            leased,
            failed,
        } = sweep(shared, batch).map_err(sweep_stopped)?;
        (recovered.pruned, recovered.removed) =
            deleted.into_iter().partition(|key| pruning.contains(key));
        recovered.leased = leased.iter().map(Prunable::key).collect();
        recovered.failed = failed;
        Ok(())
    }

    #[track_caller]
    fn recover_hot(&self, recovered: &mut Recovered) -> Result<(), RecoverError> {
        let scan = self
            .hot_chunk_keys()
            .map_err(|error| RecoverError::refused((), error))?;
        let keys: Vec<_> = scan.collect();
        for entry in keys {
            let Some((key, state)) = recovered.readable(entry)? else {
                continue;
            };
            if state == HotState::Ready {
                continue;
            }
            match hot::claim(self.shared(), key.chunk) {
                Ok(Hot::Debris(debris)) => recovered.discard(key, debris)?,
                Err(ClaimHotError::Claimed(claimed)) => recovered.claimed.push(claimed),
                Err(ClaimHotError::Read(error)) => recovered.unread(error)?,
                // Its owner has finished since the scan.
                Ok(Hot::Absent | Hot::Ready(_))
                | Err(ClaimHotError::Io(_) | ClaimHotError::DirectoryMissing(_)) => {}
            }
        }
        Ok(())
    }
}

/// Claims an unfinished artifact. Returns `None` if its owner has finished it since the scan.
#[track_caller]
fn claim_leftover(shared: &Arc<Shared>, key: FileKey) -> Result<Option<Prunable>, ClaimError> {
    let claimed = artifact::claim_for_pruning(shared, key)?;
    Ok(claimed.filter(|leftover| leftover.found != ArtifactState::Frozen))
}

impl Recovered {
    /// Returns the entry, or `None` after recording an unrecognised value in `self.unreadable`.
    fn readable<T>(&mut self, entry: Result<T, ReadError>) -> Result<Option<T>, RecoverError> {
        match entry {
            Ok(entry) => Ok(Some(entry)),
            Err(error) => self.unread(error).map(|()| None),
        }
    }

    /// Removes a hot directory. A directory that cannot be removed is listed.
    fn discard(&mut self, key: HotKey, debris: HotDebris) -> Result<(), RecoverError> {
        match debris.remove() {
            Ok(()) => self.discarded.push(key),
            Err(StepError::Failed(Failed::Retryable(Retryable::Remove { key, source }))) => {
                self.failed.push((key, source));
            }
            Err(StepError::Failed(failed)) => return Err(StepError::Failed(failed)),
            Err(StepError::Refused(refused)) => match refused.into_parts().1 {
                RemovalRefusal::Poisoned(poisoned) => {
                    return Err(RecoverError::refused((), poisoned));
                }
                RemovalRefusal::Io(source) => self.failed.push((key.into(), source)),
                RemovalRefusal::DirectoryIsBack { key, path } => {
                    let why = "it was missing when its key was marked or given up";
                    let failure = io::Error::new(io::ErrorKind::AlreadyExists, why);
                    let failure = IoFailure::new(Operation::RemoveDirectory, path, failure);
                    self.failed.push((key, failure));
                }
                RemovalRefusal::Leased(leased) => self.leased.push(leased.key),
                // Only the directory of a `ready` key can be such.
                RemovalRefusal::NotMissing { .. }
                | RemovalRefusal::OtherChunk { .. }
                | RemovalRefusal::ForeignEvidence { .. }
                | RemovalRefusal::NoLedgers { .. } => {}
                RemovalRefusal::Commit(source) => {
                    let key = key.into();
                    return Err(Retryable::Delete { key, source }.into());
                }
            },
        }
        Ok(())
    }

    fn unread(&mut self, error: ReadError) -> Result<(), RecoverError> {
        match error {
            ReadError::Value(unrecognised) => {
                self.unreadable.push(unrecognised);
                Ok(())
            }
            error => Err(RecoverError::refused((), error)),
        }
    }
}
