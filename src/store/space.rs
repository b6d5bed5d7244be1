//! The disk space that the store needs, taken in advance, so that freeing space on a full disk needs no new space.
//!
//! - The log's space is reserved, so that a commit does not fail half-way. RocksDB takes space only at each write,
//!   and after a failed write the store is closed for writing.
//! - A file without content, the ballast ([`BALLAST`]), holds space. A start or a flush gives it back when the disk
//!   has none. Both write a manifest, a table and a new log before the old ones are deleted.

use std::io;

use super::failure::{BoxError, Full, OpenFailure};
use super::log_format::used;
use super::names::{BALLAST, log_name, log_numbers};
use super::witness::Witnessed;
use crate::failure::IoFailure;
use crate::fs::Dir;

/// Bytes reserved for a log: some ten thousand edits. They demote and delete everything that can be removed from a
/// full disk.
const RESERVED: u64 = 1 << 20;

/// Bytes reserved for a log on a disk with less space.
const RESERVED_ON_A_FULL_DISK: u64 = 384 << 10;

/// Bytes of a log that are filled with zeros: some three thousand commits.
const ZEROS: usize = 256 << 10;

/// The length of a log, in bytes, from which on a new one is begun. A start has to replay this much.
const LONG: u64 = 2 << 20;

/// Bytes that the ballast holds if the disk has them: a new log, manifest and options, and the table of the longest
/// log.
const HELD: u64 = 3 << 20;

/// Bytes that a start needs at most: the table of a long log, a new log, and the files around them.
const FOR_A_START: u64 = LONG + RESERVED + (1 << 20);

/// Free bytes from which on a start keeps the ballast.
const AMPLE: u64 = FOR_A_START;

/// The maximum number of bytes of a key and a value of the library's own.
pub(super) const USUAL_EDIT: usize = 40;

/// Bytes of a log record besides keys and values: the head of the record, the head of the batch, and the lengths.
/// They are counted for every edit.
const AROUND_EDIT: u64 = 32;

/// Returns the maximum number of bytes of the log that an edit of this size takes.
pub(super) const fn edit_size(bytes: usize) -> u64 {
    bytes as u64 + AROUND_EDIT
}

/// The amount of free space at the time of the check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    Ample,
    /// A scarce amount: the ballast has been given back.
    Scarce,
}

/// Prepares the space for a start. If the disk has too little, gives the ballast back.
pub(super) fn before_start(dir: &Dir) -> Result<Room, IoFailure> {
    if dir.free_space()? >= AMPLE {
        return Ok(Room::Ample);
    }
    scarce(dir)
}

/// Gives the ballast back to the disk, regardless of the free space.
pub(super) fn scarce(dir: &Dir) -> Result<Room, IoFailure> {
    give_back(dir)?;
    Ok(Room::Scarce)
}

/// Returns whether the ballast holds any space.
pub(super) fn holds_ballast(dir: &Dir) -> Result<bool, IoFailure> {
    Ok(dir.has(BALLAST)? && !dir.read_file(BALLAST)?.is_empty())
}

/// Gives the ballast back to the disk. Returns whether it existed.
fn give_back(dir: &Dir) -> Result<bool, IoFailure> {
    let exists = dir.has(BALLAST)?;
    if exists {
        dir.release_space(BALLAST)?;
    }
    Ok(exists)
}

/// Takes the ballast again, or the part of it for which the disk has space.
fn take_ballast(dir: &Dir) -> Result<(), IoFailure> {
    for part in [1, 2, 4, 8] {
        match dir.hold_space(BALLAST, HELD / part) {
            Err(failure) if is_full(&failure.source) => {}
            taken => return taken,
        }
    }
    Ok(())
}

/// Returns whether a flush of a log of this length finds its space. Gives the ballast back if necessary.
pub(super) fn for_a_flush(dir: &Dir, used: u64) -> Result<bool, IoFailure> {
    let needed = used + RESERVED;
    Ok(dir.free_space()? >= needed || give_back(dir)? && dir.free_space()? >= needed)
}

