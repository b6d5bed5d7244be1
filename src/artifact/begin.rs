//! absent, debris or pruning → [`Freezing`]: the mark, before any I/O.

use std::path::PathBuf;
use std::sync::Arc;

use super::freezing::Draft;
use super::{Freezing, Held, SyncError, SyncedSet, group};
use crate::claim::{AlreadyClaimed, StillLeased};
use crate::core::{CommitFailure, CommitRefusal, Core};
use crate::durable::Ways;
use crate::error::{FailureKind, Fatal, IoFailure, ReadError, Refused};
use crate::geometry::ChunkId;
use crate::key::ArtifactKey;
use crate::kind::{ArtifactSet, Events, Kind, Ledgers, TxHash};
use crate::state::ArtifactState;

/// Why an artifact could not be begun.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BeginError {
    /// A handle in this process owns the key.
    #[error(transparent)]
    Claimed(#[from] AlreadyClaimed),
    /// The artifact is frozen: there is nothing to do.
    #[error("`{key}` is frozen already: read it under a lease, or demote and sweep it first")]
    AlreadyFrozen {
        /// The key.
        key: ArtifactKey,
    },
    /// The artifact is being pruned and still has readers.
    #[error(transparent)]
    Leased(#[from] StillLeased),
    /// A file has no key: it is not this library's to overwrite.
    #[error(
        "`{}` exists although `{key}` has no value: the catalog does not belong to these roots, or \
         somebody put the file there; move it away", path.display()
    )]
    StrayFile {
        /// The key.
        key: ArtifactKey,
        /// The file.
        path: PathBuf,
    },
    /// The catalog could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The directories could not be looked at.
    #[error(transparent)]
    Io(#[from] IoFailure),
    /// The mark was refused.
    #[error(transparent)]
    Commit(CommitRefusal),
    /// The mark is there, but what an earlier attempt left behind could not be removed.
    #[error("`{key}` is marked, but what was there before cannot be removed: begin again")]
    Leftovers {
        /// The key.
        key: ArtifactKey,
        /// What went wrong.
        source: IoFailure,
    },
    /// The mark's commit failed.
    #[error(transparent)]
    Fatal(Fatal),
}

impl BeginError {
    /// What this failure has left behind.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Leftovers { .. } => FailureKind::Rewritable,
            Self::Fatal(_) => FailureKind::Fatal,
            _ => FailureKind::Refused,
        }
    }
}

impl From<CommitFailure> for BeginError {
    fn from(failure: CommitFailure) -> Self {
        match failure {
            CommitFailure::Refused(refusal) => Self::Commit(refusal),
            CommitFailure::Fatal(fatal) => Self::Fatal(fatal),
        }
    }
}

/// The kinds of one chunk that were begun together; a kind that was not asked for is `None`.
#[derive(Debug)]
#[must_use = "dropping it leaves the keys at `freezing`, as a power cut would: `sync` it, or take its members"]
pub struct FreezingSet {
    /// The ledgers.
    pub ledgers: Option<Freezing<Ledgers>>,
    /// The events.
    pub events: Option<Freezing<Events>>,
    /// The transaction hashes.
    pub txhash: Option<Freezing<TxHash>>,
}

impl FreezingSet {
    /// Makes the files of every member durable. What comes back is a transition: one commit flips
    /// all of the keys.
    ///
    /// # Errors
    ///
    /// [`SyncError`]: refused with the whole set back, or, once a member has failed, with the set
    /// consumed and its keys left at `freezing`.
    pub fn sync(self) -> Result<SyncedSet, SyncError<Self>> {
        group::sync_one(self)
    }

    fn of(mut drafts: Vec<Draft>) -> Self {
        Self {
            ledgers: pick(&mut drafts),
            events: pick(&mut drafts),
            txhash: pick(&mut drafts),
        }
    }
}

/// Begins one artifact.
#[track_caller]
pub(crate) fn begin<K: Kind>(core: &Arc<Core>, chunk: ChunkId) -> Result<Freezing<K>, BeginError> {
    let kind = K::KIND;
    let free = Free::find(core, ArtifactKey { chunk, kind }, &mut Ways::default())?;
    mark(core, std::slice::from_ref(&free))?;
    Ok(Freezing::new(free.start(&mut Ways::default())?))
}

/// Begins the artifacts of one kind of several chunks: one batch marks all of them.
#[track_caller]
pub(crate) fn begin_all<K: Kind>(
    core: &Arc<Core>,
    chunks: impl IntoIterator<Item = ChunkId>,
) -> Result<Vec<Freezing<K>>, BeginError> {
    let kind = K::KIND;
    let keys = chunks.into_iter().map(|chunk| ArtifactKey { chunk, kind });
    let drafts = begin_keys(core, keys)?;
    Ok(drafts.into_iter().map(Freezing::new).collect())
}

/// Begins the kinds of several sets, each of one chunk: one batch marks all of them.
#[track_caller]
pub(crate) fn begin_sets(
    core: &Arc<Core>,
    sets: impl IntoIterator<Item = (ChunkId, ArtifactSet)>,
) -> Result<Vec<FreezingSet>, BeginError> {
    let sets: Vec<_> = sets.into_iter().collect();
    let keys = sets.iter().flat_map(|(chunk, set)| {
        let chunk = *chunk;
        set.iter().map(move |kind| ArtifactKey { chunk, kind })
    });
    let mut drafts = begin_keys(core, keys)?.into_iter();
    let begun = sets.iter().map(|(_, set)| {
        let members = drafts.by_ref().take(set.len());
        FreezingSet::of(members.collect())
    });
    Ok(begun.collect())
}

