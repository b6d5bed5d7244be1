//! [`Finding`]: one thing in which the catalog and the files disagree.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::domain::{ArtifactKey, ArtifactState, HotKey, HotState, Key};

const EVERY_FILE_HAS_ITS_KEY: &str = "every file has its key";
const FROZEN_IS_WHOLE: &str = "frozen is durable and complete";
const READY_IS_USABLE: &str = "ready is usable";

/// One thing in which the catalog and the files disagree, or that could not be looked at.
///
/// Its text says what was found, where, which promise it breaks, if any, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Finding {
    /// Something has the name of an artifact's file, and the artifact has no key: it never had one, or
    /// it has outlived it.
    FileWithoutKey {
        /// The key that names the file.
        key: ArtifactKey,
        /// The file.
        path: PathBuf,
    },
    /// Something has the name of a hot directory, and the directory has no key.
    HotWithoutKey {
        /// The key that names the directory.
        key: HotKey,
        /// The directory.
        path: PathBuf,
    },
    /// A key reads `frozen`, and one of its files is missing.
    FileMissing {
        /// The key.
        key: ArtifactKey,
        /// The file that should be there.
        path: PathBuf,
    },
    /// What stands in the place of an artifact's file is not a regular file.
    NotAFile {
        /// The key.
        key: ArtifactKey,
        /// The key's state.
        state: ArtifactState,
        /// The file's place.
        path: PathBuf,
    },
    /// A key reads `ready`, and its directory is missing.
    DirectoryMissing {
        /// The key.
        key: HotKey,
        /// The directory that should be there.
        path: PathBuf,
    },
    /// What stands in the place of a hot directory is not a directory.
    NotADirectory {
        /// The key.
        key: HotKey,
        /// The key's state.
        state: HotState,
        /// The directory's place.
        path: PathBuf,
    },
    /// The catalog holds a key that this library does not know.
    UnknownKey {
        /// The key, with bytes outside of printable ASCII escaped.
        spelling: String,
    },
    /// The catalog holds a value that is none of its key's values.
    UnrecognisedValue {
        /// The key.
        key: Key,
        /// The value, with bytes outside of printable ASCII escaped.
        raw: String,
    },
    /// Something below a root that is not a directory and that no key could name.
    StrayFile {
        /// The file.
        path: PathBuf,
    },
    /// A directory below a root that no key could name, nor any file of a key be in. What is inside
    /// was not looked at.
    ForeignDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// Something could not be looked at, so this report does not cover it.
    Unreadable {
        /// What could not be looked at.
        path: PathBuf,
        /// Why, causes included.
        cause: String,
    },
}

