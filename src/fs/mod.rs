//! File access of the protocol: names are relative to an open directory, and every error has a path.
//!
//! This module is a seam. The library accesses files only through [`Dir`], [`NewFile`] and [`ReadFile`]. Each
//! operation is announced to [`Disk`] before it happens. In a normal build, the announcement does nothing. With the
//! hidden feature `sim`, a test can watch the operations, make them fail, or redirect them to a simulated disk. Only
//! `sys` names the system calls.

mod chain;
mod dir;
mod dir_handle;
mod extents;
mod file;
mod file_handle;
mod lock_file;
mod lock_handle;
mod new_file;
mod resolve;
mod scratch;
pub(crate) mod sector;
mod store_files;
mod sys;

pub(crate) use chain::{DirChain, DirChains, MOST_OPEN};
pub(crate) use dir::{Dir, Entry};
pub use file::ReadFile;
pub(crate) use file::read_config;
pub(crate) use lock_file::{Holder, LockFile};
pub(crate) use new_file::NewFile;
pub(crate) use resolve::{Resolved, resolve};
pub use scratch::ScratchFile;
pub(crate) use sys::{Device, DirMark, EntryKind, forget_journals};

use std::io;
use std::path::Path;

use crate::failure::{IoFailure, Operation};

/// The disk on which operations run.
#[derive(Clone, Default)]
pub(crate) struct Disk {
    #[cfg(feature = "sim")]
    pub(crate) probe: Option<crate::sim::Probe>,
    /// The disk in memory, or `None` for the system's disk.
    #[cfg(feature = "sim")]
    pub(crate) simulated: Option<crate::sim::SimDisk>,
}

#[cfg(feature = "sim")]
impl From<crate::sim::Probe> for Disk {
    fn from(probe: crate::sim::Probe) -> Self {
        Self {
            probe: Some(probe),
            ..Self::default()
        }
    }
}

#[cfg(feature = "sim")]
impl From<&crate::sim::SimDisk> for Disk {
    fn from(disk: &crate::sim::SimDisk) -> Self {
        Self {
            simulated: Some(disk.clone()),
            ..Self::default()
        }
    }
}

impl Disk {
    /// Opens the directory that every path begins with.
    #[cfg_attr(
        not(feature = "sim"),
        expect(clippy::unused_self, reason = "the system has one file system root")
    )]
    fn file_system_root(&self) -> io::Result<dir_handle::DirHandle> {
        #[cfg(feature = "sim")]
        if let Some(disk) = &self.simulated {
            return Ok(dir_handle::DirHandle::Simulated(disk.root()));
        }
        dir_handle::DirHandle::file_system_root()
    }

    /// Returns random bits. A simulated disk always returns the same bits, so that runs can be repeated.
    pub(crate) fn random_bits(&self) -> Result<u128, IoFailure> {
        #[cfg(feature = "sim")]
        if self.simulated.is_some() {
            return Ok(0x5eed);
        }
        let path = Path::new("the system's source of random numbers");
        self.perform(Operation::ReadFile, path, sys::random_bits)
    }

    /// Announces an operation that is about to happen. An error makes the operation fail without running.
    #[cfg_attr(
        not(feature = "sim"),
        expect(
            clippy::unused_self,
            clippy::unnecessary_wraps,
            reason = "the seam does nothing in a normal build"
        )
    )]
    pub(crate) fn announce(&self, operation: Operation, path: &Path) -> io::Result<()> {
        #[cfg(feature = "sim")]
        if let Some(probe) = &self.probe {
            return probe.before(operation, path);
        }
        let _ = (operation, path);
        Ok(())
    }

    /// Announces an operation, runs it, and adds its name and path to its error.
    pub(crate) fn perform<T, E: Into<io::Error>>(
        &self,
        operation: Operation,
        path: &Path,
        run: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, IoFailure> {
        self.announce(operation, path)
            .and_then(|()| run().map_err(Into::into))
            .map_err(|source| IoFailure::new(operation, path, source))
    }
}
