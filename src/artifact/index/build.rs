//! [`IndexBuild`]: the key is marked, and the index may be written.

use std::fmt;

use super::demoted::Demoted;
use super::promotion::Promotion;
use crate::artifact::claim::ArtifactClaim;
use crate::artifact::{
    ArtifactFile, Draft, FileWriter, Internal, Lease, Member, Prunable, Syncable, create_scratch,
    sync_one,
};
use crate::domain::{ArtifactState, Coverage, INDEX_SUFFIX, IndexKey, TxHash};
use crate::failure::{CreateError, Retryable, StepError, SyncError};
use crate::fs::ScratchFile;
use crate::protocol::{MadeDurable, Pending, WindowClaim};

/// An index that is being built.
///
/// It owns its key and its window, so a window has one build at a time, and it holds a lease on each of its inputs, the
/// transaction hashes of the chunks that it covers.
///
/// **Durable now:** the key, at `freezing`; of the file, leftovers of an earlier attempt. **A crash here leaves** the key
/// and any part of the file, which the next recovery removes, or the next build of the same coverage writes again.
/// **Next:** [`file`](Self::file) or [`writer`](Self::writer) and write, then [`sync`](Self::sync) and
/// [`Catalog::commit`](crate::Catalog::commit); or [`give_up`](Self::give_up). Dropping it leaves the same as a power cut.
///
/// ```
/// use std::io::Write;
/// use frostline::{ChunkId, TxHash};
/// use frostline::index::Coverage;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let catalog = frostline::Catalog::open(frostline::StorageRoots::under(directory.path())?.lock()?)?;
/// # for number in 0..3 {
/// #     let mut freezing = catalog.begin::<TxHash>(ChunkId::new(number)?)?;
/// #     freezing.file(TxHash::BIN)?.write_all(b"hashes")?;
/// #     drop(freezing.freeze()?);
/// # }
/// let mut build = catalog.begin_index(Coverage::new(ChunkId::new(0)?, ChunkId::new(2)?)?)?;
/// let mut file = build.writer()?;
/// for input in build.inputs() {
///     let mut hashes = input.open(TxHash::BIN)?;
///     std::io::copy(&mut hashes, &mut file)?;
/// }
/// drop(file);
/// let promoted = catalog.commit(build.sync()?)?;
/// assert_eq!(promoted.index.open()?.size()?, 18);
/// assert!(promoted.predecessor.is_none());
/// # Ok(())
/// # }
/// ```
#[must_use = "dropping it leaves the key at `freezing`, as a power cut would: write its file, then `sync` it"]
pub struct IndexBuild {
    key: IndexKey,
    claim: ArtifactClaim,
    window: WindowClaim,
    inputs: Vec<Lease<TxHash>>,
    draft: Draft,
}

impl IndexBuild {
    pub(super) const fn new(
        key: IndexKey,
        claim: ArtifactClaim,
        window: WindowClaim,
        inputs: Vec<Lease<TxHash>>,
        has_leftovers: bool,
    ) -> Self {
        Self {
            key,
            claim,
            window,
            inputs,
            draft: Draft::new(has_leftovers),
        }
    }

    /// The index's key.
    #[must_use]
    pub const fn key(&self) -> IndexKey {
        self.key
    }

    /// The chunks that the index covers.
    #[must_use]
    pub const fn coverage(&self) -> Coverage {
        self.key.coverage
    }

    /// Returns the transaction hashes of each chunk of the coverage, in ascending order.
    #[must_use]
    pub fn inputs(&self) -> impl ExactSizeIterator<Item = &Lease<TxHash>> {
        self.inputs.iter()
    }

    /// Returns the index's file, to append to. The first call creates it, a later one continues where the last one ended.
    ///
    /// The first call for an index that is built again removes the file of the earlier attempt.
    ///
    /// # Errors
    ///
    /// [`CreateError`] if the file or its directories cannot be created, or if its [`writer`](Self::writer) is out; the
    /// handle stays usable.
    pub fn file(&mut self) -> Result<ArtifactFile<'_>, CreateError> {
        self.draft.file(&self.claim, 0, INDEX_SUFFIX)
    }

    /// Takes the index's file out of the handle, as an owned writer. Dropping the writer gives the file back.
    ///
    /// While the writer is out, [`sync`](Self::sync) is refused.
    ///
    /// # Errors
    ///
    /// [`CreateError`] if the file or its directories cannot be created, or if its writer is out already; the handle
    /// stays usable.
    pub fn writer(&mut self) -> Result<FileWriter, CreateError> {
        self.draft.writer(&self.claim, 0, INDEX_SUFFIX)
    }

    /// Creates a file without a name for intermediate data, as [`Freezing::scratch`](crate::Freezing::scratch) does.
    ///
    /// # Errors
    ///
    /// [`CreateError`]; the handle stays usable.
    pub fn scratch(&self) -> Result<ScratchFile, CreateError> {
        create_scratch(&self.claim)
    }

    /// Makes the file durable, and claims the keys that the promotion demotes: the frozen index of the window, if there
    /// is one, and, if the coverage is terminal, the frozen transaction hashes that it covers. The leases on the inputs
    /// end.
    ///
    /// An index with no entries is legal, but its file must have been created.
    ///
    /// # Errors
    ///
    /// [`SyncError`]: refused, with the handle back, if another handle owns a key that is to be demoted, the file was not
    /// created or its writer is out. A failed fsync consumes the handle: it cannot be tried again.
    #[track_caller]
    pub fn sync(self) -> Result<Promotion, SyncError<Self>> {
        match Demoted::claim(&self.claim.shared, self.coverage()) {
            Ok(demoted) => {
                let build = self;
                sync_one(Prepared { build, demoted }).map_err(|error| error.map(|it| it.build))
            }
            Err(refusal) => Err(StepError::refused(self, refusal)),
        }
    }

    /// Stops building. The key stays at `freezing`; a sweep of the result removes the file and the key.
    pub fn give_up(self) -> Prunable {
        Prunable::new(self.claim, ArtifactState::Freezing)
    }
}

impl fmt::Debug for IndexBuild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.claim.debug("IndexBuild", f)
    }
}

/// A build whose promotion has its claims.
struct Prepared {
    build: IndexBuild,
    demoted: Demoted,
}

impl Member for Prepared {
    type Claim = (IndexKey, ArtifactClaim, WindowClaim, Demoted);
    type Output = Promotion;

    fn drafts(&self, _: &Internal) -> impl Iterator<Item = (&ArtifactClaim, &Draft)> {
        std::iter::once((&self.build.claim, &self.build.draft))
    }

    fn finish(self, pending: &mut Pending, _: &Internal) -> Result<Self::Claim, Retryable> {
        let Self { build, demoted } = self;
        build.draft.finish(&build.claim, pending)?;
        Ok((build.key, build.claim, build.window, demoted))
    }

    fn synced((key, claim, window, demoted): Self::Claim, proof: &MadeDurable) -> Promotion {
        Promotion::of_build(key, claim, window, demoted, proof)
    }
}

impl Syncable for Prepared {
    type Synced = Promotion;
}
