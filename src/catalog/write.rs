//! Committing transitions, pinning the earliest ledger, sweeping.

use super::Catalog;
use super::pin::{PinError, PinOutcome};
use super::sweep::{SweepError, Swept, sweep};
use crate::artifact::Sweepable;
use crate::domain::{EarliestLedgerKey, LedgerSeq, decode_value};
use crate::failure::CommitError;
use crate::protocol::{CommitFailure, Transition, commit_to};

/// # Write
impl Catalog {
    /// Pins the earliest ledger, once and for ever.
    ///
    /// # Errors
    ///
    /// [`PinError`] if another ledger is pinned, or if no chunk begins with this one.
    pub fn pin_earliest_ledger(&self, ledger: LedgerSeq) -> Result<PinOutcome, PinError> {
        if !ledger.starts_chunk() {
            return Err(PinError::NotChunkStart(ledger));
        }
        let key = EarliestLedgerKey;
        let stored = match self.shared().put_once(key.into(), &ledger.to_string()) {
            Ok(stored) => stored,
            Err(CommitFailure::Refused(refusal)) => return Err(PinError::Commit(refusal)),
            Err(CommitFailure::Fatal(fatal)) => return Err(PinError::Fatal(fatal)),
        };
        let Some(bytes) = stored else {
            return Ok(PinOutcome::Pinned);
        };
        let pinned = decode_value(key, &bytes)?;
        if pinned == ledger {
            return Ok(PinOutcome::AlreadyPinned);
        }
        Err(PinError::Conflict {
            pinned,
            wanted: ledger,
        })
    }

    /// Commits transitions of any kinds: one synced batch, all or nothing.
    ///
    /// Every stored value is compared first with the value that its transition starts from.
    ///
    /// ```
    /// use std::io::Write;
    /// use frostline::{ChunkId, Ledgers};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let catalog = frostline::Catalog::open(frostline::StorageRoots::under(directory.path())?.lock()?)?;
    /// # let (old, new) = (ChunkId::new(7)?, ChunkId::new(8)?);
    /// # let mut freezing = catalog.begin::<Ledgers>(old)?;
    /// # freezing.file(Ledgers::PACK)?.write_all(b"old")?;
    /// # let expired = freezing.freeze()?;
    /// # let mut freezing = catalog.begin::<Ledgers>(new)?;
    /// # freezing.file(Ledgers::PACK)?.write_all(b"new")?;
    /// // One artifact becomes frozen and another one stops being so, at the same instant.
    /// let (frozen, pruning) = catalog.commit((freezing.sync()?, expired.demote()))?;
    /// # drop((frozen, pruning));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`CommitError`]: refused with the transitions back, if a stored value differs, a handle is of another catalog,
    /// the disk has no space, or the catalog is poisoned; or fatal.
    pub fn commit<T: Transition>(&self, transition: T) -> Result<T::Next, CommitError<T>> {
        commit_to(self.shared(), transition)
    }

    /// Removes a batch of artifacts, files and keys: one demoting commit, the unlinks, one fsync per
    /// distinct directory, one deleting commit. Missing files are fine; an empty batch does nothing.
    ///
    /// # Errors
    ///
    /// [`SweepError`]: refused with the batch back; or, after the demotion, with the keys left to sweep again.
    pub fn sweep_chunk_artifacts<S: Sweepable>(
        &self,
        batch: impl IntoIterator<Item = S>,
    ) -> Result<Swept, SweepError> {
        sweep(self.shared(), batch.into_iter().map(S::into).collect())
    }
}
