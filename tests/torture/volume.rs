//! A small file system on a loop device, and its failures.
//!
//! The device's bytes are in a sparse file on a small tmpfs. When the tmpfs is full, each write to a part of
//! the device that was never written fails with an I/O error. All other parts keep working.
//!
//! The loop driver reports success for a write that the tmpfs accepted only in part. Therefore no request and
//! no block of a file system is larger than a page, which the tmpfs accepts completely or not at all.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// Options for ext4: the tables of inodes are written when it is created, but the journal is not.
const EXT4: &str = "lazy_journal_init=1,lazy_itable_init=0";

/// A file system that Debian's kernel has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Ext4,
    /// ext4 without a journal, which is how the same driver mounts ext2.
    Ext2,
    Xfs,
    Btrfs,
}

impl Kind {
    pub const ALL: [Self; 4] = [Self::Ext4, Self::Ext2, Self::Xfs, Self::Btrfs];

    pub fn name(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Ext2 => "ext2",
            Self::Xfs => "xfs",
            Self::Btrfs => "btrfs",
        }
    }

    fn megabytes(self) -> usize {
        match self {
            Self::Ext4 | Self::Ext2 => 64,
            Self::Xfs => 320,
            Self::Btrfs => 256,
        }
    }

    fn make(self) -> Vec<&'static str> {
        match self {
            Self::Ext4 => vec!["mkfs.ext4", "-q", "-b", "4096", "-E", EXT4],
            Self::Ext2 => vec![
                "mkfs.ext4",
                "-q",
                "-b",
                "4096",
                "-E",
                EXT4,
                "-O",
                "^has_journal",
            ],
            Self::Xfs => vec!["mkfs.xfs", "-q", "-f", "-K"],
            Self::Btrfs => vec!["mkfs.btrfs", "-q", "-f", "-K", "-m", "single"],
        }
    }

    /// Returns mount options: changes are committed each second, and an error does not cause a panic.
    fn options(self, failure: Failure) -> &'static str {
        match self {
            Self::Ext4 if failure == Failure::ReadOnly => "errors=remount-ro,commit=1,nodiscard",
            Self::Ext2 if failure == Failure::ReadOnly => "errors=remount-ro,nodiscard",
            Self::Ext4 => "errors=continue,commit=1,nodiscard",
            Self::Ext2 => "errors=continue,nodiscard",
            Self::Xfs => "nodiscard",
            Self::Btrfs => "commit=1,nodiscard",
        }
    }

    pub fn failures(self) -> &'static [Failure] {
        use Failure::{Bitmaps, Device, Full, Inodes, Journal, Passing, Quota, ReadOnly, Shutdown};
        match self {
            Self::Ext4 => &[
                Bitmaps, ReadOnly, Journal, Shutdown, Device, Passing, Inodes, Full,
            ],
            Self::Ext2 => &[Bitmaps, ReadOnly, Device, Passing, Inodes, Full],
            Self::Xfs => &[Shutdown, Device, Passing, Full],
            Self::Btrfs => &[Device, Passing, Full, Quota],
        }
    }
}

/// The failure of the file system.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failure {
    /// The bitmaps of used blocks are damaged, and delayed allocation fails.
    Bitmaps,
    /// The bitmaps are damaged, and the file system is remounted read-only at the first error.
    ReadOnly,
    /// A commit of the journal fails in the background; the data can be written.
    Journal,
    /// The file system is shut down.
    Shutdown,
    /// Each write to a part of the device that was never written fails.
    Device,
    /// The device fails only for a while: the kernel's own writeback fails, and then the device works again.
    Passing,
    /// The device fails for a while, but only for the tables of inodes. The data can be written.
    Inodes,
    Full,
    /// The quota is used up, also for root.
    Quota,
}

/// Runs a program and returns its output. The error contains the output of a failed program.
pub fn run(command: &[&str]) -> Result<String, String> {
    let (program, arguments) = command.split_first().ok_or("no program")?;
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{program}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() {
        return Ok(text(&output.stdout));
    }
    Err(format!(
        "{command:?}: {}{}",
        text(&output.stdout),
        text(&output.stderr)
    ))
}

/// A volume, which is unmounted and freed when it is dropped.
pub struct Volume {
    kind: Kind,
    failure: Failure,
    directory: PathBuf,
    device: String,
}

