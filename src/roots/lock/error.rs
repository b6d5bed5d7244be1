//! [`LockError`]: the reasons why locking the roots fails.

use std::fmt;
use std::path::PathBuf;

use crate::domain::RootRole;
use crate::failure::{Failure, FailureKind, IoFailure, NextStep};
use crate::roots::IdentityProblem;

/// The reason why locking the roots failed. Every failure releases the locks that were taken. Every failure
/// leaves the disk unchanged, except a failure of the disk itself.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LockError {
    /// Another process, or this one, holds a root.
    #[error(
        "the {role} root `{}` is in use by {}",
        path.display(), HolderText(holder.as_deref(), *by_this_process)
    )]
    InUse {
        /// The root's role.
        role: RootRole,
        /// The root's path.
        path: PathBuf,
        /// The holder's process number and program, if the system confirms the content of the lock file.
        holder: Option<String>,
        /// Whether the holder is this very process.
        by_this_process: bool,
    },
    /// Two roles share a directory.
    #[error(
        "the {first} root `{}` and the {second} root `{}` are one directory: give each its own",
        first_path.display(), second_path.display()
    )]
    SameDirectory {
        /// The first role.
        first: RootRole,
        /// The path of the first root.
        first_path: PathBuf,
        /// The second role.
        second: RootRole,
        /// The path of the second root.
        second_path: PathBuf,
    },
    /// One root lies inside another.
    #[error(
        "the {inner} root `{}` is inside the {outer} root `{}`: move one of them out",
        inner_path.display(), outer_path.display()
    )]
    Nested {
        /// The role of the root that lies inside.
        inner: RootRole,
        /// The path of the root that lies inside.
        inner_path: PathBuf,
        /// The role of the root around it.
        outer: RootRole,
        /// The path of the root around it.
        outer_path: PathBuf,
    },
    /// The roots do not belong together, or not in these roles.
    #[error("the {role} root `{}` {problem}", path.display())]
    Identity {
        /// The root's role.
        role: RootRole,
        /// The root's path.
        path: PathBuf,
        /// The problem.
        problem: IdentityProblem,
    },
    /// The catalog root holds files of another program.
    #[error(
        "the catalog root `{}` holds `{found}`, which is not a catalog's: name the right directory, or \
         move it away; nothing was changed", path.display()
    )]
    ForeignFile {
        /// The root's path.
        path: PathBuf,
        /// The name of a file or directory of another program.
        found: String,
    },
    /// A root cannot be reached, read, written, created or synced.
    #[error("the {role} root `{}` cannot be used", path.display())]
    Unusable {
        /// The root's role.
        role: RootRole,
        /// The root's path.
        path: PathBuf,
        /// The underlying failure.
        source: IoFailure,
    },
}

impl LockError {
    /// Returns the consequence of the failure.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Unusable { source, .. } if source.is_sync() => FailureKind::Fatal,
            _ => FailureKind::Refused,
        }
    }
}

/// The text for the holder of a lock in an error message.
struct HolderText<'a>(Option<&'a str>, bool);

impl fmt::Display for HolderText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            _ if self.1 => {
                f.write_str("this very process: drop the other catalog and its handles first")
            }
            Some(holder) => write!(
                f,
                "process {holder}: stop it, or give this one roots of its own"
            ),
            None => f.write_str(
                "another process, which has just started, belongs to another user or runs in another \
                 container: find it and stop it, or give this one roots of its own",
            ),
        }
    }
}

impl Failure for LockError {
    fn kind(&self) -> FailureKind {
        self.kind()
    }

    fn next(&self) -> NextStep {
        match self {
            Self::InUse { .. } => NextStep::Later,
            Self::Unusable { source, .. } if source.is_sync() => NextStep::Reopen,
            Self::Unusable { source, .. } => source.next(),
            Self::SameDirectory { .. }
            | Self::Nested { .. }
            | Self::Identity { .. }
            | Self::ForeignFile { .. } => NextStep::Person,
        }
    }
}
