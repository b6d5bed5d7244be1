//! The one shape of a step's error: refused, with the handle back, or failed.

use std::error::Error as StdError;
use std::fmt;
use std::path::{Path, PathBuf};

use super::begin::BeginRefusal;
use super::fatal::Fatal;
use super::io::IoFailure;
use super::next::NextStep;
use super::read::ReadError;
use super::refusal::{CommitRefusal, RemovalRefusal, SyncRefusal};
use super::umbrella::{Error, Failure, FailureKind};
use crate::domain::Key;

/// A step of the protocol that was not done. `H` is the handle that went in, `R` the reason of a refusal.
///
/// While the error is kept, a handle inside of it keeps its key claimed, the catalog open and the roots locked.
/// [`Refused::into_handle`] gives the handle back. Dropping the error, or turning it into an [`Error`], drops the
/// handle.
#[derive(Debug)]
pub enum StepError<H, R> {
    /// Nothing was changed; the handle is inside.
    Refused(Refused<H, R>),
    /// The handle is gone.
    Failed(Failed),
}

/// An artifact or a hot directory that could not be begun. From nothing, no handle went in; any other handle stays
/// claimed while the error is kept (see [`StepError`]).
pub type BeginError<H = ()> = StepError<H, BeginRefusal>;

/// An artifact, a set, a group or a hot directory that could not be made durable. Its keys stay claimed while the
/// error is kept (see [`StepError`]).
pub type SyncError<H> = StepError<H, SyncRefusal>;

/// Transitions that could not be committed. Their keys stay claimed while the error is kept (see [`StepError`]).
pub type CommitError<T> = StepError<T, CommitRefusal>;

/// Files, or a hot directory, that could not be removed. Their key stays claimed while the error is kept (see
/// [`StepError`]).
pub type RemovalError<H> = StepError<H, RemovalRefusal>;

/// A recovery that stopped. Its finished work stays finished, and the next recovery continues.
/// No handle is in it.
pub type RecoverError = StepError<(), ReadError>;

/// A step that has begun and failed. The handle is gone.
#[derive(Debug)]
pub enum Failed {
    /// The state on stable storage is known: claim the key again, and repeat the step.
    Retryable(Retryable),
    /// The state on stable storage is unknown.
    Fatal(Fatal),
}

/// A step that stopped, although every fsync and commit that it made succeeded. The work starts again from the key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Retryable {
    /// The last bytes of an artifact could not be written.
    #[error(
        "`{key}` stays `freezing`, because its last bytes could not be written: begin it again"
    )]
    Write {
        /// The key.
        key: Key,
        /// The failed operation.
        source: IoFailure,
    },
    /// An earlier write to one of the artifact's files failed.
    #[error(
        "an earlier write to `{}` failed, and `{key}` stays `freezing`: begin the artifact again",
        path.display()
    )]
    EarlierWrite {
        /// The key.
        key: Key,
        /// The file.
        path: PathBuf,
    },
    /// Files, or a hot directory, could not be removed.
    #[error("`{key}` stays, because its files could not be removed: claim it again to finish")]
    Remove {
        /// The key.
        key: Key,
        /// The failed operation.
        source: IoFailure,
    },
    /// A hot directory could not be created.
    #[error(
        "`{key}` stays `transient`, because its directory could not be created: create it again"
    )]
    Create {
        /// The key.
        key: Key,
        /// The failed operation.
        source: IoFailure,
    },
    /// A sweep stopped after its demotion. The keys of the batch stay.
    #[error(
        "the removal stopped half-way, and its keys stay: open the catalog again if the cause says so, then \
         sweep or recover again"
    )]
    Sweep {
        /// The reason of the refusal.
        source: CommitRefusal,
    },
    /// The files are gone, and the deletion of the key was refused.
    #[error(
        "the files are gone, and `{key}` stays: open the catalog again if the cause says so, then claim \
         it again to finish"
    )]
    Delete {
        /// The key.
        key: Key,
        /// The reason of the refusal.
        source: CommitRefusal,
    },
}

impl Failure for Retryable {
    fn kind(&self) -> FailureKind {
        FailureKind::Retryable
    }

    fn next(&self) -> NextStep {
        match self {
            Self::Write { source, .. }
            | Self::Remove { source, .. }
            | Self::Create { source, .. } => source.next_after_a_step(),
            Self::EarlierWrite { .. } => NextStep::Again,
            Self::Sweep { source } | Self::Delete { source, .. } => source.next(),
        }
    }

    fn key(&self) -> Option<Key> {
        match self {
            Self::Write { key, .. }
            | Self::EarlierWrite { key, .. }
            | Self::Remove { key, .. }
            | Self::Create { key, .. }
            | Self::Delete { key, .. } => Some(*key),
            Self::Sweep { .. } => None,
        }
    }

