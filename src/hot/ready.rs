//! [`Ready`]: the directory is durable, and may be the only copy of its ledgers.

use std::path::PathBuf;

use super::claim::{HotClaim, hot_handle};
use super::debris::HotDebris;
use super::demotion::HotDemotion;
use super::lease::HotLease;
use crate::failure::CommitError;
use crate::protocol::commit;

/// A hot directory that is durable, owned by this handle.
///
/// **Durable now:** the directory, its entry, and the key at `ready`. **A crash here leaves** exactly
/// that. **Next:** open the chunk's database in [`path`](Self::path), without creating one that is
/// missing; [`demote`](Self::demote) once the chunk is frozen, or in the commit that freezes it.
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
/// let (_frozen, debris) = catalog.commit((freezing.sync()?, ready.demote()))?;
/// debris.remove()?;
/// # Ok(())
/// # }
/// ```
#[must_use = "the handle owns the key: drop it explicitly when done, or `demote` it"]
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
    pub fn demote(self) -> HotDemotion {
        HotDemotion {
            claim: self.claim,
            is_missing: false,
        }
    }

    /// [`demote`](Self::demote) and the commit of this one directory. Close the database before it is removed.
    ///
    /// # Errors
    ///
    /// [`CommitError`].
    pub fn discard(self) -> Result<HotDebris, CommitError<Self>> {
        commit(self.demote()).map_err(|error| error.map(|demotion| Self::new(demotion.claim)))
    }
}
