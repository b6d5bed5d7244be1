//! [`Ready`]: the directory is durable, and may be the only copy of its ledgers.

use std::path::PathBuf;

use super::claim::{HotClaim, hot_handle};
use super::debris::HotDebris;
use super::demotion::HotDemotion;
use super::lease::HotLease;
use crate::domain::ArtifactSet;
use crate::failure::{RemovalError, StepError};
use crate::protocol::{Evidence, commit, required};

/// A hot directory that is durable, owned by this handle.
///
/// **Durable now:** the directory, its entry, and the key at `ready`. **A crash here leaves** exactly
/// that. **Next:** open the chunk's database in [`path`](Self::path), without creating one that is
/// missing; [`retire`](Self::retire) once the chunk is frozen, or in the commit that freezes it.
///
/// ```
/// use std::io::Write;
/// use frostline::{ChunkId, Ledgers};
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let catalog = frostline::Catalog::open(frostline::StorageRoots::under(directory.path())?.lock()?)?;
/// let chunk = ChunkId::new(7)?;
/// let transient = catalog.create_hot(chunk)?;
/// // The chunk's database is created in `transient.path()`.
/// let ready = transient.ready()?;
///
/// // Freeze the chunk, and retire its hot directory in the commit that freezes it.
/// let mut freezing = catalog.begin::<Ledgers>(chunk)?;
/// freezing.file(Ledgers::PACK)?.write_all(b"ten thousand ledgers")?;
/// let synced = freezing.sync()?;
/// let retired = ready.retire(&synced)?;
/// let (_frozen, debris) = catalog.commit((synced, retired))?;
/// debris.remove()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "the handle owns the key: drop it explicitly when done, or `retire` it"]
pub struct Ready {
    claim: HotClaim,
}

hot_handle!(Ready);

impl Ready {
    pub(super) const fn new(claim: HotClaim) -> Self {
        Self { claim }
    }

    /// The path of the chunk's database.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.claim.path()
    }

    /// The right to read the directory.
    #[must_use = "the directory stays only while the lease is held"]
    pub fn lease(&self) -> HotLease {
        HotLease::of(&self.claim)
    }

    /// The intent to discard the directory, to be committed. Nothing has happened yet.
    ///
    /// The directory may be the only copy of its ledgers, so the call takes [`Evidence`] that they are frozen, or are
    /// about to be. The commit compares the stored values. It is refused, with the handles back, unless each artifact
    /// of the evidence is frozen, or becomes so in the same batch. The evidence stays with the caller.
    ///
    /// # Errors
    ///
    /// [`RemovalError`], refused with the handle back, if the evidence is of another chunk or of another catalog, or
    /// if it is a set without the ledgers.
    pub fn retire<E: Evidence>(self, evidence: &E) -> Result<HotDemotion, RemovalError<Self>> {
        let HotClaim { shared, chunk, .. } = &self.claim;
        match required(evidence, self.claim.key(), *chunk, &shared.roots) {
            Ok(kinds) => Ok(self.demotion(kinds)),
            Err(refusal) => Err(StepError::refused(self, refusal)),
        }
    }

    /// The intent to discard the directory without evidence, to be committed. Nothing has happened yet.
    ///
    /// Once it is committed and the directory is removed, ledgers that are in no other place are lost. Use
    /// [`retire`](Self::retire) for a chunk that is frozen.
    pub fn give_up_only_copy(self) -> HotDemotion {
        self.demotion(ArtifactSet::EMPTY)
    }

    fn demotion(self, required: ArtifactSet) -> HotDemotion {
        HotDemotion {
            claim: self.claim,
            is_missing: false,
            required,
        }
    }

    /// [`retire`](Self::retire) and the commit of this one directory, for a chunk that is frozen. Close the database
    /// before the directory is removed.
    ///
    /// ```
    /// use std::io::Write;
    /// use frostline::{ChunkId, Ledgers};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let catalog = frostline::Catalog::open(frostline::StorageRoots::under(directory.path())?.lock()?)?;
    /// let chunk = ChunkId::new(7)?;
    /// let ready = catalog.create_hot(chunk)?.ready()?;
    /// let mut freezing = catalog.begin::<Ledgers>(chunk)?;
    /// freezing.file(Ledgers::PACK)?.write_all(b"ten thousand ledgers")?;
    /// let frozen = freezing.freeze()?;
    /// ready.discard(&frozen)?.remove()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`RemovalError`].
    pub fn discard<E: Evidence>(self, evidence: &E) -> Result<HotDebris, RemovalError<Self>> {
        commit(self.retire(evidence)?)
            .map_err(|error| error.map(|demotion| Self::new(demotion.claim)))
    }
}
