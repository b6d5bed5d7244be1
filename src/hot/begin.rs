//! absent or transient → [`HotBegin`] → [`Transient`]: the key is marked before any I/O.

use std::io::ErrorKind;
use std::sync::Arc;

use super::claim::{HotClaim, hot_handle};
use super::transient::Transient;
use super::unlinked::HotUnlinked;
use crate::domain::{ChunkId, HotKey, HotState};
use crate::failure::{
    BeginError, BeginRefusal, CommitRefusal, CreateError, IoFailure, Operation, ReadError,
    Retryable, StepError,
};
use crate::protocol::sealed::Commit;
use crate::protocol::{Changes, Committed, HotDirectory, Shared, Transition, commit};

/// The intent to create a hot directory: a transition that has not been committed.
///
/// **Durable now:** the key as it was, absent or at `transient`. **A crash here leaves** the same. **Next:**
/// [`Catalog::commit`](crate::Catalog::commit), alone or with others in one batch, which marks the key with `transient`
/// and gives a [`Transient`].
#[must_use = "the key is not marked until `Catalog::commit` has written it"]
pub struct HotBegin {
    pub(super) claim: HotClaim,
    pub(super) found: Option<HotState>,
}

hot_handle!(HotBegin);

impl Commit for HotBegin {
    type Output = Transient;

    fn gather(&self, changes: &mut Changes<'_>) {
        let next = Some(HotState::Transient);
        self.claim.push(changes, self.found, next);
    }

    fn advance(self, _: &Committed) -> Transient {
        if self.found.is_none() {
            // There are no leftovers: a directory that appears from here on is another program's.
            self.claim.set(Some(HotDirectory::Missing));
        }
        Transient::new(self.claim)
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
        Some(HotState::Transient) if claim.is_back()? => {
            let path = claim.path();
            return Err(BeginRefusal::DirectoryIsBack { key, path });
        }
        Some(HotState::Transient) => shared.check_unread(key)?,
        None => {}
    }
    Ok(HotBegin { claim, found })
}

/// Marks the key and creates the directory, empty.
#[track_caller]
pub(crate) fn create(shared: &Arc<Shared>, chunk: ChunkId) -> Result<Transient, BeginError> {
    let begin = intend(shared, chunk).map_err(|refusal| BeginError::refused((), refusal))?;
    let is_new = begin.found.is_none();
    let mut transient = commit(begin).map_err(|error| error.map(|_| ()))?;
    match transient.directory() {
        Ok(_path) => Ok(transient),
        Err(CreateError::Io(failure)) if is_new && transient.claim().is_missing() => {
            Err(take_back(transient, failure))
        }
        Err(CreateError::Poisoned(poisoned)) => {
            let (key, source) = (transient.key().into(), CommitRefusal::Poisoned(poisoned));
            Err(Retryable::Delete { key, source }.into())
        }
        Err(error) => Err(not_created(transient, error, |_| ())),
    }
}

/// Takes the mark of a key back whose directory was not created. A directory that another program has created in the
/// meantime stays, without a key, as if the call had come after it.
fn take_back(transient: Transient, failure: IoFailure) -> BeginError {
    let (key, path) = (transient.key().into(), transient.path());
    let claim = transient.into_claim();
    let is_foreign = failure.source.kind() == ErrorKind::AlreadyExists;
    if !is_foreign && !matches!(claim.exists(), Ok(false)) {
        // The call may have created the directory and failed all the same.
        claim.set(None);
        return Retryable::Create {
            key,
            source: failure,
        }
        .into();
    }
    match commit(HotUnlinked::new(claim)) {
        Ok(()) if is_foreign => StepError::refused((), BeginRefusal::Stray { key, path }),
        Ok(()) => StepError::refused((), failure),
        Err(StepError::Refused(refused)) => {
            let source = refused.into_parts().1;
            Retryable::Delete { key, source }.into()
        }
        Err(StepError::Failed(failed)) => StepError::Failed(failed),
    }
}

/// The error of a directory that could not be created. The handle goes back if nothing was removed for it.
pub(super) fn not_created<H>(
    transient: Transient,
    error: CreateError,
    handle: impl FnOnce(HotClaim) -> H,
) -> BeginError<H> {
    let (key, path) = (transient.key().into(), transient.path());
    let claim = transient.into_claim();
    match error {
        CreateError::Poisoned(poisoned) => {
            StepError::refused(handle(claim), ReadError::from(poisoned))
        }
        CreateError::Io(source) if !claim.is_missing() => Retryable::Create { key, source }.into(),
        CreateError::Io(failure) if failure.source.kind() == ErrorKind::AlreadyExists => {
            StepError::refused(handle(claim), BeginRefusal::DirectoryIsBack { key, path })
        }
        CreateError::Io(failure) => StepError::refused(handle(claim), failure),
        // A hot directory has neither: the arm is for the type.
        CreateError::WriterOut { path } | CreateError::NoScratch { path } => {
            let source = std::io::Error::other("it is not a file");
            let failure = IoFailure::new(Operation::CreateDirectory, path, source);
            StepError::refused(handle(claim), failure)
        }
    }
}