    fn path(&self) -> Option<&Path> {
        match self {
            Self::Write { source, .. }
            | Self::Remove { source, .. }
            | Self::Create { source, .. } => Some(&source.path),
            Self::EarlierWrite { path, .. } => Some(path),
            Self::Delete { .. } | Self::Sweep { .. } => None,
        }
    }
}

impl Failed {
    /// The consequence of the failure.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Retryable(_) => FailureKind::Retryable,
            Self::Fatal(_) => FailureKind::Fatal,
        }
    }

    /// The act that follows the failure.
    #[must_use]
    pub fn next(&self) -> NextStep {
        match self {
            Self::Retryable(failure) => failure.next(),
            Self::Fatal(failure) => failure.next(),
        }
    }

    /// The error inside.
    fn as_error(&self) -> &(dyn StdError + 'static) {
        match self {
            Self::Retryable(failure) => failure,
            Self::Fatal(failure) => failure,
        }
    }
}

impl<H, R> StepError<H, R> {
    /// The consequence of the failure.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Refused(_) => FailureKind::Refused,
            Self::Failed(failed) => failed.kind(),
        }
    }

    /// The reason, if the step was refused.
    #[must_use]
    pub fn refusal(&self) -> Option<&R> {
        match self {
            Self::Refused(refused) => Some(refused.cause()),
            Self::Failed(_) => None,
        }
    }

    pub(crate) fn refused(handle: H, cause: impl Into<R>) -> Self {
        Self::Refused(Refused::new(handle, cause))
    }

    /// The same failure with another handle and another reason.
    pub(crate) fn map<G, S: From<R>>(self, handle: impl FnOnce(H) -> G) -> StepError<G, S> {
        match self {
            Self::Refused(refused) => {
                let (inside, cause) = refused.into_parts();
                StepError::refused(handle(inside), cause)
            }
            Self::Failed(failed) => StepError::Failed(failed),
        }
    }
}

impl<H, R: Failure> StepError<H, R> {
    /// The act that follows the failure.
    #[must_use]
    pub fn next(&self) -> NextStep {
        match self {
            Self::Refused(refused) => refused.cause().next(),
            Self::Failed(failed) => failed.next(),
        }
    }
}

impl<H, R> From<Fatal> for StepError<H, R> {
    fn from(fatal: Fatal) -> Self {
        Self::Failed(Failed::Fatal(fatal))
    }
}

impl<H, R> From<Retryable> for StepError<H, R> {
    fn from(failure: Retryable) -> Self {
        Self::Failed(Failed::Retryable(failure))
    }
}

impl From<Failed> for Error {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Retryable(failure) => failure.into(),
            Failed::Fatal(failure) => failure.into(),
        }
    }
}

impl<H, R: Failure + Send + Sync + 'static> From<StepError<H, R>> for Error {
    fn from(error: StepError<H, R>) -> Self {
        match error {
            StepError::Refused(refused) => refused.into_parts().1.into(),
            StepError::Failed(failed) => failed.into(),
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_error(), f)
    }
}

impl<H, R: fmt::Display> fmt::Display for StepError<H, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => refused.cause().fmt(f),
            Self::Failed(failed) => failed.fmt(f),
        }
    }
}

impl<H: fmt::Debug, R: StdError> StdError for StepError<H, R> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Refused(refused) => refused.cause().source(),
            Self::Failed(failed) => failed.as_error().source(),
        }
    }
}

/// A step that was refused before it changed anything: the handle, and the reason.
///
/// While the value is kept, the handle keeps its key claimed, the catalog open and the roots locked.
/// [`into_handle`](Self::into_handle) gives the handle back. Dropping the value drops the handle.
pub struct Refused<H, C> {
    // One allocation on the error path, so that results stay small on the other.
    inner: Box<(H, C)>,
}

impl<H, C> Refused<H, C> {
    pub(crate) fn new(handle: H, cause: impl Into<C>) -> Self {
        Self {
            inner: Box::new((handle, cause.into())),
        }
    }

    /// The reason.
    #[must_use]
    pub fn cause(&self) -> &C {
        &self.inner.1
    }

    /// The handle, with which the step can be repeated.
    #[must_use]
    pub fn into_handle(self) -> H {
        self.inner.0
    }

    /// The handle and the reason.
    #[must_use]
    pub fn into_parts(self) -> (H, C) {
        *self.inner
    }
}

impl<H, C: fmt::Debug> fmt::Debug for Refused<H, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refused")
            .field("cause", self.cause())
            .finish_non_exhaustive()
    }
}
