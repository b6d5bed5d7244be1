//! The operations on the files that the library keeps for itself: the store's, the identities and the witness.

use std::ffi::OsStr;
use std::io;

use super::dir::Dir;
use super::file_handle::FileHandle;
use crate::failure::{IoFailure, Operation};

impl Dir {
    /// Durably shortens a file that another writer wrote.
    pub(crate) fn cut_file(&self, name: impl AsRef<OsStr>, length: usize) -> Result<(), IoFailure> {
        let name = name.as_ref();
        let file = self.perform(Operation::CutFile, name, || {
            let file = self.handle().open_to_write(name)?;
            file.cut(length).map(|()| file)
        })?;
        self.sync_written(name, &file)
    }

    /// Reserves disk space for the first bytes of an existing file. The file does not grow.
    pub(crate) fn reserve(&self, name: impl AsRef<OsStr>, bytes: u64) -> Result<(), IoFailure> {
        let name = name.as_ref();
        self.perform(Operation::ReserveSpace, name, || {
            self.handle().open_to_write(name)?.reserve(bytes)
        })
    }

    /// Durably fills the beginning of an existing file with zeros. Only an empty file is filled, so that bytes of
    /// another writer are never overwritten.
    pub(crate) fn fill_with_zeros(
        &self,
        name: impl AsRef<OsStr>,
        zeros: usize,
    ) -> Result<(), IoFailure> {
        let name = name.as_ref();
        let file = self.perform(Operation::WriteFile, name, || {
            let file = self.handle().open_to_write(name)?;
            let is_empty = file.is_empty()?;
            if is_empty {
                file.write_zeros(zeros)?;
            }
            Ok::<_, io::Error>(is_empty.then_some(file))
        })?;
        file.map_or(Ok(()), |file| self.sync_written(name, &file))
    }

    /// Durably overwrites bytes of an existing file in place. The file does not grow.
    pub(crate) fn overwrite(
        &self,
        name: impl AsRef<OsStr>,
        offset: usize,
        bytes: &[u8],
    ) -> Result<(), IoFailure> {
        let name = name.as_ref();
        let file = self.perform(Operation::WriteFile, name, || {
            let file = self.handle().open_to_write(name)?;
            file.overwrite(offset, bytes).map(|()| file)
        })?;
        self.sync_written(name, &file)
    }

    /// Gives the space of an existing file back to the disk. It can be taken only after the truncation is committed.
    pub(crate) fn release_space(&self, name: &str) -> Result<(), IoFailure> {
        let file = self.perform(Operation::ReserveSpace, name.as_ref(), || {
            let file = self.handle().open_to_write(name.as_ref())?;
            file.cut(0).map(|()| file)
        })?;
        self.sync_written(name.as_ref(), &file)
    }

    /// Makes a file hold this many bytes of disk space and nothing else. Held space is not durable.
    pub(crate) fn hold_space(&self, name: &str, bytes: u64) -> Result<(), IoFailure> {
        self.perform(Operation::ReserveSpace, name.as_ref(), || {
            self.handle().hold_space(name.as_ref(), bytes)
        })
    }

    /// Returns whether the file system is known to write a changed byte to another place than the old one.
    pub(crate) fn copies_on_write(&self) -> Result<bool, IoFailure> {
        self.disk().perform(Operation::Inspect, self.path(), || {
            self.handle().copies_on_write()
        })
    }

    /// Returns the number of bytes that this process may still take from the disk.
    pub(crate) fn free_space(&self) -> Result<u64, IoFailure> {
        self.disk().perform(Operation::Inspect, self.path(), || {
            self.handle().free_space()
        })
    }

    /// Fsyncs a file through the descriptor that wrote it.
    fn sync_written(&self, name: &OsStr, file: &FileHandle) -> Result<(), IoFailure> {
        self.perform(Operation::SyncFile, name, || file.sync())
    }

    /// Moves a file to another directory under the same name, which must be free there.
    pub(crate) fn move_file(&self, name: impl AsRef<OsStr>, to: &Self) -> Result<(), IoFailure> {
        let name = name.as_ref();
        self.perform(Operation::RenameFile, name, || {
            self.handle().rename(name, to.handle(), name, false)
        })
    }

    /// Renames a file, and replaces any file of the new name.
    pub(crate) fn replace_file(&self, name: &str, replaced: &str) -> Result<(), IoFailure> {
        self.perform(Operation::RenameFile, name.as_ref(), || {
            self.handle()
                .rename(name.as_ref(), self.handle(), replaced.as_ref(), true)
        })
    }

    /// Durably writes a small file. The content is written under the name `new` first, so that the file under its own
    /// name is always whole.
    pub(crate) fn put_file(&self, new: &str, name: &str, bytes: &[u8]) -> Result<(), IoFailure> {
        self.unlink(new)?;
        let mut file = self.create_file(new)?;
        file.append(bytes)?;
        file.flush()?;
        file.sync()?;
        self.replace_file(new, name)?;
        self.sync()
    }
}
