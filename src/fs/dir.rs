//! An open directory, and the operations on the names in it.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use super::Disk;
use super::dir_handle::DirHandle;
use super::file::ReadFile;
use super::lock_file::LockFile;
use super::new_file::NewFile;
use super::scratch::ScratchFile;
use super::sys::{DirId, DirMark, EntryKind};
use crate::failure::{IoFailure, Operation};

/// An open directory. Names are looked up in it and nowhere else, so renaming a parent or planting a symbolic link
/// cannot redirect an operation.
pub(crate) struct Dir {
    handle: DirHandle,
    path: PathBuf,
    disk: Disk,
}

/// An entry of a directory.
pub(crate) struct Entry {
    pub(crate) name: OsString,
    pub(crate) is_directory: bool,
}

impl Dir {
    pub(super) fn new(handle: DirHandle, path: PathBuf, disk: Disk) -> Self {
        Self { handle, path, disk }
    }

    pub(super) fn handle(&self) -> &DirHandle {
        &self.handle
    }

    /// Returns the directory on a simulated disk, or `None` for a directory of the system.
    #[cfg(feature = "sim")]
    pub(crate) fn simulated(&self) -> Option<&crate::sim::DirHandle> {
        match &self.handle {
            DirHandle::Simulated(dir) => Some(dir),
            DirHandle::Real(_) => None,
        }
    }

    /// Returns a path that leads to this directory as long as it is open, even after it is moved. Returns `None` on a
    /// simulated disk, or if `/proc` is not mounted.
    pub(crate) fn descriptor_path(&self) -> Option<PathBuf> {
        self.handle.descriptor_path()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn disk(&self) -> &Disk {
        &self.disk
    }

    pub(crate) fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.path.join(name)
    }

    pub(super) fn perform<T>(
        &self,
        operation: Operation,
        name: &OsStr,
        run: impl FnOnce() -> io::Result<T>,
    ) -> Result<T, IoFailure> {
        self.disk.perform(operation, &self.join(name), run)
    }

    /// Opens the directory of this name, which must exist and must not be a symbolic link.
    pub(crate) fn open_dir(&self, name: impl AsRef<OsStr>) -> Result<Self, IoFailure> {
        let name = name.as_ref();
        let handle = self.perform(Operation::OpenDirectory, name, || {
            self.handle.open_directory(name)
        })?;
        Ok(Self::new(handle, self.join(name), self.disk.clone()))
    }

