//! The system calls. Only this module names `rustix`.

#![expect(clippy::disallowed_types, reason = "only `fs` uses `std::fs`")]

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::num::NonZeroU64;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::{
    self, Access, AtFlags, Dir as DirStream, FallocateFlags, FileType, FlockOperation, Mode,
    OFlags, RenameFlags, ResolveFlags,
};
use rustix::io::Errno;

mod file_system;

#[cfg(feature = "sim")]
pub(super) use file_system::MANY;
pub(crate) use file_system::{Device, DirMark, forget_journals};
pub(super) use file_system::{
    check_file_system, copies_on_write, first_hole, is_known, mark, mark_of,
    reports_early_writeback, sync, sync_file_system, sync_whole_from,
};

/// The kind of a directory entry. Symbolic links are not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    File,
    Directory,
    /// A symbolic link, a device, a socket or a pipe.
    Other,
}

/// The identity of a directory, which is the same for every spelling of its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct DirId {
    pub(super) device: u64,
    pub(super) inode: u64,
}

const FILE_MODE: Mode = Mode::from_raw_mode(0o644);
const DIRECTORY_MODE: Mode = Mode::from_raw_mode(0o755);

/// The flags of a directory in which names are looked up. Opening it needs no permission to read it.
const LOOK_UP: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

/// The flags of a directory that can be listed and synced.
const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

pub(super) fn open_file_system_root() -> io::Result<OwnedFd> {
    Ok(fs::open("/", LOOK_UP, Mode::empty())?)
}

/// Opens a directory, and follows symbolic links. Only the path to a root is opened in this way.
pub(super) fn look_up(dir: impl AsFd, name: &OsStr) -> io::Result<OwnedFd> {
    Ok(fs::openat(dir, name, LOOK_UP, Mode::empty())?)
}

pub(super) fn open_directory(dir: impl AsFd, name: &OsStr) -> io::Result<OwnedFd> {
    let flags = DIRECTORY.union(OFlags::NOFOLLOW);
    match fs::openat(dir, name, flags, Mode::empty()) {
        // With O_NOFOLLOW, a symbolic link is reported as a loop. The error for a wrong kind of entry is clearer.
        Err(Errno::LOOP) => Err(Errno::NOTDIR.into()),
        opened => Ok(opened?),
    }
}

/// Opens the same directory again, so that it can be listed and synced.
pub(super) fn reopen_directory(dir: impl AsFd) -> io::Result<OwnedFd> {
    Ok(fs::openat(dir, ".", DIRECTORY, Mode::empty())?)
}

pub(super) fn create_directory(dir: impl AsFd, name: &OsStr) -> io::Result<()> {
    Ok(fs::mkdirat(dir, name, DIRECTORY_MODE)?)
}

pub(super) fn remove_directory(dir: impl AsFd, name: &OsStr) -> io::Result<()> {
    Ok(fs::unlinkat(dir, name, AtFlags::REMOVEDIR)?)
}

/// Creates a file. The name must be free, so that the file is never another program's inode.
pub(super) fn create_file(dir: impl AsFd, name: &OsStr) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(fs::openat(dir, name, flags, FILE_MODE)?.into())
}

/// Creates a file without a name, which can never get one. It is removed when its last descriptor is closed.
pub(super) fn create_unnamed(dir: impl AsFd) -> io::Result<File> {
    let flags = OFlags::RDWR | OFlags::TMPFILE | OFlags::EXCL | OFlags::CLOEXEC;
    match fs::openat(dir, ".", flags, Mode::RUSR | Mode::WUSR) {
        // A kernel without the flag opens the directory for writing instead.
        Err(Errno::ISDIR) => Err(Errno::OPNOTSUPP.into()),
        created => Ok(created?.into()),
    }
}

/// The flags of a file to read. Opening a pipe does not wait.
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NOFOLLOW)
    .union(OFlags::CLOEXEC)
    .union(OFlags::NONBLOCK);

pub(super) fn open_file(dir: impl AsFd, name: &OsStr) -> io::Result<File> {
    let opened = fs::openat(dir, name, READ, Mode::empty());
    if matches!(opened, Err(Errno::LOOP)) {
        return Err(io::Error::other("it is a symbolic link"));
    }
    regular(opened?.into())
}

/// Opens a file by its path below a directory. The path is resolved in the directory as it is now, and no part of it
/// may be a symbolic link.
pub(super) fn open_file_below(dir: impl AsFd, path: &Path) -> io::Result<File> {
    let opened = fs::openat2(dir, path, READ, Mode::empty(), ResolveFlags::NO_SYMLINKS);
    regular(opened?.into())
}

