//! The open directories of artifacts' files, which the threads that write into them share.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use super::poison::Poison;
use super::rounds::{Mark, Rounds};
use crate::domain::{ArtifactLocation, DirPath};
use crate::failure::{Fatal, IoFailure, SyncRefusal};
use crate::fs::{Dir, DirChain};

/// The number of chains that stay open while no artifact uses them.
const KEPT: usize = 16;

/// An open chain, with the syncs of the directory at its end.
///
/// The kernel reports a failure once to each descriptor. The threads that write into a directory therefore share its
/// descriptor along with its syncs: the one that syncs gets every failure that any of them would have got.
pub(crate) struct SharedDir {
    pub(super) chain: DirChain,
    pub(super) syncs: Rounds,
}

impl SharedDir {
    fn new(chain: DirChain) -> Self {
        Self {
            chain,
            syncs: Rounds::default(),
        }
    }

    pub(crate) fn dir(&self) -> &Dir {
        self.chain.last()
    }

    /// Refuses if the tree has not this directory under its name any more.
    pub(crate) fn check_current(&self) -> Result<(), SyncRefusal> {
        if self.chain.is_current()? {
            return Ok(());
        }
        let path = self.dir().path().to_path_buf();
        Err(SyncRefusal::Replaced { path })
    }

    /// Makes the entries durable that the directory had at the mark.
    pub(super) fn sync(&self, since: Mark, poison: &Poison) -> Result<(), Fatal> {
        self.syncs.join(since, poison, || {
            let synced = self.dir().sync();
            synced.map_err(|failure| poison.sync_failed(failure))
        })
    }
}

/// The chains that are open.
#[derive(Default)]
pub(crate) struct OpenDirs {
    chains: Mutex<Chains>,
}

#[derive(Default)]
struct Chains {
    /// The chains in use, and those of `recent`, by the path of their last directory.
    open: HashMap<DirPath, Weak<SharedDir>>,
    /// The chains that were used last, the latest at the end. They stay open while no artifact uses them.
    recent: VecDeque<Arc<SharedDir>>,
}

impl OpenDirs {
    /// Returns the chain to a location, if it is open and the tree still has its directories under their names. A
    /// directory that was moved or removed is not used any more.
    ///
    /// The kernel gives the number of an open directory to no other one, so a directory with its mark is the same.
    pub(super) fn find(
        &self,
        location: &ArtifactLocation,
    ) -> Result<Option<Arc<SharedDir>>, IoFailure> {
        let found = self.lock().find(location.directory());
        let Some(dir) = found else {
            return Ok(None);
        };
        if dir.chain.is_current()? {
            return Ok(Some(dir));
        }
        self.lock().forget(location.directory(), &dir);
        Ok(None)
    }

    /// Keeps a chain open for other artifacts. Of two threads that open the same directories, both get the chain of
    /// the first.
    pub(super) fn keep(&self, location: &ArtifactLocation, chain: DirChain) -> Arc<SharedDir> {
        let mut chains = self.lock();
        match chains.find(location.directory()) {
            Some(kept) if kept.chain.marks == chain.marks => kept,
            _ => chains.add(location.directory(), chain),
        }
    }

    /// Closes the directories that no artifact uses. The others are opened anew when they are needed next.
    pub(super) fn forget(&self) {
        *self.lock() = Chains::default();
    }

    /// Closes a directory that was removed, unless an artifact uses it.
    pub(super) fn forget_dir(&self, path: &DirPath) {
        let mut chains = self.lock();
        if let Some(dir) = chains.find(path) {
            chains.forget(path, &dir);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Chains> {
        self.chains.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(feature = "sim")]
    pub(super) fn gather_for_test(&self, threads: usize) {
        for dir in &self.lock().recent {
            dir.syncs.gather_for_test(threads);
        }
    }
}

impl Chains {
    fn find(&mut self, directory: &DirPath) -> Option<Arc<SharedDir>> {
        let dir = self.open.get(directory)?.upgrade()?;
        self.use_last(&dir);
        Some(dir)
    }

    fn add(&mut self, directory: &DirPath, chain: DirChain) -> Arc<SharedDir> {
        let dir = Arc::new(SharedDir::new(chain));
        self.open.retain(|_, dir| dir.strong_count() > 0);
        self.open.insert(directory.clone(), Arc::downgrade(&dir));
        self.use_last(&dir);
        dir
    }

    fn use_last(&mut self, dir: &Arc<SharedDir>) {
        self.recent.retain(|recent| !Arc::ptr_eq(recent, dir));
        self.recent.push_back(Arc::clone(dir));
        if self.recent.len() > KEPT {
            self.recent.pop_front();
        }
    }

    fn forget(&mut self, directory: &DirPath, dir: &Arc<SharedDir>) {
        self.recent.retain(|recent| !Arc::ptr_eq(recent, dir));
        let open = self.open.get(directory);
        if open.is_some_and(|open| open.as_ptr() == Arc::as_ptr(dir)) {
            self.open.remove(directory);
        }
    }
}
