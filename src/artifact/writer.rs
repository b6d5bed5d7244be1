//! [`FileWriter`]: the owned writer of one file.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

use crate::domain::Key;
use crate::failure::IoFailure;
use crate::fs::NewFile;

/// The owned writer of one file of an artifact that is being written.
///
/// [`Freezing::writer`](crate::Freezing::writer) creates the file and gives the writer out, so that several files of an
/// artifact can be written in one pass, and in several threads. Dropping the writer gives the file back: `sync` is
/// refused until then, with its handle. A writer that was dropped can be taken again, and goes on where the last one
/// ended.
///
/// As [`io::Write`], the writer appends after the last appended byte. Small appends are gathered, so it needs no
/// `BufWriter` around it. `sync` writes the bytes that are still gathered when the writer is dropped. The other methods
/// hand the gathered bytes to the kernel first, so that a later call overwrites the bytes of an earlier one. They take
/// `&self`, and can be called from several threads at once.
///
/// # Errors
///
/// Every error has an [`IoFailure`](crate::error::IoFailure) inside, with the operation and the path. After a failed
/// append, [`write_all_at`](Self::write_all_at) or [`set_len`](Self::set_len), the content of the file is unknown: all
/// later calls fail, and the artifact cannot be frozen any more
/// ([`Retryable::EarlierWrite`](crate::error::Retryable::EarlierWrite)). Begin it again.
///
/// # Lifetime
///
/// The writer owns neither the key nor the catalog. It may outlive the handle that it came from. The artifact is then
/// never frozen, and the next attempt unlinks the file before it creates a new one, so late writes reach no reader.
///
/// ```
/// use std::io::Write;
/// use frostline::{ChunkId, Events};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let catalog = frostline::Catalog::open(frostline::StorageRoots::under(directory.path())?.lock()?)?;
/// let mut freezing = catalog.begin::<Events>(ChunkId::new(7)?)?;
/// let mut events = freezing.writer(Events::EVENTS)?;
/// let mut index = freezing.writer(Events::INDEX)?;
/// let hash = freezing.writer(Events::HASH)?;
/// // The hash table is written by a thread of its own: the blocks first, then the header.
/// let thread = std::thread::spawn(move || {
///     hash.reserve(1 << 16)?;
///     hash.write_all_at(b"block", 4096)?;
///     hash.write_all_at(b"header", 0)?;
///     hash.set_len(8192)
/// });
/// for event in ["one", "two"] {
///     events.write_all(event.as_bytes())?;
///     index.write_all(&[3])?;
/// }
/// thread.join().expect("the thread does not panic")?;
/// drop((events, index));
/// let frozen = freezing.freeze()?;
/// assert_eq!(frozen.lease().open(Events::HASH)?.size()?, 8192);
/// # Ok(())
/// # }
/// ```
#[must_use = "dropping it gives the file back to the handle that it came from"]
pub struct FileWriter {
    key: Key,
    suffix: &'static str,
    file: Arc<NewFile>,
}

impl FileWriter {
    pub(super) const fn new(key: Key, suffix: &'static str, file: Arc<NewFile>) -> Self {
        Self { key, suffix, file }
    }

    /// Returns the key of the file's artifact.
    #[must_use]
    pub const fn key(&self) -> Key {
        self.key
    }

    /// Returns the part of the file's name after the chunk's eight digits, as
    /// [`FileName::suffix`](crate::key::FileName::suffix) does.
    #[must_use]
    pub const fn suffix(&self) -> &'static str {
        self.suffix
    }

    /// Returns the file's path.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.file.path()
    }

    /// Writes all of the bytes from an offset in bytes on, as `pwrite(2)`. The file grows as needed, and bytes that were
    /// never written are zeros. The position of the next append stays the same. The writer remembers each part of the
    /// file that was written, and merges parts that touch.
    ///
    /// # Errors
    ///
    /// Fails if the write fails, or if an earlier one has failed.
    pub fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_at(bytes, offset).map_err(into_io)
    }

    /// Sets the file's length in bytes, as `ftruncate(2)`. Bytes past the old end are zeros. If the length is below the
    /// position of the next append, the next append begins at the length.
    ///
    /// The call waits for writes of other threads that have begun. It also gives back space that was reserved past the
    /// length.
    ///
    /// # Errors
    ///
    /// Fails if the change of the length fails, or if an earlier write has failed.
    pub fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes).map_err(into_io)
    }

    /// Reserves disk space for the file's first bytes, as `fallocate(2)` with `FALLOC_FL_KEEP_SIZE`: the file's length
    /// stays the same. A full disk is then known before the work.
    ///
    /// Space past the end of the file is given back by [`set_len`](Self::set_len), and by `sync`. On a simulated disk,
    /// the call has no effect.
    ///
    /// # Errors
    ///
    /// Fails if the disk has no space, or with [`io::ErrorKind::Unsupported`] if the file system cannot reserve space.
    /// The file stays as it is, and can still be written and frozen. All space that was reserved past its end is given
    /// back, also that of earlier calls; holes before its end may keep a part. Fails, too, if an earlier write has
    /// failed.
    pub fn reserve(&self, bytes: u64) -> io::Result<()> {
        self.file.reserve(bytes).map_err(into_io)
    }
}

impl Write for FileWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.append_shared(bytes).map_err(into_io)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush_shared().map_err(into_io)
    }
}

impl fmt::Debug for FileWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FileWriter").field(&self.path()).finish()
    }
}

/// Wraps a failure of a file. The error has the kind of the system's error.
pub(super) fn into_io(failure: IoFailure) -> io::Error {
    io::Error::new(failure.source.kind(), failure)
}