impl Finding {
    /// The promise to readers that is broken; none if no promise is, or if that cannot be known.
    #[must_use]
    pub const fn breaks(&self) -> Option<&'static str> {
        match self {
            Self::FileWithoutKey { .. } | Self::HotWithoutKey { .. } => {
                Some(EVERY_FILE_HAS_ITS_KEY)
            }
            Self::FileMissing { .. }
            | Self::NotAFile {
                state: ArtifactState::Frozen,
                ..
            } => Some(FROZEN_IS_WHOLE),
            Self::DirectoryMissing { .. }
            | Self::NotADirectory {
                state: HotState::Ready,
                ..
            } => Some(READY_IS_USABLE),
            _ => None,
        }
    }

    /// The key that it is about; none if it is about no key, or about one that cannot be parsed.
    #[must_use]
    pub fn key(&self) -> Option<Key> {
        match self {
            Self::FileWithoutKey { key, .. }
            | Self::FileMissing { key, .. }
            | Self::NotAFile { key, .. } => Some((*key).into()),
            Self::HotWithoutKey { key, .. }
            | Self::DirectoryMissing { key, .. }
            | Self::NotADirectory { key, .. } => Some((*key).into()),
            Self::UnrecognisedValue { key, .. } => Some(*key),
            Self::UnknownKey { .. }
            | Self::StrayFile { .. }
            | Self::ForeignDirectory { .. }
            | Self::Unreadable { .. } => None,
        }
    }

    /// The path that it is about; none if it is about the catalog's entries only.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::FileWithoutKey { path, .. }
            | Self::HotWithoutKey { path, .. }
            | Self::FileMissing { path, .. }
            | Self::NotAFile { path, .. }
            | Self::DirectoryMissing { path, .. }
            | Self::NotADirectory { path, .. }
            | Self::StrayFile { path }
            | Self::ForeignDirectory { path }
            | Self::Unreadable { path, .. } => Some(path),
            Self::UnknownKey { .. } | Self::UnrecognisedValue { .. } => None,
        }
    }

    /// The name of the variant, as the JSON report spells it.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::FileWithoutKey { .. } => "file_without_key",
            Self::HotWithoutKey { .. } => "hot_without_key",
            Self::FileMissing { .. } => "file_missing",
            Self::NotAFile { .. } => "not_a_file",
            Self::DirectoryMissing { .. } => "directory_missing",
            Self::NotADirectory { .. } => "not_a_directory",
            Self::UnknownKey { .. } => "unknown_key",
            Self::UnrecognisedValue { .. } => "odd_value",
            Self::StrayFile { .. } => "stray_file",
            Self::ForeignDirectory { .. } => "foreign_directory",
            Self::Unreadable { .. } => "unreadable",
        }
    }

    /// What was found, and where.
    fn what(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::FileWithoutKey { key, path } => {
                write!(f, "`{}` is there without its key `{key}`", path.display())
            }
            Self::HotWithoutKey { key, path } => {
                write!(f, "`{}` is there without its key `{key}`", path.display())
            }
            Self::FileMissing { key, path } => {
                write!(f, "`{key}` is `frozen` and `{}` is missing", path.display())
            }
            Self::NotAFile { key, state, path } => write!(
                f,
                "`{key}` is `{state}` and `{}` is not a regular file",
                path.display()
            ),
            Self::DirectoryMissing { key, path } => {
                write!(f, "`{key}` is `ready` and `{}` is missing", path.display())
            }
            Self::NotADirectory { key, state, path } => write!(
                f,
                "`{key}` is `{state}` and `{}` is not a directory",
                path.display()
            ),
            Self::UnknownKey { spelling } => {
                write!(f, "the catalog holds `{spelling}`, which is no key of it")
            }
            Self::UnrecognisedValue { key, raw } => {
                write!(f, "`{key}` holds `{raw}`, which is none of its values")
            }
            Self::StrayFile { path } => {
                write!(f, "`{}` is a file that no key could name", path.display())
            }
            Self::ForeignDirectory { path } => {
                write!(
                    f,
                    "`{}` is a directory that no key could name; not looked into",
                    path.display()
                )
            }
            Self::Unreadable { cause, .. } => f.write_str(cause),
        }
    }

    /// What a person is to do.
    const fn remedy(&self) -> &'static str {
        match self {
            Self::FileWithoutKey { .. } | Self::HotWithoutKey { .. } => {
                "find out whether the catalog belongs to these roots, and only if it does, move it away"
            }
            Self::FileMissing { .. } => {
                "restore it from a copy, or demote and sweep the artifact, and freeze it again"
            }
            Self::NotAFile { .. } => "move what is there away, then restore or remove the artifact",
            Self::DirectoryMissing { .. } => {
                "restore it from a copy, or claim the key and discard it"
            }
            Self::NotADirectory { .. } => {
                "move what is there away, then restore or discard the directory"
            }
            Self::UnknownKey { .. } => {
                "if a newer version wrote it, use that version; nothing here touches it"
            }
            Self::UnrecognisedValue { .. } => {
                "restore the catalog from a copy, or put a right value there by hand"
            }
            Self::StrayFile { .. } | Self::ForeignDirectory { .. } => {
                "move it out of the root, which holds nothing but what keys name"
            }
            Self::Unreadable { .. } => "mend the cause, then audit again: this was not checked",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.what(f)?;
        if let Some(promise) = self.breaks() {
            write!(f, " (breaks: {promise})")?;
        }
        write!(f, ": {}", self.remedy())
    }
}
