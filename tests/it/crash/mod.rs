//! Crashes: the scenarios that every crash test runs, what must hold after each crash, and the tests
//! that crash real processes.

mod content;
mod faults;
mod mutants;
mod oracle;
mod power;
mod process;
mod scenarios;

use std::io;
use std::path::Path;

use frostline::error::LockError;
use frostline::{Catalog, LockedRoots, StorageRoots};

pub use frostline::Error as Failure;

/// The machine that a node starts on.
///
/// A scenario knows the disk through this and through frostline's public API only, so that it runs
/// unchanged on a real directory and on a disk that exists in memory.
pub trait Machine {
    fn roots(&self) -> StorageRoots;

    /// Locks the roots, as a process that starts does.
    fn lock(&self) -> Result<LockedRoots, LockError>;

    /// Writes a file of somebody else's, such as a database in a hot directory, and syncs it, but not
    /// its name.
    fn put_file(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// From so many barriers on a group syncs the file system as a whole, if the machine's disk can be
    /// told so.
    fn sync_whole_from(&self, _barriers: usize) {}

    /// Tells whoever watches which step follows.
    fn step(&self, _name: &str) {}
}

impl dyn Machine + '_ {
    /// Starts: locks the roots and opens the catalog.
    pub fn open(&self) -> Result<Catalog, Failure> {
        self.step("open");
        Ok(Catalog::open(self.lock()?)?)
    }
}
