//! [`Finding`]: one mismatch between the catalog and the files.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::domain::{ArtifactState, HotKey, HotState, IndexKey, Key};

const EVERY_FILE_HAS_ITS_KEY: &str = "every file has its key";
const FROZEN_IS_WHOLE: &str = "frozen is durable and complete";
const READY_IS_USABLE: &str = "ready is usable";
const ONE_INDEX: &str = "a window has at most one frozen index";

/// One mismatch between the catalog and the files, or one entry that the audit could not read.
///
/// The finding's text states the mismatch, the place, the broken invariant, if any, and the remedy.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Finding {
    /// An entry has the name of the file of an artifact or an index, but there is no such key: the key never existed, or
    /// the file has outlived it.
    FileWithoutKey {
        /// The key that names the file.
        key: Key,
        /// The file.
        path: PathBuf,
    },
    /// An entry has the name of a hot directory, but the directory has no key.
    HotWithoutKey {
        /// The key that names the directory.
        key: HotKey,
        /// The directory.
        path: PathBuf,
    },
    /// A key reads `frozen`, but one of its files is missing.
    FileMissing {
        /// The key.
        key: Key,
        /// The missing file.
        path: PathBuf,
    },
    /// The entry in the place of the file of an artifact or an index is not a regular file.
    NotAFile {
        /// The key.
        key: Key,
        /// The key's state.
        state: ArtifactState,
        /// The file's place.
        path: PathBuf,
    },
    /// A key reads `ready`, but its directory is missing.
    DirectoryMissing {
        /// The key.
        key: HotKey,
        /// The missing directory.
        path: PathBuf,
    },
    /// The entry in the place of a hot directory is not a directory.
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
    /// The catalog holds an unrecognised value under a key.
    UnrecognisedValue {
        /// The key.
        key: Key,
        /// The value, with bytes outside of printable ASCII escaped.
        raw: String,
    },
    /// Two indexes of one window are `frozen`.
    TwoIndexes {
        /// The key of the one index.
        first: IndexKey,
        /// The key of the other index.
        second: IndexKey,
    },
    /// An entry below a root that is not a directory and that no key could name.
    StrayFile {
        /// The file.
        path: PathBuf,
    },
    /// A directory below a root that no key could name and that could hold no file of a key. The audit did
    /// not look inside.
    ForeignDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// An entry could not be read, so this report does not cover it.
    Unreadable {
        /// The entry that could not be read.
        path: PathBuf,
        /// The reason, including its causes.
        cause: String,
    },
}

impl Finding {
    /// Returns the broken invariant, or `None` if no invariant is broken or if this cannot be known.
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
            Self::TwoIndexes { .. } => Some(ONE_INDEX),
            _ => None,
        }
    }

    /// Returns the finding's key, or `None` if it is about no key or about a key that cannot be parsed.
    #[must_use]
    pub fn key(&self) -> Option<Key> {
        match self {
            Self::FileWithoutKey { key, .. }
            | Self::FileMissing { key, .. }
            | Self::NotAFile { key, .. }
            | Self::UnrecognisedValue { key, .. } => Some(*key),
            Self::HotWithoutKey { key, .. }
            | Self::DirectoryMissing { key, .. }
            | Self::NotADirectory { key, .. } => Some((*key).into()),
            Self::TwoIndexes { first, .. } => Some((*first).into()),
            Self::UnknownKey { .. }
            | Self::StrayFile { .. }
            | Self::ForeignDirectory { .. }
            | Self::Unreadable { .. } => None,
        }
    }

    /// Returns the finding's path, or `None` if it is about the catalog's entries only.
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
            Self::UnknownKey { .. } | Self::UnrecognisedValue { .. } | Self::TwoIndexes { .. } => {
                None
            }
        }
    }

    /// Returns the name of the variant, as the JSON report spells it.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::FileWithoutKey { .. } => "file_without_key",
            Self::HotWithoutKey { .. } => "hot_without_key",
            Self::FileMissing { .. } => "file_missing",
            Self::NotAFile { .. } => "not_a_file",
            Self::DirectoryMissing { .. } => "directory_missing",
            Self::NotADirectory { .. } => "not_a_directory",
            Self::UnknownKey { .. } => "unknown_key",
            Self::UnrecognisedValue { .. } => "unrecognised_value",
            Self::TwoIndexes { .. } => "two_indexes",
            Self::StrayFile { .. } => "stray_file",
            Self::ForeignDirectory { .. } => "foreign_directory",
            Self::Unreadable { .. } => "unreadable",
        }
    }

    /// Writes the mismatch and its place.
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
            Self::TwoIndexes { first, second } => {
                write!(
                    f,
                    "`{first}` and `{second}` are both `frozen`, and are of one window"
                )
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

    /// Returns the remedy for a person.
    const fn remedy(&self) -> &'static str {
        match self {
            Self::FileWithoutKey { .. } | Self::HotWithoutKey { .. } => {
                "find out whether the catalog belongs to these roots, and only if it does, move it away"
            }
            Self::FileMissing {
                key: Key::Index(_), ..
            } => "restore it from a copy, or demote and sweep the index, and build it again",
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
            Self::TwoIndexes { .. } => {
                "find out which program wrote to the catalog, then demote and sweep the index that covers less"
            }
            Self::StrayFile { .. } | Self::ForeignDirectory { .. } => {
                "move it out of the root, which holds nothing but what keys name"
            }
            Self::Unreadable { .. } => "repair the cause, then audit again: this was not checked",
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