impl Volume {
    /// Creates a volume for one failure below an empty directory, and mounts it.
    pub fn new(directory: &Path, kind: Kind, failure: Failure) -> Result<Self, String> {
        fs::create_dir_all(directory.join("backing")).map_err(|error| error.to_string())?;
        fs::create_dir_all(directory.join("mount")).map_err(|error| error.to_string())?;
        let mut volume = Self {
            kind,
            failure,
            directory: directory.to_path_buf(),
            device: String::new(),
        };
        let megabytes = kind.megabytes();
        let size = format!("size={}m", megabytes + 8);
        run(&[
            "mount",
            "-t",
            "tmpfs",
            "-o",
            &size,
            "none",
            &volume.path("backing"),
        ])?;
        let image = volume.path("backing/image");
        let file = File::create(&image).map_err(|error| error.to_string())?;
        file.set_len((megabytes << 20) as u64)
            .map_err(|error| error.to_string())?;
        volume.device = run(&["losetup", "--show", "-f", &image])?.trim().to_owned();
        let mut make = kind.make();
        make.push(&volume.device);
        run(&make)?;
        let name = volume.device.trim_start_matches("/dev/");
        let largest_request = format!("/sys/block/{name}/queue/max_sectors_kb");
        fs::write(largest_request, "4").map_err(|error| error.to_string())?;
        match failure {
            Failure::Journal => volume.leave_holes_only_in(&volume.journal()?, &image)?,
            Failure::Inodes => volume.leave_holes_only_in(&volume.inode_tables()?, &image)?,
            _ => {}
        }
        volume.mount()?;
        Ok(volume)
    }

    fn path(&self, below: &str) -> String {
        self.directory.join(below).display().to_string()
    }

    /// Returns the mount point.
    pub fn root(&self) -> PathBuf {
        self.directory.join("mount")
    }

    fn mount(&self) -> Result<(), String> {
        let kind = match self.kind {
            Kind::Ext2 => "ext4",
            kind => kind.name(),
        };
        let mount = self.path("mount");
        run(&[
            "mount",
            "-t",
            kind,
            "-o",
            self.kind.options(self.failure),
            &self.device,
            &mount,
        ])
        .map(drop)
    }

    /// Allocates every block on the tmpfs, except the blocks of these ranges after their first.
    fn leave_holes_only_in(&self, ranges: &[(u64, u64)], image: &str) -> Result<(), String> {
        let megabytes = (self.kind.megabytes() << 20).to_string();
        run(&["sync"])?;
        run(&["fallocate", "-l", &megabytes, image])?;
        for (first, last) in ranges {
            let offset = ((first + 1) * self.block_size()?).to_string();
            let length = ((last - first) * self.block_size()?).to_string();
            run(&["fallocate", "-p", "-o", &offset, "-l", &length, image])?;
        }
        Ok(())
    }

    /// Returns the first and the last block of each table of inodes. The first block contains the existing inodes.
    fn inode_tables(&self) -> Result<Vec<(u64, u64)>, String> {
        let text = run(&["dumpe2fs", &self.device])?;
        let after = text.split("Inode table at ").skip(1);
        let ranges = after.map(|text| {
            let (first, rest) = text.split_once('-')?;
            let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
            Some((first.parse().ok()?, digits.parse().ok()?))
        });
        ranges
            .collect::<Option<_>>()
            .ok_or_else(|| "no tables of inodes".to_owned())
    }

    fn block_size(&self) -> Result<u64, String> {
        self.field("Block size:")
    }

    fn field(&self, name: &str) -> Result<u64, String> {
        let text = run(&["dumpe2fs", "-h", &self.device])?;
        let line = text.lines().find_map(|line| line.strip_prefix(name));
        let value = line.and_then(|value| value.trim().parse().ok());
        value.ok_or(format!("dumpe2fs says no `{name}`"))
    }

    /// Returns the first and the last block of each extent of the journal.
    fn journal(&self) -> Result<Vec<(u64, u64)>, String> {
        let text = run(&["debugfs", "-R", "stat <8>", &self.device])?;
        let extents = text
            .split("EXTENTS:")
            .nth(1)
            .ok_or("the journal has no extents")?;
        let mut found = Vec::new();
        for extent in extents.split(", ") {
            let blocks = extent.rsplit(':').next().unwrap_or_default().trim();
            let (first, last) = blocks.split_once('-').unwrap_or((blocks, blocks));
            found.push((first.parse().ok(), last.parse().ok()));
        }
        let found = found.into_iter().map(|(first, last)| first.zip(last));
        found
            .collect::<Option<_>>()
            .ok_or(format!("the journal: {text}"))
    }

