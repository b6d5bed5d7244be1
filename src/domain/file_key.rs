//! [`FileKey`]: a key whose artifact is files.

use std::fmt;

use super::key::{IndexKey, Key};
use super::kind::{ArtifactKey, Kind};
use super::roots::RootRole;

/// The key of an artifact that is files: of a chunk's artifact, or of an index. Both have the states
/// [`ArtifactState`](crate::ArtifactState), and are pruned in the same way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKey {
    /// One kind of one chunk.
    Artifact(ArtifactKey),
    /// An index of transaction hashes.
    Index(IndexKey),
}

impl FileKey {
    /// The root that holds the files.
    pub(crate) const fn role(self) -> RootRole {
        match self {
            Self::Artifact(key) => RootRole::of_kind(key.kind),
            Self::Index(_) => RootRole::of_kind(super::TxHash::KIND),
        }
    }
}

impl From<ArtifactKey> for FileKey {
    fn from(key: ArtifactKey) -> Self {
        Self::Artifact(key)
    }
}

impl From<IndexKey> for FileKey {
    fn from(key: IndexKey) -> Self {
        Self::Index(key)
    }
}

impl From<FileKey> for Key {
    fn from(key: FileKey) -> Self {
        match key {
            FileKey::Artifact(key) => Self::Artifact(key),
            FileKey::Index(key) => Self::Index(key),
        }
    }
}

impl fmt::Display for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Key::from(*self).fmt(f)
    }
}
