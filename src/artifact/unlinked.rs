//! [`Unlinked`]: the files are durably gone, and the key may go.

use std::marker::PhantomData;

use super::{Held, artifact_handle};
use crate::claim::StillLeased;
use crate::core::{CommitFailure, CommitRefusal};
use crate::durable::Ways;
use crate::error::{FailureKind, Fatal, IoFailure, Poisoned, Refused};
use crate::key::ArtifactKey;
use crate::kind::Kind;
use crate::state::ArtifactState;
use crate::transition::sealed::Commit;
use crate::transition::{Changes, Committed, Transition};

/// Evidence that every file of an artifact is gone from stable storage.
///
/// **Durable now:** the files' absence; the key still has its value. **A crash here leaves** a key
/// without files, which unlinking again settles. **Next:**
/// [`Catalog::commit`](crate::Catalog::commit), alone or with others in one batch.
#[must_use = "its files are gone but its key stays until `Catalog::commit` deletes it"]
pub struct Unlinked<K: Kind> {
    held: Held,
    found: ArtifactState,
    kind: PhantomData<fn() -> K>,
}

artifact_handle!(Unlinked);

impl<K: Kind> Commit for Unlinked<K> {
    type Output = ();

    fn gather(&self, changes: &mut Changes<'_>) {
        let change = self.held.change(Some(self.found), None);
        changes.push(&self.held.core, change);
    }

    fn advance(self, _: &Committed) {}
}

impl<K: Kind> Transition for Unlinked<K> {
    type Next = ();
}

/// Why files were not unlinked, before anything was tried.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnlinkRefusal {
    /// The catalog refuses everything.
    #[error(transparent)]
    Poisoned(#[from] Poisoned),
    /// There are still readers.
    #[error(transparent)]
    Leased(#[from] StillLeased),
}

/// Files that could not be unlinked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UnlinkError<H> {
    /// Nothing was touched; the handle is inside.
    #[error(transparent)]
    Refused(Refused<H, UnlinkRefusal>),
    /// A file could not be unlinked. The handle is gone, the key still has its value.
    #[error("`{key}` stays, because its files could not be removed: claim it again to finish")]
    Rewritable {
        /// The key.
        key: ArtifactKey,
        /// What went wrong.
        source: IoFailure,
    },
    /// An fsync failed.
    #[error(transparent)]
    Fatal(Fatal),
}

impl<H> UnlinkError<H> {
    /// What this failure has left behind.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Refused(_) => FailureKind::Refused,
            Self::Rewritable { .. } => FailureKind::Rewritable,
            Self::Fatal(_) => FailureKind::Fatal,
        }
    }
}

/// Work that could not be undone.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AbandonError<H> {
    /// Nothing was touched; the handle is inside.
    #[error(transparent)]
    Refused(Refused<H, Poisoned>),
    /// What was there could not be removed. The handle is gone, the key still has its value.
    #[error("`{key}` stays, because its files could not be removed: claim it again to finish")]
    Rewritable {
        /// The key.
        key: ArtifactKey,
        /// What went wrong.
        source: IoFailure,
    },
    /// The files are gone, and the deletion of the key was refused.
    #[error(
        "the files are gone, and `{key}` stays: open the catalog again if the cause says so, then claim \
         it again to finish"
    )]
    Commit {
        /// The key.
        key: ArtifactKey,
        /// Why it was refused.
        source: CommitRefusal,
    },
    /// An fsync or the commit failed.
    #[error(transparent)]
    Fatal(Fatal),
}

impl<H> AbandonError<H> {
    /// What this failure has left behind.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Refused(_) => FailureKind::Refused,
            Self::Rewritable { .. } | Self::Commit { .. } => FailureKind::Rewritable,
            Self::Fatal(_) => FailureKind::Fatal,
        }
    }
}

/// Whether the files may go now.
pub(crate) fn check_unlink(held: &Held) -> Result<(), UnlinkRefusal> {
    held.core.poison.check()?;
    Ok(held.claim.check_unread()?)
}

/// Unlinks the files and makes their absence durable.
pub(super) fn unlink<H, K: Kind>(
    held: Held,
    found: ArtifactState,
    handle: impl FnOnce(Held) -> H,
) -> Result<Unlinked<K>, UnlinkError<H>> {
    if let Err(refusal) = check_unlink(&held) {
        return Err(UnlinkError::Refused(Refused::new(handle(held), refusal)));
    }
    match remove_files(&held) {
        Ok(()) => Ok(Unlinked {
            held,
            found,
            kind: PhantomData,
        }),
        Err(Removal::Unlink(source)) => {
            let key = held.key;
            Err(UnlinkError::Rewritable { key, source })
        }
        Err(Removal::Sync(fatal)) => Err(UnlinkError::Fatal(fatal)),
    }
}

enum Removal {
    Unlink(IoFailure),
    Sync(Fatal),
}

fn remove_files(held: &Held) -> Result<(), Removal> {
    let mut ways = Ways::default();
    held.unlink_files(&mut ways).map_err(Removal::Unlink)?;
    let core = &held.core;
    let synced = core.durable.sync_absence(&ways, &core.poison);
    synced.map_err(Removal::Sync)
}

/// Unlinks the files, makes their absence durable and deletes the key.
pub(super) fn remove_for_good<H>(held: &Held, found: ArtifactState) -> Result<(), AbandonError<H>> {
    let key = held.key;
    match remove_files(held) {
        Ok(()) => {}
        Err(Removal::Unlink(source)) => return Err(AbandonError::Rewritable { key, source }),
        Err(Removal::Sync(fatal)) => return Err(AbandonError::Fatal(fatal)),
    }
    match held.core.commit(&[held.change(Some(found), None)]) {
        Ok(()) => Ok(()),
        Err(CommitFailure::Refused(source)) => Err(AbandonError::Commit { key, source }),
        Err(CommitFailure::Fatal(fatal)) => Err(AbandonError::Fatal(fatal)),
    }
}
