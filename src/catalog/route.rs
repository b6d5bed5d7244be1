//! [`Route`]: the place where a ledger can be read.

use super::Catalog;
use crate::artifact::Lease;
use crate::domain::{ChunkId, Kind, LedgerSeq, RetentionGate};
use crate::failure::ReadError;
use crate::hot::HotLease;
use crate::protocol::{Reader, Source};

/// The place where a ledger can be read, with the right to read there.
#[derive(Debug, Clone)]
#[must_use = "the files or the directory stay only while the lease inside is held"]
pub enum Route<K: Kind<Id = ChunkId>> {
    /// The ledger is below the retention floor: it is not found, whatever is on disk.
    BelowFloor,
    /// In the files of its chunk.
    Cold(Lease<K>),
    /// In the hot directory of its chunk. Its files are not frozen.
    Hot(HotLease),
    /// Neither the files nor the hot directory of its chunk can be read.
    NotAvailable,
}

impl<K: Kind<Id = ChunkId>> Route<K> {
    /// Asks `look` for the place, if the ledger is admitted.
    pub(super) fn find(
        ledger: LedgerSeq,
        gate: RetentionGate,
        look: impl FnOnce(ChunkId) -> Result<Option<Source<Reader>>, ReadError>,
    ) -> Result<Self, ReadError> {
        if !gate.admits(ledger) {
            return Ok(Self::BelowFloor);
        }
        // The last ledgers of 32 bits are in no chunk.
        let Ok(chunk) = ledger.chunk() else {
            return Ok(Self::NotAvailable);
        };
        Ok(match look(chunk)? {
            None => Self::NotAvailable,
            Some(Source::Files(reader)) => Self::Cold(Lease::new(reader, chunk)),
            Some(Source::HotDirectory(reader)) => Self::Hot(HotLease::new(reader, chunk)),
        })
    }
}

/// # Route
impl Catalog {
    /// Returns the place where a ledger can be read: the files of kind `K` of its chunk, or else the hot directory of
    /// its chunk.
    ///
    /// The answer is of one instant. A chunk that moves from its hot directory to its files in one commit is found in
    /// one of the two places, however the call and the commit meet. Two calls, first [`lease`](Self::lease) and then
    /// [`lease_hot`](Self::lease_hot), can miss both: the chunk may move in between.
    ///
    /// ```
    /// use std::io::Write;
    /// use frostline::{ChunkId, LedgerSeq, Ledgers};
    /// use frostline::read::Route;
    /// use frostline::geometry::Watermark;
    /// use frostline::retention::{Retention, RetentionGate};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let catalog = frostline::Catalog::open(frostline::StorageRoots::under(directory.path())?.lock()?)?;
    /// # let chunk = ChunkId::new(7)?;
    /// # let mut freezing = catalog.begin::<Ledgers>(chunk)?;
    /// # freezing.file(Ledgers::PACK)?.write_all(b"ten thousand ledgers")?;
    /// # drop(freezing.freeze()?);
    /// let last = Watermark::Complete(chunk);
    /// let gate = RetentionGate::new(last, Retention::KeepAll, LedgerSeq::GENESIS)?;
    /// match catalog.route::<Ledgers>(chunk.first_ledger(), gate)? {
    ///     Route::Cold(lease) => assert_eq!(lease.open(Ledgers::PACK)?.size()?, 20),
    ///     Route::Hot(lease) => println!("read the database in {}", lease.path().display()),
    ///     Route::BelowFloor | Route::NotAvailable => println!("not found"),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ReadError`].
    pub fn route<K: Kind<Id = ChunkId>>(
        &self,
        ledger: LedgerSeq,
        gate: RetentionGate,
    ) -> Result<Route<K>, ReadError> {
        Route::find(ledger, gate, |chunk| {
            self.shared().lease_somewhere(K::key(chunk))
        })
    }
}
