//! The two-way mapping between keys and paths below the storage roots.
//!
//! This module does no I/O. [`Layout::key_of`] accepts exactly the paths that the other direction gives.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::coverage::Coverage;
use super::file_key::FileKey;
use super::geometry::{ChunkId, WindowId};
use super::key::{HotKey, IndexKey, Key, parse_chunk};
use super::kind::{ArtifactKey, ArtifactKind, FileName, FileSuffixes, Kind};
use super::roots::{RootRole, StorageRoots};

/// The name of the lock file in each root.
pub const LOCK_FILE: &str = "frostline.lock";

/// The name of the file in the ledgers root that records the catalog's progress.
pub(crate) const WITNESS_FILE: &str = "frostline.witness";

/// The name of the witness file while it is being created.
pub(crate) const NEW_WITNESS_FILE: &str = "frostline.witness.new";

/// The name of the file in each root that records the root's catalog.
pub(crate) const IDENTITY_FILE: &str = "frostline.identity";

/// The name of the identity file while it is being created.
pub(crate) const NEW_IDENTITY_FILE: &str = "frostline.identity.new";

/// The names of the files that the library keeps in the roots for itself, beside artifacts and hot
/// directories. The store's files inside of the catalog root are not listed.
pub const OWN_FILES: [&str; 5] = [
    LOCK_FILE,
    IDENTITY_FILE,
    NEW_IDENTITY_FILE,
    WITNESS_FILE,
    NEW_WITNESS_FILE,
];

/// The directory that a new file system contains. Such a file system may be mounted on a root.
pub(crate) const LOST_AND_FOUND: &str = "lost+found";

/// The directory in the root of the transaction hashes that holds the windows' indexes.
pub(crate) const INDEX_DIRECTORY: &str = "index";

pub(crate) const INDEX_SUFFIX: &str = ".idx";

/// The suffixes of an index's one file.
const INDEX_FILES: &FileSuffixes = &FileSuffixes::new(INDEX_SUFFIX, &[]);

/// A directory below a root: the root, and the path from there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct DirPath {
    pub(crate) role: RootRole,
    /// The names joined by slashes; empty for the root itself.
    pub(crate) path: String,
}

/// The location of the files of an artifact of any kind, or of an index: their directory and their names.
#[derive(Debug, Clone)]
pub(crate) struct ArtifactLocation {
    directory: DirPath,
    /// The files' names without their suffixes.
    stem: String,
    suffixes: &'static FileSuffixes,
    /// The window of an index. Its directory is removed when it is empty.
    window: Option<WindowId>,
}

impl ArtifactLocation {
    pub(crate) fn of(key: impl Into<FileKey>) -> Self {
        match key.into() {
            FileKey::Artifact(key) => Self::of_artifact(key),
            FileKey::Index(key) => Self::of_index(key),
        }
    }

    fn of_artifact(key: ArtifactKey) -> Self {
        let spec = key.kind.spec();
        let bucket = key.chunk.bucket();
        let path = match spec.subdirectory {
            Some(subdirectory) => format!("{subdirectory}/{bucket}"),
            None => bucket.to_string(),
        };
        let role = RootRole::of_kind(key.kind);
        Self {
            directory: DirPath { role, path },
            stem: key.chunk.to_string(),
            suffixes: &spec.files,
            window: None,
        }
    }

    fn of_index(IndexKey { coverage }: IndexKey) -> Self {
        let role = RootRole::TxHash;
        let path = format!("{INDEX_DIRECTORY}/{}", coverage.window());
        Self {
            directory: DirPath { role, path },
            stem: format!("{}-{}", coverage.lo(), coverage.hi()),
            suffixes: INDEX_FILES,
            window: Some(coverage.window()),
        }
    }

    pub(crate) const fn role(&self) -> RootRole {
        self.directory.role
    }

    /// Returns the window of an index, or `None` for an artifact of a chunk.
    pub(crate) const fn window(&self) -> Option<WindowId> {
        self.window
    }

    /// Returns the directory of the files.
    pub(crate) const fn directory(&self) -> &DirPath {
        &self.directory
    }

    /// Iterates over the names of the directories between the root and the files, from the top.
    pub(crate) fn directories(&self) -> impl Iterator<Item = &str> {
        self.directory.path.split('/')
    }

    /// Iterates over the names of the artifact's files.
    pub(crate) fn file_names(&self) -> impl Iterator<Item = String> {
        self.suffixes.iter().map(|suffix| self.file_name(suffix))
    }

    pub(crate) fn file_name(&self, suffix: &str) -> String {
        format!("{}{suffix}", self.stem)
    }
}

/// Returns the path of an artifact's file from its root. Each opening under a lease builds one, so it is built without
/// the machinery of formatting.
pub(crate) fn path_from_root(key: FileKey, suffix: &str) -> String {
    let mut path = String::with_capacity(48);
    let key = match key {
        FileKey::Artifact(key) => key,
        FileKey::Index(key) => {
            let location = ArtifactLocation::of_index(key);
            path.extend([&location.directory.path, "/", &location.stem, suffix]);
            return path;
        }
    };
    if let Some(subdirectory) = key.kind.spec().subdirectory {
        path.push_str(subdirectory);
        path.push('/');
    }
    push_digits(&mut path, key.chunk.bucket().get(), 10_000);
    path.push('/');
    push_digits(&mut path, key.chunk.get(), 10_000_000);
    path.push_str(suffix);
    path
}

