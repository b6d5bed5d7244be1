//! Barriers: which directories this process has made durable, and the calls that make the rest so.
//!
//! A directory that exists is not thereby durable: its entry in its parent may still be lost. Only
//! an fsync of the parent, in this process, proves it.
//!
//! Every barrier ends with a check of the file system ([`check_file_systems`]), because fsync does not
//! report every failure.

mod pending;
mod ways;

pub(crate) use pending::{MadeDurable, Pending};
pub(crate) use ways::{Way, Ways};

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Fatal, IoFailure};
use crate::fs::{Device, Dir, DirMark, NewFile};
use crate::geometry::BucketId;
use crate::layout::{PerRole, RootRole};
use crate::lock::LockedRoots;
use crate::poison::Poison;

/// Descriptors that one operation keeps open at most, of files and directories, whatever it is given. A
/// process has 1,024 of them unless told otherwise.
pub(crate) const MOST_OPEN: usize = 300;

/// A directory below a root, by the root's role and its path from there.
type Below = (RootRole, String);

/// The directories below the roots whose own entry is durable. (The roots' own are, once locked.)
pub(crate) struct Durable {
    /// Each with the mark of the directory that had the name: another directory under the same name
    /// is not durable.
    entries: Mutex<HashMap<Below, DirMark>>,
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
    device: Device,
    /// From how many files and directories on that is cheaper.
    from: usize,
}

/// A directory of which some entries are not durable yet, and those entries.
type Parent<'a> = (&'a Dir, Vec<(Below, DirMark)>);

/// The chains of directories that a barrier is about.
type Chains = BTreeMap<(RootRole, BucketId), Way>;

impl Durable {
    /// Looks at the file systems of these roots; nothing below them has been made durable yet.
    pub(crate) fn new(roots: &LockedRoots) -> Result<Self, IoFailure> {
        let file_systems = PerRole::try_new(|role| {
            let root = roots.dir(role);
            let Some(from) = root.sync_whole_from()? else {
                return Ok(None);
            };
            let device = root.mark()?.device();
            Ok(Some(Whole { device, from }))
        })?;
        Ok(Self {
            entries: Mutex::default(),
            file_systems,
            through_roots: Mutex::default(),
        })
    }

    /// Creates a directory, and forgets that one of this name was durable.
    fn create_dir(&self, parent: &Dir, name: &str, below: Below) -> Result<Dir, IoFailure> {
        // Under the lock, so that another thread cannot find the new directory and still read the record
        // of the old one.
        let mut durable = self.durable();
        let created = parent.ensure_dir(name)?;
        let (role, path) = below;
        let inside = format!("{path}/");
        durable.retain(|(other, noted), _| {
            *other != role || (*noted != path && !noted.starts_with(&inside))
        });
        Ok(created)
    }

    /// Makes files durable, and every entry that leads to them: fsyncs each file through the descriptor
    /// that wrote it, then the directories that hold them, then every directory above that holds an
    /// entry which this process has not yet made durable, each of them once. Where these are many, and
    /// one call is known to do as much, it is that call.
    ///
    /// A failure poisons, and so does a panic.
    pub(crate) fn settle(&self, pending: Pending, poison: &Poison) -> Result<MadeDurable, Fatal> {
        poison.if_it_panics(|| {
            let Pending {
                files,
                ways,
                roots_suffice,
            } = pending;
            let failed = |failure| poison.sync_failed(failure);
            let parents = self.parents(&ways);
            let barriers = files.len() + ways.len() + parents.len();
            let whole = roots_suffice.then(|| self.whole_file_systems(&ways, barriers));
            if let Some(roots) = whole.flatten() {
                let _one_at_a_time = self.one_at_a_time();
                sync_whole(files, &roots, &ways).map_err(failed)?;
                self.note(parents.into_values().flat_map(|(_, entries)| entries));
                return Ok(MadeDurable::new());
            }
            sync_each(files, &ways).map_err(failed)?;
            if !parents.is_empty() {
                let _one_at_a_time = self.one_at_a_time();
                self.sync_parents(parents).map_err(failed)?;
            }
            check_file_systems(ways.values()).map_err(failed)?;
            Ok(MadeDurable::new())
        })
    }

    /// Makes the absence of unlinked files durable: one fsync for each directory that held them.
    ///
    /// One fsync is enough, also where a directory above is not durable: if that one's entry is lost,
    /// the files are lost with it. A failure poisons.
    pub(crate) fn sync_absence(&self, ways: &Ways, poison: &Poison) -> Result<(), Fatal> {
        poison.if_it_panics(|| {
            let at_a_root = ways.iter().any(Way::ends_at_the_root);
            let _one_at_a_time = at_a_root.then(|| self.one_at_a_time());
            let mut directories = ways.iter().map(Way::last);
            let synced = directories
                .try_for_each(Dir::sync)
                .and_then(|()| check_file_systems(ways.iter()));
            synced.map_err(|failure| poison.sync_failed(failure))
        })
    }

