//! Files and hot directories that could not be created.

use std::path::{Path, PathBuf};

use super::fatal::Poisoned;
use super::io::IoFailure;
use super::next::NextStep;
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
    /// The file system has no files without names.
    #[error(
        "the file system of `{}` has no files without names (`O_TMPFILE`): move the root to one that has, or keep \
         intermediate data elsewhere",
        path.display()
    )]
    NoScratch {
        /// The root.
        path: PathBuf,
    },
    /// The owned writer of the file is out.
    #[error("the writer of `{}` is out: write through it, or drop it and try again", path.display())]
    WriterOut {
        /// The file.
        path: PathBuf,
    },
}

impl Failure for CreateError {
    fn kind(&self) -> FailureKind {
        match self {
            Self::Poisoned(_) | Self::WriterOut { .. } | Self::NoScratch { .. } => {
                FailureKind::Refused
            }
            // A directory may have been created.
            Self::Io(_) => FailureKind::Retryable,
        }
    }

    fn next(&self) -> NextStep {
        match self {
            Self::Poisoned(poisoned) => poisoned.next(),
            Self::WriterOut { .. } => NextStep::Later,
            Self::NoScratch { .. } => NextStep::Person,
            Self::Io(failure) => failure.next_after_a_step(),
        }
    }

    fn path(&self) -> Option<&Path> {
        match self {
            Self::Poisoned(_) => None,
            Self::Io(failure) => Some(&failure.path),
            Self::WriterOut { path } | Self::NoScratch { path } => Some(path),
        }
    }
}
