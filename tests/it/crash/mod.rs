//! Crash tests: the scenarios, the invariants that must hold after each crash, and the tests that crash real
//! processes.

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
/// A scenario accesses the disk only through this trait and frostline's public API. It therefore runs unchanged
/// on a real directory and on a simulated disk.
pub trait Machine {
    fn roots(&self) -> StorageRoots;

    /// Locks the roots, as at the start of a process.
    fn lock(&self) -> Result<LockedRoots, LockError>;

    /// Writes and syncs a file that the library does not own, such as a database in a hot directory. Does not
    /// sync its name.
    fn put_file(&self, path: &Path, bytes: &[u8]) -> io::Result<()>;

    /// Sets the number of barriers from which on a group syncs the whole file system, if the machine supports
    /// it.
    fn sync_whole_from(&self, _barriers: usize) {}

    /// Names the step that follows, for the crash trace.
    fn step(&self, _name: &str) {}
}

impl dyn Machine + '_ {
    /// Starts a node: locks the roots and opens the catalog.
    pub fn open(&self) -> Result<Catalog, Failure> {
        self.step("open");
        Ok(Catalog::open(self.lock()?)?)
    }
}
