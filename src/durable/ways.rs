//! Chains of open directories, from a root down to the directory of an artifact's files.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use super::{Durable, MOST_OPEN};
use crate::error::IoFailure;
use crate::fs::{Device, Dir, DirMark};
use crate::geometry::BucketId;
use crate::layout::{Place, RootRole};

/// The open directories from a root down to an artifact's files.
pub(crate) struct Way {
    pub(super) role: RootRole,
    pub(super) root: Arc<Dir>,
    pub(super) below: Vec<Dir>,
    /// The paths of `below`, from the root.
    pub(super) names: Vec<String>,
    /// The marks of `below`.
    pub(super) marks: Vec<DirMark>,
    root_mark: DirMark,
}

impl Way {
    /// Opens the way, creating the directories that are missing.
    pub(crate) fn create(
        root: &Arc<Dir>,
        place: Place,
        durable: &Durable,
    ) -> Result<Self, IoFailure> {
        let mut way = Self::start(root, place)?;
        for name in place.directories() {
            let next = match way.last().find_dir(&name)? {
                Some(next) => next,
                None => durable.create_dir(way.last(), &name, (way.role, way.below(&name)))?,
            };
            way.push(&name, next)?;
        }
        Ok(way)
    }

    /// Opens as much of the way as exists, and tells whether that is all of it.
    pub(crate) fn find(root: &Arc<Dir>, place: Place) -> Result<(Self, bool), IoFailure> {
        let mut way = Self::start(root, place)?;
        for name in place.directories() {
            match way.last().find_dir(&name)? {
                Some(next) => way.push(&name, next)?,
                None => return Ok((way, false)),
            }
        }
        Ok((way, true))
    }

    fn start(root: &Arc<Dir>, place: Place) -> Result<Self, IoFailure> {
        Ok(Self {
            role: place.role(),
            root_mark: root.mark()?,
            root: Arc::clone(root),
            below: Vec::new(),
            names: Vec::new(),
            marks: Vec::new(),
        })
    }

    /// The path, from the root, of a name in the last directory.
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

    pub(super) fn is_on_one_file_system(&self) -> bool {
        let root = self.root_mark.device();
        self.marks.iter().all(|mark| mark.device() == root)
    }

    /// The device of the deepest directory.
    pub(super) fn device(&self) -> Device {
        self.marks.last().unwrap_or(&self.root_mark).device()
    }

    pub(super) fn ends_at_the_root(&self) -> bool {
        self.below.is_empty()
    }

    /// The deepest directory that is open: with a complete way, the one that holds the files.
    pub(crate) fn last(&self) -> &Dir {
        self.below.last().unwrap_or(&self.root)
    }
}

/// Ways that have been found, so that many artifacts of a bucket open its directories once.
#[derive(Default)]
pub(crate) struct Ways {
    found: BTreeMap<(RootRole, BucketId), (Way, bool)>,
    open: usize,
}

impl Ways {
    /// As much of the way as exists, and whether that is all of it.
    pub(crate) fn find(
        &mut self,
        root: &Arc<Dir>,
        place: Place,
    ) -> Result<(&Way, bool), IoFailure> {
        let found = match self.found.entry(place.bucket()) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let found = Way::find(root, place)?;
                self.open += found.0.below.len();
                entry.insert(found)
            }
        };
        Ok((&found.0, found.1))
    }

    /// Whether the way to this place is among them, or not so many directories are open that all must go
    /// before it is found.
    pub(crate) fn have_room_for(&self, place: Place) -> bool {
        self.open < MOST_OPEN || self.found.contains_key(&place.bucket())
    }

    /// Closes all directories if they are many. For whoever owes them no barrier.
    pub(crate) fn let_go_if_many(&mut self) {
        if self.open >= MOST_OPEN {
            *self = Self::default();
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Way> {
        self.found.values().map(|(way, _)| way)
    }
}
