//! Chains of open directories, from a root down to the directory of an artifact's files.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use super::dir::Dir;
use super::sys::{Device, DirMark};
use crate::domain::{ArtifactLocation, DirPath, RootRole, WindowId};
use crate::failure::IoFailure;

/// The maximum number of descriptors that one operation keeps open, of files and directories together. It does not
/// depend on the size of the operation. The default limit of a process is 1,024 descriptors.
pub(crate) const MOST_OPEN: usize = 300;

/// The open directories from a root down to the directory of an artifact's files.
pub(crate) struct DirChain {
    pub(crate) role: RootRole,
    pub(crate) root: Arc<Dir>,
    pub(crate) below: Vec<Dir>,
    /// The paths of `below`, relative to the root.
    pub(crate) names: Vec<String>,
    /// The marks of `below`.
    pub(crate) marks: Vec<DirMark>,
    root_mark: DirMark,
    window: Option<WindowId>,
}

impl DirChain {
    /// Opens the chain, and creates missing directories with `create`.
    pub(crate) fn create(
        root: &Arc<Dir>,
        location: &ArtifactLocation,
        create: impl Fn(&Dir, &str, DirPath) -> Result<Dir, IoFailure>,
    ) -> Result<Self, IoFailure> {
        let mut chain = Self::start(root, location)?;
        for name in location.directories() {
            let next = if let Some(next) = chain.last().find_dir(name)? {
                next
            } else {
                let path = chain.below(name);
                let role = chain.role;
                create(chain.last(), name, DirPath { role, path })?
            };
            chain.push(name, next)?;
        }
        Ok(chain)
    }

    /// Opens the existing directories of the chain. Returns them, and whether the chain is complete.
    pub(crate) fn find(
        root: &Arc<Dir>,
        location: &ArtifactLocation,
    ) -> Result<(Self, bool), IoFailure> {
        let mut chain = Self::start(root, location)?;
        for name in location.directories() {
            match chain.last().find_dir(name)? {
                Some(next) => chain.push(name, next)?,
                None => return Ok((chain, false)),
            }
        }
        Ok((chain, true))
    }

    fn start(root: &Arc<Dir>, location: &ArtifactLocation) -> Result<Self, IoFailure> {
        Ok(Self {
            role: location.role(),
            root_mark: root.mark()?,
            root: Arc::clone(root),
            below: Vec::new(),
            names: Vec::new(),
            marks: Vec::new(),
            window: location.window(),
        })
    }

    /// Returns the path, relative to the root, of a name in the last directory.
    fn below(&self, name: &str) -> String {
        match self.names.last() {
            Some(parent) => format!("{parent}/{name}"),
            None => name.to_owned(),
        }
    }

    fn push(&mut self, name: &str, dir: Dir) -> Result<(), IoFailure> {
        self.marks.push(dir.mark()?);
        self.names.push(self.below(name));
        self.below.push(dir);
        Ok(())
    }

    /// Returns whether the tree has these directories under their names. Another directory may have taken a name, or
    /// a file system may be mounted on it.
    pub(crate) fn is_current(&self) -> Result<bool, IoFailure> {
        let holders = std::iter::once(&*self.root).chain(&self.below);
        for ((holder, path), mark) in holders.zip(&self.names).zip(&self.marks) {
            let name = path.rsplit('/').next().unwrap_or(path);
            if holder.mark_of(name)? != Some(*mark) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Removes the directory of a window from the tree and from this chain, if it is empty and still the one that was
    /// opened. Returns whether it was removed.
    pub(crate) fn remove_empty_window(&mut self) -> Result<bool, IoFailure> {
        let [.., holder, _window] = &*self.below else {
            return Ok(false);
        };
        let (Some(path), Some(mark)) = (self.names.last(), self.marks.last()) else {
            return Ok(false);
        };
        let name = path.rsplit('/').next().unwrap_or(path);
        // Another directory may have taken the name.
        let is_current = holder.mark_of(name)? == Some(*mark);
        let is_removed = is_current && holder.remove_if_empty(name)?;
        if is_removed {
            self.below.pop();
            self.names.pop();
            self.marks.pop();
        }
        Ok(is_removed)
    }

    /// Returns whether this is the chain of an index that ends at the directory that holds the windows.
    pub(crate) fn ends_at_windows(&self) -> bool {
        self.window.is_some() && self.below.len() == 1
    }

    /// Returns the directory that holds the windows, with its path, if this is the chain of an index and reaches it.
    pub(crate) fn window_holder(&self) -> Option<(&str, &Dir)> {
        self.window?;
        Some((self.names.first()?, self.below.first()?))
    }

    pub(crate) fn is_on_one_file_system(&self) -> bool {
        let root = self.root_mark.device();
        self.marks.iter().all(|mark| mark.device() == root)
    }

    /// Returns the device of the deepest directory.
    pub(crate) fn device(&self) -> Device {
        self.marks.last().unwrap_or(&self.root_mark).device()
    }

    pub(crate) fn ends_at_the_root(&self) -> bool {
        self.below.is_empty()
    }

    /// Returns the deepest open directory. In a complete chain, this directory holds the files.
    pub(crate) fn last(&self) -> &Dir {
        self.below.last().unwrap_or(&self.root)
    }
}

/// The opened chains. Artifacts of one bucket share a chain, so that its directories are opened once.
#[derive(Default)]
pub(crate) struct DirChains {
    found: BTreeMap<DirPath, (DirChain, bool)>,
    open: usize,
}

impl DirChains {
    /// Returns the existing directories of the chain, and whether the chain is complete.
    pub(crate) fn find(
        &mut self,
        root: &Arc<Dir>,
        location: &ArtifactLocation,
    ) -> Result<(&DirChain, bool), IoFailure> {
        let found = match self.found.entry(location.directory().clone()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let found = DirChain::find(root, location)?;
                self.open += found.0.below.len();
                entry.insert(found)
            }
        };
        Ok((&found.0, found.1))
    }

    /// Returns whether the location can be opened without first closing the other directories.
    pub(crate) fn have_room_for(&self, location: &ArtifactLocation) -> bool {
        self.open < MOST_OPEN || self.found.contains_key(location.directory())
    }

    /// Closes all directories if `MOST_OPEN` or more are open. The caller must have no barrier left to run on them.
    pub(crate) fn close_if_many(&mut self) {
        if self.open >= MOST_OPEN {
            *self = Self::default();
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &DirChain> {
        self.found.values().map(|(chain, _)| chain)
    }

    /// Returns the complete chains to the directories of windows, with the window of each.
    pub(crate) fn windows(&mut self) -> impl Iterator<Item = (WindowId, &mut DirChain)> {
        let complete = self.found.values_mut().filter(|(_, complete)| *complete);
        complete.filter_map(|(chain, _)| Some((chain.window?, chain)))
    }
}
