//! The handle of a file to write on a simulated disk.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::content::SECTOR;
use super::disk::SimDisk;
use super::event::{Event, InodeId};
use super::state::{Call, State};

/// A file to write to.
pub(crate) struct FileHandle {
    pub(super) disk: SimDisk,
    pub(super) inode: InodeId,
    pub(super) path: PathBuf,
}

impl FileHandle {
    /// Appends bytes. A failed call may have appended a part of them.
    pub(crate) fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.write_as(Call::Grow, None, bytes)
    }

    /// Writes from an offset on. A failed call may have written a part of the bytes.
    pub(crate) fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let at = in_memory(offset.saturating_add(bytes.len() as u64))? - bytes.len();
        let mut state = self.disk.state();
        // Under the lock of the write: another thread may make the file longer before it.
        let end = self.length(&state);
        self.write_to(&mut state, Call::Grow, (at != end).then_some(at), bytes)
    }

    fn length(&self, state: &State) -> usize {
        let content = state.world.file(self.inode);
        content.map_or(0, |content| content.current().len())
    }

    /// Writes from the offset `at` on, where the file's space is already reserved.
    pub(crate) fn write_preallocated(&self, at: usize, bytes: &[u8]) -> io::Result<()> {
        self.write_as(Call::Change, Some(at), bytes)
    }

    fn write_as(&self, call: Call, at: Option<usize>, bytes: &[u8]) -> io::Result<()> {
        self.write_to(&mut self.disk.state(), call, at, bytes)
    }

    fn write_to(
        &self,
        state: &mut State,
        call: Call,
        at: Option<usize>,
        bytes: &[u8],
    ) -> io::Result<()> {
        let called = state.call(call, "write", &self.path);
        let written = match called {
            Ok(()) => bytes,
            Err(_) => bytes.get(..part(call, at, bytes.len())).unwrap_or_default(),
        };
        if !written.is_empty() {
            let event = Event::Write {
                inode: self.inode,
                at,
                bytes: Arc::from(written),
            };
            state.record(event, "write", &self.path);
        }
        called
    }

    pub(crate) fn is_empty(&self) -> io::Result<bool> {
        let mut state = self.disk.state();
        state.call(Call::Look, "look at", &self.path)?;
        let content = state.world.file(self.inode);
        Ok(content.is_none_or(|content| content.current().is_empty()))
    }

    /// Returns the offset of the first lost byte from `from` on: the file's length, because no byte is lost.
    pub(crate) fn check(&self, from: u64) -> io::Result<u64> {
        let mut state = self.disk.state();
        state.call(Call::Look, "check", &self.path)?;
        Ok(from.max(self.length(&state) as u64))
    }

    /// Sets the file's length. Bytes past the old end are zeros.
    pub(crate) fn set_len(&self, length: u64) -> io::Result<()> {
        let length = in_memory(length)?;
        let mut state = self.disk.state();
        state.call(Call::Change, "set the length of", &self.path)?;
        let inode = self.inode;
        state.record(
            Event::Cut { inode, length },
            "set the length of",
            &self.path,
        );
        Ok(())
    }

    pub(crate) fn cut(&self, length: usize) -> io::Result<()> {
        let mut state = self.disk.state();
        state.call(Call::Change, "cut", &self.path)?;
        let inode = self.inode;
        state.record(Event::Cut { inode, length }, "cut", &self.path);
        Ok(())
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        let inode = self.inode;
        state.call(Call::Sync(inode), "sync", &self.path)?;
        state.record(Event::SyncFile { inode }, "sync", &self.path);
        Ok(())
    }
}

/// Returns the number of bytes that a failing write leaves behind.
///
/// In reserved space the kernel copies page by page: the part ends at a sector boundary. The log's check relies on
/// that.
fn part(call: Call, at: Option<usize>, length: usize) -> usize {
    match at {
        Some(at) if call == Call::Change => {
            let last_sector = (at + length) / SECTOR * SECTOR;
            last_sector.saturating_sub(at)
        }
        _ => length / 2,
    }
}

/// The largest length of a file. Every file is held in memory.
const LONGEST: usize = 1 << 30;

/// Returns a file's length, if a file can have it.
fn in_memory(length: u64) -> io::Result<usize> {
    let length = usize::try_from(length).ok();
    let length = length.filter(|length| *length <= LONGEST);
    length.ok_or_else(|| io::ErrorKind::FileTooLarge.into())
}
