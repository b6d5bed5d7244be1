//! absent, debris or pruning → [`Freezing`]: the mark, before any I/O.

use std::path::PathBuf;
use std::sync::Arc;

use super::freezing::Draft;
use super::{Freezing, Held, SyncError, SyncRefusal, SyncedSet};
use crate::claim::{AlreadyClaimed, StillLeased};
use crate::core::{CommitFailure, CommitRefusal, Core};
use crate::durable::Way;
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
        if let Err(refusal) = self.check() {
            return Err(SyncError::Refused(Refused::new(self, refusal)));
        }
        Ok(SyncedSet {
            ledgers: self.ledgers.map(Freezing::make_durable).transpose()?,
            events: self.events.map(Freezing::make_durable).transpose()?,
            txhash: self.txhash.map(Freezing::make_durable).transpose()?,
        })
    }

    fn check(&self) -> Result<(), SyncRefusal> {
        let drafts = [
            self.ledgers.as_ref().map(|member| &member.draft),
            self.events.as_ref().map(|member| &member.draft),
            self.txhash.as_ref().map(|member| &member.draft),
        ];
        drafts.into_iter().flatten().try_for_each(Draft::check)
    }
}

/// Begins one artifact.
#[track_caller]
pub(crate) fn begin<K: Kind>(core: &Arc<Core>, chunk: ChunkId) -> Result<Freezing<K>, BeginError> {
    let kind = K::KIND;
    let free = Free::find(core, ArtifactKey { chunk, kind })?;
    mark(core, std::slice::from_ref(&free))?;
    Ok(Freezing::new(free.start()?))
}

/// Begins the kinds of a set: one batch marks all of them.
#[track_caller]
pub(crate) fn begin_set(
    core: &Arc<Core>,
    chunk: ChunkId,
    set: ArtifactSet,
) -> Result<FreezingSet, BeginError> {
    core.poison.check().map_err(ReadError::from)?;
    let mut free = Vec::with_capacity(set.len());
    for kind in set.iter() {
        free.push(Free::find(core, ArtifactKey { chunk, kind })?);
    }
    mark(core, &free)?;
    let drafts: Result<Vec<_>, _> = free.into_iter().map(Free::start).collect();
    let mut begun = drafts?;
    Ok(FreezingSet {
        ledgers: pick(&mut begun),
        events: pick(&mut begun),
        txhash: pick(&mut begun),
    })
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
    fn find(core: &Arc<Core>, key: ArtifactKey) -> Result<Self, BeginError> {
        let held = Held::claim(core, key)?;
        let state = core.get(key)?;
        check_free(&held, state)?;
        Ok(Self { held, state })
    }

    /// After the mark: removes what an earlier attempt left, so that writing cannot touch an inode
    /// that somebody reads.
    fn start(self) -> Result<Draft, BeginError> {
        if self.state.is_some() {
            self.held.remove_leftovers()?;
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
fn check_free(held: &Held, state: Option<ArtifactState>) -> Result<(), BeginError> {
    let key = held.key;
    match state {
        Some(ArtifactState::Frozen) => Err(BeginError::AlreadyFrozen { key }),
        Some(ArtifactState::Freezing | ArtifactState::Pruning) => Ok(held.claim.check_unread()?),
        None => match held.find_file()? {
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
    let marked = check_free(&free.held, free.state)
        .and_then(|()| mark(&free.held.core, std::slice::from_ref(&free)));
    match marked {
        Ok(()) => free.start().map_err(Rematerialize::Failed),
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
    fn remove_leftovers(&self) -> Result<(), BeginError> {
        match self.unlink_files() {
            Ok(_way) => Ok(()),
            Err(source) => Err(BeginError::Leftovers {
                key: self.key,
                source,
            }),
        }
    }

    /// One of the artifact's files, if any exists.
    fn find_file(&self) -> Result<Option<PathBuf>, IoFailure> {
        let (way, complete) = Way::find(self.root(), self.place())?;
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
