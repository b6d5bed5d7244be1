//! The lock file of a directory.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::lock_handle::LockHandle;
use super::sys::{self, DirId};
use crate::failure::{IoFailure, Operation};

/// The maximum number of bytes that are read from a lock file. A holder's line is far shorter.
const LONGEST_HOLDER: usize = 256;

/// The directories that this process has locked, and whether its name is in their lock files. The text of a lock file
/// cannot show this: this process's name may remain from an earlier time that it held the lock.
static HELD: Mutex<Option<HashMap<DirId, bool>>> = Mutex::new(None);

struct LockTable(MutexGuard<'static, Option<HashMap<DirId, bool>>>);

impl LockTable {
    fn look() -> Self {
        Self(HELD.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn table(&mut self) -> &mut HashMap<DirId, bool> {
        self.0.get_or_insert_default()
    }
}

/// The holder of a lock that could not be taken.
pub(crate) enum Holder {
    /// This process itself. Its start may still be in progress.
    ThisProcess { has_started: bool },
    /// A process that holds the lock and has written its name into the file.
    Named(String),
    /// A process that has not written its name yet; or a process of another user or container, which cannot be
    /// verified as the one that the file names.
    Unknown,
}

impl Holder {
    /// Returns whether the holder has all the locks that it needs. Such a holder no longer yields to another start.
    pub(crate) const fn is_complete(&self) -> bool {
        match self {
            Self::ThisProcess { has_started } => *has_started,
            Self::Named(_) => true,
            Self::Unknown => false,
        }
    }
}

/// The lock of a directory, which consists of two locks. One is on a file in the directory; this file names the
/// holder, and earlier versions of the library lock it. The other one is on the directory itself, which no other
/// program can replace.
///
/// Dropping it releases the locks. The kernel also releases them when the process exits or is killed.
pub(crate) struct LockFile {
    file: LockHandle,
    /// The directory, opened for this lock only; `None` on a simulated disk, whose locks are not between processes.
    directory: Option<OwnedFd>,
    path: PathBuf,
    /// The identities of the file and of the directory.
    ids: Option<(DirId, DirId)>,
    /// The id of the process that took the lock; `None` before the lock is taken.
    held_by: Option<u32>,
}

impl LockFile {
    pub(super) fn new(file: LockHandle, directory: Option<OwnedFd>, path: PathBuf) -> Self {
        let file_id = file.writable().and_then(|file| sys::identity(file).ok());
        let directory_id = directory.as_ref().and_then(|dir| sys::identity(dir).ok());
        Self {
            file,
            directory,
            path,
            ids: file_id.zip(directory_id),
            held_by: None,
        }
    }

    /// Takes the exclusive lock without waiting, and returns `None`. If it is held already, returns its holder.
    pub(crate) fn try_lock(&mut self) -> Result<Option<Holder>, IoFailure> {
        // The table's mutex is held from here on: neither the table nor the lock changes in between within this
        // process.
        let mut held = LockTable::look();
        let locked = self.lock_both();
        let is_held = locked.map_err(|e| IoFailure::new(Operation::LockFile, &self.path, e))?;
        let own = self
            .ids
            .map(|(file, directory)| (file, directory, held.table().get(&directory).copied()));
        if is_held {
            self.held_by = Some(std::process::id());
            if let Some((_, directory, _)) = own {
                held.table().insert(directory, false);
            }
            return Ok(None);
        }
        Ok(Some(match own {
            Some((_, _, Some(has_started))) => Holder::ThisProcess { has_started },
            Some((file, _, None)) => self.name_of(file).map_or(Holder::Unknown, Holder::Named),
            None => Holder::Unknown,
        }))
    }

    /// Locks the file and the directory, or neither. A holder that has locked the directory, but not this file,
    /// locked a file of this name that was deleted later.
    fn lock_both(&self) -> io::Result<bool> {
        if !self.file.try_lock()? {
            return Ok(false);
        }
        let Some(directory) = &self.directory else {
            return Ok(true);
        };
        let locked = sys::try_lock_directory(directory);
        if !matches!(locked, Ok(true)) {
            self.file.unlock();
        }
        locked
    }

    /// Returns the name in the file, if the named process holds the lock.
    ///
    /// A start writes its name at its end, so that a refused start leaves the file unchanged. The name also remains
    /// after its process is killed, and the process id may belong to another process by then. The system is therefore
    /// asked whether the named process holds the lock of this very file.
    fn name_of(&self, id: DirId) -> Option<String> {
        let mut text = [0; LONGEST_HOLDER];
        let length = self.file.writable()?.read_at(&mut text, 0).ok()?;
        let text = String::from_utf8_lossy(text.get(..length)?);
        let name = text.lines().next()?.trim();
        let process: u32 = name.split(' ').next()?.parse().ok()?;
        sys::is_locked_by(process, id).then(|| name.to_owned())
    }

    /// Writes the holder's name into the file, for people only. On a full disk the line may be missing. The lock
    /// still holds, so that a node can start in order to free space.
    pub(crate) fn name_holder(&self, holder: &str) {
        if let Some(file) = self.file.writable() {
            // The line comes first: a refused start reads one line only, and truncating a file to nothing costs as much
            // as an fsync on some file systems.
            let named = file.write_all_at(holder.as_bytes(), 0);
            let length = holder.len() as u64;
            let is_longer = || {
                file.metadata()
                    .is_ok_and(|metadata| metadata.len() > length)
            };
            if named.is_ok() && is_longer() {
                let _best_effort = file.set_len(length);
            }
        }
        if let Some((_, directory)) = self.ids {
            LockTable::look().table().insert(directory, true);
        }
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // A forked child shares the lock with its parent, and must not release it.
        if self.held_by != Some(std::process::id()) {
            return;
        }
        let mut held = LockTable::look();
        // Closing the descriptors is not enough: a child that another thread has just forked shares the lock until it
        // executes its program.
        if let Some(directory) = &self.directory {
            sys::unlock(directory);
        }
        self.file.unlock();
        if let Some((_, directory)) = self.ids {
            held.table().remove(&directory);
        }
    }
}
