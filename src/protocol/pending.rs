//! Files and directories that are owed a barrier.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::domain::{ArtifactLocation, DirPath};
use crate::fs::{DirChain, NewFile};

/// Proof that a set of files, and every entry that leads to one, is on stable storage. Only
/// [`Barriers::make_durable`](super::Barriers::make_durable) makes one, of the set that it consumes.
pub struct MadeDurable(());

impl MadeDurable {
    /// For the barrier itself.
    pub(super) const fn new() -> Self {
        Self(())
    }
}

/// Written files and the chains to them: what is owed a barrier.
///
/// It has no `Default`: a sealed method that takes one could be called from outside then.
pub struct Pending {
    pub(super) files: Vec<NewFile>,
    pub(super) chains: BTreeMap<DirPath, DirChain>,
    /// Whether a sync of the roots' file systems would do, if there are many.
    pub(super) roots_suffice: bool,
}

impl Pending {
    const fn new(roots_suffice: bool) -> Self {
        Self {
            files: Vec::new(),
            chains: BTreeMap::new(),
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
        debug_assert!(self.files.is_empty(), "files need a barrier");
        MadeDurable(())
    }

    /// Adds the files of an artifact, whose last bytes have been handed to the kernel, and their way.
    pub(crate) fn add(
        &mut self,
        location: &ArtifactLocation,
        chain: Option<DirChain>,
        files: Vec<NewFile>,
    ) {
        if let (Some(chain), Entry::Vacant(entry)) =
            (chain, self.chains.entry(location.directory().clone()))
        {
            // Another disk may be mounted on a bucket.
            self.roots_suffice = self.roots_suffice && chain.is_on_one_file_system();
            entry.insert(chain);
        }
        self.files.extend(files);
    }

    /// Descriptors that are open.
    pub(crate) fn open(&self) -> usize {
        let directories = self.chains.values().map(|chain| chain.below.len());
        self.files.len() + directories.sum::<usize>()
    }
}
