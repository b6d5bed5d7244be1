//! The entries below the roots: the walk, and a look at the files of one key.
//!
//! The walk creates nothing and follows no symbolic link: a link is an entry like any other. A directory
//! that disappears during the walk counts as empty.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Finding;
use super::keys::Value;
use crate::domain::{
    ArtifactKey, ArtifactKind, ArtifactLocation, ArtifactState, ChunkId, Coverage, HotKey,
    HotState, INDEX_DIRECTORY, IndexKey, Key, LOST_AND_FOUND, Layout, OWN_FILES, PerRole, RootRole,
    StorageRoots, hot_name,
};
use crate::failure::IoFailure;
use crate::fs::DirChain;
use crate::fs::{Dir, Disk, Entry, EntryKind, resolve};

/// A root as the audit found it.
enum Root {
    Open(Arc<Dir>),
    /// The root does not exist, so every entry in it is missing.
    Missing,
    /// The root is reported once, and the audit does not look for the files of its keys.
    Unreadable,
}

/// The roots that hold artifacts and hot directories.
pub(super) struct Tree {
    layout: Layout,
    roots: PerRole<Root>,
}

/// The result of a walk.
#[derive(Default)]
pub(super) struct Walked {
    /// The entries that no key could name, and the entries that could not be read.
    pub(super) findings: Vec<Finding>,
    /// Every key that names an entry, in the order of the walk.
    pub(super) named: Vec<Key>,
    /// The number of entries with the name of an artifact's file.
    pub(super) files: usize,
    /// The number of listed directories, and of hot directories, which are not listed.
    pub(super) directories: usize,
}

impl Tree {
    /// Opens the roots that exist. The roots that cannot be opened are the walk's first findings.
    pub(super) fn open(roots: &StorageRoots, disk: &Disk, walked: &mut Walked) -> Self {
        let open = |role| {
            let way = resolve(roots.path(role), disk)?;
            if way.exists() {
                return Ok(Root::Open(Arc::new(way.open(disk)?)));
            }
            Ok(Root::Missing)
        };
        let Ok(found) = PerRole::try_new(|role| {
            // The store owns the content of the catalog root.
            if role == RootRole::Catalog {
                return Ok::<_, std::convert::Infallible>(Root::Missing);
            }
            Ok(open(role).unwrap_or_else(|failure: IoFailure| {
                let path = roots.path(role).to_path_buf();
                walked.findings.push(unreadable(path, &failure));
                Root::Unreadable
            }))
        });
        Self {
            layout: roots.layout(),
            roots: found,
        }
    }

    /// Walks every root, regardless of the findings.
    pub(super) fn walk(&self, walked: &mut Walked) {
        for kind in ArtifactKind::ALL {
            let role = RootRole::of_kind(kind);
            if let Root::Open(dir) = self.roots.get(role) {
                self.walk_artifacts(kind, dir, walked);
            }
        }
        if let Root::Open(dir) = self.roots.get(RootRole::Hot) {
            self.walk_hot(dir, walked);
        }
    }

    fn walk_artifacts(&self, kind: ArtifactKind, root: &Dir, walked: &mut Walked) {
        let path = self.layout.roots().path(RootRole::of_kind(kind));
        let is_bucket = |path: &Path| self.is_bucket(kind, path);
        for entry in walked.list(root, path) {
            let below = path.join(&entry.name);
            match kind.spec().subdirectory {
                _ if is_expected(&entry) => {}
                Some(name) if entry.is_directory && entry.name == name => {
                    walked.descend(root, &entry, &below, |dir, walked| {
                        for entry in walked.list(dir, &below) {
                            self.walk_bucket(dir, &entry, &below, &is_bucket, walked);
                        }
                    });
                }
                _ if kind == ArtifactKind::TxHash && is_index_directory(&entry) => {
                    let is_window = |path: &Path| self.is_window(path);
                    walked.descend(root, &entry, &below, |dir, walked| {
                        for entry in walked.list(dir, &below) {
                            self.walk_bucket(dir, &entry, &below, &is_window, walked);
                        }
                    });
                }
                Some(_) => walked.foreign(&entry, below),
                None => self.walk_bucket(root, &entry, path, &is_bucket, walked),
            }
        }
    }

    /// Walks an entry of the directory that holds the buckets of a kind, or the windows of the indexes.
    fn walk_bucket(
        &self,
        parent: &Dir,
        entry: &Entry,
        path: &Path,
        is_bucket: &dyn Fn(&Path) -> bool,
        walked: &mut Walked,
    ) {
        let path = path.join(&entry.name);
        if !entry.is_directory || !is_bucket(&path) {
            walked.foreign(entry, path);
            return;
        }
        walked.descend(parent, entry, &path, |bucket, walked| {
            for entry in walked.list(bucket, &path) {
                let file = path.join(&entry.name);
                match self.layout.key_of(&file) {
                    Ok(key) => {
                        walked.files += 1;
                        walked.named.push(key);
                    }
                    Err(_) => walked.foreign(&entry, file),
                }
            }
        });
    }

    /// Returns whether this directory holds the files of some chunk.
    fn is_bucket(&self, kind: ArtifactKind, path: &Path) -> bool {
        first_chunk_of(path).is_some_and(|chunk| {
            let directory = self.layout.artifact_directory(ArtifactKey { chunk, kind });
            directory.as_os_str() == path.as_os_str()
        })
    }

    /// Returns whether this directory holds the indexes of some window.
    fn is_window(&self, path: &Path) -> bool {
        let coverage = first_chunk_of(path).and_then(|chunk| Coverage::new(chunk, chunk).ok());
        coverage.is_some_and(|coverage| {
            let file = self.layout.index_path(IndexKey { coverage });
            file.parent().map(Path::as_os_str) == Some(path.as_os_str())
        })
    }