/// Refuses a file that is not a regular one.
fn regular(file: File) -> io::Result<File> {
    let kind = FileType::from_raw_mode(fs::fstat(&file)?.st_mode);
    if kind.is_file() {
        return Ok(file);
    }
    Err(io::Error::other("it is not a regular file"))
}

/// Opens an existing regular file for writing. Refuses any other kind, because opening a pipe would wait.
pub(super) fn open_to_write(dir: impl AsFd, name: &OsStr) -> io::Result<File> {
    let flags = OFlags::WRONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    regular(fs::openat(dir, name, flags, Mode::empty())?.into())
}

pub(super) fn cut(file: &File, length: u64) -> io::Result<()> {
    Ok(fs::ftruncate(file, length)?)
}

pub(super) fn overwrite(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    file.write_all_at(bytes, offset)
}

/// Reserves disk space for a file's first bytes. The file's length stays the same.
///
/// A file system that cannot reserve space reserves none. This is not an error, because it is no reason to refuse a
/// start.
pub(super) fn reserve(file: &File, bytes: u64) -> io::Result<()> {
    match keep_space(file, bytes) {
        Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        reserved => Ok(reserved?),
    }
}

/// Reserves disk space for a file's first bytes, or fails. The file's length stays the same.
pub(super) fn allocate(file: &File, bytes: NonZeroU64) -> io::Result<()> {
    Ok(keep_space(file, bytes.get())?)
}

fn keep_space(file: &File, bytes: u64) -> rustix::io::Result<()> {
    // The call leaves no half-done effect, so it is repeated after a signal.
    let reserve = || fs::fallocate(file, FallocateFlags::KEEP_SIZE, 0, bytes);
    rustix::io::retry_on_intr(reserve)
}

/// Makes a file hold this much space, and creates the file if it is missing.
pub(super) fn hold_space(dir: impl AsFd, name: &OsStr, bytes: u64) -> io::Result<()> {
    let flags =
        OFlags::WRONLY | OFlags::CREATE | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file: File = fs::openat(dir, name, flags, FILE_MODE)?.into();
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    let held =
        rustix::io::retry_on_intr(|| fs::fallocate(&file, FallocateFlags::empty(), 0, bytes));
    match held {
        Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS) => Ok(()),
        Err(error) => {
            // The failed call may have taken a part of the space.
            cut(&file, 0)?;
            Err(error.into())
        }
    }
}

/// Returns the number of bytes that this process may still take from the file system.
pub(super) fn free_space(fd: impl AsFd) -> io::Result<u64> {
    let found = fs::fstatvfs(fd)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Returns a path that leads to an open directory, even after it is moved, or `None` if `/proc` is not mounted. The
/// path goes through the thread, because the entry of a process is gone when its first thread has ended.
pub(super) fn descriptor_path(fd: &OwnedFd) -> Option<PathBuf> {
    let path = PathBuf::from(format!("/proc/thread-self/fd/{}", fd.as_raw_fd()));
    fs::stat(&path).is_ok().then_some(path)
}

/// Returns whether a process is known to hold the lock on this file. The answer is `false` for processes that this
/// one cannot inspect: another user's process, or a process that it cannot see.
pub(super) fn is_locked_by(process: u32, file: DirId) -> bool {
    let Ok(open) = fs::open(format!("/proc/{process}/fd"), DIRECTORY, Mode::empty()) else {
        return false;
    };
    let descriptors = list(&open).unwrap_or_default();
    descriptors.into_iter().any(|(number, _)| {
        let is_the_file = fs::statat(&open, &number, AtFlags::empty())
            .is_ok_and(|stat| (stat.st_dev, stat.st_ino) == (file.device, file.inode));
        // An open descriptor is not enough: a process that is being refused has the file open, too.
        is_the_file && holds_a_lock(process, &number)
    })
}

fn holds_a_lock(process: u32, descriptor: &OsStr) -> bool {
    let path = Path::new("/proc").join(process.to_string());
    let Ok(mut file) = open_anywhere(&path.join("fdinfo").join(descriptor)) else {
        return false;
    };
    let mut text = String::new();
    let read = io::Read::read_to_string(&mut file, &mut text);
    let mut locks = text.lines().filter(|line| line.starts_with("lock:"));
    read.is_ok() && locks.any(|line| line.contains(" FLOCK "))
}

pub(super) fn open_lock_file(dir: impl AsFd, name: &OsStr, create: bool) -> io::Result<File> {
    // Without NONBLOCK, opening a pipe would wait for its other end.
    let mut flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    flags.set(OFlags::CREATE, create);
    let file: File = fs::openat(dir, name, flags, FILE_MODE)?.into();
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file: move it away"));
    }
    Ok(file)
}

