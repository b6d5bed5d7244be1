//! absent or transient → [`HotBegin`] → [`Transient`]: the key is marked before any I/O.

use std::io::ErrorKind;
use std::sync::Arc;

use super::claim::{HotClaim, hot_handle};
use super::transient::Transient;
use super::unlinked::HotUnlinked;
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
        // Without a key there are no leftovers: a directory that appears from here on is not the library's.
        wipes: found.is_some(),
    })
}

/// Marks the key and creates the directory, empty.
#[track_caller]
pub(crate) fn create(shared: &Arc<Shared>, chunk: ChunkId) -> Result<Transient, BeginError> {
    let begin = intend(shared, chunk).map_err(|refusal| BeginError::refused((), refusal))?;
    let is_new = begin.found.is_none();
    let mut transient = commit(begin).map_err(|error| error.map(|_| ()))?;
    match transient.directory() {
        Ok(_path) => Ok(transient),
        Err(error) if is_new && transient.is_missing() => Err(take_back(transient, error)),
        Err(error) => Err(not_created(transient, error, |_, _| ())),
    }
}

/// Takes the mark of a key back whose directory was not created. A directory that another program has created in the
/// meantime stays, without a key, as if the call had come after it.
fn take_back(transient: Transient, error: CreateError) -> BeginError {
    let (key, path) = (transient.key().into(), transient.path());
    match commit(HotUnlinked::new(transient.into_claim())) {
        Ok(()) => match error {
            CreateError::Poisoned(poisoned) => StepError::refused((), ReadError::from(poisoned)),
            CreateError::Io(failure) if failure.source.kind() == ErrorKind::AlreadyExists => {
                StepError::refused((), BeginRefusal::Stray { key, path })
            }
            CreateError::Io(failure) => StepError::refused((), failure),
        },
        Err(StepError::Refused(refused)) => {
            let source = refused.into_parts().1;
            Retryable::Delete { key, source }.into()
        }
        Err(StepError::Failed(failed)) => StepError::Failed(failed),
    }
}

/// The error of a directory that could not be created. The handle goes back if nothing was removed for it; it is made
/// of the claim, and of whether a directory that is there now must stay.
pub(super) fn not_created<H>(
    transient: Transient,
    error: CreateError,
    handle: impl FnOnce(HotClaim, bool) -> H,
) -> BeginError<H> {
    let (key, path) = (transient.key().into(), transient.path());
    let is_missing = transient.is_missing();
    let again = || handle(transient.into_claim(), is_missing);
    match error {
        CreateError::Poisoned(poisoned) => StepError::refused(again(), ReadError::from(poisoned)),
        CreateError::Io(source) if !is_missing => Retryable::Create { key, source }.into(),
        CreateError::Io(failure) if failure.source.kind() == ErrorKind::AlreadyExists => {
            StepError::refused(again(), BeginRefusal::DirectoryIsBack { key, path })
        }
        CreateError::Io(failure) => StepError::refused(again(), failure),
    }
}
