//! The sweep: the only per-chunk deleter.
//!
//! Takes owned handles, so it trusts no state that was read earlier and cannot hit a writer. Pays one
//! round of barriers for a batch: one demoting commit, one fsync for each distinct directory, one
//! deleting commit. Nothing in it needs space for data, so a full disk can free itself.

use std::io;
use std::sync::Arc;

use crate::artifact::{Prunable, check_unlink};
use crate::domain::{ArtifactState, Key, WindowId};
use crate::failure::{CommitRefusal, IoFailure, RemovalRefusal, Retryable, StepError};
use crate::fs::DirChains;
use crate::protocol::{Change, CommitFailure, Shared};

/// The result of a sweep.
#[derive(Debug, Default)]
#[must_use = "artifacts with readers come back in `leased`, and those that could not be removed in `failed`"]
pub struct Swept {
    /// Files and keys that are gone. By directory, and in the given order within each, as in the other lists.
    pub deleted: Vec<Key>,
    /// Demoted but still being read: sweep them again when their readers are done.
    pub leased: Vec<Prunable>,
    /// Not frozen any more, but a file could not be unlinked: claim the key again once the cause is repaired.
    pub failed: Vec<(Key, IoFailure)>,
}

/// A sweep that stopped: refused with the batch back, or, after the demotion, with the keys left to sweep again. A
/// batch inside stays claimed while the error is kept (see [`StepError`]).
pub type SweepError = StepError<Vec<Prunable>, CommitRefusal>;

pub(crate) fn sweep(shared: &Arc<Shared>, mut batch: Vec<Prunable>) -> Result<Swept, SweepError> {
    match demote(shared, &mut batch) {
        Ok(()) => {}
        Err(CommitFailure::Refused(refusal)) => return Err(StepError::refused(batch, refusal)),
        Err(CommitFailure::Fatal(fatal)) => return Err(fatal.into()),
    }
    let mut swept = Swept::default();
    let gone = unlink(shared, batch, &mut swept)?;
    let deletions: Vec<Change> = gone
        .iter()
        .map(|item| item.claim.change(Some(item.found), None))
        .collect();
    match shared.commit(deletions.into()) {
        Ok(()) => {}
        Err(CommitFailure::Refused(source)) => return Err(Retryable::Sweep { source }.into()),
        Err(CommitFailure::Fatal(fatal)) => return Err(fatal.into()),
    }
    swept.deleted = gone.iter().map(Prunable::key).collect();
    Ok(swept)
}

/// One commit demotes the artifacts that are still frozen: no file goes under a frozen key.
fn demote(shared: &Arc<Shared>, batch: &mut [Prunable]) -> Result<(), CommitFailure> {
    let foreign = |item: &&Prunable| !Arc::ptr_eq(shared, &item.claim.shared);
    if let Some(item) = batch.iter().find(foreign) {
        let key = item.key();
        return Err(CommitRefusal::ForeignHandle { key }.into());
    }
    let frozen = |item: &&Prunable| item.found == ArtifactState::Frozen;
    let next = Some(ArtifactState::Pruning);
    let demotions: Vec<Change> = batch
        .iter()
        .filter(frozen)
        .map(|item| item.claim.change(Some(item.found), next))
        .collect();
    // Space for both commits, before anything is changed: a sweep must be able to finish on a full disk.
    shared.reserve_for(demotions.len() + batch.len())?;
    shared.commit(demotions.into())?;
    for item in batch {
        if item.found == ArtifactState::Frozen {
            item.found = ArtifactState::Pruning;
        }
    }
    Ok(())
}

/// Unlinks the files of the artifacts without readers, then fsyncs each distinct directory once.
fn unlink(
    shared: &Shared,
    mut batch: Vec<Prunable>,
    swept: &mut Swept,
) -> Result<Vec<Prunable>, SweepError> {
    // By directory, because not all of them can be open together, and each is to be synced once.
    batch.sort_by_cached_key(|item| item.claim.location().directory().clone());
    let mut gone = Vec::with_capacity(batch.len());
    let mut chains = DirChains::default();
    for item in batch {
        if !chains.have_room_for(&item.claim.location()) {
            let left = shared.sync_absence(std::mem::take(&mut chains))?;
            keep(&mut gone, &left, swept);
        }
        match check_unlink(&item.claim) {
            Ok(()) => {}
            Err(RemovalRefusal::Poisoned(poisoned)) => {
                let source = CommitRefusal::Poisoned(poisoned);
                return Err(Retryable::Sweep { source }.into());
            }
            Err(_leased) => {
                swept.leased.push(item);
                continue;
            }
        }
        match item.claim.unlink_files(&mut chains) {
            Ok(()) => gone.push(item),
            Err(failure) => swept.failed.push((item.key(), failure)),
        }
    }
    let left = shared.sync_absence(chains)?;
    keep(&mut gone, &left, swept);
    Ok(gone)
}

/// Keeps the keys of the windows whose emptied directory could not be removed.
fn keep(gone: &mut Vec<Prunable>, left: &[(WindowId, IoFailure)], swept: &mut Swept) {
    for (window, failure) in left {
        let is_of_it = |item: &mut Prunable| item.claim.location().window() == Some(*window);
        for item in gone.extract_if(.., is_of_it) {
            let number = failure.source.raw_os_error();
            let source = number.map_or_else(
                || io::Error::new(failure.source.kind(), failure.source.to_string()),
                io::Error::from_raw_os_error,
            );
            let failure = IoFailure::new(failure.operation, &failure.path, source);
            swept.failed.push((item.key(), failure));
        }
    }
}
