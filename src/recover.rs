//! Recovery: one call that settles everything that a crash can leave.
//!
//! It walks keys, claims each, and uses the sweep and the removal of hot directories that everybody
//! else uses. So it is no other way of deleting, and a crash in the middle of it leaves what a crash
//! anywhere leaves: the next recovery goes on.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use crate::artifact::{self, ClaimError, Prunable};
use crate::catalog::Catalog;
use crate::claim::AlreadyClaimed;
use crate::core::{CommitRefusal, Core};
use crate::error::{FailureKind, Fatal, IoFailure, Poisoned, ReadError};
use crate::hot::{self, ClaimHotError, Hot, HotDebrisRefusal, RemoveError};
use crate::key::{ArtifactKey, HotKey, Key, ValueError};
use crate::owed::Owed;
use crate::state::{ArtifactState, HotState};
use crate::sweep::{self, SweepError, Swept};

/// What recovery does with the files of an artifact whose freezing was interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DebrisPolicy {
    /// It stays, key and files: whoever still wants the artifact begins it again from nothing.
    Report,
    /// It is removed, files first and then the key, as if the freezing had never begun.
    Remove,
}

/// What recovery did. Everything that was owed is in exactly one of the lists.
#[derive(Debug, Default)]
#[must_use = "what is still owed is inside: `is_settled` says whether anything is"]
#[non_exhaustive]
pub struct Recovered {
    /// Removals that were finished: files and keys are gone.
    pub pruned: Vec<ArtifactKey>,
    /// Debris that was removed: files and keys are gone.
    pub removed: Vec<ArtifactKey>,
    /// Hot directories that were removed: directories and keys are gone.
    pub discarded: Vec<HotKey>,
    /// Debris that stays because of [`DebrisPolicy::Report`].
    pub reported: Vec<ArtifactKey>,
    /// Artifacts that somebody in this process still reads: recover again when they are done.
    pub leased: Vec<ArtifactKey>,
    /// Keys that a handle in this process owns: no debris, but work under way.
    pub claimed: Vec<AlreadyClaimed>,
    /// Values that are none of their key's: nobody but a person can say what they should be.
    pub unreadable: Vec<ValueError>,
    /// Keys whose files or directory could not be removed: recover again once the cause is mended.
    pub failed: Vec<(Key, IoFailure)>,
}

impl Recovered {
    /// Whether there was nothing to do and nothing to tell.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        self.pruned.is_empty()
            && self.removed.is_empty()
            && self.discarded.is_empty()
            && self.reported.is_empty()
            && self.is_settled()
    }

    /// Whether nothing resisted: no reader, no live handle, no odd value, no failure.
    #[must_use]
    pub fn is_settled(&self) -> bool {
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
            return f.write_str("nothing was owed");
        }
        let mut lines = Vec::new();
        let mut add = |keys: &[ArtifactKey], what: &str| {
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

/// A recovery that stopped. What it had done is done, and the next one goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecoverError {
    /// The catalog could not be read, or refuses everything.
    #[error(transparent)]
    Read(ReadError),
    /// The artifacts could not be swept.
    #[error("the recovery stopped while it removed files: {}", next_step(source.kind()))]
    Sweep {
        /// Why.
        source: SweepError,
    },
    /// A hot directory is gone, and the deletion of its key was refused.
    #[error("the recovery stopped: the directory is gone, and `{key}` stays; recover again")]
    Commit {
        /// The key.
        key: HotKey,
        /// Why it was refused.
        source: CommitRefusal,
    },
    /// An fsync or a commit failed.
    #[error(transparent)]
    Fatal(Fatal),
}

impl RecoverError {
    /// What this failure has left behind.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Read(_) => FailureKind::Refused,
            Self::Sweep { source } => source.kind(),
            Self::Commit { .. } => FailureKind::Rewritable,
            Self::Fatal(_) => FailureKind::Fatal,
        }
    }
}

const fn next_step(kind: FailureKind) -> &'static str {
    match kind {
        FailureKind::Refused => "nothing was touched",
        FailureKind::Rewritable => "recover again",
        FailureKind::Fatal => "open the catalog again, then recover",
    }
}

impl From<Poisoned> for RecoverError {
    fn from(poisoned: Poisoned) -> Self {
        Self::Read(poisoned.into())
    }
}

impl Catalog {
    /// What a crash had left when this catalog was opened; [`recover`](Self::recover) settles it.
    ///
    /// It is counted once, at the opening, and not kept up to date.
    pub const fn owed(&self) -> &Owed {
        &self.owed
    }

