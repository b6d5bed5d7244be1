//! Which directories this process has made durable, and the barrier that makes the rest so.
//!
//! A directory that exists is not thereby durable: its entry in its parent may still be lost. Only
//! an fsync of the parent, in this process, says so.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Fatal, IoFailure};
use crate::fs::{Dir, NewFile};
use crate::geometry::BucketId;
use crate::layout::{PerRole, Place, RootRole};
use crate::lock::LockedRoots;
use crate::poison::Poison;

/// Descriptors that one operation keeps open at most, of files and directories, whatever it is given. A
/// process has 1,024 of them unless told otherwise.
pub(crate) const MOST_OPEN: usize = 300;

/// A directory below a root, by the root's role and its path from there.
type Below = (RootRole, String);

/// The directories below the roots whose own entry is durable. (The roots' own are, once locked.)
pub(crate) struct Durable {
    entries: Mutex<HashSet<Below>>,
    /// Each root's file system, if it can be synced as a whole.
    file_systems: PerRole<Option<Whole>>,
    /// Held while anything is synced through a root's descriptor, which the threads share, until a
    /// failure has poisoned: the kernel tells a descriptor of a failure once, so another thread's sync may
    /// succeed right after.
    through_roots: Mutex<()>,
}

/// A file system of which one sync does all that an fsync of each file and directory would.
#[derive(Clone, Copy)]
struct Whole {
    device: u64,
    /// From how many files and directories on that is cheaper.
    from: usize,
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

