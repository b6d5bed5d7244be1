//! Surgical recovery: a range of chunks is tainted, and is demoted in one batch, to be built again.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use super::Catalog;
use super::plan::{RecoveryPlan, Tainted};
use crate::domain::{
    ArtifactKey, ArtifactKind, ArtifactState, ChunkId, Epoch, FileKey, HotKey, HotState, Key,
};
use crate::failure::{
    AlreadyClaimed, CommitRefusal, Failure, FailureKind, NextStep, ReadError, StepError,
};
use crate::protocol::{Batch, Change, Claim, CommitFailure, Shared, Snapshot, WindowClaim};
use crate::roots::CatalogId;

/// The reason for which a recovery plan was not applied. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ApplyRefusal {
    /// The plan was made for another catalog.
    #[error(
        "the recovery plan is of catalog {planned}, and this is catalog {own}: nothing was changed; give the plan to the \
         catalog that it was made for"
    )]
    OtherCatalog {
        /// The catalog of the plan.
        planned: CatalogId,
        /// This catalog.
        own: CatalogId,
    },
    /// A handle in this process owns a key of the plan.
    #[error(transparent)]
    Claimed(#[from] AlreadyClaimed),
    /// The catalog could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The commit was refused; as [`CommitRefusal::Stale`], if the catalog has changed since the plan was made.
    #[error(transparent)]
    Commit(#[from] CommitRefusal),
}

impl Failure for ApplyRefusal {
    fn kind(&self) -> FailureKind {
        FailureKind::Refused
    }

    fn next(&self) -> NextStep {
        match self {
            Self::OtherCatalog { .. } => NextStep::Person,
            Self::Claimed(claimed) => claimed.next(),
            Self::Read(error) => error.next(),
            Self::Commit(refusal) => refusal.next(),
        }
    }

    fn key(&self) -> Option<Key> {
        match self {
            Self::OtherCatalog { .. } => None,
            Self::Claimed(claimed) => claimed.key(),
            Self::Read(error) => error.key(),
            Self::Commit(refusal) => refusal.key(),
        }
    }
}

/// A recovery plan that was not applied. No handle is in it.
pub type ApplyError = StepError<(), ApplyRefusal>;

/// # Surgical recovery
impl Catalog {
    /// Returns the number of the catalog's last change.
    ///
    /// # Errors
    ///
    /// [`ReadError::Poisoned`].
    pub fn epoch(&self) -> Result<Epoch, ReadError> {
        Ok(self.shared().epoch_and_states()?.0)
    }

    /// Plans the recovery of a range of chunks whose content cannot be trusted. Changes nothing.
    ///
    /// The plan demotes each `frozen` artifact of the range, and each `frozen` index that covers a chunk of it, to
    /// `freezing`. It also demotes every `ready` hot directory from the lowest hot key of the range on, also beyond the
    /// range, to `transient`, because each hot directory continues the one before. With [`Tainted::HotOnly`] it demotes
    /// hot directories only.
    ///
    /// A key with another value stays as it is: its work is unfinished already.
    ///
    /// ```
    /// use std::io::Write;
    /// use frostline::{ChunkId, Ledgers};
    /// use frostline::recovery::{RecoveryPlan, Tainted};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let catalog = frostline::Catalog::open(frostline::StorageRoots::under(directory.path())?.lock()?)?;
    /// # let chunk = ChunkId::new(7)?;
    /// # let mut freezing = catalog.begin::<Ledgers>(chunk)?;
    /// # freezing.file(Ledgers::PACK)?.write_all(b"ten thousand ledgers")?;
    /// # drop(freezing.freeze()?);
    /// let plan = catalog.plan_recovery(chunk..=chunk, Tainted::Everything)?;
    /// let printed = plan.to_string();
    /// // A person reads the plan. Later, perhaps in another process:
    /// let plan: RecoveryPlan = printed.parse()?;
    /// assert_eq!(catalog.apply_recovery(&plan)?, 1);
    /// // The chunk is written again, over the tainted files.
    /// let mut freezing = catalog.begin::<Ledgers>(chunk)?;
    /// freezing.file(Ledgers::PACK)?.write_all(b"ten thousand ledgers")?;
    /// drop(freezing.freeze()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ReadError`]: poisoned, or a value that decides about the plan is unrecognised.
    pub fn plan_recovery(
        &self,
        range: RangeInclusive<ChunkId>,
        tainted: Tainted,
    ) -> Result<RecoveryPlan, ReadError> {
        let (epoch, states) = self.shared().epoch_and_states()?;
        let files = match tainted {
            Tainted::Everything => files(&states, &range)?,
            Tainted::HotOnly => Vec::new(),
        };
        Ok(RecoveryPlan {
            catalog: self.id(),
            epoch,
            files,
            hot: hot(&states, &range)?,
        })
    }

    /// Applies a plan: demotes all of its keys in one batch. Returns the number of demoted keys.
    ///
    /// It creates no key and deletes none, and it touches no file. A `freezing` artifact is begun again, or removed, like
    /// the leftovers of a crash; a `transient` hot directory likewise. Leases and views do not refuse the demotion: the
    /// files that they hold stay until they have gone, and so does the refusal to write the artifact again.
    ///
    /// A plan whose keys all have their new values already was applied before: the call does nothing, and returns 0.
    ///
    /// # Errors
    ///
    /// [`ApplyError`]: refused if the plan is of another catalog, a handle owns one of its keys, or the catalog has
    /// changed since the plan was made; fatal if the commit failed. Refused, too, while work is under way that could
    /// make tainted content frozen or ready afterwards: the freezing of a chunk of the plan, the build of an index of a
    /// window of the plan, or the creation of a hot directory after the lowest one of the plan.
    #[track_caller]
    pub fn apply_recovery(&self, plan: &RecoveryPlan) -> Result<usize, ApplyError> {
        let refused = |refusal: ApplyRefusal| ApplyError::refused((), refusal);
        let shared = self.shared();
        if plan.catalog != self.id() {
            let (planned, own) = (plan.catalog, self.id());
            return Err(refused(ApplyRefusal::OtherCatalog { planned, own }));
        }
        let states = shared.snapshot().map_err(|error| refused(error.into()))?;
        let is_done = |(key, _, after): (Key, &str, &'static str)| states.holds(key, after);
        if plan.changes().all(is_done) {
            return Ok(0);
        }
        // Until the commit has returned: no step of another handle comes in between, and none starts from a value that
        // the commit has changed.
        let claims = claim_all(shared, &states, plan);
        let _claims = claims.map_err(refused)?;
        let changes = plan.changes().map(|(key, before, after)| Change {
            key,
            expected: Some(before),
            next: Some(after),
        });
        let batch = Batch::at(plan.epoch, changes.collect());
        match shared.commit(batch) {
            Ok(()) => Ok(plan.len()),
            Err(CommitFailure::Refused(refusal)) => Err(refused(refusal.into())),
            Err(CommitFailure::Fatal(fatal)) => Err(fatal.into()),
        }
    }
}

/// Claims the windows of a plan's artifacts and indexes, the keys of the plan, and each unfinished key whose owner could
/// make tainted content frozen or ready after the plan: the freezings of its chunks, and the hot directories from its
/// lowest one on.
#[track_caller]
fn claim_all(
    shared: &Shared,
    states: &Snapshot,
    plan: &RecoveryPlan,
) -> Result<(Vec<WindowClaim>, Vec<Claim>), ApplyRefusal> {
    let windows = plan.files.iter().map(|key| match *key {
        FileKey::Artifact(of) => (of.chunk.window(), Key::from(*key)),
        FileKey::Index(of) => (of.coverage.window(), Key::from(*key)),
    });
    // A build has read its inputs, and its index is not in the plan.
    let windows: BTreeMap<_, _> = windows.collect();
    let windows = windows.into_iter();
    let windows = windows.map(|(window, key)| shared.windows.claim(window, key));
    let windows = windows.collect::<Result<_, _>>()?;
    let mut keys: BTreeSet<Key> = plan.changes().map(|(key, ..)| key).collect();
    let of_files = plan.files.iter().filter_map(|key| match key {
        FileKey::Artifact(key) => Some(key.chunk),
        FileKey::Index(_) => None,
    });
    let of_hot = plan.hot.iter().map(|key| key.chunk);
    for chunk in of_files.chain(of_hot) {
        for kind in ArtifactKind::ALL {
            let key = ArtifactKey { chunk, kind };
            if states.artifact(key).map_err(ReadError::from)? == Some(ArtifactState::Freezing) {
                keys.insert(key.into());
            }
        }
    }
    if let Some(lowest) = plan.hot.first() {
        for chunk in ChunkId::range(lowest.chunk..=ChunkId::MAX) {
            let key = HotKey { chunk };
            if states.hot(key).map_err(ReadError::from)? == Some(HotState::Transient) {
                keys.insert(key.into());
            }
        }
    }
    let keys = keys.into_iter().map(|key| shared.claims.claim(key));
    Ok((windows, keys.collect::<Result<_, _>>()?))
}

/// The frozen artifacts of a range, and the frozen indexes that cover a chunk of it, in the order of their keys.
fn files(states: &Snapshot, range: &RangeInclusive<ChunkId>) -> Result<Vec<FileKey>, ReadError> {
    let mut files = Vec::new();
    for chunk in ChunkId::range(range.clone()) {
        for kind in ArtifactKind::ALL {
            let key = ArtifactKey { chunk, kind };
            if states.artifact(key)? == Some(ArtifactState::Frozen) {
                files.push(FileKey::from(key));
            }
        }
    }
    for entry in states.indexes().iter() {
        let (key, state) = entry?;
        let (lo, hi) = (key.coverage.lo(), key.coverage.hi());
        let overlaps = lo <= *range.end() && *range.start() <= hi;
        if overlaps && state == ArtifactState::Frozen {
            files.push(key.into());
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// The ready hot directories from the lowest hot key of a range on.
fn hot(states: &Snapshot, range: &RangeInclusive<ChunkId>) -> Result<Vec<HotKey>, ReadError> {
    let mut ready = Vec::new();
    let mut is_tainted = false;
    for chunk in ChunkId::range(*range.start()..=ChunkId::MAX) {
        if !is_tainted && chunk > *range.end() {
            break;
        }
        let key = HotKey { chunk };
        let state = states.hot(key)?;
        is_tainted = is_tainted || state.is_some();
        if state == Some(HotState::Ready) {
            ready.push(key);
        }
    }
    Ok(ready)
}
