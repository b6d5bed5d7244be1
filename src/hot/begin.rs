//! absent or transient → [`HotBegin`] → [`Transient`]: the key is marked before any I/O.

use std::sync::Arc;

use super::claim::{HotClaim, hot_handle};
use super::transient::Transient;
use crate::domain::{ChunkId, HotKey, HotState};
use crate::failure::{BeginError, BeginRefusal, CreateError, ReadError, Retryable, StepError};
use crate::protocol::sealed::Commit;
use crate::protocol::{Changes, Committed, Shared, Transition, commit};

/// The intent to create a hot directory: a transition that has not been committed.
///
/// **Durable now:** the key as it was, absent or at `transient`. **A crash here leaves** the same. **Next:**
/// [`Catalog::commit`](crate::Catalog::commit), alone or with others in one batch, which marks the key with `transient`
/// and gives a [`Transient`].
#[must_use = "the key is not marked until `Catalog::commit` has written it"]
pub struct HotBegin {
    pub(super) claim: HotClaim,
    pub(super) found: Option<HotState>,
    /// Whether leftovers of an earlier attempt are to be removed.
    pub(super) wipes: bool,
}

hot_handle!(HotBegin);

impl Commit for HotBegin {
    type Output = Transient;

    fn gather(&self, changes: &mut Changes<'_>) {
        let next = Some(HotState::Transient);
        self.claim.push(changes, self.found, next);
    }

    fn advance(self, _: &Committed) -> Transient {
        Transient::new(self.claim, self.wipes)
    }
}

impl Transition for HotBegin {
    type Next = Transient;
}

/// The intent to create a hot directory, from nothing or over the leftovers of an earlier attempt.
#[track_caller]
pub(crate) fn intend(shared: &Arc<Shared>, chunk: ChunkId) -> Result<HotBegin, BeginRefusal> {
    shared.poison.check().map_err(ReadError::from)?;
    let claim = HotClaim::new(shared, chunk)?;
    let key = claim.key();
    let found = shared.get(HotKey { chunk })?;
    match found {
        Some(HotState::Ready) => return Err(BeginRefusal::AlreadyReady { key }),
        None if claim.exists()? => {
            let path = claim.path();
            return Err(BeginRefusal::Stray { key, path });
        }
        Some(HotState::Transient) | None => {}
    }
    Ok(HotBegin {
        claim,
        found,
        wipes: true,
    })
}

/// Marks the key and creates the directory, empty.
#[track_caller]
pub(crate) fn create(shared: &Arc<Shared>, chunk: ChunkId) -> Result<Transient, BeginError> {
    let begin = intend(shared, chunk).map_err(|refusal| BeginError::refused((), refusal))?;
    mark_and_create(begin).map_err(|error| error.map(|_| ()))
}

/// Commits the mark and creates the directory.
pub(super) fn mark_and_create(begin: HotBegin) -> Result<Transient, BeginError<HotBegin>> {
    let key = begin.claim.key();
    let mut transient = commit(begin).map_err(|error| error.map(|begin| begin))?;
    match transient.directory() {
        Ok(_path) => Ok(transient),
        Err(CreateError::Io(source)) => Err(Retryable::Create { key, source }.into()),
        Err(CreateError::Poisoned(poisoned)) => {
            let begin = HotBegin {
                claim: transient.into_claim(),
                found: Some(HotState::Transient),
                wipes: true,
            };
            Err(StepError::refused(begin, ReadError::from(poisoned)))
        }
    }
}
