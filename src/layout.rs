//! Where everything is: the five roots, and the two-way mapping between keys and paths.
//!
//! Pure: nothing here touches the disk. [`Layout::key_of`] accepts exactly the paths that the other
//! direction gives.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};

use crate::geometry::{BucketId, ChunkId};
use crate::key::{ArtifactKey, HotKey, Key, parse_chunk};
use crate::kind::{ArtifactKind, FileName, Kind};

/// The name of the lock file in each root.
pub const LOCK_FILE: &str = "frostline.lock";

/// The record, in the ledgers root, of how far the catalog had come.
pub(crate) const WITNESS_FILE: &str = "frostline.witness";

/// Its name while it is being created.
pub(crate) const NEW_WITNESS_FILE: &str = "frostline.witness.new";

/// The record, in each root, of the catalog that it belongs to.
pub(crate) const IDENTITY_FILE: &str = "frostline.identity";

/// Its name while it is being created.
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

/// What a fresh file system brings, which may be mounted on a root.
pub(crate) const LOST_AND_FOUND: &str = "lost+found";

/// What a root directory is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RootRole {
    /// The catalog's own database.
    Catalog,
    /// Artifacts of kind ledgers.
    Ledgers,
    /// Artifacts of kind events.
    Events,
    /// Artifacts of kind txhash.
    TxHash,
    /// Hot directories.
    Hot,
}

impl RootRole {
    /// Every role, in the order in which the roots are locked.
    pub const ALL: [Self; 5] = [
        Self::Catalog,
        Self::Ledgers,
        Self::Events,
        Self::TxHash,
        Self::Hot,
    ];

    /// Where the root is below the data directory, when the configuration does not say otherwise.
    #[must_use]
    pub const fn default_below_data(self) -> &'static str {
        match self {
            Self::Catalog => "catalog/rocksdb",
            Self::Ledgers => "ledgers",
            Self::Events => "events",
            Self::TxHash => "txhash",
            Self::Hot => "hot",
        }
    }

    pub(crate) const fn of_kind(kind: ArtifactKind) -> Self {
        match kind {
            ArtifactKind::Ledgers => Self::Ledgers,
            ArtifactKind::Events => Self::Events,
            ArtifactKind::TxHash => Self::TxHash,
        }
    }
}

impl fmt::Display for RootRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Catalog => "catalog",
            Self::Ledgers => "ledgers",
            Self::Events => "events",
            Self::TxHash => "txhash",
            Self::Hot => "hot",
        })
    }
}

/// One value for each role.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PerRole<T> {
    catalog: T,
    ledgers: T,
    events: T,
    txhash: T,
    hot: T,
}

impl<T> PerRole<T> {
    /// Makes the values in the order of [`RootRole::ALL`], up to the first failure.
    pub(crate) fn try_new<E>(mut make: impl FnMut(RootRole) -> Result<T, E>) -> Result<Self, E> {
        Ok(Self {
            catalog: make(RootRole::Catalog)?,
            ledgers: make(RootRole::Ledgers)?,
            events: make(RootRole::Events)?,
            txhash: make(RootRole::TxHash)?,
            hot: make(RootRole::Hot)?,
        })
    }

    pub(crate) const fn get(&self, role: RootRole) -> &T {
        match role {
            RootRole::Catalog => &self.catalog,
            RootRole::Ledgers => &self.ledgers,
            RootRole::Events => &self.events,
            RootRole::TxHash => &self.txhash,
            RootRole::Hot => &self.hot,
        }
    }

    pub(crate) const fn get_mut(&mut self, role: RootRole) -> &mut T {
        match role {
            RootRole::Catalog => &mut self.catalog,
            RootRole::Ledgers => &mut self.ledgers,
            RootRole::Events => &mut self.events,
            RootRole::TxHash => &mut self.txhash,
            RootRole::Hot => &mut self.hot,
        }
    }

    /// Each role with its value, in the order of [`RootRole::ALL`].
    pub(crate) fn iter(&self) -> impl Iterator<Item = (RootRole, &T)> {
        RootRole::ALL.into_iter().map(|role| (role, self.get(role)))
    }
}

/// A path that cannot be a root, or hold the roots.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RootPathError {
    /// The path is the empty string.
    #[error("the {what} is an empty path: give the directory's absolute path")]
    Empty {
        /// What the path was for, such as `ledgers root`.
        what: String,
    },
    /// The path depends on the current directory.
    #[error("the {what} `{}` is relative: give an absolute path", path.display())]
    Relative {
        /// What the path was for, such as `ledgers root`.
        what: String,
        /// The path as given.
        path: PathBuf,
    },
}

/// The five root directories, as absolute paths: nothing has been opened yet.
///
/// Locking them is the only way on, to [`LockedRoots`](crate::LockedRoots).
#[derive(Clone, PartialEq, Eq)]
pub struct StorageRoots {
    paths: PerRole<PathBuf>,
}

