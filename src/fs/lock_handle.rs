//! A file to lock: of the system, or, under the feature `sim`, of a simulated disk.

#![expect(clippy::disallowed_types, reason = "this is the room for files")]

use std::fs::File;
use std::io;

use super::sys;

pub(super) enum LockHandle {
    Real(File),
    #[cfg(feature = "sim")]
    Simulated(crate::sim::LockHandle),
}

impl LockHandle {
    /// Takes the lock, or says that somebody has it.
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

    /// The file, to write into it for people to read; a simulated disk does not keep that.
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