/// Takes the lock without waiting. Returns `false` if it is already held.
pub(super) fn try_lock(file: impl AsFd) -> io::Result<bool> {
    match fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(Errno::WOULDBLOCK) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Takes the lock of a directory without waiting. Returns `false` if it is already held. If the file system has no
/// such locks, the lock file alone decides; NFS, for example, has none without write access.
pub(super) fn try_lock_directory(directory: &OwnedFd) -> io::Result<bool> {
    match fs::flock(directory, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::WOULDBLOCK) => Ok(false),
        Ok(()) | Err(Errno::BADF | Errno::INVAL | Errno::NOLCK | Errno::OPNOTSUPP) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// Releases the lock, as a best effort. A lock that is not released here is released with its last descriptor.
pub(super) fn unlock(file: impl AsFd) {
    let _released = fs::flock(file, FlockOperation::Unlock);
}

pub(super) fn unlink(dir: impl AsFd, name: &OsStr) -> io::Result<()> {
    Ok(fs::unlinkat(dir, name, AtFlags::empty())?)
}

/// Renames an entry. Replaces an existing entry only if `replace` is set.
pub(super) fn rename(
    from: impl AsFd,
    name: &OsStr,
    to: impl AsFd,
    new_name: &OsStr,
    replace: bool,
) -> io::Result<()> {
    let flags = if replace {
        RenameFlags::empty()
    } else {
        RenameFlags::NOREPLACE
    };
    Ok(fs::renameat_with(from, name, to, new_name, flags)?)
}

/// Returns the type of an entry, or `None` if there is no such entry. Symbolic links are not followed.
pub(super) fn file_type(dir: impl AsFd, name: &OsStr) -> io::Result<Option<FileType>> {
    match fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(Some(FileType::from_raw_mode(stat.st_mode))),
        Err(Errno::NOENT) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn kind_of(dir: impl AsFd, name: &OsStr) -> io::Result<Option<EntryKind>> {
    Ok(file_type(dir, name)?.map(|found| match found {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Directory,
        _ => EntryKind::Other,
    }))
}

pub(super) fn is_symbolic_link(dir: impl AsFd, name: &OsStr) -> io::Result<bool> {
    Ok(file_type(dir, name)? == Some(FileType::Symlink))
}

pub(super) fn identity(dir: impl AsFd) -> io::Result<DirId> {
    let stat = fs::fstat(dir)?;
    Ok(DirId {
        device: stat.st_dev,
        inode: stat.st_ino,
    })
}

/// Checks that this process may list, write and enter the directory.
pub(super) fn check_access(dir: impl AsFd) -> io::Result<()> {
    let access = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    Ok(fs::accessat(dir, ".", access, AtFlags::EACCESS)?)
}

/// Returns the names in a directory, sorted, and whether each name is a directory itself.
pub(super) fn list(dir: impl AsFd) -> io::Result<Vec<(OsString, bool)>> {
    let mut entries = Vec::new();
    for entry in DirStream::read_from(dir.as_fd())? {
        let entry = entry?;
        let name = OsString::from_vec(entry.file_name().to_bytes().to_vec());
        if name == "." || name == ".." {
            continue;
        }
        let is_directory = match entry.file_type() {
            FileType::Unknown => file_type(dir.as_fd(), &name)? == Some(FileType::Directory),
            known => known == FileType::Directory,
        };
        entries.push((name, is_directory));
    }
    entries.sort();
    Ok(entries)
}

/// Returns a file without a name that holds these bytes, positioned at its beginning.
#[cfg(feature = "sim")]
pub(super) fn anonymous_file(bytes: &[u8]) -> io::Result<File> {
    use std::io::{Seek as _, Write as _};
    let fd = fs::memfd_create("simulated", fs::MemfdFlags::CLOEXEC)?;
    let mut file = File::from(fd);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file)
}

/// Asks the kernel to start writeback of these bytes of a file, without waiting.
///
/// The advice says that these bytes will not be read soon. The kernel then starts to write the dirty bytes, and
/// therefore drops none of them.
pub(super) fn start_writing(file: impl AsFd, from: u64, bytes: NonZeroU64) {
    let _advice = fs::fadvise(file, from, Some(bytes), fs::Advice::DontNeed);
}

pub(super) fn random_bits() -> io::Result<u128> {
    let mut bytes = [0; 16];
    let mut filled = 0;
    while let Some(rest @ [_, ..]) = bytes.get_mut(filled..) {
        let flags = rustix::rand::GetRandomFlags::empty();
        filled += rustix::io::retry_on_intr(|| rustix::rand::getrandom(&mut *rest, flags))?;
    }
    Ok(u128::from_le_bytes(bytes))
}

/// Opens a file that is not below any root, such as the configuration file.
pub(super) fn open_anywhere(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file: File = fs::open(path, flags, Mode::empty())?.into();
    if file.metadata()?.is_dir() {
        return Err(Errno::ISDIR.into());
    }
    Ok(file)
}
