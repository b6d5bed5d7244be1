//! The hot database of one chunk: a RocksDB whose keys are ledger sequence numbers.

#![expect(
    clippy::disallowed_types,
    reason = "what is in a hot directory belongs to the layer above the library"
)]

use frostline::{Catalog, ChunkId, Hot, LedgerSeq, Ready, Transient};
use rocksdb::{DB, InfoLogger, IteratorMode, LogLevel, Options, WriteBatch, WriteOptions};

use crate::Outcome;

/// An open hot database. It holds the claim on its directory for as long as it is open.
pub(crate) struct Database {
    db: DB,
    ready: Ready,
}

impl Database {
    /// Opens the chunk's hot database: what is ready must exist, what is not is made from nothing.
    pub(crate) fn open(catalog: &Catalog, chunk: ChunkId) -> Outcome<Self> {
        let database = match catalog.claim_hot(chunk)? {
            Hot::Ready(ready) => {
                // Never with `create_if_missing`: an empty database would silently take the place of
                // a lost one.
                let db = DB::open(&options(), ready.path())?;
                Self { db, ready }
            }
            Hot::Debris(debris) => Self::create(debris.recreate()?)?,
            Hot::Absent => Self::create(catalog.create_hot(chunk)?)?,
        };
        println!("   {chunk}: hot directory ready");
        Ok(database)
    }

    /// Creates the database while the directory is still transient: once it is ready, it is usable.
    fn create(transient: Transient) -> Outcome<Self> {
        let mut options = options();
        options.create_if_missing(true);
        options.set_error_if_exists(true);
        let db = DB::open(&options, transient.path())?;
        let ready = transient.ready()?;
        Ok(Self { db, ready })
    }

    pub(crate) fn has(&self, ledger: LedgerSeq) -> Outcome<bool> {
        Ok(self.db.get_pinned(ledger.get().to_be_bytes())?.is_some())
    }

    /// One synced batch.
    pub(crate) fn put(&self, ledger: LedgerSeq, bytes: &[u8]) -> Outcome<()> {
        let mut batch = WriteBatch::default();
        batch.put(ledger.get().to_be_bytes(), bytes);
        let mut synced = WriteOptions::default();
        synced.set_sync(true);
        Ok(self.db.write_opt(batch, &synced)?)
    }

    /// Every ledger, ascending.
    pub(crate) fn ledgers(&self) -> impl Iterator<Item = Outcome<(LedgerSeq, Box<[u8]>)>> {
        self.db.iterator(IteratorMode::Start).map(|entry| {
            let (key, bytes) = entry?;
            let key: [u8; 4] = key.as_ref().try_into()?;
            Ok((LedgerSeq::new(u32::from_be_bytes(key))?, bytes))
        })
    }

    /// Closes the database, and then lets go of the directory.
    pub(crate) fn close(self) {
        let Self { db, ready } = self;
        drop(db);
        drop(ready);
    }
}

fn options() -> Options {
    let mut options = Options::default();
    // Nothing in the background that would make two runs differ.
    options.set_info_logger(InfoLogger::new_callback_logger(LogLevel::Fatal, |_, _| {}));
    options.set_stats_dump_period_sec(0);
    options.set_stats_persist_period_sec(0);
    options
}
