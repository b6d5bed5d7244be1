//! [`Fatal`] failures, after which the state on stable storage is unknown.

use std::sync::Arc;

use super::io::{IoFailure, StoreFailure};
use super::next::NextStep;
use super::umbrella::{Failure, FailureKind};

/// The failed fsync or commit that made a catalog's state unknown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FatalCause {
    /// An fsync failed: the kernel may have dropped the pages, so trying again would prove nothing.
    #[error(transparent)]
    Sync(IoFailure),
    /// A commit failed, or a sync of the space for it: the batch may or may not be on stable storage.
    #[error(transparent)]
    Commit(StoreFailure),
    /// A thread panicked inside of a barrier or a commit: its outcome is unknown.
    #[error("a thread panicked inside of a sync or a commit, so its outcome is unknown")]
    Panicked,
}

/// An fsync or a commit failed in this step.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "what is on stable storage is unknown, and the catalog refuses everything from here on: drop \
     its handles and open it again"
)]
pub struct Fatal {
    #[source]
    cause: Arc<FatalCause>,
}

impl Fatal {
    pub(crate) fn new(cause: FatalCause) -> Self {
        Self {
            cause: Arc::new(cause),
        }
    }

    /// The failed operation.
    #[must_use]
    pub fn cause(&self) -> &FatalCause {
        &self.cause
    }
}

/// Refused, because an earlier step on this catalog was [`Fatal`]; the source is that first cause.
#[derive(Debug, Clone, thiserror::Error)]
#[error(
    "refused, because an earlier failure left the catalog's state unknown: drop its handles and \
     open it again"
)]
pub struct Poisoned {
    #[source]
    pub(crate) cause: Arc<FatalCause>,
}

impl Poisoned {
    pub(crate) fn new(first: &Fatal) -> Self {
        Self {
            cause: Arc::clone(&first.cause),
        }
    }

    /// The first fatal failure.
    #[must_use]
    pub fn cause(&self) -> &FatalCause {
        &self.cause
    }
}

impl Failure for Fatal {
    fn kind(&self) -> FailureKind {
        FailureKind::Fatal
    }

    fn next(&self) -> NextStep {
        NextStep::Reopen
    }
}

impl Failure for Poisoned {
    fn kind(&self) -> FailureKind {
        FailureKind::Refused
    }

    fn next(&self) -> NextStep {
        NextStep::Reopen
    }
}
