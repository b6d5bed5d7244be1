//! Files and hot directories that could not be created.

use std::path::Path;

use super::fatal::Poisoned;
use super::io::IoFailure;
use super::umbrella::{Failure, FailureKind};

/// A file or a hot directory that could not be created. The handle stays usable.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CreateError {
    /// The catalog refuses everything.
    #[error(transparent)]
    Poisoned(#[from] Poisoned),
    /// It, or a directory above it, could not be created, or leftovers not removed.
    #[error(transparent)]
    Io(#[from] IoFailure),
}

impl Failure for CreateError {
    fn kind(&self) -> FailureKind {
        match self {
            Self::Poisoned(_) => FailureKind::Refused,
            // A directory may have been created.
            Self::Io(_) => FailureKind::Retryable,
        }
    }

    fn path(&self) -> Option<&Path> {
        match self {
            Self::Poisoned(_) => None,
            Self::Io(failure) => Some(&failure.path),
        }
    }
}
