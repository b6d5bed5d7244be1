//! Files and directories that are owed a barrier.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::Way;
use crate::fs::NewFile;
use crate::geometry::BucketId;
use crate::layout::{Place, RootRole};

/// Proof that a set of files, and every entry that leads to one, is on stable storage. Only
/// [`Durable::settle`](super::Durable::settle) makes one, of the set that it consumes.
pub struct MadeDurable(());

impl MadeDurable {
    /// For the barrier itself.
    pub(super) const fn new() -> Self {
        Self(())
    }
}

/// Written files and the ways to them: what is owed a barrier.
///
/// It has no `Default`: a sealed method that takes one could be called from outside then.
pub struct Pending {
    pub(super) files: Vec<NewFile>,
    pub(super) ways: BTreeMap<(RootRole, BucketId), Way>,
    /// Whether a sync of the roots' file systems would do, if there are many.
    pub(super) roots_suffice: bool,
}

impl Pending {
    const fn new(roots_suffice: bool) -> Self {
        Self {
            files: Vec::new(),
            ways: BTreeMap::new(),
            roots_suffice,
        }
    }

    /// For one artifact.
    pub(crate) const fn of_one() -> Self {
        Self::new(false)
    }

    /// For artifacts that may become many.
    pub(crate) const fn of_many() -> Self {
        Self::new(true)
    }

    /// Proof about a set without files.
    pub(crate) fn without_files(self) -> MadeDurable {
        debug_assert!(self.files.is_empty(), "files are owed a barrier");
        MadeDurable(())
    }

    /// Adds the files of an artifact, whose last bytes have been handed to the kernel, and their way.
    pub(crate) fn add(&mut self, place: Place, way: Option<Way>, files: Vec<NewFile>) {
        if let (Some(way), Entry::Vacant(entry)) = (way, self.ways.entry(place.bucket())) {
            // Another disk may be mounted on a bucket.
            self.roots_suffice = self.roots_suffice && way.is_on_one_file_system();
            entry.insert(way);
        }
        self.files.extend(files);
    }

    /// Descriptors that are open.
    pub(crate) fn open(&self) -> usize {
        let directories = self.ways.values().map(|way| way.below.len());
        self.files.len() + directories.sum::<usize>()
    }
}
