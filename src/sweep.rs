//! The sweep: the only per-chunk deleter.
//!
//! Takes owned handles, so it trusts no state that was read earlier and cannot hit a writer. Pays one
//! round of barriers for a batch: one demoting commit, one fsync for each distinct directory, one
//! deleting commit. Nothing in it needs space for data, so a full disk can free itself.

use std::sync::Arc;

use crate::artifact::{Prunable, UnlinkRefusal, check_unlink};
use crate::core::{Change, CommitFailure, CommitRefusal, Core};
use crate::durable::Ways;
use crate::error::{FailureKind, Fatal, IoFailure, Poisoned, Refused};
use crate::key::ArtifactKey;
use crate::state::ArtifactState;

/// What a sweep did.
#[derive(Debug, Default)]
#[must_use = "artifacts with readers come back in `leased`, and those that resisted in `failed`"]
pub struct Swept {
    /// Gone: files and keys. By directory, and as they were given within each, as in the other lists.
    pub deleted: Vec<ArtifactKey>,
    /// Demoted but still being read: sweep them again when their readers are done.
    pub leased: Vec<Prunable>,
    /// Not frozen any more, but a file could not be unlinked: claim the key again once the cause is mended.
    pub failed: Vec<(ArtifactKey, IoFailure)>,
}

/// A sweep that stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SweepError {
    /// Nothing was touched; the batch is inside.
    #[error(transparent)]
    Refused(Refused<Vec<Prunable>, CommitRefusal>),
    /// A failure elsewhere poisoned the catalog after the demotion. The keys stay.
    #[error(
        "the sweep stopped half-way, and its keys stay: open the catalog again and sweep them again"
    )]
    Interrupted(#[source] Poisoned),
    /// The files are gone, and the deletion of their keys was refused.
    #[error(
        "the files are gone, and their keys stay: open the catalog again if the cause says so, then \
         sweep the keys again"
    )]
    Delete(#[source] CommitRefusal),
    /// An fsync or a commit failed.
    #[error(transparent)]
    Fatal(Fatal),
}

impl SweepError {
    /// What this failure has left behind.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Refused(_) => FailureKind::Refused,
            Self::Interrupted(_) | Self::Delete(_) => FailureKind::Rewritable,
            Self::Fatal(_) => FailureKind::Fatal,
        }
    }
}

pub(crate) fn sweep(core: &Arc<Core>, mut batch: Vec<Prunable>) -> Result<Swept, SweepError> {
    match demote(core, &mut batch) {
        Ok(()) => {}
        Err(CommitFailure::Refused(refusal)) => {
            return Err(SweepError::Refused(Refused::new(batch, refusal)));
        }
        Err(CommitFailure::Fatal(fatal)) => return Err(SweepError::Fatal(fatal)),
    }
    let mut swept = Swept::default();
    let gone = unlink(core, batch, &mut swept)?;
    let deletions: Vec<Change> = gone
        .iter()
        .map(|item| item.held.change(Some(item.found), None))
        .collect();
    match core.commit(&deletions) {
        Ok(()) => {}
        Err(CommitFailure::Refused(refusal)) => return Err(SweepError::Delete(refusal)),
        Err(CommitFailure::Fatal(fatal)) => return Err(SweepError::Fatal(fatal)),
    }
    swept.deleted = gone.iter().map(Prunable::key).collect();
    Ok(swept)
}

/// One commit demotes all that are still frozen: no file goes under a frozen key.
fn demote(core: &Arc<Core>, batch: &mut [Prunable]) -> Result<(), CommitFailure> {
    let foreign = |item: &&Prunable| !Arc::ptr_eq(core, &item.held.core);
    if let Some(item) = batch.iter().find(foreign) {
        let key = item.key().into();
        return Err(CommitRefusal::ForeignHandle { key }.into());
    }
    let frozen = |item: &&Prunable| item.found == ArtifactState::Frozen;
    let next = Some(ArtifactState::Pruning);
    let demotions: Vec<Change> = batch
        .iter()
        .filter(frozen)
        .map(|item| item.held.change(Some(item.found), next))
        .collect();
    // Both commits, before anything is changed: what a sweep frees must not be out of its reach.
    core.reserve_for(demotions.len() + batch.len())?;
    core.commit(&demotions)?;
    for item in batch {
        if item.found == ArtifactState::Frozen {
            item.found = ArtifactState::Pruning;
        }
    }
    Ok(())
}

/// Unlinks the files of all that nobody reads, then fsyncs each distinct directory once.
fn unlink(
    core: &Core,
    mut batch: Vec<Prunable>,
    swept: &mut Swept,
) -> Result<Vec<Prunable>, SweepError> {
    let sync_absence = |ways: &Ways| {
        let synced = core.durable.sync_absence(ways, &core.poison);
        synced.map_err(SweepError::Fatal)
    };
    // So that each directory is synced once also where not all of them can be open together.
    batch.sort_by_key(|item| item.held.place().bucket());
    let mut gone = Vec::with_capacity(batch.len());
    let mut ways = Ways::default();
    for item in batch {
        if !ways.have_room_for(item.held.place()) {
            sync_absence(&ways)?;
            ways = Ways::default();
        }
        match check_unlink(&item.held) {
            Ok(()) => {}
            Err(UnlinkRefusal::Leased(_)) => {
                swept.leased.push(item);
                continue;
            }
            Err(UnlinkRefusal::Poisoned(poisoned)) => {
                return Err(SweepError::Interrupted(poisoned));
            }
        }
        match item.held.unlink_files(&mut ways) {
            Ok(()) => gone.push(item),
            Err(failure) => swept.failed.push((item.key(), failure)),
        }
    }
    sync_absence(&ways)?;
    Ok(gone)
}