    /// Opens the directory of this name, or returns `None` if the name does not exist.
    pub(crate) fn find_dir(&self, name: impl AsRef<OsStr>) -> Result<Option<Self>, IoFailure> {
        match self.open_dir(name) {
            Ok(dir) => Ok(Some(dir)),
            Err(error) if error.source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens the directory of this name, and creates it first if the name does not exist.
    pub(crate) fn ensure_dir(&self, name: impl AsRef<OsStr>) -> Result<Self, IoFailure> {
        let name = name.as_ref();
        if let Some(dir) = self.find_dir(name)? {
            return Ok(dir);
        }
        match self.create_dir(name) {
            // Another process created the name first. Opening it shows whether it is a directory.
            Err(error) if error.source.kind() == io::ErrorKind::AlreadyExists => {}
            other => other?,
        }
        self.open_dir(name)
    }

    pub(crate) fn create_dir(&self, name: impl AsRef<OsStr>) -> Result<(), IoFailure> {
        let name = name.as_ref();
        self.perform(Operation::CreateDirectory, name, || {
            self.handle.create_directory(name)
        })
    }

    /// Removes the directory of this name and everything in it. Succeeds if the name does not exist.
    pub(crate) fn remove_tree(&self, name: impl AsRef<OsStr>) -> Result<(), IoFailure> {
        let name = name.as_ref();
        let Some(dir) = self.find_dir(name)? else {
            return Ok(());
        };
        dir.clear()?;
        self.remove_dir(name)
    }

    /// Removes the directory of this name. It must be empty.
    pub(crate) fn remove_dir(&self, name: impl AsRef<OsStr>) -> Result<(), IoFailure> {
        let name = name.as_ref();
        self.perform(Operation::RemoveDirectory, name, || {
            self.handle.remove_directory(name)
        })
    }

    /// Removes the directory of this name, unless it has entries or another thread has removed it. Returns whether it
    /// was removed.
    pub(crate) fn remove_if_empty(&self, name: &str) -> Result<bool, IoFailure> {
        use io::ErrorKind::{AlreadyExists, DirectoryNotEmpty, NotFound};
        match self.remove_dir(name) {
            Ok(()) => Ok(true),
            Err(failure) => match failure.source.kind() {
                // File systems report entries in one of two ways.
                DirectoryNotEmpty | AlreadyExists | NotFound => Ok(false),
                _ => Err(failure),
            },
        }
    }

    /// Removes everything in the directory. The process's descriptors bound the depth.
    pub(crate) fn clear(&self) -> Result<(), IoFailure> {
        for entry in self.list()? {
            if entry.is_directory {
                self.remove_tree(&entry.name)?;
            } else {
                self.unlink(&entry.name)?;
            }
        }
        Ok(())
    }

    /// Returns the entries of the directory, sorted by name.
    pub(crate) fn list(&self) -> Result<Vec<Entry>, IoFailure> {
        let entries = self
            .disk
            .perform(Operation::List, &self.path, || self.handle.list())?;
        let entries = entries.into_iter();
        Ok(entries
            .map(|(name, is_directory)| Entry { name, is_directory })
            .collect())
    }

    /// Returns whether the name exists.
    pub(crate) fn has(&self, name: impl AsRef<OsStr>) -> Result<bool, IoFailure> {
        let name = name.as_ref();
        self.perform(Operation::Inspect, name, || self.handle.has(name))
    }

    /// Returns the kind of the entry with this name, or `None` if there is no such entry.
    pub(crate) fn kind_of(&self, name: impl AsRef<OsStr>) -> Result<Option<EntryKind>, IoFailure> {
        let name = name.as_ref();
        self.perform(Operation::Inspect, name, || self.handle.kind_of(name))
    }

    /// Creates a file. The name must be free.
    pub(crate) fn create_file(&self, name: impl AsRef<OsStr>) -> Result<NewFile, IoFailure> {
        let name = name.as_ref();
        let file = self.perform(Operation::CreateFile, name, || {
            self.handle.create_file(name)
        })?;
        Ok(NewFile::new(file, self.join(name), self.disk.clone()))
    }

    /// Creates a file without a name on the file system of this directory.
    pub(crate) fn create_scratch(&self) -> Result<ScratchFile, IoFailure> {
        let create = || self.handle.create_unnamed();
        let file = self
            .disk
            .perform(Operation::CreateScratch, &self.path, create)?;
        Ok(ScratchFile::new(file, self.path.clone()))
    }

    pub(crate) fn open_file(&self, name: impl AsRef<OsStr>) -> Result<ReadFile, IoFailure> {
        let name = name.as_ref();
        let file = self.perform(Operation::OpenFile, name, || self.handle.open_file(name))?;
        Ok(ReadFile::new(file, self.join(name)))
    }

    /// Opens a file by its path below this directory, in one call. No part of the path may be a symbolic link. Returns
    /// `None` if that fails, or if the kernel has no such call: opening the directories one by one then succeeds, or
    /// fails at the part that is wrong.
    pub(crate) fn open_file_below(&self, path: &Path) -> Result<Option<ReadFile>, IoFailure> {
        if !self.handle.opens_below() {
            return Ok(None);
        }
        let shown = self.join(path);
        let announced = self.disk.announce(Operation::OpenFile, &shown);
        announced.map_err(|error| IoFailure::new(Operation::OpenFile, &shown, error))?;
        let file = self.handle.open_file_below(path).ok();
        Ok(file.map(|file| ReadFile::new(file, shown)))
    }

    /// Fsyncs a file that another writer wrote.
    pub(crate) fn sync_file(&self, name: impl AsRef<OsStr>) -> Result<(), IoFailure> {
        let name = name.as_ref();
        self.perform(Operation::SyncFile, name, || self.handle.sync_file(name))
    }

    /// Returns the bytes of a file.
    pub(crate) fn read_file(&self, name: impl AsRef<OsStr>) -> Result<Vec<u8>, IoFailure> {
        let name = name.as_ref();
        let mut file = self.open_file(name)?;
        self.perform(Operation::ReadFile, name, || {
            let mut bytes = Vec::new();
            io::Read::read_to_end(&mut file, &mut bytes)?;
            Ok(bytes)
        })
    }

    /// Unlinks a file. Returns whether it existed.
    pub(crate) fn unlink(&self, name: impl AsRef<OsStr>) -> Result<bool, IoFailure> {
        let name = name.as_ref();
        match self.perform(Operation::UnlinkFile, name, || self.handle.unlink(name)) {
            Ok(()) => Ok(true),
            Err(error) if error.source.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Opens the lock file, or returns `None` if it does not exist and may not be created.
    pub(crate) fn open_lock_file(
        &self,
        name: &str,
        may_create: bool,
    ) -> Result<Option<LockFile>, IoFailure> {
        if may_create {
            return self.create_lock_file(name).map(Some);
        }
        match self.lock_file(name, false) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Opens the lock file, and creates it first if it does not exist.
    pub(crate) fn create_lock_file(&self, name: &str) -> Result<LockFile, IoFailure> {
        self.lock_file(name, true)
    }

    fn lock_file(&self, name: &str, create: bool) -> Result<LockFile, IoFailure> {
        let (file, directory) = self.perform(Operation::LockFile, name.as_ref(), || {
            let file = self.handle.open_lock_file(name.as_ref(), create)?;
            Ok((file, self.handle.for_lock()?))
        })?;
        Ok(LockFile::new(file, directory, self.join(name)))
    }

    /// Opens the same directory again.
    pub(crate) fn reopen(&self) -> Result<Self, IoFailure> {
        let handle = self
            .disk
            .perform(Operation::OpenDirectory, &self.path, || {
                self.handle.reopen()
            })?;
        Ok(Self::new(handle, self.path.clone(), self.disk.clone()))
    }

    /// Makes the entries of this directory durable.
    pub(crate) fn sync(&self) -> Result<(), IoFailure> {
        self.disk
            .perform(Operation::SyncDirectory, &self.path, || self.handle.sync())
    }

    /// Returns the number of files and directories from which on [`sync_file_system`](Self::sync_file_system)
    /// replaces an fsync of each. Returns `None` if it does not guarantee the same durability, or does not report the
    /// same errors.
    pub(crate) fn sync_whole_from(&self) -> Result<Option<usize>, IoFailure> {
        self.disk.perform(Operation::Inspect, &self.path, || {
            self.handle.sync_whole_from()
        })
    }

    /// Makes everything on this directory's file system durable.
    pub(crate) fn sync_file_system(&self) -> Result<(), IoFailure> {
        self.disk
            .perform(Operation::SyncFileSystem, &self.path, || {
                self.handle.sync_file_system()
            })
    }

    /// Checks that this directory's file system still writes changes, by changing the directory's times.
    pub(crate) fn check_file_system(&self) -> Result<(), IoFailure> {
        self.disk
            .perform(Operation::CheckFileSystem, &self.path, || {
                self.handle.check_file_system()
            })
    }

    /// Returns the mark that distinguishes the directory from all others that have had, or will have, its name.
    pub(crate) fn mark(&self) -> Result<DirMark, IoFailure> {
        self.disk
            .perform(Operation::Inspect, &self.path, || self.handle.mark())
    }

    /// Returns the mark of the entry with this name, or `None` if there is no such entry.
    pub(crate) fn mark_of(&self, name: &str) -> Result<Option<DirMark>, IoFailure> {
        let mark = self.perform(Operation::Inspect, name.as_ref(), || {
            self.handle.mark_of(name.as_ref())
        });
        match mark {
            Ok(mark) => Ok(Some(mark)),
            Err(error) if error.source.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(crate) fn identity(&self) -> Result<DirId, IoFailure> {
        self.disk
            .perform(Operation::Inspect, &self.path, || self.handle.identity())
    }
}
