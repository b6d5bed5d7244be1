//! The disk space that the store needs, taken before it is needed: on a full disk, freeing space needs
//! none.
//!
//! - The log's space is reserved, so that a commit does not fail half-way: RocksDB takes space at each
//!   write only, and after a write that failed the store is closed for writing.
//! - A file without content holds space ([`BALLAST`]) that a start, or a flush, is given back when the
//!   disk has none: they write a manifest, a table and a new log before the old ones go.

use std::io;

use super::failure::{BoxError, Full, OpenFailure};
use super::log_format::used;
use super::names::{BALLAST, log_name, log_numbers};
use super::witness::Witnessed;
use crate::failure::IoFailure;
use crate::fs::Dir;

/// Bytes reserved of a log: some ten thousand edits, which demote and delete whatever a full disk can
/// be freed of.
const RESERVED: u64 = 1 << 20;

/// The same where the disk has less.
const RESERVED_ON_A_FULL_DISK: u64 = 384 << 10;

/// Bytes that are filled with zeros of it: some three thousand commits.
const ZEROS: usize = 256 << 10;

/// Bytes of a log from which on a new one is begun: so much has a start to replay.
const LONG: u64 = 2 << 20;

/// Bytes that the ballast holds if the disk has them: a new log, manifest and options, and the table of
/// a log that is as long as logs become.
const HELD: u64 = 3 << 20;

/// Bytes that a start needs at most: the table of a long log, a new log, and what is around them.
const FOR_A_START: u64 = LONG + RESERVED + (1 << 20);

/// Free bytes from which on a start leaves the ballast alone.
const AMPLE: u64 = FOR_A_START;

/// Bytes of a key and a value, at most, among the library's own.
pub(super) const USUAL_EDIT: usize = 40;

/// Bytes in a record of the log besides keys and values: a record's and a batch's head and the lengths,
/// counted for every edit.
const AROUND_EDIT: u64 = 32;

/// Bytes of the log that an edit of this size takes at most.
pub(super) const fn edit_size(bytes: usize) -> u64 {
    bytes as u64 + AROUND_EDIT
}

/// How much space the disk had when it was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    Ample,
    /// The ballast has been given back.
    Scarce,
}

/// Makes sure of the space for a start, at the expense of the ballast if need be.
pub(super) fn before_start(dir: &Dir) -> Result<Room, IoFailure> {
    if dir.free_space()? >= AMPLE {
        return Ok(Room::Ample);
    }
    scarce(dir)
}

/// Gives the ballast back to the disk, whatever its free space.
pub(super) fn scarce(dir: &Dir) -> Result<Room, IoFailure> {
    give_back(dir)?;
    Ok(Room::Scarce)
}

/// Whether the ballast holds any space.
pub(super) fn holds_ballast(dir: &Dir) -> Result<bool, IoFailure> {
    Ok(dir.has(BALLAST)? && !dir.read_file(BALLAST)?.is_empty())
}

/// Gives the ballast back to the disk. Returns whether there was one.
fn give_back(dir: &Dir) -> Result<bool, IoFailure> {
    let exists = dir.has(BALLAST)?;
    if exists {
        dir.hold_space(BALLAST, 0)?;
    }
    Ok(exists)
}

/// Takes the ballast again, or as much of it as there is.
fn take_ballast(dir: &Dir) -> Result<(), IoFailure> {
    for part in [1, 2, 4, 8] {
        match dir.hold_space(BALLAST, HELD / part) {
            Err(failure) if is_full(&failure.source) => {}
            taken => return taken,
        }
    }
    Ok(())
}

/// Whether a flush of a log of this length finds its space, at the expense of the ballast if need be.
pub(super) fn for_a_flush(dir: &Dir, used: u64) -> Result<bool, IoFailure> {
    let needed = used + RESERVED;
    Ok(dir.free_space()? >= needed || give_back(dir)? && dir.free_space()? >= needed)
}

/// Removes the empty logs of starts that did not get to their end. Each start reads all of them.
///
/// The newest log stays, and its name is durable before another one goes: a store without any log has
/// lost one.
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

/// A failure for want of space, with the space that a start needs; any other as it is.
pub(super) fn explain(dir: &Dir, failure: OpenFailure) -> OpenFailure {
    let is_full = match &failure {
        // The witness is on another disk, perhaps.
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

/// The space of the log that commits go to.
pub(super) struct LogSpace {
    log: String,
    /// Whether the file system copies on write: then an overwritten record needs new space, whatever
    /// was reserved, and the ballast is kept for that.
    is_copied: bool,
    reserved: u64,
    /// Bytes that commits have taken of it, at most.
    used: u64,
}

impl LogSpace {
    /// Reserves the space of a new log, and writes zeros where its first records will be.
    ///
    /// A sync of bytes that are appended is a commit of the file system's journal, too, because the
    /// length changes; one of bytes that are overwritten is not. RocksDB writes where it has come to,
    /// whatever is there, and takes zeros at the end of a log for its end.
    ///
    /// Then the ballast is taken again: the log, whose space is used first, comes first.
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
            self.is_copied = false;
            if give_back(dir)? {
                // Such a file system gives space out again once the removal is committed.
                dir.sync_file_system()?;
            }
        }
        Ok(())
    }

    pub(super) const fn has(&self, bytes: u64) -> bool {
        self.used + bytes <= self.reserved
    }

    /// Whether the log is so long that another one should be begun.
    pub(super) const fn is_long(&self) -> bool {
        self.used >= LONG
    }

    pub(super) const fn used(&self) -> u64 {
        self.used
    }

    pub(super) const fn take(&mut self, bytes: u64) {
        self.used += bytes;
    }

    /// Reserves the space for these bytes, at the expense of the ballast if need be.
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
