//! The handle of an open directory: of the system or, under the feature `sim`, of a simulated disk.
//!
//! In a normal build, the type has one variant, which costs nothing.

#![expect(clippy::disallowed_types, reason = "only `fs` uses `std::fs`")]

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use super::file_handle::FileHandle;
use super::lock_handle::LockHandle;
use super::sys::{self, DirId, DirMark, EntryKind};

/// The device number of everything simulated. The system gives no device such a number.
#[cfg(feature = "sim")]
const SIMULATED_DEVICE: u64 = u64::MAX;

pub(super) enum DirHandle {
    Real(OwnedFd),
    #[cfg(feature = "sim")]
    Simulated(crate::sim::DirHandle),
}

impl DirHandle {
    pub(super) fn file_system_root() -> io::Result<Self> {
        sys::open_file_system_root().map(Self::Real)
    }

    /// Opens a directory, and follows symbolic links. Only the path to a root is opened in this way.
    pub(super) fn look_up(&self, name: &OsStr) -> io::Result<Self> {
        match self {
            Self::Real(fd) => sys::look_up(fd, name).map(Self::Real),
            #[cfg(feature = "sim")]
            Self::Simulated(dir) => dir.open_directory(name).map(Self::Simulated),
        }
    }

    pub(super) fn open_directory(&self, name: &OsStr) -> io::Result<Self> {
        match self {
            Self::Real(fd) => sys::open_directory(fd, name).map(Self::Real),
            #[cfg(feature = "sim")]
            Self::Simulated(dir) => dir.open_directory(name).map(Self::Simulated),
        }
    }

    /// Opens the same directory again, so that it can be listed and synced.
    pub(super) fn reopen(&self) -> io::Result<Self> {
        match self {
            Self::Real(fd) => sys::reopen_directory(fd).map(Self::Real),
            #[cfg(feature = "sim")]
            Self::Simulated(dir) => dir.reopen().map(Self::Simulated),
        }
    }

    /// Opens the directory once more for its lock, or returns `None` on a simulated disk.
    pub(super) fn for_lock(&self) -> io::Result<Option<OwnedFd>> {
        match self {
            Self::Real(fd) => sys::reopen_directory(fd).map(Some),
            #[cfg(feature = "sim")]
            Self::Simulated(_) => Ok(None),
        }
    }

    pub(super) fn create_directory(&self, name: &OsStr) -> io::Result<()> {
        match self {
            Self::Real(fd) => sys::create_directory(fd, name),
            #[cfg(feature = "sim")]
            Self::Simulated(dir) => dir.create_directory(name),
        }
    }

    pub(super) fn remove_directory(&self, name: &OsStr) -> io::Result<()> {
        match self {
            Self::Real(fd) => sys::remove_directory(fd, name),
            #[cfg(feature = "sim")]
            Self::Simulated(dir) => dir.remove_directory(name),
        }
    }

    /// Creates a file. The name must be free, so that the file is never another program's inode.
    pub(super) fn create_file(&self, name: &OsStr) -> io::Result<FileHandle> {
        match self {
            Self::Real(fd) => sys::create_file(fd, name).map(FileHandle::Real),
            #[cfg(feature = "sim")]
            Self::Simulated(dir) => dir.create_file(name).map(FileHandle::Simulated),
        }
    }

    /// Creates a file without a name. On a simulated disk, the file takes no space.
    pub(super) fn create_unnamed(&self) -> io::Result<File> {
        match self {
            Self::Real(fd) => sys::create_unnamed(fd),
            #[cfg(feature = "sim")]
            Self::Simulated(dir) => dir.create_unnamed().and_then(|()| sys::anonymous_file(&[])),
        }
    }

    /// Opens an existing file for reading.
    pub(super) fn open_file(&self, name: &OsStr) -> io::Result<File> {
        match self {
            Self::Real(fd) => sys::open_file(fd, name),
            #[cfg(feature = "sim")]
            Self::Simulated(dir) => sys::anonymous_file(&dir.read_file(name)?),
        }
    }

