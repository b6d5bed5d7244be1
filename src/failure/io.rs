//! Failures of the file system and of the store: the operation, the path, and the system's own error.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{fmt, io};

use super::next::NextStep;

/// An operation on a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Open a directory.
    OpenDirectory,
    /// Look at what a name stands for.
    Inspect,
    /// List a directory's entries.
    List,
    /// Create a directory.
    CreateDirectory,
    /// Remove an empty directory.
    RemoveDirectory,
    /// Fsync a directory.
    SyncDirectory,
    /// Sync a whole file system.
    SyncFileSystem,
    /// Open a file.
    OpenFile,
    /// Create a file.
    CreateFile,
    /// Create a file without a name.
    CreateScratch,
    /// Read a file.
    ReadFile,
    /// Write to a file.
    WriteFile,
    /// Set a file's length.
    SetLength,
    /// Reserve space for a file.
    ReserveSpace,
    /// Take reserved space for a commit to the catalog's store.
    TakeSpace,
    /// Cut a torn end off a file.
    CutFile,
    /// Fsync a file.
    SyncFile,
    /// Check that all bytes of a file that was synced have their place on the disk.
    CheckFile,
    /// Check that a file system still writes changes.
    CheckFileSystem,
    /// Unlink a file.
    UnlinkFile,
    /// Rename a file.
    RenameFile,
    /// Lock a file.
    LockFile,
    /// Open the catalog's store.
    OpenStore,
    /// Create the catalog's store.
    CreateStore,
    /// Read from the catalog's store.
    ReadStore,
    /// Commit a synced batch to the catalog's store.
    Commit,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OpenDirectory => "open the directory",
            Self::Inspect => "look at",
            Self::List => "list the directory",
            Self::CreateDirectory => "create the directory",
            Self::RemoveDirectory => "remove the directory",
            Self::SyncDirectory => "sync the directory",
            Self::SyncFileSystem => "sync the file system of",
            Self::OpenFile => "open the file",
            Self::CreateFile => "create the file",
            Self::CreateScratch => "create a file without a name in",
            Self::ReadFile => "read the file",
            Self::WriteFile => "write the file",
            Self::SetLength => "set the length of the file",
            Self::ReserveSpace => "reserve space for the file",
            Self::TakeSpace => "find space for a commit in",
            Self::CutFile => "cut the torn end off the file",
            Self::SyncFile => "sync the file",
            Self::CheckFile => "find every written byte of the file",
            Self::CheckFileSystem => "change the file system of",
            Self::UnlinkFile => "unlink the file",
            Self::RenameFile => "rename the file",
            Self::LockFile => "lock the file",
            Self::OpenStore => "open the catalog in",
            Self::CreateStore => "create the catalog in",
            Self::ReadStore => "read the catalog in",
            Self::Commit => "commit to the catalog in",
        })
    }
}

/// A failed operation of the file system: what, and on which path.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} `{}`{}", path.display(), advice(source))]
#[non_exhaustive]
pub struct IoFailure {
    /// The operation.
    pub operation: Operation,
    /// The path.
    pub path: PathBuf,
    /// The error of the system.
    pub source: io::Error,
}

impl IoFailure {
    /// Whether it was a sync that failed: what is durable is then unknown.
    pub(crate) const fn is_sync(&self) -> bool {
        matches!(
            self.operation,
            Operation::SyncFile
                | Operation::SyncDirectory
                | Operation::SyncFileSystem
                | Operation::CheckFile
                | Operation::CheckFileSystem
                | Operation::CutFile
        )
    }

    /// Returns the next step of a step that this failure has stopped half-way.
    pub(crate) fn next_after_a_step(&self) -> NextStep {
        next_after_a_step(&self.source)
    }

    pub(crate) fn new(
        operation: Operation,
        path: impl AsRef<Path>,
        source: impl Into<io::Error>,
    ) -> Self {
        Self {
            operation,
            path: path.as_ref().to_path_buf(),
            source: source.into(),
        }
    }
}

/// The process, or the system, has as many files open as it may.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct TooManyFiles(pub(crate) String);

/// Linux's numbers for [`TooManyFiles`]: of the system, and of the process.
const TOO_MANY_FILES: [i32; 2] = [23, 24];

/// Returns the advice for the most common causes.
fn advice(source: &io::Error) -> &'static str {
    let number = source.raw_os_error();
    let cause = source
        .get_ref()
        .and_then(|cause| cause.downcast_ref::<TooManyFiles>());
    let is_too_many = cause.is_some();
    if is_too_many || number.is_some_and(|number| TOO_MANY_FILES.contains(&number)) {
        return "; raise the limit of open files (`ulimit -n`)";
    }
    match source.kind() {
        io::ErrorKind::ResourceBusy => "; another program has it open, stop that program",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "; free some space",
        io::ErrorKind::PermissionDenied => "; let this process's user read, write and enter it",
        io::ErrorKind::ReadOnlyFilesystem => "; mount the file system for writing",
        io::ErrorKind::NotADirectory => {
            "; something that is not a directory stands in the way, move it away"
        }
        io::ErrorKind::IsADirectory => "; a directory stands in the way, move it away",
        io::ErrorKind::AlreadyExists => "; something stands in the way, move it away",
        _ => "",
    }
}

/// Returns whether the disk, or the share of this process's user in it, is used up.
pub(super) fn is_full(source: &io::Error) -> bool {
    matches!(
        source.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

/// Returns the next step of a step that this error has stopped half-way: a person's, if the error's advice is for a
/// person.
pub(super) fn next_after_a_step(source: &io::Error) -> NextStep {
    if is_full(source) || advice(source).is_empty() {
        NextStep::Again
    } else {
        NextStep::Person
    }
}

/// A failed operation of the catalog's store.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} `{}`{}", path.display(), store_advice(*operation, source.as_ref()))]
#[non_exhaustive]
pub struct StoreFailure {
    /// The operation.
    pub operation: Operation,
    /// The catalog's directory.
    pub path: PathBuf,
    /// The error of the store.
    pub source: Box<dyn Error + Send + Sync>,
}

/// Returns the advice for a store that fails.
///
/// The error of the system, if the store passes it on, is more specific than the operation.
fn store_advice(
    operation: Operation,
    source: &(dyn Error + Send + Sync + 'static),
) -> &'static str {
    let known = source.downcast_ref().map(advice).unwrap_or_default();
    if !known.is_empty() && operation == Operation::ReserveSpace {
        return "; free some space, or change fewer keys at once";
    }
    if !known.is_empty() {
        return known;
    }
    match operation {
        // RocksDB says so of bytes that it read and that are wrong; anything else was no matter of the
        // catalog's content.
        Operation::OpenStore if source.to_string().starts_with("Corruption") => {
            "; if the disk is sound, restore the catalog from a copy"
        }
        Operation::OpenStore | Operation::ReadStore => "; check the disk, then try again",
        _ => "",
    }
}

impl StoreFailure {
    pub(crate) fn new(
        operation: Operation,
        path: impl AsRef<Path>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self {
            operation,
            path: path.as_ref().to_path_buf(),
            source: source.into(),
        }
    }
}