/// Appends a number's decimal digits, from the digit of this power of ten on.
fn push_digits(text: &mut String, number: u32, mut power: u32) {
    while power > 0 {
        let digit = u8::try_from(number / power % 10).unwrap_or(0);
        text.push(char::from(b'0' + digit));
        power /= 10;
    }
}

/// Returns the name of a chunk's directory in the hot root.
pub(crate) fn hot_name(chunk: ChunkId) -> String {
    chunk.to_string()
}

/// A path that is not the canonical path of an artifact, an index or a hot directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` names no artifact: below the roots there are only the files of a chunk in its bucket \
     directory, the indexes in the directory of their window, and hot directories", path.display()
)]
pub struct LayoutError {
    /// The path.
    pub path: PathBuf,
}

/// The two-way mapping between keys and paths, for one set of roots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    roots: StorageRoots,
}

impl Layout {
    /// Returns the roots that contain the paths.
    #[must_use]
    pub const fn roots(&self) -> &StorageRoots {
        &self.roots
    }

    /// Returns the paths of all of an artifact's files, in the order in which they are made durable.
    #[must_use]
    pub fn artifact_paths(&self, key: ArtifactKey) -> Vec<PathBuf> {
        let location = ArtifactLocation::of(key);
        let names = location.file_names();
        names.map(|name| self.path_of(&location, &name)).collect()
    }

    /// Returns the path of one of an artifact's files.
    #[must_use]
    pub fn artifact_path<K: Kind>(&self, id: K::Id, file: FileName<K>) -> PathBuf {
        let location = ArtifactLocation::of(K::key(id));
        self.path_of(&location, &location.file_name(file.suffix()))
    }

    /// Returns the bucket directory that contains an artifact's files.
    #[must_use]
    pub fn artifact_directory(&self, key: ArtifactKey) -> PathBuf {
        let location = ArtifactLocation::of(key);
        let mut path = self.roots.path(location.role()).to_path_buf();
        path.extend(location.directories());
        path
    }

    /// Returns the path of a file at a location.
    pub(crate) fn path_of(&self, location: &ArtifactLocation, name: &str) -> PathBuf {
        let mut path = self.roots.path(location.role()).to_path_buf();
        path.extend(location.directories().chain([name]));
        path
    }

    /// Returns the path of an index's file.
    #[must_use]
    pub fn index_path(&self, key: IndexKey) -> PathBuf {
        let location = ArtifactLocation::of_index(key);
        self.path_of(&location, &location.file_name(INDEX_SUFFIX))
    }

    /// Returns the path of a chunk's hot directory.
    #[must_use]
    pub fn hot_path(&self, chunk: ChunkId) -> PathBuf {
        self.roots.path(RootRole::Hot).join(hot_name(chunk))
    }

    /// Returns the one key that names this path.
    ///
    /// # Errors
    ///
    /// [`LayoutError`] for any other path, including another spelling of a valid path.
    pub fn key_of(&self, path: &Path) -> Result<Key, LayoutError> {
        self.recognize(path).ok_or_else(|| LayoutError {
            path: path.to_path_buf(),
        })
    }

    fn recognize(&self, path: &Path) -> Option<Key> {
        let name = path.file_name()?.as_encoded_bytes();
        let (digits, suffix) = name.split_at_checked(8)?;
        let chunk = parse_chunk(digits)?;
        if is_spelled(path, &self.hot_path(chunk)) {
            return Some(HotKey { chunk }.into());
        }
        if let Some(key) = index_key(chunk, suffix) {
            return is_spelled(path, &self.index_path(key)).then_some(key.into());
        }
        ArtifactKind::ALL
            .into_iter()
            .filter(|kind| kind.spec().files.iter().any(|s| s.as_bytes() == suffix))
            .map(|kind| ArtifactKey { chunk, kind })
            .find(|key| {
                let candidates = self.artifact_paths(*key);
                candidates
                    .iter()
                    .any(|candidate| is_spelled(path, candidate))
            })
            .map(Key::from)
    }
}

impl StorageRoots {
    /// Returns the mapping between keys and paths below these roots.
    #[must_use]
    pub fn layout(&self) -> Layout {
        Layout {
            roots: self.clone(),
        }
    }
}

/// Returns the key of the index from this chunk on whose file's name continues with these bytes.
fn index_key(lo: ChunkId, rest: &[u8]) -> Option<IndexKey> {
    let digits = rest
        .strip_prefix(b"-")?
        .strip_suffix(INDEX_SUFFIX.as_bytes())?;
    let coverage = Coverage::new(lo, parse_chunk(digits)?).ok()?;
    Some(IndexKey { coverage })
}

/// Compares byte for byte, because `Path`'s own equality takes `a//b` for `a/b`.
fn is_spelled(path: &Path, canonical: &Path) -> bool {
    let canonical: &OsStr = canonical.as_os_str();
    path.as_os_str() == canonical
}
