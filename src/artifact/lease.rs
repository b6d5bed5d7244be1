//! [`Lease`]: the right to read.

use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::Arc;

use super::Held;
use crate::claim::ReadClaim;
use crate::core::Core;
use crate::durable::Way;
use crate::error::{IoFailure, Operation, ReadError};
use crate::fs::ReadFile;
use crate::geometry::ChunkId;
use crate::key::ArtifactKey;
use crate::kind::{FileName, Kind};
use crate::layout::Place;
use crate::state::ArtifactState;

/// The right to read a frozen artifact: while one is held, its files stay.
///
/// Cheap to clone. Independent of who owns the key: a demotion goes ahead while leases are out, and
/// the files go when the last lease has.
#[must_use = "the files stay only while the lease is held"]
pub struct Lease<K: Kind> {
    core: Arc<Core>,
    claim: ReadClaim,
    key: ArtifactKey,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kind> Lease<K> {
    /// The artifact's chunk.
    #[must_use]
    pub const fn chunk(&self) -> ChunkId {
        self.key.chunk
    }

    /// The artifact's key.
    #[must_use]
    pub const fn key(&self) -> ArtifactKey {
        self.key
    }

    /// Opens one of the artifact's files for reading.
    ///
    /// # Errors
    ///
    /// [`IoFailure`] if the file cannot be opened.
    pub fn open(&self, file: FileName<K>) -> Result<ReadFile, IoFailure> {
        let place = Place { key: self.key };
        let (way, complete) = Way::find(self.core.roots.dir(place.role()), place)?;
        let name = place.file_name(file.suffix());
        if complete {
            return way.last().open_file(name);
        }
        let missing = std::io::Error::new(
            std::io::ErrorKind::NotFound,
            "its directory is missing, although the catalog says that it is frozen",
        );
        Err(IoFailure::new(
            Operation::OpenFile,
            self.path(file),
            missing,
        ))
    }

    /// The path of one of the artifact's files, for messages and for libraries that open by path.
    #[must_use]
    pub fn path(&self, file: FileName<K>) -> PathBuf {
        self.core.layout.artifact_path(self.key.chunk, file)
    }
}

impl<K: Kind> Clone for Lease<K> {
    fn clone(&self) -> Self {
        Self {
            core: Arc::clone(&self.core),
            claim: self.claim.clone(),
            key: self.key,
            kind: PhantomData,
        }
    }
}

impl<K: Kind> std::fmt::Debug for Lease<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lease({})", self.key)
    }
}

/// A lease on what an owned handle says is frozen.
pub(super) fn lease_of<K: Kind>(held: &Held) -> Lease<K> {
    Lease {
        core: Arc::clone(&held.core),
        claim: held.core.claims.read(held.key.into()),
        key: held.key,
        kind: PhantomData,
    }
}

/// A lease, if the artifact is frozen.
pub(crate) fn lease<K: Kind>(
    core: &Arc<Core>,
    chunk: ChunkId,
) -> Result<Option<Lease<K>>, ReadError> {
    let key = ArtifactKey {
        chunk,
        kind: K::KIND,
    };
    let readable = || Ok::<_, ReadError>(core.get(key)? == Some(ArtifactState::Frozen));
    let claim = core.claims.read_if(key.into(), readable)?;
    Ok(claim.map(|claim| Lease {
        core: Arc::clone(core),
        claim,
        key,
        kind: PhantomData,
    }))
}
