//! Calls on whole file systems: syncing them, checking that they still write, and finding lost bytes.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "only `fs` uses `std::fs`"
)]

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::sync::{LazyLock, Mutex, PoisonError};

use rustix::fs::{self, AtFlags};
use rustix::io::Errno;

/// The device number of a file system.
pub(crate) type Device = (u32, u32);

/// The mark that distinguishes a directory from all others that have had, or will have, its name. Inode numbers are
/// reused. The time of birth, on file systems that keep it, differs by the clock ticks between the two creations; a
/// tick is 10 milliseconds at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DirMark {
    device: Device,
    inode: u64,
    birth: (i64, u32),
}

impl DirMark {
    pub(crate) const fn device(self) -> Device {
        self.device
    }

    /// Returns the mark of a simulated directory. A simulated disk keeps no time of birth.
    #[cfg(feature = "sim")]
    pub(in crate::fs) const fn simulated(inode: u64) -> Self {
        Self {
            device: (0, 0),
            inode,
            birth: (0, 0),
        }
    }
}

pub(in crate::fs) fn mark(dir: impl AsFd) -> io::Result<DirMark> {
    read_mark(dir, OsStr::new(""), AtFlags::EMPTY_PATH)
}

/// Returns the mark of the entry with this name. A symbolic link is not followed.
pub(in crate::fs) fn mark_of(dir: impl AsFd, name: &OsStr) -> io::Result<DirMark> {
    read_mark(dir, name, AtFlags::SYMLINK_NOFOLLOW)
}

fn read_mark(dir: impl AsFd, name: &OsStr, flags: AtFlags) -> io::Result<DirMark> {
    let wanted = fs::StatxFlags::INO | fs::StatxFlags::BTIME;
    let stat = fs::statx(dir, name, flags, wanted)?;
    Ok(DirMark {
        device: (stat.stx_dev_major, stat.stx_dev_minor),
        inode: stat.stx_ino,
        birth: (stat.stx_btime.tv_sec, stat.stx_btime.tv_nsec),
    })
}

pub(in crate::fs) fn sync_file_system(fd: impl AsFd) -> io::Result<()> {
    Ok(fs::syncfs(fd)?)
}

/// The magic number of ext2 to ext4.
const EXT: i64 = 0xef53;
const BTRFS: i64 = 0x9123_683e;

/// The magic numbers of the file systems whose behaviour was measured: ext2 to ext4 (one number for all), XFS, btrfs,
/// and tmpfs (which keeps nothing anyway). Their `syncfs` writes all data and metadata and waits. On other file
/// systems, `syncfs` may do nothing, as on FUSE. The measured file systems show lost bytes as holes. Other file
/// systems may show a hole in place of written zeros.
const KNOWN: [i64; 4] = [EXT, 0x5846_5342, BTRFS, 0x0102_1994];

/// Returns whether a later fsync, or the check for holes, finds every error of writeback that starts early.
pub(in crate::fs) fn reports_early_writeback(file: &File) -> io::Result<bool> {
    let kind = fs::fstatfs(file)?.f_type;
    Ok(KNOWN.contains(&kind) && (kind != EXT || has_journal(file)?))
}

pub(in crate::fs) fn copies_on_write(fd: impl AsFd) -> io::Result<bool> {
    Ok(fs::fstatfs(fd)?.f_type == BTRFS)
}

/// Returns whether the file system is one of those whose behaviour was measured.
pub(in crate::fs) fn is_known(fd: impl AsFd) -> io::Result<bool> {
    Ok(KNOWN.contains(&fs::fstatfs(fd)?.f_type))
}

/// Checks that a file system still writes changes, by setting a directory's times to now, twice.
///
/// The first change starts a transaction. ext4 then notices an aborted journal and becomes read-only, but does not
/// report that to this call; it refuses the second change. XFS after a shutdown, and btrfs after an aborted
/// transaction, refuse the first change. A full disk or a missing permission is ignored, because it says nothing
/// about earlier writes.
pub(in crate::fs) fn check_file_system(dir: impl AsFd) -> io::Result<()> {
    if !is_known(&dir)? {
        return Ok(());
    }
    change_times(&dir)?;
    change_times(&dir)
}

/// Sets both times to now. A full disk or a missing permission is not a failure.
fn change_times(fd: impl AsFd) -> io::Result<()> {
    let now = fs::Timespec {
        tv_sec: 0,
        tv_nsec: fs::UTIME_NOW,
    };
    let times = fs::Timestamps {
        last_access: now,
        last_modification: now,
    };
    match rustix::io::retry_on_intr(|| fs::futimens(&fd, &times)) {
        Err(Errno::NOSPC | Errno::DQUOT | Errno::PERM | Errno::ACCESS) => Ok(()),
        changed => Ok(changed?),
    }
}

