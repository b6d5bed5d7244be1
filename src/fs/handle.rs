//! Handles of open directories and files: of the system or, under the feature `sim`, of a simulated disk.
//!
//! In a normal build, each type has one variant, which costs nothing.

#![expect(clippy::disallowed_types, reason = "only `fs` uses `std::fs`")]

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Write as _};
use std::num::NonZeroU64;
use std::os::fd::OwnedFd;
use std::path::PathBuf;

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

pub(super) enum FileHandle {
    Real(File),
    #[cfg(feature = "sim")]
    Simulated(crate::sim::FileHandle),
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

    /// Opens an existing file for reading.
    pub(super) fn open_file(&self, name: &OsStr) -> io::Result<File> {
        match self {
            Self::Real(fd) => sys::open_file(fd, name),
            #[cfg(feature = "sim")]
            Self::Simulated(dir) => sys::anonymous_file(&dir.read_file(name)?),
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

    pub(super) fn sync_file_system(&self) -> io::Result<()> {
        match self {
            Self::Real(fd) => sys::sync_file_system(fd),
            #[cfg(feature = "sim")]
            Self::Simulated(dir) => dir.sync_file_system(),
        }
    }
}

impl FileHandle {
    pub(super) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Real(file) => file.write_all(bytes),
            #[cfg(feature = "sim")]
            Self::Simulated(file) => file.append(bytes),
        }
    }

    /// Starts writeback of a part of the file, without waiting.
    pub(super) fn start_writing(&self, from: u64, bytes: NonZeroU64) {
        match self {
            Self::Real(file) => sys::start_writing(file, from, bytes),
            #[cfg(feature = "sim")]
            Self::Simulated(_) => {}
        }
    }

    /// Returns whether bytes that writeback has lost show as a hole in the file.
    pub(super) fn shows_holes(&self) -> bool {
        match self {
            Self::Real(file) => sys::is_known(file).unwrap_or(false),
            #[cfg(feature = "sim")]
            Self::Simulated(_) => true,
        }
    }

    /// Returns whether every error of writeback that starts before the fsync is found afterwards.
    pub(super) fn reports_early_writeback(&self) -> bool {
        match self {
            Self::Real(file) => sys::reports_early_writeback(file).unwrap_or(false),
            #[cfg(feature = "sim")]
            Self::Simulated(_) => true,
        }
    }

    /// Returns the offset of the first byte without a place on the disk, or the file's length if there is no hole.
    pub(super) fn first_hole(&mut self) -> io::Result<u64> {
        match self {
            Self::Real(file) => sys::first_hole(file),
            #[cfg(feature = "sim")]
            Self::Simulated(file) => file.check(),
        }
    }

    pub(super) fn cut(&self, length: usize) -> io::Result<()> {
        match self {
            Self::Real(file) => sys::cut(file, length as u64),
            #[cfg(feature = "sim")]
            Self::Simulated(file) => file.cut(length),
        }
    }

    /// Reserves disk space for the first bytes. On a simulated disk, an existing file already has its space.
    pub(super) fn reserve(&self, bytes: u64) -> io::Result<()> {
        match self {
            Self::Real(file) => sys::reserve(file, bytes),
            #[cfg(feature = "sim")]
            Self::Simulated(_) => Ok(()),
        }
    }

    pub(super) fn is_empty(&self) -> io::Result<bool> {
        match self {
            Self::Real(file) => Ok(file.metadata()?.len() == 0),
            #[cfg(feature = "sim")]
            Self::Simulated(file) => file.is_empty(),
        }
    }

    /// Writes zeros from the beginning on. On a simulated disk, one sector stands for all of them: the space behind
    /// it is used, too.
    pub(super) fn write_zeros(&self, zeros: usize) -> io::Result<()> {
        match self {
            Self::Real(file) => sys::overwrite(file, 0, &vec![0; zeros]),
            #[cfg(feature = "sim")]
            Self::Simulated(file) => {
                let few = vec![0; zeros.min(crate::sim::SECTOR_OF_ZEROS)];
                file.write_preallocated(0, &few)
            }
        }
    }

    pub(super) fn overwrite(&self, offset: usize, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Real(file) => sys::overwrite(file, offset as u64, bytes),
            #[cfg(feature = "sim")]
            Self::Simulated(file) => file.write_preallocated(offset, bytes),
        }
    }

    pub(super) fn sync(&self) -> io::Result<()> {
        match self {
            Self::Real(file) => sys::sync(file),
            #[cfg(feature = "sim")]
            Self::Simulated(file) => file.sync(),
        }
    }
}
