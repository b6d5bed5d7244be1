//! A file to lock: a file of the system or, under the feature `sim`, a file of a simulated disk.

#![expect(clippy::disallowed_types, reason = "only `fs` uses `std::fs`")]

use std::fs::File;
use std::io;

use super::sys;

pub(super) enum LockHandle {
    Real(File),
    #[cfg(feature = "sim")]
    Simulated(crate::sim::LockHandle),
}

impl LockHandle {
    /// Takes the lock without waiting. Returns `false` if it is already held.
    pub(super) fn try_lock(&self) -> io::Result<bool> {
        match self {
            Self::Real(file) => sys::try_lock(file),
            #[cfg(feature = "sim")]
            Self::Simulated(file) => Ok(file.try_lock()),
        }
    }

    pub(super) fn unlock(&self) {
        match self {
            Self::Real(file) => sys::unlock(file),
            #[cfg(feature = "sim")]
            Self::Simulated(file) => file.unlock(),
        }
    }

    /// Returns the file for text that people read, or `None` on a simulated disk, which does not keep such text.
    #[cfg_attr(
        not(feature = "sim"),
        expect(
            clippy::unnecessary_wraps,
            reason = "a simulated disk has no such file"
        )
    )]
    pub(super) fn writable(&self) -> Option<&File> {
        match self {
            Self::Real(file) => Some(file),
            #[cfg(feature = "sim")]
            Self::Simulated(_) => None,
        }
    }
}