/// Removes the empty logs of starts that did not complete, because each start reads all logs.
///
/// The newest log stays, and its name becomes durable before another log is removed, because a store without any log
/// has lost a log.
pub(super) fn remove_empty_logs(dir: &Dir, witnessed: Option<Witnessed>) -> Result<(), IoFailure> {
    let Some(witnessed) = witnessed else {
        return Ok(());
    };
    let mut newer = log_numbers(dir)?;
    newer.retain(|number| *number > witnessed.log);
    newer.pop();
    if newer.is_empty() {
        return Ok(());
    }
    dir.sync()?;
    for number in newer {
        let name = log_name(number);
        if used(&dir.read_file(&name)?) == 0 {
            dir.unlink(&name)?;
        }
    }
    Ok(())
}

/// Converts a failure for lack of space into one with the space that a start needs. Returns any other failure as it
/// is.
pub(super) fn explain(dir: &Dir, failure: OpenFailure) -> OpenFailure {
    let is_full = match &failure {
        // The witness may be on another disk, so only paths in this directory count.
        OpenFailure::Io(failure) => {
            is_full(&failure.source) && failure.path.starts_with(dir.path())
        }
        OpenFailure::Store(failure) => failure.source.downcast_ref().is_some_and(is_full),
        _ => false,
    };
    let source: BoxError = match failure {
        OpenFailure::Io(failure) if is_full => failure.into(),
        OpenFailure::Store(failure) if is_full => failure.into(),
        other => return other,
    };
    OpenFailure::Full(Full {
        needed: FOR_A_START,
        free: dir.free_space().unwrap_or(0),
        source,
    })
}

fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(error.kind(), StorageFull | QuotaExceeded)
}

/// The space of the log for commits.
pub(super) struct LogSpace {
    log: String,
    /// Whether the file system copies on write. An overwritten record then needs new space despite the reservation,
    /// and the ballast is kept for that.
    is_copied: bool,
    reserved: u64,
    /// The maximum number of its bytes that commits have taken.
    used: u64,
}

impl LogSpace {
    /// Reserves the space of a new log, and writes zeros in place of its first records.
    ///
    /// A sync of appended bytes is also a commit of the file system's journal, because the length changes. A sync of
    /// overwritten bytes is not. RocksDB writes at its own offset, regardless of the bytes there, and takes zeros at
    /// the end of a log for its end.
    ///
    /// The ballast is taken again afterwards. The log comes first, because its space is used first.
    pub(super) fn begin(dir: &Dir, log: String, room: Room) -> Result<Self, IoFailure> {
        let mut space = Self {
            log,
            is_copied: dir.copies_on_write()?,
            reserved: 0,
            used: 0,
        };
        let wanted = match room {
            Room::Ample => RESERVED,
            Room::Scarce => RESERVED_ON_A_FULL_DISK,
        };
        space.reserve(dir, wanted)?;
        dir.fill_with_zeros(&space.log, ZEROS)?;
        take_ballast(dir)?;
        Ok(space)
    }

    /// Gives the ballast back if the log's records will need its space.
    pub(super) fn before_commit(&mut self, dir: &Dir) -> Result<(), IoFailure> {
        if self.is_copied && dir.free_space()? < AMPLE {
            // Once, also if it fails: a commit that needs the space finds it missing then.
            self.is_copied = false;
            if give_back(dir)? {
                // Such a file system gives space out again only after the removal is committed. The descriptor is a
                // new one, which does not report earlier failures of other programs.
                dir.reopen()?.sync_file_system()?;
            }
        }
        Ok(())
    }

    pub(super) const fn has(&self, bytes: u64) -> bool {
        self.used + bytes <= self.reserved
    }

    /// Returns whether the log is so long that a new one should be begun.
    pub(super) const fn is_long(&self) -> bool {
        self.used >= LONG
    }

    pub(super) const fn used(&self) -> u64 {
        self.used
    }

    pub(super) const fn take(&mut self, bytes: u64) {
        self.used += bytes;
    }

    /// Reserves the space for these bytes, and gives the ballast back if necessary.
    pub(super) fn extend(&mut self, dir: &Dir, bytes: u64) -> Result<(), IoFailure> {
        let needed = self.used + bytes;
        match self.reserve(dir, needed + RESERVED) {
            Err(failure) if is_full(&failure.source) => {
                give_back(dir)?;
                self.reserve(dir, needed)
            }
            reserved => reserved,
        }
    }

    fn reserve(&mut self, dir: &Dir, bytes: u64) -> Result<(), IoFailure> {
        dir.reserve(&self.log, bytes)?;
        self.reserved = bytes;
        Ok(())
    }
}
