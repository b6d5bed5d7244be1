//! The five storage roots, as paths. This module does no I/O.

use std::fmt;
use std::path::{Path, PathBuf};

use super::kind::ArtifactKind;

/// The role of a root directory.
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

    /// Returns the root's path below the data directory, for a root that the configuration does not place
    /// elsewhere.
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
    /// Calls `make` for each role in the order of [`RootRole::ALL`], up to the first failure.
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

    /// Iterates over each role and its value, in the order of [`RootRole::ALL`].
    pub(crate) fn iter(&self) -> impl Iterator<Item = (RootRole, &T)> {
        RootRole::ALL.into_iter().map(|role| (role, self.get(role)))
    }
}

/// A path that cannot be a root, or cannot hold the roots.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RootPathError {
    /// The path is the empty string.
    #[error("the {what} is an empty path: give the directory's absolute path")]
    Empty {
        /// The use of the path, such as `ledgers root`.
        what: String,
    },
    /// The path depends on the current directory.
    #[error("the {what} `{}` is relative: give an absolute path", path.display())]
    Relative {
        /// The use of the path, such as `ledgers root`.
        what: String,
        /// The path as given.
        path: PathBuf,
    },
}

/// The five root directories, as absolute paths. No directory has been opened yet.
///
/// The only next step is to lock them, which gives [`LockedRoots`](crate::LockedRoots).
#[derive(Clone, PartialEq, Eq)]
pub struct StorageRoots {
    paths: PerRole<PathBuf>,
}

impl StorageRoots {
    /// Returns the default layout below a data directory.
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

    /// Returns these roots, with one of them at another path.
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

    /// Returns the path of one root.
    #[must_use]
    pub fn path(&self, role: RootRole) -> &Path {
        self.paths.get(role)
    }

    /// Iterates over each role and its path, in the order in which the roots are locked.
    pub fn iter(&self) -> impl Iterator<Item = (RootRole, &Path)> {
        self.paths.iter().map(|(role, path)| (role, path.as_path()))
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
