//! Calls about whole file systems: whether one syncs, and still writes, and what it shows of lost bytes.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "this is the room for files"
)]

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::sync::{LazyLock, Mutex, PoisonError};

use rustix::fs::{self, AtFlags};
use rustix::io::Errno;

/// The number of a file system's device.
pub(crate) type Device = (u32, u32);

/// The mark of a directory among all that have had, or will have, its name. A number of an
/// inode is given out again; the time of birth, where the file system keeps it, differs by the ticks of the
/// clock (10 milliseconds at most) that lie between the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DirMark {
    device: Device,
    inode: u64,
    birth: (i64, u32),
}

impl DirMark {
    pub(crate) const fn device(self) -> Device {
        self.device
    }

    /// A simulated disk keeps no time of birth.
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
    let wanted = fs::StatxFlags::INO | fs::StatxFlags::BTIME;
    let stat = fs::statx(dir, "", AtFlags::EMPTY_PATH, wanted)?;
    Ok(DirMark {
        device: (stat.stx_dev_major, stat.stx_dev_minor),
        inode: stat.stx_ino,
        birth: (stat.stx_btime.tv_sec, stat.stx_btime.tv_nsec),
    })
}

pub(in crate::fs) fn sync_file_system(fd: impl AsFd) -> io::Result<()> {
    Ok(fs::syncfs(fd)?)
}

/// ext2 to ext4.
const EXT: i64 = 0xef53;
const BTRFS: i64 = 0x9123_683e;

/// The file systems whose behaviour was measured, by their magic: ext2 to ext4 (one number for all),
/// XFS, btrfs, tmpfs (which keeps nothing anyway). Their `syncfs` writes all data and metadata and
/// waits; others may pass it on to nobody, as FUSE does. They show lost bytes as holes; others may show
/// a hole where zeros were written.
const KNOWN: [i64; 4] = [EXT, 0x5846_5342, BTRFS, 0x0102_1994];

/// Whether a later fsync, or the check for holes, finds every error of writeback that is begun early.
pub(in crate::fs) fn reports_early_writeback(file: &File) -> io::Result<bool> {
    let kind = fs::fstatfs(file)?.f_type;
    Ok(KNOWN.contains(&kind) && (kind != EXT || has_journal(file)?))
}

pub(in crate::fs) fn copies_on_write(fd: impl AsFd) -> io::Result<bool> {
    Ok(fs::fstatfs(fd)?.f_type == BTRFS)
}

/// Whether the file system is one of those whose behaviour was measured.
pub(in crate::fs) fn is_known(fd: impl AsFd) -> io::Result<bool> {
    Ok(KNOWN.contains(&fs::fstatfs(fd)?.f_type))
}

/// Makes sure that a file system still writes changes, by setting a directory's times to now, twice.
///
/// The first change starts a transaction. ext4 notices an aborted journal then, becomes read-only and
/// does not report that to this call; the second change is refused. XFS after a shutdown and btrfs after
/// an aborted transaction refuse the first one. A full disk or a missing permission says nothing of what
/// was written before.
pub(in crate::fs) fn check_file_system(dir: impl AsFd) -> io::Result<()> {
    if !is_known(&dir)? {
        return Ok(());
    }
    change_times(&dir)?;
    change_times(&dir)
}

/// Sets both times to now. A full disk or a missing permission is no failure.
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
/// ext4 without a journal writes an inode in the background, and tells the failure to no fsync: the inode
/// is clean then, and the next fsync does not write it. A change of its times makes it dirty, so that
/// this very fsync writes it, and reports that.
///
/// A directory above the roots may be on a mount for reading only, or another user's: it is fsynced as it
/// is. A file system that has made itself read-only is met by the check at the end of each barrier.
pub(in crate::fs) fn sync(fd: impl AsFd) -> io::Result<()> {
    if fs::fstatfs(&fd)?.f_type == EXT && !has_journal(&fd)? {
        match change_times(&fd) {
            Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => {}
            changed => changed?,
        }
    }
    Ok(fs::fsync(fd)?)
}

/// The first byte of a file without a place on the disk; its length if there is none.
pub(in crate::fs) fn first_hole(file: &File) -> io::Result<u64> {
    Ok(fs::seek(file, fs::SeekFrom::Hole(0))?)
}

/// The first Linux whose `syncfs` tells of every failure: of data since 5.8, of a file system's own
/// work since 5.17.
const TELLS: (u32, u32) = (5, 17);

/// From so many fsyncs on one `syncfs` is cheaper. It also writes what others have left to be written
/// there: with a busy neighbour it costs some ten milliseconds more, and so does an fsync of each of
/// these.
pub(in crate::fs) const MANY: usize = 32;

/// From how many files and directories on `syncfs` replaces an fsync of each; none if it does not
/// promise, and report, as much.
pub(in crate::fs) fn sync_whole_from(fd: impl AsFd) -> io::Result<Option<usize>> {
    let kind = fs::fstatfs(&fd)?.f_type;
    if kind == EXT && !has_journal(&fd)? {
        return Ok(None);
    }
    let release = rustix::system::uname();
    let promises = KNOWN.contains(&kind) && release_of(release.release().to_bytes()) >= Some(TELLS);
    Ok(promises.then_some(MANY))
}

/// The device of a file system, and its own id.
type FileSystemId = (Device, u64);

/// The answers of [`has_journal`], since the last lock. Open roots keep their file systems mounted, and a
/// mounted one does not change its answer.
static JOURNALS: LazyLock<Mutex<HashMap<FileSystemId, bool>>> = LazyLock::new(Mutex::default);

/// Whether this file system of the ext4 driver has a journal. Without one, as on ext2, a background write
/// of inodes that fails is reported to the device's first `sync` of any program, and `syncfs` returned 0
/// over lost files.
///
/// False where `/sys` is not mounted.
fn has_journal(fd: impl AsFd) -> io::Result<bool> {
    let device = mark(&fd)?.device;
    let id = (device, fs::fstatvfs(&fd)?.f_fsid);
    let mut known = JOURNALS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(answer) = known.get(&id) {
        return Ok(*answer);
    }
    // A look that failed is taken again the next time.
    let Some(answer) = is_journalled(device) else {
        return Ok(false);
    };
    known.insert(id, answer);
    Ok(answer)
}

/// Forgets the answers of [`has_journal`]: a file system that was mounted anew has the same id, and may have
/// gained or lost its journal in between.
pub(crate) fn forget_journals() {
    let mut known = JOURNALS.lock().unwrap_or_else(PoisonError::into_inner);
    known.clear();
}

/// The answer of the ext4 driver; none if it does not tell.
fn is_journalled((major, minor): Device) -> Option<bool> {
    let device = std::fs::read_link(format!("/sys/dev/block/{major}:{minor}")).ok()?;
    let driver = std::path::Path::new("/sys/fs/ext4").join(device.file_name()?);
    // The number of the journal's thread, or `<none>`.
    let task = std::fs::read_to_string(driver.join("journal_task")).ok()?;
    Some(task.trim().parse::<u32>().is_ok())
}

/// The first two numbers of a kernel's release.
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
