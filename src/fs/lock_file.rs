//! A file that exists to be locked.

use std::collections::HashMap;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::lock_handle::LockHandle;
use super::real::{self, DirId};
use crate::error::{IoFailure, Operation};

/// What a lock file may hold; a holder's line is far shorter.
const LONGEST_HOLDER: usize = 256;

/// The lock files that this process holds, and whether its name is in them. No text in a file could
/// tell: the name of this process may be left from an earlier time that it held the lock.
static HELD: Mutex<Option<HashMap<DirId, bool>>> = Mutex::new(None);

struct Held(MutexGuard<'static, Option<HashMap<DirId, bool>>>);

impl Held {
    fn look() -> Self {
        Self(HELD.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn table(&mut self) -> &mut HashMap<DirId, bool> {
        self.0.get_or_insert_default()
    }
}

/// Who has a lock that could not be taken.
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
    pub(crate) const fn is_settled(&self) -> bool {
        match self {
            Self::ThisProcess { has_started } => *has_started,
            Self::Named(_) => true,
            Self::Unknown => false,
        }
    }
}

/// An open lock file. Dropping it releases the lock; so does the end of the process, however it comes.
pub(crate) struct LockFile {
    file: LockHandle,
    path: PathBuf,
    /// None on a simulated disk, whose locks are not between processes.
    id: Option<DirId>,
    is_held: bool,
}

impl LockFile {
    pub(super) fn new(file: LockHandle, path: PathBuf) -> Self {
        let id = file.note().and_then(|file| real::identity(file).ok());
        Self {
            file,
            path,
            id,
            is_held: false,
        }
    }

    /// Takes the exclusive lock without waiting; or says who has it.
    pub(crate) fn try_lock(&mut self) -> Result<Option<Holder>, IoFailure> {
        // One look at the table and the lock: neither changes in between within this process.
        let mut held = Held::look();
        let locked = self.file.try_lock();
        self.is_held = locked.map_err(|e| IoFailure::new(Operation::LockFile, &self.path, e))?;
        let own = self.id.map(|id| (id, held.table().get(&id).copied()));
        if self.is_held {
            if let Some((id, _)) = own {
                held.table().insert(id, false);
            }
            return Ok(None);
        }
        Ok(Some(match own {
            Some((_, Some(has_started))) => Holder::ThisProcess { has_started },
            Some((id, None)) => self.name_of(id).map_or(Holder::Unknown, Holder::Named),
            None => Holder::Unknown,
        }))
    }

    /// What is written in the file, if the process that it names has the lock.
    ///
    /// A name is written at the end of a start, so that a start that is refused leaves it as it was, and
    /// it stays when its process is killed. So it may be of somebody who is gone, and whose number is
    /// another's by now: the system is asked whether that process holds this very file's lock.
    fn name_of(&self, id: DirId) -> Option<String> {
        let mut text = [0; LONGEST_HOLDER];
        let length = self.file.note()?.read_at(&mut text, 0).ok()?;
        let text = String::from_utf8_lossy(text.get(..length)?);
        let name = text.lines().next()?.trim();
        let process: u32 = name.split(' ').next()?.parse().ok()?;
        real::is_locked_by(process, id).then(|| name.to_owned())
    }

    /// Writes who holds the lock. For people only: on a full disk the line may be missing, and the
    /// lock holds all the same, so a node can start in order to free space.
    pub(crate) fn name_holder(&self, holder: &str) {
        if let Some(file) = self.file.note() {
            let named = file.set_len(0);
            let _best_effort = named.and_then(|()| file.write_all_at(holder.as_bytes(), 0));
        }
        if let Some(id) = self.id {
            Held::look().table().insert(id, true);
        }
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        if !self.is_held {
            return;
        }
        let mut held = Held::look();
        // Closing is not enough: a child that another thread has just forked shares the lock until it
        // executes its program.
        self.file.unlock();
        if let Some(id) = self.id {
            held.table().remove(&id);
        }
    }
}
