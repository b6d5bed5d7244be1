//! Files to read.

#![expect(clippy::disallowed_types, reason = "only `fs` uses `std::fs`")]

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::{Disk, sys};
use crate::failure::{IoFailure, Operation};

/// A file of a frozen artifact, open for reading.
///
/// The type implements [`Read`] and [`Seek`]. [`ReadFile::read_exact_at`] needs no position and can be used from
/// several threads at once.
#[derive(Debug)]
pub struct ReadFile {
    file: File,
    path: PathBuf,
}

impl ReadFile {
    pub(super) fn new(file: File, path: PathBuf) -> Self {
        Self { file, path }
    }

    /// Returns the path that was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the file's length in bytes.
    ///
    /// # Errors
    ///
    /// Fails if `fstat` fails.
    pub fn size(&self) -> Result<u64, IoFailure> {
        match self.file.metadata() {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) => Err(IoFailure::new(Operation::Inspect, &self.path, error)),
        }
    }

    /// Fills the buffer with the file's bytes from this offset on.
    ///
    /// # Errors
    ///
    /// Fails if `pread` fails, or with [`io::ErrorKind::UnexpectedEof`] if the file ends before the buffer is full.
    pub fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> Result<(), IoFailure> {
        let read = self.file.read_exact_at(buffer, offset);
        read.map_err(|error| {
            let error = if error.kind() == io::ErrorKind::UnexpectedEof {
                let end = offset.saturating_add(buffer.len() as u64);
                io::Error::new(error.kind(), format!("the file ends before byte {end}"))
            } else {
                error
            };
            IoFailure::new(Operation::ReadFile, &self.path, error)
        })
    }
}

impl AsFd for ReadFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl Read for ReadFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Seek for ReadFile {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        self.file.seek(position)
    }
}

/// Returns the bytes of a configuration file: at most `limit` bytes and one more, which shows a longer file.
pub(crate) fn read_config(path: &Path, limit: u64) -> Result<Vec<u8>, IoFailure> {
    Disk::default().perform(Operation::ReadFile, path, || {
        let mut bytes = Vec::new();
        let file = sys::open_anywhere(path)?;
        file.take(limit + 1).read_to_end(&mut bytes)?;
        Ok::<_, io::Error>(bytes)
    })
}
