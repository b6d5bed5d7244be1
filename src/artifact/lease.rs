//! [`Lease`]: the right to read.

use std::marker::PhantomData;
use std::path::PathBuf;

use super::claim::KindClaim;
use crate::domain::{
    ArtifactKey, ArtifactLocation, ChunkId, FileKey, FileName, Kind, Ledgers, path_from_root,
};
use crate::failure::{IoFailure, Operation, ReadError};
use crate::fs::{DirChain, ReadFile};
use crate::protocol::evident::Evident;
use crate::protocol::{Evidence, Reader, Shared, Witnesses};
use crate::roots::LockedRoots;

/// The right to read a frozen artifact: while one is held, its files stay.
///
/// Cheap to clone. Independent of who owns the key: a demotion goes ahead while leases are out, and
/// the files go when the last lease has.
///
/// ```
/// use std::io::Write;
/// use frostline::{ChunkId, Ledgers};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let catalog = frostline::Catalog::open(frostline::StorageRoots::under(directory.path())?.lock()?)?;
/// # let chunk = ChunkId::new(7)?;
/// # let mut freezing = catalog.begin::<Ledgers>(chunk)?;
/// # freezing.file(Ledgers::PACK)?.write_all(b"ten thousand ledgers")?;
/// # drop(freezing.freeze()?);
/// if let Some(lease) = catalog.lease::<Ledgers>(chunk)? {
///     let file = lease.open(Ledgers::PACK)?;
///     assert_eq!(file.size()?, 20);
/// }
/// # Ok(())
/// # }
/// ```
#[must_use = "the files stay only while the lease is held"]
pub struct Lease<K: Kind> {
    reader: Reader,
    id: K::Id,
    kind: PhantomData<fn() -> K>,
}

impl<K: Kind> Lease<K> {
    pub(crate) const fn new(reader: Reader, id: K::Id) -> Self {
        Self {
            reader,
            id,
            kind: PhantomData,
        }
    }

    /// The name of the artifact among those of its kind.
    #[must_use]
    pub const fn id(&self) -> K::Id {
        self.id
    }

    /// The artifact's key.
    #[must_use]
    pub fn key(&self) -> ArtifactKey {
        K::key(self.id)
    }

    /// The artifact's chunk.
    #[must_use]
    pub const fn chunk(&self) -> K::Id
    where
        K: Kind<Id = ChunkId>,
    {
        self.id
    }

    /// Opens one of the artifact's files for reading.
    ///
    /// # Errors
    ///
    /// [`IoFailure`] if the file cannot be opened.
    pub fn open(&self, file: FileName<K>) -> Result<ReadFile, IoFailure> {
        open_file(&self.reader, self.key().into(), file.suffix())
    }

    /// The path of one of the artifact's files, for messages and for libraries that open by path.
    #[must_use]
    pub fn path(&self, file: FileName<K>) -> PathBuf {
        self.reader.layout().artifact_path(self.id, file)
    }
}

impl<K: Kind> Clone for Lease<K> {
    fn clone(&self) -> Self {
        Self {
            reader: self.reader.clone(),
            id: self.id,
            kind: PhantomData,
        }
    }
}

impl<K: Kind> std::fmt::Debug for Lease<K> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Lease({})", self.key())
    }
}

impl Evident for Lease<Ledgers> {
    fn attest(&self, witnesses: &mut Witnesses<'_>) {
        witnesses.add(self.key(), &self.reader);
    }
}

/// The artifact may have been demoted since, so the commit decides.
impl Evidence for Lease<Ledgers> {}

/// A lease on the artifact of a frozen handle.
pub(super) fn lease_of<K: Kind>(claim: &KindClaim<K>) -> Lease<K> {
    Lease::new(claim.any.shared.leases.take(K::key(claim.id)), claim.id)
}

/// Opens a file of an artifact or of an index for reading, for the holder of a lease.
pub(crate) fn open_file(
    roots: &LockedRoots,
    key: FileKey,
    suffix: &str,
) -> Result<ReadFile, IoFailure> {
    let root = roots.dir(key.role());
    let path = path_from_root(key, suffix);
    if let Some(file) = root.open_file_below(path.as_ref())? {
        return Ok(file);
    }
    let location = ArtifactLocation::of(key);
    // The directories one by one: the failure of the first that cannot be opened names it.
    let (chain, complete) = DirChain::find(root, &location)?;
    if complete {
        return chain.last().open_file(location.file_name(suffix));
    }
    let missing = std::io::Error::new(
        std::io::ErrorKind::NotFound,
        "its directory is missing, although the catalog says that it is frozen",
    );
    let path = root.join(path);
    Err(IoFailure::new(Operation::OpenFile, path, missing))
}

/// A lease, if the artifact is frozen.
pub(crate) fn lease<K: Kind>(shared: &Shared, id: K::Id) -> Result<Option<Lease<K>>, ReadError> {
    let reader = shared.lease(K::key(id))?;
    Ok(reader.map(|reader| Lease::new(reader, id)))
}