    fn walk_hot(&self, root: &Dir, walked: &mut Walked) {
        let path = self.layout.roots().path(RootRole::Hot);
        for entry in walked.list(root, path) {
            if is_expected(&entry) {
                continue;
            }
            let below = path.join(&entry.name);
            match self.layout.key_of(&below) {
                Ok(key) => {
                    walked.directories += usize::from(entry.is_directory);
                    walked.named.push(key);
                }
                Err(_) => walked.foreign(&entry, below),
            }
        }
    }

    /// Returns the mismatches between the files of a key and the value that the catalog holds under the
    /// key.
    pub(super) fn look(&self, key: Key, value: Option<Value>) -> Vec<Finding> {
        match key {
            Key::Artifact(of) => {
                let paths = self.layout.artifact_paths(of);
                self.look_at_files(key, &ArtifactLocation::of(of), paths, value)
            }
            Key::Index(of) => {
                let paths = vec![self.layout.index_path(of)];
                self.look_at_files(key, &ArtifactLocation::of(of), paths, value)
            }
            Key::Hot(key) => self.look_at_hot(key, value).into_iter().collect(),
            Key::EarliestLedger => Vec::new(),
        }
    }

    fn look_at_files(
        &self,
        key: Key,
        location: &ArtifactLocation,
        paths: Vec<PathBuf>,
        value: Option<Value>,
    ) -> Vec<Finding> {
        let chain = match self.roots.get(location.role()) {
            Root::Open(root) => match DirChain::find(root, location) {
                Ok((chain, complete)) => complete.then_some(chain),
                Err(failure) => return vec![unreadable(failure.path.clone(), &failure)],
            },
            Root::Missing => None,
            Root::Unreadable => return Vec::new(),
        };
        let mut findings = Vec::new();
        for (name, path) in location.file_names().zip(paths) {
            let kind = chain.as_ref().map(|chain| chain.last().kind_of(&name));
            let kind = match kind.transpose() {
                Ok(kind) => kind.flatten(),
                Err(failure) => {
                    findings.push(unreadable(path, &failure));
                    continue;
                }
            };
            findings.extend(match (value, kind) {
                (Some(Value::Artifact(ArtifactState::Frozen)), None) => {
                    Some(Finding::FileMissing { key, path })
                }
                (None, Some(_)) => Some(Finding::FileWithoutKey { key, path }),
                (Some(Value::Artifact(state)), Some(EntryKind::Directory | EntryKind::Other)) => {
                    Some(Finding::NotAFile { key, state, path })
                }
                _ => None,
            });
        }
        findings
    }

    fn look_at_hot(&self, key: HotKey, value: Option<Value>) -> Option<Finding> {
        let path = self.layout.hot_path(key.chunk);
        let kind = match self.roots.get(RootRole::Hot) {
            Root::Open(root) => match root.kind_of(hot_name(key.chunk)) {
                Ok(kind) => kind,
                Err(failure) => return Some(unreadable(path, &failure)),
            },
            Root::Missing => None,
            Root::Unreadable => return None,
        };
        match (value, kind) {
            (Some(Value::Hot(HotState::Ready)), None) => {
                Some(Finding::DirectoryMissing { key, path })
            }
            (None, Some(_)) => Some(Finding::HotWithoutKey { key, path }),
            (Some(Value::Hot(state)), Some(EntryKind::File | EntryKind::Other)) => {
                Some(Finding::NotADirectory { key, state, path })
            }
            _ => None,
        }
    }
}

impl Walked {
    /// Returns the entries of a directory. If it cannot be listed, records a finding and returns an empty
    /// list.
    fn list(&mut self, dir: &Dir, path: &Path) -> Vec<Entry> {
        self.directories += 1;
        dir.list().unwrap_or_else(|failure| {
            self.findings.push(unreadable(path.to_path_buf(), &failure));
            Vec::new()
        })
    }

    fn descend(
        &mut self,
        parent: &Dir,
        entry: &Entry,
        path: &Path,
        walk: impl FnOnce(&Dir, &mut Self),
    ) {
        match parent.find_dir(&entry.name) {
            Ok(Some(dir)) => walk(&dir, self),
            Ok(None) => {}
            Err(failure) => self.findings.push(unreadable(path.to_path_buf(), &failure)),
        }
    }

    /// Records an entry that no key could name.
    fn foreign(&mut self, entry: &Entry, path: PathBuf) {
        self.findings.push(if entry.is_directory {
            Finding::ForeignDirectory { path }
        } else {
            Finding::StrayFile { path }
        });
    }
}

/// Returns the first chunk of the bucket, or of the window, whose number is the name of this directory.
fn first_chunk_of(path: &Path) -> Option<ChunkId> {
    let name = path.file_name()?.to_str()?;
    ChunkId::new(format!("{name}000").parse().ok()?).ok()
}

fn is_index_directory(entry: &Entry) -> bool {
    entry.is_directory && entry.name == INDEX_DIRECTORY
}

/// Returns whether a root may hold this entry beside the entries that keys name.
fn is_expected(entry: &Entry) -> bool {
    if entry.is_directory {
        return entry.name == LOST_AND_FOUND;
    }
    OWN_FILES.iter().any(|name| entry.name == *name)
}

fn unreadable(path: PathBuf, failure: &IoFailure) -> Finding {
    let mut cause = failure.to_string();
    let mut source = failure.source();
    while let Some(error) = source {
        cause = format!("{cause}: {error}");
        source = error.source();
    }
    Finding::Unreadable { path, cause }
}