    fn is_on_one_file_system(&self) -> Result<bool, IoFailure> {
        let root = self.root.identity()?.device();
        for directory in &self.below {
            if directory.identity()?.device() != root {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Makes the absence of what has been unlinked durable.
    ///
    /// One fsync is enough, also where a directory above is not durable: if that one's entry is lost,
    /// the files are lost with it.
    fn sync_absence(&self) -> Result<(), IoFailure> {
        self.last().sync()
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

    /// Makes the absence of what has been unlinked durable: one fsync for each directory.
    pub(crate) fn sync_absence(&self) -> Result<(), IoFailure> {
        let mut found = self.found.values();
        found.try_for_each(|(way, _)| way.sync_absence())
    }
}

/// Proof that a set of files, and every entry that leads to one, is on stable storage. Only
/// [`Durable::settle`] makes one, of the set that it consumes.
pub struct MadeDurable(());

/// Written files and the ways to them: what is owed a barrier.
///
/// It has no `Default`: a sealed method that takes one could be called from outside then.
pub struct Pending {
    files: Vec<NewFile>,
    ways: BTreeMap<(RootRole, BucketId), Way>,
    /// Whether a sync of the roots' file systems would do, if there are many.
    roots_suffice: bool,
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
    pub(crate) fn add(
        &mut self,
        place: Place,
        way: Option<Way>,
        files: Vec<NewFile>,
    ) -> Result<(), IoFailure> {
        if let (Some(way), Entry::Vacant(entry)) = (way, self.ways.entry(place.bucket())) {
            // Another disk may be mounted on a bucket.
            self.roots_suffice = self.roots_suffice && way.is_on_one_file_system()?;
            entry.insert(way);
        }
        self.files.extend(files);
        Ok(())
    }

    /// Descriptors that are open.
    pub(crate) fn open(&self) -> usize {
        let directories = self.ways.values().map(|way| way.below.len());
        self.files.len() + directories.sum::<usize>()
    }
}

/// A directory of which some entries are not durable yet, and those entries.
type Parent<'a> = (&'a Dir, Vec<Below>);

impl Durable {
    /// Looks at the file systems of these roots; nothing below them has been made durable yet.
    pub(crate) fn new(roots: &LockedRoots) -> Result<Self, IoFailure> {
        let file_systems = PerRole::try_new(|role| {
            let root = roots.dir(role);
            let Some(from) = root.sync_whole_from()? else {
                return Ok(None);
            };
            let device = root.identity()?.device();
            Ok(Some(Whole { device, from }))
        })?;
        Ok(Self {
            entries: Mutex::default(),
            file_systems,
            through_roots: Mutex::default(),
        })
    }

    /// Makes files durable, and every entry that leads to them: fsyncs each file through the descriptor
    /// that wrote it, then the directories that hold them, then every directory above that holds an
    /// entry which this process has not yet made durable, each of them once. Where these are many, and
    /// one call is known to do as much, it is that call.
    ///
    /// A failure poisons, and so does a panic.
    pub(crate) fn settle(&self, pending: Pending, poison: &Poison) -> Result<MadeDurable, Fatal> {
        poison.if_it_panics(|| self.settle_all(pending, poison))?;
        Ok(MadeDurable(()))
    }

    fn settle_all(&self, pending: Pending, poison: &Poison) -> Result<(), Fatal> {
        let Pending {
            files,
            ways,
            roots_suffice,
        } = pending;
        let parents = self.parents(&ways);
        let barriers = files.len() + ways.len() + parents.len();
        let whole = roots_suffice.then(|| self.whole_file_systems(&ways, barriers));
        if let Some(file_systems) = whole.flatten() {
            let _one_at_a_time = self.one_at_a_time();
            for root in file_systems {
                if let Err(failure) = root.sync_file_system() {
                    return Err(poison.sync_failed(blame(files, failure)));
                }
            }
            self.note(parents.into_values().flat_map(|(_, entries)| entries));
            return Ok(());
        }
        let failed = |failure| poison.sync_failed(failure);
        sync_each(files, &ways).map_err(failed)?;
        if !parents.is_empty() {
            let _one_at_a_time = self.one_at_a_time();
            self.sync_parents(parents).map_err(failed)?;
        }
        Ok(())
    }

    fn one_at_a_time(&self) -> MutexGuard<'_, ()> {
        self.through_roots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn sync_parents(&self, parents: BTreeMap<Below, Parent<'_>>) -> Result<(), IoFailure> {
        // The deepest first: of the paths below a root, the longest.
        let mut parents: Vec<_> = parents.into_iter().collect();
        parents.sort_by_key(|((_, path), _)| std::cmp::Reverse(path.len()));
        for (_, (directory, entries)) in parents {
            directory.sync()?;
            self.note(entries);
        }
        Ok(())
    }

    /// The directories above the last ones that hold entries which are not durable yet, by their path.
    fn parents<'a>(
        &self,
        ways: &'a BTreeMap<(RootRole, BucketId), Way>,
    ) -> BTreeMap<Below, Parent<'a>> {
        let durable = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let mut parents: BTreeMap<Below, Parent<'a>> = BTreeMap::new();
        for way in ways.values() {
            let directories = std::iter::once(&*way.root).chain(&way.below);
            let paths = std::iter::once("").chain(way.names.iter().map(String::as_str));
            for ((directory, path), child) in directories.zip(paths).zip(&way.names) {
                let entry = (way.role, child.clone());
                if !durable.contains(&entry) {
                    let parent = parents.entry((way.role, path.to_owned()));
                    let (_, entries) = parent.or_insert((directory, Vec::new()));
                    entries.push(entry);
                }
            }
        }
        parents
    }

    fn note(&self, entries: impl IntoIterator<Item = Below>) {
        let mut durable = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        durable.extend(entries);
    }

    /// A root on each file system that the ways lead through, if each of these can be synced as a whole
    /// and so many barriers are worth it.
    fn whole_file_systems<'a>(
        &self,
        ways: &'a BTreeMap<(RootRole, BucketId), Way>,
        barriers: usize,
    ) -> Option<Vec<&'a Dir>> {
        let mut file_systems = BTreeMap::new();
        for way in ways.values() {
            let whole = (*self.file_systems.get(way.role))?;
            if barriers < whole.from {
                return None;
            }
            file_systems.entry(whole.device).or_insert(&*way.root);
        }
        Some(file_systems.into_values().collect())
    }
}

/// Fsyncs each file, then each directory that holds them.
fn sync_each(
    mut files: Vec<NewFile>,
    ways: &BTreeMap<(RootRole, BucketId), Way>,
) -> Result<(), IoFailure> {
    if files.len() > 1 {
        // So that the first one's fsync does not leave the disk idle.
        files.iter_mut().for_each(NewFile::start_writing);
    }
    for file in files {
        file.sync()?;
    }
    ways.values().try_for_each(|way| way.last().sync())
}

/// Of which file a whole file system's failure is, as far as any of these files' own descriptors can
/// tell; else the failure as it is. Nothing is tried again: it stays a failure whatever they answer.
fn blame(files: Vec<NewFile>, failure: IoFailure) -> IoFailure {
    let mut own = files.into_iter().filter_map(|file| file.sync().err());
    own.next().unwrap_or(failure)
}
