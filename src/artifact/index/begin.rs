//! nothing, or leftovers → [`IndexBuild`]: the window is claimed, the inputs are leased, and the key is marked.

use std::sync::Arc;

use super::build::IndexBuild;
use crate::artifact::claim::ArtifactClaim;
use crate::artifact::{Lease, check_begin};
use crate::domain::{
    ArtifactKey, ArtifactKind, ArtifactState, ChunkId, Coverage, HotKey, HotState, IndexKey, Kind,
    TxHash,
};
use crate::failure::{BeginError, BeginRefusal, ReadError};
use crate::fs::DirChains;
use crate::protocol::sealed::Commit;
use crate::protocol::{Changes, Committed, Shared, Snapshot, Transition, WindowClaim, commit_to};

/// The intent to build an index.
struct Mark {
    key: IndexKey,
    claim: ArtifactClaim,
    window: WindowClaim,
    found: Option<ArtifactState>,
    inputs: Vec<Lease<TxHash>>,
}

/// Begins an index.
#[track_caller]
pub(crate) fn begin(shared: &Arc<Shared>, coverage: Coverage) -> Result<IndexBuild, BeginError> {
    let mark = intend(shared, coverage).map_err(|refusal| BeginError::refused((), refusal))?;
    commit_to(shared, mark).map_err(|error| error.map(|_mark| ()))
}

#[track_caller]
fn intend(shared: &Arc<Shared>, coverage: Coverage) -> Result<Mark, BeginRefusal> {
    shared.poison.check().map_err(ReadError::from)?;
    let key = IndexKey { coverage };
    // Before the states are read: only the builder of a window makes an index of it frozen.
    let window = shared.windows.claim(coverage.window(), key.into())?;
    let claim = ArtifactClaim::new(shared, key)?;
    let states = shared.snapshot()?;
    match states.indexes().frozen_of(coverage.window())? {
        Some(frozen) if frozen == key => {
            return Err(BeginRefusal::AlreadyFrozen { key: key.into() });
        }
        Some(frozen) => check_loses_nothing(&states, key, frozen)?,
        None => {}
    }
    let found = shared.get(key)?;
    check_begin(&claim, found, &mut DirChains::default())?;
    // Before the mark: without its inputs there is nothing to build, and with their leases they stay until the end.
    let inputs = coverage.chunks().map(|chunk| input(shared, key, chunk));
    let inputs = inputs.collect::<Result<_, _>>()?;
    Ok(Mark {
        key,
        claim,
        window,
        found,
        inputs,
    })
}

/// Refuses if the frozen index of the window covers a chunk that can be read and that the new one does not cover.
fn check_loses_nothing(
    states: &Snapshot,
    key: IndexKey,
    frozen: IndexKey,
) -> Result<(), BeginRefusal> {
    let lost = frozen.coverage.chunks();
    for chunk in lost.filter(|chunk| !key.coverage.contains(*chunk)) {
        if is_readable(states, chunk)? {
            let by = frozen;
            return Err(BeginRefusal::Narrower { key, by, chunk });
        }
    }
    Ok(())
}

fn is_readable(states: &Snapshot, chunk: ChunkId) -> Result<bool, ReadError> {
    for kind in ArtifactKind::ALL {
        if states.artifact(ArtifactKey { chunk, kind })? == Some(ArtifactState::Frozen) {
            return Ok(true);
        }
    }
    Ok(states.hot(HotKey { chunk })? == Some(HotState::Ready))
}

fn input(shared: &Shared, key: IndexKey, chunk: ChunkId) -> Result<Lease<TxHash>, BeginRefusal> {
    let input = TxHash::key(chunk);
    match shared.lease(input)? {
        Some(reader) => Ok(Lease::new(reader, chunk)),
        None => Err(BeginRefusal::InputMissing { key, input }),
    }
}

impl Commit for Mark {
    type Output = IndexBuild;

    fn gather(&self, changes: &mut Changes<'_>) {
        let next = Some(ArtifactState::Freezing);
        changes.push(&self.claim.shared, self.claim.change(self.found, next));
    }

    fn advance(self, _: &Committed) -> IndexBuild {
        let has_leftovers = self.found.is_some();
        IndexBuild::new(
            self.key,
            self.claim,
            self.window,
            self.inputs,
            has_leftovers,
        )
    }
}

impl Transition for Mark {
    type Next = IndexBuild;
}
