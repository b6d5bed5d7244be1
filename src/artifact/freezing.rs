//! [`Freezing`]: the key is marked, and the files may be written.

use std::io::ErrorKind;

use super::claim::{ArtifactClaim, KindClaim, artifact_handle};
use super::draft::sealed::{Internal, Member};
use super::draft::{self, ArtifactFile, Draft, Syncable};
use super::frozen::Frozen;
use super::synced::Synced;
use super::writer::FileWriter;
use crate::domain::{FileName, Kind};
use crate::failure::{
    CommitError, CreateError, Error, FailureKind, NextStep, Retryable, SyncError,
};
use crate::fs::ScratchFile;
use crate::protocol::{MadeDurable, Pending, commit};

/// An artifact that is being written.
///
/// **Durable now:** the key, at `freezing`; of the files, leftovers of an earlier attempt. **A crash here leaves** the
/// key and any part of the files: [`Debris`](crate::Debris), which is written again or removed, never read. **Next:**
/// [`file`](Self::file) and write every file of the kind, then [`sync`](Self::sync) and
/// [`Catalog::commit`](crate::Catalog::commit), or [`freeze`](Self::freeze) for both; or [`abandon`](Self::abandon).
/// Dropping it leaves the same as a power cut.
///
/// ```
/// use std::io::Write;
/// use frostline::{ChunkId, Events};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let catalog = frostline::Catalog::open(frostline::StorageRoots::under(directory.path())?.lock()?)?;
/// let mut freezing = catalog.begin::<Events>(ChunkId::new(7)?)?;
/// freezing.file(Events::EVENTS)?.write_all(b"events")?;
/// freezing.file(Events::INDEX)?.write_all(b"index")?;
/// freezing.file(Events::HASH)?.write_all(b"hash table")?;
/// let frozen = freezing.freeze()?;
/// assert_eq!(frozen.key().to_string(), "chunk:00000007:events");
/// # Ok(())
/// # }
/// ```
#[must_use = "dropping it leaves the key at `freezing`, as a power cut would: write its files, then `sync` or `freeze` it"]
pub struct Freezing<K: Kind> {
    claim: KindClaim<K>,
    draft: Draft,
}

artifact_handle!(Freezing);

impl<K: Kind> Freezing<K> {
    pub(super) const fn new(claim: KindClaim<K>, has_leftovers: bool) -> Self {
        let draft = Draft::new(has_leftovers);
        Self { claim, draft }
    }

    pub(super) const fn claim(&self) -> &KindClaim<K> {
        &self.claim
    }

    pub(super) fn into_claim(self) -> KindClaim<K> {
        self.claim
    }

