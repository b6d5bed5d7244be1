//! Files: a type for writing and a type for reading.

#![expect(clippy::disallowed_types, reason = "only `fs` uses `std::fs`")]

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::num::NonZeroU64;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::file_handle::FileHandle;
use super::{Disk, sys};
use crate::failure::{IoFailure, Operation};

/// Bytes gathered before a write.
const BUFFER: usize = 256 * 1024;

/// The number of new bytes from which on writeback starts before the file is complete. A smaller file is written
/// faster together with others.
const AHEAD: u64 = 1 << 20;

/// The size from which on a file of a group is written to the disk by itself. The file system gathers smaller files
/// if they are left to the end.
const LARGE: u64 = 128 * 1024;

/// A new file, written from its beginning to its end and synced through the descriptor that wrote it.
///
/// The file gathers small writes itself. Callers therefore need no buffer around it, which could lose its last bytes
/// when dropped. After a failed write, the file refuses further writes.
pub(crate) struct NewFile {
    file: FileHandle,
    path: PathBuf,
    disk: Disk,
    pending: Vec<u8>,
    /// The number of bytes that the kernel has.
    written: u64,
    /// The number of those bytes whose writeback has started.
    started: u64,
    failed: bool,
    /// Whether bytes that writeback has lost show as a hole.
    shows_holes: bool,
    /// Whether writeback may start early, because [`check`](Self::check) and fsync find every error of it.
    may_start: bool,
}

impl NewFile {
    pub(super) fn new(file: FileHandle, path: PathBuf, disk: Disk) -> Self {
        Self {
            shows_holes: file.shows_holes(),
            may_start: file.reports_early_writeback(),
            file,
            path,
            disk,
            pending: Vec::new(),
            written: 0,
            started: 0,
            failed: false,
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn has_failed(&self) -> bool {
        self.failed
    }

    /// Appends bytes to the file.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), IoFailure> {
        if self.failed {
            let source = io::Error::other("an earlier write to it failed");
            return Err(IoFailure::new(Operation::WriteFile, &self.path, source));
        }
        if self.pending.len() + bytes.len() > BUFFER {
            self.flush()?;
        }
        if bytes.len() >= BUFFER {
            return self.write(bytes);
        }
        self.pending.extend_from_slice(bytes);
        Ok(())
    }

    /// Hands the gathered bytes to the kernel.
    pub(crate) fn flush(&mut self) -> Result<(), IoFailure> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let mut pending = std::mem::take(&mut self.pending);
        let written = self.write(&pending);
        pending.clear();
        self.pending = pending;
        written
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), IoFailure> {
        let file = &mut self.file;
        let written = self
            .disk
            .perform(Operation::WriteFile, &self.path, || file.append(bytes));
        self.failed |= written.is_err();
        self.written += bytes.len() as u64;
        if self.written - self.started >= AHEAD {
            self.start_writing();
        }
        written
    }

    /// Starts writeback of the bytes that the kernel has, without waiting.
    ///
    /// The kernel discards an error of this call. It is therefore used only on file systems where
    /// [`check`](Self::check) finds the loss. On ext4 without a journal, early writeback also writes the inode, and
    /// an fsync does not report a failure of that write.
    pub(crate) fn start_writing(&mut self) {
        let from = self.started;
        if self.may_start
            && let Some(bytes) = NonZeroU64::new(self.written - from)
        {
            self.file.start_writing(from, bytes);
            self.started = self.written;
        }
    }

    /// Completes the file except for its fsync, which comes later. If the file is large, starts writeback now.
    pub(crate) fn finish(&mut self) -> Result<(), IoFailure> {
        self.flush()?;
        self.pending = Vec::new();
        if self.written >= LARGE {
            self.start_writing();
        }
        Ok(())
    }

    /// Makes the bytes durable. Takes the file by value, because a failed fsync cannot be tried again.
    pub(crate) fn sync(mut self) -> Result<(), IoFailure> {
        self.disk
            .perform(Operation::SyncFile, &self.path, || self.file.sync())?;
        self.check()
    }

    /// Checks that every byte of a synced file has its place on the disk.
    ///
    /// ext4 drops bytes for which delayed allocation fails. It may report the failure to no process, because the
    /// error goes to the call that started the writeback, which may be the kernel's own. The dropped bytes are then a
    /// hole in the file.
    pub(crate) fn check(&mut self) -> Result<(), IoFailure> {
        if !self.shows_holes || self.written == 0 {
            return Ok(());
        }
        let (file, written) = (&mut self.file, self.written);
        self.disk.perform(Operation::CheckFile, &self.path, || {
            let hole = file.first_hole()?;
            if hole == written {
                return Ok(());
            }
            let lost = format!("{written} bytes were written, and {hole} are there without a gap");
            Err(io::Error::other(lost))
        })
    }
}

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