/// Begins the kinds of a set: one batch marks all of them.
#[track_caller]
pub(crate) fn begin_set(
    core: &Arc<Core>,
    chunk: ChunkId,
    set: ArtifactSet,
) -> Result<FreezingSet, BeginError> {
    let keys = set.iter().map(|kind| ArtifactKey { chunk, kind });
    Ok(FreezingSet::of(begin_keys(core, keys)?))
}

#[track_caller]
fn begin_keys(
    core: &Arc<Core>,
    keys: impl Iterator<Item = ArtifactKey>,
) -> Result<Vec<Draft>, BeginError> {
    core.poison.check().map_err(ReadError::from)?;
    let mut ways = Ways::default();
    let mut free = Vec::new();
    for key in keys {
        ways.let_go_if_many();
        free.push(Free::find(core, key, &mut ways)?);
    }
    mark(core, &free)?;
    let drafts = free.into_iter().map(|free| {
        ways.let_go_if_many();
        free.start(&mut ways)
    });
    drafts.collect()
}

/// The one bridge from a kind known at run time to a type parameter: takes the draft whose kind is
/// `K` out of the list.
fn pick<K: Kind>(begun: &mut Vec<Draft>) -> Option<Freezing<K>> {
    let position = begun
        .iter()
        .position(|draft| draft.held.key.kind == K::KIND)?;
    Some(Freezing::new(begun.swap_remove(position)))
}

/// A claimed key whose artifact may be made from nothing, and what the key holds.
struct Free {
    held: Held,
    state: Option<ArtifactState>,
}

impl Free {
    #[track_caller]
    fn find(core: &Arc<Core>, key: ArtifactKey, ways: &mut Ways) -> Result<Self, BeginError> {
        let held = Held::claim(core, key)?;
        let state = core.state(key.chunk, key.kind)?;
        check_free(&held, state, ways)?;
        Ok(Self { held, state })
    }

    /// After the mark: removes what an earlier attempt left, so that writing cannot touch an inode
    /// that somebody reads.
    fn start(self, ways: &mut Ways) -> Result<Draft, BeginError> {
        if self.state.is_some() {
            let key = self.held.key;
            let removed = self.held.unlink_files(ways);
            removed.map_err(|source| BeginError::Leftovers { key, source })?;
        }
        Ok(Draft::new(self.held))
    }
}

/// Marks all of the keys in one batch. Debris is marked already.
fn mark(core: &Core, free: &[Free]) -> Result<(), BeginError> {
    let freezing = Some(ArtifactState::Freezing);
    let unmarked = free.iter().filter(|free| free.state != freezing);
    let marks: Vec<_> = unmarked
        .map(|free| free.held.change(free.state, freezing))
        .collect();
    Ok(core.commit(&marks)?)
}

/// Whether the artifact may be made from nothing.
fn check_free(
    held: &Held,
    state: Option<ArtifactState>,
    ways: &mut Ways,
) -> Result<(), BeginError> {
    let key = held.key;
    match state {
        Some(ArtifactState::Frozen) => Err(BeginError::AlreadyFrozen { key }),
        Some(ArtifactState::Freezing | ArtifactState::Pruning) => Ok(held.claim.check_unread()?),
        None => match held.find_file(ways)? {
            Some(path) => Err(BeginError::StrayFile { key, path }),
            None => Ok(()),
        },
    }
}

/// Debris or pruning → freezing, for the handles of what an earlier attempt left behind.
pub(super) fn rematerialize(held: Held, found: ArtifactState) -> Result<Draft, Rematerialize> {
    let free = Free {
        held,
        state: Some(found),
    };
    let ways = &mut Ways::default();
    let marked = check_free(&free.held, free.state, ways)
        .and_then(|()| mark(&free.held.core, std::slice::from_ref(&free)));
    match marked {
        Ok(()) => free.start(ways).map_err(Rematerialize::Failed),
        Err(error) if error.kind() == FailureKind::Refused => {
            Err(Rematerialize::Refused(free.held, error))
        }
        Err(error) => Err(Rematerialize::Failed(error)),
    }
}

/// How [`rematerialize`] fails: with the claim still there, or without.
pub(super) enum Rematerialize {
    Refused(Held, BeginError),
    Failed(BeginError),
}

/// An artifact that could not be rebuilt over what an earlier attempt left behind.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RematerializeError<H> {
    /// Nothing was touched; the handle is inside.
    #[error(transparent)]
    Refused(Refused<H, BeginError>),
    /// The handle is gone.
    #[error(transparent)]
    Failed(BeginError),
}

impl<H> RematerializeError<H> {
    /// What this failure has left behind.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Refused(_) => FailureKind::Refused,
            Self::Failed(error) => error.kind(),
        }
    }

    pub(super) fn with_handle(failure: Rematerialize, handle: impl FnOnce(Held) -> H) -> Self {
        match failure {
            Rematerialize::Refused(held, error) => Self::Refused(Refused::new(handle(held), error)),
            Rematerialize::Failed(error) => Self::Failed(error),
        }
    }
}

impl Held {
    /// One of the artifact's files, if any exists.
    fn find_file(&self, ways: &mut Ways) -> Result<Option<PathBuf>, IoFailure> {
        let (way, complete) = ways.find(self.root(), self.place())?;
        if complete {
            for name in self.place().file_names() {
                if way.last().has(&name)? {
                    return Ok(Some(way.last().join(name)));
                }
            }
        }
        Ok(None)
    }
}
