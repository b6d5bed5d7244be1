//! [`NewFile`]: a file to write.

use std::io;
use std::num::NonZeroU64;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};

use super::Disk;
use super::extents::Extents;
use super::file_handle::FileHandle;
use crate::failure::{IoFailure, Operation};

/// Bytes gathered before a write.
const BUFFER: usize = 256 * 1024;

/// The number of new bytes from which on writeback starts before the file is complete. A smaller file is written
/// faster together with others.
const AHEAD: u64 = 1 << 20;

/// The size from which on a file of a group is written to the disk by itself. The file system gathers smaller files
/// if they are left to the end.
const LARGE: u64 = 128 * 1024;

/// A new file, synced through the one descriptor that wrote all of it.
///
/// The file gathers small appends itself. Callers therefore need no buffer around it, which could lose its last bytes
/// when dropped. After a failed write, the file refuses further writes.
///
/// The methods that take `&self` can be called from several threads at once.
pub(crate) struct NewFile {
    output: Output,
    state: Mutex<State>,
    /// Locked for reading by each write at an offset, and for writing while the length changes. A write is therefore
    /// recorded before a change of the length that cuts its bytes off.
    length: RwLock<()>,
}

/// The descriptor, and the properties of its file system.
struct Output {
    file: FileHandle,
    path: PathBuf,
    disk: Disk,
    /// Whether bytes that writeback has lost show as a hole.
    shows_holes: bool,
    /// Whether writeback may start early, because [`NewFile::check`] and fsync find every error of it.
    may_start: bool,
}

/// The bytes that have been written.
#[derive(Default)]
struct State {
    /// Appended bytes that the kernel does not have yet. They belong at `end`.
    pending: Vec<u8>,
    /// The offset past the last appended byte that the kernel has.
    end: u64,
    /// The bytes that the kernel has, appended or not.
    written: Extents,
    /// A range with all of the bytes whose writeback has not started, and their number.
    unstarted: Range<u64>,
    unstarted_bytes: u64,
    /// Whether the file may hold reserved space past its end.
    holds_space: bool,
    failed: bool,
}

