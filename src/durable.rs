//! Which directories this process has made durable, and the barrier that makes the rest so.
//!
//! A directory that exists is not thereby durable: its entry in its parent may still be lost. Only
//! an fsync of the parent, in this process, says so.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::IoFailure;
use crate::fs::Dir;
use crate::layout::{Place, RootRole};

/// A directory below a root, by the root's role and its path from there.
type Below = (RootRole, String);

/// The directories below the roots whose own entry is durable. (The roots' own are, once locked.)
#[derive(Default)]
pub(crate) struct Durable {
    entries: Mutex<HashSet<Below>>,
}

/// The open directories from a root down to an artifact's files.
pub(crate) struct Way {
    role: RootRole,
    root: Arc<Dir>,
    below: Vec<Dir>,
    /// The paths of `below`, from the root.
    names: Vec<String>,
}

impl Way {
    /// Opens the way, creating the directories that are missing.
    pub(crate) fn create(root: &Arc<Dir>, place: Place) -> Result<Self, IoFailure> {
        let mut way = Self::start(root, place);
        for name in place.directories() {
            let next = way.last().ensure_dir(&name)?;
            way.push(&name, next);
        }
        Ok(way)
    }

    /// Opens as much of the way as exists, and tells whether that is all of it.
    pub(crate) fn find(root: &Arc<Dir>, place: Place) -> Result<(Self, bool), IoFailure> {
        let mut way = Self::start(root, place);
        for name in place.directories() {
            match way.last().find_dir(&name)? {
                Some(next) => way.push(&name, next),
                None => return Ok((way, false)),
            }
        }
        Ok((way, true))
    }

    fn start(root: &Arc<Dir>, place: Place) -> Self {
        Self {
            role: place.role(),
            root: Arc::clone(root),
            below: Vec::new(),
            names: Vec::new(),
        }
    }

    fn push(&mut self, name: &str, dir: Dir) {
        let below = match self.names.last() {
            Some(parent) => format!("{parent}/{name}"),
            None => name.to_owned(),
        };
        self.names.push(below);
        self.below.push(dir);
    }

    /// Makes the absence of what has been unlinked durable.
    ///
    /// One fsync is enough, also where a directory above is not durable: if that one's entry is lost,
    /// the files are lost with it.
    pub(crate) fn sync_absence(&self) -> Result<(), IoFailure> {
        self.last().sync()
    }

    /// The deepest directory that is open: with a complete way, the one that holds the files.
    pub(crate) fn last(&self) -> &Dir {
        self.below.last().unwrap_or(&self.root)
    }
}

impl Durable {
    /// Fsyncs the last directory of the way, which has new entries, and then every directory above it that holds an entry of the way which this process has not yet made durable.
    pub(crate) fn barrier(&self, way: &Way) -> Result<(), IoFailure> {
        way.last().sync()?;
        let parents = std::iter::once(&*way.root).chain(&way.below);
        let links: Vec<_> = parents.zip(&way.names).collect();
        for (parent, child) in links.into_iter().rev() {
            let entry = (way.role, child.clone());
            if self.is_durable(&entry) {
                continue;
            }
            parent.sync()?;
            self.entries
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .insert(entry);
        }
        Ok(())
    }

    fn is_durable(&self, entry: &Below) -> bool {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.contains(entry)
    }
}