impl StorageRoots {
    /// The default layout below a data directory.
    ///
    /// # Errors
    ///
    /// [`RootPathError`] if the data directory is empty or relative.
    pub fn under(data_dir: impl AsRef<Path>) -> Result<Self, RootPathError> {
        let data_dir = data_dir.as_ref();
        let paths = PerRole::try_new(|role| {
            check("data directory", data_dir)?;
            Ok(data_dir.join(role.default_below_data()))
        })?;
        Ok(Self { paths })
    }

    /// These roots, with one of them elsewhere.
    ///
    /// # Errors
    ///
    /// [`RootPathError`] if the path is empty or relative.
    pub fn with(mut self, role: RootRole, path: impl Into<PathBuf>) -> Result<Self, RootPathError> {
        let path = path.into();
        check(&format!("{role} root"), &path)?;
        *self.paths.get_mut(role) = path;
        Ok(self)
    }

    /// The path of one root.
    #[must_use]
    pub fn path(&self, role: RootRole) -> &Path {
        self.paths.get(role)
    }

    /// Each role with its path, in the order in which the roots are locked.
    pub fn iter(&self) -> impl Iterator<Item = (RootRole, &Path)> {
        self.paths.iter().map(|(role, path)| (role, path.as_path()))
    }

    /// The mapping between keys and paths below these roots.
    #[must_use]
    pub fn layout(&self) -> Layout {
        Layout {
            roots: self.clone(),
        }
    }
}

impl fmt::Debug for StorageRoots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

fn check(what: &str, path: &Path) -> Result<(), RootPathError> {
    let what = what.to_owned();
    if path.as_os_str().is_empty() {
        return Err(RootPathError::Empty { what });
    }
    if path.is_relative() {
        let path = path.to_path_buf();
        return Err(RootPathError::Relative { what, path });
    }
    Ok(())
}

/// Where an artifact's files are, relative to the root of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) key: ArtifactKey,
}

impl Place {
    pub(crate) fn role(self) -> RootRole {
        RootRole::of_kind(self.key.kind)
    }

    /// The directories between the root and the files, from the top.
    pub(crate) fn directories(self) -> impl Iterator<Item = String> {
        let subdirectory = self.key.kind.spec().subdirectory.map(str::to_owned);
        let bucket = self.key.chunk.bucket().to_string();
        subdirectory.into_iter().chain([bucket])
    }

    /// The names of the artifact's files.
    pub(crate) fn file_names(self) -> impl Iterator<Item = String> {
        let suffixes = self.key.kind.spec().files.iter();
        suffixes.map(move |suffix| self.file_name(suffix))
    }

    pub(crate) fn file_name(self, suffix: &str) -> String {
        format!("{}{suffix}", self.key.chunk)
    }

    /// What identifies the directory of the files among all of its kind.
    pub(crate) fn bucket(self) -> (RootRole, BucketId) {
        (self.role(), self.key.chunk.bucket())
    }
}

/// The name of a chunk's directory in the hot root.
pub(crate) fn hot_name(chunk: ChunkId) -> String {
    chunk.to_string()
}

/// A path that is not the canonical path of an artifact or a hot directory.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` names no artifact: below the roots there are only the files of a chunk in its bucket \
     directory, and hot directories", path.display()
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
    /// The roots below which the paths are.
    #[must_use]
    pub const fn roots(&self) -> &StorageRoots {
        &self.roots
    }

    /// The paths of all of an artifact's files, in the order in which they are made durable.
    #[must_use]
    pub fn artifact_paths(&self, key: ArtifactKey) -> Vec<PathBuf> {
        let directory = self.artifact_directory(key);
        let names = Place { key }.file_names();
        names.map(|name| directory.join(name)).collect()
    }

    /// The path of one of an artifact's files.
    #[must_use]
    pub fn artifact_path<K: Kind>(&self, chunk: ChunkId, file: FileName<K>) -> PathBuf {
        let key = ArtifactKey {
            chunk,
            kind: K::KIND,
        };
        let name = Place { key }.file_name(file.suffix());
        self.artifact_directory(key).join(name)
    }

    /// The bucket directory that an artifact's files live in.
    #[must_use]
    pub fn artifact_directory(&self, key: ArtifactKey) -> PathBuf {
        let place = Place { key };
        let mut directory = self.roots.path(place.role()).to_path_buf();
        directory.extend(place.directories());
        directory
    }

    /// A chunk's hot directory.
    #[must_use]
    pub fn hot_path(&self, chunk: ChunkId) -> PathBuf {
        self.roots.path(RootRole::Hot).join(hot_name(chunk))
    }

    /// The one key that names this path.
    ///
    /// # Errors
    ///
    /// [`LayoutError`] for any other path, another spelling of a right one included.
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

/// Byte for byte: `Path`'s own equality takes `a//b` for `a/b`.
fn is_spelled(path: &Path, canonical: &Path) -> bool {
    let canonical: &OsStr = canonical.as_os_str();
    path.as_os_str() == canonical
}
