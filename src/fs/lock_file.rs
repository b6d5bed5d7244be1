//! A file that exists to be locked.

use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

use super::handle::LockHandle;
use crate::error::{IoFailure, Operation};

/// What a lock file may hold; a holder's line is far shorter.
const LONGEST_HOLDER: u64 = 256;

/// An open lock file. Dropping it releases the lock; so does the end of the process, however it comes.
pub(crate) struct LockFile {
    file: LockHandle,
    path: PathBuf,
}

impl LockFile {
    pub(super) fn new(file: LockHandle, path: PathBuf) -> Self {
        Self { file, path }
    }

    /// Takes the exclusive lock without waiting; false if somebody has it.
    pub(crate) fn try_lock(&self) -> Result<bool, IoFailure> {
        self.file
            .try_lock()
            .map_err(|error| IoFailure::new(Operation::LockFile, &self.path, error))
    }

    /// What the holder wrote about itself, if it can be read: its name, and its own mark.
    pub(crate) fn holder(&self) -> Option<(String, String)> {
        let mut text = Vec::new();
        let read = self
            .file
            .note()?
            .take(LONGEST_HOLDER)
            .read_to_end(&mut text);
        read.ok()?;
        let text = String::from_utf8_lossy(&text);
        let mut lines = text.lines();
        let name = lines.next()?.trim().to_owned();
        let mark = lines.next().unwrap_or_default().to_owned();
        (!name.is_empty()).then_some((name, mark))
    }

    /// Writes who holds the lock. For people only: on a full disk the line may be missing, and the
    /// lock holds all the same, so a node can start in order to free space.
    pub(crate) fn name_holder(&self, holder: &str) {
        if let Some(file) = self.file.note() {
            let named = file.set_len(0);
            let _best_effort = named.and_then(|()| file.write_all_at(holder.as_bytes(), 0));
        }
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // Closing is not enough: a child that another thread has just forked shares the lock until it
        // executes its program.
        self.file.unlock();
    }
}
