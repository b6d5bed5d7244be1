//! [`BelowFloor`]: everything below the retention floor, claimed for one sweep.

use super::Catalog;
use crate::artifact::{self, ClaimError, Prunable};
use crate::domain::{ChunkId, FileKey, HotState, Key, RetentionGate, ValueError};
use crate::failure::{AlreadyClaimed, ReadError};

/// The artifacts and the indexes below the retention floor, claimed, and the keys that could not be claimed.
#[derive(Debug, Default)]
#[must_use = "nothing is removed until `Catalog::sweep_chunk_artifacts` has taken the artifacts"]
#[non_exhaustive]
pub struct BelowFloor {
    /// The artifacts and the indexes, in any state, in the order of their keys: the batch for one sweep.
    pub prunable: Vec<Prunable>,
    /// Keys that a handle in this process owns: a later call finds them again.
    pub claimed: Vec<AlreadyClaimed>,
    /// Unrecognised values of keys below the floor: a person has to decide.
    pub unreadable: Vec<ValueError>,
}

/// # Prune below the floor
impl Catalog {
    /// Claims every artifact and every index that is wholly below the retention floor, to be swept in one batch. One key
    /// that is owned or unreadable does not stop the others.
    ///
    /// The batch contains frozen artifacts: the sweep demotes them. An index is below the floor if its last chunk is. Hot
    /// directories are not claimed, because discarding one takes evidence or an explicit decision.
    ///
    /// ```
    /// use frostline::{ChunkId, LedgerSeq};
    /// use frostline::geometry::Watermark;
    /// use frostline::retention::{Retention, RetentionGate};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let catalog = frostline::Catalog::open(frostline::StorageRoots::under(directory.path())?.lock()?)?;
    /// let last = Watermark::Complete(ChunkId::new(100)?);
    /// let gate = RetentionGate::new(last, Retention::from_chunks(10), LedgerSeq::GENESIS)?;
    /// let below = catalog.claim_below(gate)?;
    /// let swept = catalog.sweep_chunk_artifacts(below.prunable)?;
    /// println!("{} pruned, {} in use", swept.deleted.len(), below.claimed.len());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ReadError::Poisoned`].
    #[track_caller]
    pub fn claim_below(&self, gate: RetentionGate) -> Result<BelowFloor, ReadError> {
        let artifacts = self.chunk_artifact_keys()?;
        let artifacts = artifacts.map(|entry| entry.map(|(key, _)| FileKey::from(key)));
        let indexes = self.index_keys()?;
        let indexes = indexes.map(|entry| entry.map(|(key, _)| FileKey::from(key)));
        let mut below = BelowFloor::default();
        for entry in artifacts.chain(indexes) {
            match entry {
                Ok(key) if is_below(gate, key) => below.claim(self, key)?,
                Err(ReadError::Value(value)) if !is_of_key_below(gate, value.key) => {}
                Ok(_) => {}
                Err(error) => below.unread(error)?,
            }
        }
        Ok(below)
    }

    /// Returns the highest chunk with a `ready` hot directory, or `None` if there is no such chunk.
    ///
    /// # Errors
    ///
    /// [`ReadError`]: poisoned, or the hot value of a higher chunk is unrecognised.
    pub fn last_ready_hot(&self) -> Result<Option<ChunkId>, ReadError> {
        let mut last = None;
        for entry in self.hot_chunk_keys()? {
            // The entries before the last ready one do not matter.
            match entry {
                Ok((key, HotState::Ready)) => last = Some(Ok(key.chunk)),
                Ok((_, HotState::Transient)) => {}
                Err(error) => last = Some(Err(error)),
            }
        }
        last.transpose()
    }
}

fn is_below(gate: RetentionGate, key: FileKey) -> bool {
    gate.chunk_below_floor(match key {
        FileKey::Artifact(key) => key.chunk,
        FileKey::Index(key) => key.coverage.hi(),
    })
}

fn is_of_key_below(gate: RetentionGate, key: Key) -> bool {
    match key {
        Key::Artifact(key) => is_below(gate, key.into()),
        Key::Index(key) => is_below(gate, key.into()),
        Key::Hot(_) | Key::EarliestLedger => false,
    }
}

impl BelowFloor {
    #[track_caller]
    fn claim(&mut self, catalog: &Catalog, key: FileKey) -> Result<(), ReadError> {
        match artifact::claim_for_pruning(catalog.shared(), key) {
            // Its owner has removed it since the scan.
            Ok(None) => Ok(()),
            Ok(Some(prunable)) => {
                self.prunable.push(prunable);
                Ok(())
            }
            Err(ClaimError::Claimed(claimed)) => {
                self.claimed.push(claimed);
                Ok(())
            }
            Err(ClaimError::Read(error)) => self.unread(error),
        }
    }

    fn unread(&mut self, error: ReadError) -> Result<(), ReadError> {
        match error {
            ReadError::Value(unrecognised) => {
                self.unreadable.push(unrecognised);
                Ok(())
            }
            error => Err(error),
        }
    }
}
