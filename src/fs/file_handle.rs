//! The handle of a file to write: of the system or, under the feature `sim`, of a simulated disk.
//!
//! In a normal build, the type has one variant, which costs nothing.

#![expect(clippy::disallowed_types, reason = "only `fs` uses `std::fs`")]

use std::fs::File;
use std::io;
use std::num::NonZeroU64;

use super::sys;

pub(super) enum FileHandle {
    Real(File),
    #[cfg(feature = "sim")]
    Simulated(crate::sim::FileHandle),
}

impl FileHandle {
    /// Writes bytes from an offset on. The file grows as needed.
    pub(super) fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        match self {
            Self::Real(file) => sys::overwrite(file, offset, bytes),
            #[cfg(feature = "sim")]
            Self::Simulated(file) => file.write_at(bytes, offset),
        }
    }

    pub(super) fn set_len(&self, length: u64) -> io::Result<()> {
        match self {
            Self::Real(file) => sys::cut(file, length),
            #[cfg(feature = "sim")]
            Self::Simulated(file) => file.set_len(length),
        }
    }

    /// Reserves disk space for the first bytes, or fails. On a simulated disk, the call has no effect.
    pub(super) fn allocate(&self, bytes: NonZeroU64) -> io::Result<()> {
        match self {
            Self::Real(file) => sys::allocate(file, bytes),
            #[cfg(feature = "sim")]
            Self::Simulated(_) => Ok(()),
        }
    }

    /// Gives back the space that is reserved past the file's end.
    pub(super) fn give_space_back(&self) -> io::Result<()> {
        match self {
            Self::Real(file) => sys::cut(file, file.metadata()?.len()),
            #[cfg(feature = "sim")]
            Self::Simulated(_) => Ok(()),
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

    /// Returns the offset of the first byte from `from` on without a place on the disk. Past its end, a file has none.
    pub(super) fn first_hole(&self, from: u64) -> io::Result<u64> {
        match self {
            Self::Real(file) => sys::first_hole(file, from),
            #[cfg(feature = "sim")]
            Self::Simulated(file) => file.check(from),
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
