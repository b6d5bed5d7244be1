//! The resolution of a root's path from `/`: the existing directories on the path, and the missing names.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Component, Path, PathBuf};

use super::Disk;
use super::dir::Dir;
use super::dir_handle::DirHandle;
use super::sys::DirId;
use crate::failure::{IoFailure, Operation};

/// A directory on the path, open for looking names up in it.
struct OpenDir {
    handle: DirHandle,
    id: DirId,
    path: PathBuf,
}

impl OpenDir {
    fn new(handle: DirHandle, path: PathBuf) -> Result<Self, IoFailure> {
        match handle.identity() {
            Ok(id) => Ok(Self { handle, id, path }),
            Err(error) => Err(IoFailure::new(Operation::Inspect, path, error)),
        }
    }
}

/// A path, resolved as far as it exists. Resolution changes nothing on the disk.
pub(crate) struct Resolved {
    /// Every directory in which a name was found, from `/` on.
    passed: Vec<OpenDir>,
    /// The deepest directory that exists.
    deepest: OpenDir,
    /// The deepest directory and its ancestors up to `/`, found by their own `..` entries.
    ancestors: Vec<OpenDir>,
    /// The names that do not exist yet.
    missing: Vec<OsString>,
}

/// Follows a path from `/`, through symbolic links, as far as it exists.
pub(crate) fn resolve(path: &Path, disk: &Disk) -> Result<Resolved, IoFailure> {
    disk.perform(Operation::OpenDirectory, path, || Ok::<_, io::Error>(()))?;
    let in_the_way = |path: &Path, text: &str| {
        let source = io::Error::new(io::ErrorKind::NotFound, text);
        IoFailure::new(Operation::OpenDirectory, path, source)
    };
    let root = disk
        .file_system_root()
        .map_err(|error| IoFailure::new(Operation::OpenDirectory, "/", error))?;
    let mut here = OpenDir::new(root, PathBuf::from("/"))?;
    let mut passed = Vec::new();
    let mut missing: Vec<OsString> = Vec::new();
    for component in path.components() {
        let name = match component {
            Component::RootDir | Component::CurDir | Component::Prefix(_) => continue,
            Component::ParentDir => OsStr::new(".."),
            Component::Normal(name) => name,
        };
        if !missing.is_empty() {
            if component == Component::ParentDir {
                let text = "it goes through `..` of a directory that does not exist: write the path without it";
                return Err(in_the_way(path, text));
            }
            missing.push(name.to_owned());
            continue;
        }
        let next = here.path.join(name);
        match find(&here, name) {
            Ok(Found::Directory(handle)) => {
                let next = OpenDir::new(handle, next)?;
                passed.push(std::mem::replace(&mut here, next));
            }
            Ok(Found::Nothing) => missing.push(name.to_owned()),
            Ok(Found::LinkToNothing) => {
                let text = "it is a symbolic link to nothing: create its target, or remove it";
                return Err(in_the_way(&next, text));
            }
            Ok(Found::ComesAndGoes) => {
                let text = "it comes and goes: find out who creates and removes it, then try again";
                return Err(in_the_way(&next, text));
            }
            Err(error) => return Err(IoFailure::new(Operation::OpenDirectory, next, error)),
        }
    }
    Ok(Resolved {
        passed,
        ancestors: ancestors_of(&here)?,
        deepest: here,
        missing,
    })
}

/// The result of looking up one name of the path.
enum Found {
    Directory(DirHandle),
    Nothing,
    LinkToNothing,
    /// A name that is created and removed again, each time between two lookups.
    ComesAndGoes,
}

/// The number of lookups of a name that keeps appearing and disappearing. A start of another process creates a name
/// once and never removes it, so the second lookup finds it.
const LOOKS: usize = 16;

/// Looks a name up. A name that is missing at the first check may exist at the second, because another process that
/// starts for the first time has created it. Such a name is not a symbolic link to nothing.
fn find(here: &OpenDir, name: &OsStr) -> io::Result<Found> {
    for _ in 0..LOOKS {
        match here.handle.look_up(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            found => return found.map(Found::Directory),
        }
        if !here.handle.has(name)? {
            return Ok(Found::Nothing);
        }
        if here.handle.is_symbolic_link(name)? {
            return Ok(Found::LinkToNothing);
        }
    }
    Ok(Found::ComesAndGoes)
}