    /// Returns one of the artifact's files, to append to. The first call creates it, a later one continues
    /// where the last one ended.
    ///
    /// The first call for an artifact that is written again removes the files of the earlier attempt.
    ///
    /// # Errors
    ///
    /// [`CreateError`] if the file or its directories cannot be created, or if the file's [`writer`](Self::writer) is
    /// out; the handle stays usable.
    pub fn file(&mut self, file: FileName<K>) -> Result<ArtifactFile<'_>, CreateError> {
        self.draft
            .file(&self.claim.any, file.position(), file.suffix())
    }

    /// Takes one of the artifact's files out of the handle, as an owned writer. The first call creates the file, a later
    /// one continues where the last one ended. Dropping the writer gives the file back.
    ///
    /// While the writer is out, [`sync`](Self::sync) is refused.
    ///
    /// # Errors
    ///
    /// [`CreateError`] if the file or its directories cannot be created, or if the file's writer is out already; the
    /// handle stays usable.
    pub fn writer(&mut self, file: FileName<K>) -> Result<FileWriter, CreateError> {
        self.draft
            .writer(&self.claim.any, file.position(), file.suffix())
    }

    /// Takes all of the artifact's files out of the handle, in the order of [`FileName::all`].
    ///
    /// # Errors
    ///
    /// As [`writer`](Self::writer). No writer is then given out, and the files that were created stay.
    pub fn writers(&mut self) -> Result<Vec<FileWriter>, CreateError> {
        FileName::all().map(|file| self.writer(file)).collect()
    }

    /// Creates a file without a name on the file system of the artifact's root, for intermediate data. A crash leaves
    /// nothing of it, and `sync` does not wait for it.
    ///
    /// On a simulated disk, the file is in memory and takes no space.
    ///
    /// # Errors
    ///
    /// [`CreateError::NoScratch`] if the file system has no files without names; [`CreateError`] if the file cannot be
    /// created. The handle stays usable.
    ///
    /// ```
    /// use std::io::Write;
    /// use frostline::{ChunkId, TxHash};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let catalog = frostline::Catalog::open(frostline::StorageRoots::under(directory.path())?.lock()?)?;
    /// let mut freezing = catalog.begin::<TxHash>(ChunkId::new(7)?)?;
    /// let scratch = freezing.scratch()?;
    /// scratch.write_all_at(b"hashes of one ledger", 0)?;
    /// let mut sorted = [0; 6];
    /// scratch.read_exact_at(&mut sorted, 0)?;
    /// freezing.file(TxHash::BIN)?.write_all(&sorted)?;
    /// let frozen = freezing.freeze()?;
    /// assert_eq!(frozen.lease().open(TxHash::BIN)?.size()?, 6);
    /// # Ok(())
    /// # }
    /// ```
    pub fn scratch(&self) -> Result<ScratchFile, CreateError> {
        create_scratch(&self.claim.any)
    }

    /// Makes the files durable: fsyncs each through the descriptor that wrote it, then their
    /// directory, then every directory above that this process has not yet made durable. Threads share the fsyncs of a
    /// directory, and one sync of the file system if they have many files together. A
    /// [`SyncGroup`](crate::SyncGroup) does so for many artifacts with few barriers.
    ///
    /// # Errors
    ///
    /// [`SyncError`]: refused, with the handle back, if a file was not created or its writer is out. A failed fsync
    /// consumes the handle: it cannot be tried again.
    pub fn sync(self) -> Result<Synced<K>, SyncError<Self>> {
        draft::sync_one(self)
    }

    /// [`sync`](Self::sync) and the commit of this one artifact.
    ///
    /// # Errors
    ///
    /// [`FreezeError`].
    pub fn freeze(self) -> Result<Frozen<K>, FreezeError<K>> {
        let synced = self.sync().map_err(FreezeError::Sync)?;
        commit(synced).map_err(FreezeError::Commit)
    }
}

/// Creates a file without a name on the file system of an artifact's root.
pub(crate) fn create_scratch(claim: &ArtifactClaim) -> Result<ScratchFile, CreateError> {
    claim.shared.poison.check()?;
    claim.root().create_scratch().map_err(|failure| {
        if failure.source.kind() == ErrorKind::Unsupported {
            return CreateError::NoScratch { path: failure.path };
        }
        failure.into()
    })
}

/// An artifact that could not be frozen.
///
/// While the error is kept, a handle inside of it keeps its key claimed, the catalog open and the roots locked.
/// [`Refused::into_handle`](crate::error::Refused::into_handle) of the inner error gives the handle back. Dropping the
/// error, or turning it into an [`Error`], drops the handle.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FreezeError<K: Kind> {
    /// Its files could not be made durable.
    #[error(transparent)]
    Sync(SyncError<Freezing<K>>),
    /// Its files are durable, and the flip could not be committed.
    #[error(transparent)]
    Commit(CommitError<Synced<K>>),
}

impl<K: Kind> FreezeError<K> {
    /// The consequence of the failure.
    #[must_use]
    pub const fn kind(&self) -> FailureKind {
        match self {
            Self::Sync(error) => error.kind(),
            Self::Commit(error) => error.kind(),
        }
    }

    /// The act that follows the failure.
    #[must_use]
    pub fn next(&self) -> NextStep {
        match self {
            Self::Sync(error) => error.next(),
            Self::Commit(error) => error.next(),
        }
    }
}

impl<K: Kind> From<FreezeError<K>> for Error {
    fn from(error: FreezeError<K>) -> Self {
        match error {
            FreezeError::Sync(error) => error.into(),
            FreezeError::Commit(error) => error.into(),
        }
    }
}

impl<K: Kind> Member for Freezing<K> {
    type Claim = KindClaim<K>;
    type Output = Synced<K>;

    fn drafts(&self, _: &Internal) -> impl Iterator<Item = (&ArtifactClaim, &Draft)> {
        std::iter::once((&self.claim.any, &self.draft))
    }

    fn finish(self, pending: &mut Pending, _: &Internal) -> Result<KindClaim<K>, Retryable> {
        self.draft.finish(&self.claim.any, pending)?;
        Ok(self.claim)
    }

    fn synced(claim: KindClaim<K>, proof: &MadeDurable) -> Synced<K> {
        Synced::new(claim, proof)
    }
}

impl<K: Kind> Syncable for Freezing<K> {
    type Synced = Synced<K>;
}