    /// Returns the blocks of the bitmaps of used blocks.
    fn bitmaps(&self) -> Result<Vec<u64>, String> {
        let text = run(&["dumpe2fs", &self.device])?;
        let after = text.split("Block bitmap at ").skip(1);
        let numbers = after.map(|text| {
            let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
            digits.parse().ok()
        });
        numbers
            .collect::<Option<_>>()
            .ok_or_else(|| "no bitmaps".to_owned())
    }

    /// Prepares the failure, before the volume is used.
    pub fn prepare(&self) -> Result<(), String> {
        match self.failure {
            Failure::Quota => run(&["btrfs", "quota", "enable", &self.path("mount")]).map(drop),
            Failure::Bitmaps | Failure::ReadOnly => self.damage_bitmaps(),
            _ => Ok(()),
        }
    }

    fn damage_bitmaps(&self) -> Result<(), String> {
        // The disk is filled first, because a block group that was never used has no bitmap on the disk yet.
        let ballast = self.root().join("ballast");
        fill(&ballast)?;
        fs::remove_file(ballast).map_err(|error| error.to_string())?;
        self.unmount()?;
        let size = self.block_size()?.to_string();
        for block in self.bitmaps()? {
            let output = format!("of={}", self.device);
            let (seek, size) = (format!("seek={block}"), format!("bs={size}"));
            run(&[
                "dd",
                "if=/dev/urandom",
                &output,
                &size,
                &seek,
                "count=1",
                "conv=notrunc,fsync",
            ])?;
        }
        self.mount()
    }

    /// Starts the failure.
    pub fn fail(&self) -> Result<(), String> {
        let mount = self.path("mount");
        match self.failure {
            Failure::Bitmaps | Failure::ReadOnly => Ok(()),
            Failure::Shutdown => run(&["xfs_io", "-x", "-c", "shutdown", &mount]).map(drop),
            Failure::Full => fill(&self.root().join("ballast")),
            Failure::Quota => run(&["btrfs", "qgroup", "limit", "64k", &mount]).map(drop),
            Failure::Passing | Failure::Inodes => {
                let ballast = self.directory.join("backing/ballast");
                fill(&ballast)?;
                // Another program makes the kernel write. The error of that program is irrelevant.
                let _ignored = run(&["sync", "-f", &mount]);
                fs::remove_file(ballast).map_err(|error| error.to_string())
            }
            Failure::Device | Failure::Journal => {
                fill(&self.directory.join("backing/ballast"))?;
                // Another program's change is committed in the background, and its commit fails.
                let _ignored = File::create(self.root().join("other"));
                thread::sleep(Duration::from_millis(2_500));
                Ok(())
            }
        }
    }

    /// Unmounts the volume. Tries again, because a process that has just ended may keep the mount busy.
    fn unmount(&self) -> Result<(), String> {
        let mut unmounted = Ok(());
        for _ in 0..50 {
            unmounted = run(&["umount", &self.path("mount")]).map(drop);
            if unmounted.is_ok() {
                break;
            }
            thread::sleep(Duration::from_millis(100));
        }
        unmounted
    }

    /// Ends the failure, repairs the file system as an operator would, and mounts it again.
    pub fn heal(&self) -> Result<(), String> {
        self.unmount()?;
        let _ignored = fs::remove_file(self.directory.join("backing/ballast"));
        if matches!(self.kind, Kind::Ext4 | Kind::Ext2) {
            // The exit code is ignored, because it is nonzero after a successful repair, too.
            let _ignored = run(&["e2fsck", "-fy", &self.device]);
        }
        self.mount()
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        let _ignored = run(&["umount", "-l", &self.path("mount")]);
        if !self.device.is_empty() {
            let _ignored = run(&["losetup", "-d", &self.device]);
        }
        let _ignored = run(&["umount", "-l", &self.path("backing")]);
        let _ignored = fs::remove_dir_all(&self.directory);
    }
}

/// Fills the file system of this file completely.
fn fill(ballast: &Path) -> Result<(), String> {
    let mut file = File::create(ballast).map_err(|error| error.to_string())?;
    for size in [1 << 20, 4096, 1] {
        while file.write_all(&vec![b'-'; size]).is_ok() {}
    }
    let _full = file.sync_all();
    Ok(())
}
