//! The handles of a simulated disk: open directories and locks.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::disk::SimDisk;
use super::event::{Event, InodeId};
use super::file_handle::FileHandle;
use super::state::{Call, State};

/// An open directory.
pub(crate) struct DirHandle {
    pub(super) disk: SimDisk,
    pub(super) inode: InodeId,
    pub(super) path: PathBuf,
}

/// A file to lock. The content of such a file is not modelled.
pub(crate) struct LockHandle {
    disk: SimDisk,
    inode: InodeId,
    held: AtomicBool,
}

impl DirHandle {
    pub(crate) fn disk(&self) -> &SimDisk {
        &self.disk
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn reopen(&self) -> io::Result<Self> {
        self.open_directory(".".as_ref())
    }

    /// Runs a call on a name in this directory.
    fn call<T>(
        &self,
        call: Call,
        verb: &str,
        name: &OsStr,
        run: impl FnOnce(&mut State, &Path) -> io::Result<T>,
    ) -> io::Result<T> {
        let path = self.path.join(name);
        let mut state = self.disk.state();
        state.call(call, verb, &path)?;
        run(&mut state, &path)
    }

    fn handle(&self, inode: InodeId, path: &Path) -> Self {
        Self {
            disk: self.disk.clone(),
            inode,
            path: path.to_path_buf(),
        }
    }

    /// Opens the directory of this name. Supports `.` and `..`.
    pub(crate) fn open_directory(&self, name: &OsStr) -> io::Result<Self> {
        self.call(Call::Look, "open directory", name, |state, path| {
            if name == "." {
                return Ok(self.handle(self.inode, &self.path));
            }
            if name == ".." {
                let above = self.path.parent().unwrap_or(&self.path);
                let inode = state.world.find(above).ok_or(io::ErrorKind::NotFound)?;
                return Ok(self.handle(inode, above));
            }
            let inode = self.entry(state, name).ok_or(io::ErrorKind::NotFound)?;
            match state.world.directory(inode) {
                Some(_) => Ok(self.handle(inode, path)),
                None => Err(io::ErrorKind::NotADirectory.into()),
            }
        })
    }

    fn entry(&self, state: &State, name: &OsStr) -> Option<InodeId> {
        state.world.directory(self.inode)?.get(name)
    }

    fn free(&self, state: &State, name: &OsStr) -> io::Result<()> {
        match self.entry(state, name) {
            None => Ok(()),
            Some(_) => Err(io::ErrorKind::AlreadyExists.into()),
        }
    }

    fn file_inode(&self, state: &State, name: &OsStr) -> io::Result<InodeId> {
        let inode = self.entry(state, name).ok_or(io::ErrorKind::NotFound)?;
        match state.world.file(inode) {
            Some(_) => Ok(inode),
            None => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    pub(crate) fn create_directory(&self, name: &OsStr) -> io::Result<()> {
        self.call(Call::Grow, "mkdir", name, |state, path| {
            self.free(state, name)?;
            let event = Event::CreateDirectory {
                parent: self.inode,
                name: name.to_owned(),
                inode: state.world.next_inode(),
            };
            state.record(event, "mkdir", path);
            Ok(())
        })
    }

    pub(crate) fn remove_directory(&self, name: &OsStr) -> io::Result<()> {
        self.call(Call::Change, "rmdir", name, |state, path| {
            let inode = self.entry(state, name).ok_or(io::ErrorKind::NotFound)?;
            let entries = state.world.directory(inode);
            if !entries.ok_or(io::ErrorKind::NotADirectory)?.is_empty() {
                return Err(io::ErrorKind::DirectoryNotEmpty.into());
            }
            let event = Event::RemoveDirectory {
                parent: self.inode,
                name: name.to_owned(),
            };
            state.record(event, "rmdir", path);
            Ok(())
        })
    }

    pub(crate) fn create_file(&self, name: &OsStr) -> io::Result<FileHandle> {
        self.call(Call::Grow, "create", name, |state, path| {
            self.free(state, name)?;
            let inode = state.world.next_inode();
            let event = Event::CreateFile {
                parent: self.inode,
                name: name.to_owned(),
                inode,
            };
            state.record(event, "create", path);
            Ok(self.file(inode, path))
        })
    }

    /// Records the creation of a file without a name. A crash leaves nothing of the file, so it is no part of the disk.
    pub(crate) fn create_unnamed(&self) -> io::Result<()> {
        let name = OsStr::new("");
        self.call(Call::Grow, "create a file in", name, |_, _| Ok(()))
    }

    fn file(&self, inode: InodeId, path: &Path) -> FileHandle {
        FileHandle {
            disk: self.disk.clone(),
            inode,
            path: path.to_path_buf(),
        }
    }

    pub(crate) fn read_file(&self, name: &OsStr) -> io::Result<Arc<[u8]>> {
        self.call(Call::Look, "read", name, |state, _| {
            let inode = self.file_inode(state, name)?;
            let content = state.world.file(inode);
            Ok(content.ok_or(io::ErrorKind::NotFound)?.current())
        })
    }

    /// Opens an existing file, to append to it or to sync it.
    pub(crate) fn open_file(&self, name: &OsStr) -> io::Result<FileHandle> {
        self.call(Call::Look, "open", name, |state, path| {
            let inode = self.file_inode(state, name)?;
            Ok(self.file(inode, path))
        })
    }

    pub(crate) fn open_lock_file(&self, name: &OsStr, create: bool) -> io::Result<LockHandle> {
        let inode = match self.open_file(name) {
            Err(error) if create && error.kind() == io::ErrorKind::NotFound => {
                self.create_file(name)?.inode
            }
            opened => opened?.inode,
        };
        Ok(LockHandle {
            disk: self.disk.clone(),
            inode,
            held: AtomicBool::new(false),
        })
    }

    pub(crate) fn unlink(&self, name: &OsStr) -> io::Result<()> {
        self.call(Call::Change, "unlink", name, |state, path| {
            self.file_inode(state, name)?;
            let event = Event::Unlink {
                parent: self.inode,
                name: name.to_owned(),
            };
            state.record(event, "unlink", path);
            Ok(())
        })
    }

    pub(crate) fn rename(
        &self,
        name: &OsStr,
        to: &Self,
        new_name: &OsStr,
        replace: bool,
    ) -> io::Result<()> {
        self.call(Call::Change, "rename", name, |state, path| {
            self.entry(state, name).ok_or(io::ErrorKind::NotFound)?;
            if !replace {
                to.free(state, new_name)?;
            }
            let event = Event::Rename {
                from: self.inode,
                name: name.to_owned(),
                to: to.inode,
                new_name: new_name.to_owned(),
            };
            let verb = format!("rename to {} from", to.path.join(new_name).display());
            state.record(event, &verb, path);
            Ok(())
        })
    }

    pub(crate) fn has(&self, name: &OsStr) -> io::Result<bool> {
        self.call(Call::Look, "look at", name, |state, _| {
            Ok(self.entry(state, name).is_some())
        })
    }

    /// Returns whether the entry of this name is a directory, or `None` if there is no entry.
    pub(crate) fn is_directory(&self, name: &OsStr) -> io::Result<Option<bool>> {
        self.call(Call::Look, "look at", name, |state, _| {
            let inode = self.entry(state, name);
            Ok(inode.map(|inode| state.world.directory(inode).is_some()))
        })
    }

    /// Returns the names in the directory, sorted, and whether each is a directory itself.
    pub(crate) fn list(&self) -> io::Result<Vec<(OsString, bool)>> {
        self.call(Call::Look, "list", OsStr::new(""), |state, _| {
            let entries = state.world.directory(self.inode);
            let entries = entries.ok_or(io::ErrorKind::NotFound)?.current();
            let is_directory = |inode: InodeId| state.world.directory(inode).is_some();
            Ok(entries
                .map(|(name, inode)| (name.clone(), is_directory(inode)))
                .collect::<BTreeMap<_, _>>()
                .into_iter()
                .collect())
        })
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        let inode = self.inode;
        self.call(
            Call::Sync(inode),
            "sync directory",
            OsStr::new(""),
            |state, _| {
                state.record(Event::SyncDirectory { inode }, "sync directory", &self.path);
                Ok(())
            },
        )
    }

    /// Checks that the disk still accepts changes. The check has no effect that a power cut could undo: a real
    /// check sets times, and no code depends on them.
    pub(crate) fn check(&self) -> io::Result<()> {
        self.call(Call::Look, "check", OsStr::new(""), |_, _| Ok(()))
    }

    pub(crate) fn sync_file_system(&self) -> io::Result<()> {
        self.call(
            Call::SyncAll,
            "sync the file system of",
            OsStr::new(""),
            |state, _| {
                state.record(Event::SyncAll, "sync the file system of", &self.path);
                Ok(())
            },
        )
    }

    /// Returns the number of barriers from which on one sync of the file system replaces them, if it is set.
    pub(crate) fn whole_from(&self) -> Option<usize> {
        self.disk.state().world.whole_from
    }

    /// Returns a number that distinguishes a directory from others of its name, or 0 if inode numbers are reused.
    pub(crate) fn mark(&self) -> io::Result<u64> {
        let reuses = self.disk.state().world.reuses_numbers;
        Ok(if reuses { 0 } else { self.identity()? })
    }

    /// Returns the identity of the directory.
    pub(crate) fn identity(&self) -> io::Result<u64> {
        self.call(Call::Look, "look at", OsStr::new(""), |_, _| {
            Ok(self.inode.0 as u64)
        })
    }
}

impl LockHandle {
    pub(crate) fn try_lock(&self) -> bool {
        let taken = self.disk.state().locked.insert(self.inode);
        self.held.fetch_or(taken, Ordering::Relaxed);
        taken
    }

    pub(crate) fn unlock(&self) {
        if self.held.swap(false, Ordering::Relaxed) {
            self.disk.state().locked.remove(&self.inode);
        }
    }
}