/// Fsyncs a file or a directory.
///
/// ext4 without a journal writes inodes in the background. No fsync reports a failure of such a write, because the
/// inode is then clean and the next fsync does not write it. A change of the times makes the inode dirty, so that
/// this very fsync writes it and reports a failure.
///
/// A directory above the roots may be on a read-only mount, or belong to another user. It is fsynced without a change
/// of its times. The check at the end of each barrier finds a file system that has made itself read-only.
pub(in crate::fs) fn sync(fd: impl AsFd) -> io::Result<()> {
    if fs::fstatfs(&fd)?.f_type == EXT && !has_journal(&fd)? {
        match change_times(&fd) {
            Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => {}
            changed => changed?,
        }
    }
    Ok(fs::fsync(fd)?)
}

/// Returns the offset of the first byte from `from` on without a place on the disk. Past its end, a file has none.
pub(in crate::fs) fn first_hole(file: &File, from: u64) -> io::Result<u64> {
    match fs::seek(file, fs::SeekFrom::Hole(from)) {
        Err(Errno::NXIO) => Ok(from),
        found => Ok(found?),
    }
}

/// The first Linux release whose `syncfs` reports every failure: failures of data since 5.8, and failures of a file
/// system's own work since 5.17.
const TELLS: (u32, u32) = (5, 17);

/// The number of fsyncs from which on one `syncfs` is cheaper. `syncfs` also writes the dirty data of other programs
/// on that file system. If another program writes much, `syncfs` costs some ten milliseconds more, and so do this
/// many fsyncs.
pub(in crate::fs) const MANY: usize = 32;

/// Returns the number of files and directories from which on `syncfs` replaces an fsync of each. Returns `None` if
/// `syncfs` does not guarantee the same durability, or does not report the same errors.
pub(in crate::fs) fn sync_whole_from(fd: impl AsFd) -> io::Result<Option<usize>> {
    let kind = fs::fstatfs(&fd)?.f_type;
    if kind == EXT && !has_journal(&fd)? {
        return Ok(None);
    }
    let release = rustix::system::uname();
    let promises = KNOWN.contains(&kind) && release_of(release.release().to_bytes()) >= Some(TELLS);
    Ok(promises.then_some(MANY))
}

/// The device of a file system, and the file system's own id.
type FileSystemId = (Device, u64);

/// The answers of [`has_journal`] since the last lock. Open roots keep their file systems mounted, and the answer for
/// a mounted file system does not change.
static JOURNALS: LazyLock<Mutex<HashMap<FileSystemId, bool>>> = LazyLock::new(Mutex::default);

/// Returns whether this file system of the ext4 driver has a journal, or `false` if `/sys` is not mounted.
///
/// Without a journal, as on ext2, a failed background write of inodes is reported to the device's first `sync` of any
/// program. `syncfs` returned 0 although files were lost.
fn has_journal(fd: impl AsFd) -> io::Result<bool> {
    let device = mark(&fd)?.device;
    let id = (device, fs::fstatvfs(&fd)?.f_fsid);
    let mut known = JOURNALS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(answer) = known.get(&id) {
        return Ok(*answer);
    }
    // A failure is not kept, so that the next call asks the driver again.
    let Some(answer) = is_journalled(device) else {
        return Ok(false);
    };
    known.insert(id, answer);
    Ok(answer)
}

/// Forgets the answers of [`has_journal`]. A file system that is mounted again has the same id, and may have gained
/// or lost its journal in between.
pub(crate) fn forget_journals() {
    let mut known = JOURNALS.lock().unwrap_or_else(PoisonError::into_inner);
    known.clear();
}

/// Returns the answer of the ext4 driver, or `None` if the driver gives no answer.
fn is_journalled((major, minor): Device) -> Option<bool> {
    let device = std::fs::read_link(format!("/sys/dev/block/{major}:{minor}")).ok()?;
    let driver = std::path::Path::new("/sys/fs/ext4").join(device.file_name()?);
    // The file holds the number of the journal's thread, or `<none>`.
    let task = std::fs::read_to_string(driver.join("journal_task")).ok()?;
    Some(task.trim().parse::<u32>().is_ok())
}

/// Returns the first two numbers of a kernel's release.
fn release_of(text: &[u8]) -> Option<(u32, u32)> {
    let mut numbers = text.split(|byte| !byte.is_ascii_digit());
    let mut number = || std::str::from_utf8(numbers.next()?).ok()?.parse().ok();
    Some((number()?, number()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_read_as_far_as_it_is_one() {
        assert_eq!(release_of(b"5.17.0-76-generic"), Some((5, 17)));
        assert_eq!(release_of(b"6.18"), Some((6, 18)));
        assert_eq!(release_of(b"6"), None);
        assert_eq!(release_of(b""), None);
        assert!(release_of(b"5.9.16") < Some(TELLS));
    }
}
