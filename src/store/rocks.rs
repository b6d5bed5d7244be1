//! RocksDB: the only file that names it.

#![expect(clippy::disallowed_types, reason = "this is the room for RocksDB")]

use std::io;
use std::path::Path;

use rocksdb::{
    BottommostLevelCompaction, CompactOptions, DB, DBRecoveryMode, InfoLogger, IteratorMode,
    LogLevel, Options, ReadOptions, WriteBatch, WriteOptions,
};

use super::{Edit, RawEntry, Source};

/// Bytes of memtable, and so of log: small, so that a start has little to replay, and that a log, for
/// which RocksDB takes a tenth more than this from the disk at once, fits a small disk. Large enough for
/// some ten thousand commits between two flushes.
const WRITE_BUFFER: usize = 2 << 20;

/// Bytes of a manifest before it is rolled.
const MANIFEST: usize = 1 << 20;

/// Bytes that a scan of everything reads at once.
const SCAN_AHEAD: usize = 1 << 20;

/// Tables that starts may leave behind before one of them merges them.
const TABLES_KEPT: usize = 4;

pub(super) struct Rocks {
    db: DB,
    write: WriteOptions,
}

fn options() -> Result<Options, Source> {
    // Recovery without a flush: the tables of such a flush would be named by a new manifest before
    // their directory entries are durable.
    //
    // The manifest takes its space from the disk in pieces of 64 KiB: it holds a few hundred bytes, and
    // the 4 MiB of the default are not there on a small disk.
    let mut options = Options::default().get_options_from_string(
        "avoid_flush_during_recovery=true;stats_persist_period_sec=0;\
         manifest_preallocation_size=65536",
    )?;
    // Any damaged record is an error. A torn tail, which is legal, has been cut off before.
    options.set_wal_recovery_mode(DBRecoveryMode::AbsoluteConsistency);
    options.set_write_buffer_size(WRITE_BUFFER);
    options.set_max_manifest_file_size(MANIFEST);
    options.set_stats_dump_period_sec(0);
    // No information logs: they would grow beside a catalog of a few kilobytes.
    options.set_info_logger(InfoLogger::new_callback_logger(LogLevel::Fatal, |_, _| {}));
    options.create_if_missing(false);
    Ok(options)
}

impl Rocks {
    /// Opens a store that exists.
    pub(super) fn open(path: &Path) -> Result<Self, Source> {
        Self::start(&options()?, path)
    }

    /// Creates an empty store where there is none, and closes it again.
    pub(super) fn create(path: &Path) -> Result<(), Source> {
        let mut options = options()?;
        options.create_if_missing(true);
        options.set_error_if_exists(true);
        Self::start(&options, path).map(drop)
    }

    /// Every entry of a store that exists and that another process may have open. Writes nothing: no
    /// lock, no log of its own, no new manifest.
    pub(super) fn read_all(path: &Path) -> Result<Vec<RawEntry>, Source> {
        let mut options = options()?;
        // The last record may be in the middle of being written.
        options.set_wal_recovery_mode(DBRecoveryMode::PointInTime);
        let db = DB::open_for_read_only(&options, path, false)?;
        let entries = db.iterator(IteratorMode::Start);
        Ok(entries.collect::<Result<_, _>>()?)
    }

    fn start(options: &Options, path: &Path) -> Result<Self, Source> {
        let mut write = WriteOptions::default();
        write.set_sync(true);
        Ok(Self {
            db: DB::open(options, path).map_err(said)?,
            write,
        })
    }

    /// Moves everything from the logs to a table, so that the logs can go; and, now and then, all
    /// tables into one, because a process may not live long enough to do that by the way.
    pub(super) fn flush(&self) -> Result<(), Source> {
        self.db.flush().map_err(said)?;
        if self.db.live_files().map_err(said)?.len() >= TABLES_KEPT {
            let mut options = CompactOptions::default();
            // Merged for good, and not only moved to another level as they are.
            options.set_bottommost_level_compaction(BottommostLevelCompaction::Force);
            self.db
                .compact_range_opt(None::<&[u8]>, None::<&[u8]>, &options);
        }
        Ok(())
    }

    pub(super) fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Source> {
        self.db.get(key).map_err(said)
    }

    pub(super) fn write(&self, edits: &[Edit]) -> Result<(), Source> {
        let mut batch = WriteBatch::default();
        for edit in edits {
            match &edit.value {
                Some(value) => batch.put(edit.key.as_bytes(), value.as_bytes()),
                None => batch.delete(edit.key.as_bytes()),
            }
        }
        self.db.write_opt(batch, &self.write).map_err(said)
    }

    #[cfg(feature = "sim")]
    pub(super) fn plant(&self, key: &[u8], value: Option<&[u8]>) -> Result<(), Source> {
        let planted = match value {
            Some(value) => self.db.put_opt(key, value, &self.write),
            None => self.db.delete_opt(key, &self.write),
        };
        planted.map_err(said)
    }

    /// Shows every entry, in byte order, in place.
    pub(super) fn for_each(&self, mut visit: impl FnMut(&[u8], &[u8])) -> Result<(), Source> {
        let mut read = ReadOptions::default();
        // Each block is read once.
        read.fill_cache(false);
        read.set_readahead_size(SCAN_AHEAD);
        let mut entries = self.db.raw_iterator_opt(read);
        entries.seek_to_first();
        while let Some((key, value)) = entries.item() {
            visit(key, value);
            entries.next();
        }
        entries.status().map_err(said)
    }
}

/// What RocksDB says, with the kind that a full disk has among the system's errors: RocksDB tells it by
/// its text only, and the operator needs other advice than for a damaged store.
fn said(error: rocksdb::Error) -> Source {
    let text = error.into_string();
    let kind = if text.contains("No space left on device") {
        io::ErrorKind::StorageFull
    } else if text.contains("Disk quota exceeded") {
        io::ErrorKind::QuotaExceeded
    } else {
        return text.into();
    };
    io::Error::new(kind, text).into()
}
