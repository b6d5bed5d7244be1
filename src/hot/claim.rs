//! The claim on a hot directory's key, which every state holds.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::domain::{ChunkId, HotKey, HotState, Key, RootRole, hot_name};
use crate::failure::{AlreadyClaimed, Fatal, IoFailure};
use crate::fs::{Dir, EntryKind};
use crate::protocol::{Change, Changes, Claim, HotDirectory, Shared};

/// The claim on a hot directory's key, and the location of the directory.
pub(super) struct HotClaim {
    pub(super) shared: Arc<Shared>,
    claim: Claim,
    pub(super) chunk: ChunkId,
}

impl HotClaim {
    #[track_caller]
    pub(super) fn new(shared: &Arc<Shared>, chunk: ChunkId) -> Result<Self, AlreadyClaimed> {
        let claim = shared.claims.claim(HotKey { chunk }.into())?;
        Ok(Self {
            shared: Arc::clone(shared),
            claim,
            chunk,
        })
    }

    pub(super) const fn key(&self) -> Key {
        self.claim.key()
    }

    pub(super) fn root(&self) -> &Arc<Dir> {
        self.shared.roots.dir(RootRole::Hot)
    }

    /// The directory's name in the hot root.
    pub(super) fn name(&self) -> String {
        hot_name(self.chunk)
    }

    pub(super) fn path(&self) -> PathBuf {
        self.shared.roots.layout().hot_path(self.chunk)
    }

    /// Whether the directory was missing when the key was marked or given up, and has not been created since.
    pub(super) fn is_missing(&self) -> bool {
        self.shared.hot_directory(self.chunk) == Some(HotDirectory::Missing)
    }

    pub(super) fn set(&self, directory: Option<HotDirectory>) {
        self.shared.set_hot_directory(self.chunk, directory);
    }

    /// Whether the name is that of another directory than this key's own: its own was missing, or has been replaced.
    pub(super) fn is_back(&self) -> Result<bool, IoFailure> {
        match self.shared.hot_directory(self.chunk) {
            // A leftover of an earlier process is the key's own.
            None => Ok(false),
            Some(HotDirectory::Missing) => self.exists(),
            Some(HotDirectory::Created(own)) => {
                let name = self.name();
                match self.root().kind_of(&name)? {
                    None => Ok(false),
                    // Its number may be that of the directory, which is free again.
                    Some(EntryKind::File | EntryKind::Other) => Ok(true),
                    Some(EntryKind::Directory) => {
                        let found = self.root().mark_of(&name)?;
                        Ok(found.is_some_and(|found| found != own))
                    }
                }
            }
        }
    }

    /// Whether the directory, or something else with its name, is there.
    pub(super) fn exists(&self) -> Result<bool, IoFailure> {
        self.root().has(self.name())
    }

    /// Adds a commit's change of this key.
    pub(super) fn push(
        &self,
        changes: &mut Changes<'_>,
        expected: Option<HotState>,
        next: Option<HotState>,
    ) {
        let change = Change {
            key: self.key(),
            expected: expected.map(HotState::as_str),
            next: next.map(HotState::as_str),
        };
        changes.push(&self.shared, change);
    }

    /// Makes the entries of the hot root durable, and before that those of a directory in it.
    pub(super) fn sync_root(&self, inside: Option<&Dir>) -> Result<(), Fatal> {
        let Shared {
            barriers, poison, ..
        } = &*self.shared;
        barriers.sync_root(self.root(), inside, poison)
    }

    pub(super) fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{name}({})", self.key())
    }
}

/// The accessors that every handle of a hot directory has.
macro_rules! hot_handle {
    ($name:ident) => {
        impl $name {
            /// The directory's chunk.
            #[must_use]
            pub const fn chunk(&self) -> crate::domain::ChunkId {
                self.claim.chunk
            }

            /// The directory's key.
            #[must_use]
            pub const fn key(&self) -> crate::domain::HotKey {
                crate::domain::HotKey {
                    chunk: self.claim.chunk,
                }
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.claim.debug(stringify!($name), f)
            }
        }
    };
}
pub(super) use hot_handle;
