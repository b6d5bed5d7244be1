//! [`ScratchFile`]: space for intermediate data.

#![expect(clippy::disallowed_types, reason = "only `fs` uses `std::fs`")]

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// A file without a name, for intermediate data that does not fit into memory.
///
/// The kernel removes the file when its last descriptor is closed, so a crash leaves nothing of it. It is never made
/// durable, and never becomes a part of an artifact.
///
/// [`Freezing::scratch`](crate::Freezing::scratch) creates it. Each call of the type is one call of the system: nothing
/// is gathered. [`read_exact_at`](Self::read_exact_at) and [`write_all_at`](Self::write_all_at) need no position, and
/// can be used from several threads at once.
#[derive(Debug)]
pub struct ScratchFile {
    file: File,
    directory: PathBuf,
}

impl ScratchFile {
    pub(super) const fn new(file: File, directory: PathBuf) -> Self {
        Self { file, directory }
    }

    /// Returns the root whose file system holds the file.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Fills the buffer with the file's bytes from an offset on, as `pread(2)`.
    ///
    /// # Errors
    ///
    /// Fails if the read fails, or with [`io::ErrorKind::UnexpectedEof`] if the file ends before the buffer is full.
    pub fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    /// Writes all of the bytes from an offset on, as `pwrite(2)`.
    ///
    /// # Errors
    ///
    /// Fails if the write fails. A part of the bytes may then have been written.
    pub fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    /// Sets the file's length in bytes, as `ftruncate(2)`. Space past the length is free again.
    ///
    /// # Errors
    ///
    /// Fails if the call fails.
    pub fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }
}

impl Read for ScratchFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Write for ScratchFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for ScratchFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

impl AsFd for ScratchFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl From<ScratchFile> for OwnedFd {
    fn from(scratch: ScratchFile) -> Self {
        scratch.file.into()
    }
}