/// Returns the directory and its ancestors, up to the directory that is its own parent.
fn ancestors_of(start: &OpenDir) -> Result<Vec<OpenDir>, IoFailure> {
    let up = |from: &DirHandle, path: PathBuf| match from.look_up(OsStr::new("..")) {
        Ok(handle) => OpenDir::new(handle, path),
        Err(error) => Err(IoFailure::new(Operation::OpenDirectory, path, error)),
    };
    let itself = start
        .handle
        .look_up(OsStr::new("."))
        .map_err(|error| IoFailure::new(Operation::OpenDirectory, &start.path, error))?;
    let mut here = OpenDir::new(itself, start.path.clone())?;
    let mut ancestors = Vec::new();
    loop {
        // The path is for messages only. The parent is found by the directory's own `..` entry.
        let above = here.path.parent().unwrap_or(&here.path).to_path_buf();
        let parent = up(&here.handle, above)?;
        let at_the_top = parent.id == here.id;
        ancestors.push(here);
        if at_the_top {
            return Ok(ancestors);
        }
        here = parent;
    }
}

impl Resolved {
    pub(crate) fn exists(&self) -> bool {
        self.missing.is_empty()
    }

    /// Returns the directory's identity, or `None` if it does not exist.
    pub(crate) fn identity(&self) -> Option<DirId> {
        self.exists().then_some(self.deepest.id)
    }

    /// Returns whether both paths lead to one directory, even if it does not exist yet.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.deepest.id == other.deepest.id && self.missing == other.missing
    }

    /// Returns whether this path leads to a directory inside of the other one.
    pub(crate) fn is_inside(&self, other: &Self) -> bool {
        if other.exists() {
            let below = usize::from(self.exists());
            let mut parents = self.ancestors.iter().skip(below);
            return parents.any(|stop| stop.id == other.deepest.id);
        }
        self.deepest.id == other.deepest.id
            && self.missing.len() > other.missing.len()
            && self.missing.starts_with(&other.missing)
    }

    /// Checks that the root, or the directory in which it would be created, can be listed and written.
    pub(crate) fn check_access(&self, disk: &Disk) -> Result<(), IoFailure> {
        disk.perform(Operation::OpenDirectory, &self.deepest.path, || {
            self.deepest.handle.check_access()
        })
    }

    /// Opens the directory, and creates the missing directories of the path.
    pub(crate) fn open(&self, disk: &Disk) -> Result<Dir, IoFailure> {
        let handle = disk.perform(Operation::OpenDirectory, &self.deepest.path, || {
            self.deepest.handle.reopen()
        })?;
        let mut dir = Dir::new(handle, self.deepest.path.clone(), disk.clone());
        for name in &self.missing {
            dir = dir.ensure_dir(name)?;
        }
        Ok(dir)
    }

    /// Makes the path to the opened root durable. Fsyncs every directory on the root's own file system that holds an
    /// entry of the path, because an existing directory is not necessarily durable.
    ///
    /// `done` holds the directories that are already synced, so that sibling roots share the work.
    pub(crate) fn make_durable(
        &self,
        root: &Dir,
        done: &mut HashSet<DirId>,
    ) -> Result<(), IoFailure> {
        let disk = root.disk();
        let device = root.identity()?.device;
        let start = OpenDir::new(
            root.handle()
                .reopen()
                .map_err(|error| IoFailure::new(Operation::OpenDirectory, root.path(), error))?,
            root.path().to_path_buf(),
        )?;
        let ancestors = ancestors_of(&start)?;
        let parents = ancestors.iter().skip(1);
        let way = self.passed.iter().chain([&self.deepest]);
        for stop in parents.chain(way) {
            if stop.id.device != device || stop.id == start.id || !done.insert(stop.id) {
                continue;
            }
            match stop.handle.reopen() {
                Ok(handle) => Dir::new(handle, stop.path.clone(), disk.clone()).sync()?,
                // A parent that this user may pass through but not open cannot be synced by itself.
                Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
                    sync_in_place_of(&stop.path, root)?;
                }
                Err(error) => {
                    return Err(IoFailure::new(Operation::OpenDirectory, &stop.path, error));
                }
            }
        }
        root.check_file_system()
    }
}

/// Syncs the root's file system in place of a directory that this process may not open.
fn sync_in_place_of(unreadable: &Path, root: &Dir) -> Result<(), IoFailure> {
    if root.sync_whole_from()?.is_some() {
        root.sync_file_system()?;
        // `syncfs` alone is not enough; see `sync_whole` in `protocol::barrier`.
        return root.sync();
    }
    let text = "this user may not open it, so it cannot be fsynced, and `syncfs` does not replace that on \
                this file system: let this user read it";
    let source = io::Error::new(io::ErrorKind::PermissionDenied, text);
    Err(IoFailure::new(Operation::OpenDirectory, unreadable, source))
}
