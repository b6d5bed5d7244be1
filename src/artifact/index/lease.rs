//! [`IndexLease`]: the right to read an index.

use std::path::PathBuf;

use crate::artifact::open_file;
use crate::domain::{Coverage, INDEX_SUFFIX, IndexKey};
use crate::failure::IoFailure;
use crate::fs::ReadFile;
use crate::protocol::Reader;

/// The right to read a frozen index: while one is held, its file stays.
///
/// Cheap to clone. It holds the file and not the state: the promotion of a new index goes ahead while leases are out, and
/// the old file goes when the last lease has. Like a [`Lease`](crate::Lease), it keeps the roots locked.
#[derive(Clone)]
#[must_use = "the file stays only while the lease is held"]
pub struct IndexLease {
    reader: Reader,
    key: IndexKey,
}

impl IndexLease {
    pub(crate) const fn new(reader: Reader, key: IndexKey) -> Self {
        Self { reader, key }
    }

    /// The index's key.
    #[must_use]
    pub const fn key(&self) -> IndexKey {
        self.key
    }

    /// The chunks that the index covers.
    #[must_use]
    pub const fn coverage(&self) -> Coverage {
        self.key.coverage
    }

    /// Opens the index's file for reading.
    ///
    /// # Errors
    ///
    /// [`IoFailure`] if the file cannot be opened.
    pub fn open(&self) -> Result<ReadFile, IoFailure> {
        open_file(&self.reader, self.key.into(), INDEX_SUFFIX)
    }

    /// The path of the index's file, for messages and for libraries that open by path.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.reader.layout().index_path(self.key)
    }
}

impl std::fmt::Debug for IndexLease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IndexLease({})", self.key)
    }
}
