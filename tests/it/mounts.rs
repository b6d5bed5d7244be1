//! Real file systems: those that a test may mount, and the one that it runs on.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::fixture::{Data, skipped};

/// A mounted file system. Dropping it unmounts the file system.
pub struct Mount(PathBuf);

impl Mount {
    /// Bind-mounts a directory at a second path.
    pub fn bind(from: &Path, at: &Path) -> Option<Self> {
        Self::new(&["--bind".as_ref(), from.as_os_str()], at)
    }

    /// Bind-mounts a directory read-only at a second path. The directory itself can still be written.
    pub fn bind_read_only(from: &Path, at: &Path) -> Option<Self> {
        let mount = Self::bind(from, at)?;
        let remounted = Command::new("mount")
            .args(["-o", "remount,bind,ro"])
            .arg(at)
            .output();
        if remounted.is_ok_and(|output| output.status.success()) {
            return Some(mount);
        }
        skipped("this process may not mount for reading only");
        None
    }

    /// Mounts a small disk in memory.
    pub fn small(at: &Path, megabytes: usize) -> Option<Self> {
        let size = format!("size={megabytes}m");
        Self::new(&["-t", "tmpfs", "-o", &size, "none"].map(OsStr::new), at)
    }

    /// Mounts a small ext4 file system, whose image is at `image`.
    pub fn small_ext4(image: &Path, at: &Path, megabytes: u64) -> Option<Self> {
        std::fs::File::create(image)
            .unwrap()
            .set_len(megabytes << 20)
            .unwrap();
        let made = Command::new("mkfs.ext4").arg("-q").arg(image).output();
        if !made.is_ok_and(|output| output.status.success()) {
            skipped("this machine has no mkfs.ext4");
            return None;
        }
        Self::new(&["-o".as_ref(), "loop".as_ref(), image.as_os_str()], at)
    }

    pub fn read_only(at: &Path) -> Option<Self> {
        let options = ["-t", "tmpfs", "-o", "ro,size=1m", "none"];
        Self::new(&options.map(OsStr::new), at)
    }

    /// Mounts a file system without guarantees for `syncfs`.
    pub fn without_promises(at: &Path) -> Option<Self> {
        Self::new(&["-t", "ramfs", "none"].map(OsStr::new), at)
    }

    /// Mounts with these options. Returns `None` and reports a skipped test if this process may not mount.
    fn new(options: &[&OsStr], at: &Path) -> Option<Self> {
        std::fs::create_dir_all(at).unwrap();
        let mounted = Command::new("mount").args(options).arg(at).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(Self(at.to_path_buf()));
        }
        skipped("this process may not mount");
        None
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        Command::new("umount").arg(&self.0).status().unwrap();
    }
}

/// Returns whether an ext4 file system has a journal, as its driver reports.
fn has_journal(directory: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let device = std::fs::metadata(directory).unwrap().dev();
    let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
    let device = std::fs::read_link(format!("/sys/dev/block/{major}:{minor}"));
    let name = device
        .ok()
        .and_then(|path| Some(path.file_name()?.to_owned()));
    let task = name.map(|name| Path::new("/sys/fs/ext4").join(name).join("journal_task"));
    let task = task.and_then(|task| std::fs::read_to_string(task).ok());
    task.is_some_and(|task| task.trim() != "<none>")
}

/// Returns a data directory on a file system that one `syncfs` is known to sync whole: that of other tests, or a
/// tmpfs. Reports a skipped test if neither qualifies.
pub fn data_synced_whole() -> Option<Data> {
    let usual = Data::new();
    let Err(why) = promises_whole_syncs(usual.outside()) else {
        return Some(usual);
    };
    let tmpfs = Data::below("/dev/shm").ok();
    let tmpfs = tmpfs.filter(|data| promises_whole_syncs(data.outside()).is_ok());
    if tmpfs.is_none() {
        skipped(&why);
    }
    tmpfs
}

/// Returns whether one `syncfs` is known to sync this directory's file system whole; reports a skipped test if
/// not. The library's own answer is not used, because it is under test.
pub fn is_synced_whole(directory: &Path) -> bool {
    let promises = promises_whole_syncs(directory);
    if let Err(why) = &promises {
        skipped(why);
    }
    promises.is_ok()
}

fn promises_whole_syncs(directory: &Path) -> Result<(), String> {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release
        .split(['.', '-'])
        .map(|part| part.parse::<u32>().unwrap_or(0));
    let reports = (numbers.next(), numbers.next()) >= (Some(5), Some(17));
    let stat = Command::new("stat")
        .args(["-f", "-c", "%T"])
        .arg(directory)
        .output();
    let kind = String::from_utf8(stat.unwrap().stdout).unwrap();
    let promises = match kind.trim() {
        "ext2/ext3" => has_journal(directory),
        other => ["xfs", "btrfs", "tmpfs"].contains(&other),
    };
    if reports && promises {
        return Ok(());
    }
    let (kind, release) = (kind.trim(), release.trim());
    Err(format!("{kind} on Linux {release} is not synced whole"))
}