    /// Returns whether [`open_file_below`](Self::open_file_below) can succeed. A simulated disk has no such call.
    pub(super) const fn opens_below(&self) -> bool {
        matches!(self, Self::Real(_))
    }

    /// Opens an existing file for reading, by its path below this directory.
    pub(super) fn open_file_below(&self, path: &Path) -> io::Result<File> {
        match self {
            Self::Real(fd) => sys::open_file_below(fd, path),
            #[cfg(feature = "sim")]
            Self::Simulated(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Fsyncs a file that another writer wrote.
    pub(super) fn sync_file(&self, name: &OsStr) -> io::Result<()> {
        match self {
            Self::Real(fd) => sys::sync(sys::open_file(fd, name)?),
            #[cfg(feature = "sim")]
            Self::Simulated(dir) => dir.open_file(name)?.sync(),
        }
    }

    /// Opens an existing file for writing.
    pub(super) fn open_to_write(&self, name: &OsStr) -> io::Result<FileHandle> {
        match self {
            Self::Real(fd) => sys::open_to_write(fd, name).map(FileHandle::Real),
            #[cfg(feature = "sim")]
            Self::Simulated(dir) => dir.open_file(name).map(FileHandle::Simulated),
        }
    }

    /// Makes a file hold space and no bytes. A simulated disk has no space to hold.
    pub(super) fn hold_space(&self, name: &OsStr, bytes: u64) -> io::Result<()> {
        match self {
            Self::Real(fd) => sys::hold_space(fd, name, bytes),
            #[cfg(feature = "sim")]
            Self::Simulated(_) => Ok(()),
        }
    }

    pub(super) fn copies_on_write(&self) -> io::Result<bool> {
        match self {
            Self::Real(fd) => sys::copies_on_write(fd),
            #[cfg(feature = "sim")]
            Self::Simulated(_) => Ok(false),
        }
    }

    pub(super) fn free_space(&self) -> io::Result<u64> {
        match self {
            Self::Real(fd) => sys::free_space(fd),
            #[cfg(feature = "sim")]
            Self::Simulated(_) => Ok(u64::MAX),
        }
    }

    /// Returns a path that leads to this directory as long as it is open, even after it is moved.
    pub(super) fn descriptor_path(&self) -> Option<PathBuf> {
        match self {
            Self::Real(fd) => sys::descriptor_path(fd),
            #[cfg(feature = "sim")]
            Self::Simulated(_) => None,
        }
    }

    pub(super) fn open_lock_file(&self, name: &OsStr, create: bool) -> io::Result<LockHandle> {
        match self {
            Self::Real(fd) => sys::open_lock_file(fd, name, create).map(LockHandle::Real),
            #[cfg(feature = "sim")]
            Self::Simulated(dir) => dir.open_lock_file(name, create).map(LockHandle::Simulated),
        }
    }

    pub(super) fn unlink(&self, name: &OsStr) -> io::Result<()> {
        match self {
            Self::Real(fd) => sys::unlink(fd, name),
            #[cfg(feature = "sim")]
            Self::Simulated(dir) => dir.unlink(name),
        }
    }

    /// Renames an entry. Replaces an existing entry only if `replace` is set.
    pub(super) fn rename(
        &self,
        name: &OsStr,
        to: &Self,
        new_name: &OsStr,
        replace: bool,
    ) -> io::Result<()> {
        match (self, to) {
            (Self::Real(from), Self::Real(to)) => sys::rename(from, name, to, new_name, replace),
            #[cfg(feature = "sim")]
            (Self::Simulated(from), Self::Simulated(to)) => {
                from.rename(name, to, new_name, replace)
            }
            #[cfg(feature = "sim")]
            _ => Err(io::ErrorKind::CrossesDevices.into()),
        }
    }

    /// Returns whether the name exists.
    pub(super) fn has(&self, name: &OsStr) -> io::Result<bool> {
        match self {
            Self::Real(fd) => Ok(sys::file_type(fd, name)?.is_some()),
            #[cfg(feature = "sim")]
            Self::Simulated(dir) => dir.has(name),
        }
    }

    /// Returns the kind of the entry with this name, or `None` if there is no such entry.
    pub(super) fn kind_of(&self, name: &OsStr) -> io::Result<Option<EntryKind>> {
        match self {
            Self::Real(fd) => sys::kind_of(fd, name),
            #[cfg(feature = "sim")]
            Self::Simulated(dir) => Ok(dir.is_directory(name)?.map(|is_directory| {
                if is_directory {
                    EntryKind::Directory
                } else {
                    EntryKind::File
                }
            })),
        }
    }

    /// Returns whether the name is a symbolic link. A simulated disk has no symbolic links.
    pub(super) fn is_symbolic_link(&self, name: &OsStr) -> io::Result<bool> {
        match self {
            Self::Real(fd) => sys::is_symbolic_link(fd, name),
            #[cfg(feature = "sim")]
            Self::Simulated(_) => Ok(false),
        }
    }

    pub(super) fn identity(&self) -> io::Result<DirId> {
        match self {
            Self::Real(fd) => sys::identity(fd),
            #[cfg(feature = "sim")]
            Self::Simulated(dir) => Ok(DirId {
                device: SIMULATED_DEVICE,
                inode: dir.identity()?,
            }),
        }
    }

    /// Checks that this process may list, write and enter the directory.
    pub(super) fn check_access(&self) -> io::Result<()> {
        match self {
            Self::Real(fd) => sys::check_access(fd),
            #[cfg(feature = "sim")]
            Self::Simulated(_) => Ok(()),
        }
    }

    /// Returns the names in the directory, sorted, and whether each name is a directory itself.
    pub(super) fn list(&self) -> io::Result<Vec<(OsString, bool)>> {
        match self {
            Self::Real(fd) => sys::list(fd),
            #[cfg(feature = "sim")]
            Self::Simulated(dir) => dir.list(),
        }
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        match self {
            Self::Real(fd) => sys::sync(fd),
            #[cfg(feature = "sim")]
            Self::Simulated(dir) => dir.sync(),
        }
    }

    /// Returns the number of files and directories from which on a sync of the whole file system replaces a sync of
    /// each. Returns `None` if it does not guarantee the same durability.
    pub(super) fn sync_whole_from(&self) -> io::Result<Option<usize>> {
        match self {
            Self::Real(fd) => sys::sync_whole_from(fd),
            #[cfg(feature = "sim")]
            Self::Simulated(dir) => Ok(dir.whole_from().or(Some(sys::MANY))),
        }
    }

    /// Checks that the file system still writes changes.
    pub(super) fn check_file_system(&self) -> io::Result<()> {
        match self {
            Self::Real(fd) => sys::check_file_system(fd),
            #[cfg(feature = "sim")]
            Self::Simulated(dir) => dir.check(),
        }
    }

    /// Returns the mark that distinguishes the directory from all others that have had, or will have, its name.
    pub(super) fn mark(&self) -> io::Result<DirMark> {
        match self {
            Self::Real(fd) => sys::mark(fd),
            #[cfg(feature = "sim")]
            Self::Simulated(dir) => dir.mark().map(DirMark::simulated),
        }
    }

    /// Returns the mark of the entry with this name.
    pub(super) fn mark_of(&self, name: &OsStr) -> io::Result<DirMark> {
        match self {
            Self::Real(fd) => sys::mark_of(fd, name),
            #[cfg(feature = "sim")]
            Self::Simulated(dir) => dir.open_directory(name)?.mark().map(DirMark::simulated),
        }
    }

    pub(super) fn sync_file_system(&self) -> io::Result<()> {
        match self {
            Self::Real(fd) => sys::sync_file_system(fd),
            #[cfg(feature = "sim")]
            Self::Simulated(dir) => dir.sync_file_system(),
        }
    }
}
