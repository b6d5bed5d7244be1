//! Files of a [`SimDisk`] by path, for a program that has files of its own beside the library's.

use std::io;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::disk::SimDisk;
use super::file_handle::FileHandle;
use super::handle::DirHandle;
use super::world::ROOT;

/// A file of a [`SimDisk`], open for appending.
pub struct SimFile {
    handle: FileHandle,
}

/// Files by path.
impl SimDisk {
    pub(crate) fn root(&self) -> DirHandle {
        DirHandle {
            disk: self.clone(),
            inode: ROOT,
            path: PathBuf::from("/"),
        }
    }

    pub(crate) fn directory(&self, path: &Path) -> io::Result<DirHandle> {
        let mut here = self.root();
        for component in path.components() {
            if let Component::Normal(name) = component {
                here = here.open_directory(name)?;
            }
        }
        Ok(here)
    }

    fn parent<'a>(&self, path: &'a Path) -> io::Result<(DirHandle, &'a std::ffi::OsStr)> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let parent = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
        Ok((self.directory(parent)?, name))
    }

    /// Creates a directory. Its entry is durable once its parent has been synced.
    ///
    /// # Errors
    ///
    /// As `mkdir(2)`.
    pub fn create_directory(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let (parent, name) = self.parent(path.as_ref())?;
        parent.create_directory(name)
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    ///
    /// As `rmdir(2)`.
    pub fn remove_directory(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let (parent, name) = self.parent(path.as_ref())?;
        parent.remove_directory(name)
    }

    /// Creates a file under a name that is free.
    ///
    /// # Errors
    ///
    /// As `open(2)` with `O_CREAT` and `O_EXCL`.
    pub fn create_file(&self, path: impl AsRef<Path>) -> io::Result<SimFile> {
        let (parent, name) = self.parent(path.as_ref())?;
        let handle = parent.create_file(name)?;
        Ok(SimFile { handle })
    }

    /// Opens an existing file.
    ///
    /// # Errors
    ///
    /// As `open(2)`.
    pub fn open_file(&self, path: impl AsRef<Path>) -> io::Result<SimFile> {
        let (parent, name) = self.parent(path.as_ref())?;
        let handle = parent.open_file(name)?;
        Ok(SimFile { handle })
    }

    /// Unlinks a file.
    ///
    /// # Errors
    ///
    /// As `unlink(2)`.
    pub fn unlink(&self, path: impl AsRef<Path>) -> io::Result<()> {
        let (parent, name) = self.parent(path.as_ref())?;
        parent.unlink(name)
    }

    /// Renames a file. Replaces an existing entry of the new name.
    ///
    /// # Errors
    ///
    /// As `rename(2)`.
    pub fn rename(&self, from: impl AsRef<Path>, to: impl AsRef<Path>) -> io::Result<()> {
        let (parent, name) = self.parent(from.as_ref())?;
        let (new_parent, new_name) = self.parent(to.as_ref())?;
        parent.rename(name, &new_parent, new_name, true)
    }

    /// Makes the entries of a directory durable, and nothing else.
    ///
    /// # Errors
    ///
    /// As `fsync(2)`.
    pub fn sync_directory(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.directory(path.as_ref())?.sync()
    }

    /// Returns the bytes of a file.
    ///
    /// # Errors
    ///
    /// As `open(2)`.
    pub fn read(&self, path: impl AsRef<Path>) -> io::Result<Arc<[u8]>> {
        let (parent, name) = self.parent(path.as_ref())?;
        parent.read_file(name)
    }
}

impl SimFile {
    /// Appends bytes. A failed call may have appended a part of them.
    ///
    /// # Errors
    ///
    /// As `write(2)`.
    pub fn append(&self, bytes: &[u8]) -> io::Result<()> {
        self.handle.append(bytes)
    }

    /// Writes bytes from `offset` on.
    ///
    /// # Errors
    ///
    /// As `pwrite(2)`.
    pub fn write_at(&self, offset: usize, bytes: &[u8]) -> io::Result<()> {
        self.handle.write_preallocated(offset, bytes)
    }

    /// Shortens the file to this length.
    ///
    /// # Errors
    ///
    /// As `ftruncate(2)`.
    pub fn cut(&self, length: usize) -> io::Result<()> {
        self.handle.cut(length)
    }

    /// Makes the bytes durable, but not the name.
    ///
    /// # Errors
    ///
    /// As `fsync(2)`. The bytes that were pending at the failure can be lost for good.
    ///
    /// # Panics
    ///
    /// Panics if a sync of this file has failed before in this process.
    pub fn sync(&self) -> io::Result<()> {
        self.handle.sync()
    }
}
