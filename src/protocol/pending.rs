//! Files and directories that still need a barrier.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::open_dirs::SharedDir;
use crate::domain::{ArtifactLocation, DirPath};
use crate::failure::SyncRefusal;
use crate::fs::{DirMark, NewFile};

/// Proof that a set of files, and every entry that leads to one, is on stable storage. For a set with files
/// only [`Barriers::make_durable`](super::Barriers::make_durable) constructs it, and consumes the set.
pub struct MadeDurable(());

impl MadeDurable {
    /// Constructs the proof for the barrier itself.
    pub(super) const fn new() -> Self {
        Self(())
    }
}

/// Written files, and the directories that hold them, that still need a barrier.
///
/// The type has no `Default`, because a caller from outside could then call a sealed method that takes it.
pub struct Pending {
    pub(super) files: Vec<NewFile>,
    pub(super) dirs: Dirs,
    /// Whether one sync of each root's file system suffices, if the files and directories are many.
    pub(super) roots_suffice: bool,
}

/// The directories that a barrier covers. A directory that was replaced meanwhile is another one under the same path.
pub(super) type Dirs = BTreeMap<(DirPath, Option<DirMark>), Arc<SharedDir>>;

impl Pending {
    pub(crate) const fn new() -> Self {
        Self {
            files: Vec::new(),
            dirs: BTreeMap::new(),
            roots_suffice: true,
        }
    }

    /// Returns the proof for a set without files.
    pub(crate) fn without_files(self) -> MadeDurable {
        debug_assert!(self.files.is_empty(), "files need a barrier");
        MadeDurable(())
    }

    /// Adds the files of an artifact and the directory chain to them. The kernel already has the files'
    /// last bytes.
    pub(crate) fn add(
        &mut self,
        location: &ArtifactLocation,
        dir: Option<Arc<SharedDir>>,
        files: Vec<NewFile>,
    ) {
        if let Some(dir) = dir {
            // Another file system may be mounted on a bucket, and a sync of the root's does not cover it.
            self.roots_suffice = self.roots_suffice && dir.chain.is_on_one_file_system();
            let mark = dir.chain.marks.last().copied();
            let place = (location.directory().clone(), mark);
            self.dirs.entry(place).or_insert(dir);
        }
        self.files.extend(files);
    }

    /// Adds the files and directories of another set.
    pub(crate) fn merge(&mut self, other: Self) {
        self.files.extend(other.files);
        self.dirs.extend(other.dirs);
        self.roots_suffice &= other.roots_suffice;
    }

    /// Refuses if the tree has not one of the directories under its name any more.
    pub(crate) fn check_current(&self) -> Result<(), SyncRefusal> {
        self.dirs.values().try_for_each(|dir| dir.check_current())
    }

    /// Returns the number of open descriptors.
    pub(crate) fn open(&self) -> usize {
        let directories = self.dirs.values().map(|dir| dir.chain.below.len());
        self.files.len() + directories.sum::<usize>()
    }
}