impl Output {
    /// Gives back the space that is reserved past the file's end.
    fn give_space_back(&self) -> Result<(), IoFailure> {
        self.disk.perform(Operation::SetLength, &self.path, || {
            self.file.give_space_back()
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), IoFailure> {
        self.disk.perform(Operation::WriteFile, &self.path, || {
            self.file.write_at(bytes, offset)
        })
    }

    /// Starts writeback of a part of the file, without waiting.
    ///
    /// The kernel discards an error of this call. It is therefore used only on file systems where
    /// [`check`](NewFile::check) finds the loss. On ext4 without a journal, early writeback also writes the inode, and
    /// an fsync does not report a failure of that write.
    fn start_writing(&self, part: &Range<u64>) {
        if self.may_start
            && let Some(bytes) = NonZeroU64::new(part.end.saturating_sub(part.start))
        {
            self.file.start_writing(part.start, bytes);
        }
    }
}

impl State {
    fn check(&self, output: &Output) -> Result<(), IoFailure> {
        if self.failed {
            let source = io::Error::other("an earlier write to it failed");
            return Err(IoFailure::new(Operation::WriteFile, &output.path, source));
        }
        Ok(())
    }

    fn append(&mut self, output: &Output, bytes: &[u8]) -> Result<(), IoFailure> {
        self.check(output)?;
        if self.pending.len() + bytes.len() > BUFFER {
            self.flush(output)?;
        }
        if bytes.len() >= BUFFER {
            return self.write(output, bytes);
        }
        self.pending.extend_from_slice(bytes);
        Ok(())
    }

    /// Hands the gathered bytes to the kernel.
    fn flush(&mut self, output: &Output) -> Result<(), IoFailure> {
        self.check(output)?;
        if self.pending.is_empty() {
            return Ok(());
        }
        let mut pending = std::mem::take(&mut self.pending);
        let written = self.write(output, &pending);
        pending.clear();
        self.pending = pending;
        written
    }

    fn write(&mut self, output: &Output, bytes: &[u8]) -> Result<(), IoFailure> {
        let at = self.end;
        let written = output.write_at(bytes, at);
        self.end = at.saturating_add(bytes.len() as u64);
        if let Some(part) = self.record(at, bytes, &written) {
            output.start_writing(&part);
        }
        written
    }

    /// Records a write that has returned. Returns the part of the file whose writeback is to start now.
    fn record(
        &mut self,
        offset: u64,
        bytes: &[u8],
        written: &Result<(), IoFailure>,
    ) -> Option<Range<u64>> {
        if written.is_err() {
            self.failed = true;
            return None;
        }
        let count = bytes.len() as u64;
        let end = offset.saturating_add(count);
        self.written.add(offset, end);
        if self.unstarted_bytes == 0 {
            self.unstarted = offset..end;
        }
        self.unstarted.start = self.unstarted.start.min(offset);
        self.unstarted.end = self.unstarted.end.max(end);
        self.unstarted_bytes += count;
        (self.unstarted_bytes >= AHEAD).then(|| self.take_unstarted())
    }

    fn take_unstarted(&mut self) -> Range<u64> {
        self.unstarted_bytes = 0;
        std::mem::take(&mut self.unstarted)
    }
}

impl NewFile {
    pub(super) fn new(file: FileHandle, path: PathBuf, disk: Disk) -> Self {
        Self {
            output: Output {
                shows_holes: file.shows_holes(),
                may_start: file.reports_early_writeback(),
                file,
                path,
                disk,
            },
            state: Mutex::default(),
            length: RwLock::default(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.output.path
    }

    pub(crate) fn has_failed(&mut self) -> bool {
        self.own().1.failed
    }

    /// Appends bytes to the file.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<(), IoFailure> {
        let (output, state) = self.own();
        state.append(output, bytes)
    }

    /// Hands the gathered bytes to the kernel.
    pub(crate) fn flush(&mut self) -> Result<(), IoFailure> {
        let (output, state) = self.own();
        state.flush(output)
    }

    /// Appends bytes to the file, as [`append`](Self::append) does.
    pub(crate) fn append_shared(&self, bytes: &[u8]) -> Result<(), IoFailure> {
        self.state().append(&self.output, bytes)
    }

    /// Hands the gathered bytes to the kernel, as [`flush`](Self::flush) does.
    pub(crate) fn flush_shared(&self) -> Result<(), IoFailure> {
        self.state().flush(&self.output)
    }

    /// Writes bytes from an offset on. The gathered bytes go to the kernel first, so that the later call wins where
    /// both wrote.
    pub(crate) fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), IoFailure> {
        let _length_stays = self.length.read().unwrap_or_else(PoisonError::into_inner);
        self.flush_shared()?;
        if bytes.is_empty() {
            return Ok(());
        }
        let written = self.output.write_at(bytes, offset);
        let part = self.state().record(offset, bytes, &written);
        if let Some(part) = part {
            self.output.start_writing(&part);
        }
        written
    }

    /// Sets the file's length, after the gathered bytes have gone to the kernel. The next append does not begin past
    /// the new end.
    pub(crate) fn set_len(&self, length: u64) -> Result<(), IoFailure> {
        let _no_write_at_an_offset = self.length.write().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.state();
        state.flush(&self.output)?;
        let Output {
            file, path, disk, ..
        } = &self.output;
        let set = disk.perform(Operation::SetLength, path, || file.set_len(length));
        state.failed |= set.is_err();
        state.written.clip(length);
        state.end = state.end.min(length);
        state.holds_space &= set.is_err();
        set
    }

    /// Reserves disk space for the file's first bytes. The file's length stays the same, and a failure leaves the bytes
    /// of the file as they are.
    ///
    /// ext4 keeps the part of the space that it has found when a reservation fails, which can be all that was free.
    /// That part is given back at once. The lock keeps a write at an offset from making the file longer meanwhile.
    pub(crate) fn reserve(&self, bytes: u64) -> Result<(), IoFailure> {
        let _no_write_at_an_offset = self.length.write().unwrap_or_else(PoisonError::into_inner);
        let mut state = self.state();
        state.check(&self.output)?;
        let Some(bytes) = NonZeroU64::new(bytes) else {
            return Ok(());
        };
        let Output {
            file, path, disk, ..
        } = &self.output;
        let reserved = disk.perform(Operation::ReserveSpace, path, || file.allocate(bytes));
        // If this fails, too, `finish` does it again.
        state.holds_space = reserved.is_ok() || self.output.give_space_back().is_err();
        reserved
    }

    /// Starts writeback of the bytes that the kernel has, without waiting.
    pub(crate) fn start_writing(&mut self) {
        let (output, state) = self.own();
        output.start_writing(&state.take_unstarted());
    }

    /// Completes the file except for its fsync, which comes later. If the file is large, starts writeback now.
    pub(crate) fn finish(&mut self) -> Result<(), IoFailure> {
        self.flush()?;
        let (output, state) = self.own();
        if state.holds_space {
            output.give_space_back()?;
        }
        state.pending = Vec::new();
        if state.written.end() >= LARGE {
            self.start_writing();
        }
        Ok(())
    }

    /// Makes the bytes durable. Takes the file by value, because a failed fsync cannot be tried again.
    pub(crate) fn sync(mut self) -> Result<(), IoFailure> {
        let Output {
            file, path, disk, ..
        } = &self.output;
        disk.perform(Operation::SyncFile, path, || file.sync())?;
        self.check()
    }

    /// Checks that every byte that was written to a synced file has its place on the disk.
    ///
    /// ext4 drops bytes for which delayed allocation fails. It may report the failure to no process, because the
    /// error goes to the call that started the writeback, which may be the kernel's own. The dropped bytes are then a
    /// hole in the file. Space that is only reserved is a hole, too.
    pub(crate) fn check(&mut self) -> Result<(), IoFailure> {
        let (output, state) = self.own();
        if !output.shows_holes || state.written.end() == 0 {
            return Ok(());
        }
        let Output {
            file, path, disk, ..
        } = output;
        disk.perform(Operation::CheckFile, path, || {
            let mut hole = 0;
            for (start, end) in state.written.iter() {
                if hole < end {
                    hole = file.first_hole(start)?;
                }
                if hole < end {
                    let lost = format!(
                        "bytes {start} to {end} were written, and {} are there without a gap",
                        hole.saturating_sub(start)
                    );
                    return Err(io::Error::other(lost));
                }
            }
            Ok(())
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| {
            // The write in which a thread panicked may be incomplete.
            let mut state = poisoned.into_inner();
            state.failed = true;
            state
        })
    }

    /// Returns the state without a lock.
    fn own(&mut self) -> (&Output, &mut State) {
        let state = match self.state.get_mut() {
            Ok(state) => state,
            Err(poisoned) => {
                let state = poisoned.into_inner();
                state.failed = true;
                state
            }
        };
        (&self.output, state)
    }
}
