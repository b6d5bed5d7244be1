//! The claim on an artifact's key, which every state holds.

use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;

use crate::domain::{ArtifactLocation, ArtifactState, FileKey, Key, Kind};
use crate::failure::{AlreadyClaimed, IoFailure};
use crate::fs::{Dir, DirChains};
use crate::protocol::{Change, Claim, Shared};

/// The claim on the key of an artifact or of an index. It has no kind, so sets, sweeps and indexes use the code of the
/// typed handles.
pub struct ArtifactClaim {
    pub(crate) shared: Arc<Shared>,
    pub(crate) claim: Claim,
    file_key: FileKey,
}

/// The claim on the key of an artifact of kind `K`: evidence of one kind cannot be made of another kind's claim.
pub struct KindClaim<K: Kind> {
    pub(crate) any: ArtifactClaim,
    pub(crate) id: K::Id,
    kind: PhantomData<fn() -> K>,
}

impl ArtifactClaim {
    #[track_caller]
    pub(crate) fn new(
        shared: &Arc<Shared>,
        key: impl Into<FileKey>,
    ) -> Result<Self, AlreadyClaimed> {
        let file_key = key.into();
        Ok(Self {
            shared: Arc::clone(shared),
            claim: shared.claims.claim(file_key.into())?,
            file_key,
        })
    }

    pub(crate) const fn key(&self) -> Key {
        self.claim.key()
    }

    /// Returns the location of the artifact's files.
    pub(crate) fn location(&self) -> ArtifactLocation {
        ArtifactLocation::of(self.file_key)
    }

    pub(crate) fn root(&self) -> &Arc<Dir> {
        self.shared.roots.dir(self.file_key.role())
    }

    /// A commit's change of this key.
    pub(crate) fn change(
        &self,
        expected: Option<ArtifactState>,
        next: Option<ArtifactState>,
    ) -> Change {
        Change {
            key: self.key(),
            expected: expected.map(ArtifactState::as_str),
            next: next.map(ArtifactState::as_str),
        }
    }

    /// Returns one of the artifact's files, if any exists.
    pub(super) fn find_file(&self, chains: &mut DirChains) -> Result<Option<PathBuf>, IoFailure> {
        let location = self.location();
        let (chain, complete) = chains.find(self.root(), &location)?;
        if complete {
            for name in location.file_names() {
                if chain.last().has(&name)? {
                    return Ok(Some(chain.last().join(name)));
                }
            }
        }
        Ok(None)
    }

    /// Unlinks the files that exist. A barrier on their directories must follow before the key may go.
    pub(crate) fn unlink_files(&self, chains: &mut DirChains) -> Result<(), IoFailure> {
        let location = self.location();
        let (chain, complete) = chains.find(self.root(), &location)?;
        if complete {
            for name in location.file_names() {
                chain.last().unlink(name)?;
            }
        }
        Ok(())
    }

    pub(crate) fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{name}({})", self.key())
    }
}

impl<K: Kind> KindClaim<K> {
    #[track_caller]
    pub(crate) fn new(shared: &Arc<Shared>, id: K::Id) -> Result<Self, AlreadyClaimed> {
        Ok(Self {
            any: ArtifactClaim::new(shared, K::key(id))?,
            id,
            kind: PhantomData,
        })
    }
}

/// The accessors that every typed handle of an artifact has.
macro_rules! artifact_handle {
    ($name:ident) => {
        impl<K: crate::domain::Kind> $name<K> {
            /// The name of the artifact among those of its kind.
            #[must_use]
            pub const fn id(&self) -> K::Id {
                self.claim.id
            }

            /// The artifact's key.
            #[must_use]
            pub fn key(&self) -> crate::domain::ArtifactKey {
                K::key(self.claim.id)
            }
        }

        impl<K: crate::domain::Kind<Id = crate::domain::ChunkId>> $name<K> {
            /// The artifact's chunk.
            #[must_use]
            pub const fn chunk(&self) -> crate::domain::ChunkId {
                self.claim.id
            }
        }

        impl<K: crate::domain::Kind> std::fmt::Debug for $name<K> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.claim.any.debug(stringify!($name), f)
            }
        }
    };
}
pub(crate) use artifact_handle;
