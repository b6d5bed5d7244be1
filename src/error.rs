//! The leaves that every operation's error is made of.
//!
//! A failure is one of three kinds, told by [`FailureKind`]. The text of an error says what failed,
//! where, and what to do next; the cause is its `source()` and is not repeated in the text.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::key::ValueError;

/// What a failure has left behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// Nothing was touched. A handle that went in comes back inside the error.
    Refused,
    /// A step failed before any fsync. The handle is gone, the key still has its value, and the
    /// work starts again from the key. (For a catalog that could not be opened: the start had begun to
    /// write, and the next start begins anew.)
    Rewritable,
    /// An fsync or a commit failed, so what is durable is unknown. The handle is gone and the
    /// catalog refuses everything until it is opened again.
    Fatal,
}

/// What was being done to a path.
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
    /// Read a file.
    ReadFile,
    /// Append to a file.
    WriteFile,
    /// Reserve space for a file.
    ReserveSpace,
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
            Self::ReadFile => "read the file",
            Self::WriteFile => "write the file",
            Self::ReserveSpace => "reserve space for the file",
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
    /// What was being done.
    pub operation: Operation,
    /// To what.
    pub path: PathBuf,
    /// What the system said.
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

/// What a person can do about the commonest causes.
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

/// A failed operation of the catalog's store.
#[derive(Debug, thiserror::Error)]
#[error("cannot {operation} `{}`{}", path.display(), store_advice(*operation, source.as_ref()))]
#[non_exhaustive]
pub struct StoreFailure {
    /// What was being done.
    pub operation: Operation,
    /// The catalog's directory.
    pub path: PathBuf,
    /// What the store said.
    pub source: Box<dyn Error + Send + Sync>,
}

/// What a person can do about a store that fails.
///
/// Where the store or the seam knows what the system said, that says more than the operation does.
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

/// The failed fsync or commit that made a catalog's state unknown.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FatalCause {
    /// An fsync failed: the kernel may have dropped the pages, so trying again would prove nothing.
    #[error(transparent)]
    Sync(IoFailure),
    /// A commit failed: the batch may or may not be on stable storage.
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

    /// What failed.
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

    /// The first failure.
    #[must_use]
    pub fn cause(&self) -> &FatalCause {
        &self.cause
    }
}

/// A read of the catalog that gave no answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The catalog refuses everything.
    #[error(transparent)]
    Poisoned(#[from] Poisoned),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreFailure),
    /// The stored value is not one of the key's values.
    #[error(transparent)]
    Value(#[from] ValueError),
}

/// A step that was refused before it touched anything: the handle, and why.
///
/// [`Refused::into_handle`] gives the handle back.
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

    /// Why the step was refused.
    #[must_use]
    pub fn cause(&self) -> &C {
        &self.inner.1
    }

    /// The handle, exactly as it was.
    #[must_use]
    pub fn into_handle(self) -> H {
        self.inner.0
    }

    /// The handle and why the step was refused.
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

impl<H, C: fmt::Display> fmt::Display for Refused<H, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause().fmt(f)
    }
}

impl<H, C: Error> Error for Refused<H, C> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause().source()
    }
}
