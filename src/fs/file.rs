//! Files: one type to write, one to read.

#![expect(clippy::disallowed_types, reason = "this is the room for files")]

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::num::NonZeroU64;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::handle::FileHandle;
use super::{Disk, sys};
use crate::failure::{IoFailure, Operation};

/// Bytes gathered before a write.
const BUFFER: usize = 256 * 1024;

/// Bytes that the disk begins to write while the rest of the file is still to come. A smaller file is
/// written sooner together with others.
const AHEAD: u64 = 1 << 20;

/// Bytes of a file that is written to the disk by itself, in a group. Smaller ones are gathered by the
/// file system if they are left to the end.
const LARGE: u64 = 128 * 1024;

/// A new file, written from its beginning to its end and synced through the descriptor that wrote.
///
/// It gathers small writes itself, so that nobody needs a buffer around it that could lose its last
/// bytes when dropped. After a failed write it refuses to go on.
pub(crate) struct NewFile {
    file: FileHandle,
    path: PathBuf,
    disk: Disk,
    pending: Vec<u8>,
    /// Bytes that the kernel has, and how many of them the disk has been told to write.
    written: u64,
    started: u64,
    failed: bool,
    /// Whether bytes that writeback has lost show as a hole.
    shows_holes: bool,
    /// Whether writeback may be begun early: [`check`](Self::check) and fsync find every error of it.
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

    /// Appends.
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

    /// Hands what has been gathered to the kernel.
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

    /// Has the disk begin to write what the kernel has, without waiting.
    ///
    /// The kernel discards an error of this, so it is done only where [`check`](Self::check) finds the
    /// loss. On ext4 without a journal the inode is written early, too, and an fsync does not report that
    /// it failed.
    pub(crate) fn start_writing(&mut self) {
        let from = self.started;
        if self.may_start
            && let Some(bytes) = NonZeroU64::new(self.written - from)
        {
            self.file.start_writing(from, bytes);
            self.started = self.written;
        }
    }

    /// The file is complete but for its fsync, which comes later. If it is large, the disk begins to
    /// write it now.
    pub(crate) fn finish(&mut self) -> Result<(), IoFailure> {
        self.flush()?;
        self.pending = Vec::new();
        if self.written >= LARGE {
            self.start_writing();
        }
        Ok(())
    }

    /// Makes the bytes durable. Takes the file by value: a failed fsync cannot be tried again.
    pub(crate) fn sync(mut self) -> Result<(), IoFailure> {
        self.disk
            .perform(Operation::SyncFile, &self.path, || self.file.sync())?;
        self.check()
    }

    /// Makes sure that every byte of a file that was synced has its place on the disk.
    ///
    /// ext4 drops bytes for which delayed allocation fails, and may report that to nobody: the error
    /// goes to the call that began the writeback, which may be the kernel's own. The bytes are a hole
    /// of the file then.
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
/// Implements [`Read`] and [`Seek`]; [`ReadFile::read_exact_at`] needs no position and can be used
/// from several threads at once.
#[derive(Debug)]
pub struct ReadFile {
    file: File,
    path: PathBuf,
}

impl ReadFile {
    pub(super) fn new(file: File, path: PathBuf) -> Self {
        Self { file, path }
    }

    /// The path that was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file's length in bytes.
    ///
    /// # Errors
    ///
    /// Returns the length that `fstat` reports.
    pub fn size(&self) -> Result<u64, IoFailure> {
        match self.file.metadata() {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) => Err(IoFailure::new(Operation::Inspect, &self.path, error)),
        }
    }

    /// Fills the buffer from this offset on.
    ///
    /// # Errors
    ///
    /// Reads as `pread` does, or fails with [`io::ErrorKind::UnexpectedEof`] if the file ends before.
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

/// The bytes of a configuration file, at most `limit` of them and one more.
pub(crate) fn read_config(path: &Path, limit: u64) -> Result<Vec<u8>, IoFailure> {
    Disk::default().perform(Operation::ReadFile, path, || {
        let mut bytes = Vec::new();
        let file = sys::open_anywhere(path)?;
        file.take(limit + 1).read_to_end(&mut bytes)?;
        Ok::<_, io::Error>(bytes)
    })
}
