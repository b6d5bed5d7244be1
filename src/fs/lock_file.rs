//! A file that exists to be locked.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::lock_handle::LockHandle;
use super::sys::{self, DirId};
use crate::failure::{IoFailure, Operation};

/// The most bytes that are read of a lock file; a holder's line is far shorter.
const LONGEST_HOLDER: usize = 256;

/// The directories that this process has locked, and whether its name is in their lock files. No text
/// in a file could tell: the name of this process may be left from an earlier time that it held the lock.
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
    /// This very process; its start may still be on the way.
    ThisProcess { has_started: bool },
    /// A process that has left its name and holds the lock.
    Named(String),
    /// A process that has not left its name yet, or of which it cannot be told from here that it is
    /// the one that did: another user's, or another container's.
    Unknown,
}

impl Holder {
    /// Whether the holder has all the locks that it needs: it does not give way any more.
    pub(crate) const fn is_complete(&self) -> bool {
        match self {
            Self::ThisProcess { has_started } => *has_started,
            Self::Named(_) => true,
            Self::Unknown => false,
        }
    }
}

/// The lock of a directory: on a file in it, which names the holder and which earlier versions of the
/// library lock, and on the directory itself, which no other program can replace.
///
/// Dropping it releases the locks. The kernel also releases them when the process exits or is killed.
pub(crate) struct LockFile {
    file: LockHandle,
    /// The directory, opened for this lock alone. None on a simulated disk, whose locks are not between
    /// processes.
    directory: Option<OwnedFd>,
    path: PathBuf,
    /// The file's, and the directory's.
    ids: Option<(DirId, DirId)>,
    /// The process that holds the lock, if it is this one.
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

    /// Takes the exclusive lock without waiting; or says who has it.
    pub(crate) fn try_lock(&mut self) -> Result<Option<Holder>, IoFailure> {
        // One look at the table and the lock: neither changes in between within this process.
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

    /// A holder that has the directory, but not this file, locked a file of this name that was deleted.
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

    /// Returns the text of the file, if the process that it names has the lock.
    ///
    /// A name is written at the end of a start, so that a start that is refused leaves it as it was, and
    /// it stays when its process is killed. So it may be of somebody who is gone, and whose number is
    /// another's by now: the system is asked whether that process holds this very file's lock.
    fn name_of(&self, id: DirId) -> Option<String> {
        let mut text = [0; LONGEST_HOLDER];
        let length = self.file.writable()?.read_at(&mut text, 0).ok()?;
        let text = String::from_utf8_lossy(text.get(..length)?);
        let name = text.lines().next()?.trim();
        let process: u32 = name.split(' ').next()?.parse().ok()?;
        sys::is_locked_by(process, id).then(|| name.to_owned())
    }

    /// Writes who holds the lock. For people only: on a full disk the line may be missing, and the
    /// lock holds all the same, so a node can start in order to free space.
    pub(crate) fn name_holder(&self, holder: &str) {
        if let Some(file) = self.file.writable() {
            let named = file.set_len(0);
            let _best_effort = named.and_then(|()| file.write_all_at(holder.as_bytes(), 0));
        }
        if let Some((_, directory)) = self.ids {
            LockTable::look().table().insert(directory, true);
        }
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // A child of a fork shares the lock with its parent, and must not release it.
        if self.held_by != Some(std::process::id()) {
            return;
        }
        let mut held = LockTable::look();
        // Closing is not enough: a child that another thread has just forked shares the lock until it
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
