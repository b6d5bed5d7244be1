//! [`Error`]: any failure of the library, with its consequence.

use std::error::Error as StdError;
use std::fmt;
use std::path::{Path, PathBuf};

use super::io::{IoFailure, Operation, StoreFailure, is_full, next_after_a_step};
use super::next::NextStep;
use crate::domain::{GeometryError, Key, KeyError, LayoutError, RootPathError, ValueError};

/// The consequence of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FailureKind {
    /// Nothing was changed. A handle that went in comes back inside of the error.
    Refused,
    /// A step stopped, and every fsync and commit that it made succeeded. The handle is gone, and the work starts
    /// again from the key. (After a [`CreateError`](super::CreateError), the handle stays. For a catalog that could not
    /// be opened: the start had begun to write, and the next start begins anew.)
    Retryable,
    /// An fsync or a commit failed, so the state on stable storage is unknown. The handle is gone, and the
    /// catalog refuses everything until it is opened again.
    Fatal,
}

/// An error of the library: its consequence, the next step, and the key and the path that it is about.
///
/// Every error type of the library has it, and so can become an [`Error`] with `?`.
pub trait Failure: StdError {
    /// The consequence of the failure.
    fn kind(&self) -> FailureKind;

    /// The act that follows the failure.
    fn next(&self) -> NextStep;

    /// The key that the failure is about, if it is about one.
    fn key(&self) -> Option<Key> {
        None
    }

    /// The path that the failure is about, if it is about one.
    fn path(&self) -> Option<&Path> {
        None
    }
}

/// The result of a function that passes the library's errors on with `?`.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any error of the library. A function of a caller passes all of them on with `?`, and decides by
/// [`kind`](Self::kind) or [`next`](Self::next) in one place.
///
/// A handle that was inside of the error is dropped: its key can be claimed again.
///
/// ```
/// use std::io::Write;
/// use frostline::{Catalog, ChunkId, Ledgers};
/// use frostline::error::FailureKind;
///
/// fn freeze(catalog: &Catalog, chunk: ChunkId, bytes: &[u8]) -> frostline::error::Result<()> {
///     let mut freezing = catalog.begin::<Ledgers>(chunk)?;
///     freezing.file(Ledgers::PACK)?.write_all(bytes)?;
///     catalog.commit(freezing.sync()?)?;
///     Ok(())
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let catalog = Catalog::open(frostline::StorageRoots::under(directory.path())?.lock()?)?;
/// # let chunk = ChunkId::new(7)?;
/// freeze(&catalog, chunk, b"ten thousand ledgers")?;
/// let again = freeze(&catalog, chunk, b"the same").unwrap_err();
/// assert_eq!(again.kind(), FailureKind::Refused);
/// assert_eq!(again.key().unwrap().to_string(), "chunk:00000007:ledgers");
/// # Ok(())
/// # }
/// ```
pub struct Error {
    // One allocation on the error path, so that results stay small on the other.
    inner: Box<Inner>,
}

struct Inner {
    kind: FailureKind,
    next: NextStep,
    key: Option<Key>,
    path: Option<PathBuf>,
    source: Box<dyn StdError + Send + Sync>,
}

impl Error {
    /// The consequence of the failure.
    #[must_use]
    pub fn kind(&self) -> FailureKind {
        self.inner.kind
    }

    /// The act that follows the failure.
    #[must_use]
    pub fn next(&self) -> NextStep {
        self.inner.next
    }

    /// The key that the failure is about, if it is about one.
    #[must_use]
    pub fn key(&self) -> Option<Key> {
        self.inner.key
    }

    /// The path that the failure is about, if it is about one.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.inner.path.as_deref()
    }

    /// The error that this one was made from.
    #[must_use]
    pub fn get_ref(&self) -> &(dyn StdError + Send + Sync + 'static) {
        self.inner.source.as_ref()
    }
}

/// Values that are refused before anything is done.
macro_rules! refused_value {
    ($($name:ident),+) => {$(
        impl Failure for $name {
            fn kind(&self) -> FailureKind {
                FailureKind::Refused
            }

            fn next(&self) -> NextStep {
                NextStep::Person
            }
        }
    )+};
}

refused_value!(
    GeometryError,
    KeyError,
    LayoutError,
    RootPathError,
    ValueError
);

impl Failure for IoFailure {
    /// Of an operation that only read: the failures of a step have errors of their own.
    fn kind(&self) -> FailureKind {
        FailureKind::Refused
    }

    fn next(&self) -> NextStep {
        if is_full(&self.source) {
            NextStep::Again
        } else {
            NextStep::Person
        }
    }

    fn path(&self) -> Option<&Path> {
        Some(&self.path)
    }
}

impl Failure for StoreFailure {
    /// Of an operation that only read: the failures of a step have errors of their own.
    fn kind(&self) -> FailureKind {
        FailureKind::Refused
    }

    fn next(&self) -> NextStep {
        let source = self.source.downcast_ref();
        if self.operation == Operation::ReserveSpace || source.is_some_and(is_full) {
            NextStep::Again
        } else {
            NextStep::Person
        }
    }

    fn path(&self) -> Option<&Path> {
        Some(&self.path)
    }
}

impl<E: Failure + Send + Sync + 'static> From<E> for Error {
    fn from(failure: E) -> Self {
        Self {
            inner: Box::new(Inner {
                kind: failure.kind(),
                next: failure.next(),
                key: failure.key(),
                path: failure.path().map(Path::to_path_buf),
                source: Box::new(failure),
            }),
        }
    }
}

/// For the writes to an [`ArtifactFile`](crate::write::ArtifactFile) or a [`FileWriter`](crate::write::FileWriter):
/// after a failed one the artifact has to be begun again.
impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        let failure = error.get_ref().and_then(|inner| inner.downcast_ref());
        let path = failure.map(|failure: &IoFailure| failure.path.clone());
        Self {
            inner: Box::new(Inner {
                kind: FailureKind::Retryable,
                next: next_after_a_step(&error),
                key: None,
                path,
                source: Box::new(error),
            }),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("source", &self.inner.source)
            .finish()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.source.fmt(f)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source.source()
    }
}