    /// Makes the entries of a root durable, and before that those of a directory in it. A failure
    /// poisons.
    pub(crate) fn sync_root(
        &self,
        root: &Dir,
        inside: Option<&Dir>,
        poison: &Poison,
    ) -> Result<(), Fatal> {
        poison.if_it_panics(|| {
            let _one_at_a_time = self.one_at_a_time();
            let mut directories = inside.into_iter().chain([root]);
            let synced = directories
                .try_for_each(Dir::sync)
                .and_then(|()| root.check_file_system());
            synced.map_err(|failure| poison.sync_failed(failure))
        })
    }

    fn one_at_a_time(&self) -> MutexGuard<'_, ()> {
        self.through_roots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn durable(&self) -> MutexGuard<'_, HashMap<Below, DirMark>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
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
    fn parents<'a>(&self, ways: &'a Chains) -> BTreeMap<Below, Parent<'a>> {
        let durable = self.durable();
        let mut parents: BTreeMap<Below, Parent<'a>> = BTreeMap::new();
        for way in ways.values() {
            let holders = std::iter::once(&*way.root).chain(&way.below);
            let paths = std::iter::once("").chain(way.names.iter().map(String::as_str));
            let children = way.names.iter().zip(&way.marks);
            for ((holder, path), (name, mark)) in holders.zip(paths).zip(children) {
                let entry = (way.role, name.clone());
                if durable.get(&entry) != Some(mark) {
                    let parent = parents.entry((way.role, path.to_owned()));
                    let (_, entries) = parent.or_insert((holder, Vec::new()));
                    entries.push((entry, *mark));
                }
            }
        }
        parents
    }

    fn note(&self, entries: impl IntoIterator<Item = (Below, DirMark)>) {
        self.durable().extend(entries);
    }

    /// A root on each file system that the ways lead through, if each of these can be synced as a whole
    /// and so many barriers are worth it.
    fn whole_file_systems<'a>(&self, ways: &'a Chains, barriers: usize) -> Option<Vec<&'a Dir>> {
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

/// Syncs whole file systems, by one root on each.
///
/// `syncfs` alone is not enough, as measured on Linux 6.18:
///
/// - btrfs that went read-only by itself returns 0. An fsync there fails.
/// - ext4 whose delayed allocation failed has dropped the bytes, and returns 0. The check of each file
///   finds that.
fn sync_whole(mut files: Vec<NewFile>, roots: &[&Dir], ways: &Chains) -> Result<(), IoFailure> {
    for root in roots {
        if let Err(failure) = root.sync_file_system() {
            return Err(blame(files, failure));
        }
    }
    one_of_each_file_system(ways.values(), Dir::sync)?;
    files.iter_mut().try_for_each(NewFile::check)?;
    check_file_systems(ways.values())
}

/// Fsyncs each file, then each directory that holds them.
fn sync_each(mut files: Vec<NewFile>, ways: &Chains) -> Result<(), IoFailure> {
    if files.len() > 1 {
        // So that the first one's fsync does not leave the disk idle.
        files.iter_mut().for_each(NewFile::start_writing);
    }
    for file in files {
        file.sync()?;
    }
    ways.values().try_for_each(|way| way.last().sync())
}

/// Asks each file system of these ways whether it still writes changes.
///
/// It is the last step of a barrier, because a file system that fails stays failed until it is mounted
/// again: an answer after the last sync covers all of them. The syncs alone do not tell, as measured on
/// Linux 6.18: ext4 whose journal was aborted in the background returns 0 from the next fsync and
/// `syncfs`, and XFS after a shutdown returns 0 from an fsync of a directory.
fn check_file_systems<'a>(ways: impl Iterator<Item = &'a Way>) -> Result<(), IoFailure> {
    one_of_each_file_system(ways, Dir::check_file_system)
}

/// Calls with the last directory of the first way on each file system.
fn one_of_each_file_system<'a>(
    ways: impl Iterator<Item = &'a Way>,
    call: impl Fn(&Dir) -> Result<(), IoFailure>,
) -> Result<(), IoFailure> {
    let mut seen = HashSet::new();
    let mut first = ways.filter(|way| seen.insert(way.device()));
    first.try_for_each(|way| call(way.last()))
}

/// Of which file a whole file system's failure is, as far as any of these files' own descriptors can
/// tell; else the failure as it is. Nothing is tried again: it stays a failure whatever they answer.
fn blame(files: Vec<NewFile>, failure: IoFailure) -> IoFailure {
    let mut own = files.into_iter().filter_map(|file| file.sync().err());
    own.next().unwrap_or(failure)
}
