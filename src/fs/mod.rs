//! The file system, as the protocol needs it: directory-relative, with a path in every error.
//!
//! This is a seam. Everything that the library does to files goes through [`Dir`], [`NewFile`] and
//! [`ReadFile`]; [`Disk`] is told of every operation before it happens. In a normal build that is
//! nothing at all; with the hidden feature `sim` a test can watch the operations, make them fail, or
//! have them done by a simulated disk. Only `sys` names the system calls.

mod chain;
mod dir;
mod file;
mod handle;
mod lock_file;
mod lock_handle;
mod resolve;
pub(crate) mod sector;
mod sys;

pub(crate) use chain::{DirChain, DirChains, MOST_OPEN};
pub(crate) use dir::{Dir, Entry};
pub use file::ReadFile;
pub(crate) use file::{NewFile, read_config};
pub(crate) use lock_file::{Holder, LockFile};
pub(crate) use resolve::{Resolved, resolve};
pub(crate) use sys::{Device, DirMark, EntryKind, forget_journals};

use std::io;
use std::path::Path;

use crate::failure::{IoFailure, Operation};

/// The disk that operations go to.
#[derive(Clone, Default)]
pub(crate) struct Disk {
    #[cfg(feature = "sim")]
    pub(crate) probe: Option<crate::sim::Probe>,
    /// The disk in memory, if it is not the system's.
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
    /// The directory that every path begins with.
    #[cfg_attr(
        not(feature = "sim"),
        expect(clippy::unused_self, reason = "the system has one file system root")
    )]
    fn file_system_root(&self) -> io::Result<handle::DirHandle> {
        #[cfg(feature = "sim")]
        if let Some(disk) = &self.simulated {
            return Ok(handle::DirHandle::Simulated(disk.root()));
        }
        handle::DirHandle::file_system_root()
    }

    /// Random bits. On a simulated disk always the same, so that runs can be repeated.
    pub(crate) fn random_bits(&self) -> Result<u128, IoFailure> {
        #[cfg(feature = "sim")]
        if self.simulated.is_some() {
            return Ok(0x5eed);
        }
        let path = Path::new("the system's source of random numbers");
        self.perform(Operation::ReadFile, path, sys::random_bits)
    }

    /// Tells of an operation that is about to happen; an error makes it fail instead.
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

    /// Runs an operation after announcing it, and puts its name and path into its error.
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
