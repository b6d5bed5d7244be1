//! Building and finding indexes.

use super::Catalog;
use super::scan::IndexKeys;
use crate::artifact::index::{self, IndexBuild, IndexLease};
use crate::domain::{ChunkId, Coverage};
use crate::failure::{BeginError, ReadError};

/// # Indexes
impl Catalog {
    /// Begins the index of these chunks: claims their window, takes a lease on the transaction hashes of each, and marks
    /// the index's key, before any I/O.
    ///
    /// Over the leftovers of an interrupted build of the same coverage, the first [`IndexBuild::file`] finishes their
    /// removal.
    ///
    /// # Errors
    ///
    /// [`BeginError`]: refused with [`BeginRefusal`](crate::error::BeginRefusal), and nothing is marked,
    ///
    /// - as `AlreadyFrozen`, if the index of this very coverage is frozen;
    /// - as `Narrower`, if the frozen index of the window covers a chunk that can be read and that this one does not
    ///   cover;
    /// - as `InputMissing`, if the transaction hashes of a chunk are not frozen;
    /// - as `Claimed`, if the window has another build, or a handle owns the key;
    /// - as `Read`, if the window has two frozen indexes, or a value that is unrecognised.
    ///
    /// Fatal if the commit failed.
    #[track_caller]
    pub fn begin_index(&self, coverage: Coverage) -> Result<IndexBuild, BeginError> {
        index::begin(self.shared(), coverage)
    }

    /// Returns the right to read the index that covers a chunk, or `None` if no frozen index does. A window has at most
    /// one frozen index.
    ///
    /// ```
    /// use frostline::ChunkId;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let catalog = frostline::Catalog::open(frostline::StorageRoots::under(directory.path())?.lock()?)?;
    /// if let Some(index) = catalog.index_of(ChunkId::new(5350)?)? {
    ///     println!("{} bytes", index.open()?.size()?);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ReadError::TwoIndexes`] if the window of the chunk has two frozen indexes, and [`ReadError::Value`] if one of
    /// its values is unrecognised: the answer could be the wrong one.
    pub fn index_of(&self, chunk: ChunkId) -> Result<Option<IndexLease>, ReadError> {
        let found = self
            .shared()
            .lease_index(chunk.window(), |key| key.coverage.contains(chunk))?;
        Ok(found.map(|(key, reader)| IndexLease::new(reader, key)))
    }

    /// Returns every index key with its state, in byte order, like [`chunk_artifact_keys`](Self::chunk_artifact_keys).
    ///
    /// # Errors
    ///
    /// [`ReadError::Poisoned`].
    pub fn index_keys(&self) -> Result<IndexKeys, ReadError> {
        let states = self.shared().snapshot()?;
        Ok(IndexKeys::new(&states))
    }
}