    /// Settles everything that a crash can leave: finishes every `pruning`, removes every
    /// `transient` hot directory, and reports or removes what `freezing` was interrupted.
    ///
    /// Call it once after opening, before the work begins. What is `frozen` or `ready` is not
    /// touched; neither is what a handle of this process owns or a lease reads. Files that cannot be
    /// removed do not keep the others: they are listed. A second call does nothing.
    ///
    /// All files go in one sweep: one fsync for each distinct directory, one deleting commit.
    ///
    /// # Errors
    ///
    /// [`RecoverError`].
    #[track_caller]
    pub fn recover(&self, debris: DebrisPolicy) -> Result<Recovered, RecoverError> {
        let mut recovered = Recovered::default();
        self.settle_artifacts(debris, &mut recovered)?;
        self.settle_hot(&mut recovered)?;
        Ok(recovered)
    }

    #[track_caller]
    fn settle_artifacts(
        &self,
        debris: DebrisPolicy,
        recovered: &mut Recovered,
    ) -> Result<(), RecoverError> {
        let core = self.core();
        let scan = self.chunk_artifact_keys().map_err(RecoverError::Read)?;
        // Gathered first: a scan is as of its beginning, and claiming looks at what is there now.
        let keys: Vec<_> = scan.collect();
        let mut batch = Vec::new();
        for entry in keys {
            let Some((key, state)) = recovered.readable(entry)? else {
                continue;
            };
            if state == ArtifactState::Frozen {
                continue;
            }
            match claim_leftover(core, key) {
                Ok(None) => {}
                Ok(Some(leftover))
                    if leftover.found == ArtifactState::Freezing
                        && debris == DebrisPolicy::Report =>
                {
                    recovered.reported.push(key);
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
        } = sweep::sweep(core, batch).map_err(|source| RecoverError::Sweep { source })?;
        (recovered.pruned, recovered.removed) =
            deleted.into_iter().partition(|key| pruning.contains(key));
        recovered.leased = leased.iter().map(Prunable::key).collect();
        let failed = failed.into_iter();
        recovered.failed = failed.map(|(key, failure)| (key.into(), failure)).collect();
        Ok(())
    }

    #[track_caller]
    fn settle_hot(&self, recovered: &mut Recovered) -> Result<(), RecoverError> {
        let scan = self.hot_chunk_keys().map_err(RecoverError::Read)?;
        let keys: Vec<_> = scan.collect();
        for entry in keys {
            let Some((key, state)) = recovered.readable(entry)? else {
                continue;
            };
            if state == HotState::Ready {
                continue;
            }
            match hot::claim(self.core(), key.chunk) {
                Ok(Hot::Debris(debris)) => match debris.remove() {
                    Ok(()) => recovered.discarded.push(key),
                    Err(RemoveError::Rewritable { key, source }) => {
                        recovered.failed.push((key.into(), source));
                    }
                    Err(RemoveError::Refused(refused)) => match refused.into_parts().1 {
                        HotDebrisRefusal::Poisoned(poisoned) => return Err(poisoned.into()),
                        HotDebrisRefusal::Io(source) => {
                            recovered.failed.push((key.into(), source));
                        }
                        // Only a directory that was given up in this process is left alone.
                        HotDebrisRefusal::DirectoryIsBack { .. } => {}
                    },
                    Err(RemoveError::Commit { key, source }) => {
                        return Err(RecoverError::Commit { key, source });
                    }
                    Err(RemoveError::Fatal(fatal)) => return Err(RecoverError::Fatal(fatal)),
                },
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

/// Claims what a crash has left; none if its owner has finished since the scan.
#[track_caller]
fn claim_leftover(core: &Arc<Core>, key: ArtifactKey) -> Result<Option<Prunable>, ClaimError> {
    let claimed = artifact::claim_any(core, key)?;
    Ok(claimed.filter(|leftover| leftover.found != ArtifactState::Frozen))
}

impl Recovered {
    /// The entry, or none if its value is odd: that is listed, and the others go on.
    fn readable<T>(&mut self, entry: Result<T, ReadError>) -> Result<Option<T>, RecoverError> {
        match entry {
            Ok(entry) => Ok(Some(entry)),
            Err(error) => self.unread(error).map(|()| None),
        }
    }

    fn unread(&mut self, error: ReadError) -> Result<(), RecoverError> {
        match error {
            ReadError::Value(odd) => {
                self.unreadable.push(odd);
                Ok(())
            }
            error => Err(RecoverError::Read(error)),
        }
    }
}
